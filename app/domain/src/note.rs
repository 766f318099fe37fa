//! What Ulysse itself has to say in an operation's log, beside the lines of the programs it runs.
//!
//! A log is text, a line each. A note is one such line: [`MARK`] and the note as JSON. The engine takes
//! control characters out of every other line, so nobody else's can begin with the mark. The words
//! are `app::i18n`'s, in the language of whoever reads the log.

use serde::{Deserialize, Serialize};

use crate::backup::Omission;
use crate::batch::{Halt, Outcome};
use crate::failure::Failure;
use crate::id::{HostName, OperationId, VServerName};
use crate::init::InitStyle;
use crate::trace::StepKind;

/// What a line begins with that is a note.
pub const MARK: char = '\u{1e}';

/// Something that Ulysse says in a log. Paths and names are as they are to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// A directory below `interfaces/` has no `ip` and is left out.
    InterfaceWithoutAddress {
        /// Which.
        directory: String,
    },
    /// A config file is an old spelling.
    Obsolete {
        /// Which file.
        file: String,
        /// What to write instead.
        instead: String,
    },
    /// A config file says something that this release does not do.
    NoEffect {
        /// Which.
        file: String,
    },
    /// A word of a config file says something that this release does not do.
    WordWithoutEffect {
        /// The file.
        file: String,
        /// The word.
        word: String,
    },
    /// A config file counts for nothing without this context flag.
    NeedsFlag {
        /// The file.
        file: String,
        /// The flag.
        flag: String,
    },
    /// A config file is not read because of another one.
    Overruled {
        /// Which.
        file: String,
        /// The other one.
        by: String,
    },
    /// A config file has no effect in this init style.
    NotOfStyle {
        /// The file.
        file: String,
        /// The style.
        style: InitStyle,
    },
    /// The host has no cgroup controller for what a config file says.
    NoController {
        /// The file.
        file: String,
    },
    /// A line of an `fstab` was not mounted.
    NotMounted {
        /// The line, from 1.
        line: usize,
        /// What it names that could not be used.
        subject: String,
        /// The kernel's answer.
        detail: String,
    },
    /// A step of a start or a stop was taken.
    Traced {
        /// What it is.
        step: StepKind,
        /// What it names.
        named: Vec<String>,
    },
    /// The start command was waited for, and still runs.
    StartCommandRuns {
        /// How long was waited.
        seconds: u32,
    },
    /// What failed beside a stop, which went on.
    AtStop {
        /// Why.
        failure: Box<Failure>,
    },
    /// What may keep from happening what is to follow when it ends of itself.
    Vshelper {
        /// Why.
        failure: Box<Failure>,
    },
    /// A terminal was not ended.
    TerminalNotEnded {
        /// Why.
        detail: String,
    },
    /// It did not stop in time, and its processes are ended.
    StopTimedOut {
        /// How long was waited.
        seconds: u32,
    },
    /// Edits by hand could not be noticed.
    EditsNotNoticed {
        /// Why.
        failure: Box<Failure>,
    },
    /// A base that was made before is used.
    UsingBase {
        /// How old it is.
        age_ms: u64,
    },
    /// Another build makes the same base.
    WaitingForBase,
    /// A build uses the base.
    WaitingForBuild,
    /// Another operation works on a VServer.
    WaitingForVServer {
        /// Which.
        name: VServerName,
    },
    /// What is in the VServer's directory stays, whatever becomes of the build.
    FilesStay,
    /// Something was moved out of the way.
    SetAside {
        /// What.
        from: String,
        /// Where it is now.
        to: String,
    },
    /// A list of packages was not installed, which it says it may be.
    PackagesNotInstalled {
        /// The list.
        list: String,
        /// Why.
        failure: Box<Failure>,
    },
    /// An archive is unpacked.
    Unpacking {
        /// Which.
        archive: String,
    },
    /// What was found in an archive.
    ArchiveRead {
        /// How it is compressed.
        compression: String,
        /// How many members.
        members: u64,
        /// Their size.
        bytes: u64,
        /// Of the archive.
        sha256: String,
    },
    /// A member of an archive was made otherwise than it says.
    Member {
        /// Which.
        name: String,
        /// How.
        how: MemberNote,
    },
    /// More members of an archive were.
    MoreMembers {
        /// How many.
        count: u64,
        /// How.
        how: MemberNote,
    },
    /// How much of a copy takes no space of its own.
    Shared {
        /// So much.
        shared_bytes: u64,
        /// Of so much.
        bytes: u64,
        /// Whether the filesystem can share blocks at all.
        can_share: bool,
    },
    /// How much of a unified clone others have too.
    Unified {
        /// So much is in its reference.
        shared_bytes: u64,
        /// So much in its own layer.
        own_bytes: u64,
    },
    /// The files of a source that runs are copied once, and the copy is the reference.
    ReferenceIsCopy,
    /// How much of a copy is shared could not be counted in time.
    SharedUnknown,
    /// No ssh host keys could be made.
    NoHostKeys,
    /// A link of a config tree led to a place of the host it was saved of; a restore makes it anew.
    LinkOfOldHost {
        /// Which.
        path: String,
        /// To where.
        to: String,
    },
    /// A link of a saved config tree leads to what is not on this host.
    LinkToNowhere {
        /// Which.
        path: String,
        /// To where.
        to: String,
    },
    /// A file of an uploaded config tree is left out: only root at the command line may bring it.
    ConfigLeftOut {
        /// Which.
        path: String,
    },
    /// Lines of an uploaded fstab that name something of the host's are left out.
    HostLinesLeftOut {
        /// Of which file.
        path: String,
    },
    /// A new VServer lacks what its init style starts.
    NoInit {
        /// What one of has to be there.
        paths: Vec<String>,
        /// The style.
        style: InitStyle,
    },
    /// The host names no name server that a VServer could reach.
    NoNameServer,
    /// Something of a VServer's keeps its place, because of what is there.
    StaysBecauseOf {
        /// What.
        path: String,
        /// What is at its new place.
        there: String,
    },
    /// The file `name` of a config tree says what it said.
    NameStays {
        /// What it says.
        shown: String,
    },
    /// A VServer was started again as it was.
    StartedAgain {
        /// Which.
        name: VServerName,
    },
    /// A VServer could not be started again.
    NotStartedAgain {
        /// Which.
        name: VServerName,
        /// Why.
        failure: Box<Failure>,
    },
    /// A directory is left as it is.
    LeftAsItIs {
        /// Which.
        path: String,
    },
    /// The log goes on, and is not kept beyond its size.
    LogTooLong,
    /// The process that did an operation is gone; it is put right.
    PutRight,
    /// Why an operation did not go on.
    Failed {
        /// Why.
        failure: Box<Failure>,
    },
    /// What a backup holds.
    BackupHolds {
        /// How many files, directories and links.
        entries: u64,
        /// The size of its files.
        file_bytes: u64,
        /// Its own size.
        bytes: u64,
    },
    /// A file changed while it was read for a backup.
    ChangedWhileRead {
        /// Which.
        path: String,
    },
    /// So many more changed while they were read.
    MoreChangedWhileRead {
        /// How many.
        count: u64,
    },
    /// Something is not in a backup.
    LeftOut {
        /// What.
        path: String,
        /// Why.
        reason: Omission,
    },
    /// A backup is made of a VServer that runs, without a snapshot.
    BackupOfRunning,
    /// What was installed is not in a backup's list.
    PackagesNotKnown {
        /// Why.
        why: NoAnswer,
    },
    /// A backup is kept.
    BackupKept {
        /// Which.
        backup: String,
    },
    /// A backup was removed.
    BackupRemoved {
        /// Which.
        backup: String,
    },
    /// Device nodes of a backup were not made.
    DevicesNotMade {
        /// How many.
        count: u64,
    },
    /// `etc/hostname` of what was restored says this now.
    HostNameFile {
        /// Its host name.
        host_name: HostName,
    },
    /// `etc/hosts` of what was restored says its new name and addresses.
    HostsFile,
    /// What was restored gets a machine id of its own: what it was made of is still there.
    OwnMachineId,
    /// One file of a backup was put here.
    RestoredAs {
        /// Where.
        path: String,
    },
    /// One of a batch is begun.
    OneOfManyBegun {
        /// Which.
        name: VServerName,
        /// The operation that does it.
        operation: OperationId,
    },
    /// One of a batch has ended.
    OneOfManyEnded {
        /// Which.
        name: VServerName,
        /// As what.
        outcome: Outcome,
    },
    /// No more of a batch are begun.
    NoMoreBegun {
        /// Why.
        halt: Halt,
        /// How many are left.
        left: u16,
    },
    /// The VServer does not run: its tools run in it without its being started.
    EnteredStopped,
    /// A package came, went or has another version.
    PackageChanged {
        /// Which.
        package: String,
        /// Its version before; none when it was not there.
        before: Option<String>,
        /// Its version now; none when it is gone.
        after: Option<String>,
    },
    /// No package has another version.
    PackagesUnchanged,
    /// There is no update of the kind that was wanted.
    NothingPending,
    /// What is pending was asked.
    PendingKnown {
        /// How many updates.
        all: u64,
        /// How many of them are security's.
        security: u64,
    },
    /// What is pending was asked, and nobody could say.
    PendingNotKnown {
        /// Why.
        failure: Box<Failure>,
    },
    /// A tool said nothing for too long, and what it waits for is ended.
    ToolSilent {
        /// How long was waited.
        seconds: u64,
    },
    /// A tool was asked to stop, which it does when nothing is half done.
    ToolInterrupted,
    /// What failed or was cancelled left packages broken.
    PackagesLeftBroken {
        /// Which, and what mends them.
        failure: Box<Failure>,
    },
    /// What a change of packages that was only foreseen would come to.
    PackageWouldChange {
        /// Of which package.
        package: String,
        /// Its version now; none when it is not there.
        before: Option<String>,
        /// Its version then; none when it would go.
        after: Option<String>,
    },
    /// It would change no package.
    PackagesWouldStay,
}

