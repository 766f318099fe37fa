//! The catalogue of config entries: all of the original's are in it, and each judges its texts.

use domain::config_entry::{Access, ConfigEntry, ConfigPath, ConfigTree, EntryKind, Expected};
use proptest::prelude::*;

fn guest() -> ConfigTree {
    ConfigTree::VServer("web".parse().unwrap())
}

fn entry(tree: &ConfigTree, path: &str) -> ConfigEntry {
    let path: ConfigPath = path.parse().unwrap();
    ConfigEntry::of(tree, &path).unwrap_or_else(|| panic!("{path} is not in the catalogue"))
}

/// Every entry that sections 1.1 to 1.8 of the fact sheet name for a VServer.
const OF_GUESTS: &str = "
    name context ncontext noncontext tag vdir cache run cflags flags nflags bcapabilities
    ccapabilities ncapabilities capabilities umask fstab fstab.local fstab.remote nice ionice/class
    ionice/priority personality shell schedule badness hostname domainname legacy disabled noisy
    keepfds nonamespace namespace nonamespace-cleanup namespace-cleanup namespace-cleanup-skip
    nocgroup nonetns sync
    apps/init/style apps/init/runlevel apps/init/runlevel.start apps/init/runlevel.stop
    apps/init/killseq apps/init/cmd.start apps/init/cmd.stop apps/init/cmd.start-sync
    apps/init/cmd.stop-sync apps/init/cmd.prepare apps/init/sync apps/init/tty apps/init/mark
    apps/init/depends apps/init/environment apps/init/mtab
    apps/vshelper/sync-timeout apps/vshelper/action apps/vshelper/restart apps/vshelper/halt
    apps/vshelper/disabled apps/vshelper/debug apps/vshelper/warning-disabled
    apps/vshelper-methods/reboot
    apps/pkgmgmt/internal apps/pkgmgmt/style apps/pkgmgmt/base apps/pkgmgmt/execdir
    apps/pkgmgmt/rpmetc apps/pkgmgmt/rpmstate apps/pkgmgmt/rpmlib apps/pkgmgmt/aptetc
    apps/pkgmgmt/aptstate apps/pkgmgmt/aptcache apps/pkgmgmt/aptarchives apps/pkgmgmt/yumetc
    apps/pkgmgmt/yumcache apps/pkgmgmt/urpmietc apps/pkgmgmt/urpmistate
    apps/vunify/exclude apps/vunify/refserver.a apps/vunify/hash/0 apps/vunify/pkgmgmt-ignore
    apps/vunify/pkgmgmt-force apps/vunify/pgkmgmt-force
    apps/vdevmap/0/create apps/vdevmap/0/open apps/vdevmap/0/remap apps/vdevmap/0/flags
    apps/vdevmap/0/device apps/vdevmap/0/target
    interfaces/dev interfaces/prefix interfaces/mask interfaces/bcast interfaces/scope
    interfaces/extip interfaces/vlandev interfaces/lback
    interfaces/0/ip interfaces/0/dev interfaces/0/prefix interfaces/0/mask interfaces/0/bcast
    interfaces/0/name interfaces/0/scope interfaces/0/nodev interfaces/0/only_ip
    interfaces/0/disabled interfaces/0/down interfaces/0/peer interfaces/0/tun interfaces/0/tap
    interfaces/0/nocsum interfaces/0/shared interfaces/0/uid interfaces/0/gid
    interfaces/0/linktype interfaces/0/vlandev interfaces/0/novlandev interfaces/0/indirect
    interfaces/0/mac interfaces/0/extip
    ulimits/core ulimits/cpu ulimits/data ulimits/fsize ulimits/locks ulimits/memlock
    ulimits/nofile.soft ulimits/nproc.hard ulimits/rss ulimits/stack
    rlimits/rss rlimits/as.min rlimits/anon.soft rlimits/memlock.hard rlimits/shmem rlimits/nproc
    rlimits/nofile rlimits/openfd rlimits/locks rlimits/nsock rlimits/msgqueue rlimits/semary
    rlimits/nsems rlimits/dentry
    dlimits/0/directory dlimits/0/space_total dlimits/0/inodes_total dlimits/0/reserved
    dlimits/0/disabled
    sched/fill-rate sched/interval sched/fill-rate2 sched/interval2 sched/tokens sched/tokens-min
    sched/tokens-max sched/prio-bias sched/priority-bias sched/idle-time sched/cpu-id
    sched/bucket-id sched/0/fill-rate sched/0/cpu-id sched/0/idle-time
    cpuset/name cpuset/cpus cpuset/mems cpuset/cpu_exclusive cpuset/cpus_exclusive
    cpuset/mem_exclusive cpuset/mems_exclusive cpuset/virtualized cpuset/nocreate
    cgroup/name cgroup/memory.limit_in_bytes sysctl/0/setting sysctl/0/value
    uts/nodename uts/domainname uts/sysname uts/release uts/version uts/machine uts/context
    spaces/pid spaces/net spaces/mask netns/name netns/shared netns/interfaces/0/host
    netns/interfaces/0/guest netns/interfaces/0/type
    scripts/initialize scripts/prepre-start scripts/pre-start scripts/post-start scripts/pre-stop
    scripts/post-stop scripts/postpost-stop scripts/pre-start.d/10-mount
