//! One thing done to many VServers: what a page of a choice and the form that asks for it have in common,
//! and the server function.

use std::num::NonZeroU16;

use domain::authz::{
    ActionKind, BackUpVServer, ConfigureVServer, DeleteVServer, ProtectVServer, RunVServer,
    ViewVServers,
};
use domain::backup::{BackupOrder, BackupScope};
use domain::batch::{AtOnce, Batch, Pace};
use domain::change::{Permitted, PlainChange};
use domain::failure::Failure;
use domain::field::{Field, FieldErrors, Problem};
use domain::id::{Mark, TargetName, VServerName};
use domain::operation::Kind;
use domain::retention::judge_target;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Answer, Call};
use crate::error::Refusal;

/// What can be done to many, as the list's buttons offer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Each {
    Start,
    Stop,
    Restart,
    Backup,
    Protect,
    Unprotect,
    Mark,
    Unmark,
    Delete,
}

/// What is to be said of a change besides what it is: where a backup goes and whether its VServer stands
/// still meanwhile, which mark is meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct With {
    pub(crate) target: Option<TargetName>,
    pub(crate) pause: bool,
    pub(crate) mark: Option<Mark>,
}

impl Each {
    pub(crate) const ALL: [Self; 9] = [
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::Backup,
        Self::Protect,
        Self::Unprotect,
        Self::Mark,
        Self::Unmark,
        Self::Delete,
    ];

    /// What an operation that does it is of.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Start => Kind::Start,
            Self::Stop => Kind::Stop,
            Self::Restart => Kind::Restart,
            Self::Backup => Kind::Backup,
            Self::Protect => Kind::Protect,
            Self::Unprotect => Kind::Unprotect,
            Self::Mark => Kind::Mark,
            Self::Unmark => Kind::Unmark,
            Self::Delete => Kind::Delete,
        }
    }

    /// What is said to whoever asks for something else.
    pub(crate) fn unknown() -> Failure {
        let choices = Self::ALL.map(|each| each.kind().as_str().to_owned()).into();
        Failure::of_field(Field::Action, Problem::NotAChoice { choices })
    }

    /// The one that is called this in an address.
    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.kind().as_str() == word)
    }

    /// The action that allows it.
    pub(crate) fn action(self) -> ActionKind {
        match self {
            Self::Start | Self::Stop | Self::Restart => ActionKind::RunVServer,
            Self::Backup => ActionKind::BackUpVServer,
            Self::Protect | Self::Unprotect => ActionKind::ProtectVServer,
            Self::Mark | Self::Unmark => ActionKind::ConfigureVServer,
            Self::Delete => ActionKind::DeleteVServer,
        }
    }

    /// Whether it is said which mark.
    pub(crate) fn is_of_a_mark(self) -> bool {
        matches!(self, Self::Mark | Self::Unmark)
    }

    /// What is done to one; nothing for a backup that goes nowhere, or without a mark where it needs one.
    pub(crate) fn change(self, name: VServerName, with: &With) -> Option<PlainChange> {
        Some(match self {
            Self::Start => PlainChange::Start(name),
            Self::Stop => PlainChange::Stop(name),
            Self::Restart => PlainChange::Restart(name),
            Self::Protect => PlainChange::Protect { name, on: true },
            Self::Unprotect => PlainChange::Protect { name, on: false },
            Self::Delete => PlainChange::Delete { name, at_once: false },
            Self::Mark => PlainChange::Mark { name, mark: with.mark.clone()?, on: true },
            Self::Unmark => PlainChange::Mark { name, mark: with.mark.clone()?, on: false },
            Self::Backup => {
                let (target, pause) = (with.target.clone()?, with.pause);
                PlainChange::Backup(BackupOrder { vserver: name, target, pause })
            }
        })
    }
}

/// The page of a choice: what each would come to; with the mark that it is about, if it is about one.
pub(crate) fn page_of(action: &str, names: &[String], mark: &str) -> String {
    let mut address = format!("/batch?action={}", encoded(action));
    for name in names {
        address.push_str("&name=");
        address.push_str(&encoded(name));
    }
    if !mark.is_empty() {
        address.push_str("&mark=");
        address.push_str(&encoded(mark));
    }
    address
}

fn encoded(value: &str) -> String {
    crate::events::encoded(value)
}

/// What is said of a batch besides what is done to whom, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchForm {
    /// How many at once.
    pub at_once: String,
    /// How many before the others.
    pub canary: String,
    /// After how many failures no more are begun.
    pub stop_after: String,
    /// Where backups go.
    pub target: String,
    /// Whether a VServer stands still while it is backed up.
    pub pause: bool,
    /// Which mark is given or taken away.
    pub mark: String,
    /// How many are deleted, said by whoever deletes them.
    pub confirmation: String,
}

/// How a batch goes about it, as it was typed.
fn pace(form: &BatchForm) -> Result<Pace, FieldErrors> {
    let mut errors = FieldErrors::default();
    let count = |text: &str| match text.trim() {
        "" => Ok(None),
        text => match text.parse::<NonZeroU16>() {
            Ok(count) => Ok(Some(count)),
            Err(_) => Err(Problem::OutOfRange { min: 1, max: u16::MAX.into() }),
        },
    };
    let mut noted = |field, result: Result<Option<NonZeroU16>, Problem>| {
        result.unwrap_or_else(|problem| {
            errors.push(field, problem);
            None
        })
    };
    let (canary, stop_after_failures) = (
        noted(Field::Canary, count(&form.canary)),
        noted(Field::StopAfter, count(&form.stop_after)),
    );
    let at_once = match form.at_once.trim() {
        "" => Ok(AtOnce::default()),
        text => text.parse(),
    };
    let at_once = at_once.unwrap_or_else(|problem| {
        errors.push(Field::AtOnce, problem);
        AtOnce::default()
    });
    if errors.is_empty() { Ok(Pace { at_once, canary, stop_after_failures }) } else { Err(errors) }
}

