//! Set-up: one administrator, whoever holds a link.

use domain::failure::Failure;
use domain::user::Role;
use store::StoreError;

use crate::{Fixture, NOW, new_user};

#[tokio::test]
async fn a_token_makes_the_first_administrator_once() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let in_an_hour = NOW.plus_millis(3_600_000);
    store.add_setup_token("one", in_an_hour).await.unwrap();
    store.add_setup_token("two", in_an_hour).await.unwrap();
    assert!(store.setup_token_is_valid("one", NOW).await.unwrap());
    assert!(!store.setup_token_is_valid("three", NOW).await.unwrap());
    assert!(!store.setup_token_is_valid("one", in_an_hour).await.unwrap());

    for (hash, at) in [("three", NOW), ("one", in_an_hour), ("", NOW), ("ONE", NOW), ("on%", NOW)] {
        let refused = store.set_up(hash, at, new_user("anna", Role::Administrator)).await;
        assert_eq!(Failure::from(refused.unwrap_err()), Failure::SetupLinkInvalid, "{hash}");
    }
    assert!(store.users().await.unwrap().is_empty());

    let anna = store.set_up("one", NOW, new_user("anna", Role::Viewer)).await.unwrap();
    assert_eq!(anna.role, Role::Administrator, "the first is one, whatever was asked for");
    for hash in ["one", "two"] {
        assert!(!store.setup_token_is_valid(hash, NOW).await.unwrap());
        let refused = store.set_up(hash, NOW, new_user("bert", Role::Administrator)).await;
        assert!(matches!(refused, Err(StoreError::SetupLinkInvalid)));
    }
    store.add_setup_token("late", in_an_hour).await.unwrap();
    assert!(!store.setup_token_is_valid("late", NOW).await.unwrap());
    assert_eq!(store.users().await.unwrap(), [anna]);
}

#[tokio::test]
async fn a_token_is_not_used_up_by_a_name_that_is_taken() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    fixture.user("anna", Role::Viewer).await;
    store.add_setup_token("one", NOW.plus_millis(1)).await.unwrap();
    let refused = store.set_up("one", NOW, new_user("anna", Role::Administrator)).await;
    assert!(matches!(refused, Err(StoreError::NameTaken { .. })));
    store.set_up("one", NOW, new_user("bert", Role::Administrator)).await.unwrap();
}

#[tokio::test]
async fn an_administrator_of_the_command_line_makes_links_useless() {
    let fixture = Fixture::new().await;
    fixture.store.add_setup_token("one", NOW.plus_millis(1)).await.unwrap();
    fixture.user("anna", Role::Administrator).await;
    assert!(!fixture.store.setup_token_is_valid("one", NOW).await.unwrap());
}

/// Two people with a link each, or with the same, at once, each through a file of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_at_once_one_wins() {
    for round in 0..20 {
        let fixture = Fixture::new().await;
        for hash in ["one", "two"] {
            fixture.store.add_setup_token(hash, NOW.plus_millis(1)).await.unwrap();
        }
        let (first, second) = (fixture.store.clone(), fixture.again().await);
        let hash = if round % 2 == 0 { "one" } else { "two" };
        let (one, two) = tokio::join!(
            tokio::spawn(async move {
                first.set_up("one", NOW, new_user("anna", Role::Administrator)).await
            }),
            tokio::spawn(async move {
                second.set_up(hash, NOW, new_user("bert", Role::Administrator)).await
            }),
        );
        let results = [one.unwrap(), two.unwrap()];
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        let refused = results.into_iter().find_map(Result::err).unwrap();
        assert!(matches!(refused, StoreError::SetupLinkInvalid), "{refused:?}");
        assert_eq!(fixture.store.users().await.unwrap().len(), 1);
    }
}
