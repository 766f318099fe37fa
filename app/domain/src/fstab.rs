//! An fstab of a VServer as a form sees it: lines that can be changed one by one, all others left as they
//! are; and what a VServer that runs sees mounted.
//!
//! Invariants: the text of an [`Fstab`] that nothing was changed in is the text it was read from, byte for
//! byte; a change touches one line. Whether what comes of it may be saved is judged where every change of a
//! config tree is.
//!
//! Not here: what a start makes of a line (the engine's `config::fstab`).

use serde::{Deserialize, Serialize};

use crate::field::{Allowed, Field, FieldErrors, Problem};
use crate::tmpfs::TmpfsLine;

/// Filesystems of no device, no directory and no server: those that a form may add.
pub const OF_NOTHING: [&str; 6] = ["tmpfs", "ramfs", "proc", "sysfs", "devpts", "mqueue"];

/// The most bytes of a field that is typed.
const MOST_BYTES: usize = 400;

/// A text whose lines are mounts, comments and whatever else somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fstab {
    lines: Vec<String>,
}

/// A line that mounts something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountLine {
    /// Its line in the file, from 1.
    pub number: usize,
    /// What is mounted.
    pub source: String,
    /// Where, from the VServer's root.
    pub target: String,
    /// What type of filesystem.
    pub fs_type: String,
    /// How; empty when nothing is said.
    pub options: Vec<String>,
}

impl MountLine {
    /// The value of an option, `size` for `size=16m`.
    #[must_use]
    pub fn value(&self, option: &str) -> Option<&str> {
        let values = self.options.iter().filter_map(|word| word.split_once('='));
        values.filter(|(name, _)| *name == option).map(|(_, value)| value).next_back()
    }

    /// Whether it says this word.
    #[must_use]
    pub fn has(&self, word: &str) -> bool {
        self.options.iter().any(|option| option == word)
    }

    fn of(number: usize, text: &str) -> Option<Self> {
        if text.trim_start().starts_with('#') {
            return None;
        }
        let mut fields = text.split_ascii_whitespace().map(unescaped);
        let (source, target, fs_type) = (fields.next()?, fields.next()?, fields.next()?);
        let options = fields.next().unwrap_or_default();
        let options = options.split(',').filter(|word| !word.is_empty()).map(str::to_owned);
        Some(Self { number, source, target, fs_type, options: options.collect() })
    }
}

impl Fstab {
    /// Reads a text; there is none that cannot be read.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self { lines: text.split_inclusive('\n').map(str::to_owned).collect() }
    }

    /// As it is written.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.concat()
    }

    /// The lines that mount something.
    #[must_use]
    pub fn mounts(&self) -> Vec<MountLine> {
        let lines = self.lines.iter().enumerate();
        lines.filter_map(|(index, text)| MountLine::of(index + 1, text)).collect()
    }

    /// The line of this number, if it mounts something.
    #[must_use]
    pub fn mount(&self, number: usize) -> Option<MountLine> {
        self.mounts().into_iter().find(|line| line.number == number)
    }

    /// Without the line of this number.
    pub fn remove(&mut self, number: usize) {
        if self.mount(number).is_some() {
            self.lines.remove(number - 1);
        }
    }

    /// With a line as `change` says: the one that it names, or a new one at the end. What stands between the
    /// fields of a line, and after them, stays.
    pub fn put(&mut self, change: &MountChange) {
        let options = match change.options.as_slice() {
            [] => "defaults".to_owned(),
            words => words.join(","),
        };
        let fields = [change.target.as_str(), &change.fs_type, &options].map(escaped);
        let index = change.number.and_then(|number| number.checked_sub(1));
        if let Some(line) = index.and_then(|index| self.lines.get_mut(index)) {
            *line = with_fields(line, &fields);
            return;
        }
        if let Some(last) = self.lines.last_mut()
            && !last.ends_with('\n')
        {
            last.push('\n');
        }
        let [target, fs_type, options] = fields;
        self.lines.push(format!("none\t{target}\t{fs_type}\t{options}\t0 0\n"));
    }
}

