//! Guests on the real kernel: what one is made of, what it cannot do, how it ends.
//!
//! The supervisor is the example program `supervisor`; the guests are busybox with a shell script as
//! `/etc/init.d/rc`, so that a start takes milliseconds.

mod scratch_guest;

use domain::life::{Life, LifeRecord};
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use engine::cgroup;
use engine::guest::{self, GuestError, InitPlan, MountPlan, MountSource, Spawned, StartPlan, Step};
use engine::state::ProcessIdentity;
use nix::sys::signal::Signal;
use scratch_guest::{Scratch, until};

/// What a guest's init script leaves in `/out` when it ran `commands`.
fn output_of(scratch: &Scratch, commands: &str) -> String {
    scratch.script(&format!("({commands}) > /out.new 2>&1; mv /out.new /out"));
    let started = scratch.start();
    assert!(started.skipped.is_empty(), "{:?}", started.skipped);
    until("the script has run", || scratch.root().join("out").exists());
    fs::read_to_string(scratch.root().join("out")).unwrap()
}

#[test]
fn a_guest_has_namespaces_ids_and_names_of_its_own() {
    let scratch = Scratch::new();
    let output = output_of(
        &scratch,
        "echo $$ > /pid; hostname; id -u; cat /proc/self/uid_map; cat /proc/1/comm; \
         echo $RUNLEVEL $PREVLEVEL $PATH; env | wc -l; tr '\\0' ' ' < /proc/1/cmdline",
    );
    let lines: Vec<&str> = output.lines().map(str::trim).collect();
    let map = format!("0 {} 65536", scratch.plan().first_host_id);
    assert_eq!(lines[0], "web1");
    assert_eq!(lines[1], "0");
    assert_eq!(lines[2].split_ascii_whitespace().collect::<Vec<_>>().join(" "), map);
    assert_eq!(lines[3], "init [3]");
    assert_eq!(lines[4], "3 N /bin:/usr/bin:/sbin:/usr/sbin");
    assert!(lines[6].starts_with("init [3]"), "{output}");
    // What the guest's root makes belongs to root on disk: files are not shifted.
    let made = fs::metadata(scratch.root().join("pid")).unwrap();
    assert_eq!((made.uid(), made.gid()), (0, 0));
    let pid: u32 = fs::read_to_string(scratch.root().join("pid")).unwrap().trim().parse().unwrap();
    assert!(pid < 100, "{pid} is a pid of the guest's own namespace");
    // Outside it is a user that is nobody else.
    let init = scratch.started_init();
    let owner = fs::read_to_string(format!("/proc/{}/status", init.pid)).unwrap();
    let uid = owner.lines().find(|line| line.starts_with("Uid:")).unwrap();
    assert!(uid.contains(&scratch.plan().first_host_id.to_string()));
    for name in ["user", "pid", "mnt", "uts", "ipc", "net", "cgroup"] {
        let of = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/{name}")).unwrap();
        assert_ne!(of("self"), of(&init.pid.to_string()), "{name}");
    }
}

#[test]
fn a_guest_sees_its_own_mounts_only_and_a_masked_proc() {
    let scratch = Scratch::new();
    let output = output_of(
        &scratch,
        "cut -d' ' -f5 /proc/self/mountinfo | sort | tr '\\n' ' '; echo; \
         wc -c < /proc/keys; wc -c < /proc/timer_list; \
         echo x > /proc/sys/kernel/hostname; echo b > /proc/sysrq-trigger; \
         touch /sys/x; ls /sys/firmware | wc -l; ls /dev | tr '\\n' ' '; echo; \
         ls /proc | grep -c '^[0-9]'; ls -a / | tr '\\n' ' '",
    );
    let mounts = output.lines().next().unwrap();
    for expected in ["/ ", "/dev ", "/dev/pts ", "/dev/console ", "/proc ", "/proc/keys ", "/sys "]
    {
        assert!(mounts.contains(expected), "{expected} in {mounts}");
    }
    for word in mounts.split(' ').filter(|word| !word.is_empty() && *word != "/") {
        let own = ["/dev", "/proc", "/sys"].iter().any(|place| word.starts_with(place));
        assert!(own, "{word} is not the guest's");
    }
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(&lines[1..3], ["0", "0"], "keys and timer_list are empty");
    assert!(output.contains("hostname: Read-only file system"), "{output}");
    assert!(output.contains("/sys/x: Read-only file system"), "{output}");
    let dev =
        "console fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero";
    assert!(output.contains(dev), "{output}");
}

