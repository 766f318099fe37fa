//! The build form: judged as it is typed by the code the engine judges with
//! (`domain::build::BuildForm::judge`), beside the command and the files it stands for.
//!
//! The server renders the same from what was typed before; without JavaScript a second button asks
//! it to.

use domain::build::{
    BuildForm, BuildSpec, GivenContent, GivenFile, MethodKind, PlannedContent, PlannedFile,
    shell_line,
};
use domain::field::{Field, FieldErrors, Problem};
use domain::host::HostFacts;
use domain::init::Init;
use leptos::prelude::*;

use super::build_methods::{
    clone_fields, debootstrap_fields, rsync_fields, switch, template_fields, yum_fields,
};
use super::copy_button::copy_button;
use crate::i18n::{Locale, field_label, init_text, problem_text};
use crate::shared::{area_text, field_id};

/// What stands in the preview while no name is typed.
const NAME_TO_COME: &str = "NAME";

/// The state of the form, shared by its fields.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) t: Locale,
    pub(super) typed: RwSignal<BuildForm>,
    /// What is wrong now.
    errors: Memo<FieldErrors>,
    /// What was wrong for the server; an entry goes when its field is edited.
    refused: RwSignal<FieldErrors>,
    /// Fields that were left once, or refused: before that, "missing" would only nag.
    left: RwSignal<Vec<Field>>,
}

impl Form {
    pub(super) fn problems(self, field: Field) -> Vec<Problem> {
        let mut problems: Vec<Problem> =
            self.errors.with(|errors| errors.of(field).cloned().collect());
        if !self.left.with(|left| left.contains(&field)) {
            problems.retain(|problem| *problem != Problem::Missing);
        }
        if problems.is_empty() {
            problems = self.refused.with(|errors| errors.of(field).cloned().collect());
        }
        problems
    }

