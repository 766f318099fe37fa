//! Operations, their logs and VServers as a browser gets them: in the words of whoever looks.
//!
//! What was done, why it failed and what a log notes is worded here, by the server, so that no text of
//! it is a part of what every browser downloads. An island shows these types and knows no others.

use domain::batch::{BatchRow, Outcome, RowState};
use domain::id::{ContextId, OperationId, VServerName};
use domain::operation::{Kind, LogChunk, Operation, Progress};
use domain::time::UnixMillis;
use domain::vserver::{OomKills, State, Summary, Usage};
use serde::{Deserialize, Serialize};

use crate::i18n::{Locale, actor_text, cancelled_text, failure_text, log_text, stage_text};
use crate::operation_title::operation_title;
use crate::shared::config_problem;

/// How far an operation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShownProgress {
    /// Waits for a place.
    Queued,
    /// Is being done.
    Running {
        /// What is being done.
        stage: String,
        /// Share of the whole operation that is done, in per mille.
        permille: u16,
    },
    /// Done.
    Succeeded,
    /// Not done, and undone.
    Failed {
        /// What happened.
        what: String,
        /// What to do about it.
        remedy: String,
    },
    /// Not done to its end, because somebody cancelled it.
    Cancelled {
        /// What became of what had been done.
        what: String,
    },
}

impl ShownProgress {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed { .. } | Self::Cancelled { .. })
    }

    fn of(locale: Locale, kind: Kind, progress: &Progress) -> Self {
        match progress {
            Progress::Queued => Self::Queued,
            Progress::Running { stage, permille } => {
                Self::Running { stage: stage_text(locale, *stage).to_owned(), permille: *permille }
            }
            Progress::Succeeded => Self::Succeeded,
            Progress::Failed { failure } => {
                let text = failure_text(locale, failure);
                Self::Failed { what: text.what, remedy: text.remedy }
            }
            Progress::Cancelled => {
                Self::Cancelled { what: cancelled_text(locale, kind).to_owned() }
            }
        }
    }
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownOperation {
    /// Its id.
    pub id: OperationId,
    /// What it does, and to what.
    pub title: String,
    /// The VServer it is about, if it is about one.
    pub vserver: Option<VServerName>,
    /// Who asked.
    pub actor: String,
    /// The command that would do the same.
    pub command: String,
    /// How far it is.
    pub progress: ShownProgress,
    /// Whether it can be cancelled now.
    pub cancellable: bool,
    /// When it was asked for.
    pub created_at: UnixMillis,
    /// When it began.
    pub started_at: Option<UnixMillis>,
    /// When it ended.
    pub finished_at: Option<UnixMillis>,
    /// The batch that it is a part of.
    pub batch: Option<OperationId>,
}

impl ShownOperation {
    /// As it is to be shown.
    #[must_use]
    pub fn of(locale: Locale, operation: &Operation) -> Self {
        Self {
            id: operation.id.clone(),
            title: operation_title(locale, operation),
            vserver: operation.target.vserver().cloned(),
            actor: actor_text(locale, &operation.actor),
            command: operation.command.clone(),
            progress: ShownProgress::of(locale, operation.kind, &operation.progress),
            cancellable: operation.cancellable,
            created_at: operation.created_at,
            started_at: operation.started_at,
            finished_at: operation.finished_at,
            batch: operation.batch.clone(),
        }
    }

    /// How long it took, or has taken until `now`.
    #[must_use]
    pub fn elapsed_ms(&self, now: UnixMillis) -> Option<u64> {
        let start = self.started_at?;
        Some(self.finished_at.unwrap_or(now).millis_since(start))
    }
}

/// One VServer of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownOneOfMany {
    /// Which.
    pub name: VServerName,
    /// The operation that does it, once there is one.
    pub operation: Option<OperationId>,
    /// The word of the style sheet for how it stands.
    pub state: String,
    /// The word for people.
    pub word: String,
    /// What more there is to say.
    pub note: String,
}

impl ShownOneOfMany {
    /// As it is to be shown.
    #[must_use]
    pub fn of(t: Locale, row: &BatchRow) -> Self {
        let nothing = String::new();
        let (state, word, note) = match &row.state {
            RowState::Waiting | RowState::Running { progress: Progress::Queued } => {
                ("moving", t.queued(), nothing)
            }
            RowState::Running { progress } => match ShownProgress::of(t, Kind::Batch, progress) {
                ShownProgress::Running { stage, permille } => {
                    let percent = crate::i18n::format::percent(t, u64::from(permille));
                    ("moving", t.under_way(), format!("{stage}, {percent}"))
                }
                _ => ("moving", t.under_way(), nothing),
            },
            RowState::Ended { outcome } => match outcome {
                Outcome::Done => ("succeeded", t.succeeded(), nothing),
                Outcome::Unneeded { found } => {
                    ("succeeded", t.so_already(), failure_text(t, found).what)
                }
                Outcome::Failed { failure } => {
                    let text = failure_text(t, failure);
                    ("failed", t.failed(), format!("{} {}", text.what, text.remedy))
                }
                Outcome::Cancelled => ("stopped", t.cancelled(), nothing),
                Outcome::NotBegun => ("stopped", t.not_begun(), nothing),
            },
        };
        Self {
            name: row.name.clone(),
            operation: row.operation.clone(),
            state: state.to_owned(),
            word: word.to_owned(),
            note,
        }
    }
}

