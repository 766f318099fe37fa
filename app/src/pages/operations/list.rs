//! All operations: searchable, by VServer, by kind, page by page. A plain GET form.

use domain::operation::Kind;
use leptos::prelude::*;

use crate::backend::OperationFilter;
use crate::events::{Subscription, encoded};
use crate::i18n::kind_text;
use crate::islands::operation_table::OperationTable;
use crate::page::{Area, Content, For, Page, page};
use crate::shown::ShownOperation;

/// How many the backend gives at most: as many mean that there may be more.
const PAGE_LENGTH: usize = 100;

/// The page: `?q=`, `?vserver=`, `?kind=`, `?before=`.
pub(crate) fn list() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| {
        let t = page.locale;
        let query = |key: &str| page.query(key).filter(|value| !value.trim().is_empty());
        let (text, vserver, kind) = (query("q"), query("vserver"), query("kind"));
        let filter = OperationFilter {
            target: vserver.as_deref().and_then(|name| name.trim().parse().ok()),
            kind: kind
                .as_deref()
                .and_then(|kind| Kind::ALL.into_iter().find(|k| k.as_str() == kind)),
            text: text.clone(),
            before: query("before").and_then(|id| id.parse().ok()),
        };
        let is_newest = filter.before.is_none();
        let grows = is_newest && filter.kind.is_none() && filter.text.is_none();
        let (target, chosen) = (filter.target.clone(), filter.kind);
        let operations = page.backend.operations(page.permit()?, filter).await?;
        let older = operations.last().filter(|_| operations.len() >= PAGE_LENGTH).map(|last| {
            let mut address = format!("/operations?before={}", last.id);
            for (key, value) in [("q", &text), ("vserver", &vserver), ("kind", &kind)] {
                if let Some(value) = value {
                    address.push_str(&format!("&{key}={}", encoded(value)));
                }
            }
            view! { <a class="button" rel="next" href=address>{t.older()}</a> }
        });
        let kinds = Kind::ALL
            .into_iter()
            .map(|kind| {
                view! {
                    <option value=kind.as_str() selected=chosen == Some(kind)>
                        {kind_text(t, kind)}
                    </option>
                }
            })
            .collect_view();
        let body = view! {
            <form method="get" action="/operations" role="search" class="toolbar">
                <label>
                    {t.search_operations()}
                    <input type="search" name="q" value=text autocomplete="off" />
                </label>
                <label>
                    "VServer"
                    <input type="text" name="vserver" value=vserver autocomplete="off" spellcheck="false" />
                </label>
                <label>
                    {t.kind()}
                    <select name="kind">
                        <option value="">{t.any_kind()}</option>
                        {kinds}
                    </select>
                </label>
                <button>{t.search()}</button>
            </form>
            <OperationTable
                locale=t
                operations=operations.iter().map(|one| ShownOperation::of(t, one)).collect()
                grows=grows
                target=target
                now=page.now
            />
            <p class="actions">
                {(!is_newest).then(|| view! { <a class="button" href="/operations">{t.newest()}</a> })}
                {older}
            </p>
        };
        Ok(Content {
            title: t.operations().to_owned(),
            area: Area::Operations,
            subscription: Some(Subscription { operations: true, ..Subscription::default() }),
            body: body.into_any(),
        })
    })
}
