//! Config trees: their files, one of them, their history. One set of pages for VServers, `.defaults` and
//! `.distributions`; but that distributions have a list of their own.

pub(crate) mod distributions;
pub(crate) mod file;
pub(crate) mod history;
pub(crate) mod list;

use domain::authz::ActionKind;
use domain::config_entry::ConfigTree;
use domain::failure::Failure;
use domain::id::DistributionName;
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

use super::vservers::show::named;
use crate::components::vserver_pages::vserver_pages;
use crate::events::encoded;
use crate::i18n::Locale;
use crate::page::Page;

/// Where the list of a tree's files is.
pub(crate) fn address(tree: &ConfigTree) -> String {
    match tree {
        ConfigTree::VServer(name) => format!("/vservers/{name}/config"),
        ConfigTree::Defaults => "/defaults".to_owned(),
        ConfigTree::Distributions => "/distributions".to_owned(),
    }
}

/// Where the page of a distribution is.
pub(crate) fn distribution_address(name: &DistributionName) -> String {
    format!("/distributions?of={name}")
}

/// Where the page of a file is.
pub(crate) fn file_address(tree: &ConfigTree, path: &str) -> String {
    format!("{}/file?path={}", address(tree), encoded(path))
}

/// The tree that the address of the page at hand names. Reads the request's context: to be called before
/// the first `await`.
fn tree_in_address() -> Result<ConfigTree, Failure> {
    let shared = use_location().pathname.with_untracked(|path| path.starts_with("/distributions/"));
    match use_params_map().with_untracked(|map| map.get("name")) {
        Some(name) => named(&name).map(ConfigTree::VServer),
        None if shared => Ok(ConfigTree::Distributions),
        None => Ok(ConfigTree::Defaults),
    }
}

/// Whether whoever looks at the page may change the tree.
fn may_configure(page: &Page, tree: &ConfigTree) -> bool {
    page.may(match tree {
        ConfigTree::VServer(_) => ActionKind::ConfigureVServer,
        ConfigTree::Defaults | ConfigTree::Distributions => ActionKind::ConfigureDefaults,
    })
}

/// What a page about a tree is called.
fn title(t: Locale, tree: &ConfigTree) -> String {
    match tree {
        ConfigTree::VServer(name) => t.configuration_of(name.as_str()),
        ConfigTree::Defaults => t.defaults().to_owned(),
        ConfigTree::Distributions => t.distributions().to_owned(),
    }
}

/// Links to the other pages of a tree.
fn links(page: &Page, tree: &ConfigTree) -> impl IntoView + use<> {
    let t = page.locale;
    let to_vserver = tree.vserver().map(|name| vserver_pages(page, name));
    let label = match tree {
        ConfigTree::Distributions => t.distributions(),
        ConfigTree::VServer(_) | ConfigTree::Defaults => t.files_there(),
    };
    let files = address(tree);
    let history = format!("{files}/history");
    view! {
        {to_vserver}
        <p class="actions head">
            <a class="button" href=files>{label}</a>
            <a class="button" href=history>{t.history()}</a>
        </p>
    }
}

/// A difference between two texts, as a table of lines.
pub(super) fn difference(t: Locale, label: String, old: &str, new: &str) -> AnyView {
    use domain::diff::{Fate, Line};
    let row = |line: Line| {
        let (class, mark, word) = match line.fate {
            Fate::Kept => ("kept", " ", ""),
            Fate::Removed => ("removed", "-", t.line_removed()),
            Fate::Added => ("added", "+", t.line_added()),
        };
        let number = |number: Option<usize>| number.map(|number| number.to_string());
        view! {
            <tr class=class>
                <td class="number">{number(line.old)}</td>
                <td class="number">{number(line.new)}</td>
                <td class="mark">
                    <span aria-hidden="true">{mark}</span>
                    <span class="hidden-visually">{word}</span>
                </td>
                <td class="text">
                    {line.text}
                    {(!line.ends).then(|| view! { <em>" (" {t.no_final_newline()} ")"</em> })}
                </td>
            </tr>
        }
    };
    let groups = domain::diff::groups(old, new)
        .into_iter()
        .map(|group| view! { <tbody>{group.into_iter().map(row).collect_view()}</tbody> })
        .collect_view();
    view! {
        <div class="difference-box" tabindex="0" role="region" aria-label=label>
            <table class="difference">
                <caption class="hidden-visually">{label.clone()}</caption>
                {groups}
            </table>
        </div>
    }
    .into_any()
}
