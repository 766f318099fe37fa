//! A build that the browser asked for, and `kill -9` of the web process, of the engine, of both, and of
//! `ulysse serve` while it stands between any two records of its journal: it is finished or undone, and
//! nobody has to do anything for it.

mod sandbox;
mod serve;
mod tiny_guest;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use domain::operation::{Kind, Progress};
use engine::operation::Store;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox::{Sandbox, contents, leave_network, until};
use serve::{Serve, is_gone, kill_at_once, state_of};

const PASSWORD: &str = "the horse is battery";

/// Somebody in front of a browser that runs no scripts.
struct Person<'a> {
    sandbox: &'a Sandbox,
    site: String,
}

impl Person<'_> {
    fn curl(&self, path: &str, words: &[&str]) -> String {
        let cookies = self.sandbox.directory().join("cookies");
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--insecure", "--fail", "--cookie"])
            .arg(&cookies)
            .arg("--cookie-jar")
            .arg(&cookies)
            .args(["--header", &format!("Origin: {}", self.site)])
            .args(words)
            .arg(format!("{}{path}", self.site))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{path}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Sends a form as the page it is on has it, with its token.
    fn send(&self, page: &str, action: &str, fields: &[&str]) {
        let page = self.curl(page, &[]);
        let token = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let token = format!("csrf={token}");
        let mut words = vec!["--data-urlencode", &token];
        words.extend(fields.iter().flat_map(|field| ["--data-urlencode", field]));
        let _ = self.curl(action, &words);
    }
}

/// What there is of VServers, without what is as it was in both cases: `.defaults` is made at a first use.
fn vservers(sandbox: &Sandbox) -> Vec<String> {
    let roots = &sandbox.settings.roots;
    let all = [&roots.config_base, &roots.guest_base].map(|base| contents(base)).concat();
    all.into_iter().filter(|line| !line.starts_with(".defaults")).collect()
}

/// The file in which the engine reads after which record it has to stand still.
struct StopAfter(PathBuf);

impl StopAfter {
    fn record(&self, record: Option<usize>) {
        match record {
            Some(record) => fs::write(&self.0, record.to_string()).unwrap(),
            None => fs::remove_file(&self.0).unwrap(),
        }
    }
}

/// Asks for a build and kills `roles` after a record of its journal; whether there was one.
fn killed_after(
    record: usize,
    roles: &[&str],
    (sandbox, serve): (&Sandbox, &mut Serve),
    (person, stop): (&Person<'_>, &StopAfter),
    start: &dyn Fn() -> Serve,
) -> bool {
    let what = format!("{roles:?} after record {record}");
    let roots = &sandbox.settings.roots;
    let before = vservers(sandbox);
    let store = Store::new(roots);
    let builds = || {
        let all = store.list(None, 1000).unwrap();
        all.into_iter().filter(|operation| operation.kind == Kind::Build).collect::<Vec<_>>()
    };
    let asked = builds().len() + 1;

    stop.record(Some(record));
    let engine = serve.child("engine");
    person.send(
        "/build?method=clone",
        "/api/vservers/build",
        &["form[name]=copy", "form[method]=clone", "form[source]=tiny"],
    );
    let over = || builds().len() == asked && builds().iter().all(|build| build.progress.is_final());
    until(&what, || state_of(engine) == Some('T') || over());
    let stood_still = state_of(engine) == Some('T');
    stop.record(None);
    if stood_still {
        let killed: Vec<i32> = match roles {
            ["serve"] => {
                let children = [serve.child("engine"), serve.child("web")];
                kill_at_once(serve.pid());
                serve.child.wait().unwrap();
                children.into()
            }
            _ => roles.iter().map(|role| serve.child(role)).collect(),
        };
        if roles != ["serve"] {
            killed.iter().copied().for_each(kill_at_once);
        }
        let _ = kill(Pid::from_raw(engine), Signal::SIGCONT);
        until(&what, || killed.iter().all(|pid| is_gone(*pid)));
        if roles == ["serve"] {
            *serve = start();
        }
    }
    until(&what, over);

    let build = builds().into_iter().max_by(|one, other| one.id.cmp(&other.id)).unwrap();
    let is_there = roots.config_base.join("copy").exists();
    assert_eq!(is_there, build.progress == Progress::Succeeded, "{what}: {:?}", build.progress);
    if roles == ["web"] || !stood_still {
        assert!(is_there, "{what}: nobody else needs the web process");
    }
    if is_there {
        sandbox.must(&["copy", "start"]);
        assert_eq!(sandbox.must(&["copy", "exec", "cat", "/root/mark"]), "of the source\n");
        sandbox.must(&["copy", "stop"]);
        sandbox.must(&["--silent", "copy", "delete", "--now"]);
    }
    assert_eq!(vservers(sandbox), before, "{what}");
    stood_still
}

#[test]
fn a_build_is_finished_or_undone_whatever_is_killed_at_whichever_step() {
    leave_network();
    let up = Command::new("/sbin/ip").args(["link", "set", "lo", "up"]).status();
    assert!(up.unwrap().success());
    let sandbox = Sandbox::without_bases();
    let root = tiny_guest::make_guest(&sandbox, "tiny", 100, "true");
    fs::write(root.join("root/mark"), "of the source\n").unwrap();
    engine::config::ensure_defaults(&sandbox.settings.roots).unwrap();
    let stop = StopAfter(sandbox.directory().join("stop-after"));
    let file: &Path = &stop.0;
    let start = || {
        Serve::start_with(&sandbox, |command| {
            command.env("ULYSSE_STOP_AFTER_RECORD", file);
        })
    };
    let mut serve = start();
    let site = serve.line("Ulysse: ").trim_end_matches('/').to_owned();
    let link = serve.line("Set-up link: ");
    let token = link.split(' ').next().unwrap().rsplit('/').next().unwrap().to_owned();
    let person = Person { sandbox: &sandbox, site };
    person.send(
        &format!("/setup/{token}"),
        "/api/account/set-up",
        &[
            &format!("token={token}"),
            "name=ada",
            &format!("password={PASSWORD}"),
            &format!("password_again={PASSWORD}"),
        ],
    );

    let mut records = 0;
    for roles in [&["web"][..], &["engine"], &["web", "engine"], &["serve"]] {
        let mut record = 1;
        while killed_after(record, roles, (&sandbox, &mut serve), (&person, &stop), &start) {
            record += 1;
        }
        assert!(record > 3, "{roles:?}: {record} records are not a build's");
        records += record - 1;
    }
    eprintln!("killed {records} times");
}
