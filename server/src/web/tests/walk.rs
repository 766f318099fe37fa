//! Every page and every server function, as nobody and as every role. What is registered and not in
//! these tables fails.

use std::collections::BTreeSet;

use domain::authz::{ActionKind, allowed};
use domain::failure::Failure;
use domain::user::Role;
use http::{StatusCode, header};
use leptos_axum::{AxumRouteListing, generate_route_list};

use super::engine_end::{BACKUP, CONSOLE_BOOT, OPERATION, PROCESS, TERMINAL};
use super::{Browser, TestSite, name_of};

/// Every page, an address of it, and what its reader must be allowed to do; none: anybody reads it.
fn pages() -> Vec<(&'static str, String, Option<ActionKind>)> {
    use ActionKind::*;
    let page = |route, path: &str, action| (route, path.to_owned(), action);
    vec![
        page("/login", "/login", None),
        page("/setup/{token}", "/setup/x", None),
        page("/account/password", "/account/password", Some(OwnAccount)),
        page("/", "/", Some(ViewVServers)),
        page("/host", "/host", Some(ViewVServers)),
        page("/vservers/{name}/metrics", "/vservers/web1/metrics", Some(ViewVServers)),
        page("/vservers", "/vservers", Some(ViewVServers)),
        page("/build", "/build", Some(BuildVServer)),
        page("/vservers/{name}", "/vservers/web1", Some(ViewVServers)),
        page("/batch", "/batch?action=stop", Some(RunVServer)),
        page("/vservers/{name}/mounts", "/vservers/web1/mounts", Some(ViewVServers)),
        page("/vservers/{name}/delete", "/vservers/web1/delete", Some(DeleteVServer)),
        page("/vservers/{name}/config", "/vservers/web1/config", Some(ViewVServers)),
        page(
            "/vservers/{name}/config/file",
            "/vservers/web1/config/file?path=context",
            Some(ViewVServers),
        ),
        page(
            "/vservers/{name}/config/history",
            "/vservers/web1/config/history",
            Some(ViewVServers),
        ),
        page("/defaults", "/defaults", Some(ViewVServers)),
        page("/defaults/file", "/defaults/file?path=shell", Some(ViewVServers)),
        page("/defaults/history", "/defaults/history", Some(ViewVServers)),
        page("/distributions", "/distributions", Some(ViewVServers)),
        page("/distributions/file", "/distributions/file?path=fc6%2Fpkgs%2F01", Some(ViewVServers)),
        page("/distributions/history", "/distributions/history", Some(ViewVServers)),
        page("/vservers/{name}/backups", "/vservers/web1/backups", Some(ViewVServers)),
        page("/vservers/{name}/packages", "/vservers/web1/packages?search=vim", Some(ViewVServers)),
        page("/packages", "/packages?package=bash", Some(ViewVServers)),
        page("/backups", "/backups", Some(ViewVServers)),
        page("/backups/{backup}", &format!("/backups/{BACKUP}"), Some(RestoreBackup)),
        page("/vservers/{name}/identity", "/vservers/web1/identity", Some(ChangeIdentity)),
        page("/boot", "/boot", Some(ViewVServers)),
        page("/vservers/{name}/events", "/vservers/web1/events", Some(ViewVServers)),
        page("/vservers/{name}/console", "/vservers/web1/console", Some(ReadInside)),
        page("/vservers/{name}/services", "/vservers/web1/services", Some(ReadInside)),
        page("/bin", "/bin", Some(UndeleteVServer)),
        page("/bin/{id}", &format!("/bin/{OPERATION}"), Some(UndeleteVServer)),
        page("/processes", "/processes", Some(ViewVServers)),
        page("/vservers/{name}/processes", "/vservers/web1/processes", Some(ViewVServers)),
        page(
            "/vservers/{name}/processes/{process}",
            &format!("/vservers/web1/processes/{PROCESS}"),
            Some(ViewVServers),
        ),
        page("/operations", "/operations", Some(ViewOperations)),
        page("/operations/{id}", &format!("/operations/{OPERATION}"), Some(ViewOperations)),
        page("/terminals", "/terminals", Some(EnterVServer)),
        page("/terminals/{id}", &format!("/terminals/{TERMINAL}"), Some(EnterVServer)),
        page("/templates", "/templates", Some(ViewTemplates)),
        page("/users", "/users", Some(ManageUsers)),
        page("/users/create", "/users/create", Some(ManageUsers)),
        page("/users/{id}", "/users/1", Some(ManageUsers)),
    ]
}

