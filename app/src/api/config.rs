//! Changing files of a config tree: first seen as a difference, then saved; and undoing a change.
//!
//! The path is a name within the tree, never one of the host's; the engine judges it again, opens it
//! beneath the tree, and refuses what the catalogue does not give to the web.

use domain::authz::{ConfigureDefaults, ConfigureVServer};
use domain::config_change::{ConfigEdit, MAX_EDITS};
use domain::config_entry::{ConfigEntry, ConfigPath, ConfigTree, Digest};
use domain::failure::Failure;
use domain::field::{Field, Problem};
use leptos::prelude::*;

use super::{Answer, Call};
use crate::backend::{Configure, Notice};
use crate::error::Refusal;
use crate::pages::config::{address, distribution_address, file_address};

/// What is sent as `action` to remove a file.
pub(crate) const REMOVE: &str = "remove";

/// The permit to change the tree that a form names.
async fn permit(call: &Call, csrf: &str, tree: &str) -> Result<Configure, Failure> {
    let permit = call.permit::<ConfigureVServer>(csrf).await?;
    match tree.parse().map_err(|problem| Failure::of_field(Field::ConfigTree, problem))? {
        ConfigTree::VServer(name) => Ok(Configure::VServer(name, permit)),
        ConfigTree::Defaults => {
            Ok(Configure::Defaults(call.permit::<ConfigureDefaults>(csrf).await?))
        }
        ConfigTree::Distributions => {
            Ok(Configure::Distributions(call.permit::<ConfigureDefaults>(csrf).await?))
        }
    }
}

/// What a form asks for.
fn edit_of(
    tree: &ConfigTree,
    path: &str,
    seen: &str,
    action: &str,
    text: &str,
) -> Result<ConfigEdit, Failure> {
    let path: ConfigPath =
        path.parse().map_err(|problem| Failure::of_field(Field::ConfigPath, problem))?;
    let seen = match seen {
        "" => None,
        digest => Some(
            digest
                .parse::<Digest>()
                .map_err(|problem| Failure::of_field(Field::ConfigText, problem))?,
        ),
    };
    let text = (action != REMOVE).then(|| as_written(tree, &path, text));
    Ok(ConfigEdit { path, seen, text })
}

fn as_written(tree: &ConfigTree, path: &ConfigPath, text: &str) -> String {
    match ConfigEntry::of(tree, path) {
        Some(entry) => entry.as_written(text),
        None => text.replace("\r\n", "\n"),
    }
}

/// Where the page of a file is, or the list when the form names none.
fn back_to(tree: &str, path: &str) -> String {
    match (tree.parse::<ConfigTree>(), path.parse::<ConfigPath>()) {
        (Ok(tree), Ok(path)) => file_address(&tree, path.as_str()),
        (Ok(tree), Err(_)) => address(&tree),
        _ => "/vservers".to_owned(),
    }
}

/// Notes what was typed, as it would be written.
fn noting(form: &'static str, tree: &str, path: &str, action: &str, text: &str) -> Call {
    let call = Call::begin(form).typed("path", path).typed("action", action);
    let written = match (tree.parse::<ConfigTree>(), path.parse::<ConfigPath>()) {
        (Ok(tree), Ok(path)) => as_written(&tree, &path, text),
        _ => text.to_owned(),
    };
    call.typed("text", &written)
}

/// Judges a change and shows what it would do. Changes nothing.
#[server(prefix = "/api", endpoint = "config/preview")]
pub async fn preview_config(
    #[server(default)] csrf: String,
    #[server(default)] tree: String,
    #[server(default)] path: String,
    #[server(default)] seen: String,
    #[server(default)] action: String,
    #[server(default)] text: String,
) -> Result<(), Refusal> {
    let call = noting("config/preview", &tree, &path, &action, &text);
    let back = back_to(&tree, &path);
    let result = async {
        let of = permit(&call, &csrf, &tree).await?;
        let edit = edit_of(&of.tree(), &path, &seen, &action, &text)?;
        call.backend.judge_config(of, vec![edit]).await?;
        Ok(Answer::to(back.clone()).saying(Notice::Previewed))
    }
    .await;
    call.answer(&back, result).await
}

/// Queues a change and goes on at its operation.
#[server(prefix = "/api", endpoint = "config/save")]
pub async fn save_config(
    #[server(default)] csrf: String,
    #[server(default)] tree: String,
    #[server(default)] path: String,
    #[server(default)] seen: String,
    #[server(default)] action: String,
    #[server(default)] text: String,
) -> Result<(), Refusal> {
    let call = noting("config/save", &tree, &path, &action, &text);
    let back = back_to(&tree, &path);
    let result = async {
        let of = permit(&call, &csrf, &tree).await?;
        let edit = edit_of(&of.tree(), &path, &seen, &action, &text)?;
        let operation = call.backend.queue(of.edit(vec![edit])).await?;
        Ok(Answer::to(format!("/operations/{}", operation.id)))
    }
    .await;
    call.answer(&back, result).await
}

/// Queues the undoing of a change and goes on at its operation.
#[server(prefix = "/api", endpoint = "config/undo")]
pub async fn undo_config(
    #[server(default)] csrf: String,
    #[server(default)] tree: String,
    #[server(default)] number: u32,
    #[server(default)] path: String,
) -> Result<(), Refusal> {
    let call = Call::begin("config/undo");
    let back = match (tree.parse::<ConfigTree>(), path.is_empty()) {
        (Ok(tree), true) => format!("{}/history", address(&tree)),
        _ => back_to(&tree, &path),
    };
    let result = async {
        let of = permit(&call, &csrf, &tree).await?;
        let operation = call.backend.queue(of.undo(number)).await?;
        Ok(Answer::to(format!("/operations/{}", operation.id)))
    }
    .await;
    call.answer(&back, result).await
}

/// Queues the removal of several files, each as it was seen: its digest, a blank and its path.
#[server(prefix = "/api", endpoint = "config/remove")]
pub async fn remove_config(
    #[server(default)] csrf: String,
    #[server(default)] tree: String,
    #[server(default)] files: Vec<String>,
) -> Result<(), Refusal> {
    let call = Call::begin("config/remove");
    let named = files.first().and_then(|file| file.split_once(' '));
    let named = named.and_then(|(_, path)| path.parse::<ConfigPath>().ok()?.distribution());
    let back = match (tree.parse::<ConfigTree>(), named) {
        (Ok(ConfigTree::Distributions), Some(name)) => distribution_address(&name),
        (Ok(tree), _) => address(&tree),
        (Err(_), _) => "/vservers".to_owned(),
    };
    let result = async {
        let of = permit(&call, &csrf, &tree).await?;
        let edits = files
            .iter()
            .map(|file| {
                let (seen, path) = file.split_once(' ').unwrap_or_default();
                edit_of(&of.tree(), path, seen, REMOVE, "")
            })
            .collect::<Result<Vec<_>, _>>()?;
        if edits.is_empty() || edits.len() > MAX_EDITS {
            let problem = Problem::OutOfRange { min: 1, max: MAX_EDITS as u64 };
            return Err(Failure::of_field(Field::ConfigPath, problem));
        }
        let operation = call.backend.queue(of.edit(edits)).await?;
        Ok(Answer::to(format!("/operations/{}", operation.id)))
    }
    .await;
    call.answer(&back, result).await
}
