//! The rows of the table of processes: which, in which order, and as HTML. The page is rendered with them,
//! and its event stream sends them anew, so that what is shown is always what the server would render.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use domain::process::{MeasuredProcesses, Process, ProcessKey};
use leptos::prelude::*;
use leptos::tachys::view::RenderHtml;

use crate::events::ShownProcesses;
use crate::i18n::{Locale, format};
use crate::process_view::{Column, ProcessView};

/// The most rows of one page.
pub const MOST_ROWS: usize = 500;

/// How deep a tree is drawn at most.
const MOST_INDENTED: usize = 24;

/// A process in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row<'a> {
    process: &'a Process,
    /// How many parents of it are shown above it.
    depth: usize,
    /// Thousandths of one processor.
    cpu: Option<u32>,
}

/// The rows that a view shows, as the browser gets them; with the way to a signal for those who may send one.
#[must_use]
pub fn shown(
    locale: Locale,
    view: &ProcessView,
    measured: &MeasuredProcesses,
    may_signal: bool,
) -> ShownProcesses {
    let rows = arranged(view, measured);
    let all = measured.list.processes.iter().filter(|process| is_of(view, process)).count();
    let counts = locale.process_counts(
        &format::integer(locale, rows.len() as u64),
        &format::integer(locale, all as u64 + u64::from(measured.list.left_out)),
    );
    let rows = rows.iter().take(MOST_ROWS).map(|row| html(locale, row, may_signal)).collect();
    ShownProcesses { rows, counts }
}

fn is_of(view: &ProcessView, process: &Process) -> bool {
    view.vserver.as_ref().is_none_or(|vserver| process.vserver == *vserver)
}

/// Whether a process holds the text somewhere people see it.
fn matches(process: &Process, text: &str) -> bool {
    let holds = |part: &str| part.to_lowercase().contains(text);
    text.is_empty()
        || holds(&process.command)
        || process.user.as_deref().is_some_and(holds)
        || holds(process.vserver.as_str())
        || process.key.pid.to_string() == text
        || process.inside.is_some_and(|pid| pid.to_string() == text)
}

/// The processes of a view in their order. In a tree the parents of what matches are shown, too.
fn arranged<'a>(view: &ProcessView, measured: &'a MeasuredProcesses) -> Vec<Row<'a>> {
    let text = view.text.trim().to_lowercase();
    let row = |process: &'a Process| {
        let cpu = measured.rates.get(&process.key).copied();
        Row { process, depth: 0, cpu }
    };
    let of_view = measured.list.processes.iter().filter(|process| is_of(view, process));
    let mut rows: Vec<Row<'a>> = of_view.map(row).collect();
    rows.sort_by(|one, other| compare(view, one, other));
    if !view.is_tree {
        rows.retain(|row| matches(row.process, &text));
        return rows;
    }
    let by_pid: HashMap<u32, &Process> =
        rows.iter().map(|row| (row.process.key.pid, row.process)).collect();
    let mut wanted: HashSet<ProcessKey> = HashSet::new();
    for row in rows.iter().filter(|row| matches(row.process, &text)) {
        let mut next = Some(row.process);
        // Whoever is wanted already has its parents among them.
        while let Some(process) = next.filter(|process| wanted.insert(process.key)) {
            next = by_pid.get(&process.parent).copied();
        }
    }
    rows.retain(|row| wanted.contains(&row.process.key));
    as_tree(&rows)
}

/// The same rows, each below its parent, siblings as they stood.
fn as_tree<'a>(rows: &[Row<'a>]) -> Vec<Row<'a>> {
    let pids: HashSet<u32> = rows.iter().map(|row| row.process.key.pid).collect();
    let mut children: HashMap<u32, Vec<Row<'a>>> = HashMap::new();
    let mut ahead = Vec::new();
    for row in rows.iter().rev() {
        let parent = row.process.parent;
        if pids.contains(&parent) && parent != row.process.key.pid {
            children.entry(parent).or_default().push(*row);
        } else {
            ahead.push(*row);
        }
    }
    let mut ordered = Vec::with_capacity(rows.len());
    while let Some(row) = ahead.pop() {
        ordered.push(row);
        let below = children.remove(&row.process.key.pid).unwrap_or_default();
        ahead.extend(below.into_iter().map(|child| Row { depth: row.depth + 1, ..child }));
    }
    ordered
}

fn compare(view: &ProcessView, one: &Row<'_>, other: &Row<'_>) -> Ordering {
    let (a, b) = (one.process, other.process);
    let order = match view.sort {
        Column::VServer => a.vserver.cmp(&b.vserver),
        Column::Pid => a.key.cmp(&b.key),
        Column::Inside => a.inside.cmp(&b.inside),
        Column::User => shown_user(a).cmp(&shown_user(b)),
        Column::State => a.state.cmp(&b.state),
        Column::Nice => a.nice.cmp(&b.nice),
        Column::Cpu => one.cpu.cmp(&other.cpu),
        Column::Time => a.cpu_ms.cmp(&b.cpu_ms),
        Column::Rss => a.rss_bytes.cmp(&b.rss_bytes),
        Column::Vsz => a.vsz_bytes.cmp(&b.vsz_bytes),
        Column::Threads => a.threads.cmp(&b.threads),
        Column::Start => a.key.start_ticks.cmp(&b.key.start_ticks),
        Column::Command => a.command.cmp(&b.command),
    };
    let is_falling = view.sort.begins_with_largest() != view.is_reversed;
    let order = if is_falling { order.reverse() } else { order };
    order.then_with(|| (&a.vserver, a.key).cmp(&(&b.vserver, b.key)))
}

