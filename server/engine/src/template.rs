//! Templates: archives of whole root directories, kept to build VServers from.
//!
//! A template lies in `<state_base>/templates/NAME/`: `archive`, and what it is in `template.json`. It
//! appears by one rename, complete and on disk, and goes by one. Nothing locks it while it is used: an
//! archive that is open stays whole when its name goes.
//!
//! An archive is read once, whole, by the confined reader before it is kept: what nobody could unpack
//! is not taken. How it comes: [`archive::receive`].

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use domain::failure::Failure;
use domain::field::{Field, FieldErrors, Problem};
use domain::id::TemplateName;
use domain::note::Note;
use domain::operation::Stage;
use domain::template::{NewTemplate, Template};

use crate::archive::{self, Caps, Received, Source};
use crate::disk_full::is_disk_full;
use crate::engine::Instance;
use crate::operation::{Finish, Step, Stopped, Work, crash_point};
use crate::recovery::{self, RecoveryError};
use crate::roots::{Limits, Roots};

/// Where the parts of adding one end, of a thousand.
const RECEIVED: u16 = 600;
const CHECKED: u16 = 950;
/// The most bytes of a record.
const RECORD_BYTES: u64 = 64 * 1024;

/// Why templates could not be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A file or directory of ours could not be read.
    #[error("reading {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// One could not be written.
    #[error("writing {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl From<TemplateError> for Failure {
    fn from(error: TemplateError) -> Self {
        match &error {
            TemplateError::Write { path, source } if is_disk_full(source) => {
                Self::DiskFull { path: path.display().to_string() }
            }
            _ => Self::Unexpected { detail: domain::failure::chain(&error) },
        }
    }
}

fn place_of(roots: &Roots, name: &TemplateName) -> PathBuf {
    roots.templates().join(name.as_str())
}

fn read_failed(path: &Path) -> impl FnOnce(io::Error) -> TemplateError {
    let path = path.to_owned();
    move |source| TemplateError::Read { path, source }
}

fn write_failed(path: &Path) -> impl FnOnce(io::Error) -> TemplateError {
    let path = path.to_owned();
    move |source| TemplateError::Write { path, source }
}

