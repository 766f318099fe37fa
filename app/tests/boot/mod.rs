//! The page of the boot, and the switch on a VServer's page.

use axum::http::StatusCode;

use super::memory::{CSRF, Memory};
use super::{get, post};

#[tokio::test]
async fn the_order_is_a_graph_and_a_table_with_what_is_wrong() {
    let memory = Memory::new();
    let text = get(&memory, "viewer", "en", "/boot").await.text;
    for said in [
        "ulysse boot start --mark default --at-once 6",
        "mail1/apps/init/depends:1: this closes a circle (mail1 → mail1); the line is passed over.",
        "mail1/apps/init/depends:2: there is no VServer ghost; the line is passed over.",
        "db1/apps/init/depends:1: files1 does not have the mark; it is started because it is needed.",
        "needed by db1",
        "has no mark default",
        "aria-label=\"Order of the boot as a graph, VServers: 4. The table after it says the same.\"",
        "skipped: gone1 did not start",
        // files1 takes a second, as far as is known; then db1, and web1 runs.
        "All would be ready after 3.4\u{a0}s.",
    ] {
        assert!(text.contains(said), "“{said}” is not said: {text}");
    }
    assert!(text.contains("/vservers/mail1/config/file?path=apps%2Finit%2Fdepends"), "{text}");
    assert_eq!(text.matches("<rect ").count(), 4);
    assert_eq!(text.matches("<path d=\"M").count() - 3, 2, "the logo has three");
    assert!(!text.contains("<form method=\"post\" action=\"/api/boot"), "nothing is started here");
}

#[tokio::test]
async fn another_boot_is_simulated() {
    let memory = Memory::new();
    let text = get(&memory, "viewer", "en", "/boot?mark=lab&at_once=1").await.text;
    assert!(text.contains("ulysse boot start --mark lab --at-once 1"), "{text}");
    assert_eq!(text.matches("<rect ").count(), 1);
    assert!(text.contains("has no mark lab"));
    let empty = Memory { is_empty: true, ..Memory::new() };
    let text = get(&empty, "viewer", "en", "/boot").await.text;
    assert!(text.contains("No VServer is to be started.") && !text.contains("<rect "), "{text}");
    assert!(text.contains("The host has not booted with Ulysse yet."));
    for wrong in ["0", "-3", "abc", "", "1001"] {
        let path = format!("/boot?at_once={wrong}");
        let text = get(&memory, "viewer", "en", &path).await.text;
        assert!(text.contains("id=\"at-once-wrong\""), "{wrong}: {text}");
        assert!(text.contains("ulysse boot start --mark default --at-once 6"), "{wrong}: {text}");
    }
    let bad = get(&memory, "viewer", "en", "/boot?mark=a%20b").await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_mark_is_a_switch_with_its_command_and_its_file() {
    let memory = Memory::new();
    let text = get(&memory, "operator", "en", "/vservers/web1").await.text;
    for said in ["vserver web1 unmark default", "web1/apps/init/mark", "/api/vservers/mark"] {
        assert!(text.contains(said), "“{said}” is not said: {text}");
    }
    let viewer = get(&memory, "viewer", "en", "/vservers/web1").await.text;
    assert!(viewer.contains("It has the mark default") && !viewer.contains("/api/vservers/mark"));

    let body = format!("csrf={CSRF}&name=web1&on=false");
    let answer = post(&memory, "operator", "text/html", "/api/vservers/mark", body).await;
    assert_eq!(answer.location, "/vservers/web1");
    let text = get(&memory, "operator", "en", "/vservers/web1").await.text;
    assert!(text.contains("class=\"notice\"") || text.contains("role=\"status\""), "{text}");
    let body = format!("csrf={CSRF}&name=ghost&on=true");
    let answer = post(&memory, "operator", "application/json", "/api/vservers/mark", body).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
