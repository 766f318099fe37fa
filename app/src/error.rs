//! What a server function answers when it did not do what was asked.
//!
//! [`Refusal`] is a [`Failure`] on the wire, with an HTTP status. It holds no text: pages make that
//! with `crate::i18n`.

use domain::failure::Failure;
use http::StatusCode;
use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

/// The error of every server function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error(transparent)]
#[serde(transparent)]
pub struct Refusal(#[from] pub Failure);

impl FromServerFnError for Refusal {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        Self(Failure::Unexpected { detail: error.to_string() })
    }
}

/// The HTTP status that tells a program what a failure's text tells a person.
#[must_use]
pub fn status_of(failure: &Failure) -> StatusCode {
    match failure {
        Failure::NotLoggedIn => StatusCode::UNAUTHORIZED,
        Failure::NotAllowed { .. } | Failure::CrossSite | Failure::ConfigNotEditable { .. } => {
            StatusCode::FORBIDDEN
        }
        Failure::NoSuchVServer { .. }
        | Failure::NoSuchOperation { .. }
        | Failure::NoSuchTerminal
        | Failure::NoSuchConfigChange { .. }
        | Failure::NoSuchTemplate { .. }
        | Failure::NoSuchBase { .. }
        | Failure::NoSuchUser
        | Failure::NoSuchBackup { .. }
        | Failure::NoSuchTarget { .. }
        | Failure::NotInBin { .. }
        | Failure::NoSuchProcess { .. } => StatusCode::NOT_FOUND,
        Failure::SetupLinkInvalid => StatusCode::GONE,
        Failure::AlreadyRunning { .. }
        | Failure::NotRunning { .. }
        | Failure::Busy { .. }
        | Failure::LastAdministrator
        | Failure::ConfigChanged { .. }
        | Failure::ConfigTreeChanged { .. }
        | Failure::ConfigUnchanged
        | Failure::Protected { .. }
        | Failure::MustBeStopped { .. }
        | Failure::NothingToChange
        | Failure::Mounted { .. }
        | Failure::Place { .. }
        | Failure::BaseUnusable { .. }
        | Failure::UnsafeProgram { .. }
        | Failure::NoPackageSystem { .. }
        | Failure::NotRemounted { .. }
        | Failure::NoVersionLock { .. }
        | Failure::Cancelled
        | Failure::InterfacesUnusable { .. }
        | Failure::Batch { .. } => StatusCode::CONFLICT,
        Failure::Invalid { .. }
        | Failure::WrongCredentials
        | Failure::BadConfig { .. }
        | Failure::ConfigRefused { .. }
        | Failure::ArchiveRefused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Failure::UploadBroken { .. } => StatusCode::BAD_REQUEST,
        Failure::LockedOut { .. } | Failure::QueueFull { .. } => StatusCode::TOO_MANY_REQUESTS,
        Failure::EngineDown | Failure::Interrupted => StatusCode::SERVICE_UNAVAILABLE,
        Failure::TimedOut { .. } => StatusCode::GATEWAY_TIMEOUT,
        Failure::DiskFull { .. } => StatusCode::INSUFFICIENT_STORAGE,
        Failure::HostLacks { .. } => StatusCode::NOT_IMPLEMENTED,
        Failure::MirrorUnreachable { .. } | Failure::TargetUnreachable { .. } => {
            StatusCode::BAD_GATEWAY
        }
        Failure::DebootstrapFailed { .. }
        | Failure::NoInit { .. }
        | Failure::EmptyRoot { .. }
        | Failure::OtherArchitecture { .. }
        | Failure::TooManyFiles { .. }
        | Failure::NoReference { .. }
        | Failure::ProgramFailed { .. }
        | Failure::RemoteDenied { .. }
        | Failure::BackupDamaged { .. }
        | Failure::PackageToolFailed { .. }
        | Failure::PackagesInterrupted { .. }
        | Failure::PackagesBroken { .. }
        | Failure::Unexpected { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
