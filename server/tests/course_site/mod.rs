//! Where the practical part of the course takes place: a cable between a host that is this test's own and a
//! client, and VServers whose packages are installed for real.
//!
//! Packages are fetched once: by apt in a VServer of the same base, over the NAT network, from the base's own
//! mirror. They are kept beside the bases; what is installed is installed from there, on a network that leads
//! nowhere, so that no server of a test's ever speaks to a stranger.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use domain::id::DeviceName;
use engine::network;
use engine::roots::Nat;
use sha2::{Digest, Sha256};

use crate::sandbox::{Sandbox, build_words, cache};

/// The device of the host's that the cable is in.
pub(crate) const LAN: &str = "lan0";
/// Where a guest's apt keeps what it knows and has fetched.
const LISTS: &str = "var/lib/apt/lists";
const ARCHIVES: &str = "var/cache/apt/archives";
/// A change of how packages are fetched makes other ones of those that are kept.
const RECIPE: &str = "1";

/// Somebody at the other end of the cable.
pub(crate) struct Client(Child);

impl Client {
    /// Puts a cable between the host, which has this address there, and a client. The host is the calling
    /// thread's network namespace, which has nothing yet.
    pub(crate) fn on_cable(host_address: &str) -> Self {
        let mut child = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo ready; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let client = Self(child);
        assert_eq!(line, "ready\n");
        ip("link set lo up");
        ip(&format!("link add {LAN} type veth peer name eth0 netns {}", client.0.id()));
        ip(&format!("address add {host_address} dev {LAN}"));
        ip(&format!("link set {LAN} up"));
        client.must("ip", &["link", "set", "eth0", "up"]);
        client
    }

    /// Gives it an address.
    pub(crate) fn has_address(self, address: &str) -> Self {
        self.must("ip", &["address", "add", address, "dev", "eth0"]);
        self
    }

    /// Runs a program there.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let namespace = format!("--net=/proc/{}/ns/net", self.0.id());
        let mut command = Command::new("nsenter");
        command.args([namespace.as_str(), program]).args(arguments).stdin(Stdio::null());
        command.output().unwrap()
    }

    /// Runs a program there, which has to succeed; what it wrote.
    pub(crate) fn must(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.run(program, arguments);
        assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
    assert!(status.success(), "ip {arguments}");
}

/// Packages that are there, with what apt knows of them.
pub(crate) struct Packages {
    names: Vec<String>,
    directory: PathBuf,
}

impl Packages {
    /// Fetches packages and what they need, unless that was done before. The thread is on the machine's own
    /// network as yet.
    pub(crate) fn fetch(names: &[&str]) -> Self {
        let key = Sha256::digest(format!("{RECIPE}\n{:?}\n{names:?}", build_words("any")));
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let directory = cache().join("packages").join(&key);
        if !directory.exists() {
            fetch_to(&directory, names);
        }
        Self { names: names.iter().map(ToString::to_string).collect(), directory }
    }

    /// Installs them in a VServer that runs, without a mirror.
    pub(crate) fn install(&self, sandbox: &Sandbox, name: &str) {
        let root = sandbox.settings.roots.guest_base.join(name);
        copy(&self.directory.join("lists"), &root.join(LISTS));
        copy(&self.directory.join("archives"), &root.join(ARCHIVES));
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        apt_get(sandbox, name, &[&["--no-download", "install"], &names[..]].concat());
    }
}

/// The NAT network of one test on the machine's own network; nothing of it is left.
struct OwnNat(Nat);

impl OwnNat {
    fn new() -> Self {
        let [high, low] = u16::try_from(std::process::id() & 0xffff).unwrap().to_be_bytes();
        let device: DeviceName = format!("t{high:02x}{low:02x}").parse().unwrap();
        // 198.18.0.0/15 is nobody's (RFC 2544).
        let gateway = [198, 18 | (high >> 7), high << 1 | low >> 7, low << 1 & 0xfc | 1].into();
        Self(Nat { device, gateway, prefix: 30 })
    }
}

impl Drop for OwnNat {
    fn drop(&mut self) {
        let removed = network::remove_nat(&self.0);
        assert!(removed.is_ok() || std::thread::panicking(), "left behind: {removed:?}");
    }
}

fn fetch_to(directory: &Path, names: &[&str]) {
    let nat = OwnNat::new();
    let sandbox = Sandbox::with(|settings| settings.nat = nat.0.clone());
    let address = u32::from(nat.0.gateway) + 1;
    let interface = format!("{}:{}/30", nat.0.device, std::net::Ipv4Addr::from(address));
    build(&sandbox, "fetch", &["--interface", &interface]);
    sandbox.must(&["fetch", "start"]);
    apt_get(&sandbox, "fetch", &["update"]);
    apt_get(&sandbox, "fetch", &[&["--download-only", "install"], names].concat());
    sandbox.must(&["fetch", "stop"]);
    // Whole or not at all: another run looks for it meanwhile.
    let parent = directory.parent().unwrap();
    fs::create_dir_all(parent).unwrap();
    let new = tempfile::tempdir_in(parent).unwrap();
    let root = sandbox.settings.roots.guest_base.join("fetch");
    for (kept, of_guest) in [("lists", LISTS), ("archives", ARCHIVES)] {
        copy(&root.join(of_guest), &new.path().join(kept));
    }
    if fs::rename(new.path(), directory).is_ok() {
        let _ = new.keep();
    }
    assert!(directory.exists());
}

/// Builds a VServer on the base that tests share, as the course does.
pub(crate) fn build(sandbox: &Sandbox, name: &str, options: &[&str]) {
    let words = build_words(name);
    let (method, rest) = words.split_at(4);
    sandbox.must(&[method, options, rest].concat());
}

/// Lets a VServer's own apt do something, as an administrator has it done from the host.
fn apt_get(sandbox: &Sandbox, name: &str, words: &[&str]) {
    let options = ["--", "--quiet", "--yes", "--no-install-recommends"];
    let words = [&[name], &options[..], words].concat();
    let output = sandbox.ulysse("vapt-get", &words).output().unwrap();
    assert!(output.status.success(), "vapt-get {words:?}: {output:?}");
}

/// Copies the files of a directory into another one.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        // Locks and what is half fetched are beside them.
        if entry.file_type().unwrap().is_file() && entry.file_name() != "lock" {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
