//! Copies that share the blocks of what they are copied from, where the filesystem can do that, and how
//! much is shared.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use domain::failure::Failure;
use domain::note::Note;

use crate::tree;

/// How long the shared blocks of a copy are counted.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether files of `source` can be had in `target`, which is empty, without copying a block.
///
/// # Errors
/// When nothing can be written into `target`.
pub(super) fn is_possible(source: &Path, target: &Path) -> io::Result<bool> {
    if fs::metadata(source)?.dev() != fs::metadata(target)?.dev() {
        return Ok(false);
    }
    let (from, to) = (target.join(".ulysse-probe-1"), target.join(".ulysse-probe-2"));
    let tried = (|| {
        let mut file = File::create_new(&from)?;
        file.write_all(&[1; 4096])?;
        let copy = File::create_new(&to)?;
        Ok(rustix::fs::ioctl_ficlone(&copy, &file).is_ok())
    })();
    for path in [&from, &to] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    tried
}

/// The call that copies a directory's content.
pub(super) fn command(source: &str, target: &str) -> Vec<String> {
    let mut command =
        ["/bin/cp", "-a", "--reflink=auto", "--one-file-system", "--"].map(str::to_owned).to_vec();
    command.extend([format!("{source}/."), target.to_owned()]);
    command
}

/// What cp complained about.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    last: Option<String>,
}

impl Complaints {
    /// Takes one line. A device node is nothing that a VServer has: that it was not made is no fault.
    pub(super) fn hear(&mut self, line: &str) {
        if !line.contains("cannot create special file") {
            self.last = Some(line.to_owned());
        }
    }

    /// Whether all that was to be copied was.
    pub(super) fn judge(self, status: ExitStatus, place: &Path) -> Result<(), Failure> {
        match self.last {
            _ if status.success() => Ok(()),
            None if status.code() == Some(1) => Ok(()),
            Some(line) if line.contains("No space left on device") => {
                Err(Failure::DiskFull { path: place.display().to_string() })
            }
            last => Err(Failure::ProgramFailed {
                program: "cp".to_owned(),
                detail: last.unwrap_or_else(|| status.to_string()),
            }),
        }
    }
}

/// How much of a copy takes no space of its own, as it is said in the log.
pub(super) fn told(root: &Path, can_share: bool) -> Note {
    let counted = match can_share {
        true => tree::shared_bytes(root, PATIENCE),
        false => tree::disk_bytes(root, PATIENCE).map(|all| (0, all)),
    };
    match counted {
        Some((shared_bytes, bytes)) => Note::Shared { shared_bytes, bytes, can_share },
        None => Note::SharedUnknown,
    }
}
