//! `ulysse template` and `ulysse base`: what VServers are built from.
//!
//! An archive is named by its path here and nowhere else: whoever is at the host's command line as
//! root may read it anyway.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use app::i18n::format;
use clap::{Args, Subcommand};
use domain::change::PlainChange;
use domain::failure::Failure;
use domain::field::{Field, FieldErrors, Problem};
use domain::id::BaseId;
use domain::template::{Base, NewTemplate, Template};

use super::caller::{Caller, actor};
use super::change::{self, Ended};
use super::{begin_log, exit};

/// The fewest digits of a base's id that are taken for it.
const FEWEST_DIGITS: usize = 4;

/// What `ulysse template` was asked to do.
#[derive(Debug, Args)]
pub(crate) struct TemplateArguments {
    #[command(subcommand)]
    command: TemplateCommand,
}

#[derive(Debug, Subcommand)]
enum TemplateCommand {
    List,
    Add {
        name: String,
        archive: PathBuf,
        #[arg(long, default_value = "", allow_hyphen_values = true)]
        description: String,
    },
    Remove {
        name: String,
    },
}

/// What `ulysse base` was asked to do.
#[derive(Debug, Args)]
pub(crate) struct BaseArguments {
    #[command(subcommand)]
    command: BaseCommand,
}

#[derive(Debug, Subcommand)]
enum BaseCommand {
    List,
    Refresh { id: String },
    Remove { id: String },
}

/// Tells how a change ended.
fn ended(caller: Caller, ended: Ended) -> ExitCode {
    match ended {
        Ended::Done(_) => ExitCode::SUCCESS,
        Ended::Told(code) => ExitCode::from(code),
        Ended::Refused(failure) => refused(caller, &failure),
    }
}

fn refused(caller: Caller, failure: &Failure) -> ExitCode {
    caller.tell(failure, None);
    ExitCode::from(exit::FAILURE)
}

/// The program `ulysse template`.
pub(crate) fn template(config: Option<&Path>, arguments: TemplateArguments) -> ExitCode {
    let caller = Caller::here("ulysse template");
    begin_log(false);
    let engine = match caller.engine(config) {
        Ok(engine) => engine,
        Err(code) => return ExitCode::from(code),
    };
    let change = match arguments.command {
        TemplateCommand::List => {
            return match engine.stock() {
                Ok(stock) => listed(caller, &template_rows(caller, &stock.templates)),
                Err(failure) => refused(caller, &failure),
            };
        }
        TemplateCommand::Add { name, archive, description } => {
            let new = match judge(&name, &description) {
                Ok(new) => new,
                Err(failure) => return refused(caller, &failure),
            };
            let archive = match File::open(&archive) {
                Ok(archive) => archive,
                Err(error) => {
                    caller.complain(format_args!("{}: {error}", archive.display()));
                    return ExitCode::from(exit::FAILURE);
                }
            };
            let added = change::run_as(caller, &engine, |display| {
                engine.add_template_in_process(new, archive, actor(), display)
            });
            return ended(caller, added);
        }
        TemplateCommand::Remove { name } => name
            .parse()
            .map(PlainChange::RemoveTemplate)
            .map_err(|problem| Failure::of_field(Field::Template, problem)),
    };
    match change {
        Ok(change) => ended(caller, change::run(caller, &engine, change)),
        Err(failure) => refused(caller, &failure),
    }
}

fn judge(name: &str, description: &str) -> Result<NewTemplate, Failure> {
    let mut errors = FieldErrors::default();
    let name = errors.take(Field::Template, name.parse());
    let description = errors.take(Field::Description, description.parse());
    match (name, description) {
        (Some(name), Some(description)) => Ok(NewTemplate { name, description, bytes: None }),
        _ => Err(Failure::Invalid { errors }),
    }
}

/// The program `ulysse base`.
pub(crate) fn base(config: Option<&Path>, arguments: BaseArguments) -> ExitCode {
    let caller = Caller::here("ulysse base");
    begin_log(false);
    let engine = match caller.engine(config) {
        Ok(engine) => engine,
        Err(code) => return ExitCode::from(code),
    };
    let bases = match engine.stock() {
        Ok(stock) => stock.bases,
        Err(failure) => return refused(caller, &failure),
    };
    let change = match arguments.command {
        BaseCommand::List => return listed(caller, &base_rows(caller, &bases)),
        BaseCommand::Refresh { id } => find(&bases, &id).map(PlainChange::RefreshBase),
        BaseCommand::Remove { id } => find(&bases, &id).map(PlainChange::RemoveBase),
    };
    match change {
        Ok(change) => ended(caller, change::run(caller, &engine, change)),
        Err(failure) => refused(caller, &failure),
    }
}

/// The one base whose id begins like this.
fn find(bases: &[Base], beginning: &str) -> Result<BaseId, Failure> {
    let mut found = bases.iter().filter(|base| base.id.as_str().starts_with(beginning));
    match (found.next(), found.next()) {
        (Some(base), None) if beginning.len() >= FEWEST_DIGITS => Ok(base.id.clone()),
        _ => {
            let choices = bases.iter().map(|base| base.id.short().to_owned()).collect();
            Err(Failure::of_field(Field::Base, Problem::NotAChoice { choices }))
        }
    }
}

fn template_rows(caller: Caller, templates: &[Template]) -> Vec<Vec<String>> {
    let t = caller.locale;
    let head = [t.name(), t.format_of_archive(), t.size(), t.unpacked(), t.added()];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(templates.iter().map(|template| {
        vec![
            template.name.to_string(),
            template.compression.to_string(),
            format::bytes(t, template.bytes),
            format::bytes(t, template.unpacked_bytes),
            format::rfc3339(template.added_at),
            template.description.to_string(),
        ]
    }));
    rows
}

fn base_rows(caller: Caller, bases: &[Base]) -> Vec<Vec<String>> {
    let t = caller.locale;
    let head = [t.base(), "", t.variant(), "Init", t.size(), t.made(), t.packages()];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(bases.iter().map(|base| {
        let packages: Vec<&str> = base.packages.iter().map(AsRef::as_ref).collect();
        vec![
            base.id.short().to_owned(),
            format!("{} {}", base.suite, base.architecture),
            base.variant.clone().unwrap_or_else(|| "-".to_owned()),
            base.init.to_string(),
            base.bytes.map_or_else(|| "-".to_owned(), |bytes| format::bytes(t, bytes)),
            format::rfc3339(base.made_at),
            packages.join(","),
        ]
    }));
    rows
}

fn listed(caller: Caller, rows: &[Vec<String>]) -> ExitCode {
    caller.columns(rows);
    ExitCode::SUCCESS
}
