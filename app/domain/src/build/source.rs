//! Where the files of a copied VServer come from: another VServer, a remote machine, an archive, a
//! directory of the host's; and what of rsync's options may be asked for.
//!
//! Invariant: no value here can hold a line end, look like an option, or run a program. A path of the
//! host's ([`HostPath`]) is in no form that travels: only the command line's own process makes one.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::{Allowed, Problem};
use crate::id::{HostName, TemplateName, VServerName, check_shape, text_type};

/// Most options of rsync's in one build.
pub(super) const MAX_EXCLUDES: usize = 100;
/// The port of sshd.
pub const SSH_PORT: u16 = 22;

text_type!(
    /// The user to log in as on a remote machine.
    RemoteUser,
    |text| check_shape(
        text,
        32,
        |b| b.is_ascii_lowercase() || b == b'_',
        |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'),
        Allowed::UserName,
    )
);

text_type!(
    /// An absolute path on a remote machine, of characters that no shell takes for anything else.
    RemotePath,
    |text| {
        check_shape(
            text,
            1000,
            |b| b == b'/',
            |b| b.is_ascii_alphanumeric() || b"/._+@,=:-".contains(&b),
            Allowed::RemotePath,
        )?;
        refuse_climbing(text)
    }
);

text_type!(
    /// An absolute path on the host. Given at the command line alone.
    HostPath,
    |text| {
        check_length(text, 4000)?;
        if !text.starts_with('/') {
            return Err(Problem::NotASource { text: text.to_owned() });
        }
        refuse_control_characters(text)?;
        refuse_climbing(text)
    }
);

text_type!(
    /// What is not copied: a pattern of rsync's, in one line.
    ExcludePattern,
    |text| {
        check_length(text, 400)?;
        refuse_control_characters(text)?;
        // A pattern that begins so clears the patterns before it, those of `/dev` and `/proc` included.
        if text.starts_with('!') { Err(Problem::NotAPattern) } else { Ok(()) }
    }
);

text_type!(
    /// The fingerprint of an ssh host key, as `ssh-keygen -l` shows it: `SHA256:` and 43 characters of
    /// base 64.
    Fingerprint,
    |text| {
        let is_digit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
        match text.strip_prefix("SHA256:") {
            Some(rest) if rest.len() == 43 && rest.bytes().all(is_digit) => Ok(()),
            _ => Err(Problem::NotAFingerprint),
        }
    }
);

fn check_length(text: &str, max: usize) -> Result<(), Problem> {
    match text.len() {
        0 => Err(Problem::Missing),
        actual if actual > max => Err(Problem::TooLong { max, actual }),
        _ => Ok(()),
    }
}

fn refuse_control_characters(text: &str) -> Result<(), Problem> {
    match text.char_indices().find(|(_, character)| character.is_control()) {
        Some((index, character)) => {
            Err(Problem::Character { character, position: index + 1, allowed: Allowed::RemotePath })
        }
        None => Ok(()),
    }
}

fn refuse_climbing(text: &str) -> Result<(), Problem> {
    if text.split('/').any(|part| part == "..") {
        return Err(Problem::NotASource { text: text.to_owned() });
    }
    Ok(())
}

/// A directory on a machine that is reached with ssh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// As whom.
    pub user: RemoteUser,
    /// Which machine: a name, or an address.
    pub host: RemoteHost,
    /// sshd's port.
    pub port: u16,
    /// Which directory.
    pub path: RemotePath,
    /// The private key to log in with; none means Ulysse's own.
    pub identity: Option<HostPath>,
    /// The key that somebody has confirmed to be the machine's.
    pub host_key: Option<Fingerprint>,
}

text_type!(
    /// A machine as ssh is told it: a host name, an IPv4 address, or an IPv6 address without brackets.
    RemoteHost,
    |text| {
        if text.contains(':') {
            let parsed = text.parse::<std::net::Ipv6Addr>();
            return parsed.map(drop).map_err(|_| Problem::NotAnAddress { text: text.to_owned() });
        }
        text.parse::<HostName>().map(drop)
    }
);

impl RemoteHost {
    /// As it stands before the `:` of a path.
    fn bracketed(&self) -> String {
        if self.as_str().contains(':') { format!("[{self}]") } else { self.to_string() }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}:{}", self.user, self.host.bracketed(), self.path)
    }
}

