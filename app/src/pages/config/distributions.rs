//! What distributions are made of: which are described, and with `?of=NAME` what is said of one and what
//! may be. A name that nothing is said of yet is how one begins; with its last file a description goes.
//!
//! Each file is changed on its own page ([`super::file`]), as every config file is.

use std::collections::BTreeMap;

use domain::command;
use domain::config_change::FileState;
use domain::config_entry::{Access, ConfigEntry, ConfigPath, ConfigTree};
use domain::failure::Failure;
use domain::field::Field;
use domain::id::DistributionName;
use domain::vserver::ConfigFile;
use leptos::prelude::*;

use super::list::files;
use super::{distribution_address, file_address, links, may_configure};
use crate::i18n::{Locale, entry_kind_text, entry_meaning, field_label};
use crate::page::{Area, Content, For, Page, page};

const TREE: ConfigTree = ConfigTree::Distributions;
/// The most files that are removed at once.
const MOST_FILES: usize = domain::config_change::MAX_EDITS;

/// The page.
pub(crate) fn distributions() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| {
        let t = page.locale;
        let there = page.backend.config_files(page.permit()?, TREE).await?;
        let of = page.query("of").filter(|of| !of.trim().is_empty());
        let of: Option<DistributionName> = of
            .map(|of| of.trim().parse())
            .transpose()
            .map_err(|problem| Failure::of_field(Field::Distribution, problem))?;
        let (title, body) = match of {
            None => (t.distributions().to_owned(), all(&page, there).into_any()),
            Some(name) => {
                let body = one(&page, &name, there).await?;
                (t.distribution_named(name.as_str()), body)
            }
        };
        let body = view! { {links(&page, &TREE)} {body} };
        Ok(Content { title, area: Area::VServers, subscription: None, body: body.into_any() })
    })
}

/// Which distribution a file is of; none when all share it.
fn distribution_of(file: &ConfigFile) -> Option<DistributionName> {
    file.path.split('/').next()?.parse().ok()
}

/// By which methods something that is said of a distribution is used.
fn methods(files: &[ConfigFile]) -> Vec<&'static str> {
    let says = |start: &str| {
        files.iter().any(|file| {
            file.path.split_once('/').is_some_and(|(_, entry)| entry.starts_with(start))
        })
    };
    [("yum.repos.d/", "yum"), ("debootstrap.", "debootstrap"), ("template", "template")]
        .into_iter()
        .filter(|(start, _)| says(start))
        .map(|(_, method)| method)
        .collect()
}

fn all(page: &Page, there: Vec<ConfigFile>) -> impl IntoView + use<> {
    let t = page.locale;
    let mut described: BTreeMap<DistributionName, Vec<ConfigFile>> = BTreeMap::new();
    let mut shared = Vec::new();
    for file in there {
        match distribution_of(&file) {
            Some(name) => described.entry(name).or_default().push(file),
            None => shared.push(file),
        }
    }
    let nothing =
        described.is_empty().then(|| view! { <p class="nothing">{t.no_distributions()}</p> });
    let rows = described
        .into_iter()
        .map(|(name, files)| {
            let is_shipped = files.iter().all(|file| file.is_shipped);
            let note = is_shipped.then(|| {
                view! { <span class="row-note">{t.described_by_the_package()}</span> }
            });
            let own = files.iter().filter(|file| !file.is_shipped).count().to_string();
            view! {
                <tr>
                    <th scope="row">
                        <a href=distribution_address(&name)>{name.to_string()}</a>
                        {note}
                    </th>
                    <td data-label=t.methods()>{methods(&files).join(", ")}</td>
                    <td class="number" data-label=t.files_of_its_own()>{own}</td>
                </tr>
            }
        })
        .collect_view();
    let shared = (!shared.is_empty()).then(|| {
        view! {
            <section aria-labelledby="shared-title">
                <h2 id="shared-title">{t.shared_by_distributions()}</h2>
                {files(t, &TREE, shared)}
            </section>
        }
    });
    let describe = may_configure(page, &TREE).then(|| describe(t));
    view! {
        <p class="hint">{t.distributions_explained()}</p>
        {nothing}
        <div class="table-frame">
            <table class="plain">
                <caption class="hidden-visually">{t.distributions()}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t.distribution()}</th>
                        <th scope="col">{t.methods()}</th>
                        <th scope="col" class="number">{t.files_of_its_own()}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {shared}
        {describe}
    }
}

/// The way to a description that is not there yet.
fn describe(t: Locale) -> impl IntoView {
    view! {
        <section aria-labelledby="describe-title">
            <h2 id="describe-title">{t.describe_a_distribution()}</h2>
            <form method="get" action="/distributions" class="narrow">
                <div class="field">
                    <label for="field-distribution">{field_label(t, Field::Distribution)}</label>
                    <input
                        id="field-distribution"
                        name="of"
                        type="text"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        required
                        maxlength="63"
                        pattern="[A-Za-z0-9][A-Za-z0-9._\\-]*"
                        aria-describedby="field-distribution-more"
                    />
                    <div id="field-distribution-more">
                        <p class="hint">{t.distribution_name_hint()}</p>
                    </div>
                </div>
                <p class="actions"><button>{t.describe_it()}</button></p>
            </form>
        </section>
    }
}

