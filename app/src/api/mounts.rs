//! Changing one line of a VServer's fstab, and applying one to what is mounted. The change is not saved here: what
//! comes of it is judged and shown on the page of the file, as a difference, and saved there like every other.

use domain::authz::{ConfigureVServer, ViewVServers};
use domain::config_change::{ConfigEdit, FileState};
use domain::config_entry::{ConfigPath, ConfigTree};
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::fstab::{Fstab, MountForm};
use domain::id::VServerName;
use leptos::prelude::*;

use super::{Answer, Call};
use crate::backend::{Configure, Notice};
use crate::error::Refusal;
use crate::pages::config::file_address;

/// The form, as its server function is called.
pub(crate) const FORM: &str = "mounts/change";
/// What is sent as `action` to remove a line.
pub(crate) const REMOVE: &str = "remove";
/// The files that a start reads mounts from.
pub(crate) const FILES: [&str; 2] = ["fstab", "fstab.local"];
/// The switch of the original's clean-up.
pub(crate) const CLEANUP: &str = "nonamespace-cleanup";

/// What a line would be, or without it; shown as a difference. Changes nothing.
#[server(prefix = "/api", endpoint = "mounts/change")]
pub async fn change_mount(
    #[server(default)] csrf: String,
    #[server(default)] name: String,
    #[server(default)] file: String,
    #[server(default)] line: usize,
    #[server(default)] action: String,
    #[server(default)] form: MountForm,
) -> Result<(), Refusal> {
    let mut call = Call::begin(FORM).typed("file", &file).typed("line", &line.to_string());
    if let Ok(text) = serde_json::to_string(&form) {
        call = call.typed("form", &text);
    }
    let back = match name.parse::<VServerName>() {
        Ok(name) => format!("/vservers/{name}/mounts#mount-form"),
        Err(_) => "/vservers".to_owned(),
    };
    let is_removal = action == REMOVE;
    match judged(&call, &csrf, &name, &file, line, (!is_removal).then_some(&form)).await {
        Ok((tree, text)) => {
            let address = file_address(&tree, &file);
            let call = call.into_form("config/preview");
            let call = call.typed("path", &file).typed("action", "write").typed("text", &text);
            call.answer(&back, Ok(Answer::to(address).saying(Notice::Previewed))).await
        }
        Err(failure) => call.answer(&back, Err(failure)).await,
    }
}

/// Queues giving what is mounted at `target` the size and flags that its line says by now.
#[server(prefix = "/api", endpoint = "mounts/apply")]
pub async fn apply_mount(
    #[server(default)] csrf: String,
    #[server(default)] name: String,
    #[server(default)] target: String,
) -> Result<(), Refusal> {
    let call = Call::begin("mounts/apply");
    let name = name.parse::<VServerName>();
    let back = match &name {
        Ok(name) => format!("/vservers/{name}/mounts"),
        Err(_) => "/vservers".to_owned(),
    };
    let result = async {
        let permit = call.permit::<ConfigureVServer>(&csrf).await?;
        let name = name.map_err(|problem| Failure::of_field(Field::Name, problem))?;
        let operation = call.backend.queue(permit.remount(name, target)).await?;
        let operations = vec![(operation.id, operation.kind, operation.target)];
        Ok(Answer::to(&back).saying(Notice::Queued { operations, failures: Vec::new() }))
    }
    .await;
    call.answer(&back, result).await
}

/// What the file would say; without a form the line is removed.
async fn judged(
    call: &Call,
    csrf: &str,
    name: &str,
    file: &str,
    line: usize,
    form: Option<&MountForm>,
) -> Result<(ConfigTree, String), Failure> {
    let permit = call.permit::<ConfigureVServer>(csrf).await?;
    let view = call.permit::<ViewVServers>(csrf).await?;
    let name: VServerName =
        name.parse().map_err(|problem| Failure::of_field(Field::Name, problem))?;
    if !FILES.contains(&file) {
        let choices = FILES.map(str::to_owned).to_vec();
        return Err(Failure::of_field(Field::ConfigPath, Problem::NotAChoice { choices }));
    }
    let path: ConfigPath =
        file.parse().map_err(|problem| Failure::of_field(Field::ConfigPath, problem))?;
    let tree = ConfigTree::VServer(name.clone());
    let found = call.backend.config_file(view, tree.clone(), path.clone()).await?;
    let (text, seen) = match found.state {
        FileState::Text { text, digest } => (text, Some(digest)),
        _ => (String::new(), None),
    };
    let mut fstab = Fstab::of(&text);
    let old = fstab.mount(line);
    if line > 0 && old.is_none() {
        // It was another file when the page was made.
        return Err(Failure::ConfigChanged { path });
    }
    match form {
        Some(form) => {
            let change = form.judge(old.as_ref());
            fstab.put(&change.map_err(|errors| Failure::Invalid { errors })?);
        }
        None => fstab.remove(line),
    }
    let text = fstab.text();
    let edit = ConfigEdit { path, seen, text: Some(text.clone()) };
    call.backend.judge_config(Configure::VServer(name, permit), vec![edit]).await?;
    Ok((tree, text))
}
