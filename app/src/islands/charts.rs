//! Small charts of the last five minutes: what the browser has seen since the page was opened, and
//! whatever older samples the server sends first.
//!
//! Drawn in whole numbers: a chart is a path in a box of [`WIDTH`] × [`HEIGHT`], newest at the
//! right. No history is kept on the server for it.

use domain::time::UnixMillis;
use domain::vserver::Usage;
use leptos::prelude::*;

use crate::i18n::{Locale, format};

/// Milliseconds that a chart spans.
const SPAN_MS: u64 = 5 * 60 * 1000;
const WIDTH: u64 = 3000;
const HEIGHT: u64 = 600;

/// What was used at one moment; rates are since the sample before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    at: UnixMillis,
    usage: Usage,
    /// Share of one CPU, in per mille.
    cpu_permille: u64,
    received_per_second: u64,
    sent_per_second: u64,
}

/// The points of the last five minutes, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct History {
    points: Vec<Point>,
}

impl History {
    /// Adds a sample; one that is not newer than the last is dropped, and a VServer that was
    /// started again begins anew.
    pub(crate) fn push(&mut self, at: UnixMillis, usage: Usage) {
        let previous = self.points.last().copied();
        if previous.is_some_and(|point| point.at >= at) {
            return;
        }
        let restarted = previous.is_some_and(|point| point.usage.uptime_ms > usage.uptime_ms);
        let previous = previous.filter(|_| !restarted);
        if restarted {
            self.points.clear();
        }
        let since_ms = previous.map_or(0, |point| at.millis_since(point.at)).max(1);
        let rate = |field: fn(&Usage) -> u64| {
            previous.map_or(0, |point| {
                field(&usage).saturating_sub(field(&point.usage)).saturating_mul(1000) / since_ms
            })
        };
        self.points.push(Point {
            at,
            usage,
            cpu_permille: rate(|usage| usage.user_ms.saturating_add(usage.system_ms)),
            received_per_second: rate(|usage| usage.received_bytes),
            sent_per_second: rate(|usage| usage.sent_bytes),
        });
        self.points.retain(|point| at.millis_since(point.at) <= SPAN_MS);
    }

    /// Forgets everything: the VServer has stopped.
    pub(crate) fn clear(&mut self) {
        self.points.clear();
    }

    /// The highest value of the series, and never less than `floor`: noise is not drawn tall.
    fn ceiling(&self, values: &[fn(&Point) -> u64], floor: u64) -> u64 {
        let all = self.points.iter().flat_map(|point| values.iter().map(move |value| value(point)));
        all.max().unwrap_or(0).max(floor)
    }

    /// The SVG path of one series.
    fn path(&self, value: fn(&Point) -> u64, ceiling: u64) -> String {
        let Some(last) = self.points.last() else {
            return String::new();
        };
        let mut path = String::with_capacity(self.points.len() * 10);
        for (index, point) in self.points.iter().enumerate() {
            let x = WIDTH.saturating_sub(last.at.millis_since(point.at) * WIDTH / SPAN_MS);
            let height = u128::from(value(point)) * u128::from(HEIGHT) / u128::from(ceiling.max(1));
            let y = HEIGHT - u64::try_from(height).unwrap_or(HEIGHT).min(HEIGHT);
            path.push(if index == 0 { 'M' } else { 'L' });
            path.push_str(&x.to_string());
            path.push(' ');
            path.push_str(&y.to_string());
        }
        path
    }
}

/// All four charts.
pub(crate) fn charts(t: Locale, history: RwSignal<History>) -> impl IntoView {
    let last = move || history.with(|history| history.points.last().copied());
    let now = move |text: fn(Locale, &Point) -> String| {
        move || last().map_or_else(|| "–".to_owned(), |point| text(t, &point))
    };
    view! {
        <div class="charts">
            {chart(
                t,
                t.cpu(),
                now(|t, point| format::percent(t, point.cpu_permille)),
                history,
                &[|point| point.cpu_permille],
                100,
                format::percent,
            )}
            {chart(
                t,
                t.memory(),
                now(|t, point| format::bytes(t, point.usage.memory_bytes)),
                history,
                &[|point| point.usage.memory_bytes],
                16 << 20,
                format::bytes,
            )}
            {chart(
                t,
                t.processes(),
                now(|_, point| point.usage.processes.to_string()),
                history,
                &[|point| u64::from(point.usage.processes)],
                10,
                format::integer,
            )}
            {chart(
                t,
                t.network(),
                now(|t, point| {
                    format!(
                        "↓ {}/s  ↑ {}/s",
                        format::bytes(t, point.received_per_second),
                        format::bytes(t, point.sent_per_second),
                    )
                }),
                history,
                &[|point| point.received_per_second, |point| point.sent_per_second],
                10 << 10,
                |t, ceiling| format!("{}/s", format::bytes(t, ceiling)),
            )}
        </div>
    }
}

fn chart(
    t: Locale,
    label: &'static str,
    now: impl Fn() -> String + Clone + Send + Sync + 'static,
    history: RwSignal<History>,
    series: &'static [fn(&Point) -> u64],
    floor: u64,
    scale: fn(Locale, u64) -> String,
) -> impl IntoView {
    let ceiling = Memo::new(move |_| history.with(|history| history.ceiling(series, floor)));
    let spoken = {
        let now = now.clone();
        move || format!("{label}: {}, {}", now(), t.last_five_minutes())
    };
    let lines = series
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let value = *value;
            view! {
                <path
                    class=format!("line line-{index}")
                    d=move || history.with(|history| history.path(value, ceiling.get()))
                />
            }
        })
        .collect_view();
    view! {
        <figure class="chart">
            <figcaption>
                <span class="chart-label">{label}</span>
                <span class="chart-now">{now}</span>
            </figcaption>
            <p class="chart-scale" aria-hidden="true">{move || scale(t, ceiling.get())}</p>
            <svg
                viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                preserveAspectRatio="none"
                role="img"
                aria-label=spoken
            >
                <path class="grid" d=format!("M0 {0}L{WIDTH} {0}", HEIGHT / 2) />
                {lines}
            </svg>
        </figure>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(uptime_ms: u64, cpu_ms: u64) -> Usage {
        Usage { uptime_ms, user_ms: cpu_ms, ..Usage::default() }
    }

    #[test]
    fn a_busy_cpu_is_a_thousand_per_mille() {
        let mut history = History::default();
        history.push(UnixMillis(10_000), usage(1_000, 500));
        history.push(UnixMillis(12_000), usage(3_000, 2_500));
        assert_eq!(history.points[1].cpu_permille, 1000);
        assert_eq!(history.path(|point| point.cpu_permille, 1000), "M2980 600L3000 0");
    }

    #[test]
    fn a_restart_begins_anew_and_old_points_go() {
        let mut history = History::default();
        history.push(UnixMillis(0), usage(5_000, 4_000));
        history.push(UnixMillis(2_000), usage(100, 10));
        assert_eq!(history.points.len(), 1);
        assert_eq!(history.points[0].cpu_permille, 0);
        history.push(UnixMillis(1_000), usage(200, 20));
        assert_eq!(history.points.len(), 1, "an older sample is dropped");
        history.push(UnixMillis(2_000 + 300_001), usage(300_101, 20));
        assert_eq!(history.points.len(), 1, "five minutes are kept");
    }
}
