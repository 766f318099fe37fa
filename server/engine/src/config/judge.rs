//! Judging a change of a config tree before anything is written: each file by its entry, then the tree
//! that would come of it as a whole, then against the other VServers and the host.
//!
//! What comes from the web is a stranger's: only entries of the catalogue that are for the web, no
//! line of an fstab or of a source of packages that reaches for the host, nothing that runs as the host's root.
//! A tree that was broken before may be mended file by file: only what a change breaks is refused.

use std::net::IpAddr;

use domain::build::judge_place;
use domain::config_change::{ConfigEdit, FileProblem, FileState, MAX_EDITS, NotEditable};
use domain::config_entry::{
    Access, ConfigEntry, ConfigPath, ConfigTree, Digest, Expected, Misread,
};
use domain::failure::Failure;
use domain::field::Problem;
use domain::host::NatNetwork;
use domain::id::VServerName;
use serde::{Deserialize, Serialize};

use super::directory::{ConfigDirectory, EditStep, digest_of};
use super::error::ConfigError;
use super::guest::GuestConfig;
use super::list::list_names;
use crate::facts::{Claim, claims};
use crate::network;
use crate::roots::{Nat, Roots, Settings};

/// Where a change comes from, which decides what it may touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A user of the web application.
    Web,
    /// Root, on the host.
    Host,
    /// The history, asked by a user of the web application: what was there before is put back.
    WebHistory,
    /// The history, asked by root on the host.
    HostHistory,
}

impl Origin {
    fn is_web(self) -> bool {
        matches!(self, Self::Web | Self::WebHistory)
    }

    fn is_history(self) -> bool {
        matches!(self, Self::WebHistory | Self::HostHistory)
    }
}

/// One judged edit.
#[derive(Debug)]
pub(crate) struct JudgedEdit {
    pub(crate) step: EditStep,
    pub(crate) before: FileState,
    pub(crate) text: Option<String>,
}

/// Where a tree is.
#[must_use]
pub(crate) fn directory_of(roots: &Roots, tree: &ConfigTree) -> std::path::PathBuf {
    roots.config_base.join(tree.directory())
}

/// Opens a tree.
///
/// # Errors
/// When there is none, or it cannot be opened.
pub(crate) fn open_tree(roots: &Roots, tree: &ConfigTree) -> Result<ConfigDirectory, Failure> {
    let path = directory_of(roots, tree);
    match (ConfigDirectory::open(&path)?, tree.vserver()) {
        (Some(directory), _) => Ok(directory),
        (None, Some(name)) => Err(Failure::NoSuchVServer { name: name.clone() }),
        (None, None) => {
            let source = std::io::ErrorKind::NotFound.into();
            Err(ConfigError::Read { file: tree.directory().into(), source }.into())
        }
    }
}

/// What a change would do. `promised` is what builds under way have been given.
///
/// # Errors
/// All that is wrong with it, or the first thing that forbids it.
pub(crate) fn judge(
    settings: &Settings,
    promised: &[Claim],
    tree: &ConfigTree,
    edits: &[ConfigEdit],
    origin: Origin,
) -> Result<Vec<JudgedEdit>, Failure> {
    let directory = open_tree(&settings.roots, tree)?;
    let mut judged: Vec<JudgedEdit> = Vec::new();
    let mut problems = Vec::new();
    for edit in edits.iter().take(MAX_EDITS) {
        let is_twice = judged.iter().any(|other| other.step.path == edit.path);
        let found = look(&directory, tree, &edit.path)?;
        if is_twice || digest_in(&found) != edit.seen.as_ref() {
            return Err(Failure::ConfigChanged { path: edit.path.clone() });
        }
        judge_access(tree, edit, &found, origin)
            .map_err(|reason| Failure::ConfigNotEditable { path: edit.path.clone(), reason })?;
        problems.extend(judge_text(tree, edit, &found, origin));
        let after = edit.text.as_ref().and_then(|text| digest_of(text.as_bytes()));
        if after == edit.seen {
            continue;
        }
        let made = match edit.text {
            Some(_) => directory.to_be_made(&edit.path).map_err(|e| failed(tree, &edit.path, e))?,
            None => None,
        };
        let step = EditStep {
            directory: directory.path().to_owned(),
            path: edit.path.clone(),
            before: edit.seen.clone(),
            after,
            made,
        };
        judged.push(JudgedEdit { step, before: found, text: edit.text.clone() });
    }
    if problems.is_empty() && judged.is_empty() {
        return Err(Failure::ConfigUnchanged);
    }
    if problems.is_empty()
        && let Some(name) = tree.vserver()
    {
        problems = judge_whole(settings, promised, name, &judged)?;
    }
    if problems.is_empty() { Ok(judged) } else { Err(Failure::ConfigRefused { problems }) }
}

