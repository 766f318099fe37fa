//! What a supervisor is told: everything it needs to make a guest, and what comes back.
//!
//! A plan holds no decision for the supervisor to make: names, numbers and paths were chosen and
//! checked by the engine. It crosses as JSON in sealed memory.

use std::fmt;
use std::path::PathBuf;

use domain::id::{ContextId, VServerName};
use domain::init::InitStyle;
use serde::{Deserialize, Serialize};
use sys::capability::CapabilitySet;
use sys::mount::Attributes;

use crate::config::{FstabEntry, KillStep, MountKind, ProcessSettings};

/// All that is needed to make a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartPlan {
    /// Its name, for `ps` and for the event command.
    pub name: VServerName,
    /// Its context number.
    pub context: ContextId,
    /// Its files on the host.
    pub root: PathBuf,
    /// The first host user id of its range.
    pub first_host_id: u32,
    /// How many ids its range has.
    pub host_ids: u32,
    /// Its host name.
    pub host_name: String,
    /// Its NIS domain name; none leaves the kernel's `(none)`.
    pub domain_name: Option<String>,
    /// What its pid 1 is.
    pub init: InitPlan,
    /// What is done in its files before.
    pub preparation: Preparation,
    /// Whether the caller wants to hear of the end of the start command that our own pid 1 runs.
    pub reports_start: bool,
    /// The whole environment of its first program, `NAME=value` each.
    pub environment: Vec<String>,
    /// The capabilities it can have at all; bit number = capability number.
    pub capabilities: u64,
    /// What is mounted in it, in order, beside what every guest gets.
    pub mounts: Vec<MountPlan>,
    /// Its niceness.
    pub nice: i32,
    /// How else its processes are served.
    pub processes: ProcessSettings,
    /// Its cgroup directories, made already by [`crate::cgroup::Layout::create`].
    pub cgroups: Vec<PathBuf>,
    /// The cgroup directories of supervisors, made already by
    /// [`crate::cgroup::Layout::create_supervisors`].
    pub supervisor_cgroups: Vec<PathBuf>,
    /// What is written to `/dev/console` inside is kept here.
    pub console_log: PathBuf,
    /// One JSON line is added here for each out-of-memory kill of this run.
    pub event_log: PathBuf,
    /// What happens to it is added here; see [`crate::life`].
    pub life_log: PathBuf,
    /// Our own program, for the event command.
    pub executable: PathBuf,
    /// The settings file the event command is to use; none means the default one.
    pub settings_file: Option<PathBuf>,
    /// Whether `ulysse vserver --event` is run when pid 1 has ended.
    pub report_end: bool,
}

/// What a guest's pid 1 is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum InitPlan {
    /// Our own small one, which runs a start command and reaps.
    Own {
        /// What `ps` shows beside its name.
        title: String,
        /// What it runs at once.
        start: InitCommand,
        /// What it runs when it is told to end.
        stop: InitCommand,
        /// How it ends what is left after that.
        kill_sequence: Vec<KillStep>,
    },
    /// A program of the guest's, usually `/sbin/init`.
    Program {
        /// Its path inside and its arguments.
        command: Vec<String>,
    },
}

/// A command that our own pid 1 runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitCommand {
    /// Where its program may be, inside. Of several that are there the last one is taken.
    pub programs: Vec<String>,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What its environment has beside the plan's, `NAME=value` each.
    pub environment: Vec<String>,
    /// Whether it is a script that takes a run level, as its only argument and in `RUNLEVEL`.
    pub takes_level: bool,
}

impl InitCommand {
    /// One of the configuration, taken as it stands.
    #[must_use]
    pub fn configured(command: &[String]) -> Self {
        let (programs, arguments) = command.split_at(command.len().min(1));
        let (programs, arguments) = (programs.to_vec(), arguments.to_vec());
        Self { programs, arguments, environment: Vec::new(), takes_level: false }
    }

