//! Numbers of CPUs or memory nodes, as the kernel writes them: `0-2,5`.

use core::fmt;
use core::str::FromStr;

/// The most a number may be; kernels have fewer CPUs.
const MAX: u16 = 8191;

/// A list that is not empty; each pair is a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberList(Vec<(u16, u16)>);

impl NumberList {
    /// Whether every number of `other` is in this one.
    #[must_use]
    pub fn has_all(&self, other: &Self) -> bool {
        let has =
            |number: u16| self.0.iter().any(|(first, last)| (*first..=*last).contains(&number));
        other.0.iter().all(|(first, last)| (*first..=*last).all(has))
    }
}

impl FromStr for NumberList {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let number = |text: &str| {
            let is_plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            text.parse().ok().filter(|number| is_plain && *number <= MAX).ok_or(())
        };
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first.trim())?, number(last.trim())?);
            if first <= last { Ok((first, last)) } else { Err(()) }
        };
        text.split(',').map(range).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for NumberList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_what_they_hold() {
        let list = |text: &str| text.parse::<NumberList>().unwrap();
        assert_eq!(list("0-2, 5").to_string(), "0-2,5");
        assert!(list("0-3").has_all(&list("1,2-3")) && list("0,1").has_all(&list("0-1")));
        assert!(!list("0-1").has_all(&list("1-2")) && !list("0").has_all(&list("64")));
        for wrong in ["", ",", "1,", "3-1", "a", "-1", "0-99999", "0:1", "+1"] {
            assert!(wrong.parse::<NumberList>().is_err(), "{wrong}");
        }
    }
}
