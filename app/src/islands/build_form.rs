//! The build form: judged as it is typed by the code the engine judges with
//! (`domain::build::BuildForm::judge`), beside the command and the files it stands for.
//!
//! The server renders the same from what was typed before; without JavaScript a second button asks
//! it to.

use domain::build::{BuildForm, BuildSpec, PlannedContent, PlannedFile, shell_line};
use domain::field::{Field, FieldErrors, Problem};
use domain::host::HostFacts;
use domain::init::Init;
use leptos::prelude::*;

use super::copy_button::copy_button;
use crate::i18n::{Locale, field_label, init_text, problem_text};
use crate::shared::field_id;

/// What stands in the preview while no name is typed.
const NAME_TO_COME: &str = "NAME";

/// The state of the form, shared by its fields.
#[derive(Clone, Copy)]
struct Form {
    t: Locale,
    typed: RwSignal<BuildForm>,
    /// What is wrong now.
    errors: Memo<FieldErrors>,
    /// What was wrong for the server; an entry goes when its field is edited.
    refused: RwSignal<FieldErrors>,
    /// Whether the name was left once: before that, "missing" would only nag.
    name_was_left: RwSignal<bool>,
}

impl Form {
    fn problems(self, field: Field) -> Vec<Problem> {
        let mut problems: Vec<Problem> =
            self.errors.with(|errors| errors.of(field).cloned().collect());
        if field == Field::Name && !self.name_was_left.get() {
            problems.retain(|problem| *problem != Problem::Missing);
        }
        if problems.is_empty() {
            problems = self.refused.with(|errors| errors.of(field).cloned().collect());
        }
        problems
    }

    fn edit(self, field: Field, change: impl FnOnce(&mut BuildForm)) {
        self.typed.update(change);
        if self.refused.with_untracked(|errors| errors.of(field).next().is_some()) {
            self.refused.update(|errors| errors.0.retain(|error| error.field != field));
        }
    }
}

/// What the preview shows: the specification, with a stand-in for a name that is still missing.
#[must_use]
pub fn previewed(form: &BuildForm, facts: &HostFacts) -> Option<BuildSpec> {
    let mut form = form.clone();
    if form.name.trim().is_empty() {
        NAME_TO_COME.clone_into(&mut form.name);
    }
    form.judge(facts).ok()
}