/// A line whose second to fourth field are these; a field that is not there is added.
fn with_fields(line: &str, fields: &[String; 3]) -> String {
    let body = line.trim_end();
    let end = line.get(body.len()..).unwrap_or_default();
    let mut written = String::new();
    let mut number = 0;
    let mut rest = body;
    while !rest.is_empty() {
        let blanks = rest.len() - rest.trim_start().len();
        let (between, after) = rest.split_at(blanks);
        let length = after.find(|c: char| c.is_ascii_whitespace()).unwrap_or(after.len());
        let (word, after) = after.split_at(length);
        written.push_str(between);
        let new = usize::checked_sub(number, 1).and_then(|index| fields.get(index));
        written.push_str(new.map_or(word, String::as_str));
        number += 1;
        rest = after;
    }
    for field in fields.iter().skip(number.saturating_sub(1)) {
        written.push('\t');
        written.push_str(field);
    }
    written + end
}

/// What one line is to say; made by [`MountForm::judge`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountChange {
    number: Option<usize>,
    target: String,
    fs_type: String,
    options: Vec<String>,
}

/// The form of one line, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MountForm {
    /// Where.
    pub target: String,
    /// The type of filesystem.
    pub fs_type: String,
    /// How large a tmpfs may be.
    pub size: String,
    /// The mode of its root.
    pub mode: String,
    /// `ro`.
    pub read_only: bool,
    /// `nosuid`.
    pub no_suid: bool,
    /// `noexec`.
    pub no_exec: bool,
    /// All other options.
    pub others: String,
}

/// The words that the form has a switch for, and those that take them back.
const SWITCHES: [(&str, &str); 3] = [("ro", "rw"), ("nosuid", "suid"), ("noexec", "exec")];

impl MountForm {
    /// The form that says what a line says.
    #[must_use]
    pub fn of(line: &MountLine) -> Self {
        let is_own = |word: &String| {
            SWITCHES.iter().any(|(on, off)| word == on || word == off)
                || ["size=", "mode="].iter().any(|start| word.starts_with(start))
        };
        let others: Vec<&str> =
            line.options.iter().filter(|word| !is_own(word)).map(String::as_str).collect();
        Self {
            target: line.target.clone(),
            fs_type: line.fs_type.clone(),
            size: line.value("size").unwrap_or_default().to_owned(),
            mode: line.value("mode").unwrap_or_default().to_owned(),
            read_only: line.has("ro"),
            no_suid: line.has("nosuid"),
            no_exec: line.has("noexec"),
            others: others.join(","),
        }
    }

