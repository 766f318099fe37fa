//! Options that an administrator wants every build at the command line to have (fact sheet 1.5): they
//! are read before those that are typed.

use std::fs;
use std::path::PathBuf;

use crate::roots::Roots;

/// The most bytes of one of the files.
const MAX_BYTES: usize = 16 * 1024;

/// The default options of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DefaultOptions {
    /// Generic options of builds: the words of `.defaults/apps/build/options`.
    pub build: Vec<String>,
    /// What debootstrap itself is told: the words of `.defaults/apps/debootstrap/options`.
    pub debootstrap: Vec<String>,
    /// The directory that both files are in.
    pub directory: PathBuf,
}

/// The file of generic options, below the directory.
pub const BUILD_OPTIONS: &str = "build/options";
/// The file of debootstrap's.
pub const DEBOOTSTRAP_OPTIONS: &str = "debootstrap/options";

impl DefaultOptions {
    /// Reads them; what cannot be read says nothing.
    #[must_use]
    pub fn of(roots: &Roots) -> Self {
        let apps = roots.config_base.join(".defaults/apps");
        let words = |path: &str| -> Vec<String> {
            let text = fs::read_to_string(apps.join(path)).unwrap_or_default();
            let text = text.get(..MAX_BYTES).unwrap_or(&text);
            let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
            lines.flat_map(str::split_whitespace).map(str::to_owned).collect()
        };
        let (build, debootstrap) = (words(BUILD_OPTIONS), words(DEBOOTSTRAP_OPTIONS));
        Self { build, debootstrap, directory: apps }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.build.is_empty() && self.debootstrap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_words_one_or_more_a_line() {
        let base = tempfile::tempdir().unwrap();
        let roots = Roots { config_base: base.path().to_owned(), ..Roots::default() };
        assert!(DefaultOptions::of(&roots).is_empty());
        let apps = base.path().join(".defaults/apps");
        fs::create_dir_all(apps.join("build")).unwrap();
        fs::create_dir_all(apps.join("debootstrap")).unwrap();
        fs::write(apps.join("build/options"), "# ours\n--netdev eth1\n--flags=virt_mem").unwrap();
        fs::write(apps.join("debootstrap/options"), "--variant=minbase --include=vim\n").unwrap();
        let found = DefaultOptions::of(&roots);
        assert_eq!(found.build, ["--netdev", "eth1", "--flags=virt_mem"]);
        assert_eq!(found.debootstrap, ["--variant=minbase", "--include=vim"]);
    }
}
