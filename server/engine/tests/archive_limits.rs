//! Archives that are too much, too little or not at all, and what the process that reads them can do.

mod archive_ground;
mod tarball;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use archive_ground::{CAPS, Ground, count};
use domain::failure::Failure;
use domain::id::ContextId;
use domain::note::MemberNote;
use domain::template::{ArchiveProblem, Compression};
use engine::archive::{ArchiveError, Caps};
use engine::roots::first_host_id;
use tar::EntryType;
use tarball::{Tarball, file_of, header};

#[test]
fn sparse_files_have_holes_and_bombs_are_refused() {
    let ground = Ground::new();
    let real = tempfile::tempdir().unwrap();
    let path = real.path().join("sparse");
    let file = File::create(&path).unwrap();
    file.set_len(40 << 20).unwrap();
    for place in [0, 3 << 20, 39 << 20] {
        std::os::unix::fs::FileExt::write_all_at(&file, b"data here", place).unwrap();
    }
    let expected = fs::read(&path).unwrap();
    for format in [
        &["--format=gnu"][..],
        &["--format=posix", "--sparse-version=0.0"],
        &["--format=posix", "--sparse-version=0.1"],
        &["--format=posix", "--sparse-version=1.0"],
    ] {
        let archive = Command::new("tar")
            .args(["--create", "--sparse", "--file=-"])
            .args(format)
            .arg("--directory")
            .arg(real.path())
            .arg("sparse")
            .output()
            .unwrap();
        assert!(archive.stdout.len() < 1 << 20, "{format:?}");
        ground.unpack(&archive.stdout).unwrap();
        let path = ground.root().join("sparse");
        assert!(fs::read(&path).unwrap() == expected, "{format:?}");
        assert!(fs::metadata(&path).unwrap().blocks() * 512 < 1 << 20, "{format:?}");
    }
    // A few bytes that claim to be an exabyte.
    let bomb = Tarball::default()
        .with(EntryType::GNUSparse, "bomb", &[0; 512], |header| {
            let gnu = header.as_gnu_mut().unwrap();
            gnu.set_real_size(1 << 60);
            gnu.sparse[0].set_offset((1 << 60) - 512);
            gnu.sparse[0].set_length(512);
        })
        .end();
    ground.refuses(&bomb, ArchiveProblem::TooLarge { bytes: CAPS.bytes });
    let bomb = Tarball::default()
        .pax(&[
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.realsize", b"99"),
        ])
        .file("bomb", b"99999999\n0\n1\n")
        .end();
    ground.refuses(&bomb, ArchiveProblem::Damaged);
}

/// Gibibytes of nothing, in kilobytes.
fn compressed(program: &str, gibibytes: u64, directory: &Path) -> Option<PathBuf> {
    let path = directory.join(program);
    let mut child = Command::new(program)
        .args(["-1", "-c"])
        .stdin(std::process::Stdio::piped())
        .stdout(File::create(&path).unwrap())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take().unwrap();
    input.write_all(header(EntryType::Regular, "zeroes", gibibytes << 30).as_bytes()).unwrap();
    let zeroes = vec![0; 1 << 20];
    for _ in 0..gibibytes << 10 {
        input.write_all(&zeroes).unwrap();
    }
    drop(input);
    child.wait().unwrap().success().then_some(path)
}

#[test]
fn compression_bombs_are_stopped_by_bytes_by_number_and_by_what_is_free() {
    let ground = Ground::new();
    let directory = tempfile::tempdir().unwrap();
    let path = compressed("gzip", 1, directory.path()).unwrap();
    let caps = Caps { bytes: 64 << 20, ..CAPS };
    let result = ground.unpack_with(File::open(&path).unwrap(), &caps);
    let expected = ArchiveProblem::TooLarge { bytes: caps.bytes };
    assert!(matches!(result, Err(ArchiveError::Refused { problem, .. }) if problem == expected));
    // What does not become files counts too: endless extended headers are no members.
    let comment = vec![b'x'; 500_000];
    let mut headers = Tarball::default();
    for _ in 0..40 {
        headers = headers.pax(&[("comment", &comment)]).file("same", b"");
    }
    let caps = Caps { bytes: 1 << 20, entries: 1000, keep_free_bytes: 0 };
    let result = ground.unpack_with(file_of(&headers.end()), &caps);
    assert!(matches!(
        result,
        Err(ArchiveError::Refused { problem: ArchiveProblem::TooLarge { .. }, .. })
    ));
    let mut many = Tarball::default();
    for number in 0..12 {
        many = many.file(&format!("file{number}"), b"");
    }
    let caps = Caps { entries: 10, ..CAPS };
    let result = ground.unpack_with(file_of(&many.end()), &caps);
    let expected = ArchiveProblem::TooMany { entries: 10 };
    assert!(matches!(result, Err(ArchiveError::Refused { problem, .. }) if problem == expected));
    // Nobody has that much free.
    let caps = Caps { keep_free_bytes: u64::MAX, ..CAPS };
    let result = ground.unpack_with(file_of(&Tarball::default().root().end()), &caps);
    let failure = Failure::from(result.unwrap_err());
    assert!(matches!(failure, Failure::DiskFull { .. }), "{failure:?}");
}

