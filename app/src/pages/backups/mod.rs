//! Backups: of all VServers, of one, one of them; and what is wrong with them, wherever it is said.

pub(crate) mod list;
pub(crate) mod of_vserver;
pub(crate) mod show;

use domain::backup::{BackupOverview, BackupStatus};
use domain::field::{Field, FieldErrors};
use domain::id::VServerName;
use leptos::prelude::*;

use crate::components::field::id_of;
use crate::i18n::{Locale, backup_alert_text, problem_text};

/// What is wrong with backups, each with the way to the page that helps; nothing when nothing is.
pub(crate) fn alerts(t: Locale, statuses: &[BackupStatus]) -> Option<impl IntoView + use<>> {
    let lines: Vec<_> = statuses
        .iter()
        .flat_map(|one| one.alerts.iter().map(|alert| (one.vserver.clone(), alert)))
        .map(|(name, alert)| {
            let text = backup_alert_text(t, &name, alert);
            view! { <li><a href=format!("/vservers/{name}/backups")>{text}</a></li> }
        })
        .collect();
    (!lines.is_empty()).then(|| {
        view! {
            <div class="alert" role="status">
                <p><strong>{t.backups_need_care()}</strong></p>
                <ul class="alert-details">{lines}</ul>
            </div>
        }
    })
}

/// The part of an overview about one VServer.
pub(super) fn of(overview: &BackupOverview, name: &VServerName) -> BackupStatus {
    let found = overview.vservers.iter().find(|one| one.vserver == *name).cloned();
    found.unwrap_or_else(|| BackupStatus {
        vserver: name.clone(),
        exists: false,
        schedule: None,
        backups: Vec::new(),
        alerts: Vec::new(),
    })
}

/// The targets to choose from.
pub(super) fn target_options(
    overview: &BackupOverview,
    chosen: Option<&str>,
) -> impl IntoView + use<> {
    overview
        .targets
        .iter()
        .map(|target| {
            let is_chosen = chosen == Some(target.as_str());
            view! { <option selected=is_chosen>{target.to_string()}</option> }
        })
        .collect_view()
}

/// The choice of where backups go.
pub(super) fn target_field(
    t: Locale,
    overview: &BackupOverview,
    chosen: Option<&str>,
    errors: &FieldErrors,
) -> impl IntoView + use<> {
    let id = id_of(Field::BackupTarget);
    let problems: Vec<String> =
        errors.of(Field::BackupTarget).map(|problem| problem_text(t, problem)).collect();
    let is_wrong = !problems.is_empty();
    view! {
        <div class="field" class:wrong=is_wrong>
            <label for=id>{t.backup_target()}</label>
            <select
                id=id
                name="target"
                aria-invalid=is_wrong.then_some("true")
                aria-describedby=format!("{id}-more")
            >
                {target_options(overview, chosen)}
            </select>
            <div id=format!("{id}-more")>
                {problems
                    .into_iter()
                    .map(|text| view! { <p class="problem">{text}</p> })
                    .collect_view()}
            </div>
        </div>
    }
}