/// The form and its preview.
#[island]
pub fn BuildFormFields(
    locale: Locale,
    form: BuildForm,
    refused: FieldErrors,
    facts: HostFacts,
    csrf: String,
) -> impl IntoView {
    let t = locale;
    let typed = RwSignal::new(form);
    let facts = StoredValue::new(facts);
    let errors = Memo::new(move |_| {
        let judged = typed.with(|form| facts.with_value(|facts| form.judge(facts)));
        judged.err().unwrap_or_default()
    });
    let form = Form {
        t,
        typed,
        errors,
        name_was_left: RwSignal::new(!refused.is_empty()),
        refused: RwSignal::new(refused),
    };
    let spec =
        Memo::new(move |_| typed.with(|form| facts.with_value(|facts| previewed(form, facts))));
    let command =
        move || spec.with(|spec| spec.as_ref().map(|spec| shell_line(&spec.command_line())));
    let files = move || {
        let bases = facts.with_value(|facts| (facts.config_base.clone(), facts.run_base.clone()));
        spec.with(|spec| {
            let spec = spec.as_ref()?;
            let directory = format!("{}/{}", bases.0, spec.name);
            Some((directory, spec.config_files(&bases.0, &bases.1)))
        })
    };
    let defaults = facts.with_value(Defaults::of);
    let suites = facts.with_value(|facts| {
        facts.suites.iter().map(|s| view! { <option value=s.to_string()></option> }).collect_view()
    });
    let inits = facts.with_value(|facts| init_options(t, facts, &typed.get_untracked().init));

    view! {
        <div class="build">
            <form method="post" action="/api/vservers/build" class="build-form">
                <input type="hidden" name="csrf" value=csrf />
                {text_field(form, Field::Name, "form[name]", String::new(), t.name_hint(),
                    |form| &form.name, |form, value| form.name = value)}
                <div class="field">
                    <label for="field-method">{field_label(t, Field::Method)}</label>
                    <select id="field-method" aria-describedby="field-method-more">
                        <option>"debootstrap"</option>
                    </select>
                    <div id="field-method-more"><p class="hint">{t.method_hint()}</p></div>
                </div>
                {text_field(form, Field::Suite, "form[suite]", defaults.suite, t.suite_hint(),
                    |form| &form.suite, |form, value| form.suite = value)}
                <datalist id="suites">{suites}</datalist>
                {text_field(form, Field::Mirror, "form[mirror]", defaults.mirror, t.mirror_hint(),
                    |form| &form.mirror, |form, value| form.mirror = value)}
                {area_field(form, Field::Packages, "form[packages]", t.packages_hint(),
                    |form| &form.packages, |form, value| form.packages = value)}
                <div class="field" class:wrong=move || !form.problems(Field::Init).is_empty()>
                    <label for="field-init">{field_label(t, Field::Init)}</label>
                    <select
                        id="field-init"
                        name="form[init]"
                        aria-describedby="field-init-more"
                        on:change=move |event| {
                            form.edit(Field::Init, |form| form.init = event_target_value(&event));
                        }
                    >
                        {inits}
                    </select>
                    {more(form, Field::Init, t.init_hint())}
                </div>
                {text_field(form, Field::Context, "form[context]", defaults.context, t.context_hint(),
                    |form| &form.context, |form, value| form.context = value)}
                {text_field(form, Field::HostName, "form[host_name]", String::new(), t.host_name_hint(),
                    |form| &form.host_name, |form, value| form.host_name = value)}
                {area_field(form, Field::Interface, "form[interfaces]", t.interfaces_hint(),
                    |form| &form.interfaces, |form, value| form.interfaces = value)}
                <p class="hint mono">{t.next_address(&defaults.interface)}</p>
                {more_fields(form, defaults.architecture)}
                <p class="actions">
                    <button type="submit" class="primary">{t.build()}</button>
                    <button type="submit" class="no-js" formaction="/api/vservers/preview">
                        {t.show_the_command()}
                    </button>
                    <a class="button" href="/vservers">{t.cancel()}</a>
                </p>
            </form>
            <section class="preview" aria-labelledby="preview-title">
                <h2 id="preview-title">{t.preview_title()}</h2>
                {move || match command() {
                    Some(line) => view! {
                        <div class="command">
                            <pre tabindex="0"><code>{line.clone()}</code></pre>
                            {copy_button(t, move || line.clone())}
                        </div>
                    }
                    .into_any(),
                    None => view! { <p class="nothing">{t.preview_when_right()}</p> }.into_any(),
                }}
                {move || files().map(|(directory, files)| planned_files(t, &directory, files))}
            </section>
        </div>
    }
}

/// What an empty field stands for, shown in it.
struct Defaults {
    suite: String,
    mirror: String,
    context: String,
    interface: String,
    architecture: String,
}

impl Defaults {
    fn of(facts: &HostFacts) -> Self {
        let nat = &facts.nat;
        Self {
            suite: facts.suite.to_string(),
            mirror: facts.mirror.to_string(),
            context: facts.next_context.map(|context| context.to_string()).unwrap_or_default(),
            interface: nat
                .next_free
                .map(|free| format!("{}:{free}/{}", nat.device, nat.prefix))
                .unwrap_or_default(),
            architecture: facts.architecture.to_string(),
        }
    }
}

/// What few builds need, folded away; open when something is typed or wrong in it.
fn more_fields(form: Form, architecture: String) -> impl IntoView {
    let t = form.t;
    let is_open = form.typed.with_untracked(|form| {
        [&form.flags, &form.architecture, &form.variant, &form.components, &form.excluded]
            .into_iter()
            .any(|text| !text.is_empty())
    });
    view! {
        <details open=is_open>
            <summary>{t.more_fields()}</summary>
            {text_field(form, Field::Flags, "form[flags]", String::new(), t.flags_hint(),
                |form| &form.flags, |form, value| form.flags = value)}
            {text_field(form, Field::Architecture, "form[architecture]", architecture,
                t.architecture_hint(),
                |form| &form.architecture, |form, value| form.architecture = value)}
            {text_field(form, Field::Variant, "form[variant]", String::new(), t.debootstrap_hint(),
                |form| &form.variant, |form, value| form.variant = value)}
            {text_field(form, Field::Components, "form[components]", "main".to_owned(),
                t.debootstrap_hint(),
                |form| &form.components, |form, value| form.components = value)}
            {text_field(form, Field::Excluded, "form[excluded]", String::new(),
                t.debootstrap_hint(),
                |form| &form.excluded, |form, value| form.excluded = value)}
        </details>
    }
}