/// Queues one thing for many VServers, in the order in which they are named.
#[server(prefix = "/api", endpoint = "vservers/batch")]
pub async fn batch_vservers(
    #[server(default)] csrf: String,
    #[server(default)] action: String,
    #[server(default)] names: Vec<String>,
    #[server(default)] form: BatchForm,
) -> Result<(), Refusal> {
    let call = Call::begin("vservers/batch")
        .typed("at_once", &form.at_once)
        .typed("canary", &form.canary)
        .typed("stop_after", &form.stop_after)
        .typed("target", &form.target)
        .typed("pause", if form.pause { "true" } else { "" });
    let back = page_of(&action, &names, &form.mark);
    let result = async {
        let Some(each) = Each::of(&action) else {
            let _ = call.permit::<RunVServer>(&csrf).await?;
            return Err(Each::unknown());
        };
        // Before anything is said about what was typed.
        permitted(&call, &csrf, each, None).await?;
        let pace = pace(&form).map_err(|errors| Failure::Invalid { errors })?;
        let target = match each {
            Each::Backup => {
                let permit = call.permit::<ViewVServers>(&csrf).await?;
                let overview = call.backend.backups(permit, BackupScope::Alerts).await?;
                let target = judge_target(&form.target, &overview.targets);
                Some(target.map_err(|problem| Failure::of_field(Field::BackupTarget, problem))?)
            }
            _ => None,
        };
        let mark = each.is_of_a_mark().then(|| form.mark.trim().parse::<Mark>());
        let mark = mark.transpose().map_err(|problem| Failure::of_field(Field::Mark, problem))?;
        let with = With { target, pause: form.pause, mark };
        let mut changes = Vec::new();
        for name in &names {
            let name: VServerName =
                name.parse().map_err(|problem| Failure::of_field(Field::VServers, problem))?;
            changes.extend(each.change(name, &with));
        }
        let count = changes.len() as u64;
        let batch = Batch::new(changes, pace)?;
        if each == Each::Delete && form.confirmation.trim() != count.to_string() {
            let problem = match form.confirmation.trim() {
                "" => Problem::Missing,
                _ => Problem::OutOfRange { min: count, max: count },
            };
            return Err(Failure::of_field(Field::Confirmation, problem));
        }
        match permitted(&call, &csrf, each, Some(batch)).await? {
            Some(permitted) => {
                let operation = call.backend.queue(permitted).await?;
                Ok(Answer::to(format!("/operations/{}", operation.id)))
            }
            None => Err(Failure::of_field(Field::VServers, Problem::NothingChosen)),
        }
    }
    .await;
    call.answer(&back, result).await
}

/// Asks for the permit of what is to be done, and for the batch by it.
async fn permitted(
    call: &Call,
    csrf: &str,
    each: Each,
    batch: Option<Batch>,
) -> Result<Option<Permitted>, Failure> {
    match each.action() {
        ActionKind::BackUpVServer => {
            let permit = call.permit::<BackUpVServer>(csrf).await?;
            batch.map(|batch| permit.batch(batch)).transpose()
        }
        ActionKind::ProtectVServer => {
            let permit = call.permit::<ProtectVServer>(csrf).await?;
            batch.map(|batch| permit.batch(batch)).transpose()
        }
        ActionKind::ConfigureVServer => {
            let permit = call.permit::<ConfigureVServer>(csrf).await?;
            batch.map(|batch| permit.batch(batch)).transpose()
        }
        ActionKind::DeleteVServer => {
            let permit = call.permit::<DeleteVServer>(csrf).await?;
            batch.map(|batch| permit.batch(batch)).transpose()
        }
        _ => {
            let permit = call.permit::<RunVServer>(csrf).await?;
            batch.map(|batch| permit.batch(batch)).transpose()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(at_once: &str, canary: &str, stop_after: &str) -> Result<Pace, FieldErrors> {
        let [at_once, canary, stop_after] = [at_once, canary, stop_after].map(str::to_owned);
        pace(&BatchForm { at_once, canary, stop_after, ..BatchForm::default() })
    }

    #[test]
    fn how_it_goes_about_it_is_judged_field_by_field() {
        let pace = typed("8", "", "2").unwrap();
        assert_eq!((pace.at_once.get(), pace.canary), (8, None));
        assert_eq!(pace.stop_after_failures.unwrap().get(), 2);
        assert_eq!(typed("", "", "").unwrap(), Pace::default());
        let errors = typed("17", "0", "many").unwrap_err();
        for field in [Field::AtOnce, Field::Canary, Field::StopAfter] {
            assert_eq!(errors.of(field).count(), 1, "{field:?}");
        }
    }

    #[test]
    fn every_action_is_called_what_its_operations_are() {
        for each in Each::ALL {
            assert_eq!(Each::of(each.kind().as_str()), Some(each));
            let (target, mark) = ("local".parse().ok(), "default".parse().ok());
            let with = With { target, pause: false, mark };
            let change = each.change("web".parse().unwrap(), &with).unwrap();
            assert_eq!(change.kind(), each.kind());
            assert_eq!(change.permitted_by(), Some(each.action()));
        }
    }
}
