//! The engine process as the web process knows it: over its two sockets, killed at every step of a
//! build and started again on the same ones.

mod sandbox;
mod tiny_guest;

use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use domain::backup::BackupRef;
use domain::build::BuildForm;
use domain::change::{Change, PlainChange};
use domain::failure::Failure;
use domain::id::UserId;
use domain::operation::Stage;
use domain::operation::{Actor, Kind, Operation, Progress};
use domain::time::UnixMillis;
use engine::clock::{Clock, SystemClock};
use engine::operation::CRASH_POINTS;
use protocol::message::{Body, OnBehalfOf};
use protocol::{Event, EventFrame, MAX_FRAME_BYTES, Reply, ReplyFrame, Request, RequestFrame};
use sandbox::Sandbox;
use tiny_guest::make_guest;

/// The web process's ends, and copies of the engine's, as `ulysse serve` keeps them.
struct Channel {
    requests: OwnedFd,
    events: OwnedFd,
    engine_requests: OwnedFd,
    engine_events: OwnedFd,
    next_id: u64,
}

impl Channel {
    fn new() -> Self {
        let (requests, engine_requests) = sys::seqpacket::pair().unwrap();
        let (events, engine_events) = sys::seqpacket::pair().unwrap();
        // A test that waits in vain fails instead of waiting for ever.
        for socket in [&requests, &events] {
            let patience = Some(std::time::Duration::from_secs(60));
            let timeout = rustix::net::sockopt::Timeout::Recv;
            rustix::net::sockopt::set_socket_timeout(socket, timeout, patience).unwrap();
        }
        Self { requests, events, engine_requests, engine_events, next_id: 1 }
    }

    fn start(&self, sandbox: &Sandbox, crash_at: Option<&str>) -> Engine {
        let mut command: Command = sandbox.ulysse("engine", &[]);
        command.stderr(Stdio::null());
        if let Some(point) = crash_at {
            command.env("ULYSSE_CRASH_AT", point);
        }
        let ends = [&self.engine_requests, &self.engine_events];
        let ends = ends.into_iter().map(|end| end.try_clone().unwrap()).zip(3..).collect();
        sys::descriptor::hand_on(&mut command, ends);
        Engine(command.spawn().unwrap())
    }

    fn send(&mut self, request: Request, deadline: UnixMillis) -> u64 {
        let on_behalf_of = OnBehalfOf { user: UserId(7), name: "ada".parse().unwrap() };
        let id = self.next_id;
        self.next_id += 1;
        let frame = RequestFrame { id, on_behalf_of, deadline, request };
        sys::seqpacket::send(&self.requests, &protocol::encode(&frame).unwrap(), &[]).unwrap();
        id
    }

    fn ask(&mut self, request: Request) -> Result<Reply, Failure> {
        let id = self.send(request, SystemClock.now().plus_millis(60_000));
        let mut buffer = vec![0; MAX_FRAME_BYTES];
        let received = sys::seqpacket::receive(&self.requests, &mut buffer).unwrap();
        let frame: ReplyFrame = protocol::decode(&buffer[..received.bytes]).unwrap();
        assert_eq!(frame.id, id);
        match frame.body {
            Body::Inline(result) => result,
            Body::Bulk { bytes } => panic!("an answer of {bytes} bytes"),
        }
    }

    fn event(&self) -> Event {
        let mut buffer = vec![0; MAX_FRAME_BYTES];
        let received = sys::seqpacket::receive(&self.events, &mut buffer).unwrap();
        protocol::decode::<EventFrame>(&buffer[..received.bytes]).unwrap().event
    }

    fn wait_for(&self, what: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.event();
            if what(&event) {
                return event;
            }
        }
    }
}

struct Engine(Child);

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn form() -> BuildForm {
    let variant = "minbase".to_owned();
    BuildForm { name: "web".to_owned(), variant, ..BuildForm::default() }
}

fn ended(event: &Event) -> bool {
    matches!(event, Event::Operation(operation) if operation.progress.is_final())
}

