//! Archives, hostile and honest, unpacked by the real confined process on the real kernel: where members
//! go, what they may be, whose they are.

mod archive_ground;
mod tarball;

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use archive_ground::{CAPS, Ground, count};
use domain::note::{MemberNote, Note};
use domain::template::{ArchiveProblem, Compression};
use engine::archive::{self, ArchiveError, EntryKind};
use tar::EntryType;
use tarball::{Tarball, file_of, header};

#[test]
fn an_honest_archive_becomes_what_it_was() {
    let ground = Ground::new();
    let archive = Tarball::default()
        .root()
        .with(EntryType::Regular, "./usr/su", b"elf", |header| {
            header.set_mode(0o4755);
            header.set_uid(0);
            header.set_gid(42);
        })
        .with(EntryType::Directory, "./tmp", b"", |header| header.set_mode(0o1777))
        .with(EntryType::Regular, "./etc/shadow", b"root:*:1::::::\n", |header| {
            header.set_mode(0o640);
            header.set_gid(42);
        })
        .symlink("./bin", "usr/bin")
        .symlink("./etc/mtab", "/proc/self/mounts")
        .hard_link("./usr/su2", "./usr/su")
        .with(EntryType::Fifo, "./etc/initctl", b"", |header| header.set_mode(0o600))
        .end();
    let unpacked = ground.unpack(&archive).unwrap();
    assert_eq!((unpacked.compression, unpacked.entries), (Compression::None, 11));
    assert_eq!(unpacked.notes, vec![]);
    let root = ground.root();
    let of = |name: &str| fs::symlink_metadata(root.join(name)).unwrap();
    assert_eq!(ground.read("etc/hostname"), "x\n");
    // On disk the ids are the guest's own, unshifted.
    let su = of("usr/su");
    assert_eq!((su.mode() & 0o7777, su.uid(), su.gid(), su.nlink()), (0o4755, 0, 42, 2));
    assert_eq!(su.ino(), of("usr/su2").ino());
    assert_eq!(of("tmp").mode() & 0o7777, 0o1777);
    assert_eq!((of("etc/shadow").mode() & 0o777, of("etc/shadow").gid()), (0o640, 42));
    assert_eq!(fs::read_link(root.join("etc/mtab")).unwrap(), Path::new("/proc/self/mounts"));
    assert!(of("etc/initctl").file_type().is_fifo());
    for name in ["", "etc", "etc/hostname", "bin", "tmp"] {
        assert_eq!(of(name).mtime(), 1_000_000_000, "{name:?}");
    }
    let permille = ground.log.permille.lock().unwrap().clone();
    assert!(permille.is_sorted() && permille.last() <= Some(&900), "{permille:?}");
}

#[test]
fn names_that_lead_out_are_refused_and_absolute_ones_lead_in() {
    for name in ["../evil", "a/../../evil", "/../evil", ".."] {
        let ground = Ground::new();
        let archive = Tarball::default().file(name, b"x").end();
        assert_eq!(ground.refuses(&archive, ArchiveProblem::LeadsOut), name);
        assert_eq!(ground.beside(), [""; 0]);
    }
    let ground = Ground::new();
    let absolute = ground.directory.path().join("evil");
    let name = absolute.to_str().unwrap();
    ground.unpack(&Tarball::default().file(name, b"x").end()).unwrap();
    assert_eq!(ground.beside(), [""; 0]);
    assert_eq!(ground.read(name.trim_start_matches('/')), "x");
}

