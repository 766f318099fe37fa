//! VServers as lists and pages show them: config tree, state, usage and the operation under way put
//! together.
//!
//! A broken config tree never hides a VServer: its row says what is wrong. What is read from inside a
//! guest is a stranger's: it is opened beneath the guest's root, capped, and stripped of control
//! characters.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use domain::config_entry::ConfigTree;
use domain::failure::Failure;
use domain::id::{OperationId, VServerName};
use domain::operation::Kind;
use domain::vserver::{Detail, State, Summary, Usage};

use crate::base_links;
use crate::config::{self, ConfigError, GuestConfig};
use crate::facts::os_release_value;
use crate::guest;
use crate::parallel;
use crate::protect;
use crate::roots::Roots;
use crate::state::GuestState;
use crate::tree;
use crate::unification;
use crate::usage::{UsageError, Want, snapshot};
use crate::volume;

/// The most bytes of a guest's `os-release` that are read, and characters that are shown.
const OS_RELEASE_BYTES: u64 = 16 * 1024;
const OS_RELEASE_CHARACTERS: usize = 80;

/// How long counting what the files take may keep somebody waiting.
const DISK_PATIENCE: Duration = Duration::from_millis(200);

/// Why VServers could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum SummaryError {
    /// The config trees could not be listed, or there is none of this name.
    #[error("reading the config tree")]
    Config(#[from] ConfigError),
    /// Usage could not be read.
    #[error("reading what VServers use")]
    Usage(#[from] UsageError),
}

impl From<SummaryError> for Failure {
    fn from(error: SummaryError) -> Self {
        match error {
            SummaryError::Config(error) => error.into(),
            other => Self::Unexpected { detail: domain::failure::chain(&other) },
        }
    }
}

/// An operation that is being done, as far as the state of its VServer shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// To which VServer.
    pub name: VServerName,
    /// Which operation.
    pub operation: OperationId,
    /// What it does.
    pub kind: Kind,
}

/// All VServers, sorted by name, those included that are still being built.
///
/// # Errors
/// When the config base or `/proc` cannot be read.
pub fn summaries(roots: &Roots, activities: &[Activity]) -> Result<Vec<Summary>, SummaryError> {
    let snapshot = snapshot(roots, Want::Everything)?;
    let mut names = config::list_names(roots)?;
    let built = activities.iter().filter(|activity| activity.kind.makes());
    names.extend(built.map(|activity| activity.name.clone()));
    names.sort();
    names.dedup();
    let running = snapshot.by_name();
    Ok(parallel::map(&names, |name| {
        assemble(roots, name, activities, running.get(name).copied()).0
    }))
}

/// One VServer; none when there is none of this name and none is being built.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn summary(
    roots: &Roots,
    name: &VServerName,
    activities: &[Activity],
) -> Result<Option<Summary>, SummaryError> {
    let is_built = activities.iter().any(|a| a.name == *name && a.kind.makes());
    if !is_built && !roots.config_of(name).is_dir() {
        return Ok(None);
    }
    let snapshot = snapshot(roots, Want::Everything)?;
    Ok(Some(assemble(roots, name, activities, snapshot.running(name)).0))
}

