//! Base systems: what debootstrap makes, kept so that the next VServer of the same kind is a copy.
//!
//! A base lies in `<cache_base>/bases/KEY/`: its files in `root/`, what it is in `base.json`. KEY is
//! the SHA-256 of all that decides what comes out. A base is never changed: it appears by one rename,
//! on disk before that, and goes by one. Whoever copies it holds `KEY.lock` shared, whoever makes or
//! removes it holds it alone.
//!
//! Not here: what makes one VServer differ from another ([`super::configure`]).

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use domain::build::{BuildSpec, Method};
use domain::failure::{Failure, HostFeature};
use domain::id::ContextId;
use domain::init::Init;
use domain::note::Note;
use domain::operation::Stage;
use domain::time::UnixMillis;
use nix::libc;
use rustix::event::poll;
use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sys::wait::timespec;

use super::BuildError;
use super::bases;
use super::debootstrap::{self, Listener, Word};
use super::running::{self, LOOK_EVERY, Running, Waiting, next_line};
use super::stage::{self, NotRun, StagePlan};
use crate::base_links;
use crate::engine::Instance;
use crate::operation::{Step, Stopped, Work, crash_point};
use crate::program;
use crate::roots::{IDS_PER_VSERVER, Roots, first_host_id};
use crate::tree;

/// Changes whenever what this module makes of the same method changes.
const RECIPE: u32 = 1;

/// A base that is there, for as long as this lives.
#[derive(Debug)]
pub(super) struct Base {
    /// Its files.
    pub(super) root: PathBuf,
    /// Whether it was made for this operation.
    pub(super) is_new: bool,
    _lock: File,
}

/// What a base is: `base.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    recipe: u32,
    pub(super) method: Method,
    pub(super) init: Init,
    pub(super) made_at: UnixMillis,
    /// The size of its files; older ones do not say it.
    #[serde(default)]
    pub(super) bytes: Option<u64>,
}

/// What decides what is in a base, and who it is made as.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) method: &'a Method,
    pub(super) init: Init,
    /// The host's id of the root of the process that makes it.
    pub(super) first_host_id: u32,
}

/// Where bases are.
pub(super) fn bases_directory(roots: &Roots) -> PathBuf {
    roots.cache_base.join("bases")
}