#[test]
fn a_full_disk_is_said_to_be_full() {
    let ground = Ground::new();
    let root = ground.root();
    // Of a kind whose ids every kernel can map.
    let disk = ground.directory.path().join("disk");
    File::create(&disk).unwrap().set_len(4 << 20).unwrap();
    let run = |program: &str, words: &[&str], paths: &[&Path]| {
        let output = Command::new(program).args(words).args(paths).output().unwrap();
        assert!(output.status.success(), "{program}: {output:?}");
    };
    run("mke2fs", &["-q", "-F", "-t", "ext4", "-O", "^has_journal"], &[&disk]);
    // Mounted in a mount namespace that goes with this thread.
    let made = std::thread::spawn(move || {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).unwrap();
        let (none, private) = (None::<&str>, nix::mount::MsFlags::MS_PRIVATE);
        let recursive = private | nix::mount::MsFlags::MS_REC;
        nix::mount::mount(none, "/", none, recursive, none).unwrap();
        run("mount", &["-o", "loop"], &[&disk, &root]);
        let archive = Tarball::default().file("big", &vec![7; 8 << 20]).end();
        let result = ground.unpack(&archive);
        nix::mount::umount2(&root, nix::mount::MntFlags::MNT_DETACH).unwrap();
        result.map_err(Failure::from)
    });
    let result = made.join().unwrap();
    assert!(matches!(result, Err(Failure::DiskFull { .. })), "{result:?}");
}

#[test]
fn cut_damaged_and_foreign_archives_are_refused_with_a_reason() {
    let directory = tempfile::tempdir().unwrap();
    let plain = Tarball::default().root().file("data", &[b'x'; 300_000]).end();
    let path = directory.path().join("plain.tar");
    fs::write(&path, &plain).unwrap();
    for (program, compression) in [
        ("gzip", Compression::Gzip),
        ("bzip2", Compression::Bzip2),
        ("xz", Compression::Xz),
        ("zstd", Compression::Zstd),
    ] {
        let whole = Command::new(program).arg("-c").arg(&path).output().expect(program).stdout;
        let ground = Ground::new();
        assert_eq!(ground.unpack(&whole).unwrap().compression, compression);
        assert_eq!(ground.read("etc/hostname"), "x\n");
        // The name of the file says nothing; a tail is left alone.
        let ground = Ground::new();
        let with_tail = [whole.as_slice(), b"garbage"].concat();
        let unpacked = ground.unpack(&with_tail).unwrap();
        assert_eq!(count(&unpacked, MemberNote::Tail), 1, "{program}");
        for cut in [whole.len() / 2, whole.len() - 1] {
            let problem = Ground::new().unpack(&whole[..cut]).unwrap_err();
            assert!(
                matches!(problem, ArchiveError::Refused { problem: ArchiveProblem::Truncated, .. }),
                "{program} at {cut}: {problem:?}"
            );
        }
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0x55;
        let problem = Ground::new().unpack(&flipped).unwrap_err();
        assert!(
            matches!(
                problem,
                ArchiveError::Refused {
                    problem: ArchiveProblem::Damaged
                        // What came out before the checksum said so.
                        | ArchiveProblem::NotTar
                        | ArchiveProblem::Truncated
                        | ArchiveProblem::TooMuchMemory,
                    ..
                }
            ),
            "{program}: {problem:?}"
        );
    }
    let ground = Ground::new();
    let cut = Tarball::default().root().cut();
    ground.refuses(&cut, ArchiveProblem::Truncated);
    ground.refuses(b"", ArchiveProblem::Empty);
    ground.refuses(&[0; 10_240], ArchiveProblem::Empty);
    ground.refuses(b"070701000000", ArchiveProblem::Cpio);
    ground.refuses(b"PK\x03\x04", ArchiveProblem::Zip);
    ground.refuses(&[b'x'; 2000], ArchiveProblem::NotTar);
    let packed = zstd::encode_all(&b"070701 is not tar"[..], 1).unwrap();
    ground.refuses(&packed, ArchiveProblem::Cpio);
    let tail = [Tarball::default().root().end(), b"garbage".to_vec()].concat();
    assert_eq!(count(&ground.unpack(&tail).unwrap(), MemberNote::Tail), 1);
}

#[test]
fn a_hundred_thousand_members_take_no_more_than_they_must() {
    let ground = Ground::new();
    let mut tarball = Tarball::default();
    for number in 0..100_000 {
        tarball = tarball.file(&format!("d{}/f{number}", number % 100), b"");
    }
    let began = Instant::now();
    let unpacked = ground.unpack(&tarball.end()).unwrap();
    eprintln!("100,000 members in {:?}", began.elapsed());
    assert_eq!(unpacked.entries, 100_000);
    assert_eq!(fs::read_dir(ground.root().join("d42")).unwrap().count(), 1000);
}

