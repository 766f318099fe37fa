//! Copying another machine over ssh: physical to virtual.
//!
//! Whose key it shows is confirmed by a person before anything is sent ([`judge_host_key`]); from then on
//! `known_hosts` of Ulysse's own state knows it, and ssh refuses any other. ssh runs as the host's root,
//! outside the stage, because it needs a private key; all it does is pass on what it is sent. rsync,
//! which understands it, runs in the stage and reaches ssh through [`super::relay`].
//!
//! Nothing of root's own ssh settings counts: no config file, no agent, no key but the one that is named
//! and Ulysse's own.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use domain::build::{CopyOptions, Remote, SSH_PORT};
use domain::failure::{Failure, HostFeature};
use domain::field::{Field, Problem};
use nix::libc;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use sha2::{Digest, Sha256};
use sys::seqpacket;

use super::relay::{self, Called};
use super::rsync::{self, Listener};
use super::running::{self, Running};
use super::stage::{RELAY, StagePlan, TARGET};
use super::{BuildError, copy};
use crate::engine::Instance;
use crate::operation::{Stopped, Work};
use crate::program::{self, SSH, SSH_KEYGEN, SSH_KEYSCAN};
use crate::roots::Roots;

/// How long a machine has to show its key, in seconds: somebody waits for the form.
const SCAN_SECONDS: u32 = 5;
/// How long its name server has besides.
const SCAN_PATIENCE: Duration = Duration::from_secs(7);
/// The most bytes of what a machine shows.
const MAX_SCAN_BYTES: u64 = 64 * 1024;
/// Kinds of keys, the one that is shown to people first.
const KINDS: [&str; 3] = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"];

/// A key that a machine shows, or is known to have.
#[derive(Debug, Clone, PartialEq, Eq)]
struct HostKey {
    kind: String,
    /// Base 64, as in every file about it.
    key: String,
}

impl HostKey {
    /// The keys of lines of `known_hosts`; those of `machine` alone.
    fn parse_all(text: &str, machine: &str) -> Vec<Self> {
        let keys = text.lines().filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let (name, kind, key) = (words.next()?, words.next()?, words.next()?);
            (name == machine).then(|| Self { kind: kind.to_owned(), key: key.to_owned() })
        });
        keys.filter(|key| KINDS.contains(&key.kind.as_str())).collect()
    }

    /// As `ssh-keygen -l` shows it.
    fn fingerprint(&self) -> String {
        let bytes = STANDARD.decode(&self.key).unwrap_or_default();
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(bytes)))
    }
}

/// How `known_hosts` calls a machine (sshd(8)).
fn name_of(remote: &Remote) -> String {
    match remote.port {
        SSH_PORT => remote.host.to_string(),
        port => format!("[{}]:{port}", remote.host),
    }
}

/// Where the keys are.
fn directory(roots: &Roots) -> PathBuf {
    roots.state_base.join("ssh")
}

fn known_hosts(roots: &Roots) -> PathBuf {
    directory(roots).join("known_hosts")
}

/// Judges the key that a machine shows: it must be known, or be the one that was confirmed; then it is
/// known.
///
/// # Errors
/// What the machine shows, when nobody has confirmed it; or that it does not answer.
pub fn judge_host_key(roots: &Roots, remote: &Remote) -> Result<(), Failure> {
    let name = name_of(remote);
    let shown = scan(remote, &name)?;
    let path = known_hosts(roots);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        other => other.map_err(|source| unexpected(&path, source))?,
    };
    let known = HostKey::parse_all(&text, &name);
    if shown.iter().any(|key| known.contains(key)) {
        return Ok(());
    }
    let Some(first) = KINDS.iter().find_map(|kind| shown.iter().find(|key| key.kind == *kind))
    else {
        return Err(unreachable(remote, "no key"));
    };
    let host = name.clone();
    let is_confirmed = |key: &&HostKey| {
        remote.host_key.as_ref().is_some_and(|given| given.as_str() == key.fingerprint())
    };
    let problem = if known.is_empty() {
        match shown.iter().find(is_confirmed) {
            Some(confirmed) => return learn(roots, &name, confirmed),
            None => Problem::HostKeyUnknown { host, fingerprint: first.fingerprint() },
        }
    } else {
        let known_hosts = path.display().to_string();
        Problem::HostKeyChanged { host, fingerprint: first.fingerprint(), known_hosts }
    };
    Err(Failure::of_field(Field::HostKey, problem))
}