#[test]
fn nothing_is_written_through_a_link() {
    let ground = Ground::new();
    let elsewhere = ground.directory.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let target = elsewhere.to_str().unwrap();
    for archive in [
        Tarball::default().symlink("d", target).file("d/file", b"x"),
        Tarball::default().symlink("d", "../../elsewhere").file("d/file", b"x"),
        // A directory first, then a link of its name.
        Tarball::default().directory("d").symlink("d", target).file("d/file", b"x"),
        Tarball::default().symlink("d", target).directory("d/sub"),
        Tarball::default().symlink("a", "b").symlink("b", target).file("a/file", b"x"),
        Tarball::default().symlink("d", "/proc/self/root/tmp").file("d/file", b"x"),
        Tarball::default().symlink("d", "inner").directory("inner").file("d/file", b"x"),
        Tarball::default().symlink("d", target).hard_link("x", "d/file"),
    ] {
        let ground = Ground::new();
        ground.refuses(&archive.end(), ArchiveProblem::ThroughLink);
    }
    // A link that is replaced by a directory is no link any more, and a chmod does not go through it.
    let archive = Tarball::default()
        .symlink("d", target)
        .with(EntryType::Directory, "d", b"", |header| header.set_mode(0o777))
        .file("d/file", b"x")
        .end();
    ground.unpack(&archive).unwrap();
    assert_eq!(ground.read("d/file"), "x");
    assert!(ground.root().join("d").symlink_metadata().unwrap().is_dir());
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    assert_ne!(fs::metadata(&elsewhere).unwrap().mode() & 0o777, 0o777);
}

#[test]
fn a_second_member_of_a_name_replaces_the_first_and_never_writes_to_it() {
    let ground = Ground::new();
    let secret = ground.directory.path().join("elsewhere");
    fs::write(&secret, "secret").unwrap();
    let archive = Tarball::default()
        .file("twice", b"first")
        .hard_link("kept", "twice")
        .file("twice", b"second")
        .symlink("link", secret.to_str().unwrap())
        .file("link", b"overwritten")
        .with(EntryType::Fifo, "fifo", b"", |_| {})
        .file("fifo", b"no fifo")
        .file("itself", b"whole")
        .hard_link("itself", "itself")
        .end();
    ground.unpack(&archive).unwrap();
    assert_eq!(ground.read("kept"), "first");
    assert_eq!(ground.read("twice"), "second");
    assert_eq!(ground.read("link"), "overwritten");
    assert_eq!(ground.read("fifo"), "no fifo");
    assert_eq!(ground.read("itself"), "whole");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
    // A directory with something in it is not thrown away for a link.
    let archive = Tarball::default().directory("d").file("d/x", b"").symlink("d", "/").end();
    Ground::new().refuses(&archive, ArchiveProblem::Contradiction);
    let archive = Tarball::default().file("f", b"").file("f/x", b"").end();
    Ground::new().refuses(&archive, ArchiveProblem::ThroughFile);
}

#[test]
fn hard_links_lead_to_the_archives_own_files_alone() {
    let ground = Ground::new();
    let secret = ground.directory.path().join("elsewhere");
    fs::write(&secret, "secret").unwrap();
    let archive = Tarball::default().hard_link("x", "../elsewhere").end();
    assert_eq!(ground.refuses(&archive, ArchiveProblem::LeadsOut), "../elsewhere");
    let archive = Tarball::default()
        .file("real", b"")
        .hard_link("x", secret.to_str().unwrap())
        .hard_link("y", "/etc/shadow")
        .end();
    let unpacked = ground.unpack(&archive).unwrap();
    assert_eq!(count(&unpacked, MemberNote::LinkToNothing), 2);
    assert!(!ground.root().join("x").exists() && !ground.root().join("y").exists());
    assert_eq!(fs::metadata(&secret).unwrap().nlink(), 1);
    let archive = Tarball::default().directory("d").hard_link("x", "d").end();
    Ground::new().refuses(&archive, ArchiveProblem::Contradiction);
}