#[test]
fn an_engine_that_died_in_a_build_undoes_or_finishes_it_when_it_is_back() {
    let sandbox = Sandbox::new();
    // The base, so that every build below is a copy.
    assert!(sandbox.build("first").status.success());
    let (_, points) = CRASH_POINTS.iter().find(|(kind, _)| *kind == Kind::Build).unwrap();
    // What follows the commit is done again by who recovers, and would die there again.
    let points =
        points.iter().filter(|point| point.starts_with("build:") && !point.contains("base"));
    for point in points {
        let mut channel = Channel::new();
        let mut engine = channel.start(&sandbox, Some(point));
        assert_eq!(channel.event(), Event::Started, "{point}");
        let deadline = SystemClock.now().plus_millis(60_000);
        channel.send(Request::Change(Change::Build(Box::new(form()))), deadline);
        engine.0.wait().unwrap();

        let _again = channel.start(&sandbox, None);
        channel.wait_for(|event| *event == Event::Started);
        let all = match channel_operations(&mut channel) {
            Some(all) => all,
            None => panic!("{point}: no list of operations"),
        };
        let last = all.last().unwrap();
        assert_eq!((last.kind, last.target.name()), (Kind::Build, "web"), "{point}");
        assert!(matches!(&last.actor, Actor::User { name, .. } if name.as_str() == "ada"));
        let name = "web".parse().unwrap();
        if *point == "build:committed" {
            assert_eq!(last.progress, Progress::Succeeded, "{point}");
            let Ok(Reply::Operation(_)) =
                channel.ask(Request::Change(PlainChange::Delete { name, at_once: true }.into()))
            else {
                panic!("{point}: it cannot be deleted");
            };
            channel.wait_for(ended);
        } else {
            let failure = Failure::Interrupted;
            assert_eq!(last.progress, Progress::Failed { failure }, "{point}");
            let refused = channel.ask(Request::ShowVServer(name));
            assert!(matches!(refused, Err(Failure::NoSuchVServer { .. })), "{point}: {refused:?}");
        }
        for base in [&sandbox.settings.roots.config_base, &sandbox.settings.roots.guest_base] {
            let names = sandbox.names_in(base);
            let left = names.iter().filter(|name| *name != ".defaults" && *name != "first").count();
            assert_eq!(left, 0, "{point}: {names:?} in {}", base.display());
        }
    }
}

/// All operations; the reply to a request that the dead engine had taken may come first.
fn channel_operations(channel: &mut Channel) -> Option<Vec<Operation>> {
    let request = Request::ListOperations { after: None, limit: 1000 };
    let id = channel.send(request, SystemClock.now().plus_millis(60_000));
    let mut buffer = vec![0; MAX_FRAME_BYTES];
    loop {
        let received = sys::seqpacket::receive(&channel.requests, &mut buffer).ok()?;
        let frame: ReplyFrame = protocol::decode(&buffer[..received.bytes]).ok()?;
        match frame.body {
            Body::Inline(Ok(Reply::Operations(all))) if frame.id == id => return Some(all),
            _ => {}
        }
    }
}

#[test]
fn a_request_that_waited_too_long_is_not_carried_out() {
    let sandbox = Sandbox::new();
    let mut channel = Channel::new();
    // Nobody is there yet, and whoever asks has given up by now.
    channel
        .send(Request::Change(Change::Build(Box::new(form()))), SystemClock.now().plus_millis(-1));
    let _engine = channel.start(&sandbox, None);
    assert_eq!(channel.event(), Event::Started);
    let Ok(Reply::VServers(all)) = channel.ask(Request::ListVServers) else { panic!("no list") };
    assert_eq!(all, []);
    assert_eq!(channel_operations(&mut channel), Some(vec![]));
}