/// All templates, sorted by name; what cannot be read is none.
///
/// # Errors
/// When their directory cannot be read.
pub fn list(roots: &Roots) -> Result<Vec<Template>, TemplateError> {
    let directory = roots.templates();
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(read_failed(&directory)(error)),
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut found: Vec<Template> = names
        .filter_map(|name: TemplateName| match record_of(roots, &name) {
            Ok(record) => record,
            Err(error) => {
                tracing::warn!(%name, error = domain::failure::chain(&error), "unreadable");
                None
            }
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn record_of(roots: &Roots, name: &TemplateName) -> Result<Option<Template>, TemplateError> {
    let path = place_of(roots, name).join("template.json");
    let mut text = Vec::new();
    match File::open(&path) {
        Ok(file) => file.take(RECORD_BYTES).read_to_end(&mut text).map_err(read_failed(&path))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(read_failed(&path)(error)),
    };
    let record: Template =
        serde_json::from_slice(&text).map_err(|error| read_failed(&path)(error.into()))?;
    Ok((record.name == *name).then_some(record))
}

/// The names of all templates, sorted.
///
/// # Errors
/// When their directory cannot be read.
pub fn names(roots: &Roots) -> Result<Vec<TemplateName>, TemplateError> {
    Ok(list(roots)?.into_iter().map(|template| template.name).collect())
}

/// A template and its archive, open.
///
/// # Errors
/// When there is none of this name, or it cannot be read.
pub fn open(roots: &Roots, name: &TemplateName) -> Result<(Template, File), Failure> {
    let record = record_of(roots, name)?;
    let record = record.ok_or_else(|| Failure::NoSuchTemplate { name: name.clone() })?;
    let path = place_of(roots, name).join("archive");
    let archive = File::open(&path).map_err(read_failed(&path))?;
    Ok((record, archive))
}

/// Whether there is something of this name.
#[must_use]
pub fn exists(roots: &Roots, name: &TemplateName) -> bool {
    fs::symlink_metadata(place_of(roots, name)).is_ok()
}

/// Judges what is said of a template before any of it comes.
///
/// # Errors
/// When its name is taken or it is too large.
pub fn judge(roots: &Roots, limits: &Limits, new: &NewTemplate) -> Result<(), Failure> {
    let mut errors = FieldErrors::default();
    if exists(roots, &new.name) {
        errors.push(Field::Template, Problem::NameTaken);
    }
    if new.bytes.is_some_and(|bytes| bytes > limits.template_bytes) {
        let problem = Problem::OutOfRange { min: 1, max: limits.template_bytes };
        errors.push(Field::Archive, problem);
    }
    if errors.is_empty() { Ok(()) } else { Err(Failure::Invalid { errors }) }
}

/// Keeps an archive as a template.
///
/// # Errors
/// When it is cancelled, ends early, is too large or is no archive; then nothing of it stays.
pub fn add(
    instance: &Instance,
    work: &mut Work<'_>,
    new: &NewTemplate,
    source: Source,
) -> Result<(), Stopped> {
    let (roots, limits) = (&instance.settings.roots, &instance.settings.limits);
    judge(roots, limits, new)?;
    let directory = roots.templates();
    // Set-user-id programs of strangers lie packed below: nobody else may come here.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory)
        .map_err(write_failed(&directory))?;
    let staging = directory.join(format!(".new-{}", work.id()));
    work.intend(Step::MakeTree(staging.clone()))?;
    crash_point("template:intended");
    work.progress(Stage::ReceivingArchive, 0);
    DirBuilder::new().mode(0o700).create(&staging).map_err(write_failed(&staging))?;
    let path = staging.join("archive");
    let span = (0, RECEIVED);
    let Received { bytes, sha256 } =
        archive::receive(work, limits, source, new.bytes, &path, span)?;
    crash_point("template:received");

    work.progress(Stage::CheckingArchive, RECEIVED);
    let archive = File::open(&path).map_err(read_failed(&path))?;
    let caps = Caps::within(limits, &staging).map_err(read_failed(&staging))?;
    let found = archive::entries(
        instance,
        archive,
        &caps,
        &mut |read| {
            if let Some(read) = read {
                let permille = archive::share(read, bytes, RECEIVED, CHECKED);
                work.progress(Stage::CheckingArchive, permille);
            }
            work.is_cancelled()
        },
        None,
    )?;
    let template = Template {
        name: new.name.clone(),
        description: new.description.clone(),
        compression: found.compression,
        bytes,
        sha256,
        entries: found.entries,
        unpacked_bytes: found.bytes,
        added_at: work.clock().now(),
        added_by: work.operation().actor.clone(),
    };
    work.note(&Note::ArchiveRead {
        compression: template.compression.to_string(),
        members: template.entries,
        bytes: template.unpacked_bytes,
        sha256: template.sha256.to_string(),
    });
    for (how, count) in &found.notes {
        work.note(&Note::MoreMembers { count: *count, how: *how });
    }
    write_record(&staging, &template)?;
    crash_point("template:checked");
    work.go_on()?;
    work.progress(Stage::Finishing, 990);
    work.commit(vec![Finish::Move { from: staging, to: place_of(roots, &new.name) }])?;
    crash_point("template:committed");
    Ok(recovery::finish(roots, work.journal()).map_err(RecoveryError::into_failure)?)
}

fn write_record(staging: &Path, template: &Template) -> Result<(), TemplateError> {
    let path = staging.join("template.json");
    let write = || -> io::Result<()> {
        let text = serde_json::to_vec_pretty(template)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(&text)?;
        file.sync_all()?;
        File::open(staging)?.sync_all()
    };
    write().map_err(write_failed(&path))
}

/// Removes a template. Builds that read it go on.
///
/// # Errors
/// When there is none, or it cannot be moved aside.
pub fn remove(
    instance: &Instance,
    work: &mut Work<'_>,
    name: &TemplateName,
) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    if !exists(roots, name) {
        return Err(Failure::NoSuchTemplate { name: name.clone() }.into());
    }
    work.progress(Stage::RemovingFiles, 300);
    let aside = roots.templates().join(format!(".trash-{}", work.id()));
    crash_point("template:removing");
    work.commit(vec![
        Finish::Move { from: place_of(roots, name), to: aside.clone() },
        Finish::RemoveTree(aside),
    ])?;
    crash_point("template:removed");
    Ok(recovery::finish(roots, work.journal()).map_err(RecoveryError::into_failure)?)
}
