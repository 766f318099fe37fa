//! Schedules of backups: how they are written down, and what attempts elsewhere say about them.

mod full_guest;
mod sandbox;

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use engine::Engine;
use engine::backup::take_what_is_due;
use engine::clock::{Clock, SystemClock};
use engine::engine::Instance;
use engine::roots::Target;
use full_guest::make_tiny;
use sandbox::{Sandbox, until};

/// What `ulysse backup check` says.
fn check(sandbox: &Sandbox) -> String {
    let Output { stdout, .. } = sandbox.ulysse("backup", &["check"]).output().unwrap();
    String::from_utf8(stdout).unwrap()
}

#[test]
fn a_backup_elsewhere_is_none_of_what_a_schedule_wants() {
    let mut sandbox = Sandbox::without_bases();
    make_tiny(&sandbox);
    let away = sandbox.config.with_file_name("away");
    let target = Target::Directory { path: away.clone() };
    sandbox.settings.backup.targets.insert("nas".parse().unwrap(), target);
    fs::write(&sandbox.config, toml::to_string(&sandbox.settings).unwrap()).unwrap();
    let words = ["tiny", "backup", "schedule", "--target", "nas"];
    sandbox.must(&[&words[..], &["--when", "daily 02:30", "--keep", "last=1"]].concat());
    let to = |target: &str| sandbox.vserver(&["tiny", "backup", "--target", target]);
    fs::write(&away, "in the way").unwrap();
    assert_eq!(to("nas").status.code(), Some(1));
    assert!(to("local").status.success());
    let said = check(&sandbox);
    assert!(said.contains("The last backup of tiny"), "{said}");
    let due = |hours: i64| {
        let instance = Instance {
            settings: sandbox.settings.clone(),
            settings_file: Some(sandbox.config.clone()),
            executable: env!("CARGO_BIN_EXE_ulysse").into(),
        };
        let engine = Engine::new(instance);
        let asked = take_what_is_due(&engine, SystemClock.now().plus_millis(hours * 3_600_000));
        until("it is done", || engine.store().live().unwrap().is_empty());
        asked.len()
    };
    // Tomorrow one is due, whatever was taken elsewhere; and one that fails elsewhere puts nothing off.
    fs::remove_file(&away).unwrap();
    let local = sandbox.config.with_file_name("backups");
    fs::rename(&local, sandbox.config.with_file_name("aside")).unwrap();
    fs::write(&local, "in the way").unwrap();
    assert_eq!(to("local").status.code(), Some(1));
    assert_eq!(due(25), 1);
    assert_eq!(sandbox.names_in(&away.join("tiny")).len(), 1);
}

#[test]
fn a_schedule_that_was_not_committed_was_not_written_and_no_link_is_followed() {
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox);
    let file = sandbox.settings.roots.config_base.join("tiny/apps/ulysse/backup");
    let words = ["tiny", "backup", "schedule", "--when", "daily 02:30", "--keep", "last=1"];
    let mut was_written = Vec::new();
    for record in 0..20 {
        let mut command = sandbox.ulysse("vserver", &words);
        command.env("ULYSSE_CRASH_AFTER_RECORD", record.to_string());
        if command.output().unwrap().status.signal() != Some(9) {
            break;
        }
        assert!(sandbox.ulysse("doctor", &["--repair"]).status().unwrap().success());
        was_written.push(file.exists());
    }
    assert_eq!(was_written, [false, false, false, false, true]);
    let history = sandbox.must(&["tiny", "config", "history"]);
    assert_eq!(history.matches("apps/ulysse/backup").count(), 1, "{history}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "local\ndaily 02:30\nlast=1\n");
    let other = sandbox.directory().join("of-somebody-else");
    fs::write(&other, "theirs").unwrap();
    symlink(&other, file.with_file_name(".backup.new")).unwrap();
    sandbox.must(&[&words[..6], &["last=2"]].concat());
    assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
    assert!(file.symlink_metadata().unwrap().is_file());
}
