//! Users, and the administrator who always stays.

use domain::failure::Failure;
use domain::id::UserId;
use domain::user::Role;
use store::{Store, StoreError};

use crate::sessions::session_of;
use crate::{Fixture, NOW, new_user};

#[tokio::test]
async fn a_user_comes_back_as_made() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    let mut new = new_user("zoe", Role::Operator);
    new.must_change_password = true;
    let zoe = store.create_user(new).await.unwrap();
    assert!(zoe.must_change_password && !zoe.disabled);
    assert_eq!((zoe.created_at, zoe.last_login_at), (NOW, None));
    let adam = store.create_user(new_user("adam", Role::Viewer)).await.unwrap();
    assert_ne!(adam.id, zoe.id);
    assert_eq!(store.user(zoe.id).await.unwrap(), Some(zoe.clone()));
    assert_eq!(store.user_by_name(&zoe.name).await.unwrap(), Some(zoe.clone()));
    assert_eq!(store.users().await.unwrap(), [adam, zoe.clone()]);
    assert_eq!(store.password_hash(zoe.id).await.unwrap().as_deref(), Some("hash of zoe"));

    store.note_login(zoe.id, NOW.plus_millis(5)).await.unwrap();
    let zoe = store.user(zoe.id).await.unwrap().unwrap();
    assert_eq!(zoe.last_login_at, Some(NOW.plus_millis(5)));
}

#[tokio::test]
async fn nobody_is_no_user() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    let nobody = UserId(17);
    assert_eq!(store.user(nobody).await.unwrap(), None);
    assert_eq!(store.user_by_name(&"nobody".parse().unwrap()).await.unwrap(), None);
    assert_eq!(store.password_hash(nobody).await.unwrap(), None);
    for refused in [
        store.set_user_disabled(nobody, true).await,
        store.set_user_role(nobody, Role::Viewer).await,
        store.set_password(nobody, "hash", false, None).await,
        store.note_login(nobody, NOW).await,
    ] {
        assert_eq!(Failure::from(refused.unwrap_err()), Failure::NoSuchUser);
    }
}

#[tokio::test]
async fn a_name_is_given_once() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    store.create_user(new_user("anna", Role::Viewer)).await.unwrap();
    let error = store.create_user(new_user("anna", Role::Administrator)).await.unwrap_err();
    assert!(matches!(&error, StoreError::NameTaken { name } if name.as_str() == "anna"));
    assert!(matches!(Failure::from(error), Failure::Invalid { errors } if errors.0.len() == 1));
    assert_eq!(store.users().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let anna = fixture.user("anna", Role::Administrator).await;
    let before = store.user(anna).await.unwrap();
    store.create_session(session_of("s", Some(anna))).await.unwrap();
    for refused in
        [store.set_user_disabled(anna, true).await, store.set_user_role(anna, Role::Operator).await]
    {
        assert_eq!(Failure::from(refused.unwrap_err()), Failure::LastAdministrator);
    }
    assert_eq!(store.user(anna).await.unwrap(), before);
    assert!(store.session("s", NOW).await.unwrap().is_some(), "what is refused changes nothing");

    let bert = fixture.user("bert", Role::Administrator).await;
    store.set_user_disabled(bert, true).await.unwrap();
    assert!(store.set_user_role(anna, Role::Viewer).await.is_err(), "bert cannot log in");
    store.set_user_role(bert, Role::Viewer).await.unwrap();
    store.set_user_role(bert, Role::Administrator).await.unwrap();
    assert!(store.set_user_role(anna, Role::Viewer).await.is_err(), "he still cannot");
    store.set_user_disabled(bert, false).await.unwrap();
    store.set_user_role(anna, Role::Viewer).await.unwrap();
}

#[tokio::test]
async fn who_is_no_administrator_can_be_changed_when_there_is_none() {
    let fixture = Fixture::new().await;
    let carl = fixture.user("carl", Role::Viewer).await;
    fixture.store.set_user_disabled(carl, true).await.unwrap();
    fixture.store.set_user_role(carl, Role::Operator).await.unwrap();
    assert!(fixture.store.user(carl).await.unwrap().unwrap().disabled);
}

/// Two administrators demote or disable each other at once, each through a file of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_administrators_cannot_remove_each_other() {
    async fn remove(store: Store, id: UserId, by_role: bool) -> Result<(), StoreError> {
        if by_role {
            store.set_user_role(id, Role::Viewer).await
        } else {
            store.set_user_disabled(id, true).await
        }
    }
    for round in 0..20 {
        let fixture = Fixture::new().await;
        let anna = fixture.user("anna", Role::Administrator).await;
        let bert = fixture.user("bert", Role::Administrator).await;
        let other = fixture.again().await;
        let (one, two) = tokio::join!(
            tokio::spawn(remove(fixture.store.clone(), anna, round % 2 == 0)),
            tokio::spawn(remove(other, bert, round % 3 == 0)),
        );
        let results = [one.unwrap(), two.unwrap()];
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        assert!(
            results
                .iter()
                .flat_map(|result| result.as_ref().err())
                .all(|error| matches!(error, StoreError::LastAdministrator)),
            "{results:?}"
        );
        assert!(fixture.store.has_administrator().await.unwrap());
    }
}

#[tokio::test]
async fn a_changed_user_has_no_session_of_before() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    fixture.user("root", Role::Administrator).await;
    let anna = fixture.user("anna", Role::Viewer).await;
    let bert = fixture.user("bert", Role::Viewer).await;
    let is_there = async |key: &str| store.session(key, NOW).await.unwrap().is_some();
    store.create_session(session_of("bert", Some(bert))).await.unwrap();
    store.create_session(session_of("nobody", None)).await.unwrap();

    store.create_session(session_of("a", Some(anna))).await.unwrap();
    store.set_user_role(anna, Role::Operator).await.unwrap();
    assert!(!is_there("a").await);
    store.create_session(session_of("a", Some(anna))).await.unwrap();
    store.set_user_disabled(anna, true).await.unwrap();
    assert!(!is_there("a").await);

    store.create_session(session_of("a", Some(anna))).await.unwrap();
    store.create_session(session_of("mine", Some(anna))).await.unwrap();
    store.set_password(anna, "another", true, Some("mine")).await.unwrap();
    assert!(!is_there("a").await);
    assert!(is_there("mine").await);
    assert_eq!(store.password_hash(anna).await.unwrap().as_deref(), Some("another"));
    assert!(store.user(anna).await.unwrap().unwrap().must_change_password);
    store.set_password(anna, "a third", false, None).await.unwrap();
    assert!(!is_there("mine").await);

    assert!(is_there("bert").await && is_there("nobody").await, "others' sessions go on");
    store.set_password(anna, "a fourth", false, Some("bert")).await.unwrap();
    assert!(is_there("bert").await);
}
