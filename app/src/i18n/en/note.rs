//! English: what Ulysse itself says in the log of an operation.

use domain::backup::Omission;
use domain::failure::Failure;
use domain::note::{MemberNote, NoAnswer, Note};

use super::failure::failure;
use super::trace::step;
use crate::i18n::{Locale, filled, format};

const ENGLISH: Locale = Locale::English;

/// What happened, and what to do about it.
fn both(why: &Failure) -> String {
    let (what, remedy) = failure(why);
    format!("{what} {remedy}")
}

/// One line.
pub(in crate::i18n) fn note(note: &Note) -> String {
    match note {
        Note::InterfaceWithoutAddress { directory } => {
            format!("{directory} has no file “ip” and is left out.")
        }
        Note::Obsolete { file, instead } => format!("{file} is an old spelling: use {instead}."),
        Note::NoEffect { file } => format!("{file} has no effect in this release of Ulysse."),
        Note::WordWithoutEffect { file, word } => {
            format!("{file}: “{word}” has no effect in this release of Ulysse.")
        }
        Note::NeedsFlag { file, flag } => {
            format!("{file} has no effect: it counts with the flag {flag} alone (file “cflags”).")
        }
        Note::Overruled { file, by } => format!("{file} is not read, because there is {by}."),
        Note::NotOfStyle { file, style } => {
            format!("{file} has no effect with init style {style}: its first process is told by a signal.")
        }
        Note::NoController { file } => {
            format!("{file} has no effect: the host has no cgroup controller for it.")
        }
        Note::NotMounted { line, subject, detail } => {
            format!("fstab, line {line}: {subject} was not mounted ({detail}).")
        }
        Note::Traced { step: kind, named } => filled(step(*kind), named),
        Note::StartCommandRuns { seconds } => {
            format!("The start command still runs after {seconds} s; what waits for it goes on.")
        }
        Note::AtStop { failure } => both(failure),
        Note::Vshelper { failure } => {
            format!("What is to follow when it ends of itself may not happen. {}", both(failure))
        }
        Note::TerminalNotEnded { detail } => format!("A terminal was not ended ({detail})."),
        Note::StopTimedOut { seconds } => format!(
            "It did not stop within {seconds} s (apps/vshelper/sync-timeout): its processes are ended."
        ),
        Note::EditsNotNoticed { failure } => {
            format!("Edits by hand could not be noticed. {}", both(failure))
        }
        Note::UsingBase { age_ms } => {
            format!("Using the base made {}.", format::ago(ENGLISH, *age_ms))
        }
        Note::WaitingForBase => "Another build is making this base; waiting for it.".into(),
        Note::WaitingForBuild => "A build uses this base; waiting for it.".into(),
        Note::WaitingForVServer { name } => {
            format!("Another operation is at work on {name}; waiting for it.")
        }
        Note::FilesStay => "The files that are there stay, also when this fails.".into(),
        Note::SetAside { from, to } => format!("{from} becomes {to}."),
        Note::PackagesNotInstalled { list, failure } => {
            format!("The packages of {list} were not installed. {}", both(failure))
        }
        Note::Unpacking { archive } => format!("Unpacking {archive}."),
        Note::ArchiveRead { compression, members, bytes, sha256 } => format!(
            "{compression}: {} members, {} unpacked, SHA-256 {sha256}",
            format::integer(ENGLISH, *members),
            format::bytes(ENGLISH, *bytes)
        ),
        Note::Member { name, how } => member(name, *how),
        Note::MoreMembers { count, how } => {
            let what = match how {
                MemberNote::Device => "device nodes left out",
                MemberNote::LinkToNothing => "hard links to nothing left out",
                MemberNote::Owner => "with owners out of the VServer’s range",
                MemberNote::Attribute => "extended attributes left out",
                MemberNote::Lifted | MemberNote::Tail => "of the same",
            };
            format!("… and {} more {what}", format::integer(ENGLISH, *count))
        }
        Note::Shared { shared_bytes, bytes, can_share } => {
            let why = if *can_share { "" } else { "; this filesystem shares no blocks" };
            let [shared, all] = [shared_bytes, bytes].map(|bytes| format::bytes(ENGLISH, *bytes));
            format!("Shared with other files: {shared} of {all}{why}.")
        }
        Note::Unified { shared_bytes, own_bytes } => {
            let [shared, own] = [shared_bytes, own_bytes].map(|bytes| format::bytes(ENGLISH, *bytes));
            format!("Shared with other VServers: {shared}; its own: {own}.")
        }
        Note::ReferenceIsCopy => "Its files are copied once, into a reference that this clone stands on. A clone of the clone shares them; a source that does not run needs no copy.".into(),
        Note::SharedUnknown => "How much of it is shared could not be counted in time.".into(),
        Note::NoHostKeys => {
            "No ssh host keys could be made. Its sshd needs some: make them in it with ssh-keygen -A."
                .into()
        }
        Note::LinkOfOldHost { path, to } => {
            format!("{path} led to {to} on the old host; a restore makes it anew.")
        }
        Note::LinkToNowhere { path, to } => {
            format!("{path} leads to {to}, which is not on this host. Change or remove it.")
        }
        Note::ConfigLeftOut { path } => {
            format!("{path} is left out: only root at this host’s command line may bring it.")
        }
        Note::HostLinesLeftOut { path } => format!(
            "{path}: lines that name something of the host are left out; only root at its command line may bring them."
        ),
        Note::NoInit { paths, style } => format!(
            "It has no {}, which its init style {style} needs to be started: install one, or choose another style in apps/init/style.",
            paths.join(" or ")
        ),
        Note::NoNameServer => {
            "The host names no name server that a VServer could reach; etc/resolv.conf is as the packages left it."
                .into()
        }
        Note::StaysBecauseOf { path, there } => format!("{path} stays: {there} is there."),
        Note::NameStays { shown } => format!("The file “name” goes on saying “{shown}”."),
        Note::StartedAgain { name } => format!("{name} is started again, as it was."),
        Note::NotStartedAgain { name, failure } => {
            format!("{name} was not started again. {}", both(failure))
        }
        Note::LeftAsItIs { path } => format!("{path} is left as it is."),
        Note::LogTooLong => "… the log goes on, and is not kept beyond this size.".into(),
        Note::PutRight => "The process that did this is gone. It is being put right.".into(),
        Note::Failed { failure } => both(failure),
        Note::BackupHolds { entries, file_bytes, bytes } => format!(
            "{} entries, {} of files; {} written.",
            format::integer(ENGLISH, *entries),
            format::bytes(ENGLISH, *file_bytes),
            format::bytes(ENGLISH, *bytes)
        ),
        Note::ChangedWhileRead { path } => format!("Changed while it was read: {path}"),
        Note::MoreChangedWhileRead { count } => {
            format!("… and {} more that changed while they were read.", format::integer(ENGLISH, *count))
        }
        Note::LeftOut { path, reason } => {
            let why = match reason {
                Omission::TooDeep => "its path is too long or too deep",
                Omission::OtherFilesystem => "another filesystem is mounted there",
                Omission::Gone => "it was gone before it could be read",
                Omission::Unreadable => "it has too many holes",
            };
            format!("Left out ({why}): {path}")
        }
        Note::BackupOfRunning => {
            "It runs, and its filesystem gives no snapshots: what changes meanwhile is listed."
                .into()
        }
        Note::PackagesNotKnown { why } => format!(
            "Which packages were installed is not in the backup’s list: {} Their database is saved with the files.",
            no_answer(why)
        ),
        Note::BackupKept { backup } => format!("Kept as {backup}."),
        Note::BackupRemoved { backup } => format!("Removed {backup}."),
        Note::DevicesNotMade { count } => {
            format!("{} device nodes were not made.", format::integer(ENGLISH, *count))
        }
        Note::HostNameFile { host_name } => format!("etc/hostname says {host_name} now."),
        Note::HostsFile => "etc/hosts says its new name and addresses.".into(),
        Note::OwnMachineId => {
            "It gets a machine id of its own: what it was made of is still there.".into()
        }
        Note::RestoredAs { path } => format!("Restored as {path}."),
        Note::OneOfManyBegun { .. } | Note::OneOfManyEnded { .. } | Note::NoMoreBegun { .. } => {
            super::batch::note(note)
        }
        Note::EnteredStopped => {
            "It does not run, and is not started: its tools run in it by themselves.".into()
        }
        Note::PackageChanged { package, before: None, after: Some(after) } => {
            format!("{package} {after} was installed.")
        }
        Note::PackageChanged { package, before: Some(before), after: None } => {
            format!("{package} {before} was removed.")
        }
        Note::PackageChanged { package, before, after } => format!(
            "{package}: {} is now {}.",
            before.as_deref().unwrap_or("–"),
            after.as_deref().unwrap_or("–")
        ),
        Note::PackagesUnchanged => "No package was changed.".into(),
        Note::NothingPending => "There is no such update.".into(),
        Note::PendingKnown { all, security } => format!(
            "Pending updates: {}; for security: {}.",
            format::integer(ENGLISH, *all),
            format::integer(ENGLISH, *security)
        ),
        Note::PendingNotKnown { failure } => {
            format!("Which updates are pending is not known. {}", both(failure))
        }
        Note::ToolSilent { seconds } => {
            format!("Nothing was said for {seconds} s: what is waited for is ended.")
        }
        Note::ToolInterrupted => "It is asked to stop as soon as nothing is half done.".into(),
        Note::PackagesLeftBroken { failure } => both(failure),
        Note::PackageWouldChange { package, before: None, after: Some(after) } => {
            format!("{package} {after} would be installed.")
        }
        Note::PackageWouldChange { package, before: Some(before), after: None } => {
            format!("{package} {before} would be removed.")
        }
        Note::PackageWouldChange { package, before, after } => format!(
            "{package}: {} would become {}.",
            before.as_deref().unwrap_or("–"),
            after.as_deref().unwrap_or("–")
        ),
        Note::PackagesWouldStay => "No package would be changed.".into(),
    }
}

fn no_answer(why: &NoAnswer) -> String {
    match why {
        NoAnswer::NoProgram { program } => {
            format!(
                "neither the VServer nor the host ({program}) has rpm. Install rpm on the host."
            )
        }
        NoAnswer::NotRun { failure } => format!("rpm could not be run. {}", both(failure)),
        NoAnswer::Failed { detail } => format!("rpm failed ({detail})."),
        NoAnswer::TooLate { seconds } => format!("rpm took longer than {seconds} s."),
        NoAnswer::TooLong => "rpm did not come to an end of its list.".into(),
        NoAnswer::Nothing => "rpm found none in the database.".into(),
    }
}

fn member(name: &str, how: MemberNote) -> String {
    match how {
        MemberNote::Device => format!("{name}: device node left out"),
        MemberNote::LinkToNothing => format!("{name}: hard link to nothing left out"),
        MemberNote::Owner => {
            format!("{name}: the owner is out of the VServer’s range, now nobody")
        }
        MemberNote::Attribute => format!("{name}: extended attribute left out"),
        MemberNote::Lifted => format!("{name}/ holds the root and was moved up"),
        MemberNote::Tail => "What follows the end of the archive was not read.".into(),
    }
}
