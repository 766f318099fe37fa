//! The dashboard and histories: what needs attention and where it is mended, a new host, charts with numbers.

use axum::http::StatusCode;

use crate::memory::{FAILED_OPERATION, Memory};
use crate::visitor::get;

#[tokio::test]
async fn what_needs_attention_leads_to_where_it_is_mended() {
    let memory = Memory::new();
    for (language, words) in [
        ("en", ["nearly full", "for want of memory", "does not run", "failed", "recycle bin"]),
        ("fr", ["presque plein", "faute de mémoire", "pas en marche", "a échoué", "corbeille"]),
    ] {
        let text = get(&memory, "operator", language, "/").await.text;
        for word in words {
            assert!(text.contains(word), "{language}: no {word} in {text}");
        }
        let failed = format!("href=\"/operations/{FAILED_OPERATION}\"");
        let states = "href=\"/vservers?state=running\"";
        for link in ["href=\"/vservers/db1\"", "href=\"/host\"", "href=\"/bin\"", &failed, states] {
            assert!(text.contains(link), "{language}: no {link} in {text}");
        }
    }
    // Who may not look into the bin is not told of it.
    let viewer = get(&memory, "viewer", "en", "/").await.text;
    assert!(!viewer.contains("href=\"/bin\""), "{viewer}");
}

#[tokio::test]
async fn a_new_host_has_first_steps_for_whom_they_are() {
    let memory = Memory { is_empty: true, ..Memory::new() };
    for (who, language, step, is_there) in [
        ("administrator", "en", "Let others in", true),
        ("operator", "fr", "Construire le premier VServer", true),
        ("operator", "en", "Let others in", false),
        ("viewer", "en", "Build the first VServer", false),
    ] {
        let answer = get(&memory, who, language, "/").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.text.contains(step), is_there, "{who}: {step}");
    }
    let text = get(&memory, "viewer", "en", "/").await.text;
    assert!(!text.contains("different versions"), "{text}");
    assert!(text.contains("Nothing was measured yet"), "{text}");
    let before = get(&Memory::new(), "viewer", "en", "/").await.text;
    assert!(!before.contains("First steps"), "there are VServers");
    assert!(before.contains("different versions"), "{before}");
}

#[tokio::test]
async fn charts_have_lines_numbers_and_tables_of_the_asked_range() {
    let memory = Memory::new();
    for (range, name, step) in [("5m", "5 minutes", 0), ("1h", "1 hour", 1), ("1y", "1 year", 4)] {
        let path = format!("/vservers/web1/metrics?range={range}");
        let text = get(&memory, "viewer", "en", &path).await.text;
        assert!(text.contains(&format!("aria-label=\"CPU, {name}\"")), "{range}: {text}");
        assert!(text.contains("class=\"line line-0\"") && text.contains("class=\"area\""));
        assert!(text.contains("MiB") && text.contains("<summary>As a table"), "{range}");
        let chosen = text.split("aria-current=\"true\"").next().unwrap();
        let links = chosen.matches("href=\"/vservers/web1/metrics?range=").count();
        assert_eq!(links, step + 1, "{range} is the one that is shown");
    }
    // What is no range is the usual one; what never ran has no chart.
    let text = get(&memory, "viewer", "en", "/vservers/web1/metrics?range=%3Cx%3E").await.text;
    assert!(text.contains("CPU, 1 hour") && !text.contains("<x>"));
    let text = get(&memory, "viewer", "fr", "/vservers/db1/metrics").await.text;
    assert!(text.contains("Rien n’a été mesuré"), "{text}");
    let ghost = get(&memory, "viewer", "en", "/vservers/ghost/metrics").await;
    assert_eq!(ghost.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_list_shows_those_in_a_state_alone() {
    let memory = Memory::new();
    let is_in = |text: &str, name: &str| text.contains(&format!("data-vserver=\"{name}\""));
    let running = get(&memory, "viewer", "en", "/vservers?state=running").await.text;
    assert!(is_in(&running, "web1") && !is_in(&running, "db1") && !is_in(&running, "new1"));
    assert!(running.contains("name=\"state\" value=\"running\""), "a search stays in it");
    let both = get(&memory, "viewer", "en", "/vservers?state=stopped&q=web").await.text;
    assert!(!is_in(&both, "web1") && !is_in(&both, "db1"));
    let all = get(&memory, "viewer", "en", "/vservers?state=sideways").await.text;
    assert!(is_in(&all, "web1") && is_in(&all, "db1"));
}
