//! The command line that does the same as a form, an operation or a button, quoted for a shell.
//!
//! There is one function for each command. A [`Command`] knows which of its words come from a field of a
//! form, so that a page shows it filled in and the browser goes on filling it as somebody types; an
//! operation is written down with the line of the same function.
//!
//! Not here: the command line of a build, which is long ([`crate::build::BuildSpec::command_line`]).

use core::num::NonZeroUsize;

use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use crate::backup::{BackupId, BackupOrder, BackupRef};
use crate::batch::Batch;
use crate::build::shell_quoted;
use crate::config_entry::{ConfigEntry, ConfigPath, ConfigTree, EntryKind};
use crate::id::{BaseId, Mark, OperationId, TargetName, TemplateName, UserName, VServerName};
use crate::identity::IdentityForm;
use crate::init::Rescue;
use crate::package::{PackageChange, PackageTool};
use crate::process::{Recipient, SignalOrder};
use crate::restore::RestoreForm;
use crate::retention::ScheduleForm;
use crate::service::ServiceOrder;

/// A command line, some of whose words are what fields of a form say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    parts: Vec<Part>,
}

/// A part of a command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Part {
    /// A word that stands as it is.
    Word(String),
    /// What a field says.
    Field {
        /// The field's name in its form.
        name: String,
        /// What stands before the value.
        option: Option<String>,
        /// What stands there when the field is empty: another word, or what is to be typed.
        otherwise: Option<String>,
        /// How the field's text becomes words.
        shape: Shape,
        /// What it says now.
        text: String,
    },
}

/// How the text of a field becomes words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Shape {
    /// One word.
    One,
    /// One for each of those in it, each with its option.
    Each,
    /// The option alone, when there is any text.
    Switch,
}

impl Command {
    /// A command whose words are known.
    #[must_use]
    pub fn of(words: &[&str]) -> Self {
        Self { parts: words.iter().map(|word| Part::Word((*word).to_owned())).collect() }
    }

    fn vserver(name: &str, words: &[&str]) -> Self {
        Self::of(&["vserver", name]).and(words)
    }

    fn and(mut self, words: &[&str]) -> Self {
        self.parts.extend(Self::of(words).parts);
        self
    }

    fn field(
        mut self,
        shape: Shape,
        name: &str,
        option: Option<&str>,
        otherwise: Option<&str>,
        text: &str,
    ) -> Self {
        let (option, otherwise) = (option.map(str::to_owned), otherwise.map(str::to_owned));
        let (name, text) = (name.to_owned(), text.to_owned());
        self.parts.push(Part::Field { name, option, otherwise, shape, text });
        self
    }

    /// A word that must be typed.
    fn word(self, name: &str, otherwise: &str, text: &str) -> Self {
        self.field(Shape::One, name, None, Some(otherwise), text)
    }

    /// An option that is left out when its field is empty.
    fn option(self, option: &str, name: &str, text: &str) -> Self {
        self.field(Shape::One, name, Some(option), None, text)
    }

    fn each(self, option: &str, name: &str, text: &str) -> Self {
        self.field(Shape::Each, name, Some(option), None, text)
    }

    fn switch(self, option: &str, name: &str, is_on: bool) -> Self {
        self.field(Shape::Switch, name, Some(option), None, if is_on { "true" } else { "" })
    }

    /// What a field says by now.
    pub fn fill(&mut self, field: &str, new: &str) {
        for part in &mut self.parts {
            if let Part::Field { name, text, .. } = part
                && name == field
            {
                new.clone_into(text);
            }
        }
    }

    /// The fields that it is made of.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let names = self.parts.iter().filter_map(|part| match part {
            Part::Field { name, .. } => Some(name.clone()),
            Part::Word(_) => None,
        });
        names.collect()
    }

    /// As a person would type it in a shell. What is still to be typed stands there as it is called.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = String::new();
        let mut push = |word: &str| {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        };
        for part in &self.parts {
            match part {
                Part::Word(word) => push(&shell_quoted(word)),
                Part::Field { option, otherwise, shape, text, .. } => {
                    let text = text.trim();
                    if text.is_empty() {
                        otherwise.iter().for_each(|word| push(word));
                        continue;
                    }
                    let mut with_option = |word: Option<&str>| {
                        option.iter().for_each(|option| push(option));
                        word.iter().for_each(|word| push(&shell_quoted(word)));
                    };
                    match shape {
                        Shape::One => with_option(Some(text)),
                        Shape::Each => {
                            text.split_whitespace().for_each(|word| with_option(Some(word)));
                        }
                        Shape::Switch => with_option(None),
                    }
                }
            }
        }
        line
    }
}

