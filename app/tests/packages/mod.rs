//! The pages of packages: the matrix of pending updates, and one VServer's.

use axum::http::StatusCode;

use crate::memory::{CSRF, FORESEEN_BATCH, Memory, RUNNING_OPERATION};
use crate::visitor::{get, post};

#[tokio::test]
async fn what_is_pending_is_a_table_of_all() {
    let memory = Memory::new();
    let text = get(&memory, "operator", "en", "/packages").await.text.replace("<!>", "");
    for said in ["2 security", "to be repaired", "packages were changed since", "not asked yet"] {
        assert!(text.contains(said), "“{said}” is not said: {text}");
    }
    let viewer = get(&memory, "viewer", "en", "/packages").await.text;
    assert!(!viewer.contains("api/packages"), "a viewer is offered nothing: {viewer}");
    let found = get(&memory, "viewer", "en", "/packages?package=ssl").await.text;
    assert!(found.contains("libssl3") && found.contains("held"), "{found}");
    let nowhere = get(&memory, "viewer", "fr", "/packages?package=zzz").await.text;
    assert!(nowhere.contains("Aucun VServer"), "{nowhere}");
    let none = Memory { is_empty: true, ..Memory::new() };
    assert_eq!(get(&none, "viewer", "en", "/packages").await.status, StatusCode::OK);
}

#[tokio::test]
async fn one_vserver_shows_what_it_has_and_what_can_be_done() {
    let memory = Memory::new();
    let text = get(&memory, "operator", "en", "/vservers/web1/packages").await.text;
    for said in ["3.0.2", "Debian-Security:12/stable-security", "2 of 2 packages"] {
        assert!(text.contains(said), "“{said}” is not said: {text}");
    }
    let some = get(&memory, "viewer", "en", "/vservers/web1/packages?name=bas").await.text;
    assert!(some.contains("1 of 2 packages") && !some.contains("api/packages"), "{some}");
    let broken = get(&memory, "operator", "en", "/vservers/db1/packages").await.text;
    assert!(broken.contains("Broken: &lt;half&gt;."), "{broken}");
    let other = get(&memory, "operator", "en", "/vservers/fc6/packages").await.text;
    // One that rpm keeps can be changed as well, before it was ever asked.
    for said in ["rpm", "not asked yet", "api/packages/change", "vserver fc6 packages upgrade"] {
        assert!(other.contains(said), "“{said}” is not said: {other}");
    }
    assert!(!other.contains("id=\"installed-title\""), "{other}");
}

#[tokio::test]
async fn a_change_of_one_or_many_leads_to_its_operation() {
    let memory = Memory::new();
    let operation = format!("/operations/{RUNNING_OPERATION}");
    for (fields, to) in [
        ("names%5B%5D=web1&change=refresh", operation.as_str()),
        ("names%5B%5D=web1&names%5B%5D=db1&change=upgrade-security&canary=db1", &operation),
        ("names%5B%5D=web1&change=install&packages=file+less", &operation),
        ("change=refresh", "/packages"),
        ("names%5B%5D=web1&change=purge", "/packages"),
        ("names%5B%5D=web1&change=install&packages=--purge", "/packages"),
        ("names%5B%5D=..%2Fx&change=refresh", "/packages"),
    ] {
        let body = format!("csrf={CSRF}&next=%2Fpackages&{fields}");
        let answer = post(&memory, "operator", "text/html", "/api/packages/change", body).await;
        assert_eq!(answer.location, to, "{fields}");
    }
    let body = format!("csrf={CSRF}&next=%2Fpackages&change=refresh");
    post(&memory, "operator", "text/html", "/api/packages/change", body).await;
    let text = get(&memory, "operator", "en", "/packages").await.text;
    assert!(text.contains("Tick at least one VServer."), "{text}");
    // What was wrong, and what was typed, is shown.
    let body = format!("csrf={CSRF}&names%5B%5D=web1&change=install&packages=a%2Ab");
    post(&memory, "operator", "text/html", "/api/packages/change", body).await;
    let text = get(&memory, "operator", "en", "/packages").await.text;
    assert!(text.contains("value=\"a*b\"") && text.contains("aria-invalid=\"true\""), "{text}");
}

#[tokio::test]
async fn what_would_go_is_shown_before_it_goes() {
    let memory = Memory::new();
    for path in ["/packages", "/vservers/web1/packages"] {
        let text = get(&memory, "operator", "en", path).await.text;
        assert!(text.contains("value=\"foresee-removal\""), "{text}");
        assert!(!text.contains("value=\"remove\""), "nothing is removed at once: {text}");
    }
    let body = format!("csrf={CSRF}&names%5B%5D=web1&change=foresee-removal&packages=libssl3");
    let answer = post(&memory, "operator", "text/html", "/api/packages/change", body).await;
    assert_eq!(answer.location, format!("/operations/{FORESEEN_BATCH}"), "a batch of one");

    let path = format!("/operations/{FORESEEN_BATCH}");
    let text = get(&memory, "operator", "en", &path).await.text.replace("<!>", "");
    for said in [
        "Removing libssl3: what would go",
        "web1: packages that would go: 2",
        "&lt;needs-it&gt;",
        "7.1",
        "fc6: its tool did not say",
        "name=\"names[]\" value=\"web1\"",
        "name=\"packages\" value=\"libssl3\"",
        "value=\"remove\"",
        "vserver web1 packages remove libssl3",
        "Back to the packages",
    ] {
        assert!(text.contains(said), "“{said}” is not said: {text}");
    }
    // Who did not say is left as it is, and the words of a tool are no answer of ours.
    let form = text.split("aria-labelledby=\"removal-title\"").nth(1).unwrap();
    let form = form.split("</section>").next().unwrap();
    assert!(!form.contains("value=\"fc6\"") && !form.contains("of-somebody-else"), "{form}");
    let viewer = get(&memory, "viewer", "en", &path).await.text;
    assert!(viewer.contains("libssl3") && !viewer.contains("value=\"remove\""), "{viewer}");
}

#[tokio::test]
async fn what_is_not_installed_is_found_and_can_be() {
    let memory = Memory::new();
    let path = "/vservers/web1/packages?search=vim";
    let text = get(&memory, "operator", "en", path).await.text.replace("<!>", "");
    for said in [
        "Found for “vim”: 2",
        "an &lt;editor&gt;",
        "2:8.9",
        "aria-label=\"Install vim\"",
        "vserver web1 packages search vim",
        "name=\"packages\" value=\"vim\"",
    ] {
        assert!(text.contains(said), "“{said}” is not said: {text}");
    }
    assert!(!text.contains("Install vim-common"), "it is there: {text}");
    let viewer = get(&memory, "viewer", "en", path).await.text;
    assert!(viewer.contains("not installed") && !viewer.contains("api/packages"), "{viewer}");
    let nothing = get(&memory, "viewer", "fr", "/vservers/web1/packages?search=zzz").await.text;
    assert!(nothing.contains("ne proposent rien"), "{nothing}");
    let never = get(&memory, "operator", "en", "/vservers/db1/packages?search=vim").await.text;
    assert!(never.contains("no package lists that can be read"), "{never}");
    // rpm's lists are not searched, and no field says that they are.
    let other = get(&memory, "operator", "en", "/vservers/fc6/packages?search=vim").await.text;
    assert!(!other.contains("name=\"search\""), "{other}");
}