#[test]
fn what_the_command_line_does_is_told_as_an_event() {
    let sandbox = Sandbox::new();
    let channel = Channel::new();
    let _engine = channel.start(&sandbox, None);
    assert_eq!(channel.event(), Event::Started);
    assert!(sandbox.build("web").status.success());
    let Event::Operation(operation) = channel.wait_for(ended) else { panic!("no operation") };
    assert_eq!((operation.kind, operation.progress), (Kind::Build, Progress::Succeeded));
    let told = channel.wait_for(
        |event| matches!(event, Event::VServer { summary: Some(summary), .. } if summary.operation.is_none()),
    );
    assert!(matches!(told, Event::VServer { name, .. } if name.as_str() == "web"));
}

/// The command line starts it and its supervisor notices the kill: the engine had no part in either.
#[test]
fn a_kill_for_want_of_memory_is_told_as_an_event() {
    let sandbox = Sandbox::new();
    let channel = Channel::new();
    let _engine = channel.start(&sandbox, None);
    assert_eq!(channel.event(), Event::Started);
    assert!(sandbox.build("web").status.success());
    // The NAT network that a start makes goes with this thread, also when the test fails.
    sandbox::leave_network();
    sandbox.must(&["web", "start"]);
    let state = sandbox.running("web").unwrap();
    let limits = ["memory.limit_in_bytes", "memory.max"].map(Path::new);
    let limit =
        limits.iter().flat_map(|file| state.cgroups.iter().map(move |group| group.join(file)));
    let limit = limit.into_iter().find(|file| file.exists()).unwrap();
    std::fs::write(limit, "67108864").unwrap();

    let killed = sandbox.vserver(&["web", "exec", "tail", "/dev/zero"]);
    assert!(!killed.status.success(), "{killed:?}");
    let told = channel.wait_for(|event| {
        matches!(event, Event::VServer { summary: Some(summary), .. } if summary.oom_kills.is_some())
    });
    let Event::VServer { summary: Some(summary), .. } = told else { panic!("another event") };
    assert!(summary.oom_kills.unwrap().count >= 1);
    sandbox.must(&["web", "stop"]);
}

/// A guest whose copy takes so long that nobody waits for its end: gigabytes of nothing to read, and what
/// no compression makes less.
fn make_long_guest(sandbox: &Sandbox) {
    let root = make_guest(sandbox, "long", 100, "true");
    let nothing = std::fs::File::create(root.join("var/nothing")).unwrap();
    nothing.set_len(64 << 30).unwrap();
    let mut noise = std::fs::File::open("/dev/urandom").unwrap().take(256 << 20);
    let mut file = std::fs::File::create(root.join("var/noise")).unwrap();
    std::io::copy(&mut noise, &mut file).unwrap();
    engine::config::ensure_defaults(&sandbox.settings.roots).unwrap();
}

fn copying(event: &Event) -> Option<&Operation> {
    let stages = [Stage::CopyingFiles, Stage::ReadingFiles];
    match event {
        Event::Operation(operation) => match operation.progress {
            Progress::Running { stage, .. } if stages.contains(&stage) => Some(operation),
            _ => None,
        },
        _ => None,
    }
}

fn cancel_at_work(channel: &mut Channel, what: &str) {
    let event = channel.wait_for(|event| copying(event).is_some());
    let id = copying(&event).unwrap().id.clone();
    assert!(matches!(channel.ask(Request::Cancel(id.clone())), Ok(Reply::Done)), "{what}");
    let told = channel.wait_for(ended);
    let Event::Operation(operation) = told else { panic!("{what}: no operation") };
    assert_eq!((operation.id, operation.progress), (id, Progress::Cancelled), "{what}");
}

