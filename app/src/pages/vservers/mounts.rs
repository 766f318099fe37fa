//! The mounts of a VServer: the lines of its fstab, each explained, a form for one of them, and what it sees
//! mounted while it runs.
//!
//! The form leads to the page of the file, where the difference is looked at and saved as every other
//! change of a config tree.

use domain::authz::ActionKind;
use domain::command;
use domain::config_change::{FileState, FileView};
use domain::config_entry::{ConfigPath, ConfigTree};
use domain::failure::Failure;
use domain::field::Field;
use domain::fstab::{Fstab, MountForm, MountLine, OF_NOTHING, SeenMount};
use domain::id::VServerName;
use domain::tmpfs::TmpfsLine;
use domain::vserver::State;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::show::named;
use crate::api::mounts::{CLEANUP, FILES, FORM, REMOVE};
use crate::components::field::{Input, field, id_of};
use crate::components::vserver_pages::vserver_pages;
use crate::i18n::{Locale, failure_text, format, mount_option_text};
use crate::page::{Area, Content, For, Page, page};
use crate::pages::config::file_address;

/// The page; `?file=` and `?line=` for the form of a line, `?line=0` for that of a new one.
pub(crate) fn mounts() -> impl IntoView {
    let name = use_params_map().with_untracked(|map| map.get("name")).unwrap_or_default();
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let name = named(&name)?;
        let detail = page.backend.vserver(page.permit()?, name.clone()).await?;
        let tree = ConfigTree::VServer(name.clone());
        let mut files = Vec::new();
        for file in FILES {
            let path = path_of(file)?;
            let view = page.backend.config_file(page.permit()?, tree.clone(), path).await?;
            files.push((file, view));
        }
        let cleanup =
            page.backend.config_file(page.permit()?, tree.clone(), path_of(CLEANUP)?).await?;
        let seen = page.backend.mounts(page.permit()?, name.clone()).await?;
        let lines: Vec<MountLine> =
            files.iter().flat_map(|(_, view)| fstab_of(view).mounts()).collect();
        let may = page.may(ActionKind::ConfigureVServer);
        let tables = files
            .iter()
            .filter(|(file, view)| *file == "fstab" || view.state != FileState::Absent)
            .map(|(file, view)| table(&page, &name, (file, view), seen.as_deref(), may))
            .collect_view();
        let is_running = detail.summary.state == State::Running;
        let restart = (is_running && page.may(ActionKind::RunVServer)).then(|| {
            view! {
                <form method="post" action="/api/vservers/restart" class="actions">
                    <input type="hidden" name="csrf" value=page.csrf.clone() />
                    <input type="hidden" name="only" value=name.to_string() />
                    <input type="hidden" name="next" value=format!("/vservers/{name}/mounts") />
                    <button>{t.restart()}</button>
                    <code>{command::restart(&name).line()}</code>
                </form>
            }
        });
        let body = view! {
            {vserver_pages(&page, &name)}
            {tables}
            {may.then(|| form(&page, &name, &files))}
            <p class="hint">{t.mounts_hold_from_start()}</p>
            {restart}
            {what_is_seen(t, seen.as_deref(), &lines)}
            {clean_up(t, &name, &tree, &cleanup)}
        };
        Ok(Content {
            title: t.mounts_of(name.as_str()),
            area: Area::VServers,
            subscription: None,
            body: body.into_any(),
        })
    })
}

fn path_of(file: &str) -> Result<ConfigPath, Failure> {
    file.parse().map_err(|problem| Failure::of_field(Field::ConfigPath, problem))
}

fn fstab_of(view: &FileView) -> Fstab {
    match &view.state {
        FileState::Text { text, .. } => Fstab::of(text),
        _ => Fstab::of(""),
    }
}

/// The address of the form of a line.
fn line_address(name: &VServerName, file: &str, line: usize) -> String {
    format!("/vservers/{name}/mounts?file={file}&line={line}#mount-form")
}

