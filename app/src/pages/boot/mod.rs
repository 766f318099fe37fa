//! What starts with the host: in which order, what each waits for, when it would be ready, what is wrong with what
//! is written, and what became of the last boot. Nothing here starts anything.

mod graph;
mod last;

use std::num::NonZeroUsize;

use domain::authz::ActionKind;
use domain::boot::{
    BootFacts, BootPlan, BootStep, DEFAULT_MARK, DEPENDS_FILE, MARK_FILE, Selection, simulate,
};
use domain::command;
use domain::config_entry::ConfigTree;
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::{Mark, VServerName};
use leptos::prelude::*;

use super::config::file_address;
use crate::i18n::{Locale, boot_problem_text, format, left_out_text, problem_text};
use crate::page::{Area, Content, For, Page, page};
use crate::shared::config_problem;

/// The most that a simulation begins at once.
const MOST_AT_ONCE: usize = 1000;

/// How many that are left out are listed at once; of more there is one line, which opens.
const LISTED: usize = 8;

/// What is simulated.
struct Asked {
    mark: Mark,
    at_once: NonZeroUsize,
    /// What was typed instead of how many at once, and what is wrong with it.
    wrong: Option<(String, Problem)>,
}

impl Asked {
    /// What the address says; what it does not is as at a boot.
    fn of(page: &Page, facts: &BootFacts) -> Result<Self, Failure> {
        let mark = page.query("mark").filter(|mark| !mark.is_empty());
        let mark = mark.unwrap_or_else(|| DEFAULT_MARK.to_owned()).parse();
        let typed = page.query("at_once").map(|text| {
            let count = text.trim().parse().ok();
            count.filter(|count: &NonZeroUsize| count.get() <= MOST_AT_ONCE).ok_or(text)
        });
        let usual = usize::try_from(facts.at_once).ok().and_then(NonZeroUsize::new);
        let usual = usual.unwrap_or(NonZeroUsize::MIN);
        let (at_once, wrong) = match typed {
            None => (usual, None),
            Some(Ok(count)) => (count, None),
            Some(Err(text)) => {
                let problem = Problem::OutOfRange { min: 1, max: MOST_AT_ONCE as u64 };
                (usual, Some((text, problem)))
            }
        };
        let mark = mark.map_err(|problem| Failure::of_field(Field::Mark, problem))?;
        Ok(Self { mark, at_once, wrong })
    }
}

/// The page.
pub(crate) fn boot() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| {
        let t = page.locale;
        let facts = page.backend.boot(page.permit()?).await?;
        let asked = Asked::of(&page, &facts)?;
        let plan = BootPlan::start(&facts.members, &Selection::Mark(asked.mark.clone()));
        let late = if facts.skip_after_late { t.boot_late_skip() } else { t.boot_late_start() };
        let at_once = format::integer(t, facts.at_once.into());
        let seconds = format::integer(t, facts.ready_seconds.into());
        let body = view! {
            <p class="hint">{t.boot_explained(&command::boot_start(None).line())}</p>
            <p class="hint">{t.boot_settings(&at_once, &seconds)} " " {late}</p>
            {problems(t, &plan)}
            <section aria-labelledby="order">
                <h2 id="order">{t.boot_order()}</h2>
                <p class="hint">{t.boot_simulate_explained()}</p>
                {form(t, &facts, &asked)}
                {order(t, &facts, &plan, &asked)}
            </section>
            {left_out(t, &plan, &asked.mark)}
            {last::last(t, facts.last.as_ref())}
        };
        Ok(Content {
            title: t.boot().to_owned(),
            area: Area::Boot,
            subscription: None,
            body: body.into_any(),
        })
    })
}

