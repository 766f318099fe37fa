//! Charts of what was measured, drawn by the server: lines of means with the area from the lowest to the
//! highest around the first of them, the same in numbers beside it, and as a table.
//!
//! Drawn in whole numbers in a box of [`WIDTH`] × [`HEIGHT`], the end of the range at the right. A gap in what
//! was measured is a gap in the line.

use domain::metrics::Metric;
use domain::metrics::slot::{Aggregate, History, Range, Slot};
use domain::time::UnixMillis;
use leptos::prelude::*;
use leptos::tachys::view::RenderHtml;

use crate::events::{ChartsView, Part};
use crate::i18n::{Locale, format};
use crate::overview::hundredths;
use crate::shared::instant;

const WIDTH: i64 = 3000;
const HEIGHT: u64 = 600;
/// The most rows of a table.
const MOST_ROWS: usize = 24;
/// From how many periods without a slot on there is a gap; one may fall between two measurements.
const GAP: i64 = 2;

/// One chart: what it is, its lines, how their numbers are written, and how high it is at least.
struct Chart {
    label: &'static str,
    lines: Vec<(Metric, &'static str)>,
    text: fn(Locale, u64) -> String,
    floor: u64,
}

fn rate(t: Locale, bytes: u64) -> String {
    format!("{}/s", format::bytes(t, bytes))
}

impl Chart {
    fn of(
        label: &'static str,
        metric: Metric,
        text: fn(Locale, u64) -> String,
        floor: u64,
    ) -> Self {
        Self { label, lines: vec![(metric, "")], text, floor }
    }

    fn cpu(t: Locale) -> Self {
        Self::of(t.cpu(), Metric::Cpu, format::percent, 100)
    }

    fn memory(t: Locale) -> Self {
        let lines = vec![(Metric::Memory, t.used_word()), (Metric::Swap, t.swap())];
        Self { label: t.memory(), lines, text: format::bytes, floor: 16 << 20 }
    }

    fn network(t: Locale) -> Self {
        let lines = vec![(Metric::Received, t.received_from()), (Metric::Sent, t.sent_to())];
        Self { label: t.network(), lines, text: rate, floor: 10 << 10 }
    }

    fn disks(t: Locale) -> Self {
        let lines = vec![(Metric::DiskRead, t.read_from()), (Metric::DiskWritten, t.written_to())];
        Self { label: t.disk_traffic(), lines, text: rate, floor: 10 << 10 }
    }

    /// What matters most.
    fn few(t: Locale) -> Vec<Self> {
        vec![Self::cpu(t), Self::memory(t), Self::network(t), Self::disks(t)]
    }

    /// All that there is of a VServer or, with more, of the host.
    fn all(t: Locale) -> Vec<Self> {
        vec![
            Self::cpu(t),
            Self::memory(t),
            Self::of(t.memory_pressure(), Metric::MemoryPressure, format::percent, 100),
            Self::of(t.cpu_pressure(), Metric::CpuPressure, format::percent, 100),
            Self::of(t.disk_pressure(), Metric::DiskPressure, format::percent, 100),
            Self::of(t.load(), Metric::Load, hundredths, 100),
            Self::of(t.processes(), Metric::Processes, format::integer, 10),
            Self::network(t),
            Self::disks(t),
            Self::of(t.disk_taken(), Metric::DiskUsed, format::bytes, 16 << 20),
        ]
    }

    /// The lines of which anything was measured.
    fn drawn(&self, history: &History) -> Vec<Line> {
        let of = |metric: Metric| {
            let points = history.slots.iter();
            points.filter_map(|(at, slot)| Some((*at, slot.get(metric)?))).collect::<Vec<_>>()
        };
        let lines = self.lines.iter().map(|(metric, legend)| Line { legend, points: of(*metric) });
        lines.filter(|line| !line.points.is_empty()).collect()
    }
}

/// Points of one metric, the oldest first.
struct Line {
    legend: &'static str,
    points: Vec<(UnixMillis, Aggregate)>,
}

impl Line {
    fn sum(&self) -> Aggregate {
        let none = Aggregate { min: u64::MAX, max: 0, sum: 0, count: 0 };
        self.points.iter().fold(none, |all, (_, one)| Aggregate {
            min: all.min.min(one.min),
            max: all.max.max(one.max),
            sum: all.sum.saturating_add(one.sum),
            count: all.count.saturating_add(one.count),
        })
    }

