//! Operations: what is kept, what is found.

use domain::failure::Failure;
use domain::id::UserId;
use domain::operation::{Actor, Kind, Operation, Progress};
use store::{OperationFilter, Store};

use crate::{Fixture, NOW, operation, operation_id, running};

async fn found(store: &Store, filter: &OperationFilter) -> Vec<Operation> {
    store.operations(filter, 100).await.unwrap()
}

/// The targets of the operations that a text finds.
async fn search(store: &Store, text: &str) -> Vec<String> {
    let filter = OperationFilter { text: Some(text.to_owned()), ..OperationFilter::default() };
    found(store, &filter).await.into_iter().map(|operation| operation.target.into()).collect()
}

#[tokio::test]
async fn an_operation_comes_back_as_kept() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    let mut kept = operation(1, "web");
    kept.kind = Kind::Build;
    kept.actor = Actor::User { id: UserId(3), name: "anna".parse().unwrap() };
    assert_eq!(store.operation(&kept.id).await.unwrap(), None);
    for progress in [
        Progress::Queued,
        running(0),
        running(400),
        running(300),
        Progress::Failed { failure: Failure::DiskFull { path: "/var/lib/vservers".to_owned() } },
    ] {
        kept.progress = progress;
        store.put_operation(&kept).await.unwrap();
        assert_eq!(store.operation(&kept.id).await.unwrap(), Some(kept.clone()));
    }
    assert_eq!(found(&store, &OperationFilter::default()).await, [kept]);
}

#[tokio::test]
async fn nothing_goes_back() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    let queued = operation(1, "web");
    let running = Operation { progress: running(500), ..queued.clone() };
    let cancelled =
        Operation { progress: Progress::Cancelled, finished_at: Some(NOW), ..queued.clone() };
    let succeeded = Operation { progress: Progress::Succeeded, ..cancelled.clone() };
    store.put_operation(&running).await.unwrap();
    store.put_operation(&queued).await.unwrap();
    assert_eq!(store.operation(&queued.id).await.unwrap().as_ref(), Some(&running));
    store.put_operation(&cancelled).await.unwrap();
    for late in [&queued, &running, &succeeded] {
        store.put_operation(late).await.unwrap();
        assert_eq!(store.operation(&queued.id).await.unwrap().as_ref(), Some(&cancelled));
    }
}

#[tokio::test]
async fn what_was_done_under_earlier_names_is_found() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    let done = |number, target: &str, to: Option<&str>| Operation {
        kind: if to.is_some() { Kind::Rename } else { Kind::Start },
        renamed_to: to.map(|to| to.parse().unwrap()),
        progress: Progress::Succeeded,
        ..operation(number, target)
    };
    let failed = Operation {
        progress: Progress::Failed { failure: Failure::Interrupted },
        ..done(2, "other", Some("ulyse"))
    };
    for one in [
        done(1, "nono", None),
        failed,
        done(3, "nono", Some("odyssee")),
        done(4, "odyssee", None),
        done(5, "odyssee", Some("ulyse")),
        // Another one took the old name.
        done(6, "nono", None),
        done(7, "ulyse", None),
    ] {
        store.put_operation(&one).await.unwrap();
    }
    let of = async |name: &str| {
        let target = Some(name.parse().unwrap());
        let filter = OperationFilter { target, ..OperationFilter::default() };
        let ids = found(&store, &filter).await.into_iter().map(|operation| operation.id);
        ids.collect::<Vec<_>>()
    };
    let ids = |numbers: &[u32]| numbers.iter().map(|n| operation_id(*n)).collect::<Vec<_>>();
    assert_eq!(of("ulyse").await, ids(&[7, 5, 4, 3, 1]));
    assert_eq!(of("odyssee").await, ids(&[5, 4, 3, 1]));
    assert_eq!(of("nono").await, ids(&[6, 3, 1]));
    assert_eq!(of("other").await, ids(&[2]));
}

#[tokio::test]
async fn the_unfinished_and_the_newest_are_known() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    for (number, progress) in
        [(3, running(1)), (1, Progress::Queued), (2, Progress::Succeeded), (4, Progress::Cancelled)]
    {
        let kept = Operation { progress, ..operation(number, "web") };
        store.put_operation(&kept).await.unwrap();
    }
    assert_eq!(store.unfinished_operations().await.unwrap(), [operation_id(1), operation_id(3)]);
    assert_eq!(store.newest_operation().await.unwrap(), Some(operation_id(4)));
}

