//! A boot and a shutdown of the host on the real kernel: who begins when, what is waited for, what becomes of the
//! others when one fails, is late, or everything is to end.

mod busybox_host;
mod instance;

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use busybox_host::{Guest, Host, name, until};
use domain::boot::{BootEntry, BootOutcome, BootPlan, BootReport, Selection};
use domain::operation::{Actor, Kind, Operation};
use engine::boot::run::{self, Order};

/// A VServer that is started at boot and needs these.
fn guest<'a>(host: &'a Host, own: &'static str, needs: &str, rc: &str) -> Guest<'a> {
    let guest = Guest::make(host, own, &[("apps/init/mark", "default\n")]);
    if !needs.is_empty() {
        guest.configure("apps/init/depends", &format!("# first\n{needs}\n"));
    }
    guest.script("etc/init.d/rc", rc);
    guest
}

fn order(at_once: usize) -> Order {
    Order {
        at_once: at_once.try_into().unwrap(),
        actor: Actor::Host,
        give_up: Arc::new(AtomicBool::new(false)),
    }
}

fn boot(host: &Host, order: &Order) -> BootReport {
    let members = host.engine.boot_facts().unwrap().members;
    let plan = BootPlan::start(&members, &Selection::at_boot().unwrap());
    let mut told = Vec::new();
    let report = run::start(&host.engine, &plan, order, &mut |entry: &BootEntry| {
        told.push(entry.clone());
    });
    assert_eq!(told, report.entries);
    report
}

fn shut_down(host: &Host, within: Duration) -> BootReport {
    let members = host.engine.boot_facts().unwrap().members;
    let plan = BootPlan::stop(&members, &Selection::All);
    run::stop(&host.engine, &plan, &order(4), within, &mut |_| {})
}

/// Each VServer and what became of it, by name.
fn outcomes(report: &BootReport) -> Vec<(&str, BootOutcome)> {
    let entries = report.entries.iter();
    let mut found: Vec<_> =
        entries.map(|entry| (entry.name.as_str(), entry.outcome.clone())).collect();
    found.sort_by_key(|(name, _)| *name);
    found
}

