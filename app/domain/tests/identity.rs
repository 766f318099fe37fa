//! The form of a change of identity: what follows the name, what stays, what others have taken.

use std::net::IpAddr;

use domain::build::BuildDefaults;
use domain::field::{Field, FieldErrors, Problem};
use domain::host::{HostFacts, NatNetwork};
use domain::id::ContextId;
use domain::identity::{IdentityChange, IdentityForm, PlannedChange, VServerIdentity};
use domain::init::Init;

fn context(number: u32) -> ContextId {
    number.try_into().unwrap()
}

/// A host with `nono` and `front` on it.
fn host() -> HostFacts {
    HostFacts {
        host_names: Vec::new(),
        suite: "bookworm".parse().unwrap(),
        suites: Vec::new(),
        mirror: "http://mirror.example/debian".parse().unwrap(),
        architecture: "amd64".parse().unwrap(),
        inits: vec![Init::Sysvinit],
        nat: NatNetwork {
            device: "nat0".parse().unwrap(),
            gateway: [10, 127, 0, 1].into(),
            prefix: 24,
            next_free: Some([10, 127, 0, 9].into()),
        },
        devices: vec!["eth0".parse().unwrap()],
        host_addresses: vec![IpAddr::from([192, 0, 2, 1])],
        contexts: vec![
            (context(200), "nono".parse().unwrap()),
            (context(201), "front".parse().unwrap()),
        ],
        addresses: vec![
            (IpAddr::from([192, 168, 44, 151]), "nono".parse().unwrap()),
            (IpAddr::from([192, 168, 44, 152]), "front".parse().unwrap()),
        ],
        names: vec!["front".parse().unwrap(), "nono".parse().unwrap()],
        next_context: Some(context(202)),
        guest_base: "/var/lib/vservers".to_owned(),
        config_base: "/etc/vservers".to_owned(),
        run_base: "/run/vservers".to_owned(),
        styles: Vec::new(),
        distributions: Vec::new(),
        templates: Vec::new(),
        shares_blocks: false,
        has_default_options: false,
        defaults: BuildDefaults::default(),
        described_suites: vec![],
        has_dnf: true,
        host_domain: None,
    }
}

/// The course's second VServer.
fn nono() -> VServerIdentity {
    VServerIdentity {
        name: "nono".parse().unwrap(),
        context: Some(context(200)),
        host_name: Some("nono.cume.fr".parse().unwrap()),
        interfaces: vec!["nono=eth0:192.168.44.151/24".parse().unwrap()],
    }
}

fn judge(change: impl FnOnce(&mut IdentityForm)) -> Result<IdentityChange, FieldErrors> {
    let mut form = IdentityForm::default();
    change(&mut form);
    let current = nono();
    form.judge(&current, &host().without(&current.name))
}

fn problem(change: impl FnOnce(&mut IdentityForm)) -> (Field, Problem) {
    let FieldErrors(errors) = judge(change).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let error = errors.into_iter().next().unwrap();
    (error.field, error.problem)
}

fn command(change: &IdentityChange) -> String {
    domain::command::identity(&change.before.name, &change.form()).line()
}

#[test]
fn what_was_called_after_it_follows_its_name() {
    let change = judge(|form| form.name = " ulyse ".into()).unwrap();
    let after = &change.after;
    assert_eq!(after.host_name.as_ref().unwrap().as_str(), "ulyse.cume.fr");
    assert_eq!(after.interfaces[0].to_string(), "ulyse=eth0:192.168.44.151/24");
    assert_eq!(after.context, Some(context(200)));
    assert_eq!(command(&change), "vserver nono rename ulyse");
    let change = judge(|form| form.name = "vs_7".into()).unwrap();
    assert_eq!(change.after.host_name.unwrap().as_str(), "vs-7.cume.fr");

    let mut other = nono();
    other.host_name = Some("nonono.cume.fr".parse().unwrap());
    other.interfaces = vec!["x=eth0:192.168.44.151/24".parse().unwrap()];
    let form = IdentityForm { name: "ulyse".into(), ..IdentityForm::default() };
    let change = form.judge(&other, &host().without(&other.name)).unwrap();
    assert_eq!(change.after.host_name, other.host_name, "it was called something else");
    assert_eq!(change.after.interfaces, other.interfaces);
}