#[test]
fn device_nodes_are_left_out_and_the_log_says_so() {
    let ground = Ground::new();
    let device = |tarball: Tarball, kind, name: &str| {
        tarball.with(kind, name, b"", |header| {
            header.set_device_major(8).unwrap();
            header.set_device_minor(0).unwrap();
        })
    };
    let mut tarball = device(Tarball::default().directory("dev"), EntryType::Block, "dev/sda");
    tarball = device(tarball, EntryType::Char, "dev/a\nb\u{1b}[31m");
    for number in 0..30 {
        tarball = device(tarball, EntryType::Char, &format!("dev/tty{number}"));
    }
    let unpacked = ground.unpack(&tarball.hard_link("dev/again", "dev/sda").end()).unwrap();
    assert_eq!(
        (count(&unpacked, MemberNote::Device), count(&unpacked, MemberNote::LinkToNothing)),
        (32, 1)
    );
    assert_eq!(fs::read_dir(ground.root().join("dev")).unwrap().count(), 0);
    let log = ground.log();
    let notes: Vec<Note> = log.lines().filter_map(Note::of_line).collect();
    for name in ["dev/sda", "dev/a\\nb\\u{1b}[31m"] {
        let left_out = Note::Member { name: name.to_owned(), how: MemberNote::Device };
        assert!(notes.contains(&left_out), "{log}");
    }
    let more = Note::MoreMembers { count: 12, how: MemberNote::Device };
    assert!(notes.contains(&more), "{log}");
    assert!(log.lines().count() < 30, "{log}");
}

#[test]
fn owners_out_of_the_vservers_range_become_nobody_without_their_rights() {
    let ground = Ground::new();
    let archive = Tarball::default()
        .with(EntryType::Regular, "far", b"x", |header| {
            header.set_uid(70_000);
            header.set_mode(0o6755);
        })
        .with(EntryType::Regular, "last", b"x", |header| {
            header.set_uid(65_535);
            header.set_gid(u64::from(u32::MAX));
            header.set_mode(0o2755);
        })
        .pax(&[("uid", b"65534"), ("gid", b"100")])
        .with(EntryType::Regular, "pax", b"x", |header| header.set_mode(0o6755))
        .end();
    let unpacked = ground.unpack(&archive).unwrap();
    assert_eq!(count(&unpacked, MemberNote::Owner), 2);
    let of = |name: &str| {
        let found = fs::metadata(ground.root().join(name)).unwrap();
        (found.uid(), found.gid(), found.mode() & 0o7777)
    };
    assert_eq!(of("far"), (65_534, 0, 0o755));
    assert_eq!(of("last"), (65_535, 65_534, 0o755));
    assert_eq!(of("pax"), (65_534, 100, 0o6755));
}

#[test]
fn attributes_of_the_guests_are_kept_and_the_hosts_dropped() {
    let ground = Ground::new();
    // cap_net_raw=ep, as a file has it (VFS_CAP_REVISION_2).
    let mut ping = 0x0200_0001_u32.to_le_bytes().to_vec();
    ping.extend((1_u32 << 13).to_le_bytes());
    ping.extend([0; 12]);
    let archive = Tarball::default()
        .pax(&[
            ("SCHILY.xattr.security.capability", &ping),
            ("SCHILY.xattr.user.note", b"a\nb=c"),
            ("SCHILY.xattr.security.selinux", b"unconfined"),
            ("SCHILY.xattr.trusted.overlay.opaque", b"y"),
            ("SCHILY.xattr.security.ima", b"x"),
        ])
        .file("ping", b"x")
        .pax(&[(
            "SCHILY.acl.access",
            b"user::rw-,user:lisa:r--:502,group::r--,mask::r--,other::---",
        )])
        .file("acl", b"x")
        .end();
    let unpacked = ground.unpack(&archive).unwrap();
    let dropped = count(&unpacked, MemberNote::Attribute);
    assert!(dropped >= 3, "{dropped}");
    let of = |name: &str, attribute: &str| {
        let mut value = vec![0; 256];
        let path = ground.root().join(name);
        let read = rustix::fs::lgetxattr(&path, attribute, value.as_mut_slice());
        read.map(|length| value[..length].to_vec()).ok()
    };
    for attribute in ["security.selinux", "trusted.overlay.opaque", "security.ima"] {
        assert_eq!(of("ping", attribute), None, "{attribute}");
    }
    // The kernel says whose namespace's the capability is: that of the VServer's own root.
    let capability = of("ping", "security.capability").unwrap();
    assert_eq!(capability[4..8], ping[4..8], "{capability:?}");
    if let Some(note) = of("ping", "user.note") {
        assert_eq!(note, b"a\nb=c");
        assert_eq!(dropped, 3);
    }
    if let Some(acl) = of("acl", "system.posix_acl_access") {
        // The second entry: user 502, as the guest counts.
        assert_eq!(acl[12..20], [2, 0, 4, 0, 246, 1, 0, 0]);
    }
}

