//! The administrator's programs that run on the host while a VServer is started and stopped: `scripts/`
//! (fact sheet 1.8).

use core::fmt;

use serde::{Deserialize, Serialize};

/// When such a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// Before anything is touched.
    Initialize,
    /// After the configuration was read, before anything is made.
    PrepreStart,
    /// When all is made, before the VServer's first program runs.
    PreStart,
    /// When it has been started.
    PostStart,
    /// Before it is told to end.
    PreStop,
    /// When its processes are gone.
    PostStop,
    /// When all that was made for it is gone.
    PostpostStop,
}

impl Hook {
    /// All, in the order in which they run.
    pub const ALL: [Self; 7] = [
        Self::Initialize,
        Self::PrepreStart,
        Self::PreStart,
        Self::PostStart,
        Self::PreStop,
        Self::PostStop,
        Self::PostpostStop,
    ];

    /// The name of its file below `scripts/`, and the first argument of what is run.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::PrepreStart => "prepre-start",
            Self::PreStart => "pre-start",
            Self::PostStart => "post-start",
            Self::PreStop => "pre-stop",
            Self::PostStop => "post-stop",
            Self::PostpostStop => "postpost-stop",
        }
    }

    /// Whether it runs in the config directory; the others run in the VServer's root.
    #[must_use]
    pub fn is_before_root(self) -> bool {
        matches!(self, Self::Initialize | Self::PrepreStart)
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
