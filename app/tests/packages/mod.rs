//! The pages of packages: the matrix of pending updates, and one VServer's.

use axum::http::StatusCode;

use crate::memory::{CSRF, Memory, RUNNING_OPERATION};
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
