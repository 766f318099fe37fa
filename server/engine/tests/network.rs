//! The network of VServers on the real kernel: each test plays host in a network namespace of its
//! own, so the machine's network is never touched. Namespaces, devices and processes are gone when
//! the test's guards are dropped.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use domain::id::ContextId;
use domain::interface::Interface;
use engine::network::{self, AppliedNetwork, NetworkError, NetworkPlan};
use engine::roots::Nat;
use nix::sched::{CloneFlags, setns, unshare};

/// Long enough for a proxied ARP answer (the kernel delays it up to 0.8 s) and for a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// A process that holds a network namespace open, as a guest's pid 1 does.
struct Namespace {
    child: Child,
}

impl Namespace {
    fn new(unshare_options: &[&str]) -> Self {
        let mut child = Command::new("unshare")
            .args(unshare_options)
            .args(["sh", "-c", "echo ready; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "unshare {unshare_options:?} failed");
        Self { child }
    }

    /// A guest has a user namespace as well.
    fn guest() -> Self {
        Self::new(&["--user", "--map-root-user", "--net"])
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Runs `work` on a thread inside.
    fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(format!("/proc/{}/ns/net", self.pid())).unwrap();
        thread::scope(|scope| {
            scope
                .spawn(|| {
                    setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
                    work()
                })
                .join()
                .unwrap()
        })
    }

    fn ip(&self, arguments: &str) {
        let target = format!("--net=/proc/{}/ns/net", self.pid());
        let status = Command::new("nsenter")
            .arg(target)
            .arg("ip")
            .args(arguments.split(' '))
            .status()
            .unwrap();
        assert!(status.success(), "ip {arguments}");
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes the calling thread's namespace an empty one: from here on it is "the host".
fn become_host() {
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    ip("link set lo up");
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
    assert!(status.success(), "ip {arguments}");
}

/// Waits until the kernel has seen that nobody else has the IPv6 addresses of new devices; it changes
/// addresses and routes when it has.
fn settle() {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let arguments = ["-6", "-o", "address", "show", "tentative"];
        let output = Command::new("ip").args(arguments).output().unwrap();
        if output.stdout.is_empty() || Instant::now() > deadline {
            return;
        }
        thread::yield_now();
    }
}

/// What `ip` and `nft` say of everything; equal texts mean nothing is left.
fn snapshot() -> String {
    settle();
    let mut text = String::new();
    for arguments in [
        "-o link show",
        "-o address show",
        "route show table all",
        "-6 route show table all",
        "neigh show proxy",
        "-6 neigh show proxy",
        "rule show",
    ] {
        let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
        let mut lines: Vec<_> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            // A router's own; forwarding stays on.
            .filter(|line| !line.starts_with("anycast fe80::"))
            .map(|line| line.split(" qdisc ").next().unwrap_or(line).to_owned())
            .collect();
        lines.sort();
        text.push_str(&lines.join("\n"));
        text.push('\n');
    }
    text
}

/// A network cable: `host_device` here, `eth0` with `address` in the other namespace.
fn cable(host_device: &str, other: &Namespace, address: &str) {
    ip(&format!("link add {host_device} type veth peer name eth0 netns {}", other.pid()));
    ip(&format!("link set {host_device} up"));
    other.ip(&format!("address add {address} dev eth0 nodad")
        .replace(" nodad", if address.contains(':') { " nodad" } else { "" }));
    other.ip("link set eth0 up");
    other.ip("link set lo up");
}

fn plan(context: u32, interfaces: &[&str]) -> NetworkPlan {
    let interfaces: Vec<Interface> = interfaces.iter().map(|text| text.parse().unwrap()).collect();
    let context = ContextId::try_from(context).unwrap();
    // What is called so is a wire that the guests are on themselves.
    let on_wire = ["wire0".parse().unwrap()];
    NetworkPlan::new(context, &interfaces, &on_wire, &Nat::default()).unwrap()
}

fn apply(guest: &Namespace, context: u32, interfaces: &[&str]) -> AppliedNetwork {
    network::apply(&plan(context, interfaces), guest.pid()).unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Serves one connection at `at` and says who came; meanwhile `connect` runs.
fn serve_one(listener: TcpListener, connect: impl FnOnce(SocketAddr) + Send) -> IpAddr {
    let at = listener.local_addr().unwrap();
    thread::scope(|scope| {
        let server = scope.spawn(move || {
            // Whoever cannot connect says why on the other thread; nothing waits for them for ever.
            let came = sys::wait::until_readable(&listener, Instant::now() + DEADLINE).unwrap();
            assert!(came, "nobody came to {at}");
            let (mut stream, peer) = listener.accept().unwrap();
            stream.write_all(b"welcome").unwrap();
            peer.ip()
        });
        connect(at);
        server.join().unwrap()
    })
}

/// Connects and reads the greeting.
fn greet(at: SocketAddr) {
    let mut stream = TcpStream::connect_timeout(&at, DEADLINE)
        .unwrap_or_else(|error| panic!("connecting to {at}: {error}"));
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!(text, "welcome");
}

/// Whom a server at `address` in `server` (or on the host) sees when `client` connects.
fn seen(server: Option<&Namespace>, at: &str, client: Option<&Namespace>) -> IpAddr {
    let bind = || TcpListener::bind(SocketAddr::new(address(at), 0)).unwrap();
    let listener = match server {
        Some(namespace) => namespace.run(bind),
        None => bind(),
    };
    serve_one(listener, |at| match client {
        Some(namespace) => namespace.run(|| greet(at)),
        None => greet_from_here(at),
    })
}

/// The closure given to `serve_one` runs on the test's thread, which is the host.
fn greet_from_here(at: SocketAddr) {
    greet(at);
}

#[test]
fn guests_reach_the_host_and_each_other() {
    become_host();
    let (one, two) = (Namespace::guest(), Namespace::guest());
    apply(&one, 40001, &["nat0:10.127.0.2/24"]);
    apply(&two, 40002, &["nat0:10.127.0.3/24"]);
    assert_eq!(seen(None, "10.127.0.1", Some(&one)), address("10.127.0.2"));
    assert_eq!(seen(Some(&one), "10.127.0.2", None), address("10.127.0.1"));
    assert_eq!(seen(Some(&two), "10.127.0.3", Some(&one)), address("10.127.0.2"));
    // Loopback is the guest's own.
    assert_eq!(seen(Some(&one), "127.0.0.1", Some(&one)), address("127.0.0.1"));
    let range = one.run(|| fs::read_to_string("/proc/sys/net/ipv4/ping_group_range"));
    let first = 0x2000_0000_u32 + 40001 * 65536;
    assert_eq!(range.unwrap().trim(), format!("{first}\t{}", first + 65535));
}

#[test]
fn the_internet_sees_the_host_behind_nat() {
    become_host();
    let internet = Namespace::new(&["--net"]);
    cable("wan0", &internet, "203.0.113.1/24");
    ip("address add 203.0.113.2/24 dev wan0");
    ip("route add default via 203.0.113.1");
    let (guest, other) = (Namespace::guest(), Namespace::guest());
    apply(&guest, 40001, &["nat0:10.127.0.2/24"]);
    assert_eq!(seen(Some(&internet), "203.0.113.1", Some(&guest)), address("203.0.113.2"));
    // A guest with an address of its own is not hidden behind the host's.
    apply(&other, 40002, &["wan0:203.0.113.50/24"]);
    assert_eq!(seen(Some(&internet), "203.0.113.1", Some(&other)), address("203.0.113.50"));
    assert_eq!(seen(Some(&other), "203.0.113.50", Some(&guest)), address("10.127.0.2"));
}

#[test]
fn an_address_in_the_lan_is_answered_for() {
    become_host();
    let neighbour = Namespace::new(&["--net"]);
    cable("lan0", &neighbour, "192.0.2.9/24");
    neighbour.ip("address add 2001:db8::9/64 dev eth0 nodad");
    ip("address add 192.0.2.1/24 dev lan0");
    ip("address add 2001:db8::1/64 dev lan0 nodad");
    let guest = Namespace::guest();
    let interfaces = ["web=lan0:192.0.2.50/24", "lan0:192.0.2.51/24", "lan0:2001:db8::50/64"];
    apply(&guest, 40001, &interfaces);
    assert_eq!(seen(Some(&guest), "192.0.2.50", Some(&neighbour)), address("192.0.2.9"));
    assert_eq!(seen(Some(&guest), "192.0.2.51", Some(&neighbour)), address("192.0.2.9"));
    assert_eq!(seen(Some(&neighbour), "192.0.2.9", Some(&guest)), address("192.0.2.50"));
    assert_eq!(seen(None, "192.0.2.1", Some(&guest)), address("192.0.2.50"));
    assert_eq!(seen(Some(&guest), "2001:db8::50", Some(&neighbour)), address("2001:db8::9"));
    assert_eq!(seen(Some(&neighbour), "2001:db8::9", Some(&guest)), address("2001:db8::50"));
    assert_eq!(seen(Some(&guest), "2001:db8::50", None), address("2001:db8::1"));
    // The device has its name and the label inside.
    let shown = guest.run(|| Command::new("ip").args(["-4", "address"]).output().unwrap().stdout);
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("192.0.2.50/24 brd 192.0.2.255 scope global lan0:web"), "{shown}");
}

#[test]
fn a_guest_on_the_wire_is_one_of_those_on_it() {
    become_host();
    let neighbour = Namespace::new(&["--net"]);
    cable("wire0", &neighbour, "192.0.2.9/24");
    // A new namespace forwards when the machine does; this one would hide that a guest takes a detour.
    neighbour.run(|| fs::write("/proc/sys/net/ipv4/ip_forward", "0")).unwrap();
    neighbour.ip("address add 2001:db8::9/64 dev eth0 nodad");
    ip("address add 192.0.2.1/24 dev wire0");
    ip("route add default via 192.0.2.9 dev wire0");
    let before = snapshot();
    let (one, two) = (Namespace::guest(), Namespace::guest());
    let addresses = ["web=wire0:192.0.2.50/24", "wire0:2001:db8::50/64"];
    let applied = apply(&one, 40001, &addresses);
    assert_eq!(apply(&one, 40001, &addresses), applied);
    apply(&two, 40002, &["wire0:192.0.2.51/24", "nat0:10.127.0.3/24"]);
    // The wire leads to it without the host, both ways, and to its fellow.
    assert_eq!(seen(Some(&one), "192.0.2.50", Some(&neighbour)), address("192.0.2.9"));
    assert_eq!(seen(Some(&neighbour), "2001:db8::9", Some(&one)), address("2001:db8::50"));
    assert_eq!(seen(Some(&two), "192.0.2.51", Some(&one)), address("192.0.2.50"));
    // Everybody on the wire hears what is said to all, and knows its hardware address.
    let shown = |namespace: &Namespace, arguments: &[&str]| {
        let output = namespace.run(|| Command::new("ip").args(arguments).output().unwrap());
        String::from_utf8(output.stdout).unwrap()
    };
    let link = shown(&one, &["-o", "link", "show", "wire0"]);
    let mac = link.split_whitespace().skip_while(|word| *word != "link/ether").nth(1).unwrap();
    let known = shown(&neighbour, &["neigh", "show", "192.0.2.50"]);
    assert!(mac.starts_with("06:") && known.contains(mac), "{link} {known}");
    // It leaves by the host's own gateway, unless the NAT network leads it out.
    assert!(shown(&one, &["route"]).contains("default via 192.0.2.9 dev wire0"));
    let routes = shown(&two, &["route"]);
    assert!(routes.contains("default via 10.127.0.1 dev eth0"), "{routes}");
    // Gone and back at once, while the kernel may still remove the namespace before.
    drop(one);
    let again = Namespace::guest();
    apply(&again, 40001, &addresses);
    assert!(shown(&again, &["-o", "link", "show", "wire0"]).contains(mac));
    assert_eq!(seen(Some(&again), "192.0.2.50", Some(&neighbour)), address("192.0.2.9"));
    // Nothing of it is on the host.
    drop((again, two));
    network::undo(&applied).unwrap();
    network::undo(&plan(40002, &["wire0:192.0.2.51/24", "nat0:10.127.0.3/24"]).record()).unwrap();
    network::remove_nat(&Nat::default()).unwrap();
    assert_eq!(snapshot(), before);
}

#[test]
fn a_host_without_an_address_in_the_lan_still_leads_there() {
    become_host();
    let neighbour = Namespace::new(&["--net"]);
    cable("lan0", &neighbour, "10.0.7.9/24");
    let (one, two) = (Namespace::guest(), Namespace::guest());
    let first = apply(&one, 40001, &["lan0:10.0.7.2/24"]);
    apply(&two, 40002, &["lan0:10.0.7.3/24"]);
    assert_eq!(seen(Some(&neighbour), "10.0.7.9", Some(&one)), address("10.0.7.2"));
    assert_eq!(seen(Some(&two), "10.0.7.3", Some(&neighbour)), address("10.0.7.9"));
    // Stopping one does not take the way of the other.
    network::undo(&first).unwrap();
    assert_eq!(seen(Some(&two), "10.0.7.3", Some(&neighbour)), address("10.0.7.9"));
}

#[test]
fn each_address_leaves_over_its_own_device() {
    become_host();
    let (lan, internet) = (Namespace::new(&["--net"]), Namespace::new(&["--net"]));
    cable("lan0", &lan, "192.0.2.9/24");
    cable("wan0", &internet, "203.0.113.1/24");
    ip("address add 192.0.2.1/24 dev lan0");
    ip("address add 203.0.113.2/24 dev wan0");
    ip("route add default via 203.0.113.1");
    lan.ip("route add default via 192.0.2.1");
    internet.ip("route add 192.0.2.0/24 via 203.0.113.2");
    let guest = Namespace::guest();
    apply(&guest, 40001, &["nat0:10.127.0.2/24", "lan0:192.0.2.50/24", "nodev:10.66.0.1/24"]);
    assert_eq!(seen(Some(&guest), "192.0.2.50", Some(&lan)), address("192.0.2.9"));
    assert_eq!(seen(Some(&guest), "192.0.2.50", Some(&internet)), address("203.0.113.1"));
    assert_eq!(seen(Some(&internet), "203.0.113.1", Some(&guest)), address("203.0.113.2"));
    assert_eq!(seen(Some(&guest), "10.66.0.1", Some(&guest)), address("10.66.0.1"));
}

/// What arrives at a UDP socket of the host, given what the guest sends from which address.
fn first_to_arrive(at: &str, guest: &Namespace, sent: &[(&str, &str)]) -> (IpAddr, String) {
    let socket = UdpSocket::bind(SocketAddr::new(address(at), 0)).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let to = socket.local_addr().unwrap();
    guest.run(|| {
        for (from, text) in sent {
            let sender = UdpSocket::bind(SocketAddr::new(address(from), 0)).unwrap();
            sender.send_to(text.as_bytes(), to).unwrap();
        }
    });
    let mut buffer = [0; 100];
    let (bytes, peer) = socket.recv_from(&mut buffer).unwrap();
    (peer.ip(), String::from_utf8(buffer[..bytes].to_vec()).unwrap())
}

#[test]
fn packets_in_anothers_name_are_dropped() {
    become_host();
    ip("link add lan0 type bridge");
    ip("link set lan0 up");
    ip("address add 2001:db8::1/64 dev lan0 nodad");
    let (guest, victim) = (Namespace::guest(), Namespace::guest());
    apply(&guest, 40001, &["nat0:10.127.0.2/24", "lan0:2001:db8::2/64"]);
    apply(&victim, 40002, &["nat0:10.127.0.3/24", "lan0:2001:db8::3/64"]);
    for stolen in ["10.127.0.3/32", "10.9.8.7/32", "2001:db8::3/128", "2001:db8:1::7/128"] {
        let device = if stolen.contains(':') { "lan0" } else { "eth0" };
        let nodad = if stolen.contains(':') { " nodad" } else { "" };
        guest.ip(&format!("address add {stolen} dev {device}{nodad}"));
    }
    // One flow, one order: what is asserted to be lost was sent before what arrives.
    assert_eq!(
        first_to_arrive(
            "10.127.0.1",
            &guest,
            &[("10.127.0.3", "stolen"), ("10.9.8.7", "invented"), ("10.127.0.2", "mine")]
        ),
        (address("10.127.0.2"), "mine".to_owned())
    );
    assert_eq!(
        first_to_arrive(
            "2001:db8::1",
            &guest,
            &[("2001:db8::3", "stolen"), ("2001:db8:1::7", "invented"), ("2001:db8::2", "mine")]
        ),
        (address("2001:db8::2"), "mine".to_owned())
    );
}

#[test]
fn undoing_leaves_nothing_and_twice_is_once() {
    become_host();
    let neighbour = Namespace::new(&["--net"]);
    cable("lan0", &neighbour, "192.0.2.9/24");
    network::ensure_nat(&Nat::default()).unwrap();
    let before = snapshot();
    let guest = Namespace::guest();
    let interfaces = ["nat0:10.127.0.2/24", "lan0:10.0.7.5/24", "lan0:2001:db8::5/64"];
    let applied = apply(&guest, 40001, &interfaces);
    let once = snapshot();
    assert_ne!(before, once);
    assert_eq!(apply(&guest, 40001, &interfaces), applied);
    assert_eq!(seen(None, "10.127.0.1", Some(&guest)), address("10.127.0.2"));
    let record = serde_json::to_string(&applied).unwrap();
    let applied: AppliedNetwork = serde_json::from_str(&record).unwrap();
    network::undo(&applied).unwrap();
    assert_eq!(snapshot(), before);
    network::undo(&applied).unwrap();
    assert_eq!(snapshot(), before);
    // Also when the guest and the LAN's device went first.
    apply(&guest, 40001, &interfaces);
    ip("link delete lan0");
    drop(guest);
    network::undo(&applied).unwrap();
}

#[test]
fn an_address_of_the_host_or_of_another_guest_is_refused() {
    become_host();
    ip("link add lan0 type bridge");
    ip("address add 192.0.2.1/24 dev lan0");
    let (one, two) = (Namespace::guest(), Namespace::guest());
    network::ensure_nat(&Nat::default()).unwrap();
    let before = snapshot();
    let refused = network::apply(&plan(40001, &["lan0:192.0.2.1/24"]), one.pid());
    assert!(matches!(refused, Err(NetworkError::AddressOfHost { .. })), "{refused:?}");
    let refused = network::apply(&plan(40001, &["nosuch0:192.0.2.7/24"]), one.pid());
    assert!(matches!(refused, Err(NetworkError::NoSuchDevice { .. })), "{refused:?}");
    assert_eq!(snapshot(), before);
    ip("link set lan0 up");
    apply(&one, 40001, &["lan0:192.0.2.7/24"]);
    let refused = network::apply(&plan(40002, &["lan0:192.0.2.7/24"]), two.pid());
    assert!(matches!(refused, Err(NetworkError::AddressInUse { .. })), "{refused:?}");
    assert_eq!(network::host_addresses().unwrap(), [address("10.127.0.1"), address("192.0.2.1")]);
    let devices = network::host_devices(&Nat::default()).unwrap();
    assert_eq!(devices, ["lan0".parse().unwrap()]);
}

#[test]
fn the_nat_network_is_made_once_and_mended() {
    become_host();
    let nat = Nat::default();
    let rules = || {
        let output = Command::new("nft").args(["-a", "list", "ruleset"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    network::ensure_nat(&nat).unwrap();
    let first = rules();
    assert!(first.contains("masquerade"), "{first}");
    let links = snapshot();
    network::ensure_nat(&nat).unwrap();
    // Handles count up with every load: equal texts mean it was not loaded again.
    assert_eq!(rules(), first);
    assert_eq!(snapshot(), links);
    // An administrator's `nft flush ruleset`, and a device set down.
    assert!(Command::new("nft").args(["flush", "ruleset"]).status().unwrap().success());
    ip("link set nat0 down");
    network::ensure_nat(&nat).unwrap();
    assert!(rules().contains("masquerade"));
    network::remove_nat(&nat).unwrap();
    network::remove_nat(&nat).unwrap();
    assert_eq!(rules(), "");
    // A device of that name that is something else is left alone.
    ip("link add nat0 type veth peer name other0");
    assert!(matches!(network::ensure_nat(&nat), Err(NetworkError::NotOurs { .. })));
}

#[test]
fn counts_what_a_guest_received_and_sent() {
    become_host();
    let guest = Namespace::guest();
    let applied = apply(&guest, 40001, &["nat0:10.127.0.2/24"]);
    let (received_before, sent_before) = network::statistics(&applied).unwrap();
    let listener = TcpListener::bind("10.127.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes.len(), 200_000);
        });
        guest.run(|| TcpStream::connect(at).unwrap().write_all(&[7; 200_000]).unwrap());
    });
    let (received, sent) = network::statistics(&applied).unwrap();
    assert!(sent - sent_before > 200_000, "{sent}");
    assert!((1..100_000).contains(&(received - received_before)), "{received}");
}

#[test]
fn a_guest_without_interfaces_has_a_loopback_of_its_own() {
    become_host();
    let guest = Namespace::guest();
    let applied = apply(&guest, 40001, &[]);
    assert_eq!(applied, AppliedNetwork::default());
    assert_eq!(seen(Some(&guest), "127.0.0.1", Some(&guest)), address("127.0.0.1"));
    network::undo(&applied).unwrap();
}

#[test]
#[ignore = "a measurement, not a test"]
fn how_long_a_start_takes() {
    become_host();
    network::ensure_nat(&Nat::default()).unwrap();
    let mut times: Vec<Duration> = (0..50)
        .map(|_| {
            let guest = Namespace::guest();
            let plan = plan(40001, &["nat0:10.127.0.2/24"]);
            let begin = Instant::now();
            let applied = network::apply(&plan, guest.pid()).unwrap();
            let took = begin.elapsed();
            network::undo(&applied).unwrap();
            took
        })
        .collect();
    times.sort();
    println!("median {:?}, worst {:?}", times[25], times[49]);
}