#[test]
fn readers_cannot_be_made_to_see_different_archives() {
    // A size in the extended header that is not the plain one's: what one reader takes for data, the
    // other takes for members.
    let hidden = Tarball::default().file("hidden", b"x").cut();
    let archive = Tarball::default().pax(&[("size", b"0")]).file("outer", &hidden).end();
    Ground::new().refuses(&archive, ArchiveProblem::Contradiction);
    // A record inside a record's value.
    let archive = Tarball::default().pax(&[("comment", b"x\n14 size=1024\n")]).file("f", b"").end();
    let found = Ground::new().entries(&archive).unwrap();
    assert_eq!(found.iter().map(|entry| entry.bytes).collect::<Vec<_>>(), [0]);
    // Extended header, long name, file: the size is the file's.
    let archive = Tarball::default()
        .pax(&[("size", b"1024")])
        .raw(&header(EntryType::GNULongName, "././@LongLink", 6), b"outer\0")
        .raw(&header(EntryType::Regular, "short", 0), &hidden)
        .end();
    let found = Ground::new().entries(&archive).unwrap();
    let names: Vec<(&str, u64)> =
        found.iter().map(|entry| (entry.name.as_str(), entry.bytes)).collect();
    assert_eq!(names, [("outer", 1024)]);
    // … as GNU tar has it.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("archive.tar");
    fs::write(&path, &archive).unwrap();
    let listed = Command::new("tar").arg("--list").arg("--file").arg(&path).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&listed.stdout), "outer\n");
}

#[test]
fn a_root_that_lies_in_a_directory_is_moved_up() {
    for top in ["rootfs", "./debian-12", "etc"] {
        let ground = Ground::new();
        fs::create_dir(ground.root().join("lost+found")).unwrap();
        let archive = Tarball::default()
            .with(EntryType::Directory, &format!("{top}/"), b"", |header| header.set_mode(0o751))
            .directory(&format!("{top}/etc"))
            .file(&format!("{top}/etc/passwd"), b"root\n")
            .hard_link(&format!("{top}/etc/passwd-"), &format!("{top}/etc/passwd"))
            .directory(&format!("{top}/usr"))
            .directory(&format!("{top}/lost+found"))
            .end();
        let unpacked = ground.unpack(&archive).unwrap();
        assert_eq!(count(&unpacked, MemberNote::Lifted), 1, "{top}");
        assert_eq!(ground.read("etc/passwd"), "root\n", "{top}");
        assert_eq!(ground.read("etc/passwd-"), "root\n", "{top}");
        let root = fs::metadata(ground.root()).unwrap();
        assert_eq!((root.mode() & 0o777, root.mtime()), (0o751, 1_000_000_000), "{top}");
        assert_eq!(fs::metadata(ground.root().join("usr")).unwrap().mtime(), 1_000_000_000);
        assert_eq!(fs::read_dir(ground.root()).unwrap().count(), 3, "{top}");
    }
    // A container image: what lies beside its root stays beside.
    let ground = Ground::new();
    let archive = Tarball::default()
        .file("metadata.yaml", b"")
        .directory("rootfs/etc")
        .directory("rootfs/bin")
        .end();
    ground.unpack(&archive).unwrap();
    assert!(ground.root().join("etc").is_dir() && ground.root().join("metadata.yaml").exists());
    // A root is left as it is, and so is what is none.
    for archive in [
        Tarball::default().root().end(),
        Tarball::default().directory("one/etc").end(),
        Tarball::default().directory("one/etc").directory("one/usr").file("two", b"").end(),
        Tarball::default().symlink("one", "/").end(),
    ] {
        assert_eq!(count(&Ground::new().unpack(&archive).unwrap(), MemberNote::Lifted), 0);
    }
}

