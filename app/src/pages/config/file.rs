//! One file of a tree: what it means, what it says, a form to change it in two steps, its history.
//!
//! The first step judges what was typed and shows the difference; the second saves it, if the file still
//! is what was looked at. Between both, what was typed is in the session.

use domain::command;
use domain::config_change::{FileState, FileView, NotEditable};
use domain::config_entry::{Access, ConfigEntry, ConfigPath, ConfigTree, EntryKind};
use domain::failure::Failure;
use domain::field::Field;
use leptos::prelude::*;

use super::{
    difference, distribution_address, file_address, history, links, may_configure, tree_in_address,
};
use crate::api::config::REMOVE;
use crate::api::mounts::FILES;
use crate::backend::{Notice, Outcome};
use crate::i18n::{
    self, Locale, entry_kind_text, entry_meaning, expected_text, format, not_editable_text,
    use_text,
};
use crate::page::{Area, Content, For, Page, page};
use crate::shared::area_text;
use crate::shared::instant;

const PREVIEW: &str = "config/preview";
const SAVE: &str = "config/save";

/// The page: `?path=`.
pub(crate) fn file() -> impl IntoView {
    let tree = tree_in_address();
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let permit = page.permit()?;
        let tree = tree?;
        let path: ConfigPath = page
            .query("path")
            .unwrap_or_default()
            .trim()
            .parse()
            .map_err(|problem| Failure::of_field(Field::ConfigPath, problem))?;
        let view = page.backend.config_file(permit, tree.clone(), path.clone()).await?;
        let entry = ConfigEntry::of(&tree, &path);
        let changes = history::changes(&page, &tree, view.history.clone(), Some(path.as_str()));
        let change = may_configure(&page, &tree).then(|| change(&page, &tree, entry, &view));
        let body = view! {
            {links(&page, &tree)}
            {facts(t, entry, &view)}
            {to_distribution(t, &tree, &path)}
            {to_mounts(t, &tree, &path)}
            <section aria-labelledby="current-title">
                <h2 id="current-title">{t.current_text()}</h2>
                {current(t, &view.state)}
                {view.shipped.as_ref().map(|text| view! {
                    <p class="hint">{t.from_the_package_instead()}</p>
                    <pre class="file-text" tabindex="0">{text.clone()}</pre>
                })}
            </section>
            {change}
            <section aria-labelledby="history-title">
                <h2 id="history-title">{t.history()}</h2>
                {changes}
                <p>
                    <a href=format!("{}/history", super::address(&tree))>{t.whole_history()}</a>
                </p>
            </section>
        };
        Ok(Content {
            title: format!("{tree}/{path}"),
            area: Area::VServers,
            subscription: None,
            body: body.into_any(),
        })
    })
}

fn facts(t: Locale, entry: Option<ConfigEntry>, view: &FileView) -> impl IntoView + use<> {
    let about = match entry {
        Some(entry) => view! {
            <div class="wide">
                <dt>{t.meaning()}</dt>
                <dd>{entry_meaning(t, entry)}</dd>
            </div>
            <div>
                <dt>{t.how_it_is_read()}</dt>
                <dd>{entry_kind_text(t, entry.kind())}</dd>
            </div>
            <div>
                <dt>{t.default_value()}</dt>
                <dd>
                    {match entry.default_text() {
                        Some(text) => view! { <code>{text}</code> }.into_any(),
                        None => t.no_default().into_any(),
                    }}
                </dd>
            </div>
        }
        .into_any(),
        None => view! {
            <div class="wide">
                <dt>{t.meaning()}</dt>
                <dd>{t.unknown_entry()}</dd>
            </div>
        }
        .into_any(),
    };
    let changed = view.modified_at.map(|at| {
        view! {
            <div>
                <dt>{t.changed_at()}</dt>
                <dd>{instant(t, at)}</dd>
            </div>
        }
    });
    view! {
        <dl class="facts">
            {about}
            <div>
                <dt>{t.in_use()}</dt>
                <dd>{use_text(t, view.in_use)}</dd>
            </div>
            {changed}
        </dl>
    }
}

/// The way to the other files of a distribution.
fn to_distribution(
    t: Locale,
    tree: &ConfigTree,
    path: &ConfigPath,
) -> Option<impl IntoView + use<>> {
    let name = path.distribution().filter(|_| *tree == ConfigTree::Distributions)?;
    let text = t.distribution_named(name.as_str());
    Some(view! { <p><a href=distribution_address(&name)>{text}</a></p> })
}