";

/// Every entry that section 1.9 names for `.defaults`, and those it refers to.
const OF_DEFAULTS: &str = "
    vdirbase cachebase run.rev nonamespace nonamespace-cleanup namespace-cleanup-skip shell keepfds
    fstab context.dynamic context.next init/mtab apps/init/tty apps/init/environment
    interfaces/vlandev files/hosts files/nsswitch.conf files/krb5.conf files/krb.conf
    files/krb.realms files/ldap.conf files/localtime files/resolv.conf apps/pkgmgmt/base
    apps/pkgmgmt/apt.conf apps/debootstrap/mirror apps/debootstrap/uri apps/debootstrap/options
    apps/build/options apps/h2ext/desc apps/vdevmap/0/device apps/vunify/exclude apps/vunify/hash/0
    apps/vshelper/sync-timeout apps/vshelper/logfile apps/vshelper/disabled
    apps/vshelper-delegate/restart apps/vlogin/disable apps/vprocunhide/files cgroup/mnt
    cgroup/subsys cgroup/inherit cgroup/name cgroup/base cgroup/per-ss netns/name
    scripts/pre-start scripts/post-stop.d/mail styles/bold styles/emph styles/info styles/warning
    styles/error
";

/// Every entry that section 1.10 names for a distribution.
const OF_DISTRIBUTIONS: &str = "
    fc6 fc6/devs fc6/initpre fc6/initpost fc6/pkgs/01 fc6/pkg/01 fc6/pubkeys/key .common/pubkeys/key
    fc6/yum/yum.conf fc6/yum.repos.d/core.repo fc6/apt/sources.list fc6/apt.conf fc6/rpm/macros
    fc6/rpmlib fc6/rpmlist.d/00 fc6/execdir fc6/template fc6/debootstrap.mirror
    fc6/debootstrap.script fc6/debootstrap.options fc6/files/hosts fc6/releasever
";

#[test]
fn every_entry_of_the_original_is_in_it() {
    for path in OF_DISTRIBUTIONS.split_whitespace() {
        entry(&ConfigTree::Distributions, path);
    }
    for unknown in ["-x/devs", ".common/devs", "fc6/.x/devs", "fc6/yum.repos.d/core"] {
        let path = unknown.parse().unwrap();
        assert_eq!(ConfigEntry::of(&ConfigTree::Distributions, &path), None, "{unknown}");
    }
    for path in OF_GUESTS.split_whitespace() {
        entry(&guest(), path);
    }
    for path in OF_DEFAULTS.split_whitespace() {
        entry(&ConfigTree::Defaults, path);
    }
    for unknown in ["nonsense", "interfaces/0/address", "scripts", ".git/config", "rlimits/ram"] {
        let path = unknown.parse().unwrap();
        assert_eq!(ConfigEntry::of(&guest(), &path), None, "{unknown}");
    }
}

#[test]
fn every_row_is_found_by_its_own_path_and_its_default_is_right() {
    let name = "fc6".parse().unwrap();
    for one in ConfigEntry::all_of(&ConfigTree::Distributions) {
        if let Some(path) = one.example_in(&name) {
            assert_eq!(entry(&ConfigTree::Distributions, &path).pattern(), one.pattern());
        }
    }
    for tree in [guest(), ConfigTree::Defaults] {
        for one in ConfigEntry::all_of(&tree) {
            assert_eq!(entry(&tree, &one.example_path()).pattern(), one.pattern());
            if let Some(text) = one.default_text() {
                assert_eq!(one.judge(&one.as_written(text)), Ok(()), "{}", one.pattern());
            }
        }
    }
}

