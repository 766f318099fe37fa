//! The form of a build: judged whole, against a host, with every mistake told at once.

use std::net::IpAddr;

use domain::build::{BuildForm, BuildSpec, PlannedContent, shell_line};
use domain::field::{Field, FieldErrors, Problem};
use domain::host::{HostFacts, NatNetwork};
use domain::id::ContextId;
use domain::init::Init;
use proptest::prelude::*;

fn host() -> HostFacts {
    HostFacts {
        suite: "bookworm".parse().unwrap(),
        suites: ["bookworm", "trixie"].map(|suite| suite.parse().unwrap()).to_vec(),
        mirror: "http://mirror.example/debian".parse().unwrap(),
        architecture: "amd64".parse().unwrap(),
        inits: vec![Init::Sysvinit],
        nat: NatNetwork {
            device: "nat0".parse().unwrap(),
            gateway: [10, 127, 0, 1].into(),
            prefix: 24,
            next_free: Some([10, 127, 0, 3].into()),
        },
        devices: vec!["eth0".parse().unwrap()],
        host_addresses: vec![IpAddr::from([192, 0, 2, 1])],
        contexts: vec![(ContextId::FIRST_AUTOMATIC, "web".parse().unwrap())],
        addresses: vec![(IpAddr::from([10, 127, 0, 2]), "web".parse().unwrap())],
        names: vec!["web".parse().unwrap()],
        host_names: vec![],
        next_context: ContextId::FIRST_AUTOMATIC.next(),
        guest_base: "/var/lib/vservers".to_owned(),
        config_base: "/etc/vservers".to_owned(),
        run_base: "/run/vservers".to_owned(),
        host_domain: None,
    }
}

fn judge(change: impl FnOnce(&mut BuildForm)) -> Result<BuildSpec, FieldErrors> {
    let mut form = BuildForm { name: "mail".to_owned(), ..BuildForm::default() };
    change(&mut form);
    form.judge(&host())
}

/// The one thing that is wrong.
fn problem(change: impl FnOnce(&mut BuildForm)) -> (Field, Problem) {
    let FieldErrors(errors) = judge(change).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let error = errors.into_iter().next().unwrap();
    (error.field, error.problem)
}

#[test]
fn a_name_is_all_that_is_needed() {
    let spec = judge(|_| {}).unwrap();
    insta::assert_snapshot!(shell_line(&spec.command_line()), @"vserver mail build -m debootstrap --context 40001 --hostname mail --interface nat0:10.127.0.3/24 --initstyle sysv -- -d bookworm -m http://mirror.example/debian -- --arch amd64");
    let files = spec.config_files("/etc/vservers", "/run/vservers");
    let shown: Vec<String> = files
        .iter()
        .map(|file| match &file.content {
            PlannedContent::Text(text) => format!("{}: {text:?}", file.path),
            PlannedContent::Directory => format!("{}/", file.path),
            PlannedContent::Link(target) => format!("{} -> {target}", file.path),
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn what_is_taken_is_refused_with_who_has_it() {
    assert_eq!(problem(|form| form.name = "web".into()), (Field::Name, Problem::NameTaken));
    let by = || "web".parse().unwrap();
    assert_eq!(
        problem(|form| form.context = "40000".into()),
        (Field::Context, Problem::ContextTaken { context: ContextId::FIRST_AUTOMATIC, by: by() })
    );
    let address = IpAddr::from([10, 127, 0, 2]);
    assert_eq!(
        problem(|form| form.interfaces = "nat0:10.127.0.2/24".into()),
        (Field::Interface, Problem::AddressTaken { address, by: by() })
    );
    let address = IpAddr::from([192, 0, 2, 1]);
    assert_eq!(
        problem(|form| form.interfaces = "eth0:192.0.2.1/24".into()),
        (Field::Interface, Problem::AddressOfHost { address })
    );
}

#[test]
fn what_the_host_cannot_do_is_refused() {
    assert_eq!(
        problem(|form| form.init = "systemd".into()),
        (Field::Init, Problem::InitNotRunnable)
    );
    assert_eq!(problem(|form| form.suite = "sid".into()).0, Field::Suite);
    assert_eq!(problem(|form| form.architecture = "arm64".into()).0, Field::Architecture);
    assert!(judge(|form| form.architecture = "i386".into()).is_ok());
    assert_eq!(
        problem(|form| form.interfaces = "eth9:192.0.2.7/24".into()),
        (
            Field::Interface,
            Problem::NoSuchDevice {
                device: "eth9".to_owned(),
                devices: vec!["nat0".to_owned(), "eth0".to_owned()]
            }
        )
    );
    let address = IpAddr::from([10, 127, 9, 9]);
    assert_eq!(
        problem(|form| form.interfaces = "nat0:10.127.9.9/24".into()),
        (Field::Interface, Problem::AddressNotUsable { address })
    );
}

#[test]
fn of_several_items_the_wrong_one_is_named() {
    let not_an_address = Problem::NotAnAddress { text: "192.0.2".to_owned() };
    assert_eq!(
        problem(|form| form.interfaces = "eth0:192.0.2.7/24 eth0:192.0.2".into()),
        (
            Field::Interface,
            Problem::OfItem { item: "eth0:192.0.2".to_owned(), problem: Box::new(not_an_address) }
        )
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let FieldErrors(errors) = judge(|form| {
        form.name = "a/b".into();
        form.suite = "no such".into();
        form.mirror = "gopher://x".into();
        form.packages = "less --force".into();
        form.context = "1".into();
        form.host_name = "-".into();
        form.interfaces = "eth0:1.2.3".into();
        form.flags = "fast".into();
        form.variant = "huge".into();
        form.components = "Main".into();
        form.excluded = "-".into();
    })
    .unwrap_err();
    let fields: Vec<Field> = errors.into_iter().map(|error| error.field).collect();
    for field in [
        Field::Name,
        Field::Suite,
        Field::Mirror,
        Field::Packages,
        Field::Context,
        Field::HostName,
        Field::Interface,
        Field::Flags,
        Field::Variant,
        Field::Components,
        Field::Excluded,
    ] {
        assert!(fields.contains(&field), "{field:?} in {fields:?}");
    }
}

proptest! {
    #[test]
    fn no_form_breaks_it_and_no_spec_writes_a_second_line(
        words in proptest::collection::vec("[ -~\n\t]{0,30}", 13),
    ) {
        let mut words = words.into_iter();
        let mut next = || words.next().unwrap_or_default();
        let form = BuildForm {
            name: next(),
            suite: next(),
            mirror: next(),
            packages: next(),
            init: next(),
            context: next(),
            host_name: next(),
            interfaces: next(),
            flags: next(),
            architecture: next(),
            variant: next(),
            components: next(),
            excluded: next(),
        };
        if let Ok(spec) = form.judge(&host()) {
            for word in spec.command_line() {
                prop_assert!(!word.contains('\n'));
            }
        }
    }
}
