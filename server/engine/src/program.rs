//! Programs of the host's, which run as its root: each by its one path, and with nothing of whoever called us, who may
//! have a search path and an environment of anybody's making.
//!
//! Not here: programs of a guest's, and those that run in a stage.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// mount(8) of util-linux.
pub(crate) const MOUNT: &str = "/usr/bin/mount";
/// lvs(8) of lvm2.
pub(crate) const LVS: &str = "/usr/sbin/lvs";
/// lvrename(8) of lvm2.
pub(crate) const LVRENAME: &str = "/usr/sbin/lvrename";
/// ssh(1) of OpenSSH.
pub(crate) const SSH: &str = "/usr/bin/ssh";
/// ssh-keyscan(1) of OpenSSH.
pub(crate) const SSH_KEYSCAN: &str = "/usr/bin/ssh-keyscan";
/// ssh-keygen(1) of OpenSSH.
pub(crate) const SSH_KEYGEN: &str = "/usr/bin/ssh-keygen";
/// cp(1) of the coreutils.
pub(crate) const CP: &str = "/usr/bin/cp";
/// nft(8).
pub(crate) const NFT: &str = "/usr/sbin/nft";

/// ps(1) of procps.
pub const PS: &str = "/usr/bin/ps";
/// top(1) of procps.
pub const TOP: &str = "/usr/bin/top";
/// pstree(1) of psmisc.
pub const PSTREE: &str = "/usr/bin/pstree";

/// What of a caller's environment a program that shows something to them gets: their terminal, language and
/// time zone, and what ps and top read their settings by.
const SHOWN_BY: [&str; 12] = [
    "TERM",
    "COLUMNS",
    "LINES",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LC_TIME",
    "TZ",
    "HOME",
    "PS_FORMAT",
    "PS_PERSONALITY",
];

/// Where programs look for others, on the host and in a stage.
pub(crate) const SEARCH_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// One of them, not started yet, with nothing to read.
pub(crate) fn command(path: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", SEARCH_PATH)
        .current_dir("/")
        .stdin(Stdio::null());
    command
}

/// One of them for somebody at the command line: it has their terminal and their language.
#[must_use]
pub fn shown(path: &str) -> Command {
    let mut command = Command::new(path);
    command.env_clear().env("PATH", SEARCH_PATH);
    command.envs(SHOWN_BY.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_the_hosts_gets_nothing_of_its_callers() {
        assert!(std::env::vars().count() > 2, "there is something to be got");
        let output = command("/usr/bin/env").output().unwrap();
        let mut variables: Vec<String> =
            String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
        variables.sort();
        assert_eq!(variables, ["LC_ALL=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
    }

    #[test]
    fn no_program_of_the_hosts_is_searched_for() {
        for path in [MOUNT, LVS, LVRENAME, SSH, SSH_KEYSCAN, SSH_KEYGEN, CP, NFT, PS, TOP, PSTREE] {
            assert!(path.starts_with("/usr/"), "{path}");
        }
    }
}