/// Lines of marks and dependencies that are to be looked at, each with the way to its file.
fn problems(t: Locale, plan: &BootPlan) -> Option<impl IntoView + use<>> {
    let link = |name: &VServerName, path: &str, text: String| {
        let address = file_address(&ConfigTree::VServer(name.clone()), path);
        view! { <li><a href=address>{text}</a></li> }.into_any()
    };
    let unreadable = plan.unreadable.iter().map(|problem| {
        let text = config_problem(t, problem);
        let place =
            problem.path.split_once('/').and_then(|(name, path)| Some((name.parse().ok()?, path)));
        match place {
            Some((name, path)) => link(&name, path, text),
            None => view! { <li>{text}</li> }.into_any(),
        }
    });
    let of_depends = plan.problems.iter().map(|problem| {
        let text = boot_problem_text(t, &problem.kind);
        let place = format!("{}:{}", problem.file(), problem.line);
        link(&problem.of, DEPENDS_FILE, format!("{place}{}{text}", t.colon()))
    });
    let items: Vec<_> = unreadable.chain(of_depends).collect();
    (!items.is_empty()).then(|| {
        view! {
            <section aria-labelledby="problems" class="alert">
                <h2 id="problems">{t.boot_problems()}</h2>
                <ul>{items}</ul>
            </section>
        }
    })
}

/// Which boot is simulated.
fn form(t: Locale, facts: &BootFacts, asked: &Asked) -> impl IntoView + use<> {
    let mut marks: Vec<&Mark> = facts.members.iter().flat_map(|member| &member.marks).collect();
    marks.push(&asked.mark);
    marks.sort();
    marks.dedup();
    let options = marks
        .into_iter()
        .map(|mark| {
            let name = mark.to_string();
            view! {
                <option value=name.clone() selected=*mark == asked.mark>
                    {name.clone()}
                </option>
            }
        })
        .collect_view();
    let is_wrong = asked.wrong.is_some();
    let (typed, wrong) = match &asked.wrong {
        Some((text, problem)) => {
            let said = problem_text(t, problem);
            let text_of_it = view! { <p class="problem" id="at-once-wrong">{said}</p> };
            (text.clone(), Some(text_of_it))
        }
        None => (asked.at_once.to_string(), None),
    };
    view! {
        <form method="get" action="/boot" class="toolbar">
            <label>{t.boot_mark()} <select name="mark">{options}</select></label>
            <label>
                {t.boot_at_once()}
                <input
                    type="number"
                    name="at_once"
                    min="1"
                    max=MOST_AT_ONCE.to_string()
                    value=typed
                    aria-invalid=is_wrong.then_some("true")
                    aria-describedby=is_wrong.then_some("at-once-wrong")
                />
            </label>
            <button>{t.boot_simulate()}</button>
        </form>
        {wrong}
        <p>
            {t.command()} {t.colon()}
            <code>{command::boot_start(Some((&asked.mark, asked.at_once))).line()}</code>
        </p>
    }
}

/// The order: as a graph, and as a table.
fn order(t: Locale, facts: &BootFacts, plan: &BootPlan, asked: &Asked) -> AnyView {
    if plan.steps.is_empty() {
        return view! { <p class="nothing">{t.boot_nothing()}</p> }.into_any();
    }
    let took = |name: &VServerName| {
        facts.took_ms.iter().find(|(known, _)| known == name).map(|(_, took)| *took)
    };
    let starts = simulate(&plan.steps, asked.at_once, took);
    let total = starts.iter().map(|start| start.ready_ms).max().unwrap_or_default();
    let is_any_assumed = starts.iter().any(|start| start.is_assumed);
    let step_of = |name: &VServerName| plan.steps.iter().find(|step| step.name == *name);
    let mut rows: Vec<_> =
        starts.iter().filter_map(|start| Some((start, step_of(&start.name)?))).collect();
    // What needs one that runs already begins at once, too: its step stands behind the others.
    rows.sort_by_key(|(start, step)| (start.begins_ms, step.wave));
    let rows = rows
        .into_iter()
        .map(|(start, step)| {
            let ready = match (step.is_running, start.is_assumed) {
                (true, _) => t.boot_runs_now().to_owned(),
                (false, true) => {
                    format!("{} {}", format::duration(t, start.ready_ms), t.boot_assumed())
                }
                (false, false) => format::duration(t, start.ready_ms),
            };
            row(t, step, asked, format::duration(t, start.begins_ms), ready)
        })
        .collect_view();
    view! {
        {graph::graph(t, plan)}
        <div class="table-frame">
            <table>
                <caption class="hidden-visually">{t.boot_order()}</caption>
                <thead>
                    <tr>
                        <th scope="col" class="number">{t.boot_wave()}</th>
                        <th scope="col">"VServer"</th>
                        <th scope="col">{t.boot_after()}</th>
                        <th scope="col">{t.boot_why()}</th>
                        <th scope="col" class="number">{t.boot_begins()}</th>
                        <th scope="col" class="number">{t.boot_ready_at()}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        <p>{t.boot_total(&format::duration(t, total))}</p>
        {is_any_assumed.then(|| view! { <p class="hint">{t.boot_assumed_explained()}</p> })}
    }
    .into_any()
}