/// The keys that a machine shows.
fn scan(remote: &Remote, name: &str) -> Result<Vec<HostKey>, Failure> {
    let mut child = program::command(SSH_KEYSCAN)
        .args(["-T", &SCAN_SECONDS.to_string(), "-p", &remote.port.to_string()])
        .args(["-t", "ed25519,ecdsa,rsa", "--", remote.host.as_str()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| lacks_ssh(SSH_KEYSCAN, &error))?;
    // Nothing says how long a name server may take.
    let deadline = Instant::now() + SCAN_PATIENCE;
    if let Some(out) = &child.stdout
        && !matches!(sys::wait::until_readable(out, deadline), Ok(true))
    {
        let _ = child.kill();
    }
    let read = |from: Option<&mut dyn Read>| {
        let mut text = String::new();
        let _ = from.map(|from| from.take(MAX_SCAN_BYTES).read_to_string(&mut text));
        text
    };
    let shown = read(child.stdout.as_mut().map(|out| out as &mut dyn Read));
    let said = read(child.stderr.as_mut().map(|out| out as &mut dyn Read));
    let _ = child.kill();
    let _ = child.wait();
    let keys = HostKey::parse_all(&shown, name);
    if keys.is_empty() {
        let complaint = said.lines().rfind(|line| !line.starts_with('#')).unwrap_or("no answer");
        return Err(unreachable(remote, complaint));
    }
    Ok(keys)
}

/// Writes down that a machine has this key.
fn learn(roots: &Roots, name: &str, key: &HostKey) -> Result<(), Failure> {
    let path = known_hosts(roots);
    let written = make_directory(roots).and_then(|()| {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        file.write_all(format!("{name} {} {}\n", key.kind, key.key).as_bytes())?;
        file.sync_data()
    });
    written.map_err(|source| unexpected(&path, source))
}

fn make_directory(roots: &Roots) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory(roots))
}

/// Ulysse's own private key; made when it is wanted for the first time.
fn own_key(roots: &Roots) -> Result<PathBuf, Failure> {
    let path = directory(roots).join("id_ed25519");
    if path.exists() {
        return Ok(path);
    }
    let failed = |source| unexpected(&path, source);
    make_directory(roots).map_err(failed)?;
    let new = directory(roots).join(format!(".new-{}", std::process::id()));
    let public = new.with_extension("pub");
    let remove = || {
        // One that a crash left would be asked about.
        let _ = fs::remove_file(&new);
        let _ = fs::remove_file(&public);
    };
    remove();
    let output = program::command(SSH_KEYGEN)
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "ulysse", "-f"])
        .arg(&new)
        .output()
        .map_err(|error| lacks_ssh(SSH_KEYGEN, &error))?;
    if !output.status.success() {
        let detail = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Failure::ProgramFailed { program: "ssh-keygen".to_owned(), detail });
    }
    // Whoever was first made the key.
    let moved = renameat_with(CWD, &new, CWD, &path, RenameFlags::NOREPLACE);
    remove();
    match moved {
        Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(path),
        Err(errno) => Err(failed(errno.into())),
    }
}

/// The public half of a private key, as a line of `authorized_keys`; empty when it cannot be had.
fn public_key(private: &Path) -> String {
    let output = program::command(SSH_KEYGEN).args(["-y", "-f"]).arg(private).output();
    output
        .ok()
        .filter(|output| output.status.success())
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}

/// Copies another machine.
///
/// # Errors
/// When it is cancelled, the machine does not let us in, or rsync fails.
pub(super) fn copy(
    instance: &Instance,
    work: &mut Work<'_>,
    remote: &Remote,
    options: &CopyOptions,
    mut plan: StagePlan,
) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    let identity = match &remote.identity {
        Some(path) => PathBuf::from(path.as_str()),
        None => own_key(roots)?,
    };
    let shell = format!("{RELAY} {}", relay::ROLE);
    plan.command = rsync::remote(options, &shell, ("remote", remote.path.as_str()), TARGET);
    plan.relay = Some(instance.executable.clone());
    work.log(&format!("{remote}, port {}", remote.port));
    work.log(&domain::build::shell_line(&plan.command));
    let failed = |source| BuildError::Stage { source };
    let (line, theirs) = seqpacket::pair().map_err(failed)?;
    let (output, input) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
        .map_err(|errno| failed(errno.into()))?;
    let said = input.try_clone().map_err(failed)?;
    let running =
        Running::start_into(&instance.executable, &plan, input, Some(theirs)).map_err(failed)?;
    let ssh = ssh(roots, remote, &identity);
    let connection = thread::Builder::new()
        .name("ssh".to_owned())
        .spawn(move || serve(&line, ssh, said))
        .map_err(failed)?;
    let mut listener = Listener::default();
    let mut denied = None;
    let heard = running::hear(running, File::from(output), work, |work, line| {
        if line.contains("Permission denied (") {
            denied = Some(line.to_owned());
        }
        copy::hear(work, &mut listener, copy::WHOLE, line);
    });
    // The stage is over, and with it the line: so is whoever served it.
    let served = connection.join();
    let status = heard?;
    if let Ok(Err(error)) = served {
        return Err(lacks_ssh(SSH, &error).into());
    }
    if let Some(detail) = denied.filter(|_| !status.success()) {
        let public_key =
            if remote.identity.is_none() { public_key(&identity) } else { String::new() };
        let host = format!("{}@{}", remote.user, remote.host);
        return Err(Failure::RemoteDenied { host, public_key, detail }.into());
    }
    listener.judge(status, copy::WHOLE, &plan.directory).map_err(Stopped::Failed)
}

