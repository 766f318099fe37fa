//! Which packages a VServer had. dpkg's own record inside it is a stranger's text: it is read beneath the
//! root, capped, and taken as text alone. rpm's is a stranger's database ([`super::rpm`]).

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

use domain::note::Note;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat2};

use super::rpm;
use crate::engine::Instance;
use crate::operation::{Stopped, Work};

/// The most bytes of the record that are read, and the most packages that are kept.
const RECORD_BYTES: u64 = 64 * 1024 * 1024;
pub(super) const PACKAGES: usize = 50_000;
/// The longest word that is kept.
pub(super) const WORD: usize = 200;

/// `NAME VERSION ARCHITECTURE` of what is installed; none when nobody can say, which is told in the log when
/// there is a record. `files` is the directory at `root`, or what it shows while it runs.
///
/// # Errors
/// When it is cancelled.
pub(super) fn installed(
    instance: &Instance,
    work: &mut Work<'_>,
    root: &Path,
    files: &OwnedFd,
) -> Result<Option<Vec<String>>, Stopped> {
    let by_dpkg = by_dpkg(files);
    let knows_dpkg = by_dpkg.as_ref().is_some_and(|list| !list.is_empty());
    let Some(database) = rpm::database(files).filter(|_| !knows_dpkg) else { return Ok(by_dpkg) };
    match rpm::installed(instance, work, root, files, database)? {
        Ok(list) => Ok(Some(list)),
        Err(why) => {
            work.note(&Note::PackagesNotKnown { why });
            Ok(None)
        }
    }
}

/// A regular file of the VServer's, as the VServer itself would find it, and what it is.
pub(super) fn regular(root: &OwnedFd, path: &str, how: OFlags) -> Option<(OwnedFd, Stat)> {
    let flags = how | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let file = openat2(root, path, flags, Mode::empty(), resolve).ok()?;
    let found = fstat(&file).ok()?;
    let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
    is_file.then_some((file, found))
}

fn by_dpkg(root: &OwnedFd) -> Option<Vec<String>> {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK;
    let (file, _) = regular(root, "var/lib/dpkg/status", flags)?;
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