#[test]
fn a_guest_has_exactly_its_capabilities_and_a_filter() {
    let scratch = Scratch::new();
    let output = output_of(
        &scratch,
        "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; \
         unshare -U true; mount -t tmpfs x /mnt; mknod /tmp/n b 8 0; chroot / true && echo chroot",
    );
    let field = |name: &str| {
        let line = output.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().to_owned()
    };
    // Everybody's NET_RAW is for ICMP alone (see `guest::confine`).
    let net_raw = sys::capability::CapabilitySet::NET_RAW.bits();
    let secure = format!("{:016x}", scratch.plan().capabilities | net_raw);
    assert_eq!(field("CapBnd:"), secure);
    assert_eq!(field("CapPrm:"), secure);
    assert_eq!(field("CapEff:"), secure);
    assert_eq!(field("CapInh:"), format!("{:016x}", 0));
    assert_eq!(field("CapAmb:"), format!("{:016x}", 0));
    assert_eq!(field("NoNewPrivs:"), "0", "su works in a guest");
    assert_eq!(field("Seccomp:"), "2");
    assert!(output.contains("unshare(0x10000000): Operation not permitted"), "{output}");
    assert!(output.contains("mount: permission denied"), "{output}");
    assert!(output.contains("mknod: /tmp/n: Operation not permitted"), "{output}");
    assert!(output.contains("chroot\n"), "{output}");
}

#[test]
fn no_descriptor_of_the_hosts_is_left_and_pid_1_cannot_be_looked_into() {
    let scratch = Scratch::new();
    let output = output_of(
        &scratch,
        "ls -l /proc/1/fd /proc/1/exe /proc/1/environ >/dev/null && cat /proc/1/environ; \
         readlink /proc/1/exe; exec ls -l /proc/self/fd",
    );
    assert!(!output.contains("supervisor") && !output.contains("ulysse"), "{output}");
    let init = scratch.started_init();
    let targets = |pid: u32| {
        let mut found: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
            .unwrap()
            .map(|entry| fs::read_link(entry.unwrap().path()).unwrap().display().to_string())
            .collect();
        found.sort();
        found
    };
    // It begins to hear requests once the level's scripts run.
    until("pid 1 holds the pipe of requests", || targets(init.pid).len() >= 5);
    let of_init = targets(init.pid);
    // Its console, what wakes it, and the guest's own pipe of requests.
    let expected = |target: &str| {
        target.ends_with("/0") || target == "anon_inode:[signalfd]" || target.ends_with("/initctl")
    };
    assert_eq!(of_init.len(), 5, "{of_init:?}");
    assert!(of_init.iter().all(|target| expected(target)), "{of_init:?}");
    // Of a program too: what rc was started with.
    let own = output.lines().filter(|line| line.contains(" -> ")).count();
    assert!(own <= 4, "{output}");
}

#[test]
fn reboot_and_halt_inside_are_told_apart() {
    for (command, event) in [("reboot -f", "restart"), ("halt -f", "halt"), ("kill -9 1", "")] {
        let scratch = Scratch::new();
        scratch.script(command);
        let started = scratch.start();
        if event.is_empty() {
            // A guest cannot kill its own pid 1.
            assert!(started.init.is_alive());
            continue;
        }
        until("the event was told", || scratch.event().is_some());
        assert_eq!(scratch.event().unwrap(), event, "{command}");
        until("the supervisor has ended", || !started.supervisor.is_alive());
        assert!(!started.init.is_alive());
        let log = fs::read_to_string(&scratch.plan().life_log).unwrap();
        let what: Vec<Life> = log
            .lines()
            .map(|line| serde_json::from_str::<LifeRecord>(line).unwrap().what)
            .collect();
        let ended = if event == "restart" { Life::Rebooted } else { Life::Halted };
        assert!(matches!(what.as_slice(), [Life::Started { .. }, last] if *last == ended), "{log}");
    }
}

