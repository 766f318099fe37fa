//! The method `yum`: packages of an RPM distribution, installed by the host's dnf as the administrator's
//! description of the distribution says ([`super::distribution`]).
//!
//! dnf, the scripts of packages and the description's own programs run in a [`stage`](super::stage): they
//! are root of the VServer's ids and can write its files alone. What they are told lies beside what the
//! [`hooks`] are told, and is gone with it when the build is done.
//!
//! rpm keeps its database where the host's rpm keeps one, unless `rpm/macros` says where the guest's own
//! looks for it.

use std::io;
use std::path::Path;

use domain::build::BuildSpec;
use domain::failure::{Failure, HostFeature};
use domain::id::{DistributionName, RpmPackage};
use domain::note::Note;
use domain::operation::Stage;

use super::BuildError;
use super::distribution::{Distribution, NamedFile, PackageList};
use super::hooks::{self, Hooks, OURS, write};
use super::running;
use super::stage::TARGET;
use crate::disk_full::says_disk_full;
use crate::engine::Instance;
use crate::operation::{Stopped, Work, crash_point};

/// Where Debian has it.
pub(crate) const PROGRAM: &str = "/usr/bin/dnf";
/// Where in the progress of a build the packages begin, and where they end.
const BEGUN: u16 = 50;
const DONE: u16 = 900;
/// What is said when a description has no settings of dnf's.
const SETTINGS: &str = "[main]\ngpgcheck=1\n";
/// Where rpm's database is when the description says nothing; Debian's rpm would have it in the home
/// directory.
const MACROS: &str = "%_dbpath /var/lib/rpm\n";

/// Installs the packages of a distribution, and `packages`, into a root.
///
/// # Errors
/// When the description cannot be used, dnf fails, or it is cancelled.
pub(super) fn install(
    instance: &Instance,
    work: &mut Work<'_>,
    spec: &BuildSpec,
    (name, packages): (&DistributionName, &[RpmPackage]),
    root: &Path,
) -> Result<(), Stopped> {
    if !Path::new(PROGRAM).exists() {
        let detail = PROGRAM.to_owned();
        return Err(Failure::HostLacks { feature: HostFeature::Dnf, detail }.into());
    }
    let mut distribution =
        Distribution::read(&instance.settings.roots, name).map_err(BuildError::Distribution)?;
    if !packages.is_empty() {
        let asked = PackageList { packages: packages.to_vec(), ..PackageList::default() };
        distribution.lists.push(asked);
    }
    let programs =
        [("initpre", distribution.before.as_deref()), ("initpost", distribution.after.as_deref())];
    let hooks = Hooks::make(spec, root, (name.as_str(), distribution.mirror()), &programs)?;
    let ours = hooks.ours();
    write_ours(&ours, &distribution).map_err(|source| BuildError::Place { path: ours, source })?;
    hooks.run(instance, work, "initpre")?;
    let lists = u16::try_from(distribution.lists.len()).unwrap_or(u16::MAX).max(1);
    let share = (DONE - BEGUN) / lists;
    for (number, list) in distribution.lists.iter().enumerate() {
        if list.packages.is_empty() {
            continue;
        }
        let from = BEGUN + share * u16::try_from(number).unwrap_or(0);
        let plan = hooks.plan(dnf_call(list, distribution.release.as_deref()));
        let mut listener = Listener { from, share, ..Listener::default() };
        work.progress(Stage::ReadingMirror, from);
        let status = running::run(instance, work, &plan, |work, line| {
            if let Some((stage, permille)) = listener.hear(line) {
                work.progress(stage, permille);
            }
            work.log(line);
        })?;
        match listener.judge(status.success(), root) {
            Err(failure) if list.can_fail => {
                let (list, failure) = (list.name.to_string(), Box::new(failure));
                work.note(&Note::PackagesNotInstalled { list, failure });
            }
            judged => judged?,
        }
        crash_point("build:packages-installed");
    }
    hooks.run(instance, work, "initpost")?;
    Ok(hooks.clear()?)
}

/// The call that installs one list.
fn dnf_call(list: &PackageList, release: Option<&str>) -> Vec<String> {
    let ours = format!("{TARGET}/{OURS}");
    let mut command = vec![
        PROGRAM.to_owned(),
        format!("--config={ours}/yum.conf"),
        format!("--installroot={TARGET}"),
        "--assumeyes".to_owned(),
        "--noplugins".to_owned(),
        format!("--setopt=reposdir={ours}/yum.repos.d"),
    ];
    command.extend(release.map(|release| format!("--releasever={release}")));
    command.push(if list.reinstalls { "reinstall" } else { "install" }.to_owned());
    command.extend(list.packages.iter().map(ToString::to_string));
    command
}

