//! Which crate may stand on which: the arrows of ARCHITECTURE.md, and nothing else; and what the
//! privileged part must never be built from.
//!
//! An arrow that is not here is a decision that nobody took: take it there first.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Each crate of ours and those it stands on. What those stand on is allowed too.
const ARROWS: [(&str, &[&str]); 9] = [
    ("domain", &[]),
    ("sys", &[]),
    ("protocol", &["domain"]),
    ("store", &["domain"]),
    ("engine", &["protocol", "sys"]),
    ("app", &["domain"]),
    ("app-wasm", &["app"]),
    ("bundler", &[]),
    ("server", &["engine", "app", "store"]),
];

/// What must not be among all that a crate is built from, however far down.
const FOREIGN: [(&str, &[&str]); 4] = [
    ("engine", &["axum", "hyper", "leptos", "sqlx", "tokio"]),
    ("sys", &["axum", "hyper", "leptos", "sqlx", "tokio"]),
    ("store", &["axum", "hyper", "leptos"]),
    ("domain", &["axum", "hyper", "leptos", "libc", "nix", "sqlx", "tokio"]),
];

/// Which package stands on which.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// What cargo says of this workspace for this machine.
fn metadata() -> Value {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline"])
        .args(["--filter-platform", &platform])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo speaks JSON")
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn string<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Our crates and what their Cargo.toml names of ours, for whatever purpose.
fn declared(metadata: &Value) -> Graph {
    let members: Vec<&str> =
        array(metadata, "workspace_members").iter().filter_map(Value::as_str).collect();
    let ours = array(metadata, "packages")
        .iter()
        .filter(|package| members.contains(&string(package, "id")));
    ours.map(|package| {
        let named = array(package, "dependencies")
            .iter()
            .filter(|dependency| !dependency["path"].is_null())
            .map(|dependency| string(dependency, "name").to_owned());
        (string(package, "name").to_owned(), named.collect())
    })
    .collect()
}

/// Every package and what it is built from, tests and build scripts aside.
fn built_from(metadata: &Value) -> Graph {
    let names: BTreeMap<&str, &str> = array(metadata, "packages")
        .iter()
        .map(|package| (string(package, "id"), string(package, "name")))
        .collect();
    let mut graph = Graph::new();
    for node in array(&metadata["resolve"], "nodes") {
        let parts = array(node, "deps")
            .iter()
            .filter(|part| array(part, "dep_kinds").iter().any(|kind| kind["kind"].is_null()))
            .filter_map(|part| names.get(string(part, "pkg")))
            .map(|name| (*name).to_owned());
        let name = names.get(string(node, "id")).expect("a node is a package");
        graph.entry((*name).to_owned()).or_default().extend(parts);
    }
    graph
}

/// All that stands below `name`.
fn below(graph: &Graph, name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut ahead = vec![name.to_owned()];
    while let Some(next) = ahead.pop() {
        for part in graph.get(&next).into_iter().flatten() {
            if found.insert(part.clone()) {
                ahead.push(part.clone());
            }
        }
    }
    found
}

/// Every arrow between crates of ours that is not allowed.
fn forbidden_arrows(declared: &Graph) -> Vec<String> {
    let allowed: Graph = ARROWS
        .iter()
        .map(|(name, parts)| {
            ((*name).to_owned(), parts.iter().map(|part| (*part).to_owned()).collect())
        })
        .collect();
    let mut wrong = Vec::new();
    for (name, parts) in declared {
        if !allowed.contains_key(name) {
            wrong.push(format!("{name} is not in the table"));
        }
        let allowed = below(&allowed, name);
        wrong.extend(parts.difference(&allowed).map(|part| format!("{name} → {part}")));
    }
    wrong
}

/// Every crate of others that is where it must not be.
fn foreign_crates(built_from: &Graph) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, unwanted) in FOREIGN {
        let parts = below(built_from, name);
        let found = unwanted.iter().filter(|part| parts.contains(**part));
        wrong.extend(found.map(|part| format!("{name} is built from {part}")));
    }
    wrong
}

#[test]
fn crates_stand_only_on_those_they_may() {
    let declared = declared(&metadata());
    assert_eq!(declared.len(), ARROWS.len(), "{:?}", declared.keys());
    assert_eq!(forbidden_arrows(&declared), Vec::<String>::new());
}

#[test]
fn the_privileged_part_knows_nothing_of_the_web() {
    let built_from = built_from(&metadata());
    assert!(below(&built_from, "engine").contains("nix"), "the graph is empty");
    assert_eq!(foreign_crates(&built_from), Vec::<String>::new());
}

#[test]
fn an_arrow_that_is_not_allowed_is_found() {
    let graph = |arrows: &[(&str, &[&str])]| -> Graph {
        arrows
            .iter()
            .map(|(name, parts)| {
                ((*name).to_owned(), parts.iter().map(|part| (*part).to_owned()).collect())
            })
            .collect()
    };
    let declared = graph(&[("app", &["domain", "store"]), ("engine", &["domain"]), ("new", &[])]);
    assert_eq!(forbidden_arrows(&declared), ["app → store", "new is not in the table"]);

    let built_from = graph(&[("engine", &["sys"]), ("sys", &["mio"]), ("mio", &["tokio"])]);
    assert_eq!(
        foreign_crates(&built_from),
        ["engine is built from tokio", "sys is built from tokio"]
    );
}
