//! What a removal of packages would come to: everything that would go, and what would come or change beside it, as the
//! VServer's own tool says when it only simulates it. Nothing is changed by that.
//!
//! What it says is a stranger's: words are short and printable, and a list that is too long to be told whole is no
//! answer, because somebody is to rely on it.

use domain::note::Note;
use domain::operation::Stage;
use domain::package::{PackageChange, PackageTool};

use super::inside::Inside;
use super::installed::{Record, WORD};
use super::{Tools, apt, dnf, failed, tool_in};
use crate::operation::{Stopped, Work};

/// The most changes that are told.
const FORESEEN: usize = 5000;
/// How many of the words of a row of dnf's are read: name, architecture, version, repository.
const ROW: usize = 4;

/// What would become of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foreseen {
    /// Which.
    pub(super) package: String,
    /// Its version now; none when it is not there.
    pub(super) before: Option<String>,
    /// Its version then; none when it would go.
    pub(super) after: Option<String>,
}

impl Foreseen {
    /// Of words that a tool said; none when one of them is no word.
    pub(super) fn of(package: &str, before: Option<&str>, after: Option<&str>) -> Option<Self> {
        let is_word = |word: &str| {
            (1..=WORD).contains(&word.len()) && word.chars().all(|c| c.is_ascii_graphic())
        };
        let are_words = [Some(package), before, after].into_iter().flatten().all(is_word);
        are_words.then(|| Self {
            package: package.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        })
    }
}

/// Asks what a change that is only foreseen would come to, and tells it.
///
/// # Errors
/// When the tool failed, was interrupted, or says more than can be told.
pub(super) fn foresee(
    inside: &Inside<'_>,
    work: &mut Work<'_>,
    change: &PackageChange,
) -> Result<(), Stopped> {
    let record = inside.last_record(work)?;
    work.progress(Stage::ForeseeingPackages, 200);
    let mut found = match inside.tools {
        Tools::Apt => {
            let versions = record.as_ref().map(Record::versions).unwrap_or_default();
            by_apt(inside, work, &apt::commands(change, inside.is_aside, &[], &versions))?
        }
        Tools::Dnf(tool) => by_dnf(inside, work, tool, change)?,
    };
    // What goes is what matters.
    found.sort_by_key(|one| (one.after.is_some(), one.package.clone()));
    if found.is_empty() {
        work.note(&Note::PackagesWouldStay);
    }
    for Foreseen { package, before, after } in found {
        work.note(&Note::PackageWouldChange { package, before, after });
    }
    Ok(())
}

fn by_apt(
    inside: &Inside<'_>,
    work: &mut Work<'_>,
    commands: &[Vec<String>],
) -> Result<Vec<Foreseen>, Stopped> {
    let mut found = Vec::new();
    for argv in commands {
        work.go_on()?;
        work.log(&domain::build::shell_line(argv));
        let ended = inside.hear(work, argv, true, |line| {
            if found.len() <= FORESEEN {
                found.extend(apt::foreseen(line));
            }
        })?;
        if ended.status != 0 || found.len() > FORESEEN {
            return Err(failed(&tool_in(argv), ended.status, ended.last));
        }
    }
    Ok(found)
}

/// It asks whether it may, which is answered with no: it ends as having failed then, and after it has listed what it
/// would have done.
fn by_dnf(
    inside: &Inside<'_>,
    work: &mut Work<'_>,
    tool: PackageTool,
    change: &PackageChange,
) -> Result<Vec<Foreseen>, Stopped> {
    let mut plan = Plan::default();
    for argv in dnf::commands(change, tool, inside.is_aside) {
        work.go_on()?;
        work.log(&domain::build::shell_line(&argv));
        let ended = inside.hear(work, &argv, true, |line| plan.hear(line))?;
        let is_told = !plan.found.is_empty() && plan.is_over;
        if ended.status != 0 && !is_told || plan.found.len() > FORESEEN {
            return Err(failed(tool.program(), ended.status, ended.last));
        }
    }
    Ok(plan.found)
}

