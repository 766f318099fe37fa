//! What was measured, what is to be reached, and by how much that was missed.

use std::fmt::Write as _;

/// All that was measured.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

struct Row {
    what: String,
    unit: &'static str,
    outcome: Result<Value, String>,
    /// What is to be reached, where that is for this row to reach.
    target: Option<f64>,
}

/// Of one row: in the middle, and from where to where.
struct Value {
    median: f64,
    least: f64,
    most: f64,
    runs: usize,
}

impl Table {
    /// Adds what several runs took; why none did, otherwise.
    pub(crate) fn add(
        &mut self,
        what: impl Into<String>,
        unit: &'static str,
        target: Option<f64>,
        measured: Result<Vec<f64>, String>,
    ) {
        let outcome = measured.map(|mut runs| {
            runs.sort_by(f64::total_cmp);
            Value {
                median: median(&runs),
                least: runs[0],
                most: runs[runs.len() - 1],
                runs: runs.len(),
            }
        });
        let row = Row { what: what.into(), unit, outcome, target };
        // Some rows take minutes: what is known is said at once.
        eprintln!("{}", line(&row));
        self.0.push(row);
    }

    /// For people.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("\n{}\n", head());
        for row in &self.0 {
            let _ = writeln!(text, "{}", line(row));
        }
        text
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> String {
        let rows: Vec<_> = self
            .0
            .iter()
            .map(|row| match &row.outcome {
                Ok(value) => serde_json::json!({
                    "what": row.what, "unit": row.unit, "median": value.median,
                    "least": value.least, "most": value.most, "runs": value.runs,
                    "target": row.target,
                }),
                Err(why) => serde_json::json!({ "what": row.what, "unit": row.unit, "why": why }),
            })
            .collect();
        format!("{}\n", serde_json::Value::from(rows))
    }
}

/// The middle one, or between the two in the middle; of something sorted.
fn median(sorted: &[f64]) -> f64 {
    f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2])
}

fn head() -> String {
    format!("{:<72}{:>10}{:>22}{:>10}  {}", "", "median", "least … most", "target", "")
}

fn line(row: &Row) -> String {
    let value = match &row.outcome {
        Ok(value) => value,
        Err(why) => return format!("{:<72}not measured: {why}", row.what),
    };
    let range = format!("{} … {}", number(value.least), number(value.most));
    let (target, verdict) = match row.target {
        None => (String::new(), String::new()),
        Some(target) if value.median <= target => (number(target), "reached".to_owned()),
        Some(target) => (
            number(target),
            format!("missed by {} ({:.1}×)", number(value.median - target), value.median / target),
        ),
    };
    format!(
        "{:<72}{:>10}{range:>22}{target:>10}  {:<5}{verdict}",
        row.what,
        number(value.median),
        row.unit,
    )
}

/// As many digits as say something.
fn number(value: f64) -> String {
    if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}