fn operations(host: &Host) -> Vec<Operation> {
    host.engine.store().list(None, 100).unwrap()
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn one_begins_when_what_it_needs_is_ready_and_ends_before_it() {
    let host = Host::new();
    // What is ready is told by the end of the start command, and by nothing that comes before.
    let slow = "if [ $1 = 3 ]; then usleep 400000; touch /ready; else rm /ready; fi";
    let db = guest(&host, "db", "", slow);
    let web = guest(&host, "web", "db", "true");
    let lone = guest(&host, "lone", "", "true");
    let ready = db.root().join("ready").display().to_string();
    let look =
        format!("test -e {ready} && echo ready >> $VDIR/order || echo missing >> $VDIR/order");
    web.hook("web", "prepre-start", 0o755, &look);
    lone.hook("lone", "prepre-start", 0o755, &look);
    web.hook("web", "post-stop", 0o755, &look);

    let report = boot(&host, &order(4));
    let good = |name| (name, BootOutcome::Ready);
    assert_eq!(outcomes(&report), [good("db"), good("lone"), good("web")]);
    assert_eq!((web.order(), lone.order()), (vec!["ready".to_owned()], vec!["missing".to_owned()]));
    let of_db = report.entries.iter().find(|entry| entry.name == name("db")).unwrap();
    assert!(of_db.took_ms >= 400, "{of_db:?}");

    // It is known from now on, and each start is an operation of the host's.
    let facts = host.engine.boot_facts().unwrap();
    assert_eq!(facts.last.as_ref(), Some(&report));
    assert_eq!(facts.took_ms[0], (name("db"), of_db.took_ms));
    assert!(facts.members.iter().all(|member| member.is_running));
    let started = operations(&host);
    assert_eq!(started.len(), 3);
    assert!(started.iter().all(|one| one.kind == Kind::Start && one.actor == Actor::Host));
    assert!(
        report
            .entries
            .iter()
            .all(|entry| started.iter().any(|one| Some(&one.id) == entry.operation.as_ref()))
    );

    // Again: they run.
    let again = boot(&host, &order(4));
    assert!(again.entries.iter().all(|entry| entry.outcome == BootOutcome::Ran), "{again:?}");
    assert_eq!(operations(&host).len(), 3);

    let report = shut_down(&host, LONG);
    assert_eq!(outcomes(&report), [good("db"), good("lone"), good("web")]);
    assert_eq!(web.order(), ["ready", "ready"], "what it needs ran until it had ended");
    assert!(!db.root().join("ready").exists(), "it was told to end, and ended in its own time");
    assert!(host.engine.boot_facts().unwrap().members.iter().all(|member| !member.is_running));
}

#[test]
fn a_failure_skips_who_needs_it_and_nobody_else() {
    let host = Host::new();
    guest(&host, "bad", "", "true").configure("apps/init/style", "nonsense\n");
    guest(&host, "needs", "bad", "true");
    guest(&host, "further", "needs\nghost", "true");
    guest(&host, "other", "", "true");
    let report = boot(&host, &order(1));
    let found = outcomes(&report);
    assert!(matches!(&found[0], ("bad", BootOutcome::Failed(_))), "{found:?}");
    assert_eq!(
        found[1..],
        [
            ("further", BootOutcome::Skipped(name("needs"))),
            ("needs", BootOutcome::Skipped(name("bad"))),
            ("other", BootOutcome::Ready),
        ]
    );
    assert!(host.state("other").is_some() && host.state("needs").is_none());
}

#[test]
fn one_that_is_late_is_waited_for_no_longer() {
    for skips in [false, true] {
        let host = Host::with(|settings| {
            settings.boot.ready_seconds = 4;
            settings.boot.skip_after_late = skips;
        });
        guest(&host, "late", "", "[ $1 = 6 ] || sleep 1000");
        guest(&host, "web", "late", "true");
        let report = boot(&host, &order(4));
        let web = if skips { BootOutcome::Skipped(name("late")) } else { BootOutcome::Ready };
        assert_eq!(outcomes(&report), [("late", BootOutcome::Late), ("web", web)]);
        assert!(host.state("late").is_some(), "it goes on booting");
    }
}

#[test]
fn one_that_ends_at_once_is_not_ready() {
    let host = Host::new();
    guest(&host, "short", "", "halt -f");
    guest(&host, "web", "short", "true");
    let report = boot(&host, &order(4));
    let web = BootOutcome::Skipped(name("short"));
    assert_eq!(outcomes(&report), [("short", BootOutcome::Ended), ("web", web)]);
}

/// A VServer that is started at boot, with what passes for systemd, whose `systemctl` does this. The real one needs
/// unified cgroups, and has the VM suite.
fn systemd_guest<'a>(host: &'a Host, own: &'static str, systemctl: &str) -> Guest<'a> {
    let tree = [("apps/init/mark", "default\n"), ("apps/init/style", "plain\n")];
    let guest = Guest::make(host, own, &tree);
    guest.script("lib/systemd/systemd", "trap 'exit 0' 2 15 37 38 39; while :; do sleep 1; done");
    fs::create_dir_all(guest.root().join("sbin")).unwrap();
    symlink("/lib/systemd/systemd", guest.root().join("sbin/init")).unwrap();
    guest.script("bin/systemctl", systemctl);
    guest
}

#[test]
fn systemd_that_never_comes_to_the_end_of_its_answer_is_late() {
    let host = Host::with(|settings| settings.boot.ready_seconds = 3);
    systemd_guest(&host, "mute", "echo -n runn; exec sleep 1000");
    systemd_guest(&host, "wordy", "exec yes");
    let report = boot(&host, &order(4));
    assert_eq!(outcomes(&report), [("mute", BootOutcome::Late), ("wordy", BootOutcome::Late)]);
}

#[test]
fn systemd_is_asked_inside_whether_it_has_booted() {
    let host = Host::new();
    let guest = systemd_guest(
        &host,
        "sd",
        "echo $* >> /order; [ $(wc -l < /order) -gt 2 ] && echo degraded || echo starting",
    );
    let report = boot(&host, &order(4));
    assert_eq!(outcomes(&report), [("sd", BootOutcome::Ready)]);
    let waiting = "is-system-running --wait";
    assert_eq!(guest.order(), [waiting, "is-system-running", waiting]);
    assert_eq!(outcomes(&shut_down(&host, LONG)), [("sd", BootOutcome::Ready)]);
}

#[test]
fn a_boot_that_is_to_end_begins_nothing_more_and_waits_for_nothing() {
    let host = Host::new();
    guest(&host, "a", "", "[ $1 = 6 ] || sleep 1000");
    guest(&host, "b", "a", "true");
    let order = order(4);
    let give_up = Arc::clone(&order.give_up);
    let roots = host.roots().clone();
    let watcher = std::thread::spawn(move || {
        let runs = || engine::state::GuestState::running(&roots, &name("a")).unwrap().is_some();
        until("the first one runs", runs);
        give_up.store(true, Ordering::Relaxed);
    });
    let report = boot(&host, &order);
    watcher.join().unwrap();
    assert_eq!(outcomes(&report), [("a", BootOutcome::Late), ("b", BootOutcome::GivenUp)]);
}

#[test]
fn a_shutdown_leaves_what_takes_too_long_to_the_host() {
    let host = Host::new();
    guest(&host, "slow", "", "[ $1 = 3 ] || sleep 1000");
    guest(&host, "needed", "", "true");
    guest(&host, "quick", "needed", "true");
    fs::create_dir_all(host.config("slow").join("apps/init")).unwrap();
    fs::write(host.config("slow").join("apps/init/depends"), "needed\n").unwrap();
    boot(&host, &order(4));
    let report = shut_down(&host, Duration::from_secs(5));
    let given_up = |name| (name, BootOutcome::GivenUp);
    let expected = [given_up("needed"), ("quick", BootOutcome::Ready), given_up("slow")];
    assert_eq!(outcomes(&report), expected);
    // The thread that waits for it is told to go on.
    let state = host.state("slow").unwrap();
    engine::cgroup::kill_all(&state.cgroups, Duration::from_secs(10)).unwrap();
    until("its operation has ended", || {
        operations(&host).iter().all(|one| one.progress.is_final())
    });
}
