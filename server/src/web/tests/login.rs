//! Set-up, log-in, lock-out, sessions and their ends.

use std::time::Duration;

use app::backend::Clock;
use domain::failure::Failure;
use domain::time::UnixMillis;
use domain::user::Role;
use http::{StatusCode, header};

use super::{PASSWORD, TestSite};

const SET_UP: &str = "/api/account/set-up";

fn first<'a>(token: &'a str, name: &'a str) -> [(&'a str, &'a str); 4] {
    [("token", token), ("name", name), ("password", PASSWORD), ("password_again", PASSWORD)]
}

#[tokio::test]
async fn a_set_up_link_makes_one_administrator_and_ends_all_links() {
    let site = TestSite::new().await;
    let (token, other) = (site.setup_token().await, site.setup_token().await);
    let mut browser = site.browser();
    assert_eq!(browser.get(&format!("/setup/{token}")).await.status, StatusCode::OK);
    let answer = browser.submit(SET_UP, &first(&token, "ada")).await;
    assert_eq!(answer.header(header::LOCATION), "/", "{}", answer.text);
    assert_eq!(browser.get("/users").await.status, StatusCode::OK);

    for used in [token, other] {
        let mut late = site.browser();
        assert_eq!(late.get(&format!("/setup/{used}")).await.status, StatusCode::GONE);
        late.get("/login").await;
        let answer = late.post(SET_UP, &first(&used, "eve")).await;
        assert_eq!(answer.failure(), Failure::SetupLinkInvalid);
    }
    assert_eq!(site.site.store.users().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_set_up_link_lasts_an_hour() {
    let site = TestSite::new().await;
    let token = site.setup_token().await;
    let path = format!("/setup/{token}");
    site.clock.set_forward(Duration::from_secs(3590));
    assert_eq!(site.browser().get(&path).await.status, StatusCode::OK);
    site.clock.set_forward(Duration::from_secs(20));
    assert_eq!(site.browser().get(&path).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn the_cookie_is_bound_to_the_host_and_out_of_reach_of_scripts() {
    let site = TestSite::with_users().await;
    let mut browser = site.browser();
    browser.get("/login").await;
    let fields = [("name", "ada"), ("password", PASSWORD)];
    let answer = browser.submit("/api/account/log-in", &fields).await;
    let cookie = answer.header(header::SET_COOKIE);
    assert!(cookie.starts_with("__Host-ulysse="), "{cookie}");
    for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=43200"] {
        assert!(cookie.split("; ").any(|part| part == attribute), "{cookie} lacks {attribute}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn a_log_in_has_another_session_than_before() {
    let site = TestSite::with_users().await;
    let mut browser = site.browser();
    browser.get("/login").await;
    let mut before = browser.clone();
    browser.log_in("ada", PASSWORD).await;
    assert_ne!(before.session(), browser.session());
    // Whoever knew the first one, or made it up, is nobody with it, and stays so.
    assert_eq!(before.get("/users").await.status, StatusCode::SEE_OTHER);
    let mut planted = site.browser();
    let made_up = tower_sessions::session::Id::default().to_string();
    planted.cookies.insert(super::super::session::COOKIE.to_owned(), made_up.clone());
    planted.log_in("ada", PASSWORD).await;
    assert_ne!(planted.session(), Some(&made_up));
    let mut attacker = site.browser();
    attacker.cookies.insert(super::super::session::COOKIE.to_owned(), made_up);
    assert_eq!(attacker.get("/users").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn logging_out_ends_the_session_for_whoever_has_its_cookie() {
    let site = TestSite::with_users().await;
    let mut browser = site.logged_in("ada").await;
    let mut copy = browser.clone();
    let answer = browser.submit("/api/account/log-out", &[]).await;
    assert_eq!(answer.header(header::LOCATION), "/login");
    let page = browser.get("/login").await;
    assert!(page.text.contains("logged out"), "the page says so: {}", page.text);
    for browser in [&mut browser, &mut copy] {
        assert_eq!(browser.get("/users").await.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn a_session_ends_after_12_hours_without_a_request() {
    let site = TestSite::with_users().await;
    let mut browser = site.logged_in("vera").await;
    site.clock.set_forward(Duration::from_secs(12 * 3600 - 60));
    assert_eq!(browser.clone().get("/operations").await.status, StatusCode::OK);
    site.clock.set_forward(Duration::from_secs(120));
    assert_eq!(browser.get("/operations").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_log_in_ends_after_a_week_however_busy() {
    let site = TestSite::with_users().await;
    let mut browser = site.logged_in("vera").await;
    let key = super::super::session::key_of(&browser.session().unwrap().parse().unwrap());
    // The sessions' library has a clock of its own, which does not go forward with the test's.
    let keep_busy = async || {
        let store = &site.site.store;
        let mut row = store.session(&key, UnixMillis(0)).await.unwrap().unwrap();
        row.expires_at = site.clock.now().plus_millis(30 * 24 * 3600 * 1000);
        store.save_session(row).await.unwrap();
    };
    keep_busy().await;
    site.clock.set_forward(Duration::from_secs(7 * 24 * 3600 - 60));
    assert_eq!(browser.get("/operations").await.status, StatusCode::OK);
    keep_busy().await;
    assert_eq!(browser.get("/operations").await.status, StatusCode::OK);
    keep_busy().await;
    site.clock.set_forward(Duration::from_secs(120));
    assert_eq!(browser.get("/operations").await.status, StatusCode::SEE_OTHER);
    assert!(site.site.store.session(&key, UnixMillis(0)).await.unwrap().is_none());
}

#[tokio::test]
async fn five_failures_lock_a_name_for_30_seconds() {
    let site = TestSite::with_users().await;
    let mut browser = site.browser();
    for _ in 0..5 {
        let answer = browser.log_in("ada", "not the password").await;
        assert_eq!(answer.failure(), Failure::WrongCredentials);
    }
    let answer = browser.log_in("ada", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(matches!(answer.failure(), Failure::LockedOut { seconds: 1..=30 }), "{answer:?}");
    // From elsewhere, too; but others are not locked out with them.
    let mut elsewhere = site.browser();
    elsewhere.peer = "198.51.100.7";
    let answer = elsewhere.log_in("ada", PASSWORD).await;
    assert!(matches!(answer.failure(), Failure::LockedOut { .. }));
    assert_eq!(elsewhere.log_in("otto", PASSWORD).await.status, StatusCode::OK);

    site.clock.set_forward(Duration::from_secs(31));
    let answer = browser.log_in("ada", "not the password").await;
    assert_eq!(answer.failure(), Failure::WrongCredentials);
    let answer = browser.log_in("ada", PASSWORD).await;
    assert!(matches!(answer.failure(), Failure::LockedOut { seconds: 31..=60 }), "{answer:?}");
    site.clock.set_forward(Duration::from_secs(61));
    assert_eq!(browser.log_in("ada", PASSWORD).await.status, StatusCode::OK);
    // What was right forgives what was wrong.
    let answer = site.browser().log_in("ada", "not the password").await;
    assert_eq!(answer.failure(), Failure::WrongCredentials);
}

#[tokio::test]
async fn guessing_names_locks_the_address_out() {
    let site = TestSite::with_users().await;
    let mut browser = site.browser();
    for number in 0..20 {
        let answer = browser.log_in(&format!("nobody{number}"), PASSWORD).await;
        assert_eq!(answer.failure(), Failure::WrongCredentials);
    }
    let answer = browser.log_in("ada", PASSWORD).await;
    assert!(matches!(answer.failure(), Failure::LockedOut { .. }), "{answer:?}");
    let mut elsewhere = site.browser();
    elsewhere.peer = "198.51.100.7";
    assert_eq!(elsewhere.log_in("ada", PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_is_disabled_or_gets_another_role_has_no_session_any_more() {
    let site = TestSite::with_users().await;
    let mut ada = site.logged_in("ada").await;
    let otto = site.find("otto").await.id.to_string();
    for (path, field) in [
        ("/api/users/set-disabled", ("disabled", "true")),
        ("/api/users/set-role", ("role", "viewer")),
    ] {
        let mut browser = site.logged_in("otto").await;
        assert_eq!(browser.get("/terminals").await.status, StatusCode::OK);
        let answer = ada.post(path, &[("user", &otto), field]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(browser.get("/vservers").await.status, StatusCode::SEE_OTHER, "{path}");
        assert!(site.engine.world().terminals.is_empty(), "{path} left a terminal");
        let answer =
            ada.post("/api/users/set-disabled", &[("user", &otto), ("disabled", "false")]).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let user = site.find("otto").await;
    assert_eq!((user.role, user.disabled), (Role::Viewer, false));
}

#[tokio::test]
async fn who_is_disabled_cannot_log_in_and_is_told_no_more_than_a_guesser() {
    let site = TestSite::with_users().await;
    let vera = site.find("vera").await.id;
    site.site.store.set_user_disabled(vera, true).await.unwrap();
    let answer = site.browser().log_in("vera", PASSWORD).await;
    assert_eq!(answer.failure(), Failure::WrongCredentials);
}

#[tokio::test]
async fn another_password_ends_ones_other_sessions() {
    let site = TestSite::with_users().await;
    let mut here = site.logged_in("vera").await;
    let mut there = site.logged_in("vera").await;
    let before = here.session().cloned();
    let new = "another horse, another day";
    let fields = |current| [("current", current), ("password", new), ("password_again", new)];
    let answer = here.post("/api/account/change-password", &fields("wrong")).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    let answer = here.post("/api/account/change-password", &fields(PASSWORD)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_ne!(here.session().cloned(), before);
    assert_eq!(here.get("/vservers").await.status, StatusCode::OK);
    assert_eq!(there.get("/vservers").await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.browser().log_in("vera", new).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_given_password_must_be_changed_and_the_last_administrator_stays() {
    let site = TestSite::with_users().await;
    let mut ada = site.logged_in("ada").await;
    let given = "given by the administrator";
    let fields =
        [("name", "nina"), ("role", "operator"), ("password", given), ("password_again", given)];
    let answer = ada.post("/api/users/create", &fields).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let mut nina = site.browser();
    nina.get("/login").await;
    let answer = nina.submit("/api/account/log-in", &[("name", "nina"), ("password", given)]).await;
    assert_eq!(answer.header(header::LOCATION), "/account/password");

    let own = site.find("ada").await.id.to_string();
    for field in [("disabled", "true"), ("role", "viewer")] {
        let path = match field.0 {
            "role" => "/api/users/set-role",
            _ => "/api/users/set-disabled",
        };
        let answer = ada.post(path, &[("user", &own), field]).await;
        assert_eq!(answer.failure(), Failure::LastAdministrator);
    }
}
