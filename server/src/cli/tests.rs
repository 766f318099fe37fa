//! What is typed and what is printed; what is done has its tests with the real binary in
//! `server/tests/command_line.rs`.

use std::ffi::OsString;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;

use app::i18n::Locale;
use domain::build::{BuildDefaults, BuildForm, BuildSpec};
use domain::field::{Field, Problem};
use domain::host::{HostFacts, NatNetwork};
use domain::id::{ContextId, FLAGS, VARIANTS};
use domain::init::Init;
use engine::facts::DefaultOptions;
use engine::roots::Roots;
use proptest::prelude::*;

use super::build_options::{self, BuildRequest, WrongBuild};
use super::caller::locale_of;
use super::delete::is_yes;
use super::help::{self, Command};
use super::name::{self, NameError};
use super::options::UsageError;
use super::status::{running_text, stopped_text};
use super::vserver::{Of, Request, understand};

fn words(line: &str) -> Vec<OsString> {
    line.split_ascii_whitespace().map(OsString::from).collect()
}

fn parse(words: &[OsString]) -> Result<BuildRequest, WrongBuild> {
    build_options::parse("monvs", words, &DefaultOptions::default())
}

fn form(line: &str) -> BuildForm {
    match parse(&words(line)) {
        Ok(BuildRequest::Build(build)) => build.form,
        other => panic!("{line}: {other:?}"),
    }
}

