//! Extended headers: the records of a PAX header, and the attributes they carry.
//!
//! Records are taken by their lengths, so that a value may hold newlines, equals signs and what looks
//! like another record; readers that split at newlines can be made to see other sizes and names than
//! these are (RUSTSEC-2026-0112's kind).

use domain::template::ArchiveProblem;

/// Binary ACLs of the kernel (`struct posix_acl_xattr_header`, version 2).
const ACL_VERSION: u32 = 2;
/// "No id" of entries that need none.
const ACL_NO_ID: u32 = u32::MAX;

/// The records of one extended header, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Records(Vec<(Vec<u8>, Vec<u8>)>);

impl Records {
    /// Takes the records apart.
    pub(super) fn parse(mut data: &[u8]) -> Result<Self, ArchiveProblem> {
        const BAD: ArchiveProblem = ArchiveProblem::Damaged;
        let mut records = Vec::new();
        while !data.is_empty() {
            // Some writers fill the block up.
            if data.iter().all(|byte| *byte == 0) {
                break;
            }
            let blank = data.iter().take(20).position(|byte| *byte == b' ').ok_or(BAD)?;
            let digits = data.get(..blank).unwrap_or_default();
            let length = decimal(digits).and_then(|length| usize::try_from(length).ok());
            let length = length.filter(|length| *length > blank + 1).ok_or(BAD)?;
            let record = data.get(blank + 1..length).ok_or(BAD)?;
            let pair = record.strip_suffix(b"\n").ok_or(BAD)?;
            let equals = pair.iter().position(|byte| *byte == b'=').ok_or(BAD)?;
            let key = pair.get(..equals).unwrap_or_default();
            let value = pair.get(equals + 1..).unwrap_or_default();
            records.push((key.to_vec(), value.to_vec()));
            data = data.get(length..).unwrap_or_default();
        }
        Ok(Self(records))
    }

    /// The value of a key; one that comes twice with different values is a contradiction.
    pub(super) fn get(&self, key: &str) -> Result<Option<&[u8]>, ArchiveProblem> {
        let mut values = self.0.iter().filter(|(found, _)| found == key.as_bytes());
        let first = values.next().map(|(_, value)| value.as_slice());
        match values.any(|(_, value)| Some(value.as_slice()) != first) {
            true => Err(ArchiveProblem::Contradiction),
            false => Ok(first),
        }
    }

    /// The number that a key has.
    pub(super) fn number(&self, key: &str) -> Result<Option<u64>, ArchiveProblem> {
        let Some(value) = self.get(key)? else { return Ok(None) };
        decimal(value).map(Some).ok_or(ArchiveProblem::Damaged)
    }

    /// A time: seconds since the epoch with a fraction, as seconds and nanoseconds.
    pub(super) fn time(&self, key: &str) -> Result<Option<(i64, u32)>, ArchiveProblem> {
        let Some(value) = self.get(key)? else { return Ok(None) };
        time(value).map(Some).ok_or(ArchiveProblem::Damaged)
    }

    /// All keys that begin with this, without it, and their values.
    pub(super) fn beginning<'a>(
        &'a self,
        start: &'a str,
    ) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.0.iter().filter_map(move |(key, value)| {
            Some((key.strip_prefix(start.as_bytes())?, value.as_slice()))
        })
    }

    /// Whether one of these keys is there.
    pub(super) fn has_any(&self, keys: &[&str]) -> bool {
        self.0.iter().any(|(found, _)| keys.iter().any(|key| key.as_bytes() == found))
    }
}

/// A decimal number, and nothing else.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    // `parse` would take a sign.
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn time(value: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(value).ok()?;
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let whole = i64::try_from(decimal(whole.as_bytes())?).ok()?;
    let nanos = match fraction.get(..fraction.len().min(9))? {
        "" => 0,
        digits => {
            let missing = u32::try_from(9 - digits.len()).ok()?;
            u32::try_from(decimal(digits.as_bytes())?).ok()? * 10_u32.pow(missing)
        }
    };
    match (sign, nanos) {
        (1, nanos) => Some((whole, nanos)),
        (_, 0) => Some((-whole, 0)),
        (_, nanos) => Some((-whole - 1, 1_000_000_000 - nanos)),
    }
}

/// Whether an extended attribute may be set: what a user may set, ACLs, and file capabilities, which
/// count for the VServer's own users only. Everything else is the host's (security modules, IMA, NFS).
pub(super) fn is_kept(name: &[u8]) -> bool {
    name.len() <= 255
        && !name.contains(&0)
        && (name.strip_prefix(b"user.").is_some_and(|rest| !rest.is_empty())
            || [
                &b"security.capability"[..],
                b"system.posix_acl_access",
                b"system.posix_acl_default",
            ]
            .contains(&name))
}

