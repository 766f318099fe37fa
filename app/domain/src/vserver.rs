//! A VServer as it is seen: what it is configured to be, whether it runs, what it uses.

use serde::{Deserialize, Serialize};

use crate::config_change::FileProblem;
use crate::id::{ContextId, HostName, Mark, OperationId, VServerName};
use crate::init::InitStyle;
use crate::interface::Interface;
use crate::time::UnixMillis;

/// Whether a VServer runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No process of it exists.
    Stopped,
    /// An operation is making its first process.
    Starting,
    /// Its pid 1 lives.
    Running,
    /// An operation is ending it.
    Stopping,
    /// A build is writing its files.
    Building,
    /// A delete is removing it.
    Deleting,
}

impl State {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::Running,
        Self::Stopped,
        Self::Starting,
        Self::Stopping,
        Self::Building,
        Self::Deleting,
    ];

    /// Its word in an address.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Building => "building",
            Self::Deleting => "deleting",
        }
    }
}

/// What a running VServer, or the host, uses now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Processes (not threads).
    pub processes: u32,
    /// Sum of the processes' virtual sizes in bytes; shared pages count more than once.
    pub vsz_bytes: u64,
    /// Sum of the processes' resident sizes in bytes.
    pub rss_bytes: u64,
    /// Memory charged to its cgroup in bytes, page cache included.
    pub memory_bytes: u64,
    /// CPU time in user mode, milliseconds, ended processes included.
    pub user_ms: u64,
    /// CPU time in the kernel, milliseconds, ended processes included.
    pub system_ms: u64,
    /// Milliseconds since it was started.
    pub uptime_ms: u64,
    /// Bytes it received over its interfaces since start.
    pub received_bytes: u64,
    /// Bytes it sent over its interfaces since start.
    pub sent_bytes: u64,
}

/// One row of the list of VServers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The directory name.
    pub name: VServerName,
    /// Its context number; none until it has one.
    pub context: Option<ContextId>,
    /// Whether it runs.
    pub state: State,
    /// Its interfaces, in order.
    pub interfaces: Vec<Interface>,
    /// Its autostart labels.
    pub marks: Vec<Mark>,
    /// Its host name.
    pub host_name: Option<HostName>,
    /// What it uses; none while stopped.
    pub usage: Option<Usage>,
    /// The operation that holds it now.
    pub operation: Option<OperationId>,
    /// What the kernel killed of it for want of memory since it was started; none when nothing.
    pub oom_kills: Option<OomKills>,
    /// What is wrong with its config tree; the path begins with its name.
    pub problem: Option<FileProblem>,
}

/// Processes of a VServer that the kernel ended because its memory or the host's was used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomKills {
    /// How many since it was started.
    pub count: u64,
    /// When the last was noticed.
    pub last_at: UnixMillis,
}

/// The page of a VServer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// Its row.
    pub summary: Summary,
    /// Its init style.
    pub init_style: InitStyle,
    /// Where its files are.
    pub root_directory: String,
    /// The device of the volume that its files fill, as it is mounted there; none when they are in a
    /// directory like any other.
    pub volume: Option<String>,
    /// Where its config tree is.
    pub config_directory: String,
    /// What its `/etc/os-release` calls itself, judged as a stranger's text.
    pub os_release: Option<String>,
    /// Whether it is protected against deletion.
    pub is_protected: bool,
    /// Bytes its files take, when known, without those it shares.
    pub disk_bytes: Option<u64>,
    /// What of its files others have too; none when nothing is shared, or it is not known.
    pub sharing: Option<Sharing>,
    /// Every file of its config tree and its first line, sorted by path.
    pub config_files: Vec<ConfigFile>,
}

/// How much of a VServer's files takes no space of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sharing {
    /// Bytes that others have too.
    pub shared_bytes: u64,
    /// Bytes that nobody else has.
    pub own_bytes: u64,
    /// By what they are shared.
    pub by: SharedBy,
}

/// By what VServers share files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SharedBy {
    /// The filesystem shares blocks between files.
    Blocks,
    /// They stand on a reference.
    Reference {
        /// How many do, this one and those in the recycle bin included.
        vservers: u32,
    },
}

/// One file of a config tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigFile {
    /// Its path below the VServer's config directory.
    pub path: String,
    /// Its text, or the target of a link, cut after 4 KiB.
    pub text: String,
    /// Whether it is not in the tree, but in what the package describes, and holds because of that.
    #[serde(default)]
    pub is_shipped: bool,
}

/// A sample of usage of one VServer at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Whose.
    pub name: VServerName,
    /// When.
    pub at: UnixMillis,
    /// What it used.
    pub usage: Usage,
}
