//! English: what did not happen, and what to do about it.

use domain::config_change::NotEditable;
use domain::failure::{BaseProblem, Failure, HostFeature, ProgramProblem};

use super::archive;
use super::problem::problem;

use crate::i18n::{Locale, format, refused_action};

/// What happened, what to do.
#[expect(clippy::too_many_lines, reason = "one line of text a failure")]
pub(crate) fn failure(failure: &Failure) -> (String, String) {
    let (what, remedy): (String, String) = match failure {
        Failure::Invalid { errors } if errors.0.len() == 1 => (
            "One field needs another value; nothing was done.".into(),
            "Correct it and send the form again.".into(),
        ),
        Failure::Invalid { errors } => (
            format!("{} fields need other values; nothing was done.", errors.0.len()),
            "Correct them and send the form again.".into(),
        ),
        Failure::NotLoggedIn => ("Nobody is logged in.".into(), "Log in, then try again.".into()),
        Failure::NotAllowed { action } => (
            match refused_action(Locale::English, action) {
                Some(action) => format!("Your role does not allow you to {action}."),
                None => "This is not allowed to you now.".into(),
            },
            "Ask an administrator to do it, or to give you another role.".into(),
        ),
        Failure::CrossSite => (
            "The form did not come from this site, or its page was too old; nothing was done."
                .into(),
            "Load the page again and send the form from there.".into(),
        ),
        Failure::WrongCredentials => (
            "The user name or the password is wrong.".into(),
            "Try again. An administrator can reset a forgotten password.".into(),
        ),
        Failure::LockedOut { seconds } => {
            ("Too many failed log-ins.".into(), format!("Wait {seconds} seconds, then try again."))
        }
        Failure::SetupLinkInvalid => (
            "This set-up link was used, has expired or never was one.".into(),
            "If nobody has an account yet, restart Ulysse: it prints a new link. Otherwise log in."
                .into(),
        ),
        Failure::LastAdministrator => (
            "This is the last administrator who can log in.".into(),
            "Make another user an administrator first.".into(),
        ),
        Failure::NoSuchVServer { name } => (
            format!("There is no VServer “{name}”."),
            "Check the spelling, or look in the list: it may have been deleted.".into(),
        ),
        Failure::NoSuchOperation { id } => (
            format!("There is no operation {id}."),
            "Look for it in the list of operations.".into(),
        ),
        Failure::NoSuchTerminal => (
            "This terminal has ended, or never was yours.".into(),
            "Open a new one on the VServer’s page.".into(),
        ),
        Failure::NoSuchUser => {
            ("There is no such user.".into(), "Load the list of users again.".into())
        }
        Failure::AlreadyRunning { name } => (
            format!("{name} is already running."),
            "There is nothing to do; restart it if that is what you want.".into(),
        ),
        Failure::NotRunning { name } => {
            (format!("{name} is not running."), "Start it first.".into())
        }
        Failure::Busy { name, operation: Some(id) } => (
            format!("Another operation ({id}) is at work on {}.", name.name()),
            "Wait until it has ended, or cancel it.".into(),
        ),
        Failure::Busy { name, operation: None } => (
            format!("Something else is at work on {}.", name.name()),
            "Wait a moment, then try again.".into(),
        ),
        Failure::QueueFull { limit } => (
            format!("{limit} operations are waiting already."),
            "Wait until some have ended, then try again.".into(),
        ),
        Failure::MirrorUnreachable { mirror, detail } => (
            format!("The mirror {mirror} did not deliver: {detail}"),
            "Check its address and that it has this suite, and the host’s network and name server."
                .into(),
        ),
        Failure::DebootstrapFailed { detail } => (
            format!("debootstrap failed: {detail}"),
            "The log says more. A misspelt package is the most common cause.".into(),
        ),
        Failure::DiskFull { path } => (
            format!("There is no space left at {path}."),
            "Free some space or give that filesystem more, then try again.".into(),
        ),
        Failure::BadConfig { file, line, expected } => (
            format!(
                "{file}, line {line} cannot be understood: expected {}.",
                super::expected::expected(expected)
            ),
            "Correct the file; it is read again at the next use.".into(),
        ),
        Failure::ConfigRefused { problems } => (
            match problems.as_slice() {
                [one] => format!(
                    "{}, line {}: expected {}. Nothing was changed.",
                    one.path,
                    one.line,
                    super::expected::expected(&one.expected)
                ),
                all => format!("{} lines make no sense; nothing was changed.", all.len()),
            },
            "Correct what is named and send it again.".into(),
        ),
        Failure::ConfigChanged { path } => (
            format!("{path} has been changed by somebody else meanwhile; nothing was done."),
            "Look at what it says now, then make your change again.".into(),
        ),
        Failure::ConfigTreeChanged { name } => (
            format!(
                "The configuration of {name} has been changed by somebody else meanwhile; nothing was done."
            ),
            "Look at what it says now, then make your change again.".into(),
        ),
        Failure::ConfigNotEditable { path, reason } => {
            let (why, remedy) = not_editable(*reason);
            (format!("{path} cannot be changed here: {why}."), remedy.into())
        }
        Failure::ConfigUnchanged => (
            "It says that already; there is nothing to change.".into(),
            "Change something first.".into(),
        ),
        Failure::NoSuchConfigChange { number } => (
            format!("There is no change {number} that could be undone."),
            "Look at the history: old changes are not kept for ever, and of links and of files \
             that are not text there is nothing to put back."
                .into(),
        ),
        Failure::InterfacesUnusable { name, directory, problem: why } => (
            format!("The network of {name} cannot be made. {}", problem(why)),
            format!("Its addresses and devices stand in {directory}: change them there, or in its configuration."),
        ),
        Failure::EmptyRoot { name, path } => (
            format!("There is nothing in {path}, where the files of {name} should be."),
            "Is its volume mounted? Mount it, and let a line of the host’s fstab do so when the host boots. If the files are gone, restore them from a backup."
                .into(),
        ),
        Failure::NoInit { name, path } => (
            format!("{name} has no {path}, which its init style needs."),
            "Install an init in it, or choose another style in apps/init/style.".into(),
        ),
        Failure::OtherArchitecture { name, path } => (
            format!("{path} of {name} is not a program of this host’s architecture."),
            "Only those can run: a VServer of a 32-bit distribution (i386, armhf) cannot. Build one of \
             this host’s architecture and copy what it serves into it."
                .into(),
        ),
        Failure::TooManyFiles { bytes } => (
            format!(
                "It has more files than a backup can hold: their list alone would be longer than {}.",
                format::bytes(Locale::English, *bytes)
            ),
            "Remove what it does not need (a forgotten cache or queue is most likely), or copy its \
             files in another way."
                .into(),
        ),
        Failure::NoReference { path } => (
            format!("The files that it shares with other VServers are gone: {path}"),
            "Put that directory back, or restore the VServer from a backup.".into(),
        ),
        Failure::HostLacks { feature, detail } => {
            let (thing, remedy) = host_feature(*feature);
            (format!("This host lacks {thing}: {detail}"), remedy.into())
        }
        Failure::ProgramFailed { program, detail } => (
            format!("{program} failed: {detail}"),
            "The operation’s log holds what it said before.".into(),
        ),
        Failure::RemoteDenied { host, public_key, detail } => (
            format!("{host} does not let Ulysse log in: {detail}"),
            if public_key.is_empty() {
                "Check that the key that was given is in ~/.ssh/authorized_keys over there.".into()
            } else {
                format!(
                    "Add this line to ~/.ssh/authorized_keys over there, then try again: {public_key}"
                )
            },
        ),
        Failure::NoSuchBackup { backup } => (
            format!("There is no backup {backup}."),
            "Look in the list of backups: it may have been removed.".into(),
        ),
        Failure::BackupDamaged { backup, detail } => (
            format!("The backup {backup} is damaged: {detail}"),
            "Take a new one now, and look after the disk it is on.".into(),
        ),
        Failure::TargetUnreachable { target, detail } => (
            format!("Backups cannot be kept at {target}: {detail}"),
            "See to the directory or host that the settings name for it, then try again.".into(),
        ),
        Failure::NoSuchTarget { target } => (
            format!("The settings name no place {target} for backups."),
            "Choose another one, or add it under [backup.targets] in the settings.".into(),
        ),
        Failure::UnsafeProgram { program, path, problem } => (
            match problem {
                ProgramProblem::NotAbsolute => {
                    format!("{program} was not run: {path} does not begin with “/”.")
                }
                ProgramProblem::NotRoots => {
                    format!("{program} was not run: {path} belongs to somebody else than root.")
                }
                ProgramProblem::WritableByOthers => {
                    format!("{program} was not run: others than root may write {path}.")
                }
                ProgramProblem::NoFile => format!("{program} was not run: {path} is no file."),
            },
            match problem {
                ProgramProblem::NotAbsolute | ProgramProblem::NoFile => {
                    "Correct it, or remove it.".into()
                }
                ProgramProblem::NotRoots | ProgramProblem::WritableByOthers => format!(
                    "It would run as root on the host. See who wrote it, then: chown root {path}; chmod go-w {path}"
                ),
            },
        ),
        Failure::TimedOut { what, seconds } => (
            format!("{what} took longer than {seconds} seconds."),
            "Try again; the log says how far it came.".into(),
        ),
        Failure::Cancelled => (
            "It was cancelled, and what had been done was undone.".into(),
            "There is nothing to clean up.".into(),
        ),
        Failure::Interrupted => (
            "The process that did it was ended; what it had done was undone.".into(),
            "There is nothing to clean up. Try again.".into(),
        ),
        Failure::EngineDown => (
            "The engine does not answer. VServers that run go on running.".into(),
            "It is restarted by itself; load the page again in a few seconds. If this lasts, look \
             at the service’s log on the host (journalctl -u ulysse)."
                .into(),
        ),
        Failure::ArchiveRefused { problem, name } => (
            match name {
                Some(name) => format!(
                    "The archive is refused, because of “{name}”. {}",
                    archive::problem(*problem)
                ),
                None => format!("The archive is refused. {}", archive::problem(*problem)),
            },
            archive::remedy(*problem).into(),
        ),
        Failure::UploadBroken { bytes } => (
            format!("The upload was broken off after {bytes} bytes; nothing of it was kept."),
            "Send the archive again; on the host, ulysse template add takes it without an upload."
                .into(),
        ),
        Failure::NoSuchTemplate { name } => (
            format!("There is no template “{name}”."),
            "The page of templates and bases, and ulysse template list, show those there are."
                .into(),
        ),
        Failure::NoSuchBase { id } => (
            format!("There is no base “{}”.", id.short()),
            "The page of templates and bases, and ulysse base list, show those there are.".into(),
        ),
        Failure::Protected { name } => (
            format!("{name} is protected against deletion; nothing was done."),
            format!(
                "Take the protection away first: on its page, or with vserver {name} unprotect. In \
                 the recycle bin: restore it before."
            ),
        ),
        Failure::MustBeStopped { name } => (
            format!("{name} is running, and has to be stopped for this; nothing was done."),
            "Stop it first, or allow the stop and start: with the box of the form, with --restart \
             at the command line."
                .into(),
        ),
        Failure::NothingToChange => (
            "Everything is already as it is asked for.".into(),
            "Give at least one other value.".into(),
        ),
        Failure::NotInBin { what } => (
            format!("“{what}” is not in the recycle bin."),
            "Look at what is in it: it may have been restored, or removed for good.".into(),
        ),
        Failure::Mounted { path } => (
            format!("{path} is mounted, inside the VServer’s files; nothing was done."),
            format!("Unmount it (umount {path}), then try again."),
        ),
        Failure::Place { path, problem } => super::place::place(path, problem),
        Failure::BaseUnusable { link, path, problem } => {
            let (what, remedy) = base_problem(*problem, path);
            (format!("VServers' files are to go to {path}, as {link} says, but {what}."), remedy)
        }
        Failure::PackageToolFailed { program, status, detail } => (
            format!("{program} ended with status {status}: {detail}"),
            match domain::package::says_unknown(detail) {
                true => "Nothing was changed. Look at how its name is written, or fetch the lists first: “Refresh”.".into(),
                false => "The operation’s log says more. If it says that something is half done, “Repair”, on the page of its packages, finishes that.".into(),
            },
        ),
        Failure::PackagesInterrupted { name } => (
            format!("Packages of {name} were being changed when that was interrupted."),
            format!("What its tools had done stays. Run: vserver {name} packages repair"),
        ),
        Failure::PackagesBroken { name, packages } => (
            format!("Packages of {name} are broken: {}.", packages.join(", ")),
            format!("See why in the log, mend that, then run: vserver {name} packages repair"),
        ),
        Failure::NoPackageSystem { name, system: None } => (
            format!("{name} has neither dpkg nor rpm."),
            "Packages can be managed in Debian’s and Red Hat’s families of systems.".into(),
        ),
        Failure::NoPackageSystem { name, system: Some(system) } => (
            format!("The packages of {name} are kept by {system}, and it has neither dnf nor yum to change them."),
            format!("Install dnf in it with its own rpm: vrpm {name} -- --upgrade FILE…"),
        ),
        Failure::NoVersionLock { name, program } => (
            format!("{program} of {name} has no plugin that keeps packages at their version."),
            "Install that in it: dnf-command(versionlock), or yum-plugin-versionlock for yum.".into(),
        ),
        Failure::Unexpected { detail } => (
            format!("Something unforeseen happened: {detail}"),
            "Try again. If it happens again, tell the administrator the reference below.".into(),
        ),
        Failure::Batch { tally, failed } => super::batch::failure(*tally, failed),
        Failure::NotRemounted { target, problem } => super::mounts::failure(target, *problem),
        Failure::NoSuchProcess { name, pid } => (
            format!("{name} has no process {pid}, or not any more; nothing was sent."),
            format!("Look at its processes as they are now, or at those of all: vps ax | grep {pid}."),
        ),
    };
    (what, remedy)
}

