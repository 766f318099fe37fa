//! What makes a new VServer's files its own: host name, name servers, package sources, machine id.
//!
//! The tree holds what package scripts of strangers left. It is only entered through descriptors, no
//! link of it is followed, and a file is replaced, never written through: whatever was there before.

use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::path::Path;

use domain::build::{BuildSpec, Method};
use domain::init::InitStyle;
use domain::note::Note;
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, mkdirat, open, openat2, renameat, unlinkat};
use rustix::io::Errno;

use crate::facts::mirror;

/// Where the host's own name servers are when `resolv.conf` names a stub on the loopback device, which
/// is another one inside a VServer (resolvectl(1), "resolv.conf" modes).
const RESOLVED: &str = "/run/systemd/resolve/resolv.conf";

/// Writes the files. Gives what a person should know.
///
/// # Errors
/// When one cannot be written.
pub(super) fn configure(root: &Path, spec: &BuildSpec) -> io::Result<Vec<Note>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = open(root, flags, Mode::empty())?;
    let etc = directory(&root, "etc")?;
    let name = spec.host_name.as_str();
    replace(&etc, "hostname", format!("{}\n", name.split('.').next().unwrap_or(name)).as_bytes())?;
    replace(&etc, "hosts", hosts(spec).as_bytes())?;
    // Empty means: made at the first start (machine-id(5)); two VServers must not share one.
    replace(&etc, "machine-id", b"")?;
    sources(&etc, &spec.method)?;
    let mut warnings = Vec::new();
    if let Some(warning) = missing_init(&root, spec) {
        warnings.push(warning);
    }
    let servers = resolv_conf(&[Path::new("/etc/resolv.conf"), Path::new(RESOLVED)]);
    match servers {
        Some(text) => replace(&etc, "resolv.conf", text.as_bytes())?,
        None => warnings.push(Note::NoNameServer),
    }
    Ok(warnings)
}

/// `/etc/apt/sources.list`: debootstrap writes the release alone, which gets no security fixes.
fn sources(etc: &OwnedFd, method: &Method) -> io::Result<()> {
    // What is copied or unpacked has its own.
    let Method::Debootstrap { suite, mirror: from, components, .. } = method else {
        return Ok(());
    };
    let later = mirror::later_sources(suite, from, components);
    if later.is_empty() {
        return Ok(());
    }
    let parts: Vec<&str> = components.iter().map(AsRef::as_ref).collect();
    let parts = if parts.is_empty() { "main".to_owned() } else { parts.join(" ") };
    let text = format!("deb {from} {suite} {parts}\n{}\n", later.join("\n"));
    replace(&directory(etc, "apt")?, "sources.list", text.as_bytes())
}

/// What keeps it from being started, if anything does: no init of its style among its files.
fn missing_init(root: &OwnedFd, spec: &BuildSpec) -> Option<Note> {
    let candidates: &[&str] = match spec.init.style() {
        InitStyle::Plain => &["sbin/init"],
        InitStyle::Sysv => &["etc/init.d/rc", "etc/rc.d/rc"],
    };
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let is_there = |path: &&str| {
        openat2(
            root,
            *path,
            flags,
            Mode::empty(),
            ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
        )
        .is_ok()
    };
    if candidates.iter().any(is_there) {
        return None;
    }
    let paths = candidates.iter().map(|path| (*path).to_owned()).collect();
    Some(Note::NoInit { paths, style: spec.init.style() })
}

/// `/etc/hosts`: itself by its first address, so that its name means something inside.
fn hosts(spec: &BuildSpec) -> String {
    let mut text = "127.0.0.1\tlocalhost\n".to_owned();
    let full = spec.host_name.as_str();
    let short = full.split('.').next().unwrap_or(full);
    let names = if short == full { full.to_owned() } else { format!("{full} {short}") };
    let own =
        spec.interfaces.first().map_or_else(|| "127.0.1.1".to_owned(), |i| i.address.to_string());
    text.push_str(&format!("{own}\t{names}\n"));
    text.push_str("::1\tlocalhost ip6-localhost ip6-loopback\n");
    text.push_str("ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n");
    text
}

/// The first of these files that names a server off the loopback device, without what names one on it.
fn resolv_conf(files: &[&Path]) -> Option<String> {
    files.iter().find_map(|path| {
        let text = fs::read_to_string(path).ok()?;
        let (mut kept, mut found) = (String::new(), false);
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("nameserver"), Some(server)) => {
                    // An address of one link of the host's means nothing inside.
                    let is_reachable = server.parse::<IpAddr>().is_ok_and(|a| !a.is_loopback());
                    if !is_reachable {
                        continue;
                    }
                    found = true;
                }
                (Some("search" | "domain" | "options"), Some(_)) => {}
                _ => continue,
            }
            kept.push_str(line.trim());
            kept.push('\n');
        }
        found.then_some(kept)
    })
}

/// A directory of the tree, made when it is missing; never through a link.
pub(crate) fn directory(parent: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    match openat2(parent, name, flags, Mode::empty(), resolve) {
        Err(Errno::NOENT) => {
            mkdirat(parent, name, Mode::from_raw_mode(0o755))?;
            Ok(openat2(parent, name, flags, Mode::empty(), resolve)?)
        }
        other => Ok(other?),
    }
}

/// Puts a file in place of whatever has its name.
pub(crate) fn replace(directory: &OwnedFd, name: &str, text: &[u8]) -> io::Result<()> {
    let new = format!(".{name}.ulysse-new");
    match unlinkat(directory, &new, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(errno.into()),
    }
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, &new, flags, Mode::from_raw_mode(0o644))?;
    rustix::fs::fchmod(&file, Mode::from_raw_mode(0o644))?;
    fs::File::from(file).write_all(text)?;
    Ok(renameat(directory, &new, directory, name)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_in_the_tree_leads_nowhere() {
        let base = tempfile::tempdir().unwrap();
        let outside = base.path().join("outside");
        fs::write(&outside, "mine").unwrap();
        let root = base.path().join("root");
        fs::create_dir_all(root.join("etc")).unwrap();
        symlink(&outside, root.join("etc/hostname")).unwrap();
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let opened = open(&root, flags, Mode::empty()).unwrap();
        let etc = directory(&opened, "etc").unwrap();
        replace(&etc, "hostname", b"web\n").unwrap();
        assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
        assert_eq!(fs::read_to_string(root.join("etc/hostname")).unwrap(), "web\n");

        fs::remove_dir_all(root.join("etc")).unwrap();
        symlink(base.path(), root.join("etc")).unwrap();
        assert!(directory(&opened, "etc").is_err());
    }

    #[test]
    fn a_name_server_on_the_loopback_device_is_the_hosts_alone() {
        let base = tempfile::tempdir().unwrap();
        let (stub, real) = (base.path().join("stub"), base.path().join("real"));
        fs::write(&stub, "nameserver 127.0.0.53\noptions edns0\nsearch lan\n").unwrap();
        fs::write(&real, "# made\nnameserver 192.0.2.1\nnameserver ::1\nsearch lan\n").unwrap();
        assert_eq!(resolv_conf(&[&stub]), None);
        let found = resolv_conf(&[&stub, &real]).unwrap();
        assert_eq!(found, "nameserver 192.0.2.1\nsearch lan\n");
    }
}
