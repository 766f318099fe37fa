//! One operation: who, what, how far, its log. Leaving and coming back loses nothing: the page
//! holds the log there is, the stream goes on from there.

use domain::authz::ActionKind;
use domain::batch::{BatchRow, RowState};
use domain::change::PlainChange;
use domain::failure::Failure;
use domain::id::OperationId;
use domain::operation::{Kind, LogChunk, Operation, Target};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::api::batch::{Each, page_of};
use crate::events::Subscription;
use crate::i18n::kind_text;
use crate::islands::batch_rows::BatchRows;
use crate::islands::copy_button::CopyButton;
use crate::islands::operation_progress::OperationProgress;
use crate::page::{Area, Content, For, Page, page};
use crate::pages::packages::removal;
use crate::shown::{ShownLog, ShownOneOfMany, ShownOperation};

/// The most of a log that one page holds. A build's is a few hundred KiB.
const MOST_LOG_BYTES: u64 = 4 << 20;

/// The page.
pub(crate) fn show() -> impl IntoView {
    let id = use_params_map().with_untracked(|map| map.get("id")).unwrap_or_default();
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let permit = page.permit()?;
        let id: OperationId = id
            .parse()
            .map_err(|problem| Failure::of_field(domain::field::Field::Operation, problem))?;
        let operation = page.backend.operation(permit, id.clone()).await?;
        let log = whole_log(&page, &id).await?;
        let log = ShownLog::beyond(t, &log, 0);
        let end = log.end;
        let shown = ShownOperation::of(t, &operation);
        let (title, actor) = (shown.title.clone(), shown.actor.clone());
        let name = operation.target.name().to_owned();
        let (label, address, name) = match (&operation.target, operation.kind) {
            (_, Kind::ConfigureDefaults) => {
                ("VServer", "/defaults".to_owned(), t.defaults().to_owned())
            }
            (_, Kind::ConfigureDistributions) => {
                (t.configuration(), "/distributions".to_owned(), t.distributions().to_owned())
            }
            (Target::VServer(_), Kind::Configure) => {
                ("VServer", format!("/vservers/{name}/config"), name)
            }
            (Target::VServer(_), _) => ("VServer", format!("/vservers/{name}"), name),
            (Target::Template(_), _) => (t.template(), "/templates#templates".to_owned(), name),
            (Target::Base(_), _) => (t.base(), "/templates#bases".to_owned(), name),
            (Target::Batch(_), _) => ("VServers", format!("/operations/{name}"), name),
        };
        let command = operation.command.clone();
        let of_batch = operation.batch.clone().map(|id| {
            view! {
                <div>
                    <dt>{t.batch()}</dt>
                    <dd><a href=format!("/operations/{id}")>{id.to_string()}</a></dd>
                </div>
            }
        });
        let many = match operation.kind {
            // The rest of the page needs no engine, and its log says what became of each.
            Kind::Batch => rows(&page, &operation).await.ok(),
            _ => None,
        };
        let may_cancel = page.may(ActionKind::CancelOperation);
        let is_under_way = !operation.progress.is_final();
        let body = view! {
            // Without scripts the page brings itself up to date.
            {is_under_way.then(|| view! { <noscript><meta http-equiv="refresh" content="3" /></noscript> })}
            <dl class="facts">
                {match &operation.target {
                    Target::Batch(_) => None,
                    _ => Some(view! {
                        <div>
                            <dt>{label}</dt>
                            <dd><a href=address>{name}</a></dd>
                        </div>
                    }),
                }}
                {of_batch}
                <div>
                    <dt>{t.who()}</dt>
                    <dd>{actor}</dd>
                </div>
                <div class="wide">
                    <dt>{t.command()}</dt>
                    <dd class="command">
                        <pre tabindex="0"><code>{command.clone()}</code></pre>
                        <CopyButton locale=t text=command />
                    </dd>
                </div>
            </dl>
            {many}
            <OperationProgress
                locale=t
                operation=shown
                log=log
                may_cancel=may_cancel
                csrf=page.csrf.clone()
                now=page.now
            />
        };
        Ok(Content {
            title,
            area: Area::Operations,
            subscription: Some(Subscription {
                operation: Some(id),
                operations: operation.kind == Kind::Batch,
                from: end,
                ..Subscription::default()
            }),
            body: body.into_any(),
        })
    })
}

/// Each VServer of a batch; and, when it has ended, the way to those that are not as they were to be.
async fn rows(page: &Page, operation: &Operation) -> Result<AnyView, Failure> {
    let t = page.locale;
    let view = page.backend.batch(page.permit()?, operation.id.clone()).await?;
    let is_left = |row: &&BatchRow| match &row.state {
        RowState::Ended { outcome } => !outcome.is_good(),
        RowState::Waiting | RowState::Running { .. } => false,
    };
    let left: Vec<String> =
        view.rows.iter().filter(is_left).map(|row| row.name.to_string()).collect();
    let kind = view.batch.kind_of_all();
    let each = kind.and_then(|kind| Each::of(kind.as_str()));
    let again = each
        .filter(|each| operation.progress.is_final() && !left.is_empty() && page.may(each.action()))
        .map(|each| {
            let mark = match view.batch.changes().first() {
                Some(PlainChange::Mark { mark, .. }) => mark.as_str(),
                _ => "",
            };
            let address = page_of(each.kind().as_str(), &left, mark);
            let text = t.batch_again(&left.len().to_string());
            view! { <p class="actions"><a class="button" href=address>{text}</a></p> }
        });
    let of_kind = kind.map(|kind| {
        let count = view.rows.len().to_string();
        view! { <h2>{t.batch_title(kind_text(t, kind), &count)}</h2> }
    });
    let rows = view.rows.iter().map(|row| ShownOneOfMany::of(t, row)).collect();
    let batch = operation.id.clone();
    let removal = match removal::foreseen(&view).filter(|_| operation.progress.is_final()) {
        Some(packages) => Some(removal::removal(page, &view, packages).await?),
        None => None,
    };
    Ok(view! {
        {of_kind}
        <BatchRows locale=t batch=batch is_over=operation.progress.is_final() rows=rows />
        {removal}
        {again}
    }
    .into_any())
}

/// The log there is, piece by piece.
pub(crate) async fn whole_log(page: &Page, id: &OperationId) -> Result<LogChunk, Failure> {
    let mut log = page.backend.operation_log(page.permit()?, id.clone(), 0).await?;
    while (log.text.len() as u64) < MOST_LOG_BYTES {
        let next = log.offset + log.text.len() as u64;
        let chunk = page.backend.operation_log(page.permit()?, id.clone(), next).await?;
        log.open = chunk.open;
        if chunk.text.is_empty() {
            break;
        }
        log.text.push_str(&chunk.text);
    }
    Ok(log)
}
