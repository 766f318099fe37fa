//! What pages say before something is done: the command that does the same, the files, and what is lost.

use app::i18n::{Locale, format};
use axum::http::StatusCode;
use domain::backup::BackupRef;

use super::memory::{BACKUP, BINNED, CSRF, Memory, RUNNING_OPERATION};
use super::{get, post};

const EN: Locale = Locale::English;

#[tokio::test]
async fn a_change_of_identity_is_shown_judged_and_queued() {
    let memory = Memory::new();
    let send = async |path: &str, fields: &str| {
        let body = format!("csrf={CSRF}&name=db1&{fields}");
        post(&memory, "operator", "text/html", path, body).await.location
    };
    let page = "/vservers/db1/identity";
    let fields = "form%5Bname%5D=ulyse&form%5Bcontext%5D=201";
    assert_eq!(send("/api/vservers/identity-preview", fields).await, page);
    let form = get(&memory, "operator", "en", page).await.text;
    assert!(form.contains("vserver db1 rename ulyse --context 201"), "{form}");
    assert!(form.contains("mv /etc/vservers/db1 /etc/vservers/ulyse"), "{form}");
    assert!(form.contains("value=\"ulyse\""));
    // What `public/preview.js` asks for as somebody types, and takes out of the page.
    let place = async |query: &str| {
        let form = get(&memory, "operator", "en", &format!("{page}?{query}")).await.text;
        assert!(form.contains("<form") && form.contains("data-preview"), "{form}");
        form.split("data-preview-place").nth(1).unwrap().to_owned()
    };
    assert!(place(fields).await.contains("mv /etc/vservers/db1 /etc/vservers/ulyse"));
    assert!(place("form%5Bname%5D=web1").await.contains("This name is taken."));
    assert!(!place("").await.contains("class=\"p"));
    assert_eq!(send("/api/vservers/identity", "form%5Bname%5D=web1").await, page);
    let form = get(&memory, "operator", "en", page).await.text;
    assert!(form.contains("This name is taken."), "{form}");
    assert_eq!(send("/api/vservers/identity", "").await, page);
    let form = get(&memory, "operator", "fr", page).await.text;
    assert!(form.contains("Tout est déjà comme demandé."), "{form}");
    let operation = format!("/operations/{RUNNING_OPERATION}");
    assert_eq!(send("/api/vservers/identity", fields).await, operation);
}

#[tokio::test]
async fn removing_a_backup_says_which_and_what_is_lost() {
    let memory = Memory::new();
    let page = format!("/backups/{BACKUP}");
    let text = get(&memory, "operator", "en", &page).await.text;
    let at = BACKUP.parse::<BackupRef>().unwrap().id.at();
    let (at, size) = (format::instant(EN, at), format::bytes(EN, 120_000_000));
    let lost = format!("The backup of web1 of {at} ({size}) goes away for good");
    for said in [lost.as_str(), "This cannot be undone.", &format!("ulysse backup remove {BACKUP}")]
    {
        assert!(text.contains(said), "“{said}” is not said: {text}");
    }
    // The button is in what is opened first, so that one click removes nothing.
    let question = text.split("<details>").find(|part| part.contains("api/backups/remove"));
    assert!(question.is_some_and(|part| part.starts_with("<summary")), "{text}");
    let body = format!("csrf={CSRF}&backup={BACKUP}");
    let answer = post(&memory, "operator", "text/html", "/api/backups/remove", body).await;
    assert_eq!(answer.location, format!("/operations/{RUNNING_OPERATION}"));
}

#[tokio::test]
async fn pruning_says_which_backups_go() {
    let memory = Memory::new();
    let page = "/vservers/web1/backups";
    let text = get(&memory, "operator", "en", page).await.text;
    let question = text.split("<details>").find(|part| part.contains("api/backups/prune")).unwrap();
    for said in [
        "2026-11-24T01:30:00Z",
        &format!("1 of them, {}", format::bytes(EN, 20_000_000)),
        "vserver web1 backup prune --target local --keep 'last=1 daily=7'",
        "This cannot be undone.",
    ] {
        assert!(question.contains(said), "“{said}” is not said: {question}");
    }
    assert!(!question.contains("2026-11-24T02:30:00Z"), "the newest stays: {question}");
    let viewer = get(&memory, "viewer", "en", page).await.text;
    assert!(!viewer.contains("api/backups/"), "a viewer is offered nothing: {viewer}");
    // Another policy is looked at, not applied.
    let other = get(&memory, "operator", "en", &format!("{page}?keep=last%3D1")).await.text;
    assert!(!other.contains("api/backups/prune"), "{other}");
    let operation = format!("/operations/{RUNNING_OPERATION}");
    for (fields, to) in [
        ("target=local&keep=last%3D1+daily%3D7", operation.as_str()),
        ("", operation.as_str()),
        ("target=local&keep=all", page),
        ("target=..%2Fx", page),
    ] {
        let body = format!("csrf={CSRF}&name=web1&{fields}");
        let answer = post(&memory, "operator", "text/html", "/api/backups/prune", body).await;
        assert_eq!(answer.location, to, "{fields}");
    }
}