/// Why a directory is no place for VServers' files, and what to do.
fn base_problem(problem: BaseProblem, path: &str) -> (&'static str, String) {
    match problem {
        BaseProblem::Missing => (
            "there is no such directory",
            format!("Make it (install -d -m 700 {path}), mount it, or correct the link."),
        ),
        BaseProblem::NotADirectory => {
            ("that is no directory", "Let the link lead to a directory.".into())
        }
        BaseProblem::NotRootsAlone => (
            "it, or a directory above it, is not root's alone",
            "It and all above it must belong to root, and nobody else may write there.".into(),
        ),
        BaseProblem::OpenToOthers => (
            "other users may enter it, and it holds more than VServers",
            format!(
                "If nobody else needs it: chmod 700 {path}. Otherwise use a directory for VServers \
                 alone."
            ),
        ),
        BaseProblem::InsideVServer => (
            "that is among the files of a VServer",
            "Let the link lead to a directory of the host's own.".into(),
        ),
    }
}

/// Why a file cannot be changed, and what to do.
pub(crate) fn not_editable(reason: NotEditable) -> (&'static str, &'static str) {
    match reason {
        NotEditable::Unknown => (
            "the original knew no such entry",
            "Check the spelling against the catalogue; on the host, any file can be made by hand.",
        ),
        NotEditable::HostOnly => (
            "it reaches beyond the VServer",
            "Root can change it on the host: vserver NAME config edit PATH.",
        ),
        NotEditable::ByHand => {
            ("it is a link or a program", "Change it by hand on the host, if you are its root.")
        }
        NotEditable::NotText => (
            "it is not text, or too long, and could not be put back",
            "Change or remove it by hand on the host.",
        ),
        NotEditable::NotAFile => {
            ("it is no file, or lies behind a link", "Look at it on the host.")
        }
    }
}

