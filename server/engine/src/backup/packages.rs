//! Which packages a VServer had, by dpkg's own record inside it: a stranger's file, read beneath its
//! root, capped, and taken as text alone.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat2};

/// The most bytes of the record that are read, and the most packages that are kept.
const RECORD_BYTES: u64 = 64 * 1024 * 1024;
const PACKAGES: usize = 50_000;
/// The longest word that is kept.
const WORD: usize = 200;

/// `NAME VERSION ARCHITECTURE` of what is installed; none when there is no record. rpm's own is a
/// database that only rpm reads: it is among the files, and no list is made of it.
pub(super) fn installed(root: &OwnedFd) -> Option<Vec<String>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let file = openat2(root, "var/lib/dpkg/status", flags, Mode::empty(), resolve).ok()?;
    if FileType::from_raw_mode(fstat(&file).ok()?.st_mode) != FileType::RegularFile {
        return None;
    }
    let mut bytes = Vec::new();
    File::from(file).take(RECORD_BYTES).read_to_end(&mut bytes).ok()?;
    Some(parse(&String::from_utf8_lossy(&bytes)))
}

fn parse(text: &str) -> Vec<String> {
    let installed = text.split("\n\n").filter_map(|stanza| {
        let of = |key: &str| {
            let value =
                stanza.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))?;
            Some(value.trim()).filter(|value| {
                value.len() <= WORD && value.chars().all(|c| c.is_ascii_graphic() || c == ' ')
            })
        };
        let is_installed = of("Status")?.ends_with(" installed");
        is_installed.then_some(())?;
        Some(format!("{} {} {}", of("Package")?, of("Version")?, of("Architecture")?))
    });
    let mut list: Vec<String> = installed.take(PACKAGES).collect();
    list.sort();
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_installed_is_listed_and_nothing_else() {
        let text = "Package: bash\nStatus: install ok installed\nVersion: 5.2-1\nArchitecture: amd64\n\
            Description: a shell\n Status: install ok installed\n\n\
            Package: old\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n\n\
            Package: b\u{1b}[31mad\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n\
            Package: apt\nStatus: install ok installed\nVersion: 3.0\nArchitecture: amd64\n";
        assert_eq!(parse(text), ["apt 3.0 amd64", "bash 5.2-1 amd64"]);
    }
}