/// An ACL as star and GNU tar write it (`user::rw-,user:lisa:r--:502,…`) as the kernel takes it. Names
/// without a number are the archive's own users, whom nobody here knows: none then.
pub(super) fn acl(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut entries = Vec::new();
    for entry in text.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty()) {
        let mut parts = entry.split(':');
        let (kind, who, rights) = (parts.next()?, parts.next()?, parts.next()?);
        let id = match (who, parts.next()) {
            ("", _) => None,
            (_, Some(number)) | (number, None) => {
                Some(u32::try_from(decimal(number.as_bytes())?).ok()?)
            }
        };
        let tag: u16 = match (kind, id.is_some()) {
            ("user" | "u", false) => 0x01,
            ("user" | "u", true) => 0x02,
            ("group" | "g", false) => 0x04,
            ("group" | "g", true) => 0x08,
            ("mask" | "m", false) => 0x10,
            ("other" | "o", false) => 0x20,
            _ => return None,
        };
        let mut bits: u16 = 0;
        for (place, letter) in rights.chars().enumerate() {
            bits |= match (place, letter) {
                (0, 'r') => 4,
                (1, 'w') => 2,
                (2, 'x') => 1,
                (0..=2, '-') => 0,
                _ => return None,
            };
        }
        entries.push((tag, id.unwrap_or(ACL_NO_ID), bits));
    }
    if entries.is_empty() {
        return None;
    }
    // The kernel wants them in this order.
    entries.sort_unstable();
    let mut bytes = ACL_VERSION.to_le_bytes().to_vec();
    for (tag, id, bits) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(bits.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(key: &str, value: &str) -> Vec<u8> {
        let body = format!(" {key}={value}\n");
        let mut length = body.len() + 1;
        while format!("{length}{body}").len() != length {
            length += 1;
        }
        format!("{length}{body}").into_bytes()
    }

    #[test]
    fn a_value_may_look_like_a_record() {
        let hostile = [record("comment", "x\n12 size=999\n"), record("size", "7")].concat();
        let records = Records::parse(&hostile).unwrap();
        assert_eq!(records.number("size"), Ok(Some(7)));
        assert_eq!(records.get("comment"), Ok(Some(&b"x\n12 size=999\n"[..])));
    }

    #[test]
    fn two_values_of_a_key_are_a_contradiction() {
        let twice = |one, two| Records::parse(&[record("size", one), record("size", two)].concat());
        assert_eq!(twice("7", "8").unwrap().number("size"), Err(ArchiveProblem::Contradiction));
        assert_eq!(twice("7", "7").unwrap().number("size"), Ok(Some(7)));
        for bad in ["+7", "-7", "7.0", "", "0x7", "99999999999999999999"] {
            let records = Records::parse(&record("size", bad)).unwrap();
            assert_eq!(records.number("size"), Err(ArchiveProblem::Damaged), "{bad}");
        }
    }

    #[test]
    fn times_have_fractions_and_may_be_before_the_epoch() {
        let of = |value| Records::parse(&record("mtime", value)).unwrap().time("mtime");
        assert_eq!(of("12.5"), Ok(Some((12, 500_000_000))));
        assert_eq!(of("12"), Ok(Some((12, 0))));
        assert_eq!(of("-1.25"), Ok(Some((-2, 750_000_000))));
        assert_eq!(of("1.0000000019"), Ok(Some((1, 1))));
        assert_eq!(of("x"), Err(ArchiveProblem::Damaged));
    }

    #[test]
    fn attributes_of_the_hosts_are_not_kept() {
        for kept in ["user.note", "security.capability", "system.posix_acl_access"] {
            assert!(is_kept(kept.as_bytes()), "{kept}");
        }
        for dropped in ["security.selinux", "security.ima", "trusted.overlay.opaque", "user.", "x"]
        {
            assert!(!is_kept(dropped.as_bytes()), "{dropped}");
        }
    }

    #[test]
    fn acls_become_the_kernels() {
        let binary = acl(b"other::r--,user::rw-,user:lisa:r-x:502,mask::r-x,group::r--").unwrap();
        assert_eq!(binary.len(), 4 + 5 * 8);
        assert_eq!(binary[4..12], [1, 0, 6, 0, 255, 255, 255, 255]);
        assert_eq!(binary[12..20], [2, 0, 5, 0, 246, 1, 0, 0]);
        assert_eq!(acl(b"user:lisa:r--"), None);
        assert_eq!(acl(b"user::rwxs"), None);
        assert_eq!(acl(b""), None);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(records) = Records::parse(&data) {
                let _ = (records.number("size"), records.time("mtime"), records.get("path"));
            }
            let _ = acl(&data);
        }

        #[test]
        fn what_was_written_is_read(
            pairs in proptest::collection::vec(("[a-z.A-Z]{1,9}", "[\\x01-\\x7f]{0,40}"), 0..6)
        ) {
            let data: Vec<u8> = pairs.iter().flat_map(|(key, value)| record(key, value)).collect();
            let records = Records::parse(&data).unwrap();
            let expected: Vec<_> = pairs
                .into_iter()
                .map(|(key, value)| (key.into_bytes(), value.into_bytes()))
                .collect();
            prop_assert_eq!(records.0, expected);
        }
    }
}