/// `[USER@]HOST:/PATH`.
pub(super) fn parse_remote(text: &str) -> Result<Remote, Problem> {
    let not_one = || Problem::NotASource { text: text.to_owned() };
    if text.contains("://") {
        // Neither encrypted nor known by a key.
        return Err(not_one());
    }
    let (user, rest) = match text.split_once('@') {
        Some((user, rest)) if !user.contains(['/', ':']) => (user, rest),
        _ => ("root", text),
    };
    let (host, path) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once("]:").ok_or_else(not_one)?,
        None => rest.split_once(':').ok_or_else(not_one)?,
    };
    Ok(Remote {
        user: user.parse()?,
        host: host.parse()?,
        port: SSH_PORT,
        path: path.parse()?,
        identity: None,
        host_key: None,
    })
}

/// What rsync copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Another VServer of this host.
    VServer(VServerName),
    /// A directory of another machine: physical to virtual.
    Remote(Remote),
    /// A directory of the host.
    Directory(HostPath),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VServer(name) => name.fmt(f),
            Self::Remote(remote) => remote.fmt(f),
            Self::Directory(path) => path.fmt(f),
        }
    }
}

/// What is unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Archive {
    /// A template that Ulysse keeps.
    Kept(TemplateName),
    /// A file of the host.
    File(HostPath),
}

impl fmt::Display for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept(name) => name.fmt(f),
            Self::File(path) => path.fmt(f),
        }
    }
}

/// What of a copy may be chosen; everything else of rsync's options is Ulysse's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyOptions {
    /// What is not copied, besides what `/dev`, `/proc` and `/sys` hold.
    pub excluded: Vec<ExcludePattern>,
    /// Whether filesystems that are mounted in the source are copied too.
    pub all_filesystems: bool,
    /// Whether what travels is compressed.
    pub compressed: bool,
    /// The most KiB a second; none means: as fast as can be.
    pub bandwidth_kib: Option<u32>,
}

/// The highest rate that may be asked for, in KiB a second.
const MAX_BANDWIDTH_KIB: u32 = 100_000_000;

pub(super) fn parse_bandwidth(text: &str) -> Result<Option<u32>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let rate = text.parse::<u32>().map_err(|_| Problem::NotANumber)?;
    if (1..=MAX_BANDWIDTH_KIB).contains(&rate) {
        Ok(Some(rate))
    } else {
        Err(Problem::OutOfRange { min: 1, max: MAX_BANDWIDTH_KIB.into() })
    }
}

pub(super) fn parse_port(text: &str) -> Result<u16, Problem> {
    match text {
        "" => Ok(SSH_PORT),
        text => match text.parse::<u16>() {
            Ok(port) if port > 0 => Ok(port),
            _ => Err(Problem::OutOfRange { min: 1, max: u16::MAX.into() }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_machine_is_written_as_rsync_takes_it() {
        for (text, shown) in [
            ("root@old.cume.fr:/", "root@old.cume.fr:/"),
            ("old:/srv/root/", "root@old:/srv/root/"),
            ("[2001:db8::7]:/", "root@[2001:db8::7]:/"),
            ("paul@192.0.2.1:/home", "paul@192.0.2.1:/home"),
        ] {
            assert_eq!(parse_remote(text).unwrap().to_string(), shown);
        }
        for wrong in [
            "old",
            "rsync://old/module",
            "old::module",
            "old:relative",
            "-oProxyCommand=x:/",
            "root@-oProxyCommand=x:/",
            "old:/a b",
            "old:/$(reboot)",
            "old:/a/../..",
            "ro ot@old:/",
            "[old:/",
        ] {
            assert!(parse_remote(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_copied_cannot_undo_what_never_is() {
        assert!("*.log".parse::<ExcludePattern>().is_ok());
        assert!("/var/cache/a b".parse::<ExcludePattern>().is_ok());
        assert!("!".parse::<ExcludePattern>().is_err());
        assert!("a\nb".parse::<ExcludePattern>().is_err());
    }

    #[test]
    fn a_fingerprint_is_all_of_one() {
        let whole = format!("SHA256:{}", "a".repeat(43));
        assert_eq!(whole.parse::<Fingerprint>().unwrap().to_string(), whole);
        for wrong in ["", "SHA256:", &whole[1..], &format!("{whole}a"), "MD5:00:11"] {
            assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
        }
    }
}