#[test]
fn what_halt_and_reboot_write_to_initctl_is_done_after_the_level_has_run() {
    for (level, event) in [('0', "halt"), ('6', "restart")] {
        let scratch = Scratch::new();
        // A request as shutdown(8) writes it: magic, "run level", which one, padding.
        let request = format!(
            "printf '\\151\\031\\011\\003\\001\\000\\000\\000{level}'; \
             dd if=/dev/zero bs=375 count=1 2>/dev/null"
        );
        scratch.script(&format!(
            "if [ $1 = 3 ]; then until [ -p /run/initctl ]; do usleep 1000; done; \
             ({request}) >/request; dd if=/request of=/run/initctl bs=384; sleep 1000; fi; \
             echo $1 $RUNLEVEL >/level"
        ));
        let started = scratch.start();
        until("the event was told", || scratch.event().is_some());
        assert_eq!(scratch.event().unwrap(), event);
        let done = fs::read_to_string(scratch.root().join("level")).unwrap();
        assert_eq!(done, format!("{level} {level}\n"));
        assert!(!started.init.is_alive());
    }
}

#[test]
fn stopping_runs_the_stop_level_and_ends_everything() {
    let scratch = Scratch::new();
    scratch.script(
        "[ $1 = 6 ] && echo stopped > /stopped && exit; sleep 1000 & sleep 1000 & echo > /out",
    );
    let started = scratch.start();
    until("it has started", || scratch.root().join("out").exists());
    // The script's shell may still be on its way out.
    let count = || cgroup::processes(&scratch.plan().cgroups).len();
    until("only pid 1 and the two services are there", || count() == 3);
    // What a stop sends.
    scratch.signal(Signal::SIGPWR);
    until("pid 1 has ended", || !started.init.is_alive());
    assert!(scratch.root().join("stopped").exists());
    until("the event was told", || scratch.event().is_some());
    assert_eq!(scratch.event().unwrap(), "exit");
    assert!(cgroup::processes(&scratch.plan().cgroups).is_empty());
}

#[test]
fn orphans_are_reaped() {
    let scratch = Scratch::new();
    let output = output_of(
        &scratch,
        "for i in 1 2 3 4 5; do (true &); done; \
         n=0; while [ $n -lt 200 ] && ps -o stat | grep -q Z; do n=$((n+1)); usleep 20000; done; \
         ps -o stat | grep -c Z",
    );
    assert_eq!(output.trim(), "0");
}

#[test]
fn a_caller_that_changes_its_mind_leaves_nothing() {
    let scratch = Scratch::new();
    let plan = scratch.plan();
    let spawned = guest::spawn(&plan).unwrap();
    let (supervisor, init) = (spawned.supervisor(), spawned.init());
    assert!(init.is_alive());
    assert!(Path::new(&format!("/proc/{}/ns/net", init.pid)).exists());
    drop(spawned);
    until("both have ended", || !supervisor.is_alive() && !init.is_alive());
    assert!(cgroup::processes(&plan.cgroups).is_empty());
    assert_eq!(scratch.event(), None, "a guest that never ran has no end");
}

#[test]
fn what_fstab_says_is_mounted_and_its_targets_stay_inside() {
    let scratch = Scratch::new();
    let outside = tempfile::tempdir().unwrap();
    let shared = tempfile::tempdir().unwrap();
    fs::write(shared.path().join("hello"), "hi").unwrap();
    // The guest's root wants the host's directory covered or filled.
    symlink(outside.path(), scratch.root().join("tmp-link")).unwrap();
    symlink("/proc/self/root/tmp", scratch.root().join("magic")).unwrap();
    fs::create_dir(scratch.root().join("shared")).unwrap();
    let line = |line: usize, target: &str, source: MountSource| MountPlan {
        line,
        target: target.to_owned(),
        source,
        read_only: true,
        no_suid: true,
        no_device: true,
        no_exec: false,
        no_access_time: false,
        no_directory_access_time: true,
    };
    let filesystem = |kind: &str, options: &str| MountSource::Filesystem {
        kind: kind.to_owned(),
        source: "none".to_owned(),
        options: options.to_owned(),
    };
    let tmpfs = || filesystem("tmpfs", "size=16m,mode=1777,sync,dirsync");
    let mut plan = scratch.plan();
    plan.mounts = vec![
        line(1, "/proc", filesystem("proc", "")),
        MountPlan { read_only: false, ..line(2, "/tmp", tmpfs()) },
        line(3, "/tmp-link", tmpfs()),
        line(4, "/magic", tmpfs()),
        line(5, "/shared", MountSource::Bind { path: shared.path().into(), recursive: false }),
        line(6, "/nowhere", tmpfs()),
        line(7, "/mnt", filesystem("no-such-filesystem", "")),
    ];
    scratch.script(
        "(grep -E ' /(tmp|shared) ' /proc/self/mountinfo; cat /shared/hello; ls -ln /shared; \
          touch /shared/x; touch /tmp/y && echo writable) > /out.new 2>&1; mv /out.new /out",
    );
    let started = scratch.start_with(&plan);
    until("the script has run", || scratch.root().join("out").exists());
    let output = fs::read_to_string(scratch.root().join("out")).unwrap();
    let skipped: Vec<usize> = started.skipped.iter().map(|one| one.line).collect();
    // 3 leads to a place that the guest does not have; in the guest's eyes it is a dangling link.
    assert_eq!(skipped, [3, 4, 6, 7], "{:?}", started.skipped);
    let tmp = output.lines().find(|line| line.contains(" /tmp ")).unwrap();
    for option in ["size=16384k", "nodiratime", ",sync", "dirsync"] {
        assert!(tmp.contains(option), "{option} in {tmp}");
    }
    assert!(output.contains("hi") && output.contains("writable"), "{output}");
    assert!(output.contains("/shared/x: Read-only file system"), "{output}");
    // Root's file on the host is root's inside.
    assert!(output.lines().any(|line| line.contains(" 0 ") && line.ends_with("hello")), "{output}");
    let host = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!host.contains(&outside.path().display().to_string()));
    assert!(!host.contains(&scratch.root().display().to_string()));
}