/// The table of what dnf or yum would do, line by line: a heading for what becomes of them, then
/// ` NAME ARCHITECTURE VERSION REPOSITORY SIZE`, on more lines when that is too long for one.
#[derive(Debug, Default)]
struct Plan {
    /// Whether what is listed goes; none before the first heading.
    goes: Option<bool>,
    words: Vec<String>,
    found: Vec<Foreseen>,
    /// Whether the table has come to its end.
    is_over: bool,
}

impl Plan {
    fn hear(&mut self, line: &str) {
        self.is_over |= self.goes.is_some() && line.starts_with("Transaction Summary");
        if self.is_over || self.found.len() > FORESEEN {
            return;
        }
        if !line.starts_with(' ') {
            self.words.clear();
            if line.ends_with(':') {
                self.goes = Some(["Removing", "Erasing"].iter().any(|word| line.starts_with(word)));
            }
            return;
        }
        let Some(goes) = self.goes else { return };
        self.words.extend(line.split_whitespace().take(ROW).map(str::to_owned));
        if self.words.len() < ROW {
            return;
        }
        let words = std::mem::take(&mut self.words);
        let [name, _, version, ..] = words.as_slice() else { return };
        // What another one takes the place of is told below it.
        if name == "replacing" {
            return;
        }
        self.found.extend(match goes {
            true => Foreseen::of(name, Some(version), None),
            false => Foreseen::of(name, None, Some(version)),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(text: &str) -> (Vec<String>, bool) {
        let mut plan = Plan::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            plan.hear(line);
        }
        let found = plan.found.into_iter().map(|one| {
            let version = |version: Option<String>| version.unwrap_or_else(|| "-".to_owned());
            format!("{} {} {}", one.package, version(one.before), version(one.after))
        });
        (found.collect(), plan.is_over)
    }

    #[test]
    fn what_dnf_and_yum_would_do_is_read_from_their_table() {
        let four = "Dependencies resolved.\n====\n Package  Architecture Version  Repository Size\n====\n\
            Removing:\n file x86_64 5.44-3 @System 1.2 M\nRemoving dependent packages:\n\
            \x20a-name-that-is-too-long-for-its-column\n          noarch 1:2-1 @System 8 k\n\n\
            Transaction Summary\n====\nRemove  2 Packages\n\nFreed space: 1.2 M\nOperation aborted.\n";
        let found = ["file 5.44-3 -", "a-name-that-is-too-long-for-its-column 1:2-1 -"];
        assert_eq!(planned(four), (found.map(str::to_owned).into(), true));
        let three = "Resolving Dependencies\n--> Running transaction check\n---> Package safe.noarch 0:1.1-1 \
            will be erased\n--> Finished Dependency Resolution\n\nDependencies Resolved\n\n====\n \
            Package Arch Version Repository Size\n====\nRemoving:\n safe noarch 1.1-1 @test 0.0\n\
            Removing for dependencies:\n user noarch 2-1 @test 0.0\n\nTransaction Summary\n====\n\
            Remove 1 Package (+1 Dependent package)\n\nExiting on user command\n";
        assert_eq!(planned(three).0, ["safe 1.1-1 -", "user 2-1 -"]);
        let five = "Package Arch Version Repository Size\nRemoving:\n safe noarch 1.1-1 test 0.0 B\n\
            Installing dependencies:\n other noarch 3-1 test 0.0 B\n   replacing safe noarch 1.1-1 test 0.0 B\n\n\
            Transaction Summary:\n Removing: 1 package\n\nOperation aborted by the user.\n";
        assert_eq!(planned(five), (vec!["safe 1.1-1 -".into(), "other - 3-1".into()], true));
        assert!(!planned("Error:\n Problem: It would remove dnf\n").1);
    }
}