#[test]
fn what_is_cancelled_over_the_socket_is_undone_whoever_does_it() {
    let sandbox = Sandbox::without_bases();
    make_long_guest(&sandbox);
    let roots = &sandbox.settings.roots;
    let places = [&roots.config_base, &roots.guest_base, &sandbox.directory().join("backups")];
    let before = places.map(|place| sandbox::contents(place));
    let mut channel = Channel::new();
    let _engine = channel.start(&sandbox, None);
    assert_eq!(channel.event(), Event::Started);

    let copy = BuildForm {
        name: "copy".to_owned(),
        method: "clone".to_owned(),
        source: "long".to_owned(),
        ..BuildForm::default()
    };
    let asked = channel.ask(Request::Change(Change::Build(Box::new(copy))));
    assert!(matches!(asked, Ok(Reply::Operation(_))), "{asked:?}");
    cancel_at_work(&mut channel, "a build of the engine's");
    assert_eq!(places.map(|place| sandbox::contents(place)), before);

    // These two are other processes' work.
    for (program, words) in [
        ("vserver", &["copy", "build", "-m", "clone", "--", "--source", "long"][..]),
        ("vserver", &["long", "backup"]),
    ] {
        let mut command = sandbox.ulysse(program, words);
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        cancel_at_work(&mut channel, &format!("{words:?}"));
        assert_eq!(child.wait().unwrap().code(), Some(130), "{words:?}");
        assert_eq!(places.map(|place| sandbox::contents(place)), before, "{words:?}");
    }
}

/// A VServer's config tree may hold what only root may write; a backup of it must be no way around that.
#[test]
fn what_only_root_may_write_comes_back_in_the_web_only_where_it_stands() {
    sandbox::leave_network();
    let sandbox = Sandbox::without_bases();
    tiny_guest::make_course_vserver(&sandbox, "web", 100, "10.127.0.44");
    let config = sandbox.settings.roots.config_base.join("web");
    std::fs::write(config.join("bcapabilities"), "SYS_TIME\n").unwrap();
    std::fs::write(config.join("ccapabilities"), "RAW_ICMP\n").unwrap();
    let line = "/srv/shared /mnt none bind 0 0\n";
    std::fs::write(config.join("fstab"), format!("none /proc proc defaults 0 0\n{line}")).unwrap();
    sandbox.must(&["web", "backup"]);
    let list = sandbox.must(&["web", "backup", "list"]);
    let name_of_backup = list.split('\t').next().unwrap();
    let backup: BackupRef = name_of_backup.parse().unwrap();
    // Root has thought better of two of them.
    std::fs::remove_file(config.join("bcapabilities")).unwrap();
    std::fs::write(config.join("fstab"), "none /proc proc defaults 0 0\n").unwrap();

    let mut channel = Channel::new();
    let _engine = channel.start(&sandbox, None);
    assert_eq!(channel.event(), Event::Started);
    let proposed = channel.ask(Request::ProposeRestore(backup.clone())).unwrap();
    let Reply::Proposal(proposal) = proposed else { panic!("{proposed:?}") };
    let change = Change::Restore { backup, form: Box::new(proposal.form) };
    let asked = channel.ask(Request::Change(change)).unwrap();
    let Reply::Operation(operation) = asked else { panic!("{asked:?}") };
    channel.wait_for(|event| ended(event) && about(event, &operation));
    let Reply::Log(log) =
        channel.ask(Request::ReadLog { id: operation.id.clone(), offset: 0 }).unwrap()
    else {
        panic!("no log")
    };
    let twin = operation.target.vserver().unwrap();
    let read = |file: &str| {
        let path = sandbox.settings.roots.config_of(twin).join(file);
        std::fs::read_to_string(path).ok()
    };
    assert_eq!(read("bcapabilities"), None);
    assert_eq!(read("ccapabilities").as_deref(), Some("RAW_ICMP\n"));
    assert_eq!(read("fstab").as_deref(), Some("none /proc proc defaults 0 0\n"));
    assert_eq!(log.text.matches("_left_out").count(), 2, "{}", log.text);

    // Root at the host's command line gets all of it.
    sandbox.must(&["--silent", "web", "delete", "--now"]);
    sandbox.must(&["web", "backup", "restore", name_of_backup]);
    assert_eq!(std::fs::read_to_string(config.join("bcapabilities")).unwrap(), "SYS_TIME\n");
    assert!(std::fs::read_to_string(config.join("fstab")).unwrap().contains(line));
}

fn about(event: &Event, operation: &Operation) -> bool {
    matches!(event, Event::Operation(told) if told.id == operation.id)
}