async fn one(
    page: &Page,
    name: &DistributionName,
    there: Vec<ConfigFile>,
) -> Result<AnyView, Failure> {
    let t = page.locale;
    let ours = there.into_iter().filter(|file| distribution_of(file).as_ref() == Some(name));
    let (shipped, own): (Vec<_>, Vec<_>) = ours.partition(|file| file.is_shipped);
    let shipped_note = match (shipped.is_empty(), own.is_empty()) {
        (true, _) => None,
        (false, true) => Some(t.to_be_described_once()),
        (false, false) => Some(t.described_by_the_package()),
    };
    let shipped = shipped_note.map(|note| {
        view! {
            <section aria-labelledby="shipped-title">
                <h2 id="shipped-title">{t.from_the_package()}</h2>
                <p class="hint">{note}</p>
                {files(t, &TREE, shipped)}
            </section>
        }
    });
    let nothing = own.is_empty().then(|| view! { <p class="nothing">{t.no_files_yet()}</p> });
    let removal = match may_configure(page, &TREE) && !own.is_empty() {
        true => Some(removal(page, name, &own).await?),
        false => None,
    };
    Ok(view! {
        <section aria-labelledby="files-title">
            <h2 id="files-title">{t.files_there()}</h2>
            {nothing}
            {files(t, &TREE, own)}
        </section>
        {shipped}
        <section aria-labelledby="catalogue-title">
            <h2 id="catalogue-title">{t.what_it_may_say()}</h2>
            {catalogue(t, name)}
        </section>
        {removal}
    }
    .into_any())
}

/// What may be said of a distribution, each a way to its page.
fn catalogue(t: Locale, name: &DistributionName) -> impl IntoView + use<> {
    let rows = ConfigEntry::all_of(&TREE)
        .filter_map(|entry| Some((entry, entry.example_in(name)?)))
        .map(|(entry, path)| {
            let who = match entry.access() {
                Access::Web => None,
                Access::Host => Some(t.root_alone_writes_it()),
                Access::ByHand => Some(t.made_by_hand()),
            };
            view! {
                <div>
                    <dt>
                        <a href=file_address(&TREE, &path)><code>{path.clone()}</code></a>
                    </dt>
                    <dd>
                        {entry_meaning(t, entry)}
                        <span class="row-note">{entry_kind_text(t, entry.kind())}</span>
                        {who.map(|who| view! { <span class="row-note">{who}</span> })}
                    </dd>
                </div>
            }
        })
        .collect_view();
    view! { <dl class="files">{rows}</dl> }
}

/// The removal of all that is said of a distribution, but for what only root may remove.
async fn removal(
    page: &Page,
    name: &DistributionName,
    own: &[ConfigFile],
) -> Result<AnyView, Failure> {
    let t = page.locale;
    let (mut goes, mut stays) = (Vec::new(), Vec::new());
    for file in own {
        // What is empty goes with what was in it.
        let Ok(path) = file.path.parse::<ConfigPath>() else { continue };
        let access = ConfigEntry::of(&TREE, &path).map(ConfigEntry::access);
        let is_ours = matches!(access, Some(Access::Web) | None) && goes.len() < MOST_FILES;
        let seen = match is_ours {
            true => page.backend.config_file(page.permit()?, TREE, path.clone()).await?.state,
            false => FileState::Other,
        };
        match seen {
            FileState::Text { digest, .. } => goes.push((path, digest)),
            _ => stays.push(path),
        }
    }
    let stay = (!stays.is_empty()).then(|| {
        let paths = stays.iter().map(|path| view! { <li><code>{path.to_string()}</code></li> });
        view! {
            <p>{t.only_root_removes()}</p>
            <ul>{paths.collect_view()}</ul>
        }
    });
    let lines = goes
        .iter()
        .map(|(path, _)| command::edit_config(&TREE, path, None).line() + "\n")
        .collect::<String>();
    let fields = goes
        .iter()
        .map(|(path, digest)| {
            view! { <input type="hidden" name="files[]" value=format!("{digest} {path}") /> }
        })
        .collect_view();
    let form = (!goes.is_empty()).then(|| {
        view! {
            <form method="post" action="/api/config/remove">
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                <input type="hidden" name="tree" value=TREE.to_string() />
                {fields}
                <p>{t.can_be_put_back()}</p>
                <p>{t.command()} {t.colon()}</p>
                <pre tabindex="0"><code>{lines}</code></pre>
                <p class="actions">
                    <button class="danger">
                        {t.remove_files_of(&goes.len().to_string(), name.as_str())}
                    </button>
                </p>
            </form>
        }
    });
    Ok(view! {
        <section aria-labelledby="removal-title">
            <h2 id="removal-title">{t.remove_the_description()}</h2>
            <details>
                <summary>{t.remove_the_description_dots()}</summary>
                {stay}
                {form}
            </details>
        </section>
    }
    .into_any())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_it_can_be_built_is_seen_from_its_files() {
        let file = |path: &str| ConfigFile {
            path: path.to_owned(),
            text: String::new(),
            is_shipped: false,
        };
        assert_eq!(methods(&[file("fc6/yum.repos.d/a.repo"), file("fc6/initpost")]), ["yum"]);
        let etch = [file("etch/debootstrap.mirror"), file("etch/template")];
        assert_eq!(methods(&etch), ["debootstrap", "template"]);
        assert_eq!(distribution_of(&file(".common/pubkeys/a")), None);
    }
}