/// Looks at a file.
///
/// # Errors
/// When it cannot be looked at.
pub(crate) fn look(
    directory: &ConfigDirectory,
    tree: &ConfigTree,
    path: &ConfigPath,
) -> Result<FileState, Failure> {
    directory.look(path).map(|found| found.state).map_err(|error| failed(tree, path, error))
}

pub(crate) fn failed(tree: &ConfigTree, path: &ConfigPath, source: std::io::Error) -> Failure {
    let file = std::path::Path::new(tree.directory()).join(path.as_str());
    ConfigError::Read { file, source }.into()
}

fn digest_in(state: &FileState) -> Option<&Digest> {
    match state {
        FileState::Text { digest, .. } => Some(digest),
        FileState::NotText { digest, .. } => digest.as_ref(),
        FileState::Absent | FileState::Link { .. } | FileState::Other => None,
    }
}

fn judge_access(
    tree: &ConfigTree,
    edit: &ConfigEdit,
    found: &FileState,
    origin: Origin,
) -> Result<(), NotEditable> {
    match found {
        FileState::Link { .. } => return Err(NotEditable::ByHand),
        FileState::Other => return Err(NotEditable::NotAFile),
        FileState::NotText { .. } => return Err(NotEditable::NotText),
        FileState::Absent | FileState::Text { .. } => {}
    }
    match ConfigEntry::of(tree, &edit.path).map(ConfigEntry::access) {
        Some(Access::Web) => Ok(()),
        Some(Access::Host) if !origin.is_web() => Ok(()),
        Some(Access::Host) => Err(NotEditable::HostOnly),
        Some(Access::ByHand) => Err(NotEditable::ByHand),
        // What nobody knows may be removed, and what was removed put back.
        None if edit.text.is_none() || origin.is_history() => Ok(()),
        None => Err(NotEditable::Unknown),
    }
}

fn judge_text(
    tree: &ConfigTree,
    edit: &ConfigEdit,
    found: &FileState,
    origin: Origin,
) -> Vec<FileProblem> {
    let (Some(text), Some(entry)) = (&edit.text, ConfigEntry::of(tree, &edit.path)) else {
        return Vec::new();
    };
    // What was there before need not be what Ulysse would have written.
    let judged = match origin {
        Origin::Web => entry.judge_from_web(text),
        Origin::Host => entry.judge(text),
        // It may have been root's alone to write.
        Origin::WebHistory if !entry.is_within_web_bounds(text) => entry.judge_from_web(text),
        Origin::WebHistory | Origin::HostHistory => Ok(()),
    };
    let mut wrong = judged.err().unwrap_or_default();
    if origin.is_web() {
        let before = match found {
            FileState::Text { text, .. } => text.as_str(),
            _ => "",
        };
        wrong.extend(entry.host_lines(before, text));
    }
    let path = edit.path.to_string();
    wrong
        .into_iter()
        .map(|Misread { line, expected }| FileProblem { path: path.clone(), line, expected })
        .collect()
}

