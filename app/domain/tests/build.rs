//! The form of a build: judged whole, against a host, with every mistake told at once.

use std::net::IpAddr;

use domain::build::{
    AtHost, BuildDefaults, BuildForm, BuildSpec, DefaultFile, PlannedContent, SuiteDescription,
    shell_line,
};
use domain::failure::HostFeature;
use domain::field::{Field, FieldErrors, Problem};
use domain::host::{HostFacts, NatNetwork};
use domain::id::ContextId;
use domain::init::{Init, InitStyle};
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
        styles: vec![("web".parse().unwrap(), InitStyle::Plain)],
        distributions: vec!["fc6".parse().unwrap()],
        templates: vec!["mandriva".parse().unwrap()],
        shares_blocks: false,
        has_default_options: false,
        defaults: BuildDefaults::default(),
        described_suites: vec![],
        has_dnf: true,
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
    // It could be run, but no package of Debian's makes one.
    let host = HostFacts { inits: Init::ALL.to_vec(), ..host() };
    let of = |method: &str| {
        let form = BuildForm {
            name: "mail".into(),
            method: method.into(),
            init: "gentoo".into(),
            ..BuildForm::default()
        };
        form.judge(&host).map(|spec| spec.init)
    };
    assert_eq!(of("skeleton").unwrap(), Init::Gentoo);
    let choices = vec!["systemd".to_owned(), "sysvinit".to_owned()];
    let expected = (Field::Init, Problem::NotAChoice { choices });
    let error = of("debootstrap").unwrap_err().0.remove(0);
    assert_eq!((error.field, error.problem), expected);
    assert_eq!(problem(|form| form.suite = "sid".into()).0, Field::Suite);
    for other in ["arm64", "i386"] {
        assert_eq!(
            problem(|form| form.architecture = other.into()),
            (Field::Architecture, Problem::NotAChoice { choices: vec!["amd64".to_owned()] })
        );
    }
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

fn line(change: impl FnOnce(&mut BuildForm)) -> String {
    shell_line(&judge(change).unwrap().command_line())
}

#[test]
fn every_method_has_its_command_line() {
    let of = |method: &str, change: fn(&mut BuildForm)| {
        let line = line(|form| {
            form.method = method.to_owned();
            form.interfaces = "eth0:192.0.2.7/24".to_owned();
            change(form);
        });
        let (_, rest) = line.split_once("192.0.2.7/24 ").unwrap();
        rest.to_owned()
    };
    let key = format!("SHA256:{}", "k".repeat(43));
    assert_eq!(of("skeleton", |_| {}), "--initstyle sysv");
    assert_eq!(of("clone", |form| form.source = "web".into()), "--initstyle plain -- --source web");
    let unified = |form: &mut BuildForm| {
        form.source = "web".into();
        form.unified = "1".into();
    };
    assert_eq!(of("clone", unified), "--initstyle plain -- --source web --unified");
    assert_eq!(
        of("template", |form| form.template = "mandriva".into()),
        "--initstyle sysv -- --template mandriva"
    );
    assert_eq!(
        of("template", |form| form.at_host.archive = "/tmp/mandriva.tar.gz".into()),
        "--initstyle sysv -- --template /tmp/mandriva.tar.gz"
    );
    assert_eq!(
        of("rsync", |form| {
            form.source = "old.cume.fr:/".into();
            form.host_key = format!("SHA256:{}", "k".repeat(43));
            form.port = "2222".into();
            form.exclude_patterns = "/var/cache/*\n*.old copy".into();
            form.all_filesystems = "on".into();
            form.compressed = "on".into();
            form.bandwidth = "500".into();
        }),
        format!(
            "--initstyle sysv -- --source root@old.cume.fr:/ --hostkey {key} -- -e 'ssh -p 2222' \
             '--exclude=/var/cache/*' '--exclude=*.old copy' --no-one-file-system --compress \
             --bwlimit=500"
        )
    );
}

#[test]
fn the_directory_of_a_vserver_is_that_vserver() {
    for directory in ["/var/lib/vservers/web/", "/var/lib/vservers/web", "/etc/vservers/web/"] {
        for method in ["rsync", "clone"] {
            let spec = judge(|form| {
                form.method = method.into();
                form.at_host.source = directory.into();
            });
            let spec = spec.unwrap();
            assert_eq!(spec.method.copied_vserver().unwrap().as_str(), "web", "{directory}");
            assert_eq!(spec.init, Init::Systemd, "as what is copied");
        }
    }
    let elsewhere = |method: &str| {
        problem(|form| {
            form.method = method.into();
            form.at_host.source = "/srv/old".into();
        })
    };
    let text = "/srv/old".to_owned();
    assert_eq!(elsewhere("clone"), (Field::Source, Problem::NotAVServersDirectory { text }));
}