#[test]
fn deep_paths_end_where_linux_ends() {
    let ground = Ground::new();
    let deep = "d/".repeat(2000);
    let name = format!("{deep}file");
    let archive = Tarball::default().pax(&[("path", name.as_bytes())]).file("x", b"deep").end();
    ground.unpack(&archive).unwrap();
    assert!(ground.root().join(&name).exists());
    engine::tree::remove(&ground.root().join("d")).unwrap();
    for (name, problem) in [
        (format!("{}file", "d/".repeat(3000)), ArchiveProblem::BadName),
        ("x".repeat(300), ArchiveProblem::BadName),
        ("a\0b".to_owned(), ArchiveProblem::BadName),
    ] {
        let archive = Tarball::default().pax(&[("path", name.as_bytes())]).file("x", b"").end();
        ground.refuses(&archive, problem);
    }
    let huge = Tarball::default().raw(&header(EntryType::GNULongName, "L", 1 << 40), b"").end();
    ground.refuses(&huge, ArchiveProblem::HeaderTooLong);
}

/// The processes below this one that read archives, the confined ones alone.
fn confined_readers() -> Vec<PathBuf> {
    let own = fs::metadata("/proc/self/ns/user").unwrap().ino();
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    processes
        .filter(|path| {
            let command = fs::read(path.join("cmdline")).unwrap_or_default();
            let user = fs::metadata(path.join("ns/user")).map(|found| found.ino());
            command.ends_with(b"roles\0unpack\0") && user.is_ok_and(|user| user != own)
        })
        .collect()
}

#[test]
fn the_reader_has_nothing_but_the_archive_and_its_own_root() {
    let ground = Ground::new();
    fs::write(ground.root().join("marker"), "").unwrap();
    // An archive that does not come on: the reader waits for it.
    let (archive, writer) = rustix::pipe::pipe().unwrap();
    let marker = ground.root().join("marker");
    let status = std::thread::scope(|scope| {
        let unpacking = scope.spawn(|| ground.unpack_with(archive.into(), &CAPS));
        let mut writer = File::from(writer);
        // Enough to be judged, so that it is past its own beginning.
        writer.write_all(Tarball::default().file("first", b"x").cut().as_slice()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let ino = fs::metadata(&marker).unwrap().ino();
        let reader = loop {
            assert!(Instant::now() < deadline, "no reader came");
            let of_this_root = |path: &PathBuf| {
                let root = fs::metadata(path.join("root/marker"));
                root.is_ok_and(|found| found.ino() == ino) && path.join("root/first").exists()
            };
            match confined_readers().into_iter().find(of_this_root) {
                Some(reader) => break reader,
                None => std::thread::park_timeout(Duration::from_millis(5)),
            }
        };
        let status = fs::read_to_string(reader.join("status")).unwrap();
        let descriptors = fs::read_dir(reader.join("fd")).unwrap().count();
        let links = ["net", "pid", "mnt", "ipc", "uts"].map(|name| {
            let of = |base: &Path| fs::read_link(base.join("ns").join(name)).unwrap();
            of(&reader) != of(Path::new("/proc/self"))
        });
        let mounts = fs::read_to_string(reader.join("mountinfo")).unwrap();
        drop(writer);
        let _ = unpacking.join().unwrap();
        assert_eq!(links, [true; 5]);
        assert_eq!(mounts.lines().count(), 1, "{mounts}");
        // Its three standard ones, the caller's socket, the archive, the link to its parent, its root, a
        // directory and a file at hand.
        assert!(descriptors <= 9, "{descriptors}");
        status
    });
    let of = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!((of("NoNewPrivs:").as_str(), of("Seccomp:").as_str()), ("1", "2"), "{status}");
    // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETFCAP, over the VServer's own files.
    assert_eq!((of("CapEff:"), of("CapBnd:")), ("000000008000001b".into(), of("CapEff:")));
    assert_eq!(of("Uid:"), first_host_id(ContextId::try_from(77).unwrap()).to_string());
}

#[test]
fn cancelling_ends_the_reader_at_once() {
    let ground = Ground::new();
    let directory = tempfile::tempdir().unwrap();
    let mut tarball = Tarball::default();
    for number in 0..20_000 {
        tarball = tarball.file(&format!("f{number}"), &[b'x'; 1000]);
    }
    let path = directory.path().join("archive.tar");
    fs::write(&path, tarball.end()).unwrap();
    *ground.log.cancel_at.lock().unwrap() = Some((101, ground.cancel.clone()));
    let began = Instant::now();
    let result = ground.unpack_with(File::open(&path).unwrap(), &CAPS);
    assert!(matches!(result, Err(ArchiveError::Cancelled)), "{result:?}");
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(Failure::from(result.unwrap_err()), Failure::Cancelled);
    // Nothing is written any more once the call has come back.
    let count = fs::read_dir(ground.root()).unwrap().count();
    assert!(count < 20_000);
    assert_eq!(fs::read_dir(ground.root()).unwrap().count(), count);
}
