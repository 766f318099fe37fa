//! Logs: in pieces, told twice, cut between characters, and found across pieces.

use domain::failure::Failure;
use domain::operation::{Operation, Progress};
use store::{OperationFilter, Store, StoreError};

use crate::{Fixture, operation, operation_id};

/// The whole log, read `max_bytes` at a time.
async fn read(store: &Store, number: u32, max_bytes: usize) -> (String, bool) {
    let mut text = String::new();
    loop {
        let chunk = store
            .operation_log(&operation_id(number), text.len() as u64, max_bytes)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(chunk.offset, text.len() as u64);
        text.push_str(&chunk.text);
        if chunk.text.is_empty() || !chunk.open {
            return (text, chunk.open);
        }
    }
}

#[tokio::test]
async fn a_log_grows_and_is_open_until_the_end() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    let kept = operation(1, "web");
    assert_eq!(store.operation_log(&kept.id, 0, 100).await.unwrap(), None);
    let refused = store.append_log(&kept.id, 0, "x").await.unwrap_err();
    assert_eq!(Failure::from(refused), Failure::NoSuchOperation { id: kept.id.clone() });

    store.put_operation(&kept).await.unwrap();
    assert_eq!(read(&store, 1, 100).await, (String::new(), true));
    store.append_log(&kept.id, 0, "").await.unwrap();
    store.append_log(&kept.id, 0, "one\ntw").await.unwrap();
    store.append_log(&kept.id, 6, "o\n").await.unwrap();
    assert_eq!(read(&store, 1, 100).await, ("one\ntwo\n".to_owned(), true));
    assert_eq!(store.log_bytes(&kept.id).await.unwrap(), 8);
    store
        .put_operation(&Operation { progress: Progress::Succeeded, ..kept.clone() })
        .await
        .unwrap();
    assert_eq!(read(&store, 1, 100).await, ("one\ntwo\n".to_owned(), false));
    assert_eq!(read(&store, 1, 3).await, ("one\ntwo\n".to_owned(), false));
    let beyond = store.operation_log(&kept.id, 1000, 10).await.unwrap().unwrap();
    assert_eq!((beyond.offset, beyond.text.as_str(), beyond.open), (1000, "", false));
}

#[tokio::test]
async fn what_is_told_twice_is_kept_once() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    let kept = operation(1, "web");
    store.put_operation(&kept).await.unwrap();
    for (offset, text) in
        [(0, "héé\n"), (0, "héé\n"), (0, "hé"), (3, "é\nla"), (0, "héé\nlas"), (9, "t")]
    {
        store.append_log(&kept.id, offset, text).await.unwrap();
    }
    assert_eq!(read(&store, 1, 100).await.0, "héé\nlast");
}

#[tokio::test]
async fn a_gap_says_where_the_log_ends() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    let kept = operation(1, "web");
    store.put_operation(&kept).await.unwrap();
    store.append_log(&kept.id, 0, "0123").await.unwrap();
    for (offset, text) in [(5, "x"), (u64::MAX, "x"), (3, "éx")] {
        let refused = store.append_log(&kept.id, offset, text).await.unwrap_err();
        assert!(
            matches!(&refused, StoreError::LogDoesNotContinue { has: 4, .. }),
            "{offset} {refused:?}"
        );
    }
    assert_eq!(read(&store, 1, 100).await.0, "0123");
}

#[tokio::test]
async fn chunks_are_cut_between_characters() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    let kept = Operation { progress: Progress::Cancelled, ..operation(1, "web") };
    store.put_operation(&kept).await.unwrap();
    let text = "aé€𝄞\n".repeat(3000);
    store.append_log(&kept.id, 0, &text).await.unwrap();
    for max_bytes in [1000, 1001, 1002, 1003, usize::MAX] {
        assert_eq!(read(&store, 1, max_bytes).await, (text.clone(), false));
    }
    // Within a character, and less than one.
    let chunk = store.operation_log(&kept.id, 2, 0).await.unwrap().unwrap();
    assert_eq!((chunk.offset, chunk.text.as_str(), chunk.open), (3, "€", true));
}

#[tokio::test]
async fn a_piece_ends_where_a_line_ends() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    let kept = operation(1, "web");
    store.put_operation(&kept).await.unwrap();
    store.append_log(&kept.id, 0, "one\ntwo three\n").await.unwrap();
    for (offset, max_bytes, piece) in [(0, 8, "one\n"), (4, 8, "two thre"), (4, 10, "two three\n")]
    {
        let chunk = store.operation_log(&kept.id, offset, max_bytes).await.unwrap().unwrap();
        assert_eq!(chunk.text, piece);
    }
}

#[tokio::test]
async fn a_long_log_is_whole_and_every_line_is_found() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    let kept = operation(1, "web");
    store.put_operation(&kept).await.unwrap();
    let lines: Vec<String> =
        (0..1500).map(|number| format!("Unpacking package-{number:04} (1:2.3-4)\n")).collect();
    let long = format!("{}needle{}\n", "x".repeat(6000), "y".repeat(6000));
    let text = lines.concat() + &long + "the end";
    // In chunks whose ends fall anywhere in a line.
    let mut offset = 0;
    for chunk in text.as_bytes().chunks(1013) {
        let chunk = std::str::from_utf8(chunk).unwrap();
        store.append_log(&kept.id, offset, chunk).await.unwrap();
        offset += chunk.len() as u64;
    }
    assert_eq!(read(&store, 1, 10_000).await.0, text);
    assert_eq!(store.log_bytes(&kept.id).await.unwrap(), text.len() as u64);
    let finds = async |text: &str| {
        let filter = OperationFilter { text: Some(text.to_owned()), ..OperationFilter::default() };
        !store.operations(&filter, 1).await.unwrap().is_empty()
    };
    for line in lines.iter().map(|line| line.trim_end()) {
        assert!(finds(line).await, "{line}");
    }
    assert!(finds("xNEEDLEy").await);
    assert!(finds("the END").await);
    assert!(!finds("package-1500").await);
}
