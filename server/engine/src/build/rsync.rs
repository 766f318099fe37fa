//! rsync: how it is called, and what its words mean.
//!
//! Kept of every file: owner and group by number, mode, times, hard links, extended attributes, ACLs,
//! holes. Never copied: what `/dev`, `/proc` and `/sys` hold, and device nodes wherever they are
//! (fact sheet L17).

use std::path::Path;
use std::process::ExitStatus;

use domain::build::CopyOptions;
use domain::failure::Failure;

use super::copy::Pass;
use crate::disk_full::says_disk_full;

/// Where Debian has it.
pub(super) const PROGRAM: &str = "/usr/bin/rsync";

/// What is never copied. Anchored at the top of what is copied.
const NEVER: [&str; 4] = ["/dev/*", "/proc/*", "/sys/*", "/lost+found"];
/// What is not copied either when filesystems below the source are: it is gone with the next start.
const VOLATILE: &str = "/run/*";

/// A transfer that stands still is given up after this many seconds.
const TIMEOUT_SECONDS: u32 = 300;

/// The call that copies a directory into another on this host.
pub(super) fn local(options: &CopyOptions, source: &str, target: &str) -> Vec<String> {
    let mut command = call(options);
    command.extend([format!("{source}/"), format!("{target}/")]);
    command
}

/// The same once more: what has changed, and what has gone.
pub(super) fn again(options: &CopyOptions, source: &str, target: &str) -> Vec<String> {
    let mut command = call(options);
    command.push("--delete".to_owned());
    command.extend([format!("{source}/"), format!("{target}/")]);
    command
}

/// The call that makes a directory, which has files of it already, the same as another: whatever the times
/// of files say, their content is compared.
pub(super) fn onto(options: &CopyOptions, source: &str, target: &str) -> Vec<String> {
    let mut command = call(options);
    command.extend(["--delete".to_owned(), "--checksum".to_owned()]);
    command.extend([format!("{source}/"), format!("{target}/")]);
    command
}

/// The call that copies from another machine: `shell` reaches it, whatever `machine` says.
pub(super) fn remote(
    options: &CopyOptions,
    shell: &str,
    (machine, path): (&str, &str),
    target: &str,
) -> Vec<String> {
    let mut command = call(options);
    if options.compressed {
        command.push("--compress".to_owned());
    }
    let path = path.trim_end_matches('/');
    command.extend([
        format!("--timeout={TIMEOUT_SECONDS}"),
        "-e".to_owned(),
        shell.to_owned(),
        format!("{machine}:{path}/"),
        format!("{target}/"),
    ]);
    command
}

fn call(options: &CopyOptions) -> Vec<String> {
    let mut command: Vec<String> = [
        PROGRAM,
        "-aHAXS",
        "--numeric-ids",
        "--no-devices",
        // A file that was written twice within a second has changed, too.
        "--modify-window=-1",
        // Known before it begins, so that how far it is means something.
        "--no-inc-recursive",
        "--info=progress2,name0,nonreg0,flist0",
        "--outbuf=N",
    ]
    .map(str::to_owned)
    .to_vec();
    if !options.all_filesystems {
        command.push("--one-file-system".to_owned());
    }
    command.extend(NEVER.iter().map(|pattern| format!("--exclude={pattern}")));
    if options.all_filesystems {
        command.push(format!("--exclude={VOLATILE}"));
    }
    command.extend(options.excluded.iter().map(|pattern| format!("--exclude={pattern}")));
    command.extend(options.bandwidth_kib.map(|rate| format!("--bwlimit={rate}")));
    command
}

/// Something worth showing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// How much of all bytes is there.
    Percent(u8),
    /// A line of the log.
    Line(String),
}

/// Understands the words of one run, which come from a stranger in the end.
#[derive(Debug, Default)]
pub(super) struct Listener {
    percent: u8,
    last_complaint: Option<String>,
    disk_full: bool,
}