    /// It as it would be typed; empty when there is none.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.programs.first().into_iter().chain(&self.arguments).cloned().collect()
    }
}

/// What is done in a guest's files before its first program runs (fact sheet 1.4, `cmd.prepare`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preparation {
    /// Nothing.
    Nothing,
    /// What an earlier life left below `/var/run` and `/var/lock` goes, and this run level is written down.
    RunLevel(String),
    /// A sysvinit that is pid 1 is told to check no filesystem.
    NoFilesystemCheck,
}

/// The capabilities a guest of this style can have at all: the original's secure set and what
/// `bcapabilities` adds to it and takes from it; bit number = capability number.
///
/// A guest whose pid 1 is its own (`plain`) has `SETPCAP` too, which the original's had not: systemd
/// starts no service that gives capabilities up (journald, logind) without it. In a user namespace
/// of its own whose bounding set is cut it can only give up; there is nothing to be had by it.
#[must_use]
pub fn ceiling(style: InitStyle, added: u64, removed: u64) -> u64 {
    let of_style = match style {
        InitStyle::Sysv | InitStyle::Gentoo | InitStyle::Arch | InitStyle::Minit => {
            CapabilitySet::EMPTY
        }
        InitStyle::Plain => CapabilitySet::SETPCAP,
    };
    CapabilitySet::SECURE
        .union(of_style)
        .union(CapabilitySet::from_bits(added))
        .without(CapabilitySet::from_bits(removed))
        .bits()
}

/// One mount of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountPlan {
    /// Its line in `fstab`, from 1.
    pub line: usize,
    /// Where, from the guest's root; followed as the guest would follow it.
    pub target: String,
    /// What is mounted.
    pub source: MountSource,
    /// `ro`.
    pub read_only: bool,
    /// `nosuid`.
    pub no_suid: bool,
    /// `nodev`.
    pub no_device: bool,
    /// `noexec`.
    pub no_exec: bool,
    /// `noatime`.
    pub no_access_time: bool,
    /// `nodiratime`.
    pub no_directory_access_time: bool,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountSource {
    /// A filesystem.
    Filesystem {
        /// Its type.
        kind: String,
        /// Its device, or any word for those without.
        source: String,
        /// Options for the filesystem itself, separated by commas.
        options: String,
    },
    /// A directory or file of the host's.
    Bind {
        /// Where on the host.
        path: PathBuf,
        /// With what is mounted below it.
        recursive: bool,
    },
    /// Something that is not done; reported and left out.
    Unsupported {
        /// The word.
        word: String,
    },
}

impl MountPlan {
    /// Its attributes as `mount_setattr` takes them.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        Attributes {
            read_only: self.read_only,
            no_suid: self.no_suid,
            no_device: self.no_device,
            no_exec: self.no_exec,
            no_access_time: self.no_access_time,
            no_directory_access_time: self.no_directory_access_time,
        }
    }

    /// The type of its filesystem; none of a directory of the host's.
    pub(super) fn kind(&self) -> Option<&str> {
        match &self.source {
            MountSource::Filesystem { kind, .. } => Some(kind),
            MountSource::Bind { .. } | MountSource::Unsupported { .. } => None,
        }
    }
}

impl From<&FstabEntry> for MountPlan {
    fn from(entry: &FstabEntry) -> Self {
        let source = match &entry.kind {
            MountKind::Filesystem(kind) => MountSource::Filesystem {
                kind: kind.clone(),
                source: entry.source.clone(),
                options: entry.filesystem_options(),
            },
            MountKind::Bind { recursive } => {
                MountSource::Bind { path: entry.source.clone().into(), recursive: *recursive }
            }
            MountKind::Unsupported(word) => MountSource::Unsupported { word: word.clone() },
        };
        Self {
            line: entry.line,
            target: entry.target.clone(),
            source,
            read_only: entry.flags.read_only,
            no_suid: entry.flags.no_suid,
            no_device: entry.flags.no_dev,
            no_exec: entry.flags.no_exec,
            no_access_time: entry.flags.no_atime,
            no_directory_access_time: entry.flags.no_dir_atime,
        }
    }
}