/// Judges the tree that would come of the edits.
fn judge_whole(
    settings: &Settings,
    promised: &[Claim],
    name: &VServerName,
    edits: &[JudgedEdit],
) -> Result<Vec<FileProblem>, Failure> {
    let roots = &settings.roots;
    let as_if = edits.iter().map(|edit| (&edit.step.path, edit.text.as_deref()));
    let config = match GuestConfig::read_as_if(roots, name, as_if) {
        Ok(config) => config,
        Err(error) => {
            let Some(problem) = error.problem() else { return Err(error.into()) };
            let was_right = GuestConfig::read(roots, name).is_ok();
            let path = problem.path.strip_prefix(&format!("{name}/")).unwrap_or(&problem.path);
            let is_edited = edits.iter().any(|edit| edit.step.path.as_str() == path);
            let path = path.to_owned();
            return Ok(if was_right || is_edited {
                vec![FileProblem { path, ..problem }]
            } else {
                Vec::new()
            });
        }
    };
    let touches = |start: &str| edits.iter().any(|edit| edit.step.path.as_str().starts_with(start));
    let mut problems = Vec::new();
    let mut wrong = |path: String, line, expected| {
        problems.push(FileProblem { path, line, expected });
    };
    if touches("apps/init/depends") {
        let there = list_names(roots)?;
        let text = edits
            .iter()
            .find(|edit| edit.step.path.as_str() == "apps/init/depends")
            .and_then(|edit| edit.text.as_deref())
            .unwrap_or_default();
        for (index, line) in text.lines().enumerate() {
            let needed = line.trim().parse::<VServerName>();
            if needed.is_ok_and(|needed| needed == *name || !there.contains(&needed)) {
                let expected = Expected::ExistingVServer;
                wrong("apps/init/depends".to_owned(), index + 1, expected);
            }
        }
    }
    if !touches("context") && !touches("interfaces/") {
        return Ok(problems);
    }
    let mut others = claims(roots)?;
    others.extend(promised.iter().cloned());
    others.retain(|claim| claim.name != *name);
    if let Some(context) = config.context.filter(|_| touches("context"))
        && let Some(claim) = others.iter().find(|claim| claim.context == Some(context))
    {
        let expected =
            Expected::FreeContext(Problem::ContextTaken { context, by: claim.name.clone() });
        wrong("context".to_owned(), 1, expected);
    }
    if touches("interfaces/") {
        let addresses: Vec<(IpAddr, VServerName)> = others
            .iter()
            .flat_map(|claim| claim.addresses.iter().map(|a| (*a, claim.name.clone())))
            .collect();
        let host_addresses = network::host_addresses().map_err(facts)?;
        let devices = network::host_devices(&settings.nat).map_err(facts)?;
        let Nat { device, gateway, prefix } = settings.nat.clone();
        let nat = NatNetwork { device, gateway, prefix, next_free: None };
        for (index, interface) in config.interfaces.iter().enumerate() {
            let is_twice =
                config.interfaces.iter().take(index).any(|i| i.address == interface.address);
            let judged = if is_twice {
                Err(Problem::AddressTwice { address: interface.address })
            } else {
                judge_place(interface, &nat, &devices, &host_addresses, &addresses)
            };
            let Err(problem) = judged else { continue };
            let (path, is_touched) = place_of(&config, index, &problem, &touches);
            // What was wrong before, and is not touched, is not this change's to mend.
            if is_touched {
                let expected = match problem {
                    problem @ Problem::NoSuchDevice { .. } => Expected::Device(problem),
                    problem => Expected::UsableAddress(problem),
                };
                wrong(path, 1, expected);
            }
        }
    }
    Ok(problems)
}

/// The file that a problem with an interface is about, and whether the change touches that interface.
fn place_of(
    config: &GuestConfig,
    index: usize,
    problem: &Problem,
    touches: &impl Fn(&str) -> bool,
) -> (String, bool) {
    let directory = config.interface_directories.get(index).map_or("interfaces", String::as_str);
    let leaf = match problem {
        Problem::NoSuchDevice { .. } => "dev",
        _ => "ip",
    };
    let is_shared =
        ["dev", "prefix", "mask"].iter().any(|leaf| touches(&format!("interfaces/{leaf}")));
    (format!("{directory}/{leaf}"), is_shared || touches(&format!("{directory}/")))
}

fn facts(error: network::NetworkError) -> Failure {
    crate::facts::FactsError::Network(error).into()
}
