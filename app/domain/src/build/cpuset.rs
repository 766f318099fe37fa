//! The cpuset of a VServer (fact sheet 1.7, 2.2): which CPUs and memory nodes it is to keep to.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::{Allowed, Problem};
use crate::id::{check_shape, text_type};

text_type!(
    /// The name of a cpuset.
    CpusetName,
    |text| check_shape(
        text,
        63,
        |b| b.is_ascii_alphanumeric(),
        |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'),
        Allowed::DeviceName,
    )
);

/// `cpuset/` of a new VServer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cpuset {
    /// Its name (`cpuset/name`).
    pub name: CpusetName,
    /// Its CPUs (`cpuset/cpus`).
    pub cpus: Option<CpuList>,
    /// Its memory nodes (`cpuset/mems`).
    pub mems: Option<CpuList>,
    /// Whether the guest sees nothing but them (`cpuset/virtualized`).
    pub is_virtualized: bool,
}

/// `N[-M][:EXCL]`: one number or a range, and whether nobody else may have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CpuList {
    /// The first.
    pub first: u16,
    /// The last; the same as the first for one alone.
    pub last: u16,
    /// What `cpu_exclusive` or `mem_exclusive` says, when something was said.
    pub exclusive: Option<bool>,
}

impl CpuList {
    /// The range, as the kernel takes it.
    #[must_use]
    pub fn range(&self) -> String {
        if self.first == self.last {
            self.first.to_string()
        } else {
            format!("{}-{}", self.first, self.last)
        }
    }
}

impl FromStr for CpuList {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let (range, exclusive) = match text.split_once(':') {
            Some((range, "0")) => (range, Some(false)),
            Some((range, "1" | "EXCL" | "excl")) => (range, Some(true)),
            Some(_) => return Err(Problem::NotACpuList { text: text.to_owned() }),
            None => (text, None),
        };
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let number = |text: &str| text.parse::<u16>().ok().filter(|number| *number < 8192);
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self { first, last, exclusive }),
            _ => Err(Problem::NotACpuList { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.range())?;
        match self.exclusive {
            Some(exclusive) => write!(f, ":{}", u8::from(exclusive)),
            None => Ok(()),
        }
    }
}

impl TryFrom<String> for CpuList {
    type Error = Problem;
    fn try_from(text: String) -> Result<Self, Problem> {
        text.parse()
    }
}

impl From<CpuList> for String {
    fn from(list: CpuList) -> Self {
        list.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_a_number_or_a_range() {
        for (text, shown) in [("0", "0"), ("0-3", "0-3"), ("1:1", "1:1"), ("2-4:EXCL", "2-4:1")] {
            assert_eq!(text.parse::<CpuList>().unwrap().to_string(), shown);
        }
        for wrong in ["", "-", "3-1", "a", "1,2", "1:2", "0-99999", "1\n"] {
            assert!(wrong.parse::<CpuList>().is_err(), "{wrong:?}");
        }
    }
}
