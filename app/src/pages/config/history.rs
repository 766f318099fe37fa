//! The history of a tree: every change with its difference, and a button that undoes it.

use domain::command;
use domain::config_change::{ConfigRecord, FileRecord};
use domain::config_entry::ConfigTree;
use leptos::prelude::*;

use super::{difference, file_address, links, may_configure, tree_in_address};
use crate::i18n::{Locale, author_text};
use crate::page::{Area, Content, For, Page, page};
use crate::shared::instant;

/// The page.
pub(crate) fn history() -> impl IntoView {
    let tree = tree_in_address();
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let permit = page.permit()?;
        let tree = tree?;
        let records = page.backend.config_history(permit, tree.clone()).await?;
        let body = view! {
            {links(&page, &tree)}
            <p class="hint">{t.history_explained()}</p>
            {changes(&page, &tree, records, None)}
        };
        Ok(Content {
            title: t.history_of(tree.directory()),
            area: Area::VServers,
            subscription: None,
            body: body.into_any(),
        })
    })
}

/// Changes, each with its difference and a button that undoes it; `path` when they are of one file.
pub(super) fn changes(
    page: &Page,
    tree: &ConfigTree,
    records: Vec<ConfigRecord>,
    path: Option<&str>,
) -> AnyView {
    let t = page.locale;
    if records.is_empty() {
        return view! { <p class="nothing">{t.no_history()}</p> }.into_any();
    }
    let may = may_configure(page, tree);
    records
        .into_iter()
        .map(|record| {
            let undo = may.then(|| undo(page, tree, record.number, path));
            change(t, tree, record, path.is_none(), undo.map(IntoAny::into_any))
        })
        .collect_view()
        .into_any()
}

fn change(
    t: Locale,
    tree: &ConfigTree,
    record: ConfigRecord,
    is_whole_page: bool,
    undo: Option<AnyView>,
) -> impl IntoView + use<> {
    let number = record.number.to_string();
    let undoes = record.undoes.map(|number| {
        view! { <span class="row-note">{t.undoes_change(&number.to_string())}</span> }
    });
    let operation = record.operation.map(|id| {
        view! { <a href=format!("/operations/{id}")>{t.operation()}</a> }
    });
    let id = format!("change-{number}");
    let title = t.change_number(&number);
    let files =
        record.files.into_iter().map(|file| file_change(t, tree, &title, file)).collect_view();
    let heading = match is_whole_page {
        true => view! { <h2 id=id.clone()>{title}</h2> }.into_any(),
        false => view! { <h3 id=id.clone()>{title}</h3> }.into_any(),
    };
    view! {
        <section class="change" aria-labelledby=id>
            {heading}
            <p>
                {instant(t, record.at)} " · " {author_text(t, &record.author)} " " {operation}
                {undoes}
            </p>
            {files}
            {undo}
        </section>
    }
}

/// `change` is what its change is called: several may differ in one file.
fn file_change(
    t: Locale,
    tree: &ConfigTree,
    change: &str,
    file: FileRecord,
) -> impl IntoView + use<> {
    let address = file_address(tree, file.path.as_str());
    let label = format!("{change} · {}", t.difference_in(file.path.as_str()));
    let shown = match (file.before.text(), file.after.text()) {
        (Some(before), Some(after)) if before != after => difference(t, label, before, after),
        // A switch: made or removed.
        (Some(_), Some(_)) => {
            let is_there = file.after != domain::config_change::Kept::Absent;
            let word = if is_there { t.line_added() } else { t.line_removed() };
            view! { <p>{word}</p> }.into_any()
        }
        _ => view! { <p class="hint">{t.not_kept_as_text()}</p> }.into_any(),
    };
    view! {
        <p>
            <a href=address><code>{file.path.to_string()}</code></a>
        </p>
        {shown}
    }
}

fn undo(page: &Page, tree: &ConfigTree, number: u32, path: Option<&str>) -> impl IntoView + use<> {
    let t = page.locale;
    let line = command::undo_config(tree, number).line();
    let number = number.to_string();
    view! {
        <form method="post" action="/api/config/undo" class="actions">
            <input type="hidden" name="csrf" value=page.csrf.clone() />
            <input type="hidden" name="tree" value=tree.to_string() />
            <input type="hidden" name="path" value=path.map(ToOwned::to_owned) />
            <button name="number" value=number.clone()>{t.undo_change(&number)}</button>
            <code class="row-note">{line}</code>
        </form>
    }
}
