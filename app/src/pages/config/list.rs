//! The files of a tree, and the catalogue of what it may have.

use domain::config_entry::{ConfigEntry, ConfigPath, ConfigTree};
use domain::vserver::ConfigFile;
use leptos::prelude::*;

use super::{file_address, links, may_configure, title, tree_in_address};
use crate::i18n::{Locale, entry_kind_text, entry_meaning};
use crate::page::{Area, Content, For, Page, page};

/// The page.
pub(crate) fn list() -> impl IntoView {
    let tree = tree_in_address();
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let permit = page.permit()?;
        let tree = tree?;
        let there = page.backend.config_files(permit, tree.clone()).await?;
        let explained = matches!(tree, ConfigTree::Defaults)
            .then(|| view! { <p class="hint">{t.defaults_explained()}</p> });
        let add = may_configure(&page, &tree).then(|| add(t, &tree));
        let nothing = there.is_empty().then(|| view! { <p class="nothing">{t.no_files_yet()}</p> });
        let body = view! {
            {links(&page, &tree)}
            {explained}
            <section aria-labelledby="files-title">
                <h2 id="files-title">{t.files_there()}</h2>
                {nothing}
                {files(t, &tree, there)}
            </section>
            {add}
            <section aria-label=t.catalogue()>{catalogue(t, &tree)}</section>
        };
        Ok(Content {
            title: title(t, &tree),
            area: Area::VServers,
            subscription: None,
            body: body.into_any(),
        })
    })
}

/// The files of a tree, each a link to its page where it can have one.
pub(crate) fn files(t: Locale, tree: &ConfigTree, files: Vec<ConfigFile>) -> impl IntoView + use<> {
    let rows = files
        .into_iter()
        .map(|file| {
            let text = if file.text.is_empty() {
                view! { <em>{t.empty_file()}</em> }.into_any()
            } else {
                view! { <pre>{file.text}</pre> }.into_any()
            };
            let path = match file.path.parse::<ConfigPath>() {
                Ok(path) => {
                    let address = file_address(tree, path.as_str());
                    view! { <a href=address><code>{file.path}</code></a> }.into_any()
                }
                Err(_) => view! { <code>{file.path}</code> }.into_any(),
            };
            view! {
                <div>
                    <dt>{path}</dt>
                    <dd>{text}</dd>
                </div>
            }
        })
        .collect_view();
    view! { <dl class="files">{rows}</dl> }
}

fn add(t: Locale, tree: &ConfigTree) -> impl IntoView + use<> {
    let options = ConfigEntry::all_of(tree)
        .map(|entry| {
            view! { <option value=entry.example_path()>{entry_meaning(t, entry)}</option> }
        })
        .collect_view();
    view! {
        <section aria-labelledby="add-title">
            <h2 id="add-title">{t.add_an_entry()}</h2>
            <form method="get" action=format!("{}/file", super::address(tree)) class="narrow">
                <div class="field">
                    <label for="field-path">{t.entry_path()}</label>
                    <input
                        id="field-path"
                        name="path"
                        type="text"
                        list="entries"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        required
                        aria-describedby="field-path-more"
                    />
                    <div id="field-path-more">
                        <p class="hint">{t.entry_path_hint()}</p>
                    </div>
                </div>
                <datalist id="entries">{options}</datalist>
                <p class="actions"><button>{t.open_the_entry()}</button></p>
            </form>
        </section>
    }
}

fn catalogue(t: Locale, tree: &ConfigTree) -> impl IntoView + use<> {
    let rows = ConfigEntry::all_of(tree)
        .map(|entry| {
            let address = file_address(tree, &entry.example_path());
            view! {
                <div>
                    <dt>
                        <a href=address><code>{entry.pattern()}</code></a>
                    </dt>
                    <dd>
                        {entry_meaning(t, entry)}
                        <span class="row-note">{entry_kind_text(t, entry.kind())}</span>
                    </dd>
                </div>
            }
        })
        .collect_view();
    view! {
        <details>
            <summary>{t.catalogue()}</summary>
            <dl class="files">{rows}</dl>
        </details>
    }
}
