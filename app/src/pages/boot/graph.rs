//! The order of a boot as a graph: a column for each step, a line from whoever is needed to whoever needs it.
//!
//! One picture to a screen reader; the table beside it says the same, and has the links.

use std::collections::BTreeMap;

use domain::boot::{BootPlan, BootStep};
use domain::id::VServerName;
use leptos::prelude::*;

use crate::i18n::{Locale, format};

/// A box, and what is between two of them, in units of the picture.
const WIDTH: usize = 150;
const HEIGHT: usize = 30;
const ACROSS: usize = 60;
const DOWN: usize = 14;
/// Around everything.
const MARGIN: usize = 4;
/// The most characters of a name that fit into its box.
const SHOWN_CHARACTERS: usize = 18;

/// Where each box is: its upper left corner.
fn places(steps: &[BootStep]) -> BTreeMap<&VServerName, (usize, usize)> {
    let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
    let place = |step: &BootStep, row: usize| {
        (MARGIN + step.wave * (WIDTH + ACROSS), MARGIN + row * (HEIGHT + DOWN))
    };
    steps
        .iter()
        .map(|step| {
            let row = rows.entry(step.wave).or_default();
            let at = place(step, *row);
            *row += 1;
            (&step.name, at)
        })
        .collect()
}

/// The curve from the right of one box to the left of another.
fn line((from_x, from_y): (usize, usize), (to_x, to_y): (usize, usize)) -> String {
    let (x1, y1) = (from_x + WIDTH, from_y + HEIGHT / 2);
    let (x2, y2) = (to_x, to_y + HEIGHT / 2);
    let bend = ACROSS / 2;
    format!("M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}", x1 + bend, x2.saturating_sub(bend))
}

/// The name as it fits; a mark before it says that it runs.
fn shown(step: &BootStep) -> String {
    let name = step.name.as_str();
    let mark = if step.is_running { "✓ " } else { "" };
    match name.chars().count() > SHOWN_CHARACTERS {
        true => {
            let begin: String = name.chars().take(SHOWN_CHARACTERS - 1).collect();
            format!("{mark}{begin}…")
        }
        false => format!("{mark}{name}"),
    }
}

/// The picture.
pub(super) fn graph(t: Locale, plan: &BootPlan) -> impl IntoView + use<> {
    let places = places(&plan.steps);
    let right = places.values().map(|(x, _)| x + WIDTH + MARGIN).max().unwrap_or_default();
    let bottom = places.values().map(|(_, y)| y + HEIGHT + MARGIN).max().unwrap_or_default();
    let lines = plan
        .steps
        .iter()
        .flat_map(|step| step.after.iter().map(move |on| (on, &step.name)))
        .filter_map(|(from, to)| Some(line(*places.get(from)?, *places.get(to)?)))
        .map(|path| view! { <path d=path /> })
        .collect_view();
    let boxes = plan
        .steps
        .iter()
        .filter_map(|step| {
            let (x, y) = *places.get(&step.name)?;
            let class = if step.needed_by.is_empty() { "meant" } else { "needed" };
            Some(view! {
                <g class=class>
                    <rect x=x y=y width=WIDTH height=HEIGHT rx="3" />
                    <text x=x + 10 y=y + 20>{shown(step)}</text>
                </g>
            })
        })
        .collect_view();
    let number = format::integer(t, u64::try_from(plan.steps.len()).unwrap_or(u64::MAX));
    view! {
        <div class="boot-graph" tabindex="0" role="region" aria-label=t.boot_graph_scroll()>
            <svg
                role="img"
                aria-label=t.boot_graph_of(&number)
                width=right
                height=bottom
                viewBox=format!("0 0 {right} {bottom}")
            >
                {lines}
                {boxes}
            </svg>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, wave: usize) -> BootStep {
        BootStep {
            name: name.parse().unwrap(),
            wave,
            after: Vec::new(),
            needed_by: Vec::new(),
            is_running: wave == 0,
        }
    }

    #[test]
    fn no_two_boxes_are_in_one_place_and_lines_go_to_the_right() {
        let steps = [step("a", 0), step("b", 0), step("a-name-that-is-too-long-for-it", 1)];
        let places = places(&steps);
        let at: Vec<_> = steps.iter().map(|step| places[&step.name]).collect();
        assert_eq!(at, [(4, 4), (4, 48), (214, 4)]);
        assert_eq!(line(at[1], at[2]), "M154 63C184 63 184 19 214 19");
        assert_eq!(shown(&steps[0]), "✓ a");
        assert_eq!(shown(&steps[2]), "a-name-that-is-to…");
    }
}
