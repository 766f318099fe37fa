//! Starts that cannot be, on the real kernel: what is said of them, and that nothing of them is left.

mod busybox_host;
mod instance;

use std::fs;

use busybox_host::{Guest, Host, name};
use domain::change::PlainChange;
use domain::failure::Failure;
use domain::field::Problem;
use domain::operation::Progress;
use engine::roots::Nat;

/// Why it is not started.
fn refusal(guest: &Guest<'_>) -> Failure {
    match guest.host.run(PlainChange::Start(name(guest.name))).progress {
        Progress::Failed { failure } => failure,
        other => panic!("{}: {other:?}", guest.name),
    }
}

#[test]
fn a_network_that_cannot_be_says_why_and_where_it_is_changed() {
    let host = Host::new();
    let Nat { device, gateway, prefix } = Nat::default();
    assert_eq!((gateway.octets(), prefix), ([10, 127, 0, 1], 24), "what the addresses here are of");
    let on = |guest, device: &str, address: &str| {
        let tree = [
            ("interfaces/0/dev", device),
            ("interfaces/0/ip", address),
            ("interfaces/0/prefix", "24"),
        ];
        Guest::make(&host, guest, &tree)
    };
    let of_nat = |address: &str| Problem::AddressNotOfNat {
        address: address.parse().unwrap(),
        device: device.clone(),
        network: "10.127.0.0/24".into(),
        gateway,
    };
    on("first", "nat0", "10.127.0.61").start();
    let taken =
        Problem::AddressTaken { address: "10.127.0.61".parse().unwrap(), by: name("first") };
    let no_device =
        Problem::NoSuchDevice { device: "eth9".to_owned(), devices: vec![device.to_string()] };
    for (guest, device, address, problem) in [
        ("same", "nat0", "10.127.0.61", taken),
        ("elsewhere", "nat0", "192.168.77.4", of_nat("192.168.77.4")),
        ("gateway", "nat0", "10.127.0.1", of_nat("10.127.0.1")),
        ("nowhere", "eth9", "192.0.2.7", no_device),
    ] {
        let guest = on(guest, device, address);
        let expected = Failure::InterfacesUnusable {
            name: name(guest.name),
            directory: host.config(guest.name).join("interfaces").display().to_string(),
            problem: Box::new(problem),
        };
        assert_eq!(refusal(&guest), expected, "{}", guest.name);
        assert!(host.state(guest.name).is_none());
    }
}

#[test]
fn where_no_files_are_none_are_made() {
    let host = Host::new();
    let guest = Guest::make(&host, "web", &[]);
    let root = guest.root();
    let expected = Failure::EmptyRoot { name: name("web"), path: root.display().to_string() };
    fs::remove_dir_all(&root).unwrap();
    fs::create_dir(&root).unwrap();
    assert_eq!(refusal(&guest), expected, "as before its volume is mounted");
    assert_eq!(fs::read_dir(&root).unwrap().count(), 0, "nothing is left there");
    // What a start of an earlier release left there.
    for own in ["dev", "proc", "sys"] {
        fs::create_dir(root.join(own)).unwrap();
    }
    assert_eq!(refusal(&guest), expected);
    fs::create_dir(root.join("etc")).unwrap();
    assert!(matches!(refusal(&guest), Failure::NoInit { .. }), "that is another thing");
}
