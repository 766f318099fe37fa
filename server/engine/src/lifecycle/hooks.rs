//! The hooks of a start and a stop: `scripts/` of a VServer, and of `.defaults` (fact sheet 1.8).
//!
//! For each hook its file `scripts/HOOK`, then those of `scripts/HOOK.d`, by name; only where the VServer has
//! none, those of `.defaults` (or when a script that is sourced sets `DONT_SKIP_DEFAULTS`). A file that can
//! be executed is run with the hook and the VServer's name as its arguments; another one is a shell script,
//! read by a shell that ends at the first command that fails.
//!
//! Unlike the original's, which had them in the start's own shell and in the VServer's mount namespace, a
//! script cannot change what the start knows, and sees the host's mounts alone.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use domain::failure::Failure;
use domain::hook::Hook;
use domain::id::VServerName;
use domain::note::Note;
use domain::trace::TraceStep;
use nix::libc;
use rustix::pipe::{PipeFlags, pipe_with};

use super::host_program::{self, HostProgramError};
use crate::config::is_backup;
use crate::engine::Instance;
use crate::operation::{Work, crash_point};

/// Shells that source what cannot be executed. The original's was the first one.
const SHELLS: [&str; 2] = ["/bin/bash", "/bin/sh"];

/// What the shell does: it sources its own name, and says whether that wants those of `.defaults`, too. What
/// is the administrator's stands in arguments, never in this text.
const SOURCE: &str = r#". "$0"; [ -z "${DONT_SKIP_DEFAULTS-}" ] || echo >&3"#;

/// Where the shell says that.
const ANSWER: i32 = 3;

/// The hooks of one VServer.
pub(super) struct Hooks<'a> {
    instance: &'a Instance,
    name: &'a VServerName,
    /// Its files, once they are known.
    root: Option<&'a Path>,
}

impl<'a> Hooks<'a> {
    pub(super) fn of(
        instance: &'a Instance,
        name: &'a VServerName,
        root: Option<&'a Path>,
    ) -> Self {
        Self { instance, name, root }
    }

    /// Runs the programs of a hook, up to the first one that fails.
    ///
    /// # Errors
    /// When one may not be run, failed, or did not end in time.
    pub(super) fn run(&self, work: &mut Work<'_>, hook: Hook) -> Result<(), Failure> {
        self.each(work, hook, |_, failure| Err(failure))
    }

    /// The same while it is stopped: what goes wrong with one is said, and the others run.
    pub(super) fn run_at_stop(&self, work: &mut Work<'_>, hook: Hook) {
        // Each failure is said; there is none to give.
        let _ = self.each(work, hook, |work, failure| {
            work.note(&Note::AtStop { failure: Box::new(failure) });
            Ok(())
        });
    }

    /// Runs the programs of a hook; `failed` says whether one that fails is the last one.
    fn each<'w>(
        &self,
        work: &mut Work<'w>,
        hook: Hook,
        mut failed: impl FnMut(&mut Work<'w>, Failure) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let base = &self.instance.settings.roots.config_base;
        let mut wants_defaults = true;
        for tree in [self.name.as_str(), ".defaults"] {
            if !wants_defaults {
                break;
            }
            let files = match files_of(base, tree, hook) {
                Ok(files) => files,
                Err(error) => {
                    failed(work, error.into())?;
                    continue;
                }
            };
            wants_defaults = files.is_empty();
            for file in &files {
                match self.run_one(work, hook, file) {
                    Ok(wants) => wants_defaults |= wants,
                    Err(failure) => failed(work, failure)?,
                }
            }
        }
        Ok(())
    }

    /// Whether there is anything to run.
    pub(super) fn has(&self, hook: Hook) -> bool {
        let base = &self.instance.settings.roots.config_base;
        [self.name.as_str(), ".defaults"]
            .iter()
            .any(|tree| files_of(base, tree, hook).is_ok_and(|files| !files.is_empty()))
    }