#[tokio::test]
async fn a_schedule_leads_to_its_operation() {
    let memory = Memory::new();
    let page = "/vservers/web1/backups";
    for fields in ["target=local&when=daily+02%3A30&keep=last%3D3", "when="] {
        let body = format!("csrf={CSRF}&name=web1&{fields}");
        let answer = post(&memory, "operator", "text/html", "/api/backups/schedule", body).await;
        assert_eq!((answer.status, answer.location.as_str()), (StatusCode::SEE_OTHER, page));
        let text = get(&memory, "operator", "en", page).await.text;
        assert!(text.contains(&format!("href=\"/operations/{RUNNING_OPERATION}\"")), "{text}");
    }
}

/// What a page shows as a command.
fn is_shown(text: &str, command: &str) -> bool {
    let quoted = command.replace('\'', "&#x27;");
    // Views put marks between the pieces of a text.
    let text = text.replace("<!>", "");
    let commands = text.split("<code>").filter_map(|rest| rest.split("</code>").next());
    let titles = text.split("title=\"").filter_map(|rest| rest.split('"').next());
    commands.chain(titles).any(|shown| shown == command || shown == quoted)
}

#[tokio::test]
async fn every_form_shows_its_command() {
    let memory = Memory::new();
    for (path, who, command) in [
        ("/vservers/web1/backups", "operator", "vserver web1 backup --target local"),
        (
            "/vservers/web1/backups",
            "operator",
            "vserver web1 backup schedule --target local --when 'daily 02:30' --keep 'last=1 daily=7'",
        ),
        ("/vservers/web1/backups", "operator", "vserver web1 backup schedule --off"),
        ("/backups", "operator", "ulysse backup import NAME ARCHIVE --target local"),
        ("/backups/BACKUP", "operator", "ulysse backup verify BACKUP"),
        ("/backups/BACKUP", "operator", "vserver web1 backup restore-file BACKUP '/&lt;motd&gt;'"),
        ("/vservers", "operator", "vserver web1 stop"),
        ("/vservers", "operator", "vserver db1 start"),
        ("/vservers/web1", "operator", "vserver web1 restart"),
        ("/vservers/web1", "operator", "vserver web1 enter"),
        ("/vservers/db1/identity", "operator", "vserver db1 set"),
        ("/operations/RUNNING", "operator", "ulysse cancel RUNNING"),
        ("/templates", "operator", "ulysse template remove mandriva"),
        ("/vservers/web1/packages", "operator", "vserver web1 packages upgrade --security"),
        ("/packages", "operator", "vserver --names NAME,… packages refresh"),
        ("/templates", "operator", "ulysse template add NAME ARCHIVE"),
        ("/bin", "administrator", "ulysse bin empty"),
        ("/bin/BINNED", "administrator", "ulysse bin remove BINNED"),
        ("/users", "administrator", "ulysse user disable otto"),
        ("/users/create", "administrator", "ulysse user create NAME --role operator"),
        ("/users/2", "administrator", "ulysse user role otto operator"),
        ("/users/2", "administrator", "ulysse user reset-password otto"),
        ("/users/2", "administrator", "ulysse user disable otto"),
    ] {
        let filled = |text: &str| {
            let text = text.replace("BACKUP", BACKUP).replace("BINNED", BINNED);
            text.replace("RUNNING", RUNNING_OPERATION)
        };
        let text = get(&memory, who, "en", &filled(path)).await.text;
        assert!(is_shown(&text, &filled(command)), "{path} lacks {command}: {text}");
    }
}

#[tokio::test]
async fn a_restore_shows_what_was_typed_and_where_it_goes() {
    let memory = Memory::new();
    let page = format!("/backups/{BACKUP}");
    let fields = "name=other1&context=4&host_name=it%27s&interfaces=none";
    let body = format!("csrf={CSRF}&backup={BACKUP}&{fields}");
    let answer = post(&memory, "operator", "text/html", "/api/backups/restore", body).await;
    assert_eq!(answer.location, page);
    let text = get(&memory, "operator", "en", &page).await.text;
    let command = format!(
        r"vserver other1 backup restore {BACKUP} --context 4 --hostname 'it'\''s' --interface none"
    );
    assert!(is_shown(&text, &command), "{text}");
    assert!(is_shown(&text, "/etc/vservers/other1"), "{text}");
}

#[tokio::test]
async fn a_build_can_be_told_all_that_the_command_line_takes() {
    let memory = Memory::new();
    let fields = "form%5Bname%5D=fresh1&form%5Bsuite%5D=ascii&form%5Bscript%5D=bookworm\
        &form%5Bbroadcast%5D=10.127.0.255&form%5Bcpuset%5D=web&form%5Bcpuset_cpus%5D=0-1\
        &form%5Bcpuset_virtual%5D=1";
    let body = format!("csrf={CSRF}&{fields}");
    let answer = post(&memory, "operator", "text/html", "/api/vservers/preview", body).await;
    assert_eq!(answer.location, "/build");
    let text = get(&memory, "operator", "fr", "/build").await.text;
    for option in [
        "--netbcast 10.127.0.255",
        "--cpuset web --cpusetcpus 0-1 --cpusetvirt",
        "-- -d ascii -m http://",
        " -s bookworm -- ",
    ] {
        assert!(text.contains(option), "{option}: {text}");
    }
    for field in ["form[script]", "form[cpuset_mems]"] {
        assert!(text.contains(&format!("name=\"{field}\"")), "{field}");
    }
    assert!(text.contains("<details open"), "what is typed is seen");
}