/// A step of making a guest, for the sentence "this went wrong while …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Reading the plan.
    ReadPlan,
    /// Making the supervisor a process of its own.
    Detach,
    /// Opening the guest's root directory.
    OpenRoot,
    /// Making the guest's first process in its namespaces.
    Fork,
    /// Giving it its range of ids.
    MapIds,
    /// Showing its files with these ids.
    MapFiles,
    /// Putting it in its cgroups.
    JoinCgroup,
    /// Becoming root inside.
    BecomeRoot,
    /// Making a VServer that is copied stand still.
    Freeze,
    /// Attaching its root.
    AttachRoot,
    /// Mounting one of the filesystems that every guest has.
    Mount,
    /// Hiding a part of `/proc` or `/sys`.
    Mask,
    /// Making its console.
    Console,
    /// Mounting what its `fstab` says.
    Fstab,
    /// Setting its host name.
    HostName,
    /// Setting how its processes are served.
    Settings,
    /// Leaving the host's files behind.
    LeaveHost,
    /// Giving up capabilities and system calls.
    Confine,
    /// Looking for its init.
    FindInit,
    /// Executing its first program.
    Execute,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadPlan => "reading the plan",
            Self::Detach => "making the supervisor a process of its own",
            Self::OpenRoot => "opening the root directory",
            Self::Fork => "making the namespaces",
            Self::MapIds => "giving it its user ids",
            Self::MapFiles => "showing its files with its user ids",
            Self::JoinCgroup => "joining its cgroup",
            Self::BecomeRoot => "becoming its root",
            Self::Freeze => "freezing what is copied",
            Self::AttachRoot => "attaching its root",
            Self::Mount => "mounting",
            Self::Mask => "hiding",
            Self::Console => "making its console",
            Self::Fstab => "mounting what fstab says",
            Self::HostName => "setting its host name",
            Self::Settings => "setting how its processes are served:",
            Self::LeaveHost => "leaving the host's files",
            Self::Confine => "giving up rights",
            Self::FindInit => "looking for its init",
            Self::Execute => "executing",
        })
    }
}

/// Why a guest was not made, as it crosses from the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StartFailure {
    /// While doing what.
    pub(crate) step: Step,
    /// To what: a path inside, a word. May be empty.
    pub(crate) subject: String,
    /// The kernel's answer.
    pub(crate) errno: i32,
}

impl StartFailure {
    /// A failure; the subject is cut to what fits a packet.
    pub(crate) fn new(step: Step, subject: &str, errno: i32) -> Self {
        Self { step, subject: subject.chars().take(512).collect(), errno }
    }
}

/// What a supervisor tells its caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Report {
    /// The guest's first process exists, blocked; its namespaces are there.
    Created {
        /// The supervisor's own pid.
        supervisor: u32,
        /// The pid of the guest's first process, on the host.
        init: u32,
    },
    /// A line of `fstab` could not be mounted; the start goes on.
    Skipped {
        /// The line.
        line: usize,
        /// Why.
        failure: StartFailure,
    },
    /// All of its mounts are made: no more lines are skipped.
    Mounted,
    /// The guest's first program runs.
    Started,
    /// The start command has ended.
    StartCommandEnded {
        /// With this status; none when a signal ended it.
        status: Option<u8>,
    },
    /// It did not come to that; nothing is left.
    Failed(StartFailure),
}

/// What a caller tells the supervisor beside the plan: let it run.
pub(super) const GO: &[u8] = b"go";

/// The largest packet of either side.
pub(super) const MAX_PACKET_BYTES: usize = 8 * 1024;

/// The most bytes of a plan.
pub(super) const MAX_PLAN_BYTES: u64 = 1024 * 1024;
