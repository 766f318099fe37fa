//! What VServers do shows in what is measured of them, and of nobody else: CPU, memory, network, limits.

mod sandbox;
mod tiny_guest;

use std::fs;
use std::net::UdpSocket;

use domain::metrics::measure::{Holding, Measured, Measurement};
use domain::metrics::{Metric, Reading};
use engine::clock::{Clock, SystemClock};
use engine::usage;
use sandbox::{Sandbox, leave_network, until};
use tiny_guest::{fill, make_course_vserver};

/// How much one of them holds in memory: what `tail` keeps of a line that does not end.
const HELD: u64 = 24 << 20;
/// What it is limited to, in pages of 4 KiB.
const LIMIT_PAGES: u64 = 16_384;

fn of<'a>(measurement: &'a Measurement, name: &str) -> &'a Measured {
    measurement.vservers.iter().find(|one| one.name.as_str() == name).expect("it runs")
}

fn cpu_ms(one: &Measured) -> u64 {
    one.usage.user_ms + one.usage.system_ms
}

#[test]
fn what_a_vserver_does_is_measured_of_it_alone() {
    leave_network();
    let up = std::process::Command::new("/sbin/ip").args(["link", "set", "lo", "up"]).status();
    assert!(up.unwrap().success());
    let sandbox = Sandbox::new();
    let roots = &sandbox.settings.roots;
    make_course_vserver(&sandbox, "busy", 4201, "10.127.0.201");
    make_course_vserver(&sandbox, "calm", 4202, "10.127.0.202");
    let script = format!("while :; do :; done &\n(head -c {HELD} /dev/zero; sleep 1000) | tail &");
    fill(&roots.guest_base.join("busy"), &script);
    let limits = roots.config_base.join("busy/rlimits");
    fs::create_dir_all(&limits).unwrap();
    fs::write(limits.join("rss"), format!("{LIMIT_PAGES}\n")).unwrap();
    for name in ["busy", "calm"] {
        sandbox.must(&[name, "start"]);
    }

    let measure = || (SystemClock.now(), usage::measure(&sandbox.settings).unwrap());
    let holds =
        |(_, measurement): &(_, Measurement)| of(measurement, "busy").usage.memory_bytes >= HELD;
    until("it holds its memory", || holds(&measure()));
    let (before_at, before) = measure();
    let socket = UdpSocket::bind("10.127.0.1:0").unwrap();
    let worked = |measurement: &Measurement| {
        let (then, now) = (of(&before, "busy"), of(measurement, "busy"));
        let received = now.usage.received_bytes - then.usage.received_bytes;
        cpu_ms(now) >= cpu_ms(then) + 300 && received >= 20_000
    };
    until("it worked and was sent something", || {
        // The first of them waits for the neighbour to be found.
        socket.send_to(&[0; 1000], "10.127.0.201:9").unwrap();
        worked(&measure().1)
    });
    let (after_at, after) = measure();

    let values = |name: &str| {
        let (then, now) = (of(&before, name), of(&after, name));
        let then = Reading::of_vserver(before_at, &then.usage, &then.resources);
        Reading::of_vserver(after_at, &now.usage, &now.resources).since(Some(&then))
    };
    let (busy, calm) = (values("busy"), values("calm"));
    let rate = |metric| (busy.get(metric).unwrap(), calm.get(metric).unwrap());
    let (burnt, idle) = rate(Metric::Cpu);
    assert!(burnt > 10 * idle.max(1), "{burnt} and {idle} per mille");
    let (sent_to, not_sent_to) = rate(Metric::Received);
    assert!(sent_to > 10 * not_sent_to.max(1), "{sent_to} and {not_sent_to} bytes/s");
    let (held, small) = rate(Metric::Memory);
    assert!(held >= HELD && small < HELD / 2, "{held} and {small} bytes");
    assert!(busy.get(Metric::Processes) > calm.get(Metric::Processes));

    let (limited, free) = (of(&after, "busy").resources, of(&after, "calm").resources);
    assert_eq!(limited.memory_limit_bytes, Some(LIMIT_PAGES * 4096));
    assert_eq!(free.memory_limit_bytes, None);
    assert_eq!(limited.oom_kills, Some(0));
    assert_eq!(limited.disk, None, "its files are in a directory like any other");

    let host = &after.resources;
    assert!(host.cpu_ms - before.resources.cpu_ms >= 300, "the host's CPUs did it");
    let inside: u32 = after.vservers.iter().map(|one| one.usage.processes).sum();
    assert_eq!(host.processes, after.host.processes + inside);
    let holds: Vec<Holding> =
        host.filesystems.iter().flat_map(|one| one.holds.iter().copied()).collect();
    for holding in [Holding::VServers, Holding::Backups, Holding::Database] {
        assert!(holds.contains(&holding), "{holding:?} in {holds:?}");
    }
    for name in ["busy", "calm"] {
        sandbox.must(&[name, "stop"]);
    }
}