/// Starts it.
#[must_use]
pub fn start(name: &VServerName) -> Command {
    Command::vserver(name.as_str(), &["start"])
}

/// Does something to a service inside it.
#[must_use]
pub fn service(order: &ServiceOrder) -> Command {
    let words = order.words();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Command::vserver(order.vserver.as_str(), &["exec"]).and(&words)
}

/// Starts something else in it than its init.
#[must_use]
pub fn rescue(name: &VServerName, rescue: &Rescue) -> Command {
    let mut words = vec!["start", "--rescue"];
    words.extend(rescue.is_init.then_some("--rescue-init"));
    words.extend(rescue.command().iter().map(String::as_str));
    Command::vserver(name.as_str(), &words)
}

/// Stops it.
#[must_use]
pub fn stop(name: &VServerName) -> Command {
    Command::vserver(name.as_str(), &["stop"])
}

/// Stops it if it runs, and starts it.
#[must_use]
pub fn restart(name: &VServerName) -> Command {
    Command::vserver(name.as_str(), &["restart"])
}

/// A shell inside.
#[must_use]
pub fn enter(name: &VServerName) -> Command {
    Command::vserver(name.as_str(), &["enter"])
}

/// Removes it and its files.
#[must_use]
pub fn delete(name: &VServerName, at_once: bool) -> Command {
    Command::vserver(name.as_str(), if at_once { &["delete", "--now"] } else { &["delete"] })
}

/// Protects it against deletion, or takes that away.
#[must_use]
pub fn protect(name: &VServerName, on: bool) -> Command {
    Command::vserver(name.as_str(), &[if on { "protect" } else { "unprotect" }])
}

/// Gives it another name, or other values under the same one.
#[must_use]
pub fn identity(name: &VServerName, form: &IdentityForm) -> Command {
    Command::vserver(name.as_str(), &[])
        .field(Shape::One, "form[name]", Some("rename"), Some("set"), &form.name)
        .values(form)
        .switch("--restart", "form[restart]", form.restart)
}

/// Gets it back from the recycle bin.
#[must_use]
pub fn undelete(entry: &OperationId, form: &IdentityForm) -> Command {
    Command::of(&["ulysse", "bin", "restore", entry.as_str()])
        .option("--as", "form[name]", &form.name)
        .values(form)
}

impl Command {
    fn values(self, form: &IdentityForm) -> Self {
        self.option("--context", "form[context]", &form.context)
            .option("--hostname", "form[host_name]", &form.host_name)
            .each("--interface", "form[interfaces]", &form.interfaces)
    }
}

/// Removes one from the recycle bin, for good.
#[must_use]
pub fn purge(entry: &OperationId) -> Command {
    Command::of(&["ulysse", "bin", "remove", entry.as_str()])
}

/// Removes all from the recycle bin that are not protected, for good.
#[must_use]
pub fn empty_bin() -> Command {
    Command::of(&["ulysse", "bin", "empty"])
}

/// Takes a backup.
#[must_use]
pub fn take_backup(BackupOrder { vserver, target, pause }: &BackupOrder) -> Command {
    Command::vserver(vserver.as_str(), &["backup"])
        .option("--target", "target", target.as_str())
        .switch("--pause", "pause", *pause)
}

/// Makes a backup of what somebody saved by hand in directories and archives; an archive that comes from
/// elsewhere has no path.
#[must_use]
pub fn import(vserver: &str, target: &str, paths: &[String]) -> Command {
    let command = Command::of(&["ulysse", "backup", "import"]).word("name", "NAME", vserver);
    let command = match paths {
        [] => command.and(&["ARCHIVE"]),
        paths => paths.iter().fold(command, |command, path| command.and(&[path])),
    };
    command.option("--target", "target", target)
}

/// Makes a VServer of a backup.
#[must_use]
pub fn restore(backup: &BackupRef, form: &RestoreForm) -> Command {
    Command::of(&["vserver"])
        .word("name", backup.vserver.as_str(), &form.name)
        .and(&["backup", "restore", &backup.to_string()])
        .option("--context", "context", &form.context)
        .option("--hostname", "host_name", &form.host_name)
        .each("--interface", "interfaces", &form.interfaces)
        .switch("--keep-host-keys", "keep_host_keys", form.keep_host_keys)
}