    /// What it makes of a line, or of a new one.
    ///
    /// # Errors
    /// What is wrong, field by field.
    pub fn judge(&self, line: Option<&MountLine>) -> Result<MountChange, FieldErrors> {
        let mut errors = FieldErrors::default();
        let target = self.target.trim();
        if target.is_empty() {
            errors.push(Field::MountTarget, Problem::Missing);
        } else if !target.starts_with('/') {
            errors.push(Field::MountTarget, first_character(target));
        }
        let fs_type = match line {
            // What is mounted there is root's to say.
            Some(line) => line.fs_type.as_str(),
            None => self.fs_type.trim(),
        };
        if line.is_none() && !OF_NOTHING.contains(&fs_type) {
            let choices = OF_NOTHING.map(str::to_owned).to_vec();
            errors.push(Field::MountType, Problem::NotAChoice { choices });
        }
        let (size, mode) = (self.size.trim(), self.mode.trim());
        if !size.is_empty() && !is_size(size) {
            errors.push(Field::MountSize, Problem::NotASize);
        }
        if !mode.is_empty() && !is_mode(mode) {
            errors.push(Field::MountMode, Problem::NotAMode);
        }
        let others = self.others.trim();
        if let Some((position, character)) =
            others.char_indices().find(|(_, c)| c.is_whitespace() || c.is_control())
        {
            let position = position + 1;
            let allowed = Allowed::PlainText;
            errors.push(Field::MountOptions, Problem::Character { character, position, allowed });
        }
        for (field, text) in [(Field::MountTarget, target), (Field::MountOptions, others)] {
            if text.len() > MOST_BYTES {
                let problem = Problem::TooLong { max: MOST_BYTES, actual: text.len() };
                errors.push(field, problem);
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let switches = [self.read_only, self.no_suid, self.no_exec];
        let mut wanted: Vec<String> =
            others.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        wanted.extend((!size.is_empty()).then(|| format!("size={size}")));
        wanted.extend((!mode.is_empty()).then(|| format!("mode={mode}")));
        let on = SWITCHES.iter().zip(switches).filter(|(_, is_on)| *is_on);
        wanted.extend(on.map(|((word, _), _)| (*word).to_owned()));
        Ok(MountChange {
            number: line.map(|line| line.number),
            target: target.to_owned(),
            fs_type: fs_type.to_owned(),
            options: in_old_order(line, wanted),
        })
    }
}

/// The options that are wanted, those that were there before in their old order.
fn in_old_order(line: Option<&MountLine>, mut wanted: Vec<String>) -> Vec<String> {
    let name = |word: &str| word.split('=').next().unwrap_or_default().to_owned();
    let mut ordered = Vec::new();
    for old in line.iter().flat_map(|line| &line.options) {
        if let Some(index) = wanted.iter().position(|new| name(new) == name(old)) {
            ordered.push(wanted.remove(index));
        }
    }
    ordered.extend(wanted);
    ordered
}

fn first_character(text: &str) -> Problem {
    let character = text.chars().next().unwrap_or('/');
    Problem::Character { character, position: 1, allowed: Allowed::RemotePath }
}

/// The least that a filesystem in memory holds: a page.
const LEAST_BYTES: u64 = 4096;

/// Bytes, or with `k`, `m`, `g`, and at least one page; or a share of the memory, with `%`, and at most all of
/// it. `32` alone is 32 bytes, which nobody means.
fn is_size(text: &str) -> bool {
    let number = text.strip_suffix(['k', 'K', 'm', 'M', 'g', 'G', '%']).unwrap_or(text);
    let is_number = number.len() <= 12 && number.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || number.starts_with('0') {
        return false;
    }
    let unit = match text.bytes().next_back() {
        Some(b'%') => return number.parse::<u64>().is_ok_and(|percent| percent <= 100),
        Some(b'k' | b'K') => 1 << 10,
        Some(b'm' | b'M') => 1 << 20,
        Some(b'g' | b'G') => 1 << 30,
        _ => 1,
    };
    number.parse::<u64>().is_ok_and(|number| number.saturating_mul(unit) >= LEAST_BYTES)
}

fn is_mode(text: &str) -> bool {
    (3..=4).contains(&text.len()) && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte))
}

const ESCAPES: [(&str, &str); 4] =
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];