/// The way from an fstab to what is mounted.
fn to_mounts(t: Locale, tree: &ConfigTree, path: &ConfigPath) -> Option<impl IntoView + use<>> {
    let name = tree.vserver().filter(|_| FILES.contains(&path.as_str()))?;
    Some(view! { <p><a href=format!("/vservers/{name}/mounts")>{t.its_mounts()}</a></p> })
}

fn current(t: Locale, state: &FileState) -> AnyView {
    match state {
        FileState::Absent => view! { <p class="nothing">{t.nothing_there()}</p> }.into_any(),
        FileState::Text { text, .. } if text.is_empty() => {
            view! { <p><em>{t.empty_file()}</em></p> }.into_any()
        }
        FileState::Text { text, .. } => {
            view! { <pre class="file-text" tabindex="0">{text.clone()}</pre> }.into_any()
        }
        FileState::NotText { bytes, .. } => {
            view! { <p>{t.bytes_not_text(&format::bytes(t, *bytes))}</p> }.into_any()
        }
        FileState::Link { target } => view! { <p>{t.leads_to(target)}</p> }.into_any(),
        FileState::Other => view! { <p>{t.directory()}</p> }.into_any(),
    }
}

/// Why the web may not change a file; none when it may. The engine has the last word.
fn forbidden(entry: Option<ConfigEntry>, state: &FileState) -> Option<NotEditable> {
    match (state, entry.map(ConfigEntry::access)) {
        (FileState::Link { .. }, _) | (_, Some(Access::ByHand)) => Some(NotEditable::ByHand),
        (FileState::Other, _) => Some(NotEditable::NotAFile),
        (FileState::NotText { .. }, _) => Some(NotEditable::NotText),
        (_, Some(Access::Host)) => Some(NotEditable::HostOnly),
        (FileState::Absent, None) => Some(NotEditable::Unknown),
        _ => None,
    }
}

fn change(page: &Page, tree: &ConfigTree, entry: Option<ConfigEntry>, view: &FileView) -> AnyView {
    let t = page.locale;
    if let Some(reason) = forbidden(entry, &view.state) {
        return view! { <p class="hint">{not_editable_text(t, reason)}</p> }.into_any();
    }
    let (old, seen) = match &view.state {
        FileState::Text { text, digest } => (text.clone(), digest.to_string()),
        _ => (String::new(), String::new()),
    };
    let typed = |field: &str| [PREVIEW, SAVE].into_iter().find_map(|form| page.typed(form, field));
    // What was typed belongs to the file it was typed for.
    let is_ours = typed("path").is_some_and(|typed| typed == view.path.as_str());
    let text = typed("text").filter(|_| is_ours);
    let action = typed("action").filter(|_| is_ours).unwrap_or_default();
    let form = Form { page, tree, view, old, seen };
    let is_previewed = page.flash.as_ref().is_some_and(|flash| {
        flash.form == PREVIEW && flash.outcome == Outcome::Done(Notice::Previewed)
    });
    match text {
        Some(text) if is_previewed && is_ours => form.preview(&action, &text),
        text => form.edit(entry, text),
    }
}

/// A form about a file.
struct Form<'a> {
    page: &'a Page,
    tree: &'a ConfigTree,
    view: &'a FileView,
    old: String,
    seen: String,
}

