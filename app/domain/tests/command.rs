//! The command lines of forms and operations: quoted, and what a form says as it is typed.

use domain::backup::{BackupOrder, BackupRef};
use domain::command::{self, Command};
use domain::identity::IdentityForm;
use domain::operation::Kind;
use domain::restore::RestoreForm;
use domain::retention::ScheduleForm;

const BACKUP: &str = "local:web1:20261124T023000000Z";

fn backup() -> BackupRef {
    BACKUP.parse().unwrap()
}

#[test]
fn words_are_quoted_as_a_shell_wants_them() {
    let line = |words: &[&str]| Command::of(words).line();
    assert_eq!(line(&["ulysse", "bin", "empty"]), "ulysse bin empty");
    assert_eq!(line(&["mv", "a b", "it's", ""]), r"mv 'a b' 'it'\''s' ''");
    let path = "var/log/$(reboot) now";
    assert_eq!(
        command::restore_file(&backup(), &"web1".parse().unwrap(), path).line(),
        format!("vserver web1 backup restore-file {BACKUP} '/var/log/$(reboot) now'")
    );
    let name = "web1".parse().unwrap();
    let form = ScheduleForm {
        target: "local".to_owned(),
        when: "daily 02:30".to_owned(),
        keep: "last=3 daily=7".to_owned(),
    };
    assert_eq!(
        command::schedule_backups(&name, &form).line(),
        "vserver web1 backup schedule --target local --when 'daily 02:30' --keep 'last=3 daily=7'"
    );
    assert_eq!(
        command::schedule_backups(&name, &ScheduleForm::default()).line(),
        "vserver web1 backup schedule --off"
    );
    let hostile = command::add_template("a;b", "it's\n--force").line();
    assert_eq!(hostile, "ulysse template add 'a;b' ARCHIVE --description 'it'\\''s\n--force'");
}

#[test]
fn a_command_follows_what_is_typed() {
    let order = BackupOrder {
        vserver: "web1".parse().unwrap(),
        target: "local".parse().unwrap(),
        pause: false,
    };
    let mut line = command::take_backup(&order);
    assert_eq!(line.line(), "vserver web1 backup --target local");
    assert_eq!(line.fields(), ["target", "pause"]);
    line.fill("target", "far");
    line.fill("pause", "true");
    assert_eq!(line.line(), "vserver web1 backup --target far --pause");

    let mut line = command::restore(&backup(), &RestoreForm::default());
    assert_eq!(line.line(), format!("vserver web1 backup restore {BACKUP}"));
    line.fill("name", " web2 ");
    line.fill("interfaces", "nat0:10.127.0.9/24\r\nnodev:10.0.0.1");
    assert_eq!(
        line.line(),
        format!(
            "vserver web2 backup restore {BACKUP} --interface nat0:10.127.0.9/24 \
             --interface nodev:10.0.0.1"
        )
    );

    let mut line = command::identity(&"web1".parse().unwrap(), &IdentityForm::default());
    line.fill("form[context]", "777");
    assert_eq!(line.line(), "vserver web1 set --context 777");
    line.fill("form[name]", "web2");
    line.fill("form[restart]", "true");
    assert_eq!(line.line(), "vserver web1 rename web2 --context 777 --restart");

    let mut line = command::create_user("", "viewer");
    assert_eq!(line.line(), "ulysse user create NAME --role viewer");
    line.fill("name", "zoé b");
    assert_eq!(line.line(), "ulysse user create 'zoé b' --role viewer");
}

#[test]
fn what_takes_long_can_be_cancelled_and_nothing_else() {
    let cancellable: Vec<&str> =
        Kind::ALL.into_iter().filter(|kind| kind.is_cancellable()).map(Kind::as_str).collect();
    assert_eq!(
        cancellable,
        [
            "build",
            "template-add",
            "base-refresh",
            "base-remove",
            "backup",
            "restore",
            "restore-file",
            "verify-backup",
            "batch",
            "packages"
        ]
    );
}