/// Every server function and what its caller must be allowed to do; none: anybody calls it.
const FUNCTIONS: &[(&str, Option<ActionKind>)] = &[
    ("/api/account/log-in", None),
    ("/api/account/set-up", None),
    ("/api/account/preferences", None),
    ("/api/account/log-out", Some(ActionKind::OwnAccount)),
    ("/api/account/change-password", Some(ActionKind::OwnAccount)),
    ("/api/vservers/build", Some(ActionKind::BuildVServer)),
    ("/api/vservers/preview", Some(ActionKind::BuildVServer)),
    ("/api/vservers/start", Some(ActionKind::RunVServer)),
    ("/api/vservers/stop", Some(ActionKind::RunVServer)),
    ("/api/vservers/restart", Some(ActionKind::RunVServer)),
    ("/api/vservers/delete", Some(ActionKind::DeleteVServer)),
    ("/api/config/preview", Some(ActionKind::ConfigureVServer)),
    ("/api/config/save", Some(ActionKind::ConfigureVServer)),
    ("/api/config/undo", Some(ActionKind::ConfigureVServer)),
    ("/api/config/remove", Some(ActionKind::ConfigureVServer)),
    ("/api/backups/take", Some(ActionKind::BackUpVServer)),
    ("/api/backups/verify", Some(ActionKind::BackUpVServer)),
    ("/api/backups/remove", Some(ActionKind::BackUpVServer)),
    ("/api/backups/prune", Some(ActionKind::BackUpVServer)),
    ("/api/backups/schedule", Some(ActionKind::BackUpVServer)),
    ("/api/backups/restore", Some(ActionKind::RestoreBackup)),
    ("/api/backups/restore-file", Some(ActionKind::RestoreBackup)),
    ("/api/vservers/identity", Some(ActionKind::ChangeIdentity)),
    ("/api/vservers/identity-preview", Some(ActionKind::ChangeIdentity)),
    ("/api/vservers/mark", Some(ActionKind::ConfigureVServer)),
    ("/api/vservers/protect", Some(ActionKind::ProtectVServer)),
    ("/api/vservers/batch", Some(ActionKind::RunVServer)),
    ("/api/mounts/change", Some(ActionKind::ConfigureVServer)),
    ("/api/mounts/apply", Some(ActionKind::ConfigureVServer)),
    ("/api/services/order", Some(ActionKind::ManageServices)),
    ("/api/bin/restore", Some(ActionKind::UndeleteVServer)),
    ("/api/bin/remove", Some(ActionKind::PurgeVServer)),
    ("/api/bin/empty", Some(ActionKind::PurgeVServer)),
    ("/api/processes/signal", Some(ActionKind::SignalProcess)),
    ("/api/operations/cancel", Some(ActionKind::CancelOperation)),
    ("/api/terminals/open", Some(ActionKind::EnterVServer)),
    ("/api/terminals/close", Some(ActionKind::EnterVServer)),
    ("/api/templates/remove", Some(ActionKind::ManageTemplates)),
    ("/api/bases/refresh", Some(ActionKind::ManageTemplates)),
    ("/api/bases/remove", Some(ActionKind::ManageTemplates)),
    ("/api/packages/change", Some(ActionKind::ManagePackages)),
    ("/api/users/create", Some(ActionKind::ManageUsers)),
    ("/api/users/set-disabled", Some(ActionKind::ManageUsers)),
    ("/api/users/set-role", Some(ActionKind::ManageUsers)),
    ("/api/users/reset-password", Some(ActionKind::ManageUsers)),
];

