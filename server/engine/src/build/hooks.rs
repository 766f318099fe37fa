//! What the description of a distribution has run while a VServer is built: `initpre` before its
//! packages, `initpost` after them (fact sheet 1.10).
//!
//! They are the administrator's programs, and yet run in a [`stage`](super::stage), as root of the
//! VServer's ids: they work on files that strangers' packages have written. They are called as the
//! original called them: with a config directory and a file of variables, and with `MIRROR` and
//! `DISTRIBUTION` in their environment. All of that lies in [`OURS`] in the new root, which is gone when
//! the build is done.
//!
//! Invariant: all of it is written before anything of a stranger's runs in the root, and only then: later
//! what has its name may be a link.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use domain::build::BuildSpec;
use domain::failure::Failure;

use super::BuildError;
use super::running;
use super::stage::{self, StagePlan, TARGET};
use crate::engine::Instance;
use crate::operation::{Stopped, Work};
use crate::program::SEARCH_PATH;
use crate::roots::{IDS_PER_VSERVER, first_host_id};
use crate::tree;

/// The directory in the new root that is ours until the build is done.
pub(super) const OURS: &str = "ulysse-build";

/// What is run on a root, and what it is told.
#[derive(Debug)]
pub(super) struct Hooks<'a> {
    spec: &'a BuildSpec,
    root: &'a Path,
    /// What is being built.
    distribution: &'a str,
    /// Where its packages come from; empty when that is not one place.
    mirror: String,
    /// The programs that there are, by name.
    programs: Vec<(&'static str, &'a [u8])>,
}

/// A program that a description may have, by name.
pub(super) type Program<'a> = (&'static str, Option<&'a [u8]>);

impl<'a> Hooks<'a> {
    /// Makes the directory that is ours. Nothing of a stranger's may be in its place, or run in the root.
    pub(super) fn make(
        spec: &'a BuildSpec,
        root: &'a Path,
        (distribution, mirror): (&'a str, String),
        programs: &[Program<'a>],
    ) -> Result<Self, BuildError> {
        let programs = programs.iter().filter_map(|(name, program)| Some((*name, (*program)?)));
        let programs = programs.collect();
        let hooks = Self { spec, root, distribution, mirror, programs };
        let ours = hooks.ours();
        hooks.write().map_err(|source| BuildError::Place { path: ours, source })?;
        Ok(hooks)
    }

    /// Where it is on the host.
    pub(super) fn ours(&self) -> PathBuf {
        self.root.join(OURS)
    }

    /// Removes it. What packages put there is a stranger's: nothing is followed.
    pub(super) fn clear(self) -> Result<(), BuildError> {
        let ours = self.ours();
        tree::remove(&ours).map_err(|source| BuildError::Place { path: ours, source })
    }

    fn write(&self) -> io::Result<()> {
        let (ours, spec) = (self.ours(), self.spec);
        // Not over a link.
        DirBuilder::new().mode(0o755).create(&ours)?;
        fs::set_permissions(&ours, fs::Permissions::from_mode(0o755))?;
        make_directories(&ours, &["home", "tmp", "config/uts"])?;
        // As much of a config tree as such programs have looked at.
        symlink(TARGET, ours.join("config/vdir"))?;
        write(&ours.join("config/name"), format!("{}\n", spec.name).as_bytes(), 0o644)?;
        let host_name = format!("{}\n", spec.host_name);
        write(&ours.join("config/uts/nodename"), host_name.as_bytes(), 0o644)?;
        let variables = format!(
            "DISTRIBUTION={}\nMIRROR={}\nVSERVER_NAME={}\nVDIR={TARGET}\n",
            self.distribution,
            quoted(&self.mirror),
            spec.name
        );
        write(&ours.join("variables"), variables.as_bytes(), 0o644)?;
        let mut programs = self.programs.iter();
        programs.try_for_each(|(name, program)| write(&ours.join(name), program, 0o755))
    }

    /// A call in the stage.
    pub(super) fn plan(&self, command: Vec<String>) -> StagePlan {
        StagePlan {
            directory: self.root.to_owned(),
            first_host_id: first_host_id(self.spec.context),
            host_ids: IDS_PER_VSERVER,
            command,
            environment: self.environment(),
            writes_target_only: true,
            ..StagePlan::default()
        }
    }

    fn environment(&self) -> Vec<(String, String)> {
        let (home, temporary) = (format!("{TARGET}/{OURS}/home"), format!("{TARGET}/{OURS}/tmp"));
        let fixed = [
            ("PATH", SEARCH_PATH),
            ("HOME", home.as_str()),
            ("TMPDIR", temporary.as_str()),
            ("LC_ALL", "C.UTF-8"),
            ("DEBIAN_FRONTEND", "noninteractive"),
            ("DISTRIBUTION", self.distribution),
            ("MIRROR", self.mirror.as_str()),
            ("container", "lxc"),
        ];
        let fixed = fixed.map(|(name, value)| (name.to_owned(), value.to_owned()));
        fixed.into_iter().chain(stage::proxies()).collect()
    }

    /// Runs one of the programs, if the description has it.
    pub(super) fn run(
        &self,
        instance: &Instance,
        work: &mut Work<'_>,
        name: &str,
    ) -> Result<(), Stopped> {
        if !self.programs.iter().any(|(program, _)| *program == name) {
            return Ok(());
        }
        let ours = format!("{TARGET}/{OURS}");
        let call =
            vec![format!("{ours}/{name}"), format!("{ours}/config"), format!("{ours}/variables")];
        let mut last = String::new();
        let status = running::run(instance, work, &self.plan(call), |work, line| {
            last = line.to_owned();
            work.log(line);
        })?;
        if status.success() {
            return Ok(());
        }
        let detail = if last.is_empty() { status.to_string() } else { format!("{status}: {last}") };
        Err(Failure::ProgramFailed { program: name.to_owned(), detail }.into())
    }
}

/// Makes directories below another, whatever the umask.
pub(super) fn make_directories(base: &Path, below: &[&str]) -> io::Result<()> {
    below.iter().try_for_each(|directory| {
        DirBuilder::new().recursive(true).mode(0o755).create(base.join(directory))
    })
}

/// Writes a file that must not be there, whatever the umask.
pub(super) fn write(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content)?;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// A value in a file that a shell reads.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