#[test]
fn what_ran_as_root_on_the_host_is_never_for_the_web() {
    let tree = guest();
    for path in [
        "scripts/pre-start",
        "scripts/pre-start.d/x",
        "apps/init/cmd.prepare",
        "apps/init/cmd.start-sync",
        "apps/vshelper/restart",
        "apps/vshelper-methods/x",
        "apps/init/tty",
        "vdir",
        "run",
        "cache",
        "nonamespace",
        "spaces/pid",
        "bcapabilities",
        "cgroup/devices.allow",
        "sysctl/0/setting",
    ] {
        assert_ne!(entry(&tree, path).access(), Access::Web, "{path}");
    }
    for path in ["fc6/initpre", "fc6/yum/yum.conf", "fc6/rpm/macros", ".common/pubkeys/key"] {
        assert_ne!(entry(&ConfigTree::Distributions, path).access(), Access::Web, "{path}");
    }
    for one in ConfigEntry::ALL {
        if matches!(one.kind(), EntryKind::Link | EntryKind::Program) {
            assert_eq!(one.access(), Access::ByHand, "{}", one.pattern());
        }
    }
}

#[test]
fn what_could_stand_for_what_only_root_may_write_is_known() {
    let is_guarded = |path| ConfigEntry::is_guarded(&guest(), path);
    for path in
        ["scripts", "scripts/x", "scripts/pre-start.d/a b", "apps/init", "apps/init/x", "apps"]
    {
        assert!(is_guarded(path), "{path}");
    }
    for path in ["a note.txt", "scripts.old", "apps/somebody/elses", "uts"] {
        assert!(!is_guarded(path), "{path}");
    }
}

#[test]
fn texts_are_judged_line_by_line() {
    let wrong = |path: &str, text: &str| match entry(&guest(), path).judge(text) {
        Ok(()) => Vec::new(),
        Err(wrong) => wrong.into_iter().map(|one| (one.line, one.expected)).collect(),
    };
    let lines =
        |path: &str, text: &str| wrong(path, text).into_iter().map(|(l, _)| l).collect::<Vec<_>>();
    for (path, text) in [
        ("context", "100\n"),
        ("nice", "-20\n"),
        ("cflags", "# all\nvirt_mem,~VXF_virt_uptime\nsched_hard\n"),
        ("flags", "fakeinit\nnamespace\n"),
        ("apps/init/killseq", "15\n5\n9\n"),
        ("apps/init/killseq", "TERM 5 KILL\n"),
        ("apps/init/mark", "default\n\n# boot\n"),
        ("interfaces/0/ip", "192.168.44.150/24\n"),
        ("interfaces/0/ip", "2001:db8::1\n"),
        ("interfaces/0/mask", "255.255.248.0\n"),
        ("rlimits/rss", "5000\n"),
        ("rlimits/as.hard", "0x10M\n"),
        ("rlimits/as.hard", "inf\n"),
        ("fstab", "none /proc proc defaults 0 0\n# x\n/dev/sdb none swap sw\n"),
        ("apps/init/environment", "PATH=/bin\nA=\n"),
        ("schedule", "1\n2\n3\n4\n5\n6\n"),
        ("uts/domainname", "cume\n"),
        ("nodev", ""),
    ] {
        if path != "nodev" {
            assert_eq!(wrong(path, text), [], "{path}: {text:?}");
        }
    }
    assert_eq!(lines("context", "1\n"), [1]);
    assert_eq!(lines("context", "\n"), [1]);
    assert_eq!(wrong("context", "100\n200\n"), [(2, Expected::OneLine)]);
    assert_eq!(wrong("name", "a\\b\n"), [(1, Expected::NoBackslash)]);
    assert_eq!(wrong("name", "a\u{1b}[31m\n"), [(1, Expected::NoControl)]);
    assert_eq!(wrong("cflags", "virt_mem\nvirt_men\n")[0].0, 2);
    assert_eq!(lines("fstab", "none /proc proc\nnone /tmp\nnone proc proc\n"), [2]);
    assert_eq!(lines("apps/init/killseq", "15\n5\nnine\n"), [3]);
    assert_eq!(lines("apps/init/killseq", "15\n5\n"), [2]);
    assert_eq!(lines("apps/init/depends", "../etc\n"), [1]);
    assert_eq!(lines("apps/init/environment", "PATH=/bin\n2=x\n"), [2]);
    assert_eq!(lines("schedule", "1\n2\n3\n4\n5\n"), [1]);
    assert_eq!(lines("rlimits/rss", "5 000\n"), [1]);
    assert_eq!(lines("interfaces/0/ip", "10.0.7.0.2\n"), [1]);
    assert_eq!(lines("interfaces/0/ip", "127.0.0.1\n"), [1]);
    assert_eq!(lines("fstab", &"a".repeat(20_000)), [1]);
}