#[tokio::test]
async fn the_tables_hold_all_there_is() {
    let _site = TestSite::new().await;
    let listed = generate_route_list(app::App);
    let listed: BTreeSet<_> = listed.iter().map(AxumRouteListing::path).collect();
    let tabled: BTreeSet<_> = pages().iter().map(|(route, ..)| *route).collect();
    assert_eq!(listed, tabled);

    let listed: BTreeSet<_> = server_fn::axum::server_fn_paths()
        .collect::<Vec<_>>()
        .into_iter()
        .map(|(path, method)| {
            assert_eq!(method, http::Method::POST, "{path} can be called by a link");
            path
        })
        .collect();
    let tabled: BTreeSet<_> = FUNCTIONS.iter().map(|(path, _)| *path).collect();
    assert_eq!(listed, tabled);
}

#[tokio::test]
async fn every_page_is_for_those_whom_the_table_allows() {
    let site = TestSite::with_users().await;
    let mut roles = Vec::new();
    for role in Role::ALL {
        roles.push((role, site.logged_in(name_of(role)).await));
    }
    for (_, path, action) in pages() {
        let answer = site.browser().get(&path).await;
        match action {
            Some(_) => {
                assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path} as nobody");
                assert!(answer.header(header::LOCATION).starts_with("/login"), "{path}");
            }
            None => assert_ne!(answer.status, StatusCode::SEE_OTHER, "{path}"),
        }
        let Some(action) = action else { continue };
        for (role, browser) in &mut roles {
            let answer = browser.get(&path).await;
            // A terminal is its owner's: to everybody else there is none of this id.
            let is_anothers = path.ends_with(TERMINAL) && *role == Role::Administrator;
            let expected = match allowed(*role, action) {
                true if is_anothers => StatusCode::NOT_FOUND,
                true => StatusCode::OK,
                false => StatusCode::FORBIDDEN,
            };
            assert_eq!(answer.status, expected, "{path} as {role}");
        }
    }
}

/// Calls a function with a token of this session that is right.
async fn call(browser: &mut Browser, path: &str) -> (StatusCode, Option<Failure>) {
    let fields = [("user", "99"), ("name", "x"), ("id", TERMINAL)];
    let answer = browser.post(path, &fields).await;
    (answer.status, serde_json::from_str(&answer.text).ok())
}

#[tokio::test]
async fn every_function_is_for_those_whom_the_table_allows() {
    let site = TestSite::with_users().await;
    for &(path, action) in FUNCTIONS {
        let mut nobody = site.browser();
        nobody.get("/login").await;
        let (status, failure) = call(&mut nobody, path).await;
        let Some(action) = action else {
            assert!(![401, 403].contains(&status.as_u16()), "{path} as nobody: {failure:?}");
            continue;
        };
        assert_eq!(failure, Some(Failure::NotLoggedIn), "{path} as nobody");
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path} as nobody");
        for role in Role::ALL {
            let mut browser = site.logged_in(name_of(role)).await;
            let (status, failure) = call(&mut browser, path).await;
            if allowed(role, action) {
                assert!(![401, 403].contains(&status.as_u16()), "{path} as {role}: {failure:?}");
            } else {
                let action = action.as_str().to_owned();
                assert_eq!(failure, Some(Failure::NotAllowed { action }), "{path} as {role}");
                assert_eq!(status, StatusCode::FORBIDDEN);
            }
        }
    }
}