    /// The points between two gaps.
    fn pieces(&self, range: Range) -> impl Iterator<Item = &[(UnixMillis, Aggregate)]> {
        let longest = range.tier().period_ms() * GAP;
        self.points.chunk_by(move |a, b| b.0.0 - a.0.0 <= longest)
    }
}

/// Where things are in the box.
struct Scale {
    range: Range,
    until: UnixMillis,
    ceiling: u64,
}

impl Scale {
    fn x(&self, at: UnixMillis) -> i64 {
        let from_end = self.until.0.saturating_sub(at.0).max(0);
        (WIDTH - from_end.saturating_mul(WIDTH) / self.range.span_ms()).clamp(0, WIDTH)
    }

    fn y(&self, value: u64) -> u64 {
        let height = u128::from(value) * u128::from(HEIGHT) / u128::from(self.ceiling.max(1));
        HEIGHT - u64::try_from(height).unwrap_or(HEIGHT).min(HEIGHT)
    }

    /// A line through the means.
    fn means(&self, line: &Line) -> String {
        let mut path = String::new();
        for piece in line.pieces(self.range) {
            for (index, (at, one)) in piece.iter().enumerate() {
                path.push(if index == 0 { 'M' } else { 'L' });
                path.push_str(&format!("{} {}", self.x(*at), self.y(one.mean())));
            }
            if piece.len() == 1 {
                path.push_str("h1");
            }
        }
        path
    }

    /// The area between the lowest and the highest.
    fn area(&self, line: &Line) -> String {
        let mut path = String::new();
        for piece in line.pieces(self.range).filter(|piece| piece.len() > 1) {
            let highest = piece.iter().map(|(at, one)| (self.x(*at), self.y(one.max)));
            let lowest = piece.iter().rev().map(|(at, one)| (self.x(*at), self.y(one.min)));
            for (index, (x, y)) in highest.chain(lowest).enumerate() {
                path.push(if index == 0 { 'M' } else { 'L' });
                path.push_str(&format!("{x} {y}"));
            }
            path.push('Z');
        }
        path
    }
}

/// What a range is called.
pub(crate) fn range_name(t: Locale, range: Range) -> &'static str {
    match range {
        Range::FiveMinutes => t.five_minutes(),
        Range::Hour => t.one_hour(),
        Range::Day => t.one_day(),
        Range::Week => t.one_week(),
        Range::Year => t.one_year(),
    }
}

/// The way to the other ranges of a page.
pub(crate) fn ranges(t: Locale, address: &str, shown: Option<Range>) -> impl IntoView + use<> {
    let links = Range::ALL
        .into_iter()
        .map(|range| {
            let is_shown = (shown == Some(range)).then_some("true");
            let href = format!("{address}?range={}", range.as_str());
            view! { <li><a href=href aria-current=is_shown>{range_name(t, range)}</a></li> }
        })
        .collect_view();
    view! {
        <nav class="ranges" aria-label=t.range_of_time()>
            <ul>{links}</ul>
        </nav>
    }
}

/// The id of the element that charts stand in.
const PART: &str = "part-charts";

/// Charts of a history, which move while the page is open; those of which nothing was measured are left out.
pub(crate) fn charts(t: Locale, view: ChartsView, history: &History) -> impl IntoView + use<> {
    view! { <div id=PART inner_html=charts_part(t, view, history).html></div> }
}

/// The same as a part of the page.
#[must_use]
pub fn charts_part(t: Locale, view: ChartsView, history: &History) -> Part {
    let charts = if view.all { Chart::all(t) } else { Chart::few(t) };
    let figures: Vec<_> = charts.iter().filter_map(|chart| figure(t, chart, history)).collect();
    let html = match figures.is_empty() {
        true => view! { <p class="nothing">{t.no_numbers_yet()}</p> }.to_html(),
        false => view! { <div class="charts">{figures}</div> }.to_html(),
    };
    Part { id: PART.to_owned(), html }
}