fn row(
    t: Locale,
    step: &BootStep,
    asked: &Asked,
    begins: String,
    ready: String,
) -> impl IntoView + use<> {
    let why = match step.needed_by.as_slice() {
        [] => t.boot_because_marked(asked.mark.as_str()),
        names => t.boot_needed_by(&joined(names)),
    };
    let after = if step.after.is_empty() { "–".to_owned() } else { joined(&step.after) };
    view! {
        <tr>
            <td class="number" data-label=t.boot_wave()>{(step.wave + 1).to_string()}</td>
            <th scope="row"><a href=format!("/vservers/{}", step.name)>{step.name.to_string()}</a></th>
            <td data-label=t.boot_after()>{after}</td>
            <td data-label=t.boot_why()>{why}</td>
            <td class="number" data-label=t.boot_begins()>{begins}</td>
            <td class="number" data-label=t.boot_ready_at()>{ready}</td>
        </tr>
    }
}

fn joined(names: &[VServerName]) -> String {
    names.iter().map(VServerName::as_str).collect::<Vec<_>>().join(", ")
}

fn left_out(t: Locale, plan: &BootPlan, mark: &Mark) -> Option<impl IntoView + use<>> {
    let items = plan
        .left_out
        .iter()
        .map(|left| {
            let name = left.name.to_string();
            view! {
                <li>
                    <a href=format!("/vservers/{name}#its-boot")>{name.clone()}</a> " "
                    {left_out_text(t, left.because, mark.as_str())}
                </li>
            }
        })
        .collect::<Vec<_>>();
    let count = items.len();
    (count > 0).then(|| {
        let list = view! { <ul>{items}</ul> };
        let list = match count > LISTED {
            true => {
                let summary = format!("{} VServers", format::integer(t, count as u64));
                view! { <details><summary>{summary}</summary>{list}</details> }.into_any()
            }
            false => list.into_any(),
        };
        view! {
            <section aria-labelledby="left-out">
                <h2 id="left-out">{t.boot_left_out()}</h2>
                {list}
            </section>
        }
    })
}

/// The switch on a VServer's page: whether it starts with the host.
pub(crate) fn switch(page: &Page, name: &VServerName, marks: &[Mark]) -> impl IntoView + use<> {
    let t = page.locale;
    let is_marked = marks.iter().any(|mark| mark.as_str() == DEFAULT_MARK);
    let (state, label) = match is_marked {
        true => (t.boot_is_marked(), t.boot_unset_mark()),
        false => (t.boot_is_not_marked(), t.boot_set_mark()),
    };
    let line = command::mark(name, DEFAULT_MARK, !is_marked).line();
    let file = format!("{name}/{MARK_FILE}");
    let switch = page.may(ActionKind::ConfigureVServer).then(|| {
        view! {
            <form method="post" action="/api/vservers/mark" class="actions">
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                <input type="hidden" name="name" value=name.to_string() />
                <button name="on" value=if is_marked { "false" } else { "true" }>{label}</button>
                <code>{line}</code>
            </form>
            <p class="hint">{t.boot_writes(&file)}</p>
        }
    });
    view! {
        <section aria-labelledby="its-boot">
            <h2 id="its-boot">{t.boot_switch()}</h2>
            <p>{state}</p>
            {switch}
            <p><a href="/boot">{t.boot_see_order()}</a></p>
        </section>
    }
}