/// ssh to a machine; what is to be run there comes after it.
fn ssh(roots: &Roots, remote: &Remote, identity: &Path) -> Command {
    let mut command = program::command(SSH);
    command.args(["-F", "none", "-T", "-x", "-a"]);
    let known_hosts = format!("UserKnownHostsFile=\"{}\"", known_hosts(roots).display());
    for option in [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "GlobalKnownHostsFile=/dev/null",
        "UpdateHostKeys=no",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "PreferredAuthentications=publickey",
        "ClearAllForwardings=yes",
        "ControlPath=none",
        "PermitLocalCommand=no",
        "ConnectTimeout=20",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=4",
        known_hosts.as_str(),
    ] {
        command.args(["-o", option]);
    }
    command.arg("-i").arg(identity);
    command.args(["-p", &remote.port.to_string(), "-l", remote.user.as_str()]);
    command.args(["--", remote.host.as_str()]);
    command
}

/// Waits until rsync wants to be run over there, and runs ssh until it ends or nobody listens any more.
fn serve(line: &OwnedFd, mut ssh: Command, said: OwnedFd) -> io::Result<()> {
    let mut packet = vec![0; relay::MAX_WORDS_BYTES];
    let received = seqpacket::receive(line, &mut packet).map_err(io::Error::other)?;
    if received.bytes == 0 {
        return Ok(());
    }
    let called: Called = serde_json::from_slice(packet.get(..received.bytes).unwrap_or_default())?;
    let Ok([input, output]) = <[OwnedFd; 2]>::try_from(received.descriptors) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    // Asked before rsync has heard anything from over there, so it is our own rsync that asks.
    if called.words.first().is_none_or(|word| word != "rsync") {
        return Err(io::ErrorKind::InvalidData.into());
    }
    ssh.args(&called.words).stdin(input).stdout(output).stderr(said);
    sys::session::Session { death_signal: libc::SIGKILL, ..Default::default() }.prepare(&mut ssh);
    let mut child = ssh.spawn()?;
    // Its descriptors are the child's alone: their ends must be seen.
    drop(ssh);
    let ended = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .map(|pid| rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()));
    if let Some(Ok(ended)) = ended {
        loop {
            let mut polled =
                [PollFd::new(&ended, PollFlags::IN), PollFd::new(line, PollFlags::RDHUP)];
            match poll(&mut polled, None) {
                Err(rustix::io::Errno::INTR) => {}
                _ => break,
            }
        }
        let is_over = poll(
            &mut [PollFd::new(&ended, PollFlags::IN)],
            Some(&sys::wait::timespec(Duration::ZERO)),
        );
        if !matches!(is_over, Ok(1)) {
            let _ = child.kill();
        }
    }
    let status = child.wait()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(255);
    // Nobody may be there to hear it.
    let _ = seqpacket::send(line.as_fd(), &[code], &[]);
    Ok(())
}

fn unreachable(remote: &Remote, detail: &str) -> Failure {
    let (host, detail) = (name_of(remote), detail.to_owned());
    Failure::of_field(Field::Source, Problem::RemoteUnreachable { host, detail })
}

fn unexpected(path: &Path, source: io::Error) -> Failure {
    BuildError::Place { path: path.to_owned(), source }.into()
}

fn lacks_ssh(program: &str, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::NotFound {
        Failure::HostLacks { feature: HostFeature::Ssh, detail: program.to_owned() }
    } else {
        Failure::Unexpected { detail: format!("{program}: {error}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_one_that_ssh_keygen_shows() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("key");
        let run = |arguments: &[&str]| {
            let output = Command::new(SSH_KEYGEN).args(arguments).arg("-f").arg(&path).output();
            String::from_utf8(output.unwrap().stdout).unwrap()
        };
        run(&["-q", "-t", "ed25519", "-N", ""]);
        let line = fs::read_to_string(path.with_extension("pub")).unwrap();
        let shown = run(&["-l"]);
        let [key] = &HostKey::parse_all(&format!("old {line}"), "old")[..] else {
            panic!("{line}")
        };
        assert_eq!(key.fingerprint(), shown.split(' ').nth(1).unwrap());
        assert!(HostKey::parse_all(&format!("older {line}# old\n"), "old").is_empty());
    }

    #[test]
    fn our_own_key_is_made_once() {
        let base = tempfile::tempdir().unwrap();
        let roots = Roots { state_base: base.path().to_owned(), ..Roots::default() };
        let path = own_key(&roots).unwrap();
        let text = fs::read(&path).unwrap();
        assert_eq!(own_key(&roots).unwrap(), path);
        assert_eq!(fs::read(&path).unwrap(), text);
        assert!(public_key(&path).starts_with("ssh-ed25519 "));
        let left: Vec<_> = fs::read_dir(directory(&roots)).unwrap().collect();
        assert_eq!(left.len(), 1);
    }
}
