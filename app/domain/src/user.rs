//! Users: who may log in, as what.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::Problem;
use crate::id::{UserId, UserName};
use crate::time::UnixMillis;

/// What a user may do everywhere. Teams and scopes are a later issue's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything, changes nothing.
    Viewer,
    /// Makes, runs and removes VServers; neither users nor the host.
    Operator,
    /// Everything.
    Administrator,
}

impl Role {
    /// From the most to the least.
    pub const ALL: [Self; 3] = [Self::Administrator, Self::Operator, Self::Viewer];

    /// The word in forms and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| {
            Problem::NotAChoice { choices: Self::ALL.iter().map(ToString::to_string).collect() }
        })
    }
}

/// A user as the list of users shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their name.
    pub name: UserName,
    /// What they may do.
    pub role: Role,
    /// Whether they are kept out.
    pub disabled: bool,
    /// Whether they must choose a new password at the next log-in.
    pub must_change_password: bool,
    /// When they were made.
    pub created_at: UnixMillis,
    /// When they logged in last.
    pub last_login_at: Option<UnixMillis>,
}

/// Who makes a request: a user whose session was checked in this request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Their id.
    pub user: UserId,
    /// Their name.
    pub name: UserName,
    /// What they may do.
    pub role: Role,
}

/// A password as somebody typed it. Never printed, never serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Fewest bytes of a new password.
    pub const MIN_BYTES: usize = 10;
    /// Most bytes: argon2 would take more, an attacker's megabytes it should not.
    pub const MAX_BYTES: usize = 256;

    /// Takes a password to be checked against a stored one; only its length is judged.
    ///
    /// # Errors
    /// When it is longer than any password can be.
    pub fn attempt(text: String) -> Result<Self, Problem> {
        if text.len() > Self::MAX_BYTES {
            return Err(Problem::TooLong { max: Self::MAX_BYTES, actual: text.len() });
        }
        Ok(Self(text))
    }

    /// Takes a new password of the user `name`.
    ///
    /// # Errors
    /// When it is too short, too long, one of the most common, or the user's name.
    pub fn choose(text: String, name: &UserName) -> Result<Self, Problem> {
        let password = Self::attempt(text)?;
        let actual = password.0.len();
        if actual < Self::MIN_BYTES {
            return Err(Problem::TooShort { min: Self::MIN_BYTES, actual });
        }
        let lower = password.0.to_lowercase();
        let distinct = lower.chars().collect::<std::collections::BTreeSet<_>>().len();
        let is_common =
            COMMON.iter().any(|common| lower.trim_end_matches(char::is_numeric) == *common);
        if is_common
            || distinct < 4
            || lower.contains(name.as_str()) && actual < name.as_str().len() + 6
        {
            return Err(Problem::PasswordTooCommon);
        }
        Ok(password)
    }

    /// The text, for the hash function alone.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Stems that long common passwords are made of, digits at the end aside.
const COMMON: [&str; 14] = [
    "password",
    "passdebian",
    "motdepasse",
    "administrator",
    "administrateur",
    "azertyuiop",
    "qwertyuiop",
    "qwertyuiop[]",
    "letmeinplease",
    "iloveyou",
    "abcdefghij",
    "azerty",
    "qwerty",
    "changeme",
];

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}
