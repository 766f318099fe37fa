//! What the dashboard says beside its numbers: what needs attention, what failed lately, how many addresses are
//! left. Gathered and rendered here for the page and for its stream alike, so that what is shown is always
//! what the server would render.

use domain::authz::{UndeleteVServer, ViewOperations, ViewVServers, authorize};
use domain::backup::{BackupOverview, BackupScope};
use domain::failure::Failure;
use domain::operation::{Operation, Progress};
use domain::time::UnixMillis;
use domain::user::Identity;
use domain::vserver::{State, Summary};
use leptos::prelude::*;
use leptos::tachys::view::RenderHtml;

use crate::backend::{Backend, HostOverview, OperationFilter};
use crate::events::Part;
use crate::i18n::{Locale, backup_alert_text, failure_text, format};
use crate::overview::is_nearly_full;
use crate::shared::{config_problem, instant};
use crate::shown::ShownOperation;

/// For how long a failure is news, in milliseconds.
const LATELY_MS: u64 = 24 * 60 * 60 * 1000;
/// The most lines of a list of what needs attention, or failed.
const MOST_LINES: usize = 20;
/// Fewer free addresses are nearly none.
const FEW_ADDRESSES: u32 = 5;

/// The ids of the elements that its parts stand in.
pub(crate) const ATTENTION: &str = "part-attention";
pub(crate) const POOL: &str = "part-pool";
pub(crate) const FAILED: &str = "part-failed";

/// All that it is made of.
pub struct Facts {
    /// The host.
    pub host: HostOverview,
    /// Operations, the newest first.
    pub operations: Vec<Operation>,
    backups: BackupOverview,
    binned: usize,
}

impl Facts {
    /// Asks for it on behalf of whoever looks.
    ///
    /// # Errors
    /// When they may not see it, or the host does not answer.
    pub async fn gather(backend: &dyn Backend, identity: &Identity) -> Result<Self, Failure> {
        let who = Some(identity);
        let view = || authorize::<ViewVServers>(who);
        let of_operations = authorize::<ViewOperations>(who)?;
        // The page is worth more than what is to be said about backups and the bin.
        let backups = backend.backups(view()?, BackupScope::Alerts).await.unwrap_or_default();
        let binned = match authorize::<UndeleteVServer>(who) {
            Ok(permit) => backend.bin(permit).await.map_or(0, |bin| bin.entries.len()),
            Err(_) => 0,
        };
        Ok(Self {
            host: backend.host(view()?).await?,
            operations: backend.operations(of_operations, OperationFilter::default()).await?,
            backups,
            binned,
        })
    }

    /// The parts of the page that move with it.
    #[must_use]
    pub fn parts(&self, t: Locale, all: &[&Summary], now: UnixMillis) -> Vec<Part> {
        let part = |id: &str, html| Part { id: id.to_owned(), html };
        vec![
            part(ATTENTION, lines(t, self.attention(t, all), t.nothing_needs_attention())),
            part(POOL, pool(t, &self.host)),
            part(FAILED, lines(t, self.failed(t, now), t.nothing_failed())),
        ]
    }

    fn attention(&self, t: Locale, all: &[&Summary]) -> Vec<Line> {
        let mut found = Vec::new();
        let mut say = |text: String, href: String| found.push(Line { text, href, at: None });
        if !self.host.is_same_build {
            say(t.attention_build().to_owned(), "/host".to_owned());
        }
        let filesystems = self.host.now.iter().flat_map(|now| &now.resources.filesystems);
        for one in filesystems.filter(|one| is_nearly_full(one.space)) {
            let share = format::percent(t, one.space.used_permille().into());
            let free = format::bytes(t, one.space.free_bytes);
            say(t.attention_disk(&one.mount, &share, &free), "/host".to_owned());
        }
        if self.host.pool.free < FEW_ADDRESSES {
            say(t.attention_pool(&self.host.pool.network), "/host".to_owned());
        }
        for one in all {
            let name = one.name.as_str();
            if let Some(problem) = &one.problem {
                let problem = config_problem(t, problem);
                say(t.attention_problem(name, &problem), format!("/vservers/{name}/config"));
            }
            if let Some(kills) = &one.oom_kills {
                let count = format::integer(t, kills.count);
                say(t.attention_oom(name, &count), format!("/vservers/{name}"));
            }
            let is_idle = one.state == State::Stopped && one.operation.is_none();
            if is_idle && !one.marks.is_empty() {
                say(t.attention_marked(name), format!("/vservers/{name}"));
            }
        }
        for status in &self.backups.vservers {
            let name = &status.vserver;
            for alert in &status.alerts {
                say(backup_alert_text(t, name, alert), format!("/vservers/{name}/backups"));
            }
        }
        if self.binned > 0 {
            say(t.attention_bin(&format::integer(t, self.binned as u64)), "/bin".to_owned());
        }
        found
    }

    fn failed(&self, t: Locale, now: UnixMillis) -> Vec<Line> {
        let is_new = |one: &&Operation| now.millis_since(one.created_at) <= LATELY_MS;
        self.operations
            .iter()
            .filter(is_new)
            .filter_map(|one| {
                let Progress::Failed { failure } = &one.progress else { return None };
                let title = ShownOperation::of(t, one).title;
                let what = failure_text(t, failure).what;
                Some(Line {
                    text: format!("{title}{} {what}", t.colon()),
                    href: format!("/operations/{}", one.id),
                    at: Some(one.finished_at.unwrap_or(one.created_at)),
                })
            })
            .collect()
    }
}

/// A line of a list: what it says, where that is mended, and when it was.
struct Line {
    text: String,
    href: String,
    at: Option<UnixMillis>,
}

fn lines(t: Locale, lines: Vec<Line>, nothing: &'static str) -> String {
    if lines.is_empty() {
        return view! { <p class="nothing">{nothing}</p> }.to_html();
    }
    let items = lines
        .into_iter()
        .take(MOST_LINES)
        .map(|Line { text, href, at }| {
            view! { <li><a href=href>{text}</a> {at.map(|at| view! { " " {instant(t, at)} })}</li> }
        })
        .collect_view();
    view! { <ul class="attention">{items}</ul> }.to_html()
}

fn pool(t: Locale, host: &HostOverview) -> String {
    let pool = &host.pool;
    let value = t.addresses_free(&format::integer(t, pool.free.into()));
    let note = t.addresses_of(&format::integer(t, pool.used.into()), &pool.network);
    view! {
        <span class="tile-label">{t.addresses()}</span>
        <strong class="tile-value">{value}</strong>
        <span class="tile-note">{note}</span>
    }
    .to_html()
}