/// The name of the base of a method and an init.
pub(super) fn key(method: &Method, init: Init) -> String {
    // JSON of a struct is the same whenever the struct is.
    let text = serde_json::to_vec(&(RECIPE, method, init)).unwrap_or_default();
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Finds the base of a spec, or makes it.
///
/// # Errors
/// When it is cancelled, debootstrap fails, or something cannot be written.
pub(super) fn obtain(
    instance: &Instance,
    work: &mut Work<'_>,
    spec: &BuildSpec,
) -> Result<Base, Stopped> {
    let directory = bases_directory(&instance.settings.roots);
    // Guests' set-user-id programs lie below, owned by the host's root: nobody else may come here.
    tree::make_private(&directory).map_err(|source| at(&directory, source))?;
    let key = key(&spec.method, spec.init);
    let place = directory.join(&key);
    let lock_path = directory.join(format!("{key}.lock"));
    let open = || bases::open_lock(&lock_path).map_err(|source| at(&lock_path, source));
    let mut lock = open()?;
    let wanted_base = Wanted {
        method: &spec.method,
        init: spec.init,
        first_host_id: first_host_id(spec.context),
    };
    let mut told = false;
    let mut is_new = false;
    loop {
        let is_usable = is_young(instance, work, &place);
        let wanted = match is_usable {
            true => FlockOperation::NonBlockingLockShared,
            false => FlockOperation::NonBlockingLockExclusive,
        };
        match flock(&lock, wanted) {
            // Whoever made no base removed the file.
            Ok(()) if !bases::is_current(&lock, &lock_path) => lock = open()?,
            // It may have come or gone while the lock was another's.
            Ok(()) if is_young(instance, work, &place) != is_usable => {
                let _ = flock(&lock, FlockOperation::Unlock);
            }
            Ok(()) if is_usable => {
                let age_ms =
                    work.clock().now().millis_since(made_at(&place).unwrap_or(UnixMillis(0)));
                if !is_new {
                    work.note(&Note::UsingBase { age_ms });
                }
                bases::note_use(&lock, work.clock().now());
                return Ok(Base { root: place.join("root"), is_new, _lock: lock });
            }
            Ok(()) => {
                if let Err(stopped) = make(instance, work, wanted_base, &place) {
                    bases::discard_lock(&place, &lock_path);
                    return Err(stopped);
                }
                is_new = true;
                let _ = flock(&lock, FlockOperation::Unlock);
            }
            Err(rustix::io::Errno::WOULDBLOCK) => {
                if !told {
                    told = true;
                    work.note(&Note::WaitingForBase);
                    work.progress(Stage::Preparing, 5);
                }
                work.go_on()?;
                // The holder ends the wait, however long its debootstrap takes, or the person does.
                let _ = poll(&mut [], Some(&timespec(LOOK_EVERY)));
            }
            Err(errno) => return Err(at(&lock_path, errno.into()).into()),
        }
    }
}

pub(super) fn at(path: &Path, source: io::Error) -> BuildError {
    BuildError::Place { path: path.to_owned(), source }
}

fn made_at(place: &Path) -> Option<UnixMillis> {
    let text = fs::read(place.join("base.json")).ok()?;
    Some(serde_json::from_slice::<Record>(&text).ok()?.made_at)
}

fn is_young(instance: &Instance, work: &Work<'_>, place: &Path) -> bool {
    let limit_ms = u64::from(instance.settings.limits.base_age_days) * 24 * 3_600_000;
    made_at(place).is_some_and(|made| work.clock().now().millis_since(made) < limit_ms)
}

/// Makes a base. The caller has its lock alone.
pub(super) fn make(
    instance: &Instance,
    work: &mut Work<'_>,
    wanted: Wanted<'_>,
    place: &Path,
) -> Result<(), Stopped> {
    if !Path::new(debootstrap::PROGRAM).exists() {
        let detail = debootstrap::PROGRAM.to_owned();
        return Err(Failure::HostLacks { feature: HostFeature::Debootstrap, detail }.into());
    }
    let staging = bases_directory(&instance.settings.roots).join(format!(".new-{}", work.id()));
    work.intend(Step::MakeTree(staging.clone()))?;
    crash_point("build:base-intended");
    let root = staging.join("root");
    fs::create_dir(&staging)
        .and_then(|()| fs::create_dir(&root))
        .map_err(|source| at(&staging, source))?;
    run_debootstrap(instance, work, wanted, &root)?;
    crash_point("build:base-made");
    work.progress(Stage::KeepingBase, KEPT);
    let record = Record {
        recipe: RECIPE,
        method: wanted.method.clone(),
        init: wanted.init,
        made_at: work.clock().now(),
        bytes: tree::disk_bytes(&root, COUNTING),
    };
    keep(&staging, place, &record).map_err(|source| at(place, source))?;
    crash_point("build:base-kept");
    Ok(())
}

/// How long the size of a new base may take to count.
const COUNTING: Duration = Duration::from_secs(10);
/// Where making a base ends in the progress of a build.
const KEPT: u16 = 850;

fn keep(staging: &Path, place: &Path, record: &Record) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(record)?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(staging.join("base.json"))?
        .write_all(&text)?;
    tree::write_back(staging)?;
    if fs::symlink_metadata(place).is_err() {
        return fs::rename(staging, place);
    }
    // At every moment there is the old one or the new one; what is at the staging's place is removed,
    // by whoever comes to it.
    renameat_with(CWD, staging, CWD, place, RenameFlags::EXCHANGE)?;
    crash_point("base:exchanged");
    tree::remove(staging)
}

