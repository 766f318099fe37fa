//! Packages of one or several VServers: refresh, upgrade, install, remove, hold, repair.

use std::num::NonZeroU16;

use domain::authz::ManagePackages;
use domain::batch::{Batch, Pace};
use domain::change::PlainChange;
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::VServerName;
use domain::package::{PackageChange, PackageOrderError};
use leptos::prelude::*;

use super::{Answer, Call, local_path};
use crate::error::Refusal;

/// The most VServers that are named at once.
const MOST_NAMES: usize = 1000;

/// Queues a change of packages: of one VServer as an operation, of several as a batch. With a canary that
/// one is done first, and the others only when it succeeded.
#[server(prefix = "/api", endpoint = "packages/change")]
pub async fn change_packages(
    #[server(default)] csrf: String,
    #[server(default)] names: Vec<String>,
    #[server(default)] change: String,
    #[server(default)] packages: String,
    #[server(default)] canary: String,
    #[server(default)] next: String,
) -> Result<(), Refusal> {
    let call = Call::begin("packages/change")
        .typed("packages", &packages)
        .typed("canary", &canary)
        .typed("names", &names.join(" "));
    let back = match local_path(&next) {
        "/" => "/packages",
        next => next,
    };
    let result = async {
        let permit = call.permit::<ManagePackages>(&csrf).await?;
        let change = PackageChange::of_word(&change, &packages).map_err(|error| match error {
            PackageOrderError::Unknown => Failure::of_field(Field::Method, Problem::Missing),
            PackageOrderError::Packages(problem) => Failure::of_field(Field::PackageNames, problem),
        })?;
        let names = chosen(&names, &canary)?;
        let permitted = match names.as_slice() {
            // What is only foreseen is shown for each of many, be they one.
            [one] if !matches!(change, PackageChange::ForeseeRemoval(_)) => {
                permit.packages(one.clone(), change)
            }
            _ => {
                let canary = NonZeroU16::new(u16::from(!canary.is_empty()));
                let changes = names.into_iter().map(|name| {
                    let change = change.clone();
                    PlainChange::Packages { name, change }
                });
                let pace = Pace { canary, ..Pace::default() };
                permit.batch(Batch::new(changes.collect(), pace)?)?
            }
        };
        let operation = call.backend.queue(permitted).await?;
        Ok(Answer::to(format!("/operations/{}", operation.id)))
    }
    .await;
    call.answer(back, result).await
}

/// The VServers that are named, each once, the canary first. That one need not be chosen besides.
fn chosen(names: &[String], canary: &str) -> Result<Vec<VServerName>, Failure> {
    let mut wanted: Vec<VServerName> = Vec::new();
    let canary = Some(canary).filter(|canary| !canary.is_empty());
    if names.is_empty() {
        return Err(Failure::of_field(Field::VServers, Problem::NothingChosen));
    }
    for text in canary.into_iter().chain(names.iter().map(String::as_str)).take(MOST_NAMES) {
        let name = text.parse().map_err(|problem| Failure::of_field(Field::VServers, problem))?;
        if !wanted.contains(&name) {
            wanted.push(name);
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canary_is_the_first() {
        let of = |names: &[&str], canary: &str| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            chosen(&names, canary).map(|names| names.iter().map(ToString::to_string).collect())
        };
        let list = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(of(&["a", "b", "a"], ""), list(&["a", "b"]));
        assert_eq!(of(&["a", "b"], "b"), list(&["b", "a"]));
        assert_eq!(of(&["a"], "c"), list(&["c", "a"]));
        assert!(of(&[], "a").is_err() && of(&["a b"], "").is_err());
        let failure: Result<Vec<String>, Failure> = of(&[], "");
        assert_eq!(failure, Err(Failure::of_field(Field::VServers, Problem::NothingChosen)));
    }
}