    /// Runs one file; whether it wants those of `.defaults`, too.
    fn run_one(&self, work: &mut Work<'_>, hook: Hook, file: &HookFile) -> Result<bool, Failure> {
        let path = host_program::judged(&file.shown, &file.path)?;
        work.trace(TraceStep::Hook { hook, file: file.shown.clone() });
        work.flush_trace();
        crash_point("hook:running");
        let is_executable = fs::metadata(&path)
            .map_err(|source| HostProgramError::Look { path: path.clone(), source })?
            .permissions()
            .mode()
            & 0o111
            != 0;
        let arguments = [hook.as_str(), self.name.as_str()];
        let shell = SHELLS.iter().find(|shell| Path::new(shell).exists()).unwrap_or(&SHELLS[1]);
        if is_executable {
            let mut command = Command::new(&path);
            command.args(arguments);
            let called = self.call(work, command, hook, file, None);
            if !matches!(&called, Err(HostProgramError::Run { source, .. })
                if source.raw_os_error() == Some(libc::ENOEXEC))
            {
                return Ok(called.map(|()| false)?);
            }
            // A script that does not say what it is for: shells run such a one themselves.
            let mut command = Command::new(shell);
            command.arg(&path).args(arguments);
            return Ok(self.call(work, command, hook, file, None).map(|()| false)?);
        }
        let failed = |source| HostProgramError::Run { program: file.shown.clone(), source };
        let (answer, theirs) =
            pipe_with(PipeFlags::CLOEXEC).map_err(|errno| failed(errno.into()))?;
        rustix::fs::fcntl_setfl(&answer, rustix::fs::OFlags::NONBLOCK)
            .map_err(|errno| failed(errno.into()))?;
        let mut command = Command::new(shell);
        command.args(["-e", "-c", SOURCE]).arg(&path).args(arguments);
        self.call(work, command, hook, file, Some((theirs, ANSWER)))?;
        let said = fs::File::from(answer).read(&mut [0]).is_ok_and(|length| length > 0);
        Ok(said)
    }

    fn call(
        &self,
        work: &mut Work<'_>,
        mut command: Command,
        hook: Hook,
        file: &HookFile,
        answer: Option<(std::os::fd::OwnedFd, i32)>,
    ) -> Result<(), HostProgramError> {
        let settings = &self.instance.settings;
        let directory = settings.roots.config_of(self.name);
        let root = self.root.filter(|_| !hook.is_before_root());
        command
            .env_clear()
            .env("VSERVER_NAME", self.name.as_str())
            .env("VSERVER_DIR", &directory)
            .current_dir(root.unwrap_or(&directory));
        if let Some(root) = self.root {
            command.env("VDIR", root);
        }
        sys::descriptor::hand_on(&mut command, answer.into_iter().collect());
        let patience = Duration::from_secs(settings.limits.hook_seconds.into());
        host_program::run(work, command, &file.shown, patience)
    }
}

/// Runs a command of `apps/init` on the host, in the VServer's root.
///
/// # Errors
/// As [`Hooks::run`]; also when others than root may write the file that names it.
pub(super) fn run_command(
    instance: &Instance,
    work: &mut Work<'_>,
    name: &VServerName,
    root: &Path,
    (file, words): (&str, &[String]),
) -> Result<(), Failure> {
    let settings = &instance.settings;
    let shown = format!("{name}/{file}");
    host_program::judged(&shown, &settings.roots.config_of(name).join(file))?;
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let path = host_program::judged(&shown, Path::new(program))?;
    let line = domain::build::shell_line(words);
    work.trace(TraceStep::HostCommand { file: file.to_owned(), command: line });
    let mut command = Command::new(path);
    command
        .args(arguments)
        .env_clear()
        .env("VSERVER_NAME", name.as_str())
        .env("VSERVER_DIR", settings.roots.config_of(name))
        .env("VDIR", root)
        .current_dir(root);
    sys::descriptor::hand_on(&mut command, Vec::new());
    let patience = Duration::from_secs(settings.limits.hook_seconds.into());
    Ok(host_program::run(work, command, &shown, patience)?)
}

/// A file of a hook.
#[derive(Debug)]
struct HookFile {
    path: PathBuf,
    /// What it is called, from the directory of config trees on.
    shown: String,
}

/// The files of a hook in a tree: regular ones, no backups, `scripts/HOOK` first, then those of its
/// directory by name.
fn files_of(base: &Path, tree: &str, hook: Hook) -> Result<Vec<HookFile>, HostProgramError> {
    let scripts = base.join(tree).join("scripts");
    let parts = scripts.join(format!("{hook}.d"));
    let mut names: Vec<String> = match fs::read_dir(&parts) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(HostProgramError::Look { path: parts, source }),
        Ok(entries) => {
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
        }
    };
    names.retain(|name| !name.starts_with('.') && !is_backup(name));
    names.sort();
    let leaves = std::iter::once(hook.to_string())
        .chain(names.iter().map(|name| format!("{hook}.d/{name}")));
    Ok(leaves
        .map(|leaf| HookFile { path: scripts.join(&leaf), shown: format!("{tree}/scripts/{leaf}") })
        .filter(|file| file.path.is_file())
        .collect())
}
