//! What pages say of processes: the table in every order and shape, one process, a signal for it.

use axum::http::StatusCode;

use super::memory::{CSRF, Memory, PROCESS};
use super::{get, post};

#[tokio::test]
async fn the_table_works_by_its_address() {
    let memory = Memory::new();
    let rows = async |address: &str| {
        let text = get(&memory, "viewer", "en", address).await.text;
        let body = text.split("id=\"process-rows\"").nth(1).expect("a table").to_owned();
        let body = body.split("</tbody>").next().unwrap().to_owned();
        let keys = body.split("data-process=\"").skip(1);
        (keys.map(|key| key.split('-').next().unwrap().to_owned()).collect::<Vec<_>>(), text)
    };
    assert_eq!(rows("/processes").await.0, ["700", "712", "713"]);
    assert_eq!(rows("/processes?sort=pid&order=reversed").await.0, ["713", "712", "700"]);
    let (found, text) = rows("/processes?q=apache&sort=cpu").await;
    assert_eq!(found, ["712"]);
    assert!(text.contains("aria-sort=\"descending\""), "{text}");
    assert!(text.contains("/processes?sort=cpu&amp;order=reversed&amp;q=apache"), "{text}");
    assert!(text.contains("data-events=\"/events?processes=cpu%3A0%3A0%3A%3Aapache\""), "{text}");
    // In a tree whoever it comes of stands above it.
    let (found, text) = rows("/vservers/web1/processes?q=apache&tree=true").await;
    assert_eq!(found, ["700", "712"]);
    assert!(text.contains("└"), "{text}");
    let (found, text) = rows("/processes?q=nowhere").await;
    assert!(found.is_empty() && text.contains("No process matches."), "{text}");
    let missing = get(&memory, "viewer", "en", "/processes?vserver=nobody").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let stopped = rows("/processes?vserver=db1").await.1;
    assert!(stopped.contains("db1 does not run"), "{stopped}");
}

#[tokio::test]
async fn what_a_process_calls_itself_stays_text() {
    let memory = Memory::new();
    for path in ["/processes", "/vservers/web1/processes/713-4242"] {
        let text = get(&memory, "viewer", "en", path).await.text;
        assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{text}");
        assert!(!text.contains("<script>alert"), "{text}");
    }
}

#[tokio::test]
async fn a_signal_is_sent_by_those_who_may() {
    let memory = Memory::new();
    let path = format!("/vservers/web1/processes/{PROCESS}");
    assert!(!get(&memory, "viewer", "en", &path).await.text.contains("/api/processes/signal"));
    let text = get(&memory, "operator", "en", &path).await.text;
    assert!(text.contains("/api/processes/signal"), "{text}");
    assert!(text.contains("vkill -s TERM --xid web1 712"), "{text}");
    let send = async |process: &str, signal: &str| {
        let body = format!("csrf={CSRF}&vserver=web1&process={process}&signal={signal}");
        post(&memory, "operator", "text/html", "/api/processes/signal", body).await
    };
    let list = "/vservers/web1/processes";
    assert_eq!(send(PROCESS, "HUP").await.location, list);
    let told = get(&memory, "operator", "en", list).await.text;
    assert!(told.contains("href=\"/operations/"), "{told}");
    // Others than the page offers are for root at the command line.
    for (process, signal, told) in [
        (PROCESS, "SEGV", "is no signal"),
        (PROCESS, "", "is no signal"),
        ("712", "TERM", "Process"),
    ] {
        assert_eq!(send(process, signal).await.location, list);
        let page = get(&memory, "operator", "en", list).await.text;
        assert!(page.contains(told), "{process} {signal}: {page}");
    }
    for (key, back) in [("712-1", list), ("1", list), ("x", "/vservers")] {
        let page = get(&memory, "operator", "en", &format!("/vservers/web1/processes/{key}")).await;
        assert!(page.status.is_client_error(), "{key}");
        let way = format!("href=\"{back}\" class=\"button\"");
        assert!(page.text.contains(&way), "{key}: {}", page.text);
    }
    // Only of pid 1 it is said that all ends with it.
    assert!(!text.contains("KILL ends the whole VServer"), "{text}");
    let init = get(&memory, "operator", "en", "/vservers/web1/processes/700-4242").await.text;
    assert!(init.contains("KILL ends the whole VServer"), "{init}");
    assert!(init.contains("S, sleeping"), "{init}");
}