#[test]
fn a_link_instead_of_dev_proc_or_sys_leads_nowhere() {
    for name in ["dev", "proc", "sys"] {
        let scratch = Scratch::new();
        let outside = tempfile::tempdir().unwrap();
        let _ = fs::remove_dir(scratch.root().join(name));
        symlink(outside.path(), scratch.root().join(name)).unwrap();
        scratch.script("true");
        let error = guest::spawn(&scratch.plan()).and_then(Spawned::go).unwrap_err();
        let GuestError::Make { step: Step::Mount, subject, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(subject, &format!("/{name}"));
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
        until("it is gone", || cgroup::processes(&scratch.plan().cgroups).is_empty());
    }
}

#[test]
fn links_from_etc_and_var_to_the_host_are_followed_inside_only() {
    let scratch = Scratch::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("precious"), "x").unwrap();
    fs::set_permissions(outside.path(), fs::Permissions::from_mode(0o777)).unwrap();
    // Start-up removes stale files below /var/run: not those of the host.
    fs::create_dir_all(scratch.root().join("var")).unwrap();
    symlink(outside.path(), scratch.root().join("var/run")).unwrap();
    symlink(outside.path(), scratch.root().join("var/lock")).unwrap();
    scratch.script("echo > /out");
    scratch.start();
    until("the script has run", || scratch.root().join("out").exists());
    assert!(outside.path().join("precious").exists());
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    // /etc itself somewhere else: there is no init then.
    let other = Scratch::new();
    fs::remove_dir_all(other.root().join("etc")).unwrap();
    symlink("/etc", other.root().join("etc")).unwrap();
    let error = guest::spawn(&other.plan()).and_then(Spawned::go).unwrap_err();
    assert!(matches!(error, GuestError::NoInit { .. }), "{error:?}");
}

#[test]
fn proc_and_sys_are_masked_wherever_they_are_mounted() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.root().join("other")).unwrap();
    let line = |line: usize, target: &str, kind: &str| MountPlan {
        line,
        target: target.to_owned(),
        source: MountSource::Filesystem {
            kind: kind.to_owned(),
            source: "none".to_owned(),
            options: String::new(),
        },
        read_only: false,
        no_suid: false,
        no_device: false,
        no_exec: false,
        no_access_time: false,
        no_directory_access_time: false,
    };
    let mut plan = scratch.plan();
    plan.mounts = vec![line(1, "/mnt", "proc"), line(2, "/other", "sysfs")];
    scratch.script(
        "(cat /mnt/1/comm; wc -c < /mnt/keys; echo x > /mnt/sys/kernel/hostname; ls /mnt/acpi | wc -l; \
          ls /other | grep -c kernel; ls /other/firmware | wc -l; touch /other/x; \
          grep -E ' /(mnt|other) ' /proc/self/mountinfo) > /out.new 2>&1; mv /out.new /out",
    );
    let started = scratch.start_with(&plan);
    assert!(started.skipped.is_empty(), "{:?}", started.skipped);
    until("the script has run", || scratch.root().join("out").exists());
    let output = fs::read_to_string(scratch.root().join("out")).unwrap();
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines[..2], ["init [3]", "0"], "{output}");
    assert!(lines[2].contains("Read-only file system"), "{output}");
    assert_eq!(lines[3..6], ["0", "1", "0"], "{output}");
    assert!(lines[6].contains("Read-only file system"), "{output}");
    for mount in &lines[7..] {
        assert!(mount.contains("nosuid,nodev,noexec"), "{mount}");
    }
}