#[test]
fn what_says_where_packages_come_from_is_judged() {
    let right =
        |path: &str, text: &str| entry(&ConfigTree::Distributions, path).judge(text).is_ok();
    assert!(right("fc6/pkgs/01", "# a\n--can-fail\nglibc filesystem # first\n@core\n"));
    assert!(!right("fc6/pkgs/01", "--nogpgcheck\n") && !right("fc6/pkgs/01", "bash /etc/x.rpm\n"));
    assert!(right("fc6/releasever", "9.4\n") && !right("fc6/releasever", "9 --x\n"));
    assert!(right("etch/debootstrap.mirror", "http://archive.example/debian\n"));
    assert!(right("etch/debootstrap.script", "/usr/share/debootstrap/scripts/sid\n"));
    assert!(right("etch/debootstrap.script", "sid\n"));
    assert!(!right("etch/debootstrap.script", "/root/script\n"));
    assert!(!right("etch/debootstrap.script", "../../../bin/sh\n"));
    assert!(!right("fc6/yum.repos.d/core.repo", "baseurl=http://a/\n"));
}

#[test]
fn nobody_in_the_web_takes_more_of_the_processor_or_the_disk_than_others() {
    let tree = ConfigTree::VServer("web".parse().unwrap());
    for (path, text, at_host, from_web) in [
        ("nice", "-20\n", true, false),
        ("nice", "-1\n", true, false),
        ("nice", "0\n", true, true),
        ("nice", "19\n", true, true),
        ("nice", "20\n", false, false),
        ("ionice/class", "1\n", true, false),
        ("ionice/class", "2\n", true, true),
        ("ionice/class", "3\n", true, true),
        ("ionice/priority", "0\n", true, true),
    ] {
        let entry = ConfigEntry::of(&tree, &path.parse().unwrap()).unwrap();
        assert_eq!(entry.judge(text).is_ok(), at_host, "{path} {text}");
        assert_eq!(entry.judge_from_web(text).is_ok(), from_web, "{path} {text}");
        assert_eq!(entry.is_within_web_bounds(text), from_web, "{path} {text}");
    }
}

#[test]
fn what_reaches_the_host_is_seen() {
    use domain::config_entry::reaches_host;
    for line in domain::build::DEFAULT_FSTAB.lines() {
        assert!(!reaches_host(line), "{line}");
    }
    for line in [
        "/srv/data /data none bind 0 0",
        "/dev/sdb1 /data ext4 defaults 0 0",
        "server:/home /home nfs defaults 0 0",
        "none /mnt tmpfs dev 0 0",
        "/etc /mnt tmpfs rbind",
        "overlay /mnt overlay lowerdir=/etc",
        "none /sys/fs/cgroup cgroup2",
    ] {
        assert!(reaches_host(line), "{line}");
    }
}

#[test]
fn a_typed_text_is_written_as_the_original_reads_it() {
    let written = |path: &str, text: &str| entry(&guest(), path).as_written(text);
    assert_eq!(written("context", "  100 "), "100\n");
    assert_eq!(written("context", "100\r\n"), "100\n");
    assert_eq!(written("cflags", "a\r\nb"), "a\nb\n");
    assert_eq!(written("interfaces/0/nodev", "yes"), "");
    assert_eq!(written("cflags", ""), "");
}

#[test]
fn trees_and_paths() {
    assert_eq!(".defaults".parse(), Ok(ConfigTree::Defaults));
    assert_eq!(".distributions".parse(), Ok(ConfigTree::Distributions));
    assert_eq!("web".parse(), Ok(guest()));
    assert!("..".parse::<ConfigTree>().is_err() && ".git".parse::<ConfigTree>().is_err());
    for bad in [
        "",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a//b",
        "a/",
        "./a",
        "a\nb",
        "a\0b",
        "a\\b",
        "1/2/3/4/5/6/7",
        "interfaces/.ip.~new~",
        ".context.~old~",
    ] {
        assert!(bad.parse::<ConfigPath>().is_err(), "{bad:?}");
    }
    let path: ConfigPath = "interfaces/0/ip".parse().unwrap();
    assert_eq!((path.parent(), path.leaf()), (Some("interfaces/0"), "ip"));
    assert_eq!(path.kept(), ".ip.~old~");
}

proptest! {
    #[test]
    fn judging_never_panics_and_what_passes_has_no_control_characters(
        index in 0..ConfigEntry::ALL.len(),
        text in "[ -~\n\t\u{0}\u{7f}é]{0,80}",
    ) {
        let entry = ConfigEntry::ALL[index];
        let text = entry.as_written(&text);
        if entry.judge(&text).is_ok() {
            prop_assert!(text.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
            prop_assert!(text.is_empty() || text.ends_with('\n'));
        }
    }

    #[test]
    fn a_path_never_climbs(text in "[a./~]{0,20}") {
        if let Ok(path) = text.parse::<ConfigPath>() {
            prop_assert!(!path.as_str().starts_with('/'));
            prop_assert!(path.as_str().split('/').all(|name| !matches!(name, "" | "." | "..")));
        }
    }
}
