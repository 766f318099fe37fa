//! The backups of one VServer: those there are, which of them its policy keeps, when the next is taken.

use domain::authz::ActionKind;
use domain::backup::{
    BackupId, BackupOrder, BackupOverview, BackupScope, BackupStatus, BackupSummary,
};
use domain::command;
use domain::field::Field;
use domain::id::TargetName;
use domain::retention::{Judged, Retention, Schedule, ScheduleForm};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{alerts, of, target_field, target_options};
use crate::components::field::{Input, field};
use crate::components::removal::{Removal, removal};
use crate::components::vserver_pages::vserver_pages;
use crate::i18n::{Locale, format, problem_text, retention_text};
use crate::islands::form_command::FormCommand;
use crate::page::{Area, Content, For, Page, page};
use crate::pages::vservers::show::named;
use crate::shared::instant;

const TAKE: &str = "backups/take";
const SCHEDULE: &str = "backups/schedule";
/// What a schedule proposes when there is none.
const PROPOSED_TIME: &str = "daily 02:30";
const PROPOSED_RETENTION: &str = "last=3 daily=7 weekly=4 monthly=12";

/// The page. `?keep=` shows what another policy would keep.
pub(crate) fn of_vserver() -> impl IntoView {
    let name = use_params_map().with_untracked(|map| map.get("name")).unwrap_or_default();
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let permit = page.permit()?;
        let name = named(&name)?;
        let overview = page.backend.backups(permit, BackupScope::All).await?;
        let status = of(&overview, &name);
        let may_back_up = page.may(ActionKind::BackUpVServer);
        let may_restore = page.may(ActionKind::RestoreBackup);
        let config_directory = match may_back_up && status.exists {
            true => {
                let detail = page.backend.vserver(page.permit()?, name.clone()).await?;
                Some(detail.config_directory)
            }
            false => None,
        };
        let in_force = status.schedule.as_ref().map(|schedule| schedule.keep);
        let asked = page.query("keep").filter(|text| !text.trim().is_empty());
        let (policy, problem) = match asked.as_deref().map(str::parse::<Retention>) {
            None => (in_force, None),
            Some(Ok(policy)) => (Some(policy), None),
            Some(Err(problem)) => (None, Some(problem_text(t, &problem))),
        };
        let body = view! {
            {vserver_pages(&page, &name)}
            {alerts(t, std::slice::from_ref(&status))}
            {(may_back_up && status.exists).then(|| take(&page, &overview, &status))}
            {table(&page, &status, policy, may_restore)}
            <form method="get" action=format!("/vservers/{name}/backups") class="toolbar">
                <label>
                    {t.preview_of_policy()}
                    <input
                        type="text"
                        name="keep"
                        value=asked.unwrap_or_else(|| {
                            in_force.map_or_else(|| PROPOSED_RETENTION.to_owned(), String::from)
                        })
                        autocomplete="off"
                        spellcheck="false"
                    />
                </label>
                <button>{t.preview_policy()}</button>
            </form>
            {problem.map(|text| view! { <p class="problem" role="status">{text}</p> })}
            {status
                .schedule
                .as_ref()
                .filter(|_| may_back_up && policy == in_force)
                .and_then(|schedule| prune(&page, &status, schedule))}
            {config_directory.map(|directory| schedule(&page, &overview, &status, &directory))}
        };
        Ok(Content {
            title: t.backups_of(name.as_str()),
            area: Area::Backups,
            subscription: None,
            body: body.into_any(),
        })
    })
}

fn hidden(page: &Page, name: &str) -> impl IntoView + use<> {
    view! {
        <input type="hidden" name="csrf" value=page.csrf.clone() />
        <input type="hidden" name="name" value=name.to_owned() />
    }
}

