//! Opening: from nothing, again, at the same time, and what is no database of this version.

use domain::user::Role;
use store::{Store, StoreError};

use crate::{Fixture, NOW, new_user};

#[tokio::test]
async fn a_new_database_is_empty_and_a_reopened_one_is_not() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.store.users().await.unwrap(), []);
    assert_eq!(fixture.store.newest_operation().await.unwrap(), None);
    assert!(!fixture.store.has_administrator().await.unwrap());
    fixture.user("anna", Role::Administrator).await;
    let again = fixture.again().await;
    assert_eq!(again.users().await.unwrap(), fixture.store.users().await.unwrap());
    assert!(again.has_administrator().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_open_a_new_database_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ulysse.sqlite3");
    let opening: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            tokio::spawn(async move { Store::open(&path).await })
        })
        .collect();
    for (number, store) in opening.into_iter().enumerate() {
        let store = store.await.unwrap().unwrap();
        store.create_user(new_user(&format!("u{number}"), Role::Viewer)).await.unwrap();
    }
    assert_eq!(Store::open(&path).await.unwrap().users().await.unwrap().len(), 8);
}

#[tokio::test]
async fn writers_wait_for_each_other() {
    let fixture = Fixture::new().await;
    let stores = [fixture.store.clone(), fixture.again().await];
    let writing: Vec<_> = (0..40)
        .map(|number: i64| {
            let store = stores[usize::try_from(number % 2).unwrap()].clone();
            tokio::spawn(async move {
                store.note_failed_login("user:anna", NOW.plus_millis(number)).await
            })
        })
        .collect();
    for write in writing {
        write.await.unwrap().unwrap();
    }
    assert_eq!(
        fixture.store.failed_logins("user:anna", NOW).await.unwrap(),
        (40, Some(NOW.plus_millis(39)))
    );
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.txt");
    let text = "not a database\n".repeat(100);
    std::fs::write(&path, &text).unwrap();
    assert!(Store::open(&path).await.is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    let missing = directory.path().join("no/such/directory/ulysse.sqlite3");
    assert!(matches!(Store::open(&missing).await, Err(StoreError::Open { .. })));
}

#[tokio::test]
async fn a_newer_versions_database_is_refused() {
    let fixture = Fixture::new().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(fixture.path());
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (999999, 'of tomorrow', TRUE, x'00', 0)",
    )
    .execute(&pool)
    .await
    .unwrap();
    assert!(matches!(Store::open(&fixture.path()).await, Err(StoreError::Migrate(_))));
}