#[test]
fn what_is_typed_is_taken_as_it_stands() {
    let change = judge(|form| {
        form.name = "ulyse".into();
        form.context = "210".into();
        form.host_name = "nono.cume.fr".into();
        form.interfaces = "eth0:192.168.44.160/24\nnodev:192.0.2.7".into();
        form.restart = true;
    })
    .unwrap();
    assert_eq!(
        command(&change),
        "vserver nono rename ulyse --context 210 --hostname nono.cume.fr \
         --interface eth0:192.168.44.160/24 --interface nodev:192.0.2.7 --restart"
    );
    let change = judge(|form| form.context = "210".into()).unwrap();
    assert_eq!(command(&change), "vserver nono set --context 210");
    assert!(!change.is_rename() && !change.is_nothing());
}

#[test]
fn its_own_values_are_no_conflict_and_no_change() {
    let change = judge(|form| {
        form.name = "nono".into();
        form.context = "200".into();
        form.interfaces = "nono=eth0:192.168.44.151/24".into();
    })
    .unwrap();
    assert!(change.is_nothing());
    assert!(judge(|_| {}).unwrap().is_nothing());
}

#[test]
fn what_others_have_is_refused() {
    assert_eq!(problem(|form| form.name = "front".into()), (Field::Name, Problem::NameTaken));
    let by = || "front".parse().unwrap();
    let taken = Problem::ContextTaken { context: context(201), by: by() };
    assert_eq!(problem(|form| form.context = "201".into()), (Field::Context, taken));
    let address = IpAddr::from([192, 168, 44, 152]);
    assert_eq!(
        problem(|form| form.interfaces = "eth0:192.168.44.152/24".into()),
        (Field::Interface, Problem::AddressTaken { address, by: by() })
    );
    let device = problem(|form| form.interfaces = "eth7:192.168.44.160/24".into());
    assert!(matches!(device, (Field::Interface, Problem::NoSuchDevice { .. })));
}

#[test]
fn a_name_that_does_not_fit_where_the_old_one_stood_is_refused_unless_something_else_is_typed() {
    let long = "a-very-long-name";
    let (field, _) = problem(|form| form.name = long.into());
    assert_eq!(field, Field::Interface);
    let change = judge(|form| {
        form.name = long.into();
        form.interfaces = "eth0:192.168.44.151/24".into();
    });
    assert_eq!(change.unwrap().after.name.as_str(), long);
}

#[test]
fn a_device_that_is_gone_keeps_nobody_from_another_name() {
    let mut facts = host().without(&nono().name);
    facts.devices.clear();
    let form = IdentityForm { name: "ulyse".into(), ..IdentityForm::default() };
    assert!(form.judge(&nono(), &facts).is_ok());
}

#[test]
fn what_is_offered_can_be_had() {
    // As if it came from the recycle bin: `nono` is there again.
    let facts = host();
    let FieldErrors(errors) = IdentityForm::default().judge(&nono(), &facts).unwrap_err();
    assert_eq!(errors.len(), 3, "{errors:?}");
    let offer = nono().offer(&facts);
    assert_eq!((offer.name.as_str(), offer.context.as_str()), ("nono-2", "202"));
    assert_eq!(offer.interfaces, "nono=nat0:10.127.0.9/24");
    let change = offer.judge(&nono(), &facts).unwrap();
    assert_eq!(change.after.host_name.unwrap().as_str(), "nono-2.cume.fr");
    let free = nono().offer(&facts.without(&nono().name));
    assert_eq!(free, IdentityForm::default());
}

#[test]
fn a_planned_change_is_the_command_a_person_would_type() {
    let write = |text: Option<&str>| PlannedChange::Write {
        path: "/etc/vservers/ulyse/name".into(),
        text: text.map(str::to_owned),
    };
    for (change, command) in [
        (write(Some("ulyse\n")), "echo ulyse > /etc/vservers/ulyse/name"),
        (write(Some("")), ": > /etc/vservers/ulyse/name"),
        (write(Some("a\nb\n")), "cat > /etc/vservers/ulyse/name"),
        (write(None), "rm /etc/vservers/ulyse/name"),
        (PlannedChange::Stop("nono".parse().unwrap()), "vserver nono stop"),
        (PlannedChange::Move { from: "/a b".into(), to: "/c".into() }, "mv '/a b' /c"),
        (PlannedChange::Link { path: "/l".into(), target: "/t".into() }, "ln -sfn /t /l"),
    ] {
        assert_eq!(change.command(), command);
    }
    assert_eq!(write(Some("a\nb\n")).long_text(), Some("a\nb\n"));
    assert_eq!(write(Some("a\n")).long_text(), None);
}
