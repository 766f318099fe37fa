//! Templates and cached base systems: what is kept, how old and how large; an upload; making anew,
//! removing. Plain forms: nothing here needs JavaScript.

use domain::authz::{ActionKind, ViewTemplates};
use domain::command;
use domain::field::{Field, FieldErrors};
use domain::template::{Base, Stock, Template};
use leptos::prelude::*;

use crate::components::field::{Input, field, id_of};
use crate::components::removal::{Removal, removal};
use crate::i18n::{actor_text, field_label, format, init_text, problem_text};
use crate::islands::form_command::FormCommand;
use crate::page::{Area, Content, For, Page, page};
use crate::shared::instant;

/// The form of the upload: the path of what takes it.
pub(crate) const FORM: &str = "templates/add";

/// The page.
pub(crate) fn templates() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| {
        let t = page.locale;
        let stock = page.backend.stock(page.permit::<ViewTemplates>()?).await?;
        let may_manage = page.may(ActionKind::ManageTemplates);
        let body = view! {
            <h2 id="templates">{t.templates_alone()}</h2>
            <p class="hint">
                {t.templates_explained()} " " <code>{stock.templates_directory.clone()}</code>
            </p>
            {template_table(&page, &stock.templates, may_manage)}
            {may_manage.then(|| upload(&page, &stock))}
            <h2 id="bases">{t.bases()}</h2>
            <p class="hint">
                {t.bases_explained()} " " <code>{stock.bases_directory.clone()}</code>
            </p>
            {base_table(&page, &stock.bases, may_manage)}
        };
        Ok(Content {
            title: t.templates().to_owned(),
            area: Area::Templates,
            subscription: None,
            body: body.into_any(),
        })
    })
}