/// Puts a file of a backup back.
#[must_use]
pub fn restore_file(backup: &BackupRef, into: &VServerName, path: &str) -> Command {
    let path = format!("/{}", path.trim_start_matches('/'));
    Command::vserver(into.as_str(), &["backup", "restore-file", &backup.to_string(), &path])
}

/// Reads a backup and compares it with what was written.
#[must_use]
pub fn verify_backup(backup: &BackupRef) -> Command {
    Command::of(&["ulysse", "backup", "verify", &backup.to_string()])
}

/// Removes backups of a VServer.
#[must_use]
pub fn remove_backups(target: &TargetName, vserver: &VServerName, ids: &[BackupId]) -> Command {
    ids.iter().fold(Command::of(&["ulysse", "backup", "remove"]), |command, id| {
        command.and(&[&format!("{target}:{vserver}:{id}")])
    })
}

/// Removes the backups at a target that a policy does not keep; what is not named is the schedule's.
#[must_use]
pub fn prune_backups(
    vserver: &VServerName,
    target: Option<&TargetName>,
    keep: Option<&str>,
) -> Command {
    Command::vserver(vserver.as_str(), &["backup", "prune"])
        .option("--target", "target", target.map_or("", TargetName::as_str))
        .option("--keep", "keep", keep.unwrap_or_default())
}

/// Says when backups are taken; without a time, that none are any more.
#[must_use]
pub fn schedule_backups(vserver: &VServerName, form: &ScheduleForm) -> Command {
    let command = Command::vserver(vserver.as_str(), &["backup", "schedule"]);
    if form.when.trim().is_empty() {
        return command.and(&["--off"]);
    }
    command
        .option("--target", "target", &form.target)
        .option("--when", "when", &form.when)
        .option("--keep", "keep", &form.keep)
}

/// Keeps an archive of the host's as a template; an archive that comes from elsewhere has no path.
#[must_use]
pub fn add_template(name: &str, description: &str) -> Command {
    Command::of(&["ulysse", "template", "add"]).word("name", "NAME", name).and(&["ARCHIVE"]).option(
        "--description",
        "description",
        description,
    )
}

/// Removes a template.
#[must_use]
pub fn remove_template(name: &TemplateName) -> Command {
    Command::of(&["ulysse", "template", "remove", name.as_str()])
}

/// Makes a cached base system anew.
#[must_use]
pub fn refresh_base(id: &BaseId) -> Command {
    Command::of(&["ulysse", "base", "refresh", id.short()])
}

/// Removes a cached base system.
#[must_use]
pub fn remove_base(id: &BaseId) -> Command {
    Command::of(&["ulysse", "base", "remove", id.short()])
}

/// Writes a file of a config tree, or removes it when it shall have no text; several lines are typed into
/// an editor.
#[must_use]
pub fn edit_config(tree: &ConfigTree, path: &ConfigPath, text: Option<&str>) -> Command {
    let start = Command::vserver(tree.directory(), &["config"]);
    match (text, ConfigEntry::of(tree, path).map(ConfigEntry::kind)) {
        (None, _) => start.and(&["unset", path.as_str()]),
        (Some(_), Some(EntryKind::Switch)) => start.and(&["set", path.as_str()]),
        (Some(text), Some(EntryKind::Scalar)) => {
            start.and(&["set", path.as_str(), text.trim_end()])
        }
        (Some(_), _) => start.and(&["edit", path.as_str()]),
    }
}

/// Gives a VServer a mark, or takes it away.
#[must_use]
pub fn mark(name: &VServerName, mark: &str, on: bool) -> Command {
    Command::vserver(name.as_str(), &[if on { "mark" } else { "unmark" }, mark])
}

/// Gives what is mounted at a path of its own the size and flags that its fstab says by now.
#[must_use]
pub fn remount(name: &VServerName, target: &str) -> Command {
    Command::vserver(name.as_str(), &["remount", target])
}

/// Starts what starts with the host; with this mark, so many at once.
#[must_use]
pub fn boot_start(with: Option<(&Mark, NonZeroUsize)>) -> Command {
    let command = Command::of(&["ulysse", "boot", "start"]);
    match with {
        None => command,
        Some((mark, at_once)) => {
            command.and(&["--mark", mark.as_str(), "--at-once", &at_once.to_string()])
        }
    }
}

/// Undoes a change of a config tree.
#[must_use]
pub fn undo_config(tree: &ConfigTree, number: u32) -> Command {
    Command::vserver(tree.directory(), &["config", "undo", &number.to_string()])
}