impl Listener {
    /// Takes one line.
    pub(super) fn hear(&mut self, line: &str) -> Option<Word> {
        let line = line.trim();
        // A complaint of the receiver's comes behind the progress, on the same line.
        if let Some(at) = line.find("rsync: ").filter(|at| *at > 0)
            && let Some((_, complaint)) = line.split_at_checked(at)
        {
            return self.hear(complaint);
        }
        if let Some(percent) = percent(line) {
            // It never goes back: rsync counts anew when it finds more to do.
            self.percent = self.percent.max(percent);
            return Some(Word::Percent(self.percent));
        }
        if line.is_empty() {
            return None;
        }
        self.disk_full |= says_disk_full(line);
        // The last word is about the end; what led to it was said before.
        if !line.starts_with("rsync error:") || self.last_complaint.is_none() {
            self.last_complaint = Some(line.to_owned());
        }
        Some(Word::Line(line.to_owned()))
    }

    /// What was said last that may be the reason of a failure.
    pub(super) fn complaint(&self) -> String {
        self.last_complaint.clone().unwrap_or_default()
    }

    /// Whether it came to a good end.
    pub(super) fn judge(
        &self,
        status: ExitStatus,
        pass: Pass,
        place: &Path,
    ) -> Result<(), Failure> {
        /// Some files vanished before they could be copied: somebody is at work in the source.
        const VANISHED: i32 = 24;
        /// Some files could not be copied.
        const PARTIAL: i32 = 23;
        let is_first = matches!(pass, Pass::First(..));
        match status.code() {
            Some(0 | VANISHED) => Ok(()),
            Some(PARTIAL) if is_first && !self.disk_full => Ok(()),
            _ if self.disk_full => Err(Failure::DiskFull { path: place.display().to_string() }),
            _ => Err(Failure::ProgramFailed {
                program: "rsync".to_owned(),
                detail: match self.complaint() {
                    complaint if complaint.is_empty() => status.to_string(),
                    complaint => complaint,
                },
            }),
        }
    }
}

/// `1,234,567  45%  12.3MB/s    0:00:01`, with more after it at times.
fn percent(line: &str) -> Option<u8> {
    let mut words = line.split_ascii_whitespace();
    let bytes = words.next()?;
    let is_number = bytes.bytes().all(|b| b.is_ascii_digit() || matches!(b, b',' | b'.'));
    let percent = words.next()?.strip_suffix('%')?.parse().ok()?;
    (is_number && percent <= 100).then_some(percent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn how_far_it_is() {
        let mut listener = Listener::default();
        let mut hear = |line| listener.hear(line);
        assert_eq!(
            hear("      1,234,567  45%   12.34MB/s    0:00:01 (xfr#1, to-chk=3/9)"),
            Some(Word::Percent(45))
        );
        assert_eq!(hear("         32,768   0%    0.00kB/s    0:00:00"), Some(Word::Percent(45)));
        assert_eq!(hear(""), None);
        assert_eq!(
            hear("file vanished: \"/x\""),
            Some(Word::Line("file vanished: \"/x\"".to_owned()))
        );
        assert_eq!(hear("1 200% x"), Some(Word::Line("1 200% x".to_owned())));
    }

    #[test]
    fn how_it_ended() {
        let judged = |lines: &[&str], code: i32, pass| {
            let mut listener = Listener::default();
            for line in lines {
                listener.hear(line);
            }
            listener.judge(ExitStatus::from_raw(code << 8), pass, Path::new("/place"))
        };
        let (only, first) = (Pass::Only(0, 1), Pass::First(0, 1));
        assert_eq!(judged(&["file has vanished"], 24, only), Ok(()));
        assert_eq!(judged(&["rsync: x"], 23, first), Ok(()));
        let lines =
            ["rsync: [sender] send_files failed to open \"/x\"", "rsync error: some (code 23)"];
        let detail = lines[0].to_owned();
        let failure = Failure::ProgramFailed { program: "rsync".to_owned(), detail };
        assert_eq!(judged(&lines, 23, only), Err(failure));
        let full = Failure::DiskFull { path: "/place".to_owned() };
        assert_eq!(
            judged(&["rsync: write failed: No space left on device (28)"], 11, first),
            Err(full.clone())
        );
        // As rsync 3.2 and 3.5 write it.
        let behind = "3,145,728  23%  174.63MB/s  0:00:00 (xfr#1, to-chk=1/3)rsync: [receiver] write \
                      failed on \"/x\": No space left on device (28)";
        let then = "rsync: [sender] write error: Broken pipe (32)";
        assert_eq!(judged(&[behind, then], 11, only), Err(full));
    }
}