/// A program that ends at once, as a 32-bit processor of this host's family would run it.
fn program_of_32_bits() -> Vec<u8> {
    let code = [0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80];
    let mut program = b"\x7fELF\x01\x01\x01".to_vec();
    program.resize(16, 0);
    let machine = if cfg!(target_arch = "aarch64") { 40_u16 } else { 3 };
    program.extend([2_u16, machine].iter().flat_map(|word| word.to_le_bytes()));
    let at = 0x0804_8000_u32;
    let header = [1, at + 84, 52, 0, 0, 0x0020_0034, 0x0000_0001, 0];
    program.extend(header.iter().flat_map(|word: &u32| word.to_le_bytes()));
    let size = 84 + u32::try_from(code.len()).unwrap();
    let segment = [1, 0, at, at, size, size, 5, 0x1000];
    program.extend(segment.iter().flat_map(|word: &u32| word.to_le_bytes()));
    program.extend(code);
    program
}

#[test]
fn a_guest_of_32_bits_is_refused_by_name() {
    let scratch = Scratch::new();
    let shell = scratch.root().join("bin/sh");
    fs::remove_file(&shell).unwrap();
    fs::write(&shell, program_of_32_bits()).unwrap();
    fs::set_permissions(&shell, fs::Permissions::from_mode(0o755)).unwrap();
    let refused = |plan: &StartPlan, expected: &str| {
        let error = guest::spawn(plan).and_then(Spawned::go).unwrap_err();
        let GuestError::OtherArchitecture { path } = &error else { panic!("{error:?}") };
        assert_eq!(path, expected);
        until("it is gone", || cgroup::processes(&plan.cgroups).is_empty());
    };
    refused(&scratch.plan(), "/bin/sh");
    let mut plan = scratch.plan();
    plan.init = InitPlan::Program { command: vec!["/sbin/init".to_owned()] };
    fs::create_dir_all(scratch.root().join("sbin")).unwrap();
    fs::rename(&shell, scratch.root().join("sbin/init")).unwrap();
    refused(&plan, "/sbin/init");
    // A link is what it leads to.
    symlink("../sbin/init", &shell).unwrap();
    refused(&scratch.plan(), "/bin/sh");
}

#[test]
fn a_guest_without_init_is_refused_by_name() {
    let scratch = Scratch::new();
    fs::remove_file(scratch.root().join("etc/init.d/rc")).unwrap();
    let error = guest::spawn(&scratch.plan()).and_then(Spawned::go).unwrap_err();
    let GuestError::NoInit { path } = &error else { panic!("{error:?}") };
    assert_eq!(path, "/etc/init.d/rc");
    let mut plan = scratch.plan();
    plan.init = InitPlan::Program { command: vec!["/sbin/init".to_owned()] };
    let error = guest::spawn(&plan).and_then(Spawned::go).unwrap_err();
    let GuestError::NoInit { path } = &error else { panic!("{error:?}") };
    assert_eq!(path, "/sbin/init");
}

#[test]
fn a_program_of_the_guests_can_be_pid_1() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.root().join("sbin")).unwrap();
    scratch.file(
        "sbin/init",
        "#!/bin/sh\n(echo $$ $container; cat /proc/mounts) > /out\nsleep 1000\n",
    );
    let mut plan = scratch.plan();
    plan.init = InitPlan::Program { command: vec!["/sbin/init".to_owned()] };
    plan.environment = vec!["PATH=/bin:/sbin".to_owned(), "container=ulysse".to_owned()];
    let started = scratch.start_with(&plan);
    until("it runs", || {
        fs::read_to_string(scratch.root().join("out")).is_ok_and(|text| text.contains("/run "))
    });
    let output = fs::read_to_string(scratch.root().join("out")).unwrap();
    assert!(output.starts_with("1 ulysse\n"), "{output}");
    assert!(started.init.is_alive());
}

#[test]
fn what_is_written_to_the_console_is_kept() {
    let scratch = Scratch::new();
    scratch.script("echo hello from inside > /dev/console");
    scratch.start();
    until("the console was read", || {
        fs::read_to_string(&scratch.plan().console_log)
            .is_ok_and(|text| text.contains("hello from inside"))
    });
}