/// A piece of an operation's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownLog {
    /// Up to which byte of the log, as it is kept, it goes. The words are more or fewer bytes.
    pub end: u64,
    /// The words.
    pub text: String,
    /// Whether more will come.
    pub open: bool,
}

impl ShownLog {
    /// What of a piece lies beyond byte `known`, as it is to be shown.
    #[must_use]
    pub fn beyond(locale: Locale, chunk: &LogChunk, known: u64) -> Self {
        let skip = usize::try_from(known.saturating_sub(chunk.offset)).unwrap_or(usize::MAX);
        let fresh = chunk.text.get(skip.min(chunk.text.len())..).unwrap_or_default();
        let end = chunk.offset.saturating_add(chunk.text.len() as u64).max(known);
        Self { end, text: log_text(locale, fresh), open: chunk.open }
    }
}

/// A VServer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownVServer {
    /// Its name.
    pub name: VServerName,
    /// Its context number; none until it has one.
    pub context: Option<ContextId>,
    /// Whether it runs.
    pub state: State,
    /// Its addresses, each with its device before a colon.
    pub interfaces: Vec<String>,
    /// Its autostart labels, one after another.
    pub marks: String,
    /// Its host name; empty when it has none.
    pub host_name: String,
    /// What it uses; none while stopped.
    pub usage: Option<Usage>,
    /// The operation that holds it now.
    pub operation: Option<OperationId>,
    /// What the kernel killed of it for want of memory.
    pub oom_kills: Option<OomKills>,
    /// What is wrong with its config tree.
    pub problem: Option<String>,
}

impl ShownVServer {
    /// As it is to be shown.
    #[must_use]
    pub fn of(locale: Locale, summary: &Summary) -> Self {
        let marks = summary.marks.iter().map(ToString::to_string).collect::<Vec<_>>();
        Self {
            name: summary.name.clone(),
            context: summary.context,
            state: summary.state,
            interfaces: summary.interfaces.iter().map(ToString::to_string).collect(),
            marks: marks.join(" "),
            host_name: summary.host_name.as_ref().map(ToString::to_string).unwrap_or_default(),
            usage: summary.usage,
            operation: summary.operation.clone(),
            oom_kills: summary.oom_kills,
            problem: summary.problem.as_ref().map(|problem| config_problem(locale, problem)),
        }
    }

    /// Its addresses without their devices, one after another.
    #[must_use]
    pub fn addresses(&self) -> String {
        // No device and no label has a colon.
        let addresses = self.interfaces.iter().map(|interface| {
            interface.split_once(':').map_or(interface.as_str(), |(_, address)| address)
        });
        addresses.collect::<Vec<_>>().join(" ")
    }
}

/// Which numbers stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TileGroup {
    /// Those of the host.
    Host,
    /// How many VServers are in which state.
    States,
}

/// A number in words, with what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tile {
    /// What it is.
    pub label: String,
    /// The number with its unit.
    pub value: String,
    /// What else there is to say of it; may be empty.
    pub note: String,
    /// Where there is more of it.
    pub href: String,
    /// How full that is, in per mille.
    pub permille: Option<u16>,
    /// Whether somebody ought to do something.
    pub is_bad: bool,
}

#[cfg(test)]
mod tests {
    use domain::note::Note;

    use super::*;

    #[test]
    fn only_what_was_undone_is_said_to_be() {
        let said = |kind| match ShownProgress::of(Locale::English, kind, &Progress::Cancelled) {
            ShownProgress::Cancelled { what } => what,
            other => panic!("{other:?}"),
        };
        assert!(said(Kind::Build).contains("was undone"));
        for kind in [Kind::Batch, Kind::Packages] {
            let said = said(kind);
            assert!(said.contains("stay") && !said.contains("undone"), "{said}");
        }
    }

    #[test]
    fn what_was_sent_is_not_sent_again_and_notes_are_words() {
        let text = format!("one\n{}\n", Note::WaitingForBase.line());
        let end = 10 + text.len() as u64;
        let chunk = LogChunk { offset: 10, text, open: true };
        let all = ShownLog::beyond(Locale::English, &chunk, 0);
        assert_eq!((all.end, all.open), (end, true));
        assert!(all.text.starts_with("one\nAnother build") && all.text.ends_with("for it.\n"));
        let rest = ShownLog::beyond(Locale::French, &chunk, 14);
        assert_eq!(rest.end, end);
        assert!(rest.text.starts_with("Une autre construction"), "{}", rest.text);
        assert_eq!(ShownLog::beyond(Locale::English, &chunk, end).text, "");
        assert_eq!(ShownLog::beyond(Locale::English, &chunk, end + 5).end, end + 5);
    }
}
