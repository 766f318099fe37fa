//! The fields of the build form that one method has and others do not.

use domain::build::BuildForm;
use domain::field::{Field, Problem};
use domain::host::HostFacts;
use leptos::prelude::*;

use super::build_form::{Form, area_field, more, text_field};
use crate::i18n::field_label;
use crate::shared::field_id;

/// Values to choose from, for the inputs that name this list.
fn choices<T: ToString>(id: &'static str, values: &[T]) -> impl IntoView + use<T> {
    let options = values
        .iter()
        .map(|value| view! { <option value=value.to_string()></option> })
        .collect_view();
    view! { <datalist id=id>{options}</datalist> }
}

/// `-m debootstrap`.
pub(super) fn debootstrap_fields(form: Form, facts: &HostFacts) -> impl IntoView + use<> {
    let t = form.t;
    let (suite, mirror) = (facts.suite.to_string(), facts.mirror.to_string());
    view! {
        {text_field(form, Field::Suite, "form[suite]", suite, t.suite_hint(),
            |form| &form.suite, |form, value| form.suite = value)}
        {choices("suites", &facts.suites)}
        {text_field(form, Field::Mirror, "form[mirror]", mirror, t.mirror_hint(),
            |form| &form.mirror, |form, value| form.mirror = value)}
        {area_field(form, Field::Packages, "form[packages]", t.packages_hint(),
            |form| &form.packages, |form, value| form.packages = value)}
    }
}

/// `-m clone`.
pub(super) fn clone_fields(form: Form, facts: &HostFacts) -> impl IntoView + use<> {
    let t = form.t;
    let what_it_does = match facts.shares_blocks {
        true => t.unified_by_blocks(),
        false => t.unified_by_reference(),
    };
    view! {
        {text_field(form, Field::Source, "form[source]", String::new(), t.clone_source_hint(),
            |form| &form.source, |form, value| form.source = value)}
        {choices("sources", &facts.names)}
        {switch(form, "field-unified", "form[unified]", t.unified(),
            |form| &form.unified, |form, value| form.unified = value)}
        <p class="hint">{what_it_does}</p>
    }
}

/// `-m rsync`.
pub(super) fn rsync_fields(form: Form, facts: &HostFacts) -> impl IntoView + use<> {
    let t = form.t;
    view! {
        {text_field(form, Field::Source, "form[source]", String::new(), t.rsync_source_hint(),
            |form| &form.source, |form, value| form.source = value)}
        {choices("sources", &facts.names)}
        {host_key_field(form)}
        {text_field(form, Field::Port, "form[port]", "22".to_owned(), t.port_hint(),
            |form| &form.port, |form, value| form.port = value)}
        {area_field(form, Field::ExcludePatterns, "form[exclude_patterns]", t.exclude_hint(),
            |form| &form.exclude_patterns, |form, value| form.exclude_patterns = value)}
        {switch(form, "field-all-filesystems", "form[all_filesystems]", t.all_filesystems(),
            |form| &form.all_filesystems, |form, value| form.all_filesystems = value)}
        {switch(form, "field-compressed", "form[compressed]", t.compressed(),
            |form| &form.compressed, |form, value| form.compressed = value)}
        {text_field(form, Field::Bandwidth, "form[bandwidth]", String::new(), t.bandwidth_hint(),
            |form| &form.bandwidth, |form, value| form.bandwidth = value)}
    }
}

/// `-m yum`.
pub(super) fn yum_fields(form: Form, facts: &HostFacts) -> impl IntoView + use<> {
    let t = form.t;
    view! {
        {text_field(form, Field::Distribution, "form[distribution]", String::new(),
            t.distribution_hint(),
            |form| &form.distribution, |form, value| form.distribution = value)}
        {choices("distributions", &facts.distributions)}
        {area_field(form, Field::Packages, "form[packages]", t.rpm_packages_hint(),
            |form| &form.packages, |form, value| form.packages = value)}
    }
}

/// `-m template`.
pub(super) fn template_fields(form: Form, facts: &HostFacts) -> impl IntoView + use<> {
    let hint = form.t.template_hint();
    view! {
        {text_field(form, Field::Template, "form[template]", String::new(), hint,
            |form| &form.template, |form, value| form.template = value)}
        {choices("templates", &facts.templates)}
    }
}

/// The key that a machine showed, once it did: to be confirmed before anything is sent there.
fn host_key_field(form: Form) -> impl IntoView {
    let t = form.t;
    let confirmed = form.typed.with_untracked(|form| form.host_key.clone());
    let shown = form.problems(Field::HostKey).into_iter().find_map(|problem| match problem {
        Problem::HostKeyUnknown { fingerprint, .. } => Some(fingerprint),
        _ => None,
    });
    let id = field_id(Field::HostKey);
    match shown {
        Some(fingerprint) => {
            let value = fingerprint.clone();
            view! {
                <div class="field wrong">
                    <p>{field_label(t, Field::HostKey)}</p>
                    <label class="choice">
                        <input
                            id=id
                            type="checkbox"
                            name="form[host_key]"
                            value=fingerprint
                            aria-describedby=format!("{id}-more")
                            on:change=move |event| {
                                let is_on = event_target_checked(&event);
                                let key = if is_on { value.clone() } else { String::new() };
                                form.typed.update(|form| form.host_key = key);
                            }
                        />
                        {t.this_is_its_key()}
                    </label>
                    {more(form, Field::HostKey, t.host_key_hint())}
                </div>
            }
            .into_any()
        }
        None => view! {
            <input type="hidden" id=id name="form[host_key]" value=confirmed />
        }
        .into_any(),
    }
}

pub(super) fn switch(
    form: Form,
    id: &'static str,
    name: &'static str,
    label: &'static str,
    read: fn(&BuildForm) -> &String,
    write: fn(&mut BuildForm, String),
) -> impl IntoView {
    view! {
        <div class="field">
            <label class="choice" for=id>
                <input
                    id=id
                    type="checkbox"
                    name=name
                    value="1"
                    checked=form.typed.with_untracked(|form| !read(form).is_empty())
                    on:change=move |event| {
                        let is_on = event_target_checked(&event);
                        let value = if is_on { "1" } else { "" };
                        form.typed.update(|form| write(form, value.to_owned()));
                    }
                />
                {label}
            </label>
        </div>
    }
}