#[tokio::test]
async fn no_function_does_anything_without_the_sessions_token() {
    let site = TestSite::with_users().await;
    let other = site.logged_in("ada").await;
    let mut ada = site.logged_in("ada").await;
    site.engine.world().asked.clear();
    for (path, _) in FUNCTIONS {
        for token in ["", "x", other.csrf.as_str()] {
            let answer = ada.post(path, &[("csrf", token), ("only", "web1")]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
            assert_eq!(answer.failure(), Failure::CrossSite, "{path}");
        }
    }
    assert!(site.engine.world().asked.is_empty());
}

#[tokio::test]
async fn streams_and_sockets_are_for_those_whom_the_table_allows() {
    let site = TestSite::with_users().await;
    let get = |browser: &Browser, path: &str| {
        browser.request("GET", path).body(axum::body::Body::empty()).unwrap()
    };
    let socket = format!("/terminals/{TERMINAL}/socket");
    let console = format!("/vservers/web1/console/{CONSOLE_BOOT}");
    let tail = "/events?console=web1&place=17-0";
    let mut nobody = site.browser();
    for path in ["/events", "/events?vservers=true", tail, socket.as_str(), console.as_str()] {
        let answer = nobody.send(get(&nobody.clone(), path)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for role in Role::ALL {
        let mut browser = site.logged_in(name_of(role)).await;
        let response = browser.start(get(&browser.clone(), "/events?vservers=true")).await;
        assert_eq!(response.status(), StatusCode::OK, "{role}");
        let expected = match allowed(role, ActionKind::ReadInside) {
            true => StatusCode::OK,
            false => StatusCode::FORBIDDEN,
        };
        for path in [tail, &console] {
            let response = browser.start(get(&browser.clone(), path)).await;
            assert_eq!(response.status(), expected, "{path} as {role}");
        }
        let answer = browser.send(get(&browser.clone(), &socket)).await;
        let expected = match role {
            Role::Administrator => StatusCode::NOT_FOUND,
            // Welcome, had this been a WebSocket.
            Role::Operator => StatusCode::BAD_REQUEST,
            Role::Viewer => StatusCode::FORBIDDEN,
        };
        assert_eq!(answer.status, expected, "{role}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_numbers_are_for_who_knows_the_token_whoever_else_that_is() {
    let site = TestSite::with_users().await;
    for role in [None, Some(Role::Viewer), Some(Role::Operator), Some(Role::Administrator)] {
        let mut browser = match role {
            None => site.browser(),
            Some(role) => site.logged_in(name_of(role)).await,
        };
        for (shown, expected) in [
            (None, StatusCode::UNAUTHORIZED),
            (Some("Bearer another token of as many signs"), StatusCode::UNAUTHORIZED),
            (Some(concat!("Bearer ", "a token of thirty-two characters")), StatusCode::OK),
        ] {
            let mut request = browser.request("GET", "/metrics");
            if let Some(shown) = shown {
                request = request.header(header::AUTHORIZATION, shown);
            }
            let answer = browser.send(request.body(axum::body::Body::empty()).unwrap()).await;
            assert_eq!(answer.status, expected, "{role:?} {shown:?}");
            assert_eq!(answer.text.contains("ulysse"), expected == StatusCode::OK);
        }
        // It opens nothing else.
        let request = browser.request("POST", "/metrics").body(axum::body::Body::empty()).unwrap();
        assert_ne!(browser.send(request).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn nothing_is_done_before_a_given_password_was_changed() {
    let site = TestSite::with_users().await;
    let otto = site.find("otto").await;
    let mut browser = site.logged_in("otto").await;
    site.site
        .store
        .set_password(
            otto.id,
            super::hash(),
            true,
            browser
                .session()
                .map(|id| super::super::session::key_of(&id.parse().unwrap()))
                .as_deref(),
        )
        .await
        .unwrap();
    let answer = browser.post("/api/vservers/start", &[("only", "web1")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
    let answer = browser.submit("/api/vservers/start", &[("only", "web1")]).await;
    assert_eq!(answer.header(header::LOCATION), "/account/password");
    let answer = browser.get("/vservers").await;
    assert_eq!(answer.header(header::LOCATION), "/account/password");
    let request = browser.request("GET", "/events").body(axum::body::Body::empty()).unwrap();
    assert_eq!(browser.send(request).await.status, StatusCode::UNAUTHORIZED);
    assert!(site.engine.world().operations.len() == 1);

    browser.get("/account/password").await;
    let new = "another horse, another day";
    let fields = [("current", super::PASSWORD), ("password", new), ("password_again", new)];
    // What was in the way is not any more.
    let answer = browser.submit("/api/account/change-password", &fields).await;
    assert_eq!(answer.header(header::LOCATION), "/");
    assert_eq!(browser.get("/vservers").await.status, StatusCode::OK);
}
