//! Pieces of view that pages and islands share: they take data, ask nobody, and are small enough
//! for the browser.

use domain::config_change::FileProblem;
#[cfg(feature = "build-form")]
use domain::field::Field;
use domain::time::UnixMillis;
use domain::vserver::State;
use leptos::prelude::*;

use crate::i18n::{self, Locale, format};
use crate::shown::ShownProgress;

/// A state: a mark of its own shape, a word, a colour.
#[must_use]
pub(crate) fn state_pill(locale: Locale, state: State) -> impl IntoView {
    let name = state_name(state);
    view! {
        <span class="pill" data-state=name>
            <span class="pill-mark" aria-hidden="true"></span>
            {i18n::state_text(locale, state)}
        </span>
    }
}

/// The word for a state in `data-state`, which the style sheet knows.
#[must_use]
pub(crate) fn state_name(state: State) -> &'static str {
    match state {
        State::Stopped => "stopped",
        State::Starting | State::Stopping | State::Building | State::Deleting => "moving",
        State::Running => "running",
    }
}

/// How an operation stands: mark, word, colour.
#[must_use]
pub(crate) fn progress_pill(locale: Locale, progress: &ShownProgress) -> impl IntoView + use<> {
    let (name, text) = match progress {
        ShownProgress::Queued => ("moving", locale.queued()),
        ShownProgress::Running { .. } => ("moving", locale.under_way()),
        ShownProgress::Succeeded => ("succeeded", locale.succeeded()),
        ShownProgress::Failed { .. } => ("failed", locale.failed()),
        ShownProgress::Cancelled { .. } => ("stopped", locale.cancelled()),
    };
    view! {
        <span class="pill" data-state=name>
            <span class="pill-mark" aria-hidden="true"></span>
            {text}
        </span>
    }
}

/// An instant, for people and machines.
#[must_use]
pub(crate) fn instant(locale: Locale, at: UnixMillis) -> impl IntoView {
    view! { <time datetime=format::rfc3339(at)>{format::instant(locale, at)}</time> }
}

/// What is wrong with a config tree, in one line.
#[must_use]
pub(crate) fn config_problem(locale: Locale, problem: &FileProblem) -> String {
    let expected = i18n::expected_text(locale, &problem.expected);
    locale.file_problem(&problem.path, &problem.line.to_string(), &expected)
}

/// The id of a field's input in the page, which the summary of what is wrong links to.
#[cfg(feature = "build-form")]
#[must_use]
pub(crate) fn field_id(field: Field) -> &'static str {
    match field {
        Field::Name => "field-name",
        Field::Method => "field-method",
        Field::Suite => "field-suite",
        Field::Mirror => "field-mirror",
        Field::Packages => "field-packages",
        Field::Init => "field-init",
        Field::Context => "field-context",
        Field::HostName => "field-host-name",
        Field::Interface => "field-interfaces",
        Field::Architecture => "field-architecture",
        Field::Mark => "field-mark",
        Field::UserName => "field-user-name",
        Field::Password => "field-password",
        Field::PasswordAgain => "field-password-again",
        Field::CurrentPassword => "field-current-password",
        Field::Role => "field-role",
        Field::SetupToken => "field-setup-token",
        Field::Variant => "field-variant",
        Field::Components => "field-components",
        Field::Excluded => "field-excluded",
        Field::Flags => "field-flags",
        Field::ConfigPath => "field-path",
        Field::ConfigTree => "field-tree",
        Field::ConfigText => "field-text",
        Field::Source => "field-source",
        Field::ExcludePatterns => "field-exclude-patterns",
        Field::Bandwidth => "field-bandwidth",
        Field::Port => "field-port",
        Field::HostKey => "field-host-key",
        Field::Identity => "field-identity",
        Field::Distribution => "field-distribution",
        Field::Template => "field-template",
        Field::Broadcast => "field-broadcast",
        Field::Cpuset => "field-cpuset",
        Field::CpusetCpus => "field-cpuset-cpus",
        Field::CpusetMems => "field-cpuset-mems",
        Field::SuiteScript => "field-suite-script",
        Field::Description => "field-description",
        Field::Archive => "field-archive",
        Field::Base => "field-base",
        Field::Backup => "field-backup",
        Field::BackupTarget => "field-backup-target",
        Field::BackupTime => "field-backup-time",
        Field::Retention => "field-retention",
        Field::Path => "field-path",
        Field::Confirmation => "field-confirmation",
        Field::Process => "field-process",
        Field::Signal => "field-signal",
        Field::AtOnce => "field-at-once",
        Field::Canary => "field-canary",
        Field::StopAfter => "field-stop-after",
        Field::MountTarget => "field-mount-target",
        Field::MountType => "field-mount-type",
        Field::MountSize => "field-mount-size",
        Field::PackageNames => "field-package-names",
        Field::MountMode => "field-mount-mode",
        Field::MountOptions => "field-mount-options",
        Field::Service => "field-service",
        Field::VServers => "field-vservers",
        Field::Operation => "field-operation",
        Field::Action => "field-action",
    }
}

/// A text as HTML writes it. Views escape what stands in them, but for the title and what is in a
/// `<textarea>`: there leptos takes text for HTML.
#[cfg(feature = "build-form")]
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A text for the `inner_html` of a `<textarea>`, whose first newline browsers drop. As a child it
/// would stand there with the marks that leptos puts between nodes.
#[cfg(feature = "build-form")]
pub(crate) fn area_text(text: &str) -> String {
    format!("\n{}", escaped(text))
}