#[rustfmt::skip]
fn init_options(t: Locale, facts: &HostFacts, chosen: &str) -> impl IntoView + use<> {
    let chosen = chosen.to_owned();
    let runnable = facts.inits.clone();
    let default = runnable.first().copied();
    Init::ALL
        .into_iter()
        .map(|init| {
            let can_run = runnable.contains(&init);
            let is_chosen = chosen == init.as_str() || chosen.is_empty() && default == Some(init);
            let label = if can_run {
                init_text(t, init).to_owned()
            } else {
                format!("{} {}", init_text(t, init), t.not_on_this_host())
            };
            view! {
                <option value=init.as_str() selected=is_chosen disabled=!can_run>
                    {label}
                </option>
            }
        })
        .collect_view()
}

/// What is wrong with a field, then its hint; the input is described by it.
fn more(form: Form, field: Field, hint: &'static str) -> impl IntoView {
    view! {
        <div id=format!("{}-more", field_id(field))>
            <div aria-live="polite">
                {move || {
                    form.problems(field)
                        .into_iter()
                        .map(|problem| {
                            view! { <p class="problem">{problem_text(form.t, &problem)}</p> }
                        })
                        .collect_view()
                }}
            </div>
            <p class="hint">{hint}</p>
        </div>
    }
}

fn text_field(
    form: Form,
    field: Field,
    name: &'static str,
    placeholder: String,
    hint: &'static str,
    read: fn(&BuildForm) -> &String,
    write: fn(&mut BuildForm, String),
) -> impl IntoView {
    let id = field_id(field);
    let is_wrong = move || !form.problems(field).is_empty();
    let leave = move |_| {
        if field == Field::Name {
            form.name_was_left.set(true);
        }
    };
    view! {
        <div class="field" class:wrong=is_wrong>
            <label for=id>{field_label(form.t, field)}</label>
            <input
                id=id
                name=name
                type="text"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                list=(field == Field::Suite).then_some("suites")
                placeholder=placeholder
                value=form.typed.with_untracked(|form| read(form).clone())
                aria-invalid=move || is_wrong().then_some("true")
                aria-describedby=format!("{id}-more")
                on:input=move |event| {
                    form.edit(field, |form| write(form, event_target_value(&event)));
                }
                on:blur=leave
            />
            {more(form, field, hint)}
        </div>
    }
}

fn area_field(
    form: Form,
    field: Field,
    name: &'static str,
    hint: &'static str,
    read: fn(&BuildForm) -> &String,
    write: fn(&mut BuildForm, String),
) -> impl IntoView {
    let id = field_id(field);
    let is_wrong = move || !form.problems(field).is_empty();
    view! {
        <div class="field" class:wrong=is_wrong>
            <label for=id>{field_label(form.t, field)}</label>
            <textarea
                id=id
                name=name
                rows="2"
                autocapitalize="none"
                spellcheck="false"
                aria-invalid=move || is_wrong().then_some("true")
                aria-describedby=format!("{id}-more")
                on:input=move |event| {
                    form.edit(field, |form| write(form, event_target_value(&event)));
                }
            >
                {form.typed.with_untracked(|form| read(form).clone())}
            </textarea>
            {more(form, field, hint)}
        </div>
    }
}

/// The files a build writes, each with its content.
fn planned_files(t: Locale, directory: &str, files: Vec<PlannedFile>) -> impl IntoView + use<> {
    let rows = files
        .into_iter()
        .map(|file| {
            let content = match file.content {
                PlannedContent::Text(text) if text.is_empty() => {
                    view! { <em>{t.empty_file()}</em> }.into_any()
                }
                PlannedContent::Text(text) => view! { <pre>{text}</pre> }.into_any(),
                PlannedContent::Link(target) => view! { <code>"→ " {target}</code> }.into_any(),
                PlannedContent::Directory => view! { <em>{t.directory()}</em> }.into_any(),
            };
            view! {
                <div>
                    <dt><code>{file.path}</code></dt>
                    <dd>{content}</dd>
                </div>
            }
        })
        .collect_view();
    view! {
        <h3>{t.files_written()} " " <code>{directory.to_owned()}</code></h3>
        <dl class="files">{rows}</dl>
    }
}
