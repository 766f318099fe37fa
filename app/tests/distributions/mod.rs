//! What pages say of distributions: who describes them, what they are made of, how a description goes.

use axum::http::StatusCode;

use super::memory::{self, Memory};
use super::{form, get, post};

#[tokio::test]
async fn a_distribution_is_described_by_administrators() {
    let memory = Memory::new();
    let all = get(&memory, "viewer", "en", "/distributions").await.text;
    assert!(all.contains("/distributions?of=fc6") && all.contains(".common/pubkeys/team"), "{all}");
    let shipped = all.split("?of=almalinux9").nth(1).unwrap();
    assert!(shipped.split("</tr>").next().unwrap().contains("The package describes this"));
    assert!(!all.contains("Describe another distribution"));
    let fc6 = "/distributions?of=fc6";
    assert!(!get(&memory, "operator", "en", fc6).await.text.contains("/api/config"));
    let text = get(&memory, "administrator", "en", fc6).await.text;
    assert!(text.contains("vserver .distributions config unset fc6/pkgs/01"), "{text}");
    assert!(text.contains(&format!("value=\"{} fc6/pkgs/01\"", memory::DIGEST)), "{text}");
    assert!(!text.contains("unset fc6/initpost"), "a program is root's");
    // One that is not there yet: every file of it is a way to begin.
    let text = get(&memory, "administrator", "en", "/distributions?of=f42").await.text;
    let first = "/distributions/file?path=f42%2Fyum.repos.d%2F01.repo";
    assert!(text.contains(first) && !text.contains("/api/config/remove"), "{text}");
    assert!(get(&memory, "administrator", "en", first).await.text.contains("<textarea"));
    let answer = get(&memory, "administrator", "en", "/distributions?of=..%2Fweb1").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    // What the package says is what one begins with; keys and programs are shown, and root's.
    let page = "/distributions/file?path=almalinux9%2Fpkgs%2F01";
    let text = get(&memory, "administrator", "en", page).await.text;
    assert!(text.split("<textarea").nth(1).unwrap().contains("bash less"), "{text}");
    for path in ["fc6%2Finitpost", "fc6%2Fyum%2Fyum.conf", ".common%2Fpubkeys%2Fteam"] {
        let page = format!("/distributions/file?path={path}");
        let text = get(&memory, "administrator", "en", &page).await.text;
        assert!(!text.contains("/api/config/preview"), "{path}");
    }
}

#[tokio::test]
async fn a_description_is_seen_as_a_difference_saved_and_removed() {
    let memory = Memory::new();
    let path = "fc6/yum.repos.d/core.repo";
    let send = async |function: &str, text: &str| {
        let fields = [
            ("tree", ".distributions"),
            ("path", path),
            ("seen", memory::DIGEST),
            ("action", "write"),
            ("text", text),
        ];
        let function = format!("/api/config/{function}");
        post(&memory, "administrator", "text/html", &function, form(&fields)).await
    };
    let page = "/distributions/file?path=fc6%2Fyum.repos.d%2Fcore.repo";
    assert_eq!(send("preview", "baseurl=x\n").await.location, page);
    let text = get(&memory, "administrator", "en", page).await.text;
    assert!(text.contains("Line 1: expected [id] of a source of packages"), "{text}");
    send("preview", "[core]\nbaseurl=http://other.example/\n").await;
    let text = get(&memory, "administrator", "en", page).await.text;
    assert!(text.contains("class=\"removed\"") && text.contains("http://other.example/"), "{text}");
    assert!(text.contains(&format!("vserver .distributions config edit {path}")), "{text}");
    let answer = send("save", "[core]\nbaseurl=http://other.example/\n").await;
    assert!(answer.location.starts_with("/operations/"), "{}", answer.location);

    let remove = async |role: &str, files: &[&str]| {
        let mut fields = vec![("tree", ".distributions")];
        fields.extend(files.iter().map(|file| ("files[]", *file)));
        post(&memory, role, "text/html", "/api/config/remove", form(&fields)).await
    };
    let file = format!("{} fc6/pkgs/01", memory::DIGEST);
    assert!(remove("administrator", &[&file]).await.location.starts_with("/operations/"));
    assert_eq!(remove("operator", &[&file]).await.location, "/distributions?of=fc6");
    let text = get(&memory, "operator", "en", "/distributions?of=fc6").await.text;
    assert!(text.contains("describe distributions"), "{text}");
    assert_eq!(remove("administrator", &[]).await.location, "/distributions");
}
