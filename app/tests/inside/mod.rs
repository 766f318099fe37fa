//! Looking into a VServer: its life, console, journal and services.

use axum::http::StatusCode;

use crate::memory::{CSRF, Memory};
use crate::visitor::{get, post};

#[tokio::test]
async fn a_console_is_shown_boot_by_boot_and_searched_without_javascript() {
    let memory = Memory::new();
    let page = |path: &'static str| get(&memory, "operator", "en", path);
    let text = page("/vservers/web1/console").await.text;
    assert!(text.contains("Starting &lt;sshd&gt;") && !text.contains('\u{1b}'), "{text}");
    let address = "/vservers/web1/console?view=console&q=ready";
    let text = page(address).await.text;
    assert!(text.contains("Ready") && !text.contains("Starting"), "{text}");
    assert!(text.contains("value=\"ready\""));
    let boots: Vec<&str> = text
        .split("<option value=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_eq!(boots.len(), 2, "{text}");
    let earlier = format!("/vservers/web1/console?boot={}", boots[1]);
    let text = get(&memory, "operator", "en", &earlier).await.text;
    assert!(text.contains("An earlier boot") && !text.contains("Ready"), "{text}");
    // What cannot be is as if it were not there.
    for odd in ["boot=..%2Fx", "view=elsewhere", "q=%1b"] {
        let address = format!("/vservers/web1/console?{odd}");
        let answer = get(&memory, "operator", "en", &address).await;
        assert!(answer.status == StatusCode::OK && answer.text.contains("Ready"), "{odd}");
    }
    let text = page("/vservers/db1/console").await.text;
    assert!(text.contains("it has not been started since"), "{text}");
    assert_eq!(page("/vservers/ghost/console").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_last_console_goes_on_and_each_can_be_kept() {
    let memory = Memory::new();
    let page = async |query: &str| {
        get(&memory, "operator", "en", &format!("/vservers/web1/console{query}")).await.text
    };
    let text = page("").await;
    assert!(text.contains("data-events=\"/events?console=web1&amp;place="), "{text}");
    assert!(text.contains("<ulysse-island") || text.contains("<leptos-island"), "{text}");
    // The line that is being printed is apart: the stream tells it again.
    let begun = text.split("id=\"last-line\"").nth(1).unwrap().split('<').next().unwrap();
    assert!(begun.contains("web1 login: "), "{begun}");
    let (boots, _) = text.split_once("</select>").unwrap();
    let ids = boots.split("<option value=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let ids: Vec<&str> = ids.collect();
    assert!(text.contains(&format!("href=\"/vservers/web1/console/{}\"", ids[0])), "{text}");
    // What is looked for and what is over does not go on.
    for query in ["?q=ready".to_owned(), format!("?boot={}", ids[1])] {
        let text = page(&query).await;
        assert!(!text.contains("place="), "{query}: {text}");
        assert!(text.contains("href=\"/vservers/web1/console/"), "{query}: {text}");
    }
}

#[tokio::test]
async fn a_journal_is_asked_for_with_what_was_chosen_and_nothing_else() {
    let memory = Memory::new();
    let address = "/vservers/web1/console?view=journal&unit=-rf&priority=--x&since=week&q=accepted";
    let text = get(&memory, "operator", "en", address).await.text;
    assert!(text.contains("sshd: Accepted"), "{text}");
    let command = "--output=short-iso --lines 1000 --priority info --since -7d<";
    assert!(text.contains(command), "{text}");
    let address = "/vservers/web1/console?view=journal&unit=getty%40tty1.service";
    let text = get(&memory, "operator", "en", address).await.text;
    assert!(text.contains("--unit getty@tty1.service"), "{text}");
}

#[tokio::test]
async fn services_have_the_buttons_that_make_sense() {
    let memory = Memory::new();
    let text = get(&memory, "operator", "en", "/vservers/web1/services").await.text;
    for label in ["Stop ssh.service", "Disable ssh.service", "Enable x.service", "Start x.service"]
    {
        assert!(text.contains(&format!("aria-label=\"{label}\"")), "{label}: {text}");
    }
    for label in ["Stop x.service", "Enable ssh.service", "Enable getty@tty1.service"] {
        assert!(!text.contains(label), "{label}");
    }
    assert!(text.contains("unit=getty%40tty1.service") && text.contains("&lt;b&gt;"), "{text}");
    assert!(text.contains("vserver web1 exec systemctl --no-ask-password restart"), "{text}");
}

#[tokio::test]
async fn services_are_filtered_by_text_and_by_state() {
    let memory = Memory::new();
    for (query, shown) in [
        ("q=SSH", &["ssh.service"][..]),
        ("q=what", &["getty@tty1.service", "ssh.service", "x.service"]),
        ("state=failed", &["getty@tty1.service"]),
        ("state=active&q=x.service", &[]),
        ("state=odd", &["getty@tty1.service", "ssh.service", "x.service"]),
    ] {
        let path = format!("/vservers/web1/services?{query}");
        let text = get(&memory, "operator", "en", &path).await.text;
        for name in ["getty@tty1.service", "ssh.service", "x.service"] {
            let is_shown = text.contains(&format!("name=\"service\" value=\"{name}\""));
            assert_eq!(is_shown, shown.contains(&name), "{query} {name}: {text}");
        }
        assert_eq!(text.contains("No service matches."), shown.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn a_service_is_told_by_a_plain_form() {
    let memory = Memory::new();
    let send = |values: &str| {
        let body = format!("csrf={CSRF}&name=web1&{values}");
        post(&memory, "operator", "text/html", "/api/services/order", body)
    };
    let answer = send("manager=systemd&service=ssh.service&action=restart").await;
    assert_eq!(
        (answer.status, answer.location.as_str()),
        (StatusCode::SEE_OTHER, "/vservers/web1/services")
    );
    let text = get(&memory, "operator", "en", "/vservers/web1/services").await.text;
    assert!(text.contains("/operations/"), "{text}");
    for wrong in [
        "manager=systemd&service=--force&action=restart",
        "manager=systemd&service=..%2Fx&action=restart",
        "manager=sh&service=ssh&action=restart",
        "manager=systemd&service=ssh&action=mask",
    ] {
        send(wrong).await;
        let text = get(&memory, "operator", "en", "/vservers/web1/services").await.text;
        assert!(
            text.contains("role=\"alert\"") && !text.contains("/operations/0"),
            "{wrong}: {text}"
        );
    }
}

#[tokio::test]
async fn what_happened_is_told_to_whoever_sees_the_vserver() {
    let memory = Memory::new();
    for path in ["/vservers/web1", "/vservers/web1/events"] {
        let text = get(&memory, "viewer", "en", path).await.text;
        assert!(text.contains("It was halted from inside."), "{text}");
        assert!(text.contains("the host runs web1/apps/vshelper/halt."), "{text}");
        assert!(text.contains("2 of its processes: &lt;java&gt; (pid 4711)."), "{text}");
        assert!(!text.contains("/vservers/web1/console"), "a viewer is shown no way inside");
    }
    let text = get(&memory, "viewer", "en", "/vservers/db1/events").await.text;
    assert!(text.contains("Nothing was written down yet"), "{text}");
}