fn wrong(line: &str) -> UsageError {
    match parse(&words(line)) {
        Err(WrongBuild::Usage(error)) => error,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_command_lines_of_the_course() {
    let typed = form(
        "-m debootstrap --context 100 --hostname monvs.cume.fr \
         --interface eth0:192.168.44.150/24 -- -d squeeze",
    );
    let expected = BuildForm {
        name: "monvs".to_owned(),
        suite: "squeeze".to_owned(),
        context: "100".to_owned(),
        host_name: "monvs.cume.fr".to_owned(),
        interfaces: "eth0:192.168.44.150/24".to_owned(),
        method: "debootstrap".to_owned(),
        ..BuildForm::default()
    };
    assert_eq!(typed, expected);
    assert_eq!(form("--context=100 -mdebootstrap").context, "100");
    assert_eq!(form("-m debootstrap --cont 100").context, "100", "abbreviated");
    assert_eq!(form("-m debootstrap --context 99 --context 100").context, "100", "the last wins");
    for help in ["--help", "-help", "-m rsync --help", "--hel"] {
        assert_eq!(parse(&words(help)), Ok(BuildRequest::Help), "{help}");
    }
}

#[test]
fn what_debootstrap_is_told() {
    let typed = form(
        "-n monvs -m debootstrap --flags lock,virt_mem --flags nproc --initstyle plain --debug -- \
         -d trixie -m http://mirror.example/debian -- --arch amd64 --variant=minbase \
         --components main,contrib --include=vim,less --include ssh --exclude=nano",
    );
    assert_eq!(typed.suite, "trixie");
    assert_eq!(typed.mirror, "http://mirror.example/debian");
    assert_eq!(typed.architecture, "amd64");
    assert_eq!(typed.variant, "minbase");
    assert_eq!(typed.components, "main,contrib");
    assert_eq!(typed.packages, "vim,less,ssh");
    assert_eq!(typed.excluded, "nano");
    assert_eq!(typed.flags, "lock,virt_mem,nproc");
    assert_eq!(typed.init, "systemd");
}

#[test]
fn interfaces_get_what_they_do_not_say() {
    let interfaces = |line: &str| form(&format!("-m debootstrap {line}")).interfaces;
    for (line, expected) in [
        ("--interface 10.0.0.1", "10.0.0.1"),
        ("--interface a=10.0.0.1 --netdev eth0", "a=eth0:10.0.0.1"),
        ("--interface 10.0.0.1/8 --netdev eth0 --netprefix 24", "eth0:10.0.0.1/8"),
        ("--netmask 255.255.255.0 --interface eth1:10.0.0.1", "eth1:10.0.0.1/255.255.255.0"),
        // The original dropped it (fact sheet B18).
        ("--interface nodev:10.0.0.1 --netdev eth0", "nodev:10.0.0.1"),
        // The original split it at its first colon.
        ("--interface 2001:db8::7/64 --netdev eth0", "eth0:2001:db8::7/64"),
        ("--interface eth0:1.2.3.4 --interface x=1.2.3.5", "eth0:1.2.3.4\nx=1.2.3.5"),
        ("--interface rubbish --netdev eth0", "rubbish"),
    ] {
        assert_eq!(interfaces(line), expected, "{line}");
    }
    let line = words("-m debootstrap --interface 10.0.0.1 --interface eth0:10.0.0.2");
    let Ok(BuildRequest::Build(build)) = parse(&line) else { panic!("a build") };
    assert_eq!(build.without_device, ["10.0.0.1"]);
}

#[test]
fn builds_that_are_typed_wrongly() {
    let supported = "debootstrap, clone, rsync, yum, template, skeleton".to_owned();
    assert_eq!(wrong(""), UsageError::MethodMissing { supported: supported.clone() });
    let word = "urpmi".to_owned();
    let not_yet = UsageError::MethodNotYet { word, supported: supported.clone() };
    assert_eq!(wrong("-m urpmi"), not_yet);
    let word = "lvm".to_owned();
    assert_eq!(wrong("-m lvm"), UsageError::MethodUnknown { word, supported });
    for (line, expected) in [
        ("-m debootstrap --keep", "The option “--keep” makes no sense here: a build that fails"),
        ("-m debootstrap --pkgbase /x", "The option “--pkgbase” makes no sense here: packages"),
        ("-m clone -- -s web -X x", "The option “--exclude-from” makes no sense here: a clone"),
        ("-m skeleton -- rm -rf x", "“rm” would be run on the host as root"),
        ("-m skeleton -- touch x", "“touch” would be run on the host as root"),
        ("-m rsync -- -s web -- --rsync-path=x", "There is no option “--rsync-path” here."),
        ("-m rsync -- -s web -- --files-from=x", "There is no option “--files-from” here."),
        ("-m rsync -- -s web -- --exclude-from=x", "There is no option “--exclude-from” here."),
        ("-m rsync -- -s web -- -e sh", "“sh” is not possible here"),
        ("-m rsync -- -s web -o --delete", "There is no option “--delete” here."),
        ("-m clone -- -s web -- --exclude=x", "There is no option “--exclude” here."),
        ("-m template -- -t a.tar -t b.tar", "The option “--template” can be given once."),
        ("-m debootstrap --frob", "There is no option “--frob” here."),
        ("-m debootstrap -- -- --foreign", "There is no option “--foreign” here."),
        ("-m debootstrap -- -- --arch", "The option “--arch” needs a value."),
        ("-m debootstrap -- -- --arch amd64 -- x", "“x” is one word too many."),
        ("-m debootstrap squeeze", "“squeeze” is one word too many."),
        ("-m debootstrap --context", "The option “--context” needs a value."),
        ("-m debootstrap --context -- -d sid", "The option “--context” needs a value."),
        ("-m debootstrap --debug=1", "The option “--debug” takes no value."),
        ("-m debootstrap -n nono", "The option -n names “nono”, the command line “monvs”."),
        ("-m debootstrap --netmask 1 --netprefix 2", "The options --netmask and --netprefix"),
    ] {
        let text = wrong(line).text(Locale::English);
        assert!(text.starts_with(expected), "{line}: {text}");
    }
    let missing = |words: &[&str]| {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        match parse(&words) {
            Err(WrongBuild::Values(errors)) => errors.0[0].field,
            other => panic!("{words:?}: {other:?}"),
        }
    };
    assert_eq!(missing(&["-m", "debootstrap", "--context", ""]), Field::Context);
    assert_eq!(missing(&["-m", "debootstrap", "--hostname", " "]), Field::HostName);
    assert_eq!(missing(&["-m", "debootstrap", "--interface", ""]), Field::Interface);
    assert_eq!(missing(&["-m", "debootstrap", "--netdev", "eth0"]), Field::Interface);
    assert_eq!(missing(&["-m", "debootstrap", "--initstyle", "upstart"]), Field::Init);
}

/// A host on which every specification of [`specs`] can be built.
fn host() -> HostFacts {
    HostFacts {
        suite: "bookworm".parse().unwrap(),
        suites: vec![],
        mirror: "http://mirror.example/debian".parse().unwrap(),
        architecture: "amd64".parse().unwrap(),
        inits: Init::ALL.to_vec(),
        nat: NatNetwork {
            device: "nat0".parse().unwrap(),
            gateway: Ipv4Addr::new(10, 127, 0, 1),
            prefix: 24,
            next_free: Some(Ipv4Addr::new(10, 127, 0, 2)),
        },
        devices: vec!["eth0".parse().unwrap(), "eth0.7".parse().unwrap()],
        host_addresses: vec![],
        contexts: vec![],
        addresses: vec![],
        names: vec!["web".parse().unwrap()],
        host_names: vec![],
        next_context: Some(ContextId::FIRST_AUTOMATIC),
        guest_base: "/var/lib/vservers".to_owned(),
        config_base: "/etc/vservers".to_owned(),
        run_base: "/run/vservers".to_owned(),
        styles: vec![],
        distributions: Vec::new(),
        templates: vec![],
        shares_blocks: false,
        has_default_options: false,
        defaults: BuildDefaults::default(),
        described_suites: vec![],
        has_dnf: true,
        host_domain: None,
    }
}

prop_compose! {
    fn forms()(
        name in "[a-z][a-z0-9_-]{0,8}[a-z0-9]",
        suite in prop_oneof![Just(""), Just("sid"), Just("trixie")],
        packages in prop::collection::vec("[a-z][a-z0-9+.-]{1,8}", 0..4),
        excluded in prop::collection::vec("[a-z][a-z0-9]{1,8}", 0..3),
        components in prop::collection::vec(prop_oneof![Just("main"), Just("contrib")], 0..2),
        init in prop_oneof![Just(""), Just("systemd"), Just("sysvinit")],
        context in 2..=49151_u32,
        interfaces in prop::collection::btree_map(
            2..250_u8,
            (prop_oneof![Just(""), Just("a=")], prop_oneof![
                Just("eth0:"), Just("eth0.7:"), Just("nodev:"), Just(""),
            ]),
            0..4,
        ),
        flags in prop::sample::subsequence(FLAGS.to_vec(), 0..3),
        architecture in prop_oneof![Just(""), Just("amd64")],
        variant in prop_oneof![Just(""), Just(VARIANTS[0]), Just(VARIANTS[1])],
    ) -> BuildForm {
        let interfaces = interfaces
            .into_iter()
            .map(|(last, (label, device))| format!("{label}{device}192.0.2.{last}/24"));
        BuildForm {
            name,
            suite: suite.to_owned(),
            packages: packages.join(" "),
            init: init.to_owned(),
            context: context.to_string(),
            interfaces: interfaces.collect::<Vec<_>>().join("\n"),
            flags: flags.join(","),
            architecture: architecture.to_owned(),
            variant: variant.to_owned(),
            components: components.join(","),
            excluded: excluded.join(","),
            ..BuildForm::default()
        }
    }
}

fn typed_again(spec: &BuildSpec) -> BuildSpec {
    let line: Vec<OsString> = spec.command_line().into_iter().map(OsString::from).collect();
    let typed = understand(&line[1..]).unwrap();
    let Request::Build { name, arguments } = typed.request else { panic!("{line:?}") };
    let name = build_options::name_of(&name).unwrap();
    match build_options::parse(&name, &arguments, &DefaultOptions::default()) {
        Ok(BuildRequest::Build(build)) => build.form.judge(&host()).unwrap(),
        other => panic!("{line:?}: {other:?}"),
    }
}

proptest! {
    #[test]
    fn the_equivalent_command_of_a_build_makes_the_same_build(form in forms()) {
        let spec = form.judge(&host()).unwrap();
        prop_assert_eq!(typed_again(&spec), spec);
    }

    #[test]
    fn whatever_is_typed_is_answered(words in prop::collection::vec(typed_word(), 0..12)) {
        if let Err(error) = understand(&words) {
            prop_assert!(!error.text(Locale::French).is_empty());
        }
        if let Err(WrongBuild::Usage(error)) = parse(&words) {
            prop_assert!(!error.text(Locale::English).is_empty());
        }
        if let Ok(BuildRequest::Build(build)) = parse(&words) {
            let _ = build.form.judge(&host());
        }
    }
}

/// Words as they are typed, rightly and wrongly.
fn typed_word() -> impl Strategy<Value = OsString> {
    let known = prop::sample::select(vec![
        "monvs",
        "build",
        "start",
        "exec",
        "-m",
        "debootstrap",
        "--",
        "-d",
        "--context",
        "100",
        "--interface",
        "eth0:1.2.3.4/24",
        "--netdev",
        "=",
        "--help",
        "-help",
        "-n",
        "--arch=amd64",
        "--flags",
        "",
        "-",
        "---",
        "--=",
        "-v",
        "--config",
        "--event",
        "halt",
        "--initstyle",
        "plain",
    ]);
    prop_oneof![
        8 => known.prop_map(OsString::from),
        1 => ".{0,12}".prop_map(OsString::from),
        1 => prop::collection::vec(any::<u8>(), 0..12).prop_map(OsString::from_vec),
    ]
}

#[test]
fn the_copies_of_the_course() {
    let typed = form(
        "-m rsync --context 200 --hostname nono.cume.fr --interface nono=eth0:192.168.44.151/24 \
         -- --source /var/lib/vservers/web/",
    );
    assert_eq!(typed.at_host.source, "/var/lib/vservers/web/");
    let spec = typed.judge(&host()).unwrap();
    assert_eq!(spec.method.copied_vserver().unwrap().as_str(), "web", "by its directory");
    let typed = form("-m template --context 2007 -- -t ./mandriva.tar.gz");
    assert!(typed.at_host.archive.ends_with("/mandriva.tar.gz"), "{typed:?}");
    assert!(typed.at_host.archive.starts_with('/'), "{typed:?}");
}

#[test]
fn what_rsync_is_told() {
    let key = format!("SHA256:{}", "k".repeat(43));
    let line = format!(
        "-m rsync -- -s old:/ --hostkey {key} -o -Hazx -o --numeric-ids -- --exclude /a --exclude=b \
         --no-one-file-system --bwlimit 100"
    );
    let mut line = words(&line);
    line.extend(["-e", "ssh -p 2222 -i/root/key"].map(OsString::from));
    let Ok(BuildRequest::Build(build)) = parse(&line) else { panic!("a build") };
    let typed = build.form;
    assert_eq!((typed.source.as_str(), typed.port.as_str()), ("old:/", "2222"));
    assert_eq!(typed.host_key, key);
    assert_eq!(typed.exclude_patterns, "/a\nb");
    assert_eq!(typed.at_host.identity, "/root/key");
    assert_eq!((typed.compressed.as_str(), typed.all_filesystems.as_str()), ("1", "1"));
    assert_eq!(typed.bandwidth, "100");
    let spec = typed.judge(&host()).unwrap();
    assert_eq!(typed_again(&spec), spec);
}

#[test]
fn sources_are_told_apart() {
    let source = |word: &str| {
        let typed = form(&format!("-m rsync -- --source {word}"));
        (typed.source, typed.at_host.source)
    };
    let here = std::env::current_dir().unwrap();
    let below = here.join("x").display().to_string();
    assert_eq!(source("web"), ("web".to_owned(), String::new()));
    assert_eq!(source("root@old:/srv"), ("root@old:/srv".to_owned(), String::new()));
    assert_eq!(source("[::1]:/srv"), ("[::1]:/srv".to_owned(), String::new()));
    assert_eq!(source("/srv/old"), (String::new(), "/srv/old".to_owned()));
    assert_eq!(source("./x"), (String::new(), below.clone()));
    assert_eq!(source("x/"), (String::new(), format!("{below}/")));
    assert_eq!(source("rsync://old/x").0, "rsync://old/x", "for the engine to refuse");
}

#[test]
fn default_options_come_before_those_that_are_typed() {
    let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let defaults = DefaultOptions {
        build: list(&["--netdev", "eth1", "--context", "7"]),
        debootstrap: list(&["--variant=minbase"]),
        directory: "/etc/vservers/.defaults/apps".into(),
    };
    let parse = |line: &str| match build_options::parse("monvs", &words(line), &defaults) {
        Ok(BuildRequest::Build(build)) => build.form,
        other => panic!("{other:?}"),
    };
    let typed = parse("-m debootstrap --context 8 --interface 10.0.0.1 -- -- --include=vim");
    assert_eq!(typed.interfaces, "eth1:10.0.0.1");
    assert_eq!((typed.context.as_str(), typed.variant.as_str()), ("8", "minbase"));
    assert_eq!(typed.packages, "vim");
    assert_eq!(parse("-m skeleton --interface 10.0.0.1").variant, "", "debootstrap's alone");
}

#[test]
fn a_wrong_word_of_a_file_is_told_with_the_file() {
    let told = |build: &[&str], debootstrap: &[&str]| {
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let directory = "/etc/vservers/.defaults/apps".into();
        let defaults =
            DefaultOptions { build: list(build), debootstrap: list(debootstrap), directory };
        match build_options::parse("monvs", &words("-m debootstrap"), &defaults) {
            Err(WrongBuild::Usage(error)) => error.text(Locale::English),
            other => panic!("{other:?}"),
        }
    };
    let text = told(&[], &["--variant=minbase", "--download-only"]);
    assert!(text.starts_with("In /etc/vservers/.defaults/apps/debootstrap/options: "), "{text}");
    assert!(text.contains("“--download-only”") && text.contains("--no-merged-usr"), "{text}");
    let text = told(&["--frob"], &[]);
    assert!(text.starts_with("In /etc/vservers/.defaults/apps/build/options: "), "{text}");
}

#[test]
fn a_template_may_be_a_distributions_own() {
    let defaults = DefaultOptions::default();
    let parse = |line: &str| match build_options::parse("x", &words(line), &defaults) {
        Ok(BuildRequest::Build(build)) => build,
        other => panic!("{other:?}"),
    };
    assert_eq!(parse("-m template -- -d fc6").archive_of.as_deref(), Some("fc6"));
    let both = parse("-m template -- -d fc6 -t /srv/x.tar");
    assert_eq!((both.archive_of, both.without_effect), (None, vec!["-d".to_owned()]));
}

#[test]
fn the_equivalent_command_of_every_method_makes_the_same_build() {
    for line in [
        "-m skeleton --netbcast 192.0.2.255 --interface eth0:192.0.2.7/24",
        "-m skeleton --cpuset slow --cpusetcpus 0-1:1 --cpusetmems 0 --cpusetvirt",
        "-m skeleton --i-know-its-there",
        "-m clone -- --source web",
        "-m clone -- --source web --unified",
        "-m rsync --force -- --source web -- --exclude=/x --compress",
        "-m rsync -- --source /srv/old",
        "-m template -- -t /srv/old.tar",
        "-m debootstrap -- -d bookworm -s bookworm",
        "-m debootstrap -- -- --no-check-gpg --keyring=/srv/old.gpg --no-merged-usr --no-resolve-deps",
        "-m debootstrap -- -- --extra-suites=bookworm-updates --no-check-certificate --certificate /c",
    ] {
        let spec = form(line).judge(&host()).unwrap();
        assert_eq!(typed_again(&spec), spec, "{line}");
    }
}

#[test]
fn what_is_typed_before_and_after_the_name() {
    let typed = |line: &str| understand(&words(line));
    let typed_so = typed("-v --silent --config u.toml monvs exec ls -- --silent").unwrap();
    assert!(typed_so.verbose && typed_so.silent && !typed_so.debug);
    assert_eq!(typed_so.config, Some("u.toml".into()));
    let what = Of::Inside { user: None, words: words("ls -- --silent") };
    let expected = Request::Of { name: "monvs".into(), what };
    assert_eq!(typed_so.request, expected, "what follows exec is the command's");
    assert!(typed("-sv --defa --debug monvs start").unwrap().debug, "bundled and abbreviated");
    assert_eq!(typed("-- monvs start").unwrap().request, typed("monvs start").unwrap().request);
    assert_eq!(typed("-help").unwrap().request, Request::Help);
    assert_eq!(typed("--config u.toml -help").unwrap().request, Request::Help);
    assert_eq!(typed("bidon build --help").unwrap().request, Request::HelpOf(Command::Build));
    assert_eq!(typed("bidon stop -help").unwrap().request, Request::HelpOf(Command::Stop));
    assert_eq!(typed("--version").unwrap().request, Request::Version);
    let event = Request::Event { event: "halt".to_owned(), name: "monvs".into() };
    assert_eq!(typed("--config u.toml --event halt monvs").unwrap().request, event);
    for (line, expected) in [
        ("", "What is to be done with it?"),
        ("monvs", "What is to be done with it?"),
        ("monvs frob", "There is no command “frob”."),
        ("monvs hashify", "The command “hashify” is not in this release."),
        ("monvs delete --silent", "The option “--silent” stands before the name"),
        ("monvs start --rescue-init", "--rescue-init and --rescue-cmd say how"),
        ("monvs start now", "“now” is one word too many."),
        ("monvs start --frob", "There is no option “--frob” here."),
        ("monvs stop now", "“now” is one word too many."),
        ("monvs exec", "Which command?"),
        ("monvs exec --", "Which command?"),
        ("monvs suexec", "As whom?"),
        ("monvs suexec web", "Which command?"),
        ("--strace monvs start", "The option “--strace” makes no sense here"),
        ("--s monvs start", "There is no option “--s” here."),
        ("--at-once 2 monvs stop", "“--at-once” is for many VServers"),
        ("--canary 1 --dry-run monvs stop", "“--canary” is for many VServers"),
        ("--stop-after 1 monvs stop", "“--stop-after” is for many VServers"),
        ("--dry-run monvs", "What is to be done with it?"),
        ("--dry-run monvs build -m skeleton", "Of “build” there is no --dry-run"),
        ("--dry-run monvs condrestart", "Of “condrestart” there is no --dry-run"),
        ("--dry-run monvs start --rescue", "There is no option “--rescue” here."),
    ] {
        let text = typed(line).unwrap_err().text(Locale::English);
        assert!(text.starts_with(expected), "{line}: {text}");
    }
}

#[test]
fn a_dry_run_of_one_is_of_a_selection_of_one() {
    for line in ["--dry-run monvs stop", "--silent --dry-run monvs delete --now"] {
        let Request::Many(tried) = understand(&words(line)).unwrap().request else {
            panic!("{line}: it would be done")
        };
        assert!(tried.is_dry, "{line}");
        let many = understand(&words(&line.replace("monvs", "--names monvs"))).unwrap().request;
        assert_eq!(Request::Many(tried), many, "{line}");
    }
}

#[test]
fn names_paths_and_contexts() {
    let base = tempfile::tempdir().unwrap();
    let roots = Roots {
        config_base: base.path().join("etc"),
        run_base: base.path().join("run"),
        ..Roots::default()
    };
    fs::create_dir_all(roots.config_base.join("monvs/apps")).unwrap();
    fs::create_dir_all(roots.config_base.join("100")).unwrap();
    symlink(roots.config_base.join("monvs"), base.path().join("link")).unwrap();
    let existing = |word: &str| name::existing(&roots, word.as_ref()).map(|n| n.to_string());
    let path = |name: &str| roots.config_base.join(name).display().to_string();
    for word in ["monvs", "monvs/", &path("monvs"), &path("monvs/"), &path("../link")] {
        assert_eq!(existing(word).unwrap(), "monvs", "{word}");
    }
    assert_eq!(existing("100").unwrap(), "100", "a directory comes before a context");
    assert!(matches!(existing("101"), Err(NameError::Missing { .. })));
    assert!(matches!(existing(""), Err(NameError::Bad { problem: Problem::Missing })));
    assert!(matches!(existing(".defaults"), Err(NameError::Bad { .. })));
    for elsewhere in ["/etc", "./monvs", &path("monvs/apps"), &path("none"), "..", "../.."] {
        let found = existing(elsewhere);
        assert!(
            matches!(found, Err(NameError::Elsewhere { .. } | NameError::Bad { .. })),
            "{elsewhere}: {found:?}"
        );
    }
}

#[test]
fn the_language_of_an_environment() {
    let of = |set: &[(&str, &str)]| {
        locale_of(|name| {
            set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    };
    assert_eq!(of(&[]), Locale::English);
    assert_eq!(of(&[("LANG", "fr_FR.UTF-8")]), Locale::French);
    assert_eq!(of(&[("LANG", "fr_FR.UTF-8"), ("LC_ALL", "C")]), Locale::English);
    assert_eq!(of(&[("LANG", "C"), ("LC_MESSAGES", "fr_CA")]), Locale::French);
    assert_eq!(of(&[("LC_ALL", ""), ("LANG", "fr")]), Locale::French);
    assert_eq!(of(&[("LANG", "de_DE.UTF-8")]), Locale::English);
}

#[test]
fn only_yes_means_yes() {
    for yes in ["y\n", "Y\n", "yes\n", " y \n"] {
        assert!(is_yes(Locale::English, yes) && is_yes(Locale::French, yes), "{yes:?}");
    }
    assert!(is_yes(Locale::French, "o\n") && is_yes(Locale::French, "OUI"));
    assert!(!is_yes(Locale::English, "o\n"));
    for no in ["", "\n", "n\n", "no\n", "yesno\n", "y y\n"] {
        assert!(!is_yes(Locale::English, no) && !is_yes(Locale::French, no), "{no:?}");
    }
}

#[test]
fn the_words_of_status() {
    let context = ContextId::try_from(100).unwrap();
    let name = "monvs".parse().unwrap();
    let text = |uptime_ms| running_text(&name, context, 7, uptime_ms);
    let minute = 60_000;
    insta::assert_snapshot!(
        [
            text(59_999),
            text(23 * 60 * minute + 59 * minute),
            text((3 * 24 * 60 + 5) * minute),
            stopped_text(&name),
        ]
        .join("\n\n")
    );
}

#[test]
fn the_help_of_build_names_every_option() {
    for locale in Locale::ALL {
        let help = Command::Build.help(locale);
        for option in build_options::GENERAL.supported().split(", ") {
            let is_there = help.split([' ', ',', '\n']).any(|word| word == option);
            // The help of help is that it is there.
            assert!(is_there || option == "--help", "{option} is not in {help}");
        }
    }
}

#[test]
fn the_help() {
    for locale in Locale::ALL {
        let text = [
            help::vserver(locale),
            Command::Build.help(locale),
            Command::Exec.help(locale),
            Command::Delete.help(locale),
        ];
        insta::assert_snapshot!(format!("help-{}", locale.tag()), text.join("\n\n----\n\n"));
    }
}