#[tokio::test]
async fn filters_narrow_and_pages_follow() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    for number in 0..10 {
        let kind = if number % 2 == 0 { Kind::Start } else { Kind::Stop };
        let target = if number < 6 { "web" } else { "mail" };
        store.put_operation(&Operation { kind, ..operation(number, target) }).await.unwrap();
    }
    let numbers = async |filter: OperationFilter, limit| {
        let operations = store.operations(&filter, limit).await.unwrap();
        operations
            .iter()
            .map(|operation| operation.id.as_str()[20..].parse::<u32>().unwrap())
            .collect::<Vec<_>>()
    };
    let all = OperationFilter::default();
    assert_eq!(numbers(all.clone(), 3).await, [9, 8, 7]);
    assert!(numbers(all.clone(), 0).await.is_empty());
    let before = OperationFilter { before: Some(operation_id(7)), ..all.clone() };
    assert_eq!(numbers(before, 3).await, [6, 5, 4]);
    let web = OperationFilter { target: Some("web".parse().unwrap()), ..all.clone() };
    assert_eq!(numbers(web.clone(), 100).await, [5, 4, 3, 2, 1, 0]);
    let stops = OperationFilter { kind: Some(Kind::Stop), ..web };
    assert_eq!(numbers(stops.clone(), 100).await, [5, 3, 1]);
    let page =
        OperationFilter { before: Some(operation_id(5)), text: Some("WEB".to_owned()), ..stops };
    assert_eq!(numbers(page, 100).await, [3, 1]);
    let nothing = OperationFilter { text: Some(String::new()), ..all };
    assert_eq!(numbers(nothing, 100).await.len(), 10);
}

#[tokio::test]
async fn text_is_found_in_target_actor_command_and_log() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    let actors = [
        ("target", Actor::System),
        ("by-user", Actor::User { id: UserId(1), name: "anna".parse().unwrap() }),
        ("by-login", Actor::CommandLine { login: "ÉMILE".to_owned() }),
        ("by-itself", Actor::VServer { name: "inner".parse().unwrap() }),
    ];
    for ((target, actor), number) in actors.into_iter().zip(0..) {
        let command = format!("vserver {target} start --number {number}");
        let kept = Operation { actor, command, ..operation(number, target) };
        store.put_operation(&kept).await.unwrap();
    }
    store.append_log(&operation_id(0), 0, "Dépaquetage de Bash…\nFIN\n").await.unwrap();
    for (text, target) in [
        ("TARGET", "target"),
        ("Ulysse", "target"),
        ("ANN", "by-user"),
        ("émile", "by-login"),
        ("nner", "by-itself"),
        ("--NUMBER 2", "by-login"),
        ("DÉPAQUETAGE DE bash…", "target"),
        ("fin", "target"),
    ] {
        assert_eq!(search(&store, text).await, [target], "{text}");
    }
    assert_eq!(search(&store, "bash fin").await, [""; 0]);
    assert_eq!(search(&store, "targetulysse").await, [""; 0]);
    assert_eq!(search(&store, "vserver").await.len(), 4);
}

#[tokio::test]
async fn every_character_of_a_search_means_itself() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    let lines = [
        ("percent", "100% done"),
        ("underscore", "a_b"),
        ("quote", "it's \"quoted\""),
        ("backslash", r"C:\temp\%"),
        ("star", "apt* [a-z]? NEAR(x y) OR AND NOT"),
        ("plain", "100 done, axb, its quoted; (select 1) --"),
    ];
    for ((target, line), number) in lines.into_iter().zip(0..) {
        let kept = Operation { command: String::new(), ..operation(number, target) };
        store.put_operation(&kept).await.unwrap();
        store.append_log(&kept.id, 0, &format!("{line}\n")).await.unwrap();
    }
    for (text, targets) in [
        ("%", vec!["backslash", "percent"]),
        ("100%", vec!["percent"]),
        ("a_b", vec!["underscore"]),
        ("_", vec!["underscore"]),
        ("'", vec!["quote"]),
        ("\"", vec!["quote"]),
        ("it's \"quoted\"", vec!["quote"]),
        (r"\", vec!["backslash"]),
        (r"\%", vec!["backslash"]),
        ("*", vec!["star"]),
        ("[a-z]?", vec!["star"]),
        ("near(x", vec!["star"]),
        ("' OR 1=1 --", vec![]),
        ("; (select 1) --", vec!["plain"]),
        ("?1", vec![]),
    ] {
        assert_eq!(search(&store, text).await, targets, "{text}");
    }
}
