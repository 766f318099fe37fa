//! Which tree, which file in it, and which bytes were seen there.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::{Allowed, Problem};
use crate::id::{DistributionName, VServerName, text_type};

/// The most bytes of a path, and how many names it may have.
const MAX_PATH_BYTES: usize = 200;
const MAX_DEPTH: usize = 6;

text_type!(
    /// The path of a file below a config directory: names separated by `/`, none of them `.` or `..`
    /// or one of the names that Ulysse gives files while it replaces them, no control characters.
    ConfigPath,
    |text| {
        if text.is_empty() {
            return Err(Problem::Missing);
        }
        if text.len() > MAX_PATH_BYTES {
            return Err(Problem::TooLong { max: MAX_PATH_BYTES, actual: text.len() });
        }
        let wrong = |position: usize, character| Problem::Character {
            character,
            position,
            allowed: Allowed::ConfigPath,
        };
        if let Some((index, character)) =
            text.char_indices().find(|(_, c)| c.is_control() || *c == '\\')
        {
            return Err(wrong(index + 1, character));
        }
        if text.split('/').count() > MAX_DEPTH {
            return Err(Problem::OutOfRange { min: 1, max: MAX_DEPTH as u64 });
        }
        let mut position = 1;
        for name in text.split('/') {
            if name.is_empty() {
                return Err(wrong(position, '/'));
            }
            let is_ours = name.ends_with(REPLACEMENT) || name.ends_with(KEPT);
            if name == "." || name == ".." || is_ours {
                return Err(wrong(position, '.'));
            }
            position += name.len() + 1;
        }
        Ok(())
    }
);

/// How the name of a file ends that is about to be put in place of another.
const REPLACEMENT: &str = ".~new~";
/// How the name of a file ends that has been replaced, until the change is finished.
const KEPT: &str = ".~old~";

impl ConfigPath {
    /// The directory it is in, relative to the config directory; none at the top.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.as_str().rsplit_once('/').map(|(parent, _)| parent)
    }

    /// Every directory it is in, relative to the config directory, the innermost first.
    pub fn parents(&self) -> impl Iterator<Item = &str> {
        core::iter::successors(self.parent(), |path| path.rsplit_once('/').map(|(above, _)| above))
    }

    /// Its first name.
    #[must_use]
    pub fn top(&self) -> &str {
        self.as_str().split('/').next().unwrap_or_default()
    }

    /// The distribution whose description it is in, if it is one of `.distributions`.
    #[must_use]
    pub fn distribution(&self) -> Option<DistributionName> {
        self.top().parse().ok()
    }

    /// Its last name.
    #[must_use]
    pub fn leaf(&self) -> &str {
        self.as_str().rsplit_once('/').map_or(self.as_str(), |(_, leaf)| leaf)
    }

    /// The name of a file, beside it, that is about to be put in its place. The original's
    /// enumerations skip it, and ours.
    #[must_use]
    pub fn replacement(&self) -> String {
        format!(".{}{REPLACEMENT}", self.leaf())
    }

    /// The name, beside it, of what it was, until the change is finished.
    #[must_use]
    pub fn kept(&self) -> String {
        format!(".{}{KEPT}", self.leaf())
    }
}

text_type!(
    /// The SHA-256 of a file's bytes, in hexadecimal: what was seen there before a change.
    Digest,
    |text| {
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 64 && text.bytes().all(is_digit) {
            Ok(())
        } else {
            Err(Problem::NotAnId)
        }
    }
);

/// A config tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfigTree {
    /// The tree of a VServer.
    VServer(VServerName),
    /// `.defaults`: what holds for every VServer that says nothing else.
    Defaults,
    /// `.distributions`: what distributions are made of, a directory each.
    Distributions,
}

impl ConfigTree {
    /// The name of its directory below `/etc/vservers`.
    #[must_use]
    pub fn directory(&self) -> &str {
        match self {
            Self::VServer(name) => name.as_str(),
            Self::Defaults => DEFAULTS,
            Self::Distributions => DISTRIBUTIONS,
        }
    }

    /// Its VServer.
    #[must_use]
    pub fn vserver(&self) -> Option<&VServerName> {
        match self {
            Self::VServer(name) => Some(name),
            Self::Defaults | Self::Distributions => None,
        }
    }

    /// What its lock, and operations on it, are named by.
    #[must_use]
    pub fn lock_name(&self) -> VServerName {
        match self {
            Self::VServer(name) => name.clone(),
            Self::Defaults => VServerName::for_defaults(),
            Self::Distributions => VServerName::for_distributions(),
        }
    }
}

/// The directories of the defaults and of distributions; never the name of a VServer, because those
/// begin otherwise.
const DEFAULTS: &str = ".defaults";
const DISTRIBUTIONS: &str = ".distributions";

impl fmt::Display for ConfigTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.directory())
    }
}

impl FromStr for ConfigTree {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        match text {
            DEFAULTS => Ok(Self::Defaults),
            DISTRIBUTIONS => Ok(Self::Distributions),
            name => name.parse().map(Self::VServer),
        }
    }
}