    pub(super) fn edit(self, field: Field, change: impl FnOnce(&mut BuildForm)) {
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
        left: RwSignal::new(refused.0.iter().map(|error| error.field).collect()),
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
    let method = form.typed.with_untracked(|form| form.method_kind().unwrap_or_default());
    let of_method = match method {
        MethodKind::Debootstrap => {
            facts.with_value(|facts| debootstrap_fields(form, facts)).into_any()
        }
        MethodKind::Rsync => facts.with_value(|facts| rsync_fields(form, facts)).into_any(),
        MethodKind::Clone => facts.with_value(|facts| clone_fields(form, facts)).into_any(),
        MethodKind::Yum => facts.with_value(|facts| yum_fields(form, facts)).into_any(),
        MethodKind::Template => facts.with_value(|facts| template_fields(form, facts)).into_any(),
        MethodKind::Skeleton => ().into_any(),
    };
    let inits =
        facts.with_value(|facts| init_options(t, facts, method, &typed.get_untracked().init));

    view! {
        <div class="build">
            <form method="post" action="/api/vservers/build" class="build-form">
                <input type="hidden" name="csrf" value=csrf />
                {text_field(form, Field::Name, "form[name]", String::new(), t.name_hint(),
                    |form| &form.name, |form, value| form.name = value)}
                <input type="hidden" name="form[method]" value=method.as_str() />
                {of_method}
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
                {more_fields(form, method, defaults.architecture)}
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
                {move || spec.with(|spec| spec.as_ref().map(|spec| given_files(t, spec.given_files())))}
            </section>
        </div>
    }
}

/// What an empty field stands for, shown in it.
struct Defaults {
    context: String,
    interface: String,
    architecture: String,
}

impl Defaults {
    fn of(facts: &HostFacts) -> Self {
        let nat = &facts.nat;
        Self {
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
fn more_fields(form: Form, method: MethodKind, architecture: String) -> impl IntoView {
    let t = form.t;
    let is_open = form.typed.with_untracked(|form| {
        let texts = [
            &form.flags,
            &form.architecture,
            &form.variant,
            &form.components,
            &form.excluded,
            &form.script,
            &form.broadcast,
            &form.cpuset,
            &form.cpuset_cpus,
            &form.cpuset_mems,
            &form.cpuset_virtual,
        ];
        texts.into_iter().any(|text| !text.is_empty())
    });
    view! {
        <details open=is_open>
            <summary>{t.more_fields()}</summary>
            {text_field(form, Field::Flags, "form[flags]", String::new(), t.flags_hint(),
                |form| &form.flags, |form, value| form.flags = value)}
            {text_field(form, Field::Broadcast, "form[broadcast]", String::new(),
                t.broadcast_hint(),
                |form| &form.broadcast, |form, value| form.broadcast = value)}
            {text_field(form, Field::Cpuset, "form[cpuset]", String::new(), t.cpuset_hint(),
                |form| &form.cpuset, |form, value| form.cpuset = value)}
            {text_field(form, Field::CpusetCpus, "form[cpuset_cpus]", String::new(),
                t.cpu_list_hint(),
                |form| &form.cpuset_cpus, |form, value| form.cpuset_cpus = value)}
            {text_field(form, Field::CpusetMems, "form[cpuset_mems]", String::new(),
                t.cpu_list_hint(),
                |form| &form.cpuset_mems, |form, value| form.cpuset_mems = value)}
            {switch(form, "field-cpuset-virtual", "form[cpuset_virtual]", t.cpuset_virtual(),
                |form| &form.cpuset_virtual, |form, value| form.cpuset_virtual = value)}
            {(method == MethodKind::Debootstrap).then(|| view! {
                {text_field(form, Field::SuiteScript, "form[script]", String::new(),
                    t.suite_script_hint(),
                    |form| &form.script, |form, value| form.script = value)}
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
            })}
        </details>
    }
}

#[rustfmt::skip]
fn init_options(
    t: Locale,
    facts: &HostFacts,
    method: MethodKind,
    chosen: &str,
) -> impl IntoView + use<> {
    let chosen = chosen.to_owned();
    let runnable = facts.inits.clone();
    // A copy has what its source has, unless somebody says otherwise.
    let is_copy = matches!(method, MethodKind::Clone | MethodKind::Rsync);
    let default = runnable.first().copied().filter(|_| !is_copy);
    let of_source = is_copy.then(|| {
        view! { <option value="" selected=chosen.is_empty()>{t.init_of_the_source()}</option> }
    });
    let is_installed = matches!(method, MethodKind::Debootstrap | MethodKind::Yum);
    let all = Init::ALL
        .into_iter()
        .filter(|init| !is_installed || Init::INSTALLED.contains(init))
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
        .collect_view();
    view! { {of_source} {all} }
}

/// What is wrong with a field, then its hint; the input is described by it.
pub(super) fn more(form: Form, field: Field, hint: &'static str) -> impl IntoView {
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

/// The list of what may be typed into a field, where there is one.
fn list_of(field: Field) -> Option<&'static str> {
    match field {
        Field::Suite | Field::SuiteScript => Some("suites"),
        Field::Distribution => Some("distributions"),
        Field::Source => Some("sources"),
        Field::Template => Some("templates"),
        _ => None,
    }
}

pub(super) fn text_field(
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
        if !form.left.with_untracked(|left| left.contains(&field)) {
            form.left.update(|left| left.push(field));
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
                list=list_of(field)
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

pub(super) fn area_field(
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
                inner_html=form.typed.with_untracked(|form| area_text(read(form)))
            ></textarea>
            {more(form, field, hint)}
        </div>
    }
}

/// What the host gives a VServer, each with its content.
fn given_files(t: Locale, files: Vec<GivenFile>) -> impl IntoView + use<> {
    let rows = files
        .into_iter()
        .map(|file| {
            let content = match file.content {
                GivenContent::Text(text) => view! { <pre>{text}</pre> }.into_any(),
                GivenContent::IfMissing(_) => {
                    view! { <em>{t.copied_where_missing()}</em> }.into_any()
                }
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
        <h3>{t.files_given()}</h3>
        <dl class="files">{rows}</dl>
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