#[test]
fn nobody_names_a_path_of_the_host_from_afar() {
    let refused = |field: Field, change: fn(&mut BuildForm)| {
        assert_eq!(problem(change), (field, Problem::OnlyAtCommandLine));
    };
    refused(Field::Source, |form| {
        form.method = "rsync".into();
        form.source = "/etc".into();
    });
    refused(Field::Template, |form| {
        form.method = "template".into();
        form.template = "/root/x.tar".into();
    });
    // Not even a request made by hand can.
    let form = BuildForm {
        at_host: AtHost { source: "/etc".into(), replaces: true, ..AtHost::default() },
        ..BuildForm::default()
    };
    let text = serde_json::to_string(&form).unwrap();
    assert!(!text.contains("/etc"), "{text}");
    assert!(serde_json::from_str::<BuildForm>(r#"{"at_host":{"source":"/etc"}}"#).is_err());
}

#[test]
fn what_cannot_be_copied_is_refused() {
    let wrong = |change: fn(&mut BuildForm)| problem(change).1;
    let name = "mali".parse().unwrap();
    assert_eq!(
        wrong(|form| {
            form.method = "clone".into();
            form.source = "mali".into();
        }),
        Problem::NoSuchSource { name }
    );
    assert_eq!(
        wrong(|form| {
            form.method = "rsync".into();
            form.source = "rsync://old/module".into();
        }),
        Problem::NotASource { text: "rsync://old/module".to_owned() }
    );
    let choices = vec!["mandriva".to_owned()];
    assert_eq!(
        wrong(|form| {
            form.method = "template".into();
            form.template = "mandrake".into();
        }),
        Problem::NoSuchTemplate { choices }
    );
    assert_eq!(
        wrong(|form| {
            form.name = "web".into();
            form.at_host.replaces = true;
            form.method = "clone".into();
            form.source = "web".into();
        }),
        Problem::SourceIsTarget
    );
    assert_eq!(
        wrong(|form| form.at_host.keeps_root = true),
        Problem::OptionOfOtherMethods { option: "--i-know-its-there".to_owned() }
    );
}

#[test]
fn generic_options_are_judged_and_written() {
    let spec = judge(|form| {
        form.method = "skeleton".into();
        form.interfaces = "eth0:192.0.2.7/24".into();
        form.broadcast = "192.0.2.255".into();
        form.cpuset = "slow".into();
        form.cpuset_cpus = "0-1:1".into();
        form.cpuset_mems = "0".into();
        form.cpuset_virtual = "1".into();
    })
    .unwrap();
    let line = shell_line(&spec.command_line());
    assert!(line.ends_with(
        "--netbcast 192.0.2.255 --cpuset slow --cpusetcpus 0-1:1 --cpusetmems 0 --cpusetvirt"
    ));
    let files: Vec<String> = spec
        .config_files("/etc/vservers", "/run/vservers")
        .into_iter()
        .filter(|file| file.path.starts_with("cpuset/") || file.path == "interfaces/bcast")
        .map(|file| format!("{} {:?}", file.path, file.content))
        .collect();
    insta::assert_snapshot!(files.join("\n"), @r#"
    cpuset/cpu_exclusive Text("1\n")
    cpuset/cpus Text("0-1\n")
    cpuset/mems Text("0\n")
    cpuset/name Text("slow\n")
    cpuset/virtualized Text("")
    interfaces/bcast Text("192.0.2.255\n")
    "#);
    let expected = [192, 0, 2, 255].into();
    assert_eq!(
        problem(|form| {
            form.interfaces = "eth0:192.0.2.7/24".into();
            form.broadcast = "192.0.3.255".into();
        }),
        (Field::Broadcast, Problem::NotTheBroadcast { expected })
    );
    assert_eq!(
        problem(|form| form.cpuset_cpus = "1".into()),
        (Field::Cpuset, Problem::CpusetWithoutName)
    );
    let context = ContextId::FIRST_AUTOMATIC;
    let replaced = judge(|form| {
        form.name = "web".into();
        form.context = "40000".into();
        form.interfaces = "nat0:10.127.0.2/24".into();
        form.at_host.replaces = true;
    });
    assert_eq!(replaced.unwrap().context, context, "its own numbers are not taken");
}

#[test]
fn what_the_host_gives_is_shown_as_it_is_written() {
    let mut host = host();
    host.defaults = BuildDefaults {
        fstab: Some("none /tmp tmpfs size=64m 0 0\n".to_owned()),
        hosts: None,
        resolv_conf: Some("nameserver 192.0.2.53\n".to_owned()),
        files: vec![DefaultFile::NsswitchConf],
        apt_proxies: vec![r#"Acquire::http::Proxy "http://proxy.example:3128";"#.parse().unwrap()],
    };
    let given = |method: &str| {
        let form = BuildForm {
            name: "mail".into(),
            host_name: "mail.example.org".into(),
            method: method.into(),
            ..BuildForm::default()
        };
        let spec = form.judge(&host).unwrap();
        let files = spec.config_files("/etc/vservers", "/run/vservers");
        let fstab = files.into_iter().find(|file| file.path == "fstab").unwrap();
        assert_eq!(fstab.content, PlannedContent::Text("none /tmp tmpfs size=64m 0 0\n".into()));
        let files = spec.given_files().into_iter();
        files.map(|file| format!("{} {:?}", file.path, file.content)).collect::<Vec<_>>()
    };
    insta::assert_snapshot!(given("debootstrap").join("\n"), @r#"
    etc/apt/apt.conf.d/90ulysse-proxy Text("Acquire::http::Proxy \"http://proxy.example:3128\";\n")
    etc/hosts Text("127.0.0.1\tlocalhost\n10.127.0.3\tmail.example.org mail\n::1\tlocalhost ip6-localhost ip6-loopback\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n")
    etc/nsswitch.conf IfMissing(NsswitchConf)
    etc/resolv.conf Text("nameserver 192.0.2.53\n")
    "#);
    let skeleton = given("skeleton");
    assert_eq!(skeleton.len(), 3, "no apt, no proxy of apt's: {skeleton:?}");
}

#[test]
fn what_is_described_of_a_suite_holds_where_the_form_says_nothing() {
    let mut host = host();
    let words = "--keyring=/srv/old.gpg --include=less --variant=buildd --no-merged-usr";
    host.described_suites = vec![SuiteDescription {
        suite: "etch".parse().unwrap(),
        path: "/etc/vservers/.distributions/etch".to_owned(),
        mirror: "http://archive.example/debian".to_owned(),
        script: "bookworm".to_owned(),
        options: words.split(' ').map(str::to_owned).collect(),
    }];
    let line = |host: &HostFacts, form: BuildForm| {
        let form = BuildForm { name: "old".into(), ..form };
        form.judge(host).map(|spec| shell_line(&spec.command_line()))
    };
    let etch = || BuildForm { suite: "etch".into(), ..BuildForm::default() };
    insta::assert_snapshot!(line(&host, etch()).unwrap(), @"vserver old build -m debootstrap --context 40001 --hostname old --interface nat0:10.127.0.3/24 --initstyle sysv -- -d etch -m http://archive.example/debian -s bookworm -- --arch amd64 --variant=buildd --include=less --no-merged-usr --keyring=/srv/old.gpg");
    let typed = BuildForm {
        mirror: "http://near.example/debian".into(),
        packages: "vim".into(),
        variant: "minbase".into(),
        ..etch()
    };
    insta::assert_snapshot!(line(&host, typed).unwrap(), @"vserver old build -m debootstrap --context 40001 --hostname old --interface nat0:10.127.0.3/24 --initstyle sysv -- -d etch -m http://near.example/debian -s bookworm -- --arch amd64 --variant=minbase --include=less,vim --no-merged-usr --keyring=/srv/old.gpg");
    let other = line(&host, BuildForm::default()).unwrap();
    assert!(!other.contains("old.gpg") && other.contains("mirror.example"), "{other}");

    host.described_suites[0].options.push("--download-only".to_owned());
    let FieldErrors(errors) = line(&host, etch()).unwrap_err();
    let path = "/etc/vservers/.distributions/etch/debootstrap.options".to_owned();
    let word = "--download-only".to_owned();
    assert_eq!(errors[0].problem, Problem::NotPassedOn { path, word });
    assert!(line(&host, BuildForm::default()).is_ok(), "of that suite alone");
}

#[test]
fn without_dnf_the_method_yum_is_refused_before_it_is_tried() {
    let mut host = host();
    let form = BuildForm {
        name: "fc6".into(),
        method: "yum".into(),
        distribution: "fc6".into(),
        ..BuildForm::default()
    };
    assert!(form.judge(&host).is_ok());
    host.has_dnf = false;
    let FieldErrors(errors) = form.judge(&host).unwrap_err();
    assert_eq!(errors[0].problem, Problem::HostLacks { feature: HostFeature::Dnf });
}

proptest! {
    #[test]
    fn no_form_breaks_it_and_no_spec_writes_a_second_line(
        methods in proptest::sample::select(vec![
            "", "debootstrap", "rsync", "clone", "yum", "template", "skeleton",
        ]),
        words in proptest::collection::vec("[ -~\n\t]{0,30}", 34),
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
            script: next(),
            extra_suites: next(),
            merged_usr: next(),
            dependencies: next(),
            method: methods.to_owned(),
            source: next(),
            exclude_patterns: next(),
            all_filesystems: next(),
            compressed: next(),
            bandwidth: next(),
            port: next(),
            host_key: next(),
            template: next(),
            distribution: next(),
            broadcast: next(),
            cpuset: next(),
            cpuset_cpus: next(),
            cpuset_mems: next(),
            cpuset_virtual: next(),
            unified: next(),
            at_host: AtHost { source: next(), ..AtHost::default() },
        };
        if let Ok(spec) = form.judge(&host()) {
            for word in spec.command_line() {
                prop_assert!(!word.contains('\n'));
            }
        }
    }
}