impl Form<'_> {
    /// What both steps send.
    fn hidden(&self) -> impl IntoView + use<> {
        view! {
            <input type="hidden" name="csrf" value=self.page.csrf.clone() />
            <input type="hidden" name="tree" value=self.tree.to_string() />
            <input type="hidden" name="path" value=self.view.path.to_string() />
            <input type="hidden" name="seen" value=self.seen.clone() />
        }
    }

    /// The first step: what is to be written.
    fn edit(&self, entry: Option<ConfigEntry>, typed: Option<String>) -> AnyView {
        let t = self.page.locale;
        let is_there = self.view.state != FileState::Absent;
        let begin_with = self.view.shipped.as_ref().unwrap_or(&self.old);
        let is_switch = entry.is_some_and(|entry| entry.kind() == EntryKind::Switch);
        let is_one_line = entry.is_some_and(|entry| entry.kind() == EntryKind::Scalar);
        let remove = is_there.then(|| {
            view! {
                <button class="danger" name="action" value=REMOVE formnovalidate>
                    {t.remove_the_file()}
                </button>
            }
        });
        let write = match (entry, is_switch, is_there) {
            (None, ..) | (_, true, true) => ().into_any(),
            (_, true, false) => {
                view! { <button class="primary" name="action" value="write">{t.make_the_file()}</button> }
                    .into_any()
            }
            _ => {
                view! {
                    <button class="primary" name="action" value="write">
                        {t.show_the_difference()}
                    </button>
                }
                .into_any()
            }
        };
        let field = entry
            .filter(|_| !is_switch)
            .map(|entry| self.field(entry, typed.unwrap_or_else(|| begin_with.clone())));
        view! {
            <section aria-labelledby="change-title">
                <h2 id="change-title">{t.edit_the_file()}</h2>
                <form method="post" action="/api/config/preview" class:narrow=is_one_line>
                    {self.hidden()} {field} <p class="actions">{write} {remove}</p>
                </form>
            </section>
        }
        .into_any()
    }

    fn field(&self, entry: ConfigEntry, text: String) -> impl IntoView + use<> {
        let t = self.page.locale;
        let problems = self.problems();
        let is_wrong = !problems.is_empty();
        let input = if entry.kind() == EntryKind::Scalar {
            view! {
                <input
                    id="field-text"
                    name="text"
                    type="text"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    value=text.trim_end().to_owned()
                    aria-invalid=is_wrong.then_some("true")
                    aria-describedby="field-text-more"
                />
            }
            .into_any()
        } else {
            let rows = (text.lines().count() + 2).clamp(4, 24).to_string();
            view! {
                <textarea
                    id="field-text"
                    name="text"
                    rows=rows
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    aria-invalid=is_wrong.then_some("true")
                    aria-describedby="field-text-more"
                    inner_html=area_text(&text)
                ></textarea>
            }
            .into_any()
        };
        let problems =
            problems.into_iter().map(|text| view! { <p class="problem">{text}</p> }).collect_view();
        view! {
            <div class="field" class:wrong=is_wrong>
                <label for="field-text">{i18n::field_label(t, Field::ConfigText)}</label>
                {input}
                <div id="field-text-more">
                    {problems} <p class="hint">{entry_kind_text(t, entry.kind())}</p>
                </div>
            </div>
        }
    }

    /// What is wrong with what was typed, line by line.
    fn problems(&self) -> Vec<String> {
        let t = self.page.locale;
        let refused = [PREVIEW, SAVE].into_iter().find_map(|form| self.page.refused(form));
        match refused {
            Some((_, Failure::ConfigRefused { problems })) => problems
                .iter()
                .map(|problem| {
                    let expected = expected_text(t, &problem.expected);
                    let line = problem.line.to_string();
                    if problem.path == self.view.path.as_str() {
                        t.line_problem(&line, &expected)
                    } else {
                        t.file_problem(&problem.path, &line, &expected)
                    }
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The second step: what would change, and the button that does it.
    fn preview(&self, action: &str, text: &str) -> AnyView {
        let t = self.page.locale;
        let is_removal = action == REMOVE;
        let new = if is_removal { "" } else { text };
        let is_made = self.view.state == FileState::Absent;
        let label = t.difference_in(self.view.path.as_str());
        let shown = if self.old == new {
            // A switch, or an empty file.
            let word = if is_made { t.line_added() } else { t.line_removed() };
            view! { <p><code>{self.view.path.to_string()}</code> {t.colon()} {word}</p> }.into_any()
        } else {
            difference(t, label, &self.old, new)
        };
        let (tree, path) = (self.tree, &self.view.path);
        let text = Some(new).filter(|_| !is_removal);
        let command = command::edit_config(tree, path, text).line();
        let button = if is_removal { t.remove_the_file() } else { t.save_the_change() };
        view! {
            <section aria-labelledby="change-title">
                <h2 id="change-title">{t.difference()}</h2>
                <p class="hint">{t.nothing_saved_yet()}</p>
                {shown}
                <p>{t.command()} {t.colon()} <code>{command}</code></p>
                <form method="post" action="/api/config/save">
                    {self.hidden()} <input type="hidden" name="text" value=new.to_owned() />
                    <p class="actions">
                        <button
                            class=if is_removal { "danger" } else { "primary" }
                            name="action"
                            value=action.to_owned()
                        >
                            {button}
                        </button>
                        <a class="button" href=file_address(tree, path.as_str())>
                            {t.cancel()}
                        </a>
                    </p>
                </form>
            </section>
        }
        .into_any()
    }
}
