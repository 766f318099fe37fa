//! Where everything lives, and the few settings of a host: one root-owned TOML file.
//!
//! Every path of Ulysse begins at one of these roots, so that tests and a second instance run
//! beside a real one. Unknown keys are refused: a typing mistake must not silently mean a default.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use domain::guest_log::BootId;
use domain::id::{ContextId, DeviceName, HostName, TargetName, VServerName};
use serde::{Deserialize, Serialize};

/// The file in a record of a start that its supervisor writes: one JSON line for each thing that happened.
pub const EVENT_LOG: &str = "events";

/// Why the settings could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file could not be read.
    #[error("reading {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not what it should be; the source says line and key.
    #[error("understanding {path}")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<toml::de::Error>,
    },
}

/// The settings of one instance of Ulysse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where everything lives.
    pub roots: Roots,
    /// The NAT network.
    pub nat: Nat,
    /// The web process.
    pub web: Web,
    /// What the engine will not go beyond, whatever it is asked.
    pub limits: Limits,
    /// Where backups go.
    pub backup: Backup,
    /// Where deleted VServers stay for a while.
    pub recycle_bin: RecycleBin,
    /// How VServers are started and stopped with the host.
    pub boot: Boot,
    /// Who may read the numbers at `/metrics`.
    pub metrics: Metrics,
}

/// Who may read the numbers at `/metrics`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// The file that holds the token a scraper must show; it must be root's alone. Nobody may read them without
    /// such a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
}

/// Where everything lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roots {
    /// Config trees, in the original's format.
    pub config_base: PathBuf,
    /// Guest files, unless the administrator's link leads elsewhere: see [`crate::base_links`].
    pub guest_base: PathBuf,
    /// Run files (`<xid>\n`) and, below `.state`, what was applied at start.
    pub run_base: PathBuf,
    /// Cached bases.
    pub cache_base: PathBuf,
    /// Console logs.
    pub log_base: PathBuf,
    /// Operations and their journals.
    pub state_base: PathBuf,
    /// Locks and terminals' sockets.
    pub runtime_base: PathBuf,
    /// The database and the TLS key; belongs to the web process's user.
    pub database_base: PathBuf,
    /// The cgroup all VServers' cgroups lie in.
    pub cgroup_root: String,
    /// The host's own table of filesystems: the volumes of VServers have lines there.
    pub host_fstab: PathBuf,
}

/// The NAT network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Nat {
    /// Its device on the host.
    pub device: DeviceName,
    /// Its gateway: the host's address on it; VServers get the others of the subnet.
    pub gateway: Ipv4Addr,
    /// Its prefix length in bits, 8 to 30.
    pub prefix: u8,
}

/// The web process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Web {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The user it runs as.
    pub user: String,
    /// The names people reach it by, besides `localhost` and the machine's own. A request for any
    /// other name is refused.
    pub host_names: Vec<HostName>,
}

/// Where deleted VServers stay for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecycleBin {
    /// How long, in days; 0 means that nothing is kept.
    pub keep_days: u32,
}

/// How VServers are started and stopped with the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Boot {
    /// How many start, or stop, at once.
    pub at_once: NonZeroU32,
    /// How long one may take to boot until it is late, in seconds.
    pub ready_seconds: u32,
    /// Whether those that need one that is late are skipped; else they start then.
    pub skip_after_late: bool,
    /// How long a shutdown takes at most, in seconds. Less than `TimeoutStopSec` of `ulysse-vservers.service`.
    pub stop_seconds: u32,
}

/// What the engine will not go beyond.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Most VServers.
    pub vservers: usize,
    /// Most operations that wait.
    pub queued_operations: usize,
    /// Most terminals.
    pub terminals: usize,
    /// How old a cached base may be before it is made anew, in days.
    pub base_age_days: u32,
    /// How long a program of `scripts/` or `apps/init` may run on the host, in seconds.
    pub hook_seconds: u32,
    /// How long a tool of a VServer's package system may say nothing, in seconds.
    pub package_silence_seconds: u32,
    /// The largest archive that is kept as a template, in bytes.
    pub template_bytes: u64,
    /// The most bytes that come out of an archive.
    pub unpacked_bytes: u64,
    /// The most files, directories and links that come out of an archive.
    pub unpacked_entries: u64,
}

/// Where backups go. People choose a target by its name; only this file says where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backup {
    /// The targets, by name.
    pub targets: BTreeMap<TargetName, Target>,
}

/// One place for backups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// A directory of this host, or one mounted on it.
    Directory {
        /// Which. It is made when it is missing, for root alone.
        path: PathBuf,
    },
    /// Another host with Ulysse, over ssh.
    Ssh(SshTarget),
}

/// How another host is reached that keeps backups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshTarget {
    /// The host's name or address.
    pub host: String,
    /// The user there.
    pub user: String,
    /// The port of its ssh server.
    #[serde(default = "ssh_port")]
    pub port: u16,
    /// The private key; without a pass phrase, because nobody is there to type it.
    pub identity: PathBuf,
    /// The host's public keys, as ssh-keyscan(1) writes them. A host that is not in it is refused.
    pub known_hosts: PathBuf,
    /// The directory on the other host.
    pub path: PathBuf,
}

fn ssh_port() -> u16 {
    22
}

impl Default for Backup {
    fn default() -> Self {
        // "local" is a name.
        let local = "local".parse().ok();
        let path = PathBuf::from("/var/backups/vservers");
        Self {
            targets: local
                .into_iter()
                .map(|name| (name, Target::Directory { path: path.clone() }))
                .collect(),
        }
    }
}