/// Why a program that was asked about a VServer's files gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoAnswer {
    /// Neither the VServer nor the host has it.
    NoProgram {
        /// Where the host would.
        program: String,
    },
    /// It could not be run.
    NotRun {
        /// Why.
        failure: Box<Failure>,
    },
    /// It failed.
    Failed {
        /// Its exit status and last words.
        detail: String,
    },
    /// It took too long.
    TooLate {
        /// How long was waited.
        seconds: u64,
    },
    /// It said more than was asked for.
    TooLong,
    /// It said nothing.
    Nothing,
}

/// How a member of an archive was made otherwise than it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberNote {
    /// A device node was left out.
    Device,
    /// A hard link to something that is not there was left out.
    LinkToNothing,
    /// Its owner is none of the VServer's and became nobody.
    Owner,
    /// An extended attribute was left out.
    Attribute,
    /// The root lay in this directory and was moved up.
    Lifted,
    /// Something follows the end of the archive and was not read.
    Tail,
}

impl Note {
    /// The line of a log that is this note, without its newline.
    #[must_use]
    pub fn line(&self) -> String {
        // Only a map with keys that are no text could fail; there is none.
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{MARK}{json}")
    }

    /// The note that a line of a log is; none when it is somebody else's.
    #[must_use]
    pub fn of_line(line: &str) -> Option<Self> {
        serde_json::from_str(line.strip_prefix(MARK)?.trim_end()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_one_line_whatever_it_names() {
        let note = Note::NoEffect { file: "a\nb\u{1e}\"".to_owned() };
        let line = note.line();
        assert_eq!(line.chars().filter(|c| c.is_control()).count(), 1, "{line:?}");
        assert_eq!(Note::of_line(&format!("{line}\n")), Some(note));
    }

    #[test]
    fn what_others_say_is_no_note() {
        for line in
            ["", "{\"put_right\":null}", "\"put_right\"", "\u{1e}nonsense", " \u{1e}\"put_right\""]
        {
            assert_eq!(Note::of_line(line), None, "{line:?}");
        }
        assert_eq!(Note::of_line("\u{1e}\"put_right\""), Some(Note::PutRight));
    }
}