/// Writes what dnf and rpm are told. The root is empty, or holds what its owner put there; nothing of a
/// stranger's has run in it.
fn write_ours(ours: &Path, distribution: &Distribution) -> io::Result<()> {
    let directories = ["yum.repos.d", "pubkeys", "cache", "lib", "log"];
    hooks::make_directories(ours, &directories)?;
    let shown = format!("{TARGET}/{OURS}");
    let settings = distribution.settings.as_deref().unwrap_or(SETTINGS);
    write(&ours.join("yum.conf"), filled(settings, &shown).as_bytes(), 0o644)?;
    let write_all = |directory: &str, files: &[NamedFile]| {
        files.iter().try_for_each(|file| {
            write(&ours.join(directory).join(&file.name), &file.content, 0o644)
        })
    };
    write_all("yum.repos.d", &distribution.repositories)?;
    write_all("pubkeys", &distribution.keys)?;
    let macros = distribution.macros.as_deref().unwrap_or(MACROS);
    write(&ours.join("home/.rpmmacros"), macros.as_bytes(), 0o644)
}

/// What dnf keeps, and where in the new root, whatever the settings say. It is not said on the command line:
/// there dnf takes the same words now for places in the new root, now for places of the host.
const KEPT: [(&str, &str); 3] = [("cachedir", "cache"), ("persistdir", "lib"), ("logdir", "log")];

/// A `yum.conf` with the original's placeholders filled in (fact sheet 1.10).
fn filled(settings: &str, ours: &str) -> String {
    let directories = [
        ("@YUMETCDIR@", ours.to_owned()),
        ("@YUMCACHEDIR@", format!("{ours}/cache")),
        ("@YUMLOGDIR@", format!("{ours}/log")),
        ("@YUMLIBDIR@", format!("{ours}/lib")),
        ("@YUMLOCKDIR@", format!("{ours}/lib")),
    ];
    let replaced = directories
        .iter()
        .fold(settings.to_owned(), |text, (placeholder, path)| text.replace(placeholder, path));
    let is_kept = |line: &&str| {
        let key = line.split_once('=').map(|(key, _)| key.trim());
        KEPT.iter().any(|(name, _)| key == Some(name))
    };
    let begun = if replaced.contains("[main]") { "" } else { "[main]\n" };
    let mut text = String::new();
    for line in begun.lines().chain(replaced.lines().filter(|line| !is_kept(line))) {
        text.extend([line, "\n"]);
        if line.trim() == "[main]" {
            text.extend(KEPT.map(|(name, directory)| format!("{name}=/{OURS}/{directory}\n")));
        }
    }
    text
}

/// Understands what dnf says of one list. The words come from strangers in the end: they only move a
/// progress bar and choose among messages.
#[derive(Debug, Default)]
struct Listener {
    /// Where this list's share of the progress begins, and how much it is.
    from: u16,
    share: u16,
    permille: u16,
    error: Option<String>,
    last_line: String,
    unreachable: Option<String>,
    disk_full: bool,
}

impl Listener {
    /// Takes one line.
    fn hear(&mut self, line: &str) -> Option<(Stage, u16)> {
        self.disk_full |=
            says_disk_full(line) || line.contains("At least") && line.contains("more space needed");
        if let Some(error) = line.strip_prefix("Error: ") {
            if error.contains("Failed to download metadata for repo")
                || error.contains("Error downloading packages")
            {
                self.unreachable = Some(error.to_owned());
            }
            self.error = Some(error.to_owned());
        }
        if !line.trim().is_empty() {
            line.trim().clone_into(&mut self.last_line);
        }
        let (stage, (done, all), from, to) = match counted(line)? {
            Counted::Download(counts) => (Stage::Downloading, counts, 0_u64, 400_u64),
            Counted::Transaction(counts) => (Stage::Installing, counts, 400, 1000),
        };
        let within = from + (to - from).saturating_mul(done.min(all)) / all.max(1);
        let permille =
            self.from + u16::try_from(u64::from(self.share) * within / 1000).unwrap_or(0);
        // dnf counts downloads and steps of the transaction anew each.
        self.permille = self.permille.max(permille);
        Some((stage, self.permille))
    }