/// The page of a VServer.
///
/// # Errors
/// When there is none of this name, or it or `/proc` cannot be read.
pub fn detail(
    roots: &Roots,
    name: &VServerName,
    activities: &[Activity],
) -> Result<Detail, SummaryError> {
    let is_built = activities.iter().any(|a| a.name == *name && a.kind.makes());
    let config_files = match config::files_of(roots, &ConfigTree::VServer(name.clone())) {
        Ok(files) => files,
        Err(ConfigError::NoSuchVServer { .. }) if is_built => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let snapshot = snapshot(roots, Want::Everything)?;
    let running = snapshot.running(name);
    let (summary, config) = assemble(roots, name, activities, running);
    let running = running.map(|(state, _)| state);
    let root = running
        .map(|state| state.root.clone())
        .or_else(|| config::root_directory_of(roots, name))
        .unwrap_or_else(|| base_links::shown_guest_base(roots).join(name.as_str()));
    let sharing = unification::sharing(&root, DISK_PATIENCE);
    let has_layers = unification::reference_of(&root).is_ok_and(|found| found.is_some());
    Ok(Detail {
        init_style: running
            .map(|state| state.style)
            .or(config.map(|config| config.init.style))
            .unwrap_or(domain::init::InitStyle::Sysv),
        os_release: os_release(&root),
        root_directory: root.display().to_string(),
        // Layers are mounted there too, and are no volume.
        volume: volume::source_at(&root).filter(|_| !has_layers),
        config_directory: roots.config_of(name).display().to_string(),
        is_protected: protect::is_protected(&roots.config_of(name)),
        disk_bytes: match &sharing {
            Some(sharing) => Some(sharing.own_bytes),
            None => tree::disk_bytes(&root, DISK_PATIENCE),
        },
        sharing,
        config_files,
        summary,
    })
}

fn assemble(
    roots: &Roots,
    name: &VServerName,
    activities: &[Activity],
    running: Option<&(GuestState, Usage)>,
) -> (Summary, Option<GuestConfig>) {
    let activity = activities.iter().find(|activity| activity.name == *name);
    let is_built = activity.is_some_and(|activity| activity.kind.makes());
    let (config, problem) = match GuestConfig::read(roots, name) {
        Ok(config) => (Some(config), None),
        // A build puts the config tree in place last.
        Err(_) if is_built => (None, None),
        Err(error) => (None, error.problem()),
    };
    // What is not known from a broken tree as a whole may still be known in part.
    let (claimed_context, _) = match &config {
        Some(config) => (config.context, Vec::new()),
        None => config::claims_of(roots, name),
    };
    let summary = Summary {
        context: running.map(|(state, _)| state.context).or(claimed_context),
        state: state_of(activity.map(|activity| activity.kind), running.is_some()),
        interfaces: config.as_ref().map(|config| config.interfaces.clone()).unwrap_or_default(),
        marks: config.as_ref().map(|config| config.init.marks.clone()).unwrap_or_default(),
        host_name: config.as_ref().and_then(|config| config.uts.node_name.clone()),
        usage: running.map(|(_, usage)| *usage),
        operation: activity.map(|activity| activity.operation.clone()),
        oom_kills: running.and_then(|_| guest::oom_kills(&roots.event_log_of(name))),
        problem,
        name: name.clone(),
    };
    (summary, config)
}

fn state_of(activity: Option<Kind>, is_running: bool) -> State {
    match (activity, is_running) {
        (Some(Kind::Build | Kind::Restore), _) => State::Building,
        (Some(Kind::Delete), _) => State::Deleting,
        (Some(Kind::Start), false) | (Some(Kind::Restart), false) => State::Starting,
        (Some(Kind::Stop | Kind::Restart), true) => State::Stopping,
        (_, true) => State::Running,
        (_, false) => State::Stopped,
    }
}

/// What a guest's `os-release` calls itself.
fn os_release(root: &Path) -> Option<String> {
    let file = tree::open_file_in(root, "etc/os-release").ok()?;
    let mut bytes = Vec::new();
    file.take(OS_RELEASE_BYTES).read_to_end(&mut bytes).ok()?;
    let name = os_release_value(&String::from_utf8_lossy(&bytes), "PRETTY_NAME")?;
    let shown: String =
        name.chars().filter(|c| !c.is_control()).take(OS_RELEASE_CHARACTERS).collect();
    (!shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::config_change::FileProblem;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn roots(base: &Path) -> Roots {
        Roots {
            config_base: base.join("etc"),
            guest_base: base.join("lib"),
            run_base: base.join("run"),
            ..Roots::default()
        }
    }

    fn guest(roots: &Roots, name: &str, files: &[(&str, &str)]) {
        let directory = roots.config_base.join(name);
        fs::create_dir_all(roots.guest_base.join(name).join("etc")).unwrap();
        fs::create_dir_all(&directory).unwrap();
        symlink(roots.guest_base.join(name), directory.join("vdir")).unwrap();
        for (path, text) in files {
            fs::write(directory.join(path), text).unwrap();
        }
    }

    #[test]
    fn broken_ones_and_those_being_built_are_in_the_list() {
        let base = tempfile::tempdir().unwrap();
        let roots = roots(base.path());
        guest(&roots, "web", &[("context", "100")]);
        guest(&roots, "broken", &[("context", "101"), ("nice", "much")]);
        let id: OperationId = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let build =
            Activity { name: "soon".parse().unwrap(), operation: id.clone(), kind: Kind::Build };
        let rows = summaries(&roots, std::slice::from_ref(&build)).unwrap();
        let shown: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    row.name.as_str(),
                    row.state,
                    row.problem.clone(),
                    row.context.map(domain::id::ContextId::get),
                )
            })
            .collect();
        let problem = FileProblem {
            path: "broken/nice".to_owned(),
            line: 1,
            expected: domain::config_entry::Expected::Integer { min: -20, max: 19 },
        };
        assert_eq!(
            shown,
            [
                ("broken", State::Stopped, Some(problem), Some(101)),
                ("soon", State::Building, None, None),
                ("web", State::Stopped, None, Some(100)),
            ]
        );
        assert_eq!(rows[1].operation, Some(id));
        assert!(summary(&roots, &"none".parse().unwrap(), &[]).unwrap().is_none());
        assert!(detail(&roots, &"none".parse().unwrap(), &[]).is_err());
        assert!(detail(&roots, &build.name.clone(), &[build]).is_ok());
        assert!(detail(&roots, &"broken".parse().unwrap(), &[]).is_ok());
    }

    #[test]
    fn os_release_never_leads_out_of_the_guest() {
        let base = tempfile::tempdir().unwrap();
        let roots = roots(base.path());
        guest(&roots, "web", &[]);
        let root = roots.guest_base.join("web");
        let path = root.join("etc/os-release");
        assert_eq!(os_release(&root), None);
        fs::create_dir_all(root.join("usr/lib")).unwrap();
        fs::write(root.join("usr/lib/os-release"), "PRETTY_NAME=\"Debian\u{1b}[31m GNU\"\n")
            .unwrap();
        symlink("../usr/lib/os-release", &path).unwrap();
        assert_eq!(os_release(&root).as_deref(), Some("Debian[31m GNU"));
        for target in ["/etc/os-release", "../../../../../../etc/os-release", "/proc/self/environ"]
        {
            fs::remove_file(&path).unwrap();
            symlink(target, &path).unwrap();
            assert_eq!(os_release(&root), None, "{target}");
        }
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(os_release(&root), None);
    }

    #[test]
    fn states() {
        assert_eq!(state_of(None, true), State::Running);
        assert_eq!(state_of(Some(Kind::Restart), true), State::Stopping);
        assert_eq!(state_of(Some(Kind::Restart), false), State::Starting);
        assert_eq!(state_of(Some(Kind::Start), true), State::Running);
        assert_eq!(state_of(Some(Kind::Backup), false), State::Stopped);
    }
}
