//! What is left after confinement, tried on a thread: filters and Landlock are a thread's, so the
//! test's own go on as they were.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use super::super::confine;

/// Runs on a thread that has given up what the web process gives up, but its user.
fn confined<T: Send + 'static>(
    database_base: &Path,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let database_base = database_base.to_owned();
    let thread = std::thread::spawn(move || {
        confine::confine_thread(&database_base).unwrap();
        work()
    });
    thread.join().unwrap()
}

#[test]
fn files_are_reached_in_the_databases_directory_only() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    let elsewhere = tempfile::tempdir().unwrap();
    let other = elsewhere.path().join("other");
    std::fs::write(&other, "x").unwrap();
    confined(directory.path(), move || {
        std::fs::write(&file, "text").unwrap();
        std::fs::rename(&file, file.with_extension("new")).unwrap();
        assert_eq!(std::fs::read_to_string(file.with_extension("new")).unwrap(), "text");
        std::fs::remove_file(file.with_extension("new")).unwrap();
        for path in [other.as_path(), Path::new("/etc/passwd")] {
            let error = std::fs::read(path).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::PermissionDenied), "{path:?}: {error}");
        }
        std::fs::write(other.with_extension("new"), "x").unwrap_err();
        std::os::unix::fs::symlink("/etc/passwd", file.with_extension("link")).unwrap_err();
    });
}

#[test]
fn no_program_process_socket_or_namespace_can_be_made() {
    let directory = tempfile::tempdir().unwrap();
    confined(directory.path(), || {
        assert!(Command::new("/bin/true").status().is_err());
        assert!(std::net::TcpListener::bind("127.0.0.1:0").is_err());
        assert!(std::os::unix::net::UnixDatagram::unbound().is_err());
        let unshare = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUSER);
        assert_eq!(unshare, Err(nix::Error::EPERM));
        assert_eq!(nix::unistd::chroot("/"), Err(nix::Error::EPERM));
        let sets = rustix::thread::capabilities(None).unwrap();
        assert!(sets.effective.is_empty() && sets.permitted.is_empty());
        // What the runtime needs goes on.
        let thread = std::thread::spawn(|| 7);
        assert_eq!(thread.join().unwrap(), 7);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        assert_eq!(runtime.block_on(async { tokio::spawn(async { 7 }).await.unwrap() }), 7);
    });
}