fn take(page: &Page, overview: &BackupOverview, status: &BackupStatus) -> impl IntoView + use<> {
    let t = page.locale;
    let target = page.typed(TAKE, "target");
    let pause = page.typed(TAKE, "pause").is_some_and(|text| !text.is_empty());
    let vserver = status.vserver.clone();
    let chosen = target.as_deref().and_then(|target| target.parse().ok());
    let line = chosen.or_else(|| overview.targets.first().cloned()).map(|target| {
        command::take_backup(&BackupOrder { vserver: vserver.clone(), target, pause })
    });
    view! {
        <form method="post" action="/api/backups/take">
            <div class="toolbar">
                {hidden(page, vserver.as_str())}
                <label>
                    {t.backup_target()}
                    <select name="target">{target_options(overview, target.as_deref())}</select>
                </label>
                <label class="choice">
                    <input type="checkbox" name="pause" value="true" checked=pause />
                    {t.pause_meanwhile()}
                </label>
                <button class="primary">{t.back_up_now()}</button>
            </div>
            {line.map(|line| view! { <FormCommand locale=t command=line /> })}
        </form>
    }
}

/// The removal of what the policy in force does not keep: which those are, and how much.
fn prune(page: &Page, status: &BackupStatus, schedule: &Schedule) -> Option<AnyView> {
    let t = page.locale;
    let Schedule { target, keep, .. } = schedule;
    let judged = judged(status, Some(*keep));
    let goes = |kept: &&BackupSummary| {
        kept.backup.target == *target
            && judged
                .iter()
                .any(|(at, one)| at == target && one.id == kept.backup.id && !one.is_kept())
    };
    let gone: Vec<&BackupSummary> = status.backups.iter().filter(goes).collect();
    if gone.is_empty() {
        return None;
    }
    let bytes = format::bytes(t, gone.iter().map(|kept| kept.bytes).sum());
    let rows = gone
        .iter()
        .map(|kept| {
            let size = format::bytes(t, kept.bytes);
            view! { <li>{instant(t, kept.backup.id.at())} " (" {size} ")"</li> }
        })
        .collect_view();
    let count = format::integer(t, gone.len() as u64);
    let keep = keep.to_string();
    let asked = Removal {
        function: "backups/prune",
        summary: t.prune_dots(),
        label: t.prune_now().to_owned(),
        loss: view! {
            <p>{t.prune_removes(&count, &bytes)}</p>
            <ul>{rows}</ul>
        }
        .into_any(),
        command: command::prune_backups(&status.vserver, Some(target), Some(&keep)),
        fields: vec![
            ("name", status.vserver.to_string()),
            ("target", target.to_string()),
            ("keep", keep),
        ],
    };
    Some(removal(t, &page.csrf, asked).into_any())
}

/// What a policy says of each backup; each target's are judged by themselves.
fn judged(status: &BackupStatus, policy: Option<Retention>) -> Vec<(TargetName, Judged)> {
    let Some(policy) = policy else { return Vec::new() };
    let mut targets: Vec<&TargetName> =
        status.backups.iter().map(|kept| &kept.backup.target).collect();
    targets.sort();
    targets.dedup();
    let of_target = |target: &TargetName| {
        let ids: Vec<BackupId> = status
            .backups
            .iter()
            .filter(|kept| kept.backup.target == *target)
            .map(|kept| kept.backup.id)
            .collect();
        let target = target.clone();
        policy.preview(&ids).into_iter().map(move |one| (target.clone(), one)).collect::<Vec<_>>()
    };
    targets.into_iter().flat_map(of_target).collect()
}

fn verdict(
    t: Locale,
    judged: &[(TargetName, Judged)],
    target: &TargetName,
    id: BackupId,
) -> String {
    let found = judged.iter().find(|(at, one)| at == target && one.id == id);
    match found {
        None => "–".to_owned(),
        Some((_, one)) if !one.is_kept() => t.policy_removes().to_owned(),
        Some((_, one)) => {
            let reasons: Vec<&str> =
                one.reasons.iter().map(|reason| retention_text(t, *reason)).collect();
            reasons.join(", ")
        }
    }
}