/// The lines of one file that mount something.
fn table(
    page: &Page,
    name: &VServerName,
    (file, view): (&'static str, &FileView),
    seen: Option<&[SeenMount]>,
    may: bool,
) -> impl IntoView + use<> {
    let t = page.locale;
    let mounts = fstab_of(view).mounts();
    let is_empty = mounts.is_empty();
    let runs = seen.is_some();
    let now = |number: usize| {
        let lines = seen.unwrap_or_default().iter().filter_map(|mount| mount.tmpfs.as_ref());
        let mut lines = lines.filter(|line| line.file == file && line.number == number);
        lines.next().map(|line| now_mounted(page, name, line, may))
    };
    let row = |line: MountLine| {
        let options = line.options.iter().map(|word| {
            let text = mount_option_text(t, word);
            view! { <li><code>{word.clone()}</code> " " {text}</li> }
        });
        let change = may.then(|| {
            let address = line_address(name, file, line.number);
            let label = t.change_mount(&line.target);
            view! {
                <a class="button quiet" href=address aria-label=label>{t.change_line()}</a>
                <form method="post" action="/api/mounts/change">
                    <input type="hidden" name="csrf" value=page.csrf.clone() />
                    <input type="hidden" name="name" value=name.to_string() />
                    <input type="hidden" name="file" value=file />
                    <input type="hidden" name="line" value=line.number.to_string() />
                    <button
                        class="quiet"
                        name="action"
                        value=REMOVE
                        aria-label=t.remove_mount(&line.target)
                    >
                        {t.remove_line()}
                    </button>
                </form>
            }
        });
        view! {
            <tr>
                <td class="number" data-label=t.line()>{line.number}</td>
                <th scope="row"><code>{line.target.clone()}</code></th>
                <td data-label=t.mount_type()><code>{line.fs_type.clone()}</code></td>
                <td data-label=t.mount_source()><code>{line.source.clone()}</code></td>
                <td data-label=t.mount_options()>
                    <ul class="plain">{options.collect_view()}</ul>
                </td>
                {runs.then(|| view! { <td data-label=t.mounted_now()>{now(line.number)}</td> })}
                {may.then(|| view! { <td class="row-actions">{change}</td> })}
            </tr>
        }
    };
    let rows = mounts.into_iter().map(row).collect_view();
    let address = file_address(&ConfigTree::VServer(name.clone()), file);
    let id = match file {
        "fstab" => "file-fstab",
        _ => "file-fstab-local",
    };
    view! {
        <section aria-labelledby=id>
            <h2 id=id><a href=address>{file}</a></h2>
            {is_empty.then(|| view! { <p class="nothing">{t.mounts_nothing()}</p> })}
            {(!is_empty).then(|| view! {
                <div class="table-frame">
                    <table class="operations">
                        <caption class="hidden-visually">{file}</caption>
                        <thead>
                            <tr>
                                <th scope="col" class="number">{t.line()}</th>
                                <th scope="col">{t.mount_target()}</th>
                                <th scope="col">{t.mount_type()}</th>
                                <th scope="col">{t.mount_source()}</th>
                                <th scope="col">{t.mount_options()}</th>
                                {runs.then(|| view! { <th scope="col">{t.mounted_now()}</th> })}
                                {may.then(|| view! { <th scope="col">{t.actions()}</th> })}
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            })}
        </section>
    }
}

/// How a tmpfs is mounted now; where its line says something else, the way to have that at once.
fn now_mounted(
    page: &Page,
    name: &VServerName,
    line: &TmpfsLine,
    may: bool,
) -> impl IntoView + use<> {
    let t = page.locale;
    let used = t.used_of_it(&format::bytes(t, line.used_bytes));
    if line.is_as_wanted() {
        return view! { {t.mounted_as_written()} ", " {used} }.into_any();
    }
    let apply = match line.judge() {
        Err(problem) => {
            let failure = Failure::NotRemounted { target: line.target.clone(), problem };
            view! { <p class="problem">{failure_text(t, &failure).what}</p> }.into_any()
        }
        Ok(()) => may
            .then(|| {
                let command = command::remount(name, &line.target).line();
                view! {
                    <form method="post" action="/api/mounts/apply">
                        <input type="hidden" name="csrf" value=page.csrf.clone() />
                        <input type="hidden" name="name" value=name.to_string() />
                        <input type="hidden" name="target" value=line.target.clone() />
                        <button class="quiet" aria-label=t.apply_to(&line.target)>
                            {t.apply_at_once()}
                        </button>
                        " " <code>{command}</code>
                    </form>
                }
            })
            .into_any(),
    };
    view! {
        <strong>{t.mounted_otherwise_now(&line.now.line())}</strong> ", " {used}
        {apply}
    }
    .into_any()
}

/// The form of one line, when one is chosen; else the way to that of a new one.
fn form(page: &Page, name: &VServerName, files: &[(&'static str, FileView)]) -> AnyView {
    let t = page.locale;
    let wanted = |key: &str| page.typed(FORM, key).or_else(|| page.query(key));
    let Some(number) = wanted("line").and_then(|line| line.parse::<usize>().ok()) else {
        let address = line_address(name, "fstab", 0);
        return view! { <p class="actions"><a class="button" href=address>{t.add_mount()}</a></p> }
            .into_any();
    };
    let wanted = wanted("file").unwrap_or_default();
    let found = files.iter().find(|(file, _)| *file == wanted).or_else(|| files.first());
    let Some((file, view)) = found else { return ().into_any() };
    let line = fstab_of(view).mount(number);
    let typed = page.typed(FORM, "form").and_then(|text| serde_json::from_str(&text).ok());
    let form: MountForm = typed.unwrap_or_else(|| match &line {
        Some(line) => MountForm::of(line),
        None => MountForm { fs_type: "tmpfs".to_owned(), ..MountForm::default() },
    });
    let errors = page.errors(FORM);
    let text = |of, name, value: &str, hint: &str| {
        let input = Input::Text { autocomplete: "off" };
        field(t, of, name, input, Some(value.to_owned()), Some(hint.to_owned()), &errors)
    };
    let switch = |name: &'static str, word: &'static str, is_on: bool| {
        view! {
            <label class="choice">
                <input type="checkbox" name=name value="true" checked=is_on />
                <code>{word}</code> " " {mount_option_text(t, word)}
            </label>
        }
    };
    let types = OF_NOTHING.into_iter().map(|kind| {
        view! { <option selected=form.fs_type == kind>{kind}</option> }
    });
    let kind = match &line {
        Some(line) => view! {
            <input type="hidden" name="form[fs_type]" value=form.fs_type.clone() />
            <p>{t.mount_type()} {t.colon()} <code>{line.fs_type.clone()}</code></p>
        }
        .into_any(),
        None => {
            let id = id_of(Field::MountType);
            view! {
                <div class="field">
                    <label for=id>{t.mount_type()}</label>
                    <select id=id name="form[fs_type]">{types.collect_view()}</select>
                </div>
            }
            .into_any()
        }
    };
    let title = match &line {
        Some(line) => t.change_mount(&line.target),
        None => t.add_mount().to_owned(),
    };
    view! {
        <section aria-labelledby="mount-form">
            <h2 id="mount-form">{title}</h2>
            <form method="post" action="/api/mounts/change" class="narrow">
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                <input type="hidden" name="name" value=name.to_string() />
                <input type="hidden" name="file" value=*file />
                <input
                    type="hidden"
                    name="line"
                    value=line.map_or(0, |line| line.number).to_string()
                />
                {text(Field::MountTarget, "form[target]", &form.target, t.mount_target_explained())}
                {kind}
                {text(Field::MountSize, "form[size]", &form.size, t.mount_size_explained())}
                {text(Field::MountMode, "form[mode]", &form.mode, t.mount_mode_explained())}
                <fieldset>
                    <legend>{t.mount_options()}</legend>
                    {switch("form[read_only]", "ro", form.read_only)}
                    {switch("form[no_suid]", "nosuid", form.no_suid)}
                    {switch("form[no_exec]", "noexec", form.no_exec)}
                </fieldset>
                {text(Field::MountOptions, "form[others]", &form.others, t.other_options_explained())}
                <p class="actions">
                    <button class="primary">{t.show_the_difference()}</button>
                    <a class="button" href=format!("/vservers/{name}/mounts")>{t.cancel()}</a>
                </p>
            </form>
        </section>
    }
    .into_any()
}

/// What it sees mounted, and whose doing each is.
fn what_is_seen(
    t: Locale,
    seen: Option<&[SeenMount]>,
    lines: &[MountLine],
) -> impl IntoView + use<> {
    let row = |mount: &SeenMount| {
        let plain = |target: &str| target.trim_end_matches('/').to_owned();
        let line = lines.iter().find(|line| plain(&line.target) == plain(&mount.target));
        let by = match line {
            _ if mount.is_given() => t.mounted_by_ulysse().to_owned(),
            Some(line) => t.mounted_by_fstab(&line.number.to_string()),
            None => t.mounted_otherwise().to_owned(),
        };
        let source = match mount.root.as_str() {
            "/" => mount.source.clone(),
            root => format!("{} [{root}]", mount.source),
        };
        view! {
            <tr>
                <th scope="row"><code>{mount.target.clone()}</code></th>
                <td data-label=t.mount_type()><code>{mount.fs_type.clone()}</code></td>
                <td data-label=t.mount_source()><code>{source}</code></td>
                <td data-label=t.mount_options()><code>{mount.options.clone()}</code></td>
                <td data-label=t.mounted_by()>{by}</td>
            </tr>
        }
    };
    let rows = seen.map(|seen| seen.iter().map(row).collect_view());
    let body = match rows {
        None => view! { <p class="nothing">{t.sees_nothing_stopped()}</p> }.into_any(),
        Some(rows) => view! {
            <div class="table-frame">
                <table class="operations">
                    <caption class="hidden-visually">{t.what_it_sees()}</caption>
                    <thead>
                        <tr>
                            <th scope="col">{t.mount_target()}</th>
                            <th scope="col">{t.mount_type()}</th>
                            <th scope="col">{t.mount_source()}</th>
                            <th scope="col">{t.mount_options()}</th>
                            <th scope="col">{t.mounted_by()}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any(),
    };
    view! {
        <section aria-labelledby="seen-mounts">
            <h2 id="seen-mounts">{t.what_it_sees()}</h2>
            {body}
        </section>
    }
}

/// The switch `nonamespace-cleanup`: what it was for, what it is now, and how root sets it.
fn clean_up(
    t: Locale,
    name: &VServerName,
    tree: &ConfigTree,
    view: &FileView,
) -> impl IntoView + use<> {
    let is_on = view.state != FileState::Absent;
    let state = if is_on { t.cleanup_is_off() } else { t.cleanup_is_on() };
    let word = if is_on { "unset" } else { "set" };
    view! {
        <section aria-labelledby="clean-up">
            <h2 id="clean-up"><a href=file_address(tree, CLEANUP)>{CLEANUP}</a></h2>
            <p>{state}</p>
            <p class="hint">{t.cleanup_explained()}</p>
            <p>{t.command()} {t.colon()} <code>{format!("vserver {name} config {word} {CLEANUP}")}</code></p>
        </section>
    }
}