/// Something a host may lack, and what to do.
pub(super) fn host_feature(feature: HostFeature) -> (&'static str, &'static str) {
    match feature {
        HostFeature::Debootstrap => {
            ("the program debootstrap", "Install it: apt-get install debootstrap.")
        }
        HostFeature::UserNamespaces => {
            ("user namespaces", "Allow them: sysctl -w user.max_user_namespaces=15000.")
        }
        HostFeature::IdmappedMounts => (
            "idmapped mounts on the filesystem of the VServers",
            "Put /var/lib/vservers on ext4, xfs or btrfs, on a kernel from 5.15 on.",
        ),
        HostFeature::Cgroups => {
            ("a usable cgroup hierarchy", "Mount cgroup2 at /sys/fs/cgroup, as Debian does.")
        }
        HostFeature::Veth => ("veth devices", "Load the module: modprobe veth."),
        HostFeature::Nftables => {
            ("nftables with address translation", "Install it: apt-get install nftables.")
        }
        HostFeature::Dnf => ("the program dnf", "Install it: apt-get install dnf."),
        HostFeature::Rsync => ("the program rsync", "Install it: apt-get install rsync."),
        HostFeature::Ssh => {
            ("the programs of ssh", "Install them: apt-get install openssh-client.")
        }
        HostFeature::Overlay => {
            ("overlayfs, which shows layers as one tree", "Load the module: modprobe overlay.")
        }
        HostFeature::Root => ("root privileges", "Run the command as root."),
    }
}