    fn judge(&self, is_good: bool, root: &Path) -> Result<(), Failure> {
        if is_good {
            return Ok(());
        }
        if self.disk_full {
            return Err(Failure::DiskFull { path: root.display().to_string() });
        }
        if let Some(detail) = &self.unreachable {
            let repository = detail.split('\'').nth(1).unwrap_or_default().to_owned();
            return Err(Failure::MirrorUnreachable { mirror: repository, detail: detail.clone() });
        }
        let detail = self.error.clone().unwrap_or_else(|| self.last_line.clone());
        Err(Failure::ProgramFailed { program: "dnf".to_owned(), detail })
    }
}

enum Counted {
    Download((u64, u64)),
    Transaction((u64, u64)),
}

/// `(3/40): name.rpm …` or `Installing : name   3/40`.
fn counted(line: &str) -> Option<Counted> {
    if let Some((counts, _)) = line.strip_prefix('(').and_then(|rest| rest.split_once("):")) {
        return pair(counts).map(Counted::Download);
    }
    let (word, rest) = line.trim_start().split_once(':')?;
    let is_step =
        ["Installing", "Reinstalling", "Running scriptlet", "Preparing"].contains(&word.trim_end());
    pair(rest.split_ascii_whitespace().last()?).map(Counted::Transaction).filter(|_| is_step)
}

fn pair(text: &str) -> Option<(u64, u64)> {
    let (done, all) = text.split_once('/')?;
    Some((done.parse().ok()?, all.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_call_says_where_everything_is() {
        let list = PackageList {
            packages: vec!["bash".parse().unwrap(), "@core".parse().unwrap()],
            ..PackageList::default()
        };
        insta::assert_snapshot!(dnf_call(&list, Some("9")).join("\n"), @r"
        /usr/bin/dnf
        --config=/mnt/root/ulysse-build/yum.conf
        --installroot=/mnt/root
        --assumeyes
        --noplugins
        --setopt=reposdir=/mnt/root/ulysse-build/yum.repos.d
        --releasever=9
        install
        bash
        @core
        ");
    }

    #[test]
    fn the_originals_placeholders_are_filled_in() {
        let ours = "cachedir=/ulysse-build/cache\npersistdir=/ulysse-build/lib\nlogdir=/ulysse-build/log\n";
        let settings =
            "[main]\ncachedir = @YUMCACHEDIR@\nreposdir=@YUMETCDIR@/yum.repos.d\n[x]\na=b\n";
        let expected = format!("[main]\n{ours}reposdir=/x/yum.repos.d\n[x]\na=b\n");
        assert_eq!(filled(settings, "/x"), expected);
        assert_eq!(filled("gpgcheck=1\n", "/x"), format!("[main]\n{ours}gpgcheck=1\n"));
    }

    #[test]
    fn how_far_it_is() {
        let mut listener = Listener { from: 50, share: 800, ..Listener::default() };
        assert_eq!(
            listener.hear("(1/2): bash-5.rpm   1.2 MB/s | 2 MB  00:01"),
            Some((Stage::Downloading, 210))
        );
        assert_eq!(
            listener.hear("  Installing       : bash-5.x86_64      1/2 "),
            Some((Stage::Installing, 610))
        );
        assert_eq!(
            listener.hear("  Running scriptlet: bash-5.x86_64      2/2 "),
            Some((Stage::Installing, 850))
        );
        assert_eq!(listener.hear("  Verifying        : bash-5.x86_64      1/2 "), None);
        assert_eq!(listener.judge(true, Path::new("/r")), Ok(()));
    }

    #[test]
    fn why_it_failed() {
        let judged = |line: &str| {
            let mut listener = Listener::default();
            listener.hear(line);
            listener.judge(false, Path::new("/r")).unwrap_err()
        };
        let line = "Error: Failed to download metadata for repo 'core': Cannot download repomd.xml";
        assert!(
            matches!(judged(line), Failure::MirrorUnreachable { mirror, .. } if mirror == "core")
        );
        let line = "Error: Unable to find a match: nosuch";
        assert!(matches!(judged(line), Failure::ProgramFailed { program, detail }
            if program == "dnf" && detail == "Unable to find a match: nosuch"));
        let line = "   - At least 12MB more space needed on the / filesystem.";
        assert!(matches!(judged(line), Failure::DiskFull { .. }));
    }

    proptest! {
        #[test]
        fn no_words_break_it(lines in proptest::collection::vec("[(]?[0-9]{0,20}/[0-9]{0,20}[)]?:?.{0,20}", 0..20)) {
            let mut listener = Listener { from: 50, share: 850, ..Listener::default() };
            for line in &lines {
                if let Some((_, permille)) = listener.hear(line) {
                    prop_assert!(permille <= 1000);
                }
            }
        }
    }
}
