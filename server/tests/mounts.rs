//! The course's larger `/tmp`: from 16 to 32 MB by a change of one line of the fstab, as the form makes it; and
//! what a real VServer sees mounted.

mod sandbox;
mod tiny_guest;

use std::fs;

use domain::batch::Batch;
use domain::change::{Change, PlainChange};
use domain::config_change::{ConfigEdit, FileState};
use domain::config_entry::ConfigTree;
use domain::failure::Failure;
use domain::fstab::{Fstab, MountForm, SeenMount};
use domain::id::{UserId, VServerName};
use domain::operation::{Actor, Progress};
use engine::Engine;
use engine::engine::Instance;
use engine::operation::Silent;
use sandbox::{Sandbox, leave_network};
use tiny_guest::make_guest;

/// What it sees mounted at `/tmp`.
fn tmp_of(engine: &Engine, name: &VServerName) -> Option<SeenMount> {
    engine.mounts(name).unwrap()?.into_iter().find(|mount| mount.target == "/tmp")
}

#[test]
fn tmp_grows_from_16_to_32_mb() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_guest(&sandbox, "nono", 100, "true");
    let name: VServerName = "nono".parse().unwrap();
    let path = sandbox.settings.roots.config_base.join("nono/fstab");
    let text = "# of the course\nnone /proc proc defaults 0 0\n\
                none\t/tmp\ttmpfs\tsize=16m,mode=1777\t0 0\n";
    fs::write(&path, text).unwrap();
    let engine = Engine::new(Instance {
        settings: sandbox.settings.clone(),
        settings_file: Some(sandbox.config.clone()),
        executable: env!("CARGO_BIN_EXE_ulysse").into(),
    });
    assert_eq!(engine.mounts(&name).unwrap(), None, "it does not run");
    sandbox.must(&["nono", "start"]);
    let tmp = tmp_of(&engine, &name).unwrap();
    assert!(tmp.options.contains("size=16384k") && tmp.fs_type == "tmpfs", "{tmp:?}");
    assert!(!tmp.is_given());
    let seen = engine.mounts(&name).unwrap().unwrap();
    for given in ["/", "/proc", "/dev", "/dev/pts"] {
        let mount = seen.iter().find(|mount| mount.target == given);
        assert!(mount.is_some_and(SeenMount::is_given), "{given} in {seen:?}");
    }

    // As the form does it: the file as it was looked at, and one line of it another.
    let tree = ConfigTree::VServer(name.clone());
    let file = "fstab".parse().unwrap();
    let FileState::Text { text: found, digest } = engine.config_file(&tree, &file).unwrap().state
    else {
        panic!("it is there");
    };
    let mut fstab = Fstab::of(&found);
    let line = fstab.mount(3).unwrap();
    let form = MountForm { size: "32m".to_owned(), ..MountForm::of(&line) };
    fstab.put(&form.judge(Some(&line)).unwrap());
    let edit = |text: String| {
        vec![ConfigEdit { path: file.clone(), seen: Some(digest.clone()), text: Some(text) }]
    };
    let user = Actor::User { id: UserId(1), name: "ada".parse().unwrap() };
    // A directory of the host's is root's alone to show.
    let reaching = edit(format!("{found}/etc /mnt none bind 0 0\n"));
    let refused = engine.judge_config(&tree, &reaching).unwrap_err();
    assert!(matches!(refused, Failure::ConfigRefused { .. }), "{refused:?}");
    let change = Change::Configure { tree: tree.clone(), edits: edit(fstab.text()) };
    let ended = engine.run_in_process(change, user.clone(), &Silent).unwrap();
    assert_eq!(ended.progress, Progress::Succeeded);
    let written = fs::read_to_string(&path).unwrap();
    assert_eq!(written, text.replace("size=16m", "size=32m"));
    // It holds from the next start on.
    assert!(tmp_of(&engine, &name).unwrap().options.contains("size=16384k"));
    let batch = Batch::new(vec![PlainChange::Restart(name.clone())], Default::default()).unwrap();
    let ended = engine.run_in_process(Change::Batch(batch), user.clone(), &Silent).unwrap();
    assert_eq!(ended.progress, Progress::Succeeded);
    assert!(tmp_of(&engine, &name).unwrap().options.contains("size=32768k"));

    let undone = engine.run_in_process(Change::UndoConfig { tree, number: 1 }, user, &Silent);
    assert_eq!(undone.unwrap().progress, Progress::Succeeded);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    sandbox.must(&["nono", "stop"]);
}