fn unescaped(field: &str) -> String {
    ESCAPES.iter().fold(field.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

fn escaped(field: &str) -> String {
    ESCAPES.iter().rev().fold(field.to_owned(), |text, (escape, plain)| text.replace(plain, escape))
}

/// Something that a VServer sees mounted, in its own paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenMount {
    /// Where.
    pub target: String,
    /// What of it, when it is not all of a filesystem.
    pub root: String,
    /// What type of filesystem.
    pub fs_type: String,
    /// What is mounted.
    pub source: String,
    /// How: of the mount, then of the filesystem.
    pub options: String,
    /// The line of its fstab that it is of, when it is a tmpfs that can be changed while it is mounted.
    pub tmpfs: Option<TmpfsLine>,
}

/// Places where every VServer has something mounted, whatever its fstab says.
const GIVEN: [&str; 9] = [
    "/",
    "/proc",
    "/sys",
    "/sys/fs/cgroup",
    "/dev",
    "/dev/pts",
    "/dev/shm",
    "/dev/mqueue",
    "/run/lock",
];

impl SeenMount {
    /// Whether a start mounts it for every VServer: what each has, nodes of devices, and masks over what
    /// is the host's.
    #[must_use]
    pub fn is_given(&self) -> bool {
        GIVEN.contains(&self.target.as_str())
            || self.target.starts_with("/proc/")
            || self.target.starts_with("/sys/")
            || self.target.starts_with("/dev/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# of the course\nnone\t/proc\tproc\tdefaults\t0 0\n\
        none /tmp  tmpfs\tsize=16m,mode=1777\t0 0  # kept\nnonsense\n/srv /mnt none bind,ro";

    fn form(number: usize) -> (Fstab, MountLine, MountForm) {
        let fstab = Fstab::of(TEXT);
        let line = fstab.mount(number).unwrap();
        let form = MountForm::of(&line);
        (fstab, line, form)
    }

    #[test]
    fn what_is_not_changed_stays_as_it_was() {
        let (mut fstab, line, form) = form(3);
        assert_eq!(fstab.text(), TEXT);
        assert_eq!(fstab.mounts().iter().map(|line| line.number).collect::<Vec<_>>(), [2, 3, 5]);
        fstab.put(&form.judge(Some(&line)).unwrap());
        assert_eq!(fstab.text(), TEXT);
    }

    #[test]
    fn tmp_grows_as_in_the_course() {
        let (mut fstab, line, mut form) = form(3);
        assert_eq!((form.size.as_str(), form.mode.as_str()), ("16m", "1777"));
        form.size = "32m".to_owned();
        form.no_suid = true;
        fstab.put(&form.judge(Some(&line)).unwrap());
        let new = TEXT.replace("size=16m,mode=1777", "size=32m,mode=1777,nosuid");
        assert_eq!(fstab.text(), new);
    }

    #[test]
    fn lines_come_at_the_end_and_go() {
        let (mut fstab, ..) = form(3);
        let form = MountForm {
            target: "/var/with blank".to_owned(),
            fs_type: "tmpfs".to_owned(),
            size: "50%".to_owned(),
            ..MountForm::default()
        };
        fstab.put(&form.judge(None).unwrap());
        let line = "none\t/var/with\\040blank\ttmpfs\tsize=50%\t0 0\n";
        assert_eq!(fstab.text(), format!("{TEXT}\n{line}"));
        assert_eq!(fstab.mount(6).unwrap().target, "/var/with blank");
        fstab.remove(6);
        fstab.remove(4);
        assert_eq!(fstab.text(), format!("{TEXT}\n"), "what mounts nothing is not removed");
        fstab.remove(1);
        fstab.remove(0);
        fstab.remove(99);
        assert_eq!(fstab.text(), format!("{TEXT}\n"));
    }

    #[test]
    fn a_line_without_options_gets_some() {
        let fstab = Fstab::of("none /x tmpfs\n");
        let line = fstab.mount(1).unwrap();
        let mut changed = fstab.clone();
        let form = MountForm { size: "1g".to_owned(), ..MountForm::of(&line) };
        changed.put(&form.judge(Some(&line)).unwrap());
        assert_eq!(changed.text(), "none /x tmpfs\tsize=1g\n");
    }

    #[test]
    fn a_size_has_a_unit_or_is_a_page_at_least_and_a_share_is_of_what_there_is() {
        for fine in ["4k", "32m", "1G", "4096", "33554432", "1%", "100%"] {
            assert!(is_size(fine), "{fine}");
        }
        for wrong in
            ["", "k", "%", "32", "3k", "4095", "0m", "101%", "150%", "-1m", "1t", "99999999999999"]
        {
            assert!(!is_size(wrong), "{wrong}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_by_field() {
        let form = MountForm {
            target: "tmp".to_owned(),
            fs_type: "ext4".to_owned(),
            size: "0m".to_owned(),
            mode: "9".to_owned(),
            others: "a b".to_owned(),
            ..MountForm::default()
        };
        let errors = form.judge(None).unwrap_err();
        for field in [
            Field::MountTarget,
            Field::MountType,
            Field::MountSize,
            Field::MountMode,
            Field::MountOptions,
        ] {
            assert_eq!(errors.of(field).count(), 1, "{field:?}");
        }
        // A line that root wrote keeps its type and what it shows.
        let line = Fstab::of("/srv /mnt none bind\n").mount(1).unwrap();
        let form = MountForm { read_only: true, ..MountForm::of(&line) };
        let mut fstab = Fstab::of("/srv /mnt none bind\n");
        fstab.put(&form.judge(Some(&line)).unwrap());
        assert_eq!(fstab.text(), "/srv /mnt none bind,ro\n");
    }
}