fn figure(t: Locale, chart: &Chart, history: &History) -> Option<impl IntoView + use<>> {
    let lines = chart.drawn(history);
    let highest = lines.iter().map(|line| line.sum().max).max()?;
    let History { range, until, .. } = *history;
    let scale = Scale { range, until, ceiling: highest.max(chart.floor) };
    let (label, text) = (chart.label, chart.text);
    let area = lines.first().map(|line| scale.area(line));
    let paths = lines
        .iter()
        .enumerate()
        .map(|(index, line)| {
            view! { <path class=format!("line line-{index}") d=scale.means(line) /> }
        })
        .collect_view();
    let numbers = lines
        .iter()
        .enumerate()
        .map(|(index, line)| {
            let all = line.sum();
            let last = line.points.last().map_or(0, |(_, one)| one.mean());
            view! {
                <div>
                    <dt>
                        <svg class="legend" viewBox="0 0 30 10" aria-hidden="true">
                            <path class=format!("line line-{index}") d="M0 5h30" />
                        </svg>
                        {line.legend}
                    </dt>
                    <dd>{t.last_number()} " " <strong>{text(t, last)}</strong></dd>
                    <dd>{t.mean_number()} " " {text(t, all.mean())}</dd>
                    <dd>{t.highest_number()} " " {text(t, all.max)}</dd>
                </div>
            }
        })
        .collect_view();
    let begin = UnixMillis(until.0 - range.span_ms());
    Some(view! {
        <figure class="chart history">
            <figcaption>
                <span class="chart-label">{label}</span>
            </figcaption>
            <p class="chart-scale" aria-hidden="true">{text(t, scale.ceiling)}</p>
            <svg
                viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                preserveAspectRatio="none"
                role="img"
                aria-label=format!("{label}, {}", range_name(t, range))
            >
                <path class="grid" d=format!("M0 {0}L{WIDTH} {0}", HEIGHT / 2) />
                <path class="area" d=area />
                {paths}
            </svg>
            <p class="chart-times">
                <span>{t.ago_begin()} " " {instant(t, begin)}</span>
                <span>{t.until_now()}</span>
            </p>
            <dl class="chart-numbers">{numbers}</dl>
            <details>
                <summary>{t.as_a_table()} <span class="hidden-visually">{label}</span></summary>
                {table(t, chart, history)}
            </details>
        </figure>
    })
}

/// The same in rows, a few slots in each.
fn table(t: Locale, chart: &Chart, history: &History) -> impl IntoView + use<> {
    let Chart { label, text, lines, .. } = chart;
    let heads = lines
        .iter()
        .flat_map(|(_, legend)| {
            [t.mean_number(), t.highest_number()].map(|what| format!("{legend} {what}"))
        })
        .map(|head| view! { <th scope="col" class="number">{head}</th> })
        .collect_view();
    let in_row = history.slots.len().div_ceil(MOST_ROWS).max(1);
    let rows = history
        .slots
        .chunks(in_row)
        .rev()
        .filter_map(|slots| {
            let (at, _) = slots.first()?;
            let all = slots.iter().fold(Slot::default(), |mut all, (_, slot)| {
                all.merge(slot);
                all
            });
            let cells = lines
                .iter()
                .flat_map(|(metric, _)| {
                    let one = all.get(*metric);
                    [one.map(Aggregate::mean), one.map(|one| one.max)]
                })
                .map(|value| {
                    let value = value.map_or_else(|| "–".to_owned(), |value| text(t, value));
                    view! { <td class="number">{value}</td> }
                })
                .collect_view();
            Some(view! { <tr><th scope="row">{instant(t, *at)}</th> {cells}</tr> })
        })
        .collect_view();
    view! {
        <div class="table-frame">
            <table>
                <caption class="hidden-visually">{*label}</caption>
                <thead>
                    <tr><th scope="col">{t.time_column()}</th> {heads}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use domain::metrics::Values;

    use super::*;

    fn line(values: &[(i64, u64)]) -> Line {
        let points = values.iter().map(|(second, value)| {
            let mut slot = Slot::default();
            slot.add(&Values::default().with(Metric::Cpu, *value));
            (UnixMillis(second * 1000), slot.get(Metric::Cpu).unwrap())
        });
        Line { legend: "", points: points.collect() }
    }

    fn scale() -> Scale {
        Scale { range: Range::FiveMinutes, until: UnixMillis(300_000), ceiling: 1000 }
    }

    #[test]
    fn a_gap_is_a_gap_and_one_that_fell_between_is_none() {
        let line = line(&[(0, 0), (10, 500), (30, 1000), (200, 250)]);
        assert_eq!(scale().means(&line), "M0 600L100 300L300 0M2000 450h1");
        assert_eq!(scale().area(&line), "M0 600L100 300L300 0L300 0L100 300L0 600Z");
    }

    #[test]
    fn nothing_leaves_the_box() {
        let line = line(&[(-50, 5000), (-40, 0)]);
        assert_eq!(scale().means(&line), "M0 0L0 600");
    }

    #[test]
    fn what_was_not_measured_is_not_drawn() {
        let mut slot = Slot::default();
        slot.add(&Values::default().with(Metric::Memory, 5));
        let slots = vec![(UnixMillis(0), slot)];
        let history = History { range: Range::Hour, until: UnixMillis(1000), slots };
        let t = Locale::English;
        let drawn: Vec<_> = Chart::all(t)
            .iter()
            .filter(|chart| !chart.drawn(&history).is_empty())
            .map(|chart| chart.label)
            .collect();
        assert_eq!(drawn, [t.memory()]);
        assert_eq!(Chart::memory(t).drawn(&history).len(), 1, "no line for swap");
    }
}