fn table(
    page: &Page,
    status: &BackupStatus,
    policy: Option<Retention>,
    may_restore: bool,
) -> AnyView {
    let t = page.locale;
    if status.backups.is_empty() {
        return view! { <p class="nothing">{t.no_backups_yet()}</p> }.into_any();
    }
    let judged = judged(status, policy);
    let rows = status
        .backups
        .iter()
        .map(|kept| {
            let backup = &kept.backup;
            let when = instant(t, backup.id.at());
            let link = match may_restore {
                true => view! { <a href=format!("/backups/{backup}")>{when}</a> }.into_any(),
                false => when.into_any(),
            };
            view! {
                <tr>
                    <th scope="row">{link}</th>
                    <td data-label=t.backup_target()>{backup.target.to_string()}</td>
                    <td data-label=t.size() class="number">{format::bytes(t, kept.bytes)}</td>
                    <td data-label=t.kept_because()>
                        {verdict(t, &judged, &backup.target, backup.id)}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-frame">
            <table>
                <caption class="hidden-visually">{t.backups()}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t.taken_at()}</th>
                        <th scope="col">{t.backup_target()}</th>
                        <th scope="col" class="number">{t.size()}</th>
                        <th scope="col">{t.kept_because()}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn schedule(
    page: &Page,
    overview: &BackupOverview,
    status: &BackupStatus,
    config_directory: &str,
) -> impl IntoView + use<> {
    let t = page.locale;
    let errors = page.errors(SCHEDULE);
    let text = Input::Text { autocomplete: "off" };
    let known = status.schedule.as_ref();
    let value = |field: &str, known: Option<String>, otherwise: &str| {
        page.typed(SCHEDULE, field).or(known).or_else(|| Some(otherwise.to_owned()))
    };
    let when = value("when", known.map(|known| known.when.to_string()), PROPOSED_TIME);
    let keep = value("keep", known.map(|known| known.keep.to_string()), PROPOSED_RETENTION);
    let first = || overview.targets.first().map(ToString::to_string);
    let target = page.typed(SCHEDULE, "target").or(known.map(|known| known.target.to_string()));
    let name = status.vserver.to_string();
    let next = known.map(|known| {
        let at = instant(t, known.when.next(page.now));
        view! { <p>{t.next_backup()} " " {at}</p> }
    });
    let off = known.is_some().then(|| {
        let line = command::schedule_backups(&status.vserver, &ScheduleForm::default()).line();
        view! {
            <form method="post" action="/api/backups/schedule">
                {hidden(page, &name)} <input type="hidden" name="when" value="" />
                <p>{t.command()} {t.colon()} <code>{line}</code></p>
                <p class="actions"><button>{t.schedule_off()}</button></p>
            </form>
        }
    });
    let shown = ScheduleForm {
        target: target.clone().or_else(first).unwrap_or_default(),
        when: when.clone().unwrap_or_default(),
        keep: keep.clone().unwrap_or_default(),
    };
    let line = command::schedule_backups(&status.vserver, &shown);
    view! {
        <section aria-labelledby="schedule-title">
            <h2 id="schedule-title">{t.schedule()}</h2>
            {next}
            <form method="post" action="/api/backups/schedule" class="narrow">
                {hidden(page, &name)}
                {target_field(t, overview, target.as_deref(), &errors)}
                {field(t, Field::BackupTime, "when", text, when, Some(t.when_hint().to_owned()), &errors)}
                {field(t, Field::Retention, "keep", text, keep, Some(t.keep_hint().to_owned()), &errors)}
                <FormCommand locale=t command=line />
                <p class="hint">
                    {t.files_written()} {t.colon()}
                    <code>{format!("{config_directory}/apps/ulysse/backup")}</code>
                </p>
                <p class="actions"><button class="primary">{t.schedule_save()}</button></p>
            </form>
            {off}
        </section>
    }
}
