//! Sessions, failed log-ins, and what time ends.

use domain::id::UserId;
use domain::user::Role;
use store::{FAILED_LOGINS_KEPT_MILLIS, SessionRow};

use crate::{Fixture, NOW};

/// A session that expires a second from now.
pub(crate) fn session_of(key: &str, user: Option<UserId>) -> SessionRow {
    SessionRow {
        key: key.to_owned(),
        user,
        data: vec![0, 1, 255],
        expires_at: NOW.plus_millis(1000),
    }
}

#[tokio::test]
async fn a_session_is_made_once_and_written_often() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let anna = fixture.user("anna", Role::Viewer).await;
    let mut row = session_of("k", None);
    assert!(store.create_session(row.clone()).await.unwrap());
    assert_eq!(store.session("k", NOW).await.unwrap(), Some(row.clone()));
    let other = SessionRow { data: vec![9], ..row.clone() };
    assert!(!store.create_session(other).await.unwrap());
    assert_eq!(store.session("k", NOW).await.unwrap(), Some(row.clone()));
    row.user = Some(anna);
    row.data = Vec::new();
    row.expires_at = NOW.plus_millis(5000);
    store.save_session(row.clone()).await.unwrap();
    assert_eq!(store.session("k", NOW).await.unwrap(), Some(row));
    store.delete_session("k").await.unwrap();
    store.delete_session("k").await.unwrap();
    assert_eq!(store.session("k", NOW).await.unwrap(), None);
}

#[tokio::test]
async fn an_ended_session_is_not_brought_back_by_a_late_request() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let anna = fixture.user("anna", Role::Viewer).await;
    store.create_session(session_of("k", Some(anna))).await.unwrap();
    let held = store.session("k", NOW).await.unwrap().unwrap();
    store.set_user_disabled(anna, true).await.unwrap();
    store.save_session(held).await.unwrap();
    assert_eq!(store.session("k", NOW).await.unwrap(), None);
}

#[tokio::test]
async fn nobody_has_no_session() {
    let fixture = Fixture::new().await;
    assert!(fixture.store.create_session(session_of("k", Some(UserId(99)))).await.is_err());
    assert_eq!(fixture.store.session("k", NOW).await.unwrap(), None);
}

#[tokio::test]
async fn sessions_expire() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    store.create_session(session_of("k", None)).await.unwrap();
    assert!(store.session("k", NOW.plus_millis(999)).await.unwrap().is_some());
    assert!(store.session("k", NOW.plus_millis(1000)).await.unwrap().is_none());
}

#[tokio::test]
async fn failed_logins_are_counted_by_subject_and_time() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    for (subject, millis) in [("user:anna", 0), ("user:anna", 10), ("peer:::1", 20)] {
        store.note_failed_login(subject, NOW.plus_millis(millis)).await.unwrap();
    }
    let count = async |subject: &str, since: i64| {
        store.failed_logins(subject, NOW.plus_millis(since)).await.unwrap()
    };
    assert_eq!(count("user:anna", 0).await, (2, Some(NOW.plus_millis(10))));
    assert_eq!(count("user:anna", 1).await, (1, Some(NOW.plus_millis(10))));
    assert_eq!(count("user:anna", 11).await, (0, None));
    assert_eq!(count("user:ann_", 0).await, (0, None));
    store.clear_failed_logins("user:anna").await.unwrap();
    assert_eq!(count("user:anna", 0).await, (0, None));
    assert_eq!(count("peer:::1", 0).await, (1, Some(NOW.plus_millis(20))));
}

#[tokio::test]
async fn what_time_made_useless_is_deleted_and_nothing_else() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let soon = NOW.plus_millis(1000);
    let later = SessionRow { expires_at: soon.plus_millis(1), ..session_of("later", None) };
    store.create_session(session_of("expired", None)).await.unwrap();
    store.create_session(later).await.unwrap();
    store.add_setup_token("expired", soon).await.unwrap();
    store.add_setup_token("later", soon.plus_millis(1)).await.unwrap();
    let long_ago = soon.plus_millis(-FAILED_LOGINS_KEPT_MILLIS);
    store.note_failed_login("user:anna", long_ago).await.unwrap();
    store.note_failed_login("user:anna", long_ago.plus_millis(1)).await.unwrap();
    assert_eq!(store.delete_expired(soon).await.unwrap(), 3);
    assert_eq!(store.delete_expired(soon).await.unwrap(), 0);
    assert!(store.session("later", soon).await.unwrap().is_some());
    assert!(store.setup_token_is_valid("later", soon).await.unwrap());
    assert_eq!(store.failed_logins("user:anna", long_ago).await.unwrap().0, 1);
}