#[test]
fn a_member_can_be_listed_whatever_it_is_called() {
    let ground = Ground::new();
    let archive = Tarball::default()
        .directory("d")
        .file("d/a\nb", b"12345")
        .symlink("link", "\u{1b}[2J")
        .end();
    let found = ground.entries(&archive).unwrap();
    let kinds: Vec<EntryKind> = found.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::Directory, EntryKind::File, EntryKind::Symlink]);
    assert_eq!((found[1].name.as_str(), found[1].bytes), ("d/a\\nb", 5));
    assert_eq!(found[2].link.as_deref(), Some("\\u{1b}[2J"));
    assert_eq!(fs::read_dir(ground.root()).unwrap().count(), 0);
    let result = archive::entries(&ground.instance, file_of(&archive), &CAPS, &mut |_| true, None);
    assert!(matches!(result, Err(ArchiveError::Cancelled)));
}

#[test]
fn a_target_that_is_a_link_is_not_unpacked_into() {
    let ground = Ground::new();
    let elsewhere = ground.directory.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::remove_dir(ground.root()).unwrap();
    symlink(&elsewhere, ground.root()).unwrap();
    let result = ground.unpack(&Tarball::default().root().end());
    assert!(matches!(result, Err(ArchiveError::Write { .. })), "{result:?}");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn a_whole_busybox_system_unpacks_as_gnu_tar_does() {
    let real = tempfile::tempdir().unwrap();
    let root = real.path().join("root");
    for name in ["bin", "etc", "var/spool/mail", "tmp"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    fs::copy("/bin/busybox", root.join("bin/busybox")).unwrap();
    for applet in ["sh", "ls", "su"] {
        fs::hard_link(root.join("bin/busybox"), root.join("bin").join(applet)).unwrap();
    }
    symlink("../bin/sh", root.join("etc/rc")).unwrap();
    let long = "é".repeat(100);
    fs::write(root.join("tmp").join(&long), "long name").unwrap();
    std::os::unix::fs::chown(root.join("var/spool/mail"), Some(8), Some(8)).unwrap();
    fs::set_permissions(root.join("var/spool/mail"), fs::Permissions::from_mode(0o2775)).unwrap();
    for format in ["gnu", "posix", "ustar"] {
        let archive = Command::new("tar")
            .arg(format!("--format={format}"))
            .args(["--create", "--numeric-owner", "--file=-", "--directory"])
            .arg(&root)
            .args(if format == "ustar" { &["bin", "etc", "var"][..] } else { &["."] })
            .output()
            .unwrap();
        let ground = Ground::new();
        ground.unpack(&archive.stdout).unwrap();
        let listing = |root: &Path| {
            let output = Command::new("find")
                .current_dir(root)
                .args([".", "-mindepth", "1", "-not", "-path", "./tmp*"])
                .args(["-printf", "%p %y %m %U %G %n %s %l %T@\n"])
                .output()
                .unwrap();
            let mut lines: Vec<String> =
                String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
            lines.sort();
            // Only posix keeps fractions of seconds, and no format the sizes of directories.
            lines.iter_mut().for_each(|line| {
                let words: Vec<&str> = line.split(' ').collect();
                let size = if words[1] == "d" { "-" } else { words[6] };
                let second = words[8].split('.').next().unwrap();
                *line = [&words[..6], &[size, words[7], second]].concat().join(" ");
            });
            lines
        };
        assert_eq!(listing(&ground.root()), listing(&root), "{format}");
        if format != "ustar" {
            assert_eq!(ground.read(&format!("tmp/{long}")), "long name");
        }
    }
}