#[test]
fn out_of_memory_is_noticed() {
    let scratch = Scratch::new();
    scratch.limit_memory(32 << 20);
    scratch.script("[ $1 = 6 ] || tail /dev/zero");
    let started = scratch.start();
    until("it was noticed", || {
        fs::read_to_string(&scratch.plan().event_log)
            .is_ok_and(|text| text.contains("\"event\":\"oom_kill\""))
    });
    assert!(started.init.is_alive());
    let life = || fs::read_to_string(scratch.plan().life_log).unwrap_or_default();
    until("it is written down", || life().contains("\"count\":1"));
    // Whoever may read the kernel's log is told by it whom; nobody else is.
    if fs::File::open("/dev/kmsg").is_ok_and(|mut log| log.read(&mut [0; 8192]).is_ok()) {
        let killed = life().rsplit_once("\"killed\":").unwrap().1.to_owned();
        assert!(killed.starts_with("[{\"name\":\"tail\",\"pid\":"), "{killed}");
        assert!(killed.contains("\"uid\":0}]"), "{killed}");
    }
    // `apps/vshelper` is asked while it goes on, and once more when it ends.
    until("it is asked what follows", || scratch.event().as_deref() == Some("oom"));
    scratch.signal(Signal::SIGPWR);
    until("its end is told", || scratch.event().as_deref() == Some("exit"));
}

#[test]
fn the_console_is_wide_and_outlives_whoever_has_it_for_a_terminal() {
    let scratch = Scratch::new();
    scratch.script(
        "stty size < /dev/console > /dev/console\n\
         setsid sh -c 'exec < /dev/console; echo of a session > /dev/console'\n\
         echo after it > /dev/console",
    );
    scratch.start();
    until("all is kept", || {
        fs::read_to_string(scratch.plan().console_log).is_ok_and(|text| {
            ["50 200", "of a session", "after it"].iter().all(|line| text.contains(line))
        })
    });
}

#[test]
fn the_supervisor_is_small_and_survives_its_caller() {
    let scratch = Scratch::new();
    scratch.script("true");
    let started = scratch.start();
    // Its parent is not the one that asked for it.
    let status = fs::read_to_string(format!("/proc/{}/status", started.supervisor.pid)).unwrap();
    let parent = status.lines().find(|line| line.starts_with("PPid:")).unwrap();
    assert_ne!(parent.split_ascii_whitespace().nth(1).unwrap(), std::process::id().to_string());
    let rollup =
        fs::read_to_string(format!("/proc/{}/smaps_rollup", started.supervisor.pid)).unwrap();
    let private: u64 = rollup
        .lines()
        .filter(|line| line.starts_with("Private_"))
        .filter_map(|line| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok())
        .sum();
    assert!(private < 2048, "{private} KiB of its own");
    assert_eq!(ProcessIdentity::of(started.supervisor.pid), Some(started.supervisor));
}

/// The plan is plain data: what is written is what is read.
#[test]
fn a_plan_survives_its_journey() {
    let scratch = Scratch::new();
    let plan = scratch.plan();
    let text = serde_json::to_vec(&plan).unwrap();
    assert_eq!(serde_json::from_slice::<StartPlan>(&text).unwrap(), plan);
}

/// Files of the kernel's own cannot be shown with other ids, so the guest ends before its network is made.
#[test]
fn a_guest_that_ended_before_its_network_says_why() {
    let scratch = Scratch::new();
    let root = scratch.root();
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).unwrap();
    rustix::mount::mount_change(
        "/",
        rustix::mount::MountPropagationFlags::PRIVATE | rustix::mount::MountPropagationFlags::REC,
    )
    .unwrap();
    let flags = rustix::mount::MountFlags::empty();
    rustix::mount::mount("ulysse-test", &root, "ramfs", flags, None).unwrap();
    let failure = match guest::spawn(&scratch.plan()) {
        // It was faster than whoever made it.
        Err(error) => error,
        Ok(spawned) => {
            let namespace = format!("/proc/{}/ns/net", spawned.init().pid);
            until("it has ended", || !Path::new(&namespace).exists());
            spawned.why_ended().unwrap()
        }
    };
    rustix::mount::unmount(&root, rustix::mount::UnmountFlags::DETACH).unwrap();
    assert!(matches!(&failure, GuestError::Make { step: Step::MapFiles, .. }), "{failure:?}");
}