impl Default for Roots {
    fn default() -> Self {
        Self {
            config_base: "/etc/vservers".into(),
            guest_base: "/var/lib/vservers".into(),
            run_base: "/run/vservers".into(),
            cache_base: "/var/cache/vservers".into(),
            log_base: "/var/log/vservers".into(),
            state_base: "/var/lib/ulysse-engine".into(),
            runtime_base: "/run/ulysse".into(),
            database_base: "/var/lib/ulysse".into(),
            cgroup_root: "ulysse".to_owned(),
            host_fstab: "/etc/fstab".into(),
        }
    }
}

impl Default for Nat {
    fn default() -> Self {
        Self {
            device: DeviceName::default_nat(),
            gateway: Ipv4Addr::new(10, 127, 0, 1),
            prefix: 24,
        }
    }
}

impl Default for Web {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            user: "ulysse".to_owned(),
            host_names: Vec::new(),
        }
    }
}

impl Default for RecycleBin {
    fn default() -> Self {
        Self { keep_days: 7 }
    }
}

impl Default for Boot {
    fn default() -> Self {
        // As many at once as the original's `NUMPARALLEL`.
        let at_once = NonZeroU32::new(6).unwrap_or(NonZeroU32::MIN);
        Self { at_once, ready_seconds: 120, skip_after_late: false, stop_seconds: 300 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            vservers: 1000,
            queued_operations: 100,
            terminals: 64,
            base_age_days: 7,
            hook_seconds: 600,
            package_silence_seconds: 900,
            template_bytes: 8 << 30,
            unpacked_bytes: 64 << 30,
            unpacked_entries: 2_000_000,
        }
    }
}

impl Settings {
    /// Where the settings are when nobody says otherwise.
    pub const DEFAULT_FILE: &str = "/etc/ulysse/ulysse.toml";

    /// Reads the settings; a missing file at the default place means the defaults.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let path = file.unwrap_or(Path::new(Self::DEFAULT_FILE));
        match fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|source| SettingsError::Parse {
                path: path.to_owned(),
                source: Box::new(source),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound && file.is_none() => {
                Ok(Self::default())
            }
            Err(source) => Err(SettingsError::Read { path: path.to_owned(), source }),
        }
    }
}

impl Roots {
    /// The config directory of a VServer.
    #[must_use]
    pub fn config_of(&self, name: &VServerName) -> PathBuf {
        self.config_base.join(name.as_str())
    }

    /// The run file of a VServer: `<xid>\n` while it runs.
    #[must_use]
    pub fn run_file_of(&self, name: &VServerName) -> PathBuf {
        self.run_base.join(name.as_str())
    }

    /// The directory of the records of starts, one directory a VServer that runs.
    #[must_use]
    pub fn states(&self) -> PathBuf {
        self.run_base.join(".state")
    }

    /// The directory of what was applied when a VServer was started.
    #[must_use]
    pub fn state_of(&self, name: &VServerName) -> PathBuf {
        self.states().join(name.as_str())
    }

    /// Where a VServer's supervisor writes down what happens to it; see [`crate::guest::oom_kills`].
    #[must_use]
    pub fn event_log_of(&self, name: &VServerName) -> PathBuf {
        self.state_of(name).join(EVENT_LOG)
    }

    /// The directory of the sockets of terminals.
    #[must_use]
    pub fn terminals(&self) -> PathBuf {
        self.runtime_base.join("terminals")
    }

    /// The directory of locks.
    #[must_use]
    pub fn locks(&self) -> PathBuf {
        self.runtime_base.join("locks")
    }

    /// The directory of operations.
    #[must_use]
    pub fn operations(&self) -> PathBuf {
        self.state_base.join("operations")
    }

    /// The directory of templates. Below the state, not the cache: nobody can make them again.
    #[must_use]
    pub fn templates(&self) -> PathBuf {
        self.state_base.join("templates")
    }

    /// The directory of deleted VServers' config trees.
    #[must_use]
    pub fn bin(&self) -> PathBuf {
        self.config_base.join(".bin")
    }

    /// The file that keeps what became of the last boot.
    #[must_use]
    pub fn boot_report(&self) -> PathBuf {
        self.state_base.join("boot.json")
    }

    /// Where what happened to a VServer is kept; see [`crate::life`].
    #[must_use]
    pub fn life_log_of(&self, name: &VServerName) -> PathBuf {
        self.log_base.join(name.as_str()).join("life.log")
    }

    /// The directory of a VServer's console logs, one a boot.
    #[must_use]
    pub fn consoles_of(&self, name: &VServerName) -> PathBuf {
        self.log_base.join(name.as_str()).join("console")
    }

    /// The console log of a boot of a VServer.
    #[must_use]
    pub fn console_log_of(&self, name: &VServerName, boot: BootId) -> PathBuf {
        self.consoles_of(name).join(format!("{boot}.log"))
    }
}

/// The first host user id of a range that no VServer has, for processes that serve none: it is that
/// of context 1, which is the host's own view of all contexts in the original.
pub const OWN_FIRST_HOST_ID: u32 = 0x2000_0000 + IDS_PER_VSERVER;

/// How many user and group ids a VServer has.
pub const IDS_PER_VSERVER: u32 = 65_536;

/// The first host user id of a VServer's range. Contexts are unique, so ranges never overlap; they
/// begin high above what `adduser`, `subuid` and systemd's DynamicUser hand out.
#[must_use]
pub fn first_host_id(context: ContextId) -> u32 {
    0x2000_0000 + u32::from(context.get()) * IDS_PER_VSERVER
}
