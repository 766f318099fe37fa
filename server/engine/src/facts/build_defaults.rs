//! What every new VServer of this host is given: `.defaults/fstab` and `.defaults/files`, the host's name
//! servers, the proxies of its apt.
//!
//! `.defaults` is the administrator's. A file of it that is not what it should be is told, not passed over:
//! whoever wrote it relies on it.

use std::fs;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use domain::build::{AptProxy, BuildDefaults, DefaultFile};

use super::{FactsError, Places};
use crate::program;
use crate::roots::Roots;

/// The most bytes of a file of text.
const MAX_TEXT_BYTES: u64 = 16 * 1024;
/// The most bytes of a file that is copied.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// Where the host's own name servers are when `resolv.conf` names a stub on the loopback device, which
/// is another one inside a VServer (resolvectl(1), "resolv.conf" modes).
const RESOLVED: &str = "/run/systemd/resolve/resolv.conf";

/// Reads it all.
pub(super) fn of(roots: &Roots, places: &Places) -> Result<BuildDefaults, FactsError> {
    let directory = files_directory(roots);
    let resolv_conf = match text_of(&directory.join("resolv.conf"))? {
        Some(text) => Some(text),
        None => resolv_conf(&[Path::new("/etc/resolv.conf"), Path::new(RESOLVED)]),
    };
    let files = DefaultFile::ALL.into_iter().filter(|file| directory.join(file.name()).is_file());
    Ok(BuildDefaults {
        fstab: text_of(&roots.config_base.join(".defaults/fstab"))?,
        hosts: text_of(&directory.join("hosts"))?,
        resolv_conf,
        files: files.collect(),
        apt_proxies: apt_proxies(&places.apt_config),
    })
}

fn files_directory(roots: &Roots) -> PathBuf {
    roots.config_base.join(".defaults/files")
}

/// The content of a file of `.defaults/files`.
///
/// # Errors
/// When it cannot be read, or is far too long.
pub(crate) fn content_of(roots: &Roots, file: DefaultFile) -> io::Result<Vec<u8>> {
    read(&files_directory(roots).join(file.name()), MAX_FILE_BYTES)
}

fn read(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    fs::File::open(path)?.take(max + 1).read_to_end(&mut content)?;
    if content.len() as u64 > max {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(content)
}

/// A file of text whose last line is closed; none when it is not there.
fn text_of(path: &Path) -> Result<Option<String>, FactsError> {
    let failed = |source| FactsError::Default { path: path.to_owned(), source };
    let content = match read(path, MAX_TEXT_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed)?,
    };
    let mut text = String::from_utf8(content)
        .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    if text.contains('\0') {
        return Err(failed(io::ErrorKind::InvalidData.into()));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(Some(text))
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

/// What the host's apt is told of proxies, as far as a VServer can reach them. None on a host without apt.
fn apt_proxies(program: &Path) -> Vec<AptProxy> {
    let asked = program::command(program).args(["dump", "Acquire"]).stderr(Stdio::null()).output();
    let Ok(said) = asked else { return Vec::new() };
    let text = String::from_utf8_lossy(&said.stdout);
    text.lines().filter_map(AptProxy::reachable).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

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

    #[test]
    fn the_administrators_files_are_given() {
        let base = tempfile::tempdir().unwrap();
        let roots = Roots { config_base: base.path().join("etc"), ..Roots::default() };
        let apt_config = base.path().join("apt-config");
        let places = Places { apt_config: apt_config.clone(), ..Places::default() };
        let now = || of(&roots, &places).unwrap();
        let found = now();
        assert_eq!((found.fstab, found.hosts), (None, None));
        assert!(found.files.is_empty() && found.apt_proxies.is_empty());

        let files = files_directory(&roots);
        fs::create_dir_all(&files).unwrap();
        // What the course makes of it: a larger /tmp, and an editor that closes no line.
        let fstab = "none /tmp tmpfs size=64m,mode=1777 0 0";
        fs::write(roots.config_base.join(".defaults/fstab"), fstab).unwrap();
        fs::write(files.join("resolv.conf"), "nameserver 192.0.2.53\n").unwrap();
        fs::write(files.join("nsswitch.conf"), "hosts: files dns\n").unwrap();
        fs::write(files.join("passwd"), "root::0:0::/:/bin/sh\n").unwrap();
        let says = "#!/bin/sh\n[ \"$1 $2\" = 'dump Acquire' ] && echo 'Acquire \"\";' && \
                    echo 'Acquire::http::Proxy \"http://proxy.example:3128\";'\n";
        fs::write(&apt_config, says).unwrap();
        fs::set_permissions(&apt_config, fs::Permissions::from_mode(0o755)).unwrap();
        let found = now();
        assert_eq!(found.fstab.unwrap(), format!("{fstab}\n"));
        assert_eq!(found.resolv_conf.unwrap(), "nameserver 192.0.2.53\n");
        assert_eq!(found.files, [DefaultFile::NsswitchConf]);
        let proxies: Vec<String> = found.apt_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(proxies, ["Acquire::http::Proxy \"http://proxy.example:3128\";"]);

        fs::write(files.join("hosts"), [0xff]).unwrap();
        let told = of(&roots, &places);
        assert!(matches!(told, Err(FactsError::Default { path, .. }) if path.ends_with("hosts")));
    }
}