/// Does one thing to many VServers; none when it is not the same for all.
#[must_use]
pub fn batch(batch: &Batch) -> Option<Command> {
    let commands = batch_commands(batch);
    let after_name = |(name, command): &(&str, Command)| match command.parts.as_slice() {
        [Part::Word(program), Part::Word(of), rest @ ..] if of == name => {
            Some((program.clone(), rest.to_vec()))
        }
        _ => None,
    };
    let (program, rest) = commands
        .first()
        .and_then(after_name)
        .filter(|first| commands.iter().all(|one| after_name(one).as_ref() == Some(first)))?;
    let mut names: Vec<&str> = commands.iter().take(MOST_NAMED).map(|(name, _)| *name).collect();
    names.extend((commands.len() > MOST_NAMED).then_some("…"));
    let pace = batch.pace();
    let of = |number: Option<NonZeroU16>| number.map(|number| number.to_string());
    let mut command = Command::of(&[&program])
        .option("--names", "names[]", &names.join(","))
        .option("--at-once", "form[at_once]", &u8::from(pace.at_once).to_string())
        .option("--canary", "form[canary]", &of(pace.canary).unwrap_or_default())
        .option(
            "--stop-after",
            "form[stop_after]",
            &of(pace.stop_after_failures).unwrap_or_default(),
        );
    command.parts.extend(rest);
    Some(command)
}

/// The line that does one thing to many, or a line for each where it is not the same for all.
#[must_use]
pub fn batch_line(of: &Batch) -> String {
    let each = || {
        let lines = batch_commands(of).into_iter().take(MOST_NAMED).map(|(_, one)| one.line());
        lines.collect::<Vec<_>>().join("; ")
    };
    batch(of).map_or_else(each, |command| command.line())
}

/// Of more VServers the names are not written out.
const MOST_NAMED: usize = 100;

fn batch_commands(batch: &Batch) -> Vec<(&str, Command)> {
    let commands = batch.changes().iter();
    commands
        .filter_map(|change| change.of_many().map(|name| (name.as_str(), change.command())))
        .collect()
}

/// Asks an operation to stop and undo itself.
#[must_use]
pub fn cancel(id: &OperationId) -> Command {
    Command::of(&["ulysse", "cancel", id.as_str()])
}

/// Sends a signal; the page of a process fills it in by its field.
#[must_use]
pub fn signal(SignalOrder { vserver, signal, to }: &SignalOrder) -> Command {
    let command = Command::of(&["vkill"])
        .option("-s", "signal", &signal.to_string())
        .and(&["--xid", vserver.as_str()]);
    match to {
        Recipient::Process(process) => command.and(&[&process.pid.to_string()]),
        Recipient::Everyone => command,
    }
}

/// Makes a user.
#[must_use]
pub fn create_user(name: &str, role: &str) -> Command {
    Command::of(&["ulysse", "user", "create"]).word("name", "NAME", name).field(
        Shape::One,
        "role",
        Some("--role"),
        None,
        role,
    )
}

/// Gives a user another role.
#[must_use]
pub fn set_role(name: &UserName, role: &str) -> Command {
    Command::of(&["ulysse", "user", "role", name.as_str()]).word("role", "ROLE", role)
}

/// Keeps a user out, or lets them in again.
#[must_use]
pub fn set_disabled(name: &UserName, disabled: bool) -> Command {
    Command::of(&["ulysse", "user", if disabled { "disable" } else { "enable" }, name.as_str()])
}

/// Gives a user another password.
#[must_use]
pub fn reset_password(name: &UserName) -> Command {
    Command::of(&["ulysse", "user", "reset-password", name.as_str()])
}

/// Does something with its packages.
#[must_use]
pub fn packages(name: &VServerName, change: &PackageChange) -> Command {
    Command::vserver(name.as_str(), &["packages"]).and(&change.words())
}

/// Looks in its lists for packages like this text.
#[must_use]
pub fn search_packages(name: &VServerName, text: &str) -> Command {
    Command::vserver(name.as_str(), &["packages", "search"]).and(&[text])
}

/// Runs a tool of its package system in it.
#[must_use]
pub fn package_tool(name: &VServerName, tool: PackageTool, arguments: &[String]) -> Command {
    let program = match tool {
        PackageTool::AptCache | PackageTool::AptConfig => {
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            return Command::vserver(name.as_str(), &[tool.program()]).and(&words);
        }
        PackageTool::AptGet => "vapt-get",
        PackageTool::Yum => "vyum",
        PackageTool::Dnf => "vdnf",
        PackageTool::Rpm => "vrpm",
    };
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Command::of(&[program, name.as_str(), "--"]).and(&words)
}