fn template_table(page: &Page, templates: &[Template], may_manage: bool) -> AnyView {
    let t = page.locale;
    if templates.is_empty() {
        return view! { <p class="nothing">{t.no_templates()}</p> }.into_any();
    }
    let rows = templates
        .iter()
        .map(|template| {
            let name = template.name.as_str();
            let size = format::bytes(t, template.bytes);
            let build_link = page.may(ActionKind::BuildVServer).then(|| {
                let address = format!("/build?method=template&template={name}");
                view! {
                    <a href=address aria-label=t.build_from_one(name)>{t.build()}</a>
                }
            });
            view! {
                <tr>
                    <th scope="row">
                        {name.to_owned()}
                        <span class="row-note">{template.description.to_string()}</span>
                    </th>
                    <td data-label=t.format_of_archive()>{template.compression.to_string()}</td>
                    <td data-label=t.size() class="number">{size.clone()}</td>
                    <td data-label=t.unpacked() class="number">
                        {format::bytes(t, template.unpacked_bytes)}
                        <span class="row-note">
                            {t.files_in_it(&format::integer(t, template.entries))}
                        </span>
                    </td>
                    <td data-label=t.added()>
                        {instant(t, template.added_at)}
                        <span class="row-note">{actor_text(t, &template.added_by)}</span>
                    </td>
                    <td data-label="SHA-256">
                        <details>
                            <summary>
                                <code>{template.sha256.chars().take(12).collect::<String>()}</code>
                            </summary>
                            <code class="checksum">{template.sha256.clone()}</code>
                        </details>
                    </td>
                    {may_manage
                        .then(|| {
                            let asked = Removal {
                                function: "templates/remove",
                                fields: vec![("name", name.to_owned())],
                                summary: t.remove_dots(),
                                label: t.remove_one(name),
                                loss: view! { <p>{t.template_removal(name, &size)}</p> }.into_any(),
                                command: command::remove_template(&template.name),
                            };
                            view! {
                                <td class="row-actions">
                                    {build_link}
                                    {removal(t, &page.csrf, asked)}
                                </td>
                            }
                        })}
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-frame">
            <table>
                <caption class="hidden-visually">{t.templates_alone()}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t.name()}</th>
                        <th scope="col">{t.format_of_archive()}</th>
                        <th scope="col" class="number">{t.size()}</th>
                        <th scope="col" class="number">{t.unpacked()}</th>
                        <th scope="col">{t.added()}</th>
                        <th scope="col">"SHA-256"</th>
                        {may_manage.then(|| view! { <th scope="col">{t.actions()}</th> })}
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn upload(page: &Page, stock: &Stock) -> impl IntoView + use<> {
    let t = page.locale;
    let errors = page.errors(FORM);
    let text = Input::Text { autocomplete: "off" };
    let typed = |name| page.typed(FORM, name);
    let most = format::bytes(t, stock.most_template_bytes);
    let value = |name| typed(name).unwrap_or_default();
    let line = command::add_template(&value("name"), &value("description"));
    view! {
        <h3>{t.add_a_template()}</h3>
        <form
            method="post"
            action=format!("/api/{FORM}")
            enctype="multipart/form-data"
            class="narrow"
        >
            // First: whoever takes the form judges it before it takes the archive.
            <input type="hidden" name="csrf" value=page.csrf.clone() />
            {field(t, Field::Template, "name", text, typed("name"), Some(t.template_name_hint().to_owned()), &errors)}
            {field(t, Field::Description, "description", text, typed("description"), None, &errors)}
            {archive_field(page, t.archive_hint(&most), &errors)}
            <FormCommand locale=t command=line />
            <p>
                {t.files_written()} {t.colon()}
                <code>{format!("{}/NAME/", stock.templates_directory)}</code>
            </p>
            <p class="actions">
                <button class="primary">{t.upload()}</button>
            </p>
        </form>
    }
}

/// The field for an archive of a form that is uploaded.
pub(crate) fn archive_field(
    page: &Page,
    hint: String,
    errors: &FieldErrors,
) -> impl IntoView + use<> {
    let t = page.locale;
    let id = id_of(Field::Archive);
    let problems: Vec<String> =
        errors.of(Field::Archive).map(|problem| problem_text(t, problem)).collect();
    let is_wrong = !problems.is_empty();
    view! {
        <div class="field" class:wrong=is_wrong>
            <label for=id>{field_label(t, Field::Archive)}</label>
            <input
                id=id
                name="archive"
                type="file"
                required
                aria-invalid=is_wrong.then_some("true")
                aria-describedby=format!("{id}-more")
            />
            <div id=format!("{id}-more")>
                {problems
                    .into_iter()
                    .map(|text| view! { <p class="problem">{text}</p> })
                    .collect_view()}
                <p class="hint">{hint}</p>
            </div>
        </div>
    }
}

fn base_table(page: &Page, bases: &[Base], may_manage: bool) -> AnyView {
    let t = page.locale;
    if bases.is_empty() {
        return view! { <p class="nothing">{t.no_bases()}</p> }.into_any();
    }
    let rows = bases
        .iter()
        .map(|base| {
            let name = format!("{} {}", base.suite, base.architecture);
            let packages: Vec<&str> = base.packages.iter().map(AsRef::as_ref).collect();
            let packages = if packages.is_empty() { "–".to_owned() } else { packages.join(" ") };
            let size = base.bytes.map_or_else(|| "–".to_owned(), |bytes| format::bytes(t, bytes));
            let variant = base.variant.clone().unwrap_or_else(|| "–".to_owned());
            let age = format::ago(t, page.now.millis_since(base.made_at));
            let used = match base.used_at {
                Some(at) => instant(t, at).into_any(),
                None => t.never().into_any(),
            };
            let id = base.id.to_string();
            view! {
                <tr>
                    <th scope="row">
                        {name.clone()}
                        <span class="row-note"><code>{base.id.short().to_owned()}</code></span>
                    </th>
                    <td data-label=t.variant()>{variant}</td>
                    <td data-label="Init">{init_text(t, base.init)}</td>
                    <td data-label=t.packages()>{packages}</td>
                    <td data-label=t.size() class="number">{size}</td>
                    <td data-label=t.made()>
                        {instant(t, base.made_at)}
                        <span class="row-note">
                            {age}
                            {base.is_old.then(|| view! { ", " {t.too_old()} })}
                        </span>
                    </td>
                    <td data-label=t.last_used()>{used}</td>
                    {may_manage
                        .then(|| {
                            let asked = Removal {
                                function: "bases/remove",
                                fields: vec![("base", id.clone())],
                                summary: t.remove_dots(),
                                label: t.remove_one(&name),
                                loss: view! { <p>{t.base_removal(&name)}</p> }.into_any(),
                                command: command::remove_base(&base.id),
                            };
                            view! {
                                <td class="row-actions">
                                    <form method="post" action="/api/bases/refresh">
                                        <input type="hidden" name="csrf" value=page.csrf.clone() />
                                        <input type="hidden" name="base" value=id.clone() />
                                        <button
                                            class="quiet"
                                            aria-label=t.refresh_one(&name)
                                            title=command::refresh_base(&base.id).line()
                                        >
                                            {t.refresh()}
                                        </button>
                                    </form>
                                    {removal(t, &page.csrf, asked)}
                                </td>
                            }
                        })}
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-frame">
            <table>
                <caption class="hidden-visually">{t.bases()}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t.base()}</th>
                        <th scope="col">{t.variant()}</th>
                        <th scope="col">"Init"</th>
                        <th scope="col">{t.packages()}</th>
                        <th scope="col" class="number">{t.size()}</th>
                        <th scope="col">{t.made()}</th>
                        <th scope="col">{t.last_used()}</th>
                        {may_manage.then(|| view! { <th scope="col">{t.actions()}</th> })}
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
