//! `ulysse user`: the users of the web application, at the command line. The way in when nobody
//! can log in any more.
//!
//! It works on the database directly, beside a running web process or without one. It does so as
//! the web process's user: root never opens files in a directory that a less trusted process may
//! write, and none there ever becomes root's. What it changes takes effect at the next request of
//! whoever it concerns.

mod become_user;
mod new_password;

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use app::i18n::format::rfc3339;
use app::i18n::{Locale, failure_text, field_label, problem_text};
use clap::{Args, Subcommand};
use domain::failure::Failure;
use domain::field::{Field, FieldErrors};
use domain::id::UserName;
use domain::time::UnixMillis;
use domain::user::{Password, Role, User};
use engine::clock::{Clock as _, SystemClock};
use engine::roots::Settings;
use store::{NewUser, Store, StoreError};

use crate::cli;
use crate::password::{self, PasswordError};
use crate::setup_token::{SetupToken, SetupTokenError};
use become_user::BecomeError;
use domain::failure::chain;
use new_password::NewPasswordError;

/// The database's file, below `roots.database_base`.
const DATABASE: &str = "ulysse.sqlite3";

/// What `ulysse user` was asked to do.
#[derive(Debug, Args)]
pub(crate) struct UserArguments {
    #[command(subcommand)]
    command: UserCommand,
    #[arg(long, global = true)]
    lang: Option<String>,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    List,
    Create {
        name: String,
        #[arg(long)]
        role: String,
    },
    Disable {
        name: String,
    },
    Enable {
        name: String,
    },
    Role {
        name: String,
        role: String,
    },
    ResetPassword {
        name: String,
    },
    SetupLink,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
enum UserCommandError {
    #[error(transparent)]
    Refused(#[from] Failure),
    #[error(transparent)]
    Become(#[from] BecomeError),
    #[error(transparent)]
    NewPassword(#[from] NewPasswordError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    SetupToken(#[from] SetupTokenError),
    #[error("starting to work on the database")]
    Runtime(#[source] std::io::Error),
    #[error("there is an administrator already")]
    HasAdministrator,
}

impl From<StoreError> for UserCommandError {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// A command whose words were judged and whose password was asked for.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    List,
    Create { name: UserName, role: Role, password: Password },
    SetDisabled { name: UserName, disabled: bool },
    SetRole { name: UserName, role: Role },
    ResetPassword { name: UserName, password: Password },
    SetupLink,
}

/// The program `ulysse user`.
pub(crate) fn run(settings: &Settings, arguments: UserArguments) -> ExitCode {
    let locale = locale(arguments.lang.as_deref(), |name| std::env::var(name).ok());
    match work(settings, arguments.command, locale) {
        // Whoever closed our standard output reads nothing more.
        Ok(text) => match std::io::stdout().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => {
            eprintln!("ulysse user: {}", explain(locale, &error));
            ExitCode::FAILURE
        }
    }
}

fn work(
    settings: &Settings,
    command: UserCommand,
    locale: Locale,
) -> Result<String, UserCommandError> {
    let directory = &settings.roots.database_base;
    become_user::become_owner(&settings.web.user, directory)?;
    // Before the database's threads are there: a signal must find this one alone.
    let request = judge(command, |name| new_password::take(name, locale))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(UserCommandError::Runtime)?;
    runtime.block_on(async {
        let store = Store::open(&directory.join(DATABASE)).await?;
        carry_out(&store, request, locale, settings.web.listen, SystemClock.now()).await
    })
}

/// The language that was asked for, else the environment's.
fn locale(chosen: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> Locale {
    chosen.and_then(Locale::from_tag).unwrap_or_else(|| cli::locale_of(variable))
}

/// Judges the words of a command with the code that judges forms, all of them before it refuses.
fn judge(
    command: UserCommand,
    new_password: impl Fn(&UserName) -> Result<Password, NewPasswordError>,
) -> Result<Request, UserCommandError> {
    let mut errors = FieldErrors::default();
    let mut name_of = |name: String| errors.take(Field::UserName, name.try_into());
    let request = match command {
        UserCommand::List => return Ok(Request::List),
        UserCommand::SetupLink => return Ok(Request::SetupLink),
        UserCommand::Disable { name } => {
            name_of(name).map(|name| Request::SetDisabled { name, disabled: true })
        }
        UserCommand::Enable { name } => {
            name_of(name).map(|name| Request::SetDisabled { name, disabled: false })
        }
        UserCommand::Role { name, role } => {
            let name = name_of(name);
            let role = errors.take(Field::Role, role.parse());
            name.zip(role).map(|(name, role)| Request::SetRole { name, role })
        }
        UserCommand::Create { name, role } => {
            let name = name_of(name);
            let role = errors.take(Field::Role, role.parse());
            match name.zip(role) {
                Some((name, role)) => {
                    let password = new_password(&name)?;
                    Some(Request::Create { name, role, password })
                }
                None => None,
            }
        }
        UserCommand::ResetPassword { name } => match name_of(name) {
            Some(name) => {
                let password = new_password(&name)?;
                Some(Request::ResetPassword { name, password })
            }
            None => None,
        },
    };
    request.ok_or(UserCommandError::Refused(Failure::Invalid { errors }))
}

/// Does what was asked; what is to be printed.
async fn carry_out(
    store: &Store,
    request: Request,
    locale: Locale,
    listen: SocketAddr,
    now: UnixMillis,
) -> Result<String, UserCommandError> {
    match request {
        Request::List => Ok(table(locale, &store.users().await?)),
        Request::Create { name, role, password } => {
            let new = NewUser {
                name,
                role,
                password_hash: password::hash(&password)?,
                must_change_password: true,
                created_at: now,
            };
            let user = store.create_user(new).await?;
            Ok(locale.user_created(user.name.as_str()) + "\n")
        }
        Request::SetDisabled { name, disabled } => {
            let user = find(store, &name).await?;
            store.set_user_disabled(user.id, disabled).await?;
            Ok(locale.user_changed(name.as_str()) + "\n")
        }
        Request::SetRole { name, role } => {
            let user = find(store, &name).await?;
            store.set_user_role(user.id, role).await?;
            let changed = locale.user_changed(name.as_str());
            Ok(format!("{changed} {}\n", locale.role_change_explained()))
        }
        Request::ResetPassword { name, password } => {
            let user = find(store, &name).await?;
            store.set_password(user.id, &password::hash(&password)?, true, None).await?;
            // Who forgot it has tried: what locked them out is forgotten too.
            store.clear_failed_logins(&format!("user:{name}")).await?;
            let changed = locale.user_changed(name.as_str());
            Ok(format!("{changed} {}\n", locale.reset_explained()))
        }
        Request::SetupLink => {
            if store.has_administrator().await? {
                return Err(UserCommandError::HasAdministrator);
            }
            let token = SetupToken::generate()?;
            store.add_setup_token(&token.hash(), SetupToken::expires_at(now)).await?;
            Ok(format!("{}\n{}\n", token.link(listen), locale.set_up_explained()))
        }
    }
}

async fn find(store: &Store, name: &UserName) -> Result<User, UserCommandError> {
    store.user_by_name(name).await?.ok_or(UserCommandError::Refused(Failure::NoSuchUser))
}

/// Users as a table. Roles are written as they are given; instants are UTC.
fn table(locale: Locale, users: &[User]) -> String {
    let head = [
        locale.user().to_owned(),
        locale.role().to_owned(),
        locale.access().to_owned(),
        locale.created().to_owned(),
        locale.last_login().to_owned(),
    ];
    let rows = users.iter().map(|user| {
        let access = match user {
            User { disabled: true, .. } => locale.disabled(),
            User { must_change_password: true, .. } => locale.must_change(),
            _ => locale.active(),
        };
        [
            user.name.to_string(),
            user.role.to_string(),
            access.to_owned(),
            rfc3339(user.created_at),
            user.last_login_at.map_or_else(|| locale.never().to_owned(), rfc3339),
        ]
    });
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows).map(Vec::from).collect();
    cli::columns(&lines)
}

/// What went wrong, for whoever typed the command.
fn explain(locale: Locale, error: &UserCommandError) -> String {
    let failure = match error {
        UserCommandError::Refused(failure) => failure,
        UserCommandError::NewPassword(NewPasswordError::Refused(failure)) => failure,
        UserCommandError::HasAdministrator => return locale.has_administrator().to_owned(),
        other => return chain(other),
    };
    match failure {
        Failure::Invalid { errors } => {
            let lines: Vec<String> = errors
                .0
                .iter()
                .map(|error| {
                    let label = field_label(locale, error.field);
                    format!("{label}{}{}", locale.colon(), problem_text(locale, &error.problem))
                })
                .collect();
            lines.join("\n")
        }
        // Its remedy speaks of a page's reference; here the words are all there is.
        Failure::Unexpected { .. } => failure_text(locale, failure).what,
        failure => {
            let text = failure_text(locale, failure);
            format!("{} {}", text.what, text.remedy)
        }
    }
}

#[cfg(test)]
mod tests;