fn run_debootstrap(
    instance: &Instance,
    work: &mut Work<'_>,
    wanted: Wanted<'_>,
    root: &Path,
) -> Result<(), Stopped> {
    let mut environment = vec![
        ("PATH".to_owned(), program::SEARCH_PATH.to_owned()),
        // The host's own `/root` is closed to what runs here, and dpkg says so once a line.
        ("HOME".to_owned(), "/".to_owned()),
        ("LC_ALL".to_owned(), "C.UTF-8".to_owned()),
        ("DEBIAN_FRONTEND".to_owned(), "noninteractive".to_owned()),
        ("WGETRC".to_owned(), stage::WGETRC.to_owned()),
        // How debootstrap is told that it may make no device nodes.
        ("container".to_owned(), "lxc".to_owned()),
    ];
    environment.extend(stage::proxies());
    let plan = StagePlan {
        directory: root.to_owned(),
        first_host_id: wanted.first_host_id,
        host_ids: IDS_PER_VSERVER,
        command: debootstrap::command(wanted.method, wanted.init),
        environment,
        ..StagePlan::default()
    };
    let mut listener = Listener::default();
    let status = running::run(instance, work, &plan, |work, line| match listener.hear(line) {
        Some(Word::Line(text)) => work.log(&text),
        Some(Word::Progress(stage, permille)) => {
            let whole = u32::from(permille) * u32::from(KEPT) / 1000;
            work.progress(stage, u16::try_from(whole).unwrap_or(KEPT));
        }
        None => {}
    })?;
    if status.success() {
        return Ok(());
    }
    Err(listener.failure(wanted.method, &root.display().to_string()).into())
}

/// See [`super::try_stage`].
pub(super) fn try_stage(instance: &Instance) -> Result<(), Failure> {
    let base = &base_links::prepare_guest_base(&instance.settings.roots)?;
    let unexpected = |source: io::Error| Failure::from(at(base, source));
    let directory = base.join(format!(".probe-{}", std::process::id()));
    fs::create_dir(&directory).map_err(unexpected)?;
    let plan = StagePlan {
        directory: directory.clone(),
        first_host_id: first_host_id(ContextId::MIN),
        host_ids: IDS_PER_VSERVER,
        command: vec!["/bin/true".to_owned()],
        ..StagePlan::default()
    };
    let tried = || {
        let (mut running, mut output) = Running::start(&instance.executable, &plan)?;
        let mut said = String::new();
        output.read_to_string(&mut said)?;
        io::Result::Ok((running.wait()?, said))
    };
    let result = tried();
    tree::remove(&directory).map_err(unexpected)?;
    let (status, said) = result.map_err(unexpected)?;
    match serde_json::from_str::<NotRun>(said.trim()) {
        _ if status.success() => Ok(()),
        Ok(why) => Err((&why).into()),
        Err(_) => Err(Failure::ProgramFailed { program: "ulysse stage".to_owned(), detail: said }),
    }
}

/// Copies what is in a directory, which nobody writes; cancelled or failed, what was copied stays for the journal to remove.
///
/// # Errors
/// When it is cancelled, or `cp` fails.
pub(super) fn copy(from: &Path, to: &Path, work: &mut Work<'_>) -> Result<(), Stopped> {
    let failed = |source| BuildError::Copy { source };
    let (output, input): (OwnedFd, OwnedFd) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(|e| failed(e.into()))?;
    let mut source = from.as_os_str().to_owned();
    source.push("/.");
    let mut command = program::command(program::CP);
    command
        // Links stay links, sparse files sparse; on a filesystem that shares blocks nothing is copied.
        .args(["-a", "--reflink=auto", "--one-file-system", "--"])
        .arg(source)
        .arg(to)
        .stdout(Stdio::null())
        .stderr(input);
    sys::session::Session { death_signal: libc::SIGKILL, ..Default::default() }
        .prepare(&mut command);
    let mut child = command.spawn().map_err(failed)?;
    drop(command);
    let mut lines = BufReader::new(File::from(output));
    let mut last = String::new();
    let ended = loop {
        match next_line(&mut lines, work) {
            Ok(Some(line)) => {
                work.log(&line);
                last = line;
            }
            Ok(None) => break Ok(()),
            Err(why) => break Err(why),
        }
    };
    if ended.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(failed)?;
    match ended {
        Err(Waiting::Cancelled) => Err(Stopped::Cancelled),
        Err(Waiting::Broken(source)) => Err(failed(source).into()),
        Ok(()) if status.success() => Ok(()),
        Ok(()) if last.contains("No space left on device") => {
            Err(Failure::DiskFull { path: to.display().to_string() }.into())
        }
        Ok(()) => {
            let program = "cp".to_owned();
            Err(Failure::ProgramFailed { program, detail: last }.into())
        }
    }
}
