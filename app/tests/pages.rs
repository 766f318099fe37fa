//! Every page and every form, rendered in memory: both languages, every role, what goes wrong.

mod boot;
mod commands;
mod distributions;
mod inside;
mod many;
mod memory;
mod overview;
mod packages;
mod processes;
mod tables;
mod visitor;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use domain::user::Role;
use memory::{BACKUP, BINNED, CSRF, Memory, RUNNING_OPERATION, SETUP_TOKEN};
use tables::{functions, pages};
use tower::ServiceExt;
use visitor::{ask, get, post};

#[tokio::test]
async fn every_page_is_there_in_both_languages() {
    let memory = Memory::new();
    for (path, role, english, french) in pages() {
        for (language, text) in [("en", english), ("fr", french)] {
            let answer = get(&memory, role.as_str(), language, &path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert!(answer.text.contains(text), "{path} {language} lacks {text}: {}", answer.text);
            assert!(answer.text.contains(&format!("<html lang=\"{language}\"")), "{path}");
            assert!(answer.text.contains("· Ulysse</title>"), "{path} has no title");
        }
    }
}

#[tokio::test]
async fn each_page_is_for_its_role_and_those_above() {
    let memory = Memory::new();
    for (path, least, ..) in pages() {
        let nobody = get(&memory, "nobody", "en", &path).await;
        assert_eq!(nobody.status, StatusCode::SEE_OTHER, "{path}");
        assert!(nobody.location.starts_with("/login"), "{path} sends to {}", nobody.location);
        for role in Role::ALL {
            let expected = if role >= least { StatusCode::OK } else { StatusCode::FORBIDDEN };
            let answer = get(&memory, role.as_str(), "en", &path).await;
            assert_eq!(answer.status, expected, "{path} as {role}");
        }
    }
}

#[tokio::test]
async fn a_viewer_sees_no_button_that_changes_anything() {
    let memory = Memory::new();
    for path in
        ["/vservers", "/vservers/web1", "/operations", "/operations/01JADQ8Z9XKXQ5Y7D2M3N4P5R6"]
    {
        let text = get(&memory, "viewer", "en", path).await.text;
        for action in ["api/vservers/stop", "api/terminals", "api/operations/cancel", "/build\""] {
            assert!(!text.contains(action), "{path} offers {action}");
        }
        let text = get(&memory, "operator", "en", path).await.text;
        assert!(text.contains("api/"), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_with_its_status() {
    let memory = Memory::new();
    for path in
        ["/nowhere", "/vservers/ghost", "/operations/01JADQ8Z9XKXQ5Y7D2M3N4P5ZZ", "/users/99"]
    {
        let answer = get(&memory, "administrator", "en", path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text.contains("<h1>Not found<"), "{path}: {}", answer.text);
    }
    let bad = get(&memory, "administrator", "en", "/vservers/a%20b").await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn an_engine_that_is_down_is_said_with_the_way_out() {
    let memory = Memory { engine_is_down: true, ..Memory::new() };
    for (language, text) in [("en", "Try again"), ("fr", "Réessayer")] {
        let answer = get(&memory, "administrator", language, "/vservers").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.text.contains(text) && answer.text.contains("R-1234"));
    }
}

#[tokio::test]
async fn no_vservers_is_a_page_of_its_own() {
    let memory = Memory { is_empty: true, ..Memory::new() };
    let operator = get(&memory, "operator", "en", "/vservers").await.text;
    assert!(operator.contains("Build the first VServer"));
    let viewer = get(&memory, "viewer", "en", "/vservers").await.text;
    assert!(viewer.contains("There is no VServer yet") && !viewer.contains("Build the first"));
}

#[tokio::test]
async fn a_thousand_vservers_are_one_list() {
    let memory = Memory { more_vservers: 1000, ..Memory::new() };
    let text = get(&memory, "administrator", "en", "/vservers").await.text;
    assert_eq!(text.matches("<tr data-state").count(), 1003, "{}", &text[..9000]);
    assert!(text.contains("VServers: 1003, running: 1001"));
}

#[tokio::test]
async fn pages_hold_no_inline_style_and_every_script_has_the_nonce() {
    let memory = Memory::new();
    for (path, ..) in pages() {
        let answer = get(&memory, "administrator", "en", &path).await;
        assert!(!answer.text.contains(" style=\""), "{path} has an inline style");
        let nonce = answer.policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
        for script in answer.text.split("<script").skip(1) {
            let tag = script.split('>').next().unwrap();
            assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "{path}: <script{tag}>");
        }
    }
}

#[tokio::test]
async fn a_refused_form_comes_back_with_what_was_typed() {
    let memory = Memory::new();
    let body = format!(
        "csrf={CSRF}&form%5Bname%5D=web1&form%5Bpackages%5D=ssh%3B&form%5Bcontext%5D=40001"
    );
    let answer = post(&memory, "operator", "text/html", "/api/vservers/build", body).await;
    assert_eq!((answer.status, answer.location.as_str()), (StatusCode::SEE_OTHER, "/build"));
    let form = get(&memory, "operator", "en", "/build").await.text;
    assert!(form.contains("value=\"web1\""));
    assert!(form.contains("This name is taken."), "{form}");
    assert!(form.contains("Context 40001 belongs to web1."));
    assert!(form.contains("R-1234"));
    let again = get(&memory, "operator", "en", "/build").await.text;
    assert!(!again.contains("value=\"web1\""), "it is shown once");
}

#[tokio::test]
async fn a_password_never_comes_back() {
    let memory = Memory::new();
    let body = format!("csrf={CSRF}&name=ada&password=wrong-password&next=%2Foperations");
    let answer = post(&memory, "nobody", "text/html", "/api/account/log-in", body).await;
    assert_eq!(answer.location, "/login?next=/operations");
    let form = get(&memory, "nobody", "en", &answer.location).await.text;
    assert!(form.contains("value=\"ada\"") && form.contains("/operations"));
    assert!(!form.contains("wrong-password"));
    assert!(form.contains("The user name or the password is wrong."));
    let body = format!("csrf={CSRF}&name=ada&password=correct+horse&next=%2Foperations");
    let answer = post(&memory, "nobody", "text/html", "/api/account/log-in", body).await;
    assert_eq!(answer.location, "/operations");
}

#[tokio::test]
async fn a_build_goes_on_at_its_operation() {
    let memory = Memory::new();
    let body = format!("csrf={CSRF}&form%5Bname%5D=fresh1");
    let answer = post(&memory, "operator", "text/html", "/api/vservers/build", body).await;
    assert_eq!(answer.location, format!("/operations/{RUNNING_OPERATION}"));
    let body = format!("csrf={CSRF}&form%5Bname%5D=fresh1");
    let answer = post(&memory, "operator", "text/html", "/api/vservers/preview", body).await;
    assert_eq!(answer.location, "/build");
    let form = get(&memory, "operator", "en", "/build").await.text;
    assert!(form.contains("vserver fresh1 build"), "{form}");
}

#[tokio::test]
async fn every_method_has_its_own_fields_and_shows_its_command() {
    let memory = Memory::new();
    for (method, fields, has, lacks) in [
        ("clone", "form%5Bsource%5D=web1&form%5Bunified%5D=1", "form[unified]", "form[suite]"),
        ("rsync", "form%5Bsource%5D=web1", "form[exclude_patterns]", "form[mirror]"),
        ("skeleton", "", "form[init]", "form[source]"),
        ("debootstrap", "", "form[suite]", "form[source]"),
    ] {
        let page = format!("/build?method={method}");
        let form = get(&memory, "operator", "en", &page).await.text;
        assert!(form.contains(has) && !form.contains(lacks), "{method}: {form}");
        assert!(form.contains(&format!("name=\"form[method]\" value=\"{method}\"")), "{form}");
        let body = format!("csrf={CSRF}&form%5Bname%5D=new2&form%5Bmethod%5D={method}&{fields}");
        let answer = post(&memory, "operator", "text/html", "/api/vservers/preview", body).await;
        assert_eq!(answer.location, page);
        let form = get(&memory, "operator", "en", &page).await.text;
        assert!(form.contains(&format!("vserver new2 build -m {method}")), "{form}");
        assert_eq!(form.contains("--unified"), method == "clone", "{form}");
    }
}

#[tokio::test]
async fn the_key_of_a_machine_is_shown_and_confirmed_before_anything_is_sent_there() {
    let memory = Memory::new();
    let fields = format!(
        "csrf={CSRF}&form%5Bname%5D=old1&form%5Bmethod%5D=rsync&form%5Bsource%5D=root%40old%3A%2F"
    );
    let key = memory::host_key();
    let post_with = async |body: String| {
        post(&memory, "operator", "text/html", "/api/vservers/build", body).await.location
    };
    assert_eq!(post_with(fields.clone()).await, "/build?method=rsync");
    let form = get(&memory, "operator", "en", "/build?method=rsync").await.text;
    assert!(form.contains(&format!("value=\"{key}\"")), "{form}");
    assert!(form.contains("I have compared it"), "{form}");
    let encoded = key.replace(':', "%3A");
    let location = post_with(format!("{fields}&form%5Bhost_key%5D={encoded}")).await;
    assert_eq!(location, format!("/operations/{RUNNING_OPERATION}"));
    // A path of the host's is no source, whatever a request says.
    for field in ["source", "at_host%5D%5Bsource"] {
        let body = format!(
            "csrf={CSRF}&form%5Bname%5D=evil&form%5Bmethod%5D=rsync&form%5B{field}%5D=%2Fetc"
        );
        let answer = post(&memory, "operator", "text/html", "/api/vservers/build", body).await;
        assert!(!answer.location.starts_with("/operations/"), "{field}: {}", answer.location);
    }
}

#[tokio::test]
async fn one_is_started_at_once_and_why_not_is_told() {
    let memory = Memory::new();
    for (name, said) in [("db1", "Start db1"), ("web1", "web1 is already running.")] {
        let body = format!("csrf={CSRF}&only={name}&next=%2Fvservers");
        let answer = post(&memory, "operator", "text/html", "/api/vservers/start", body).await;
        assert_eq!(answer.location, "/vservers");
        let list = get(&memory, "operator", "en", "/vservers").await.text;
        assert!(list.contains(said), "{list}");
    }
}

#[tokio::test]
async fn templates_and_bases_are_shown_with_what_may_be_done_to_them() {
    let memory = Memory::new();
    let operator = get(&memory, "operator", "en", "/templates").await.text;
    for text in [
        "Mandriva &lt;2007.1&gt;",
        "tar.gz",
        "ulysse template remove mandriva",
        "VServers that were built from it stay.",
        "enctype=\"multipart/form-data\"",
        "bookworm amd64",
        "made anew at the next build",
        "ulysse base remove 0a0a0a0a0a0a",
    ] {
        assert!(operator.contains(text), "{text} is not in {operator}");
    }
    let csrf = operator.find("name=\"csrf\"").unwrap();
    assert!(csrf < operator.find("name=\"archive\"").unwrap(), "it is judged before the archive");
    let viewer = get(&memory, "viewer", "en", "/templates").await.text;
    assert!(viewer.contains("mandriva") && viewer.contains("0a0a0a0a0a0a"));
    for action in ["api/templates", "api/bases", "Remove"] {
        assert!(!viewer.contains(action), "a viewer is offered {action}");
    }
    let empty = Memory { is_empty: true, ..Memory::new() };
    let page = get(&empty, "operator", "fr", "/templates").await.text;
    assert!(page.contains("Il n’y a pas encore de modèle") && page.contains("pas encore de base"));
    for (path, field, value) in [
        ("/api/templates/remove", "name", "mandriva".to_owned()),
        ("/api/bases/refresh", "base", "0a".repeat(32)),
        ("/api/bases/remove", "base", "0a".repeat(32)),
    ] {
        let body = format!("csrf={CSRF}&{field}={value}");
        let answer = post(&memory, "operator", "text/html", path, body).await;
        assert_eq!(answer.location, format!("/operations/{RUNNING_OPERATION}"), "{path}");
        let body = format!("csrf={CSRF}&{field}=..%2Fx");
        let answer = post(&memory, "operator", "application/json", path, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
}

#[tokio::test]
async fn a_deletion_needs_the_name_typed() {
    let memory = Memory::new();
    for (typed, to) in [
        ("", "/vservers/web1/delete".to_owned()),
        ("web2", "/vservers/web1/delete".to_owned()),
        ("web1", format!("/operations/{RUNNING_OPERATION}")),
    ] {
        let body = format!("csrf={CSRF}&name=web1&confirmation={typed}");
        let answer = post(&memory, "operator", "text/html", "/api/vservers/delete", body).await;
        assert_eq!(answer.location, to, "{typed}");
    }
}

#[tokio::test]
async fn what_becomes_of_a_volume_is_said() {
    let memory = Memory::new();
    let page = get(&memory, "operator", "en", "/vservers/db1").await.text;
    assert!(page.contains("/dev/mapper/vserver-db1"), "{page}");
    for (language, said) in [
        ("en", "The volume at /var/lib/vservers/db1 stays mounted, with the files on it, until"),
        ("fr", "Le volume monté sur /var/lib/vservers/db1 reste monté, avec les fichiers"),
    ] {
        let page = get(&memory, "operator", language, "/vservers/db1/delete").await.text;
        assert!(page.contains(said), "{page}");
    }
    let page = get(&memory, "operator", "en", "/vservers/web1/delete").await.text;
    assert!(!page.contains("The volume at"), "{page}");
}

fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let fields = fields.iter().map(|(name, value)| format!("{name}={}", encode(value)));
    fields.chain([format!("csrf={CSRF}")]).collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn a_file_is_changed_in_two_steps() {
    let memory = Memory::new();
    let page = "/vservers/web1/config/file?path=apps%2Finit%2Fmark";
    let first = get(&memory, "operator", "en", page).await.text;
    assert!(first.contains("/api/config/preview") && !first.contains("/api/config/save"));
    assert!(first.contains("not yet: the VServer was started before the file was changed"));
    assert!(first.contains("<textarea") && first.contains("default\nweb</textarea>"), "{first}");
    let fields = [
        ("tree", "web1"),
        ("path", "apps/init/mark"),
        ("seen", memory::DIGEST),
        ("action", "write"),
        ("text", "default\r\ndb<b>\r\n"),
    ];
    let answer = post(&memory, "operator", "text/html", "/api/config/preview", form(&fields)).await;
    assert_eq!((answer.status, &*answer.location), (StatusCode::SEE_OTHER, page));
    let refused = get(&memory, "operator", "en", page).await.text;
    assert!(refused.contains("Line 2: expected a mark"), "{refused}");
    assert!(refused.contains("db&lt;b&gt;"), "what was typed is there again: {refused}");
    let mut fields = fields;
    fields[4].1 = "default\r\ndb";
    post(&memory, "operator", "text/html", "/api/config/preview", form(&fields)).await;
    let preview = get(&memory, "operator", "en", page).await.text;
    assert!(preview.contains("Nothing has been saved yet."), "{preview}");
    for text in ["class=\"removed\"", "class=\"added\"", "no newline at the end", ">Save<"] {
        assert!(preview.contains(text), "{text}: {preview}");
    }
    assert!(preview.contains("vserver web1 config edit apps/init/mark"));
    assert!(preview.contains("name=\"text\" value=\"default\ndb\n\""), "{preview}");
    let again = get(&memory, "operator", "en", page).await.text;
    assert!(!again.contains("Nothing has been saved yet."), "a preview is shown once");
    let answer = post(&memory, "operator", "text/html", "/api/config/save", form(&fields)).await;
    assert_eq!(answer.location, format!("/operations/{RUNNING_OPERATION}"));
    fields[2].1 = "";
    let other = "0".repeat(64);
    let wrong = [("seen", &*other), fields[0], fields[1], fields[3], fields[4]];
    post(&memory, "operator", "text/html", "/api/config/save", form(&wrong)).await;
    let changed = get(&memory, "operator", "fr", page).await.text;
    assert!(changed.contains("Quelqu’un d’autre a modifié apps/init/mark"), "{changed}");
}

#[tokio::test]
async fn what_may_not_be_changed_has_no_form() {
    let memory = Memory::new();
    for (path, why) in [
        ("vdir", "It is a link or a program"),
        ("scripts%2Fpre-start", "It is a link or a program"),
        ("bcapabilities", "It reaches beyond the VServer"),
        ("unheard-of", "The original knew no such entry."),
    ] {
        let page = format!("/vservers/web1/config/file?path={path}");
        let text = get(&memory, "administrator", "en", &page).await.text;
        assert!(!text.contains("/api/config/preview"), "{path}");
        assert!(text.contains(why), "{path}: {text}");
    }
    // What nobody knows may go.
    let page = "/vservers/web1/config/file?path=notes";
    let text = get(&memory, "operator", "en", page).await.text;
    assert!(text.contains("Remove this file") && !text.contains("<textarea"));
    for page in ["/vservers/web1/config/file?path=context", "/vservers/web1/config/history"] {
        let text = get(&memory, "viewer", "en", page).await.text;
        assert!(!text.contains("/api/config"), "{page}");
    }
    // The defaults are the administrators'.
    let page = "/defaults/file?path=shell";
    assert!(!get(&memory, "operator", "en", page).await.text.contains("/api/config"));
    assert!(get(&memory, "administrator", "en", page).await.text.contains("/api/config/preview"));
    let fields =
        [("tree", ".defaults"), ("path", "shell"), ("action", "write"), ("text", "/bin/sh")];
    for path in ["/api/config/save", "/api/config/preview", "/api/config/undo"] {
        let answer = post(&memory, "operator", "application/json", path, form(&fields)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    for path in ["", "%2Fetc%2Fpasswd", "..%2Fdb1%2Fcontext", "a%0Ab"] {
        let page = format!("/vservers/web1/config/file?path={path}");
        let answer = get(&memory, "administrator", "en", &page).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
}

#[tokio::test]
async fn nothing_in_a_path_or_a_text_becomes_html() {
    let memory = Memory::new();
    let evil = "</textarea></title><script>x</script>";
    let fields =
        [("tree", "web1"), ("path", "apps/init/mark"), ("action", "write"), ("text", evil)];
    post(&memory, "operator", "text/html", "/api/config/preview", form(&fields)).await;
    let page = "/vservers/web1/config/file?path=apps%2Finit%2Fmark";
    let text = get(&memory, "operator", "en", page).await.text;
    assert!(text.contains("&lt;/textarea&gt;") && !text.contains("<script>x"), "{text}");
    let fields = [("form[name]", "x1"), ("form[interfaces]", evil)];
    post(&memory, "operator", "text/html", "/api/vservers/preview", form(&fields)).await;
    let text = get(&memory, "operator", "en", "/build").await.text;
    assert!(text.contains("&lt;/textarea&gt;") && !text.contains("<script>x"), "{text}");
    let fields = [("name", "db1"), ("form[interfaces]", evil)];
    post(&memory, "operator", "text/html", "/api/vservers/identity-preview", form(&fields)).await;
    let text = get(&memory, "operator", "en", "/vservers/db1/identity").await.text;
    assert!(text.contains("&lt;/textarea&gt;") && !text.contains("<script>x"), "{text}");
    let page = "/vservers/web1/config/file?path=%3C%2Ftitle%3E%3Cscript%3Ex";
    let text = get(&memory, "operator", "en", page).await.text;
    assert!(text.contains("&lt;/title&gt;") && !text.contains("<script>x"), "{text}");
}

#[tokio::test]
async fn the_history_shows_differences_and_undoes() {
    let memory = Memory::new();
    let text = get(&memory, "operator", "en", "/vservers/web1/config/history").await.text;
    assert!(text.contains("Undo change 2") && text.contains("vserver web1 config undo 2"));
    assert!(text.contains("Its text is not kept."), "{text}");
    let answer = post(
        &memory,
        "operator",
        "text/html",
        "/api/config/undo",
        form(&[("tree", "web1"), ("number", "1")]),
    )
    .await;
    assert_eq!(answer.location, format!("/operations/{RUNNING_OPERATION}"));
    let fields = [("tree", "web1"), ("number", "7")];
    let answer = post(&memory, "operator", "text/html", "/api/config/undo", form(&fields)).await;
    assert_eq!(answer.location, "/vservers/web1/config/history");
    let text = get(&memory, "operator", "en", &answer.location).await.text;
    assert!(text.contains("There is no change 7 that could be undone."));
    let empty = Memory { is_empty: true, ..Memory::new() };
    let text = get(&empty, "viewer", "en", "/vservers/web1/config/history").await.text;
    assert!(text.contains("No change has been noticed yet."));
}

#[tokio::test]
async fn a_schedule_says_which_field_is_wrong() {
    let memory = Memory::new();
    let fields =
        [("name", "web1"), ("target", "moon"), ("when", "daily 02:30"), ("keep", "last=1")];
    let answer =
        post(&memory, "operator", "text/html", "/api/backups/schedule", form(&fields)).await;
    assert_eq!(answer.location, "/vservers/web1/backups");
    let text = get(&memory, "operator", "en", &answer.location).await.text;
    let field = text.split("id=\"field-backup-target\"").nth(1).unwrap();
    let field = field.split("</div>").next().unwrap();
    assert!(field.contains("aria-invalid=\"true\"") && field.contains("Must be one of"), "{field}");
}

#[tokio::test]
async fn a_backup_is_not_removed_by_one_click() {
    let memory = Memory::new();
    let text = get(&memory, "operator", "en", &format!("/backups/{BACKUP}")).await.text;
    let asked = text.split("<details>").find(|part| part.contains("/api/backups/remove")).unwrap();
    assert!(
        asked.contains("goes away for good") && asked.contains("ulysse backup remove"),
        "{asked}"
    );
}

#[tokio::test]
async fn a_wrong_name_is_said_to_be_one() {
    let memory = Memory::new();
    let body = format!("csrf={CSRF}&name=web1&confirmation=web2");
    post(&memory, "operator", "text/html", "/api/vservers/delete", body).await;
    let form = get(&memory, "operator", "en", "/vservers/web1/delete").await.text;
    assert!(form.contains("To delete it, type: web1"), "{form}");
    assert!(!form.contains("Must be one of"));
    assert!(form.contains("It can be had back until"));
}

#[tokio::test]
async fn a_deletion_says_when_it_will_be_refused() {
    let memory = Memory::new();
    let form = get(&memory, "operator", "fr", "/vservers/db1/delete").await.text;
    assert!(form.contains("Il est protégé") && form.contains("Retirer la protection"), "{form}");
}

#[tokio::test]
async fn a_deleted_vserver_comes_back_under_what_is_free() {
    let memory = Memory::new();
    let page = format!("/bin/{BINNED}");
    let form = get(&memory, "operator", "en", &page).await.text;
    for offered in ["value=\"web1-2\"", "value=\"40004\"", "nat0:10.127.0.5/24"] {
        assert!(form.contains(offered), "{offered}: {form}");
    }
    assert!(!form.contains("api/bin/remove"), "only administrators remove for good");
    let restore = "/api/bin/restore";
    let body = format!("csrf={CSRF}&id={BINNED}");
    let answer = post(&memory, "operator", "text/html", restore, body.clone()).await;
    assert_eq!(answer.location, page);
    let fields =
        "form%5Bname%5D=web2&form%5Bcontext%5D=40004&form%5Binterfaces%5D=nat0:10.127.0.5/24";
    let answer = post(&memory, "operator", "text/html", restore, format!("{body}&{fields}")).await;
    assert_eq!(answer.location, format!("/operations/{RUNNING_OPERATION}"));
    for (typed, to) in
        [("web2", page.clone()), ("web1", format!("/operations/{RUNNING_OPERATION}"))]
    {
        let body = format!("{body}&confirmation={typed}");
        let remove = "/api/bin/remove";
        let answer = post(&memory, "administrator", "text/html", remove, body).await;
        assert_eq!(answer.location, to, "{typed}");
    }
    for (fields, text) in
        [("", "Something is needed here."), ("&sure=true", "Removal from the bin")]
    {
        let body = format!("csrf={CSRF}{fields}");
        let answer = post(&memory, "administrator", "text/html", "/api/bin/empty", body).await;
        assert_eq!(answer.location, "/bin");
        let list = get(&memory, "administrator", "en", "/bin").await.text;
        assert!(list.contains(text), "{list}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_action_in_words() {
    let memory = Memory::new();
    for (language, text) in [
        ("en", "Your role does not allow you to manage users."),
        ("fr", "Votre rôle ne le permet pas : gérer les utilisateurs."),
    ] {
        let page = get(&memory, "operator", language, "/users").await.text;
        assert!(page.contains(text), "{page}");
        assert!(!page.contains("manage-users"));
    }
}

#[tokio::test]
async fn every_server_function_is_listed_here() {
    let mut known = functions().iter().map(|(path, _)| (*path).to_owned()).collect::<Vec<_>>();
    known.sort();
    let mut registered = leptos::server_fn::axum::server_fn_paths()
        .map(|(path, _)| path.to_owned())
        .collect::<Vec<_>>();
    registered.sort();
    assert_eq!(registered, known);
}

#[tokio::test]
async fn no_server_function_does_anything_for_those_who_may_not() {
    let memory = Memory::new();
    let json = "application/json";
    for (path, least) in functions() {
        let forged = post(&memory, "administrator", json, path, "csrf=forged".into()).await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN, "{path} without the token");
        assert!(forged.text.contains("cross_site"), "{path}: {}", forged.text);
        let Some(least) = least else { continue };
        let body = format!("csrf={CSRF}");
        let nobody = post(&memory, "nobody", json, path, body.clone()).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{path} as nobody");
        for role in Role::ALL.into_iter().filter(|role| *role < least) {
            let answer = post(&memory, role.as_str(), json, path, body.clone()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} as {role}");
            assert!(answer.text.contains("not_allowed"), "{path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn the_set_up_link_works_and_a_wrong_one_says_so() {
    let memory = Memory::new();
    let good = get(&memory, "nobody", "fr", &format!("/setup/{SETUP_TOKEN}")).await;
    assert_eq!(good.status, StatusCode::OK);
    assert!(good.text.contains("Créer l’administrateur"));
    let bad = get(&memory, "nobody", "fr", "/setup/other").await;
    assert_eq!(bad.status, StatusCode::GONE);
    let body =
        format!("csrf={CSRF}&token={SETUP_TOKEN}&name=root&password=short&password_again=other");
    let answer = post(&memory, "nobody", "text/html", "/api/account/set-up", body).await;
    assert_eq!(answer.location, format!("/setup/{SETUP_TOKEN}"));
    let form = get(&memory, "nobody", "en", &answer.location).await.text;
    assert!(form.contains("Too short") && form.contains("The two passwords differ."));
    assert!(!form.contains("\"short\""));
}

#[tokio::test]
async fn preferences_are_kept_in_cookies() {
    let memory = Memory::new();
    let request = Request::post("/api/account/preferences")
        .header(header::ACCEPT, "text/html")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!("csrf={CSRF}&theme=dark&next=%2Flogin")))
        .unwrap();
    let response = memory.clone().router().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::LOCATION], "/login");
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("theme=dark;"), "{cookie}");
    let request = Request::get("/login")
        .header(header::COOKIE, "theme=dark")
        .header(header::ACCEPT_LANGUAGE, "fr-FR,fr;q=0.9")
        .body(Body::empty())
        .unwrap();
    let page = ask(&memory, request).await.text;
    assert!(page.contains("<html lang=\"fr\" data-theme=\"dark\""));
}
