//! `interfaces/` under a change of addresses (fact sheet 1.6): what differs is written, file by file; what
//! Ulysse does not act on in these directories stays.

use std::path::Path;

use domain::identity::IdentityChange;
use domain::interface::{Device, Interface, max_prefix};

use super::plan::{Plan, PlanError};
use crate::config;
use crate::operation::{Finish, Step};

/// Plans what is to be written, made and taken away.
pub(super) fn plan(
    plan: &mut Plan,
    change: &IdentityChange,
    tree: &Path,
    aside: &Path,
) -> Result<(), PlanError> {
    let (before, after) = (&change.before.interfaces, &change.after.interfaces);
    if before == after {
        return Ok(());
    }
    let known = config::interface_directories(tree)?;
    let taken = config::interface_names(tree)?;
    let mut free = (0_u32..).map(|number| number.to_string()).filter(|name| !taken.contains(name));
    plan.directory(tree.join("interfaces"));
    for (index, new) in after.iter().enumerate() {
        match known.get(index) {
            Some((directory, old)) => differing(plan, tree, directory, Some(old), new)?,
            None => {
                let Some(name) = free.next() else { break };
                let directory = format!("interfaces/{name}");
                plan.directory(tree.join(&directory));
                differing(plan, tree, &directory, None, new)?;
            }
        }
    }
    let gone = known.get(after.len()..).unwrap_or_default();
    for (directory, _) in gone {
        // Kept until the change counts.
        plan.directory(aside.to_owned());
        let name = directory.strip_prefix("interfaces/").unwrap_or(directory);
        plan.steps.push(Step::Move { from: tree.join(directory), to: aside.join(name) });
    }
    if !gone.is_empty() {
        plan.finish.push(Finish::RemoveTree(aside.to_owned()));
    }
    Ok(())
}

fn differing(
    plan: &mut Plan,
    tree: &Path,
    directory: &str,
    old: Option<&Interface>,
    new: &Interface,
) -> Result<(), PlanError> {
    let path = |leaf: &str| format!("{directory}/{leaf}");
    if old.map(|old| &old.device) != Some(&new.device) {
        let device = match &new.device {
            Device::Named(device) => Some(device.to_string()),
            Device::None => None,
        };
        for marker in ["nodev", "only_ip"] {
            let wanted = (device.is_none() && marker == "nodev").then(String::new);
            let file = crate::rewrite::FilePlace::new(tree, &path(marker));
            let before =
                file.read().map_err(|source| PlanError::Look { path: file.shown(), source })?;
            if before.is_some() != wanted.is_some() {
                plan.rewrite(file, before, wanted);
            }
        }
        if device.is_some() {
            plan.scalar(tree, &path("dev"), device)?;
        }
    }
    let old_prefix = old.and_then(|old| old.prefix);
    let is_elsewhere = old.map(|old| old.address) != Some(new.address);
    if is_elsewhere || old_prefix != new.prefix {
        // An `ip` may hold its prefix too: from here on it does not.
        plan.scalar(tree, &path("ip"), Some(new.address.to_string()))?;
        // One that is missing here could be meant by `interfaces/prefix`.
        let prefix = new.prefix.or(old_prefix.map(|_| max_prefix(new.address)));
        plan.scalar(tree, &path("prefix"), prefix.map(|prefix| prefix.to_string()))?;
        plan.scalar(tree, &path("mask"), None)?;
    }
    if old.map(|old| &old.label) != Some(&new.label) {
        plan.scalar(tree, &path("name"), new.label.as_ref().map(ToString::to_string))?;
    }
    Ok(())
}