fn shown_user(process: &Process) -> String {
    process.user.clone().unwrap_or_else(|| process.uid.to_string())
}

/// One row. Its key says which process it is, so that a browser keeps what has not changed.
fn html(t: Locale, row: &Row<'_>, may_signal: bool) -> String {
    let Row { process, depth, cpu } = *row;
    let key = process.key;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let number = |column: Column, text: String| {
        view! { <td class="number" data-label=column.head()>{text}</td> }
    };
    let inside = or_dash(process.inside.map(|pid| pid.to_string()));
    let indent = (depth > 0).then(|| {
        let width = depth.min(MOST_INDENTED);
        view! { <span class="tree" aria-hidden="true">{format!("{}└ ", "\u{2003}".repeat(width - 1))}</span> }
    });
    let name = process.vserver.to_string();
    let address = format!("/vservers/{name}/processes/{key}");
    let signal = may_signal.then(|| {
        view! {
            <td class="row-actions">
                <a href=address.clone() aria-label=t.signal_one(&key.pid.to_string())>
                    {t.signal_word()}
                </a>
            </td>
        }
    });
    let row = view! {
        <tr data-process=key.to_string()>
            <th scope="row" class="number">
                <a href=address>{key.pid}</a>
            </th>
            <td data-label=Column::VServer.head()>
                <a href=format!("/vservers/{name}")>{name.clone()}</a>
            </td>
            {number(Column::Inside, inside)}
            <td data-label=Column::User.head()>{shown_user(process)}</td>
            <td data-label=Column::State.head()>{process.state.to_string()}</td>
            {number(Column::Nice, process.nice.to_string())}
            {number(Column::Cpu, or_dash(cpu.map(|cpu| format::tenths(t, cpu.into()))))}
            {number(Column::Time, format::stat_time(process.cpu_ms))}
            {number(Column::Rss, format::stat_size(process.rss_bytes))}
            {number(Column::Vsz, format::stat_size(process.vsz_bytes))}
            {number(Column::Threads, process.threads.to_string())}
            {number(Column::Start, format::instant(t, process.started_at))}
            <td class="command-line" data-label=Column::Command.head()>
                {indent} <code>{process.command.clone()}</code>
            </td>
            {signal}
        </tr>
    };
    row.to_html()
}

#[cfg(test)]
mod tests {
    use domain::process::ProcessList;
    use domain::time::UnixMillis;

    use super::*;

    fn process(vserver: &str, pid: u32, parent: u32, command: &str) -> Process {
        Process {
            vserver: vserver.parse().unwrap(),
            key: ProcessKey { pid, start_ticks: u64::from(pid) * 10 },
            inside: Some(pid - 9),
            parent,
            uid: 0,
            user: Some("root".to_owned()),
            state: 'S',
            nice: 0,
            cpu_ms: u64::from(pid),
            started_at: UnixMillis(0),
            rss_bytes: 0,
            vsz_bytes: 0,
            threads: 1,
            command: command.to_owned(),
        }
    }

    fn measured() -> MeasuredProcesses {
        let processes = vec![
            process("mail", 30, 3, "init"),
            process("web", 10, 2, "init"),
            process("web", 11, 10, "sshd"),
            process("web", 12, 11, "<b>bash"),
            process("web", 13, 10, "cron"),
        ];
        let rates = [(processes[3].key, 250), (processes[2].key, 1000)].into();
        let list = ProcessList { at: UnixMillis(0), processes, left_out: 0 };
        MeasuredProcesses { list, rates }
    }

    fn pids(view: &str) -> Vec<(u32, usize)> {
        let measured = measured();
        let rows = arranged(&view.parse().unwrap(), &measured);
        rows.iter().map(|row| (row.process.key.pid, row.depth)).collect()
    }

    #[test]
    fn rows_are_sorted_and_filtered() {
        assert_eq!(pids("vserver:0:0::"), [(30, 0), (10, 0), (11, 0), (12, 0), (13, 0)]);
        assert_eq!(pids("cpu:0:0:web:"), [(11, 0), (12, 0), (10, 0), (13, 0)]);
        assert_eq!(pids("pid:1:0:web:"), [(13, 0), (12, 0), (11, 0), (10, 0)]);
        assert_eq!(pids("time:0:0:: INIT "), [(30, 0), (10, 0)]);
        assert_eq!(pids("pid:0:0::13"), [(13, 0)]);
        assert_eq!(pids("pid:0:0::nowhere"), []);
    }

    #[test]
    fn in_a_tree_each_stands_below_its_parent() {
        assert_eq!(pids("pid:0:1:web:"), [(10, 0), (11, 1), (12, 2), (13, 1)]);
        assert_eq!(pids("pid:1:1:web:"), [(10, 0), (13, 1), (11, 1), (12, 2)]);
        assert_eq!(pids("pid:0:1::bash"), [(10, 0), (11, 1), (12, 2)]);
    }

    #[test]
    fn a_command_line_stays_text() {
        let view = "pid:0:0:web:bash".parse().unwrap();
        let shown = shown(Locale::English, &view, &measured(), false);
        assert!(shown.rows.contains("&lt;b&gt;bash"), "{}", shown.rows);
        assert!(shown.rows.contains(r#"data-process="12-120""#), "{}", shown.rows);
        assert!(shown.rows.contains("25.0"), "{}", shown.rows);
        assert_eq!(shown.counts, "1 of 4 processes");
    }
}
