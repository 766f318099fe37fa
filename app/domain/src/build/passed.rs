//! What may be passed on to debootstrap: an allow-list of its options, and how they are said; and what an
//! administrator has described of a suite (fact sheet 1.10 and 2.2).
//!
//! Three speak this language: the command line, `.defaults/apps/debootstrap/options`, and the file
//! `debootstrap.options` of a suite. Paths, and options that drop a check, go into the part of a form that
//! never travels ([`AtHost`](super::AtHost)). Not passed on is what stops half way (`--foreign`,
//! `--download-only`), what would run another program or write elsewhere (`--second-stage-target`,
//! `--cache-dir`), and a private key, which the program could not read.

use serde::{Deserialize, Serialize};

use super::BuildForm;
use super::form::is_on;
use super::source::HostPath;
use crate::field::Problem;
use crate::id::Suite;

/// What debootstrap is told besides what a form asks for by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DebootstrapOptions {
    /// Suites of the same archive whose packages are used as well.
    pub extra_suites: Vec<Suite>,
    /// Whether `/bin`, `/sbin` and `/lib` are links to `/usr`; none is debootstrap's own choice.
    pub merged_usr: Option<bool>,
    /// Whether what packages need is left for somebody to name.
    pub without_dependencies: bool,
    /// The keyring that the archive is checked by.
    pub keyring: Option<HostPath>,
    /// Whether signatures are not checked at all.
    pub unchecked_signatures: bool,
    /// The client certificate shown to a mirror.
    pub certificate: Option<HostPath>,
    /// Whether the mirror's certificate is not checked.
    pub unchecked_certificate: bool,
}

impl DebootstrapOptions {
    /// Whether debootstrap is told nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As debootstrap is told.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if !self.extra_suites.is_empty() {
            let suites: Vec<&str> = self.extra_suites.iter().map(Suite::as_str).collect();
            words.push(format!("--extra-suites={}", suites.join(",")));
        }
        let merged = |is_on| if is_on { "--merged-usr" } else { "--no-merged-usr" };
        words.extend(self.merged_usr.map(|is_on| merged(is_on).to_owned()));
        words.extend(self.keyring.iter().map(|path| format!("--keyring={path}")));
        words.extend(self.certificate.iter().map(|path| format!("--certificate={path}")));
        for (is_on, word) in [
            (self.without_dependencies, "--no-resolve-deps"),
            (self.unchecked_signatures, "--no-check-gpg"),
            (self.unchecked_certificate, "--no-check-certificate"),
        ] {
            words.extend(is_on.then(|| word.to_owned()));
        }
        words
    }
}

/// A word that is not passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotPassed {
    /// It is none of the options that are.
    Unknown(String),
    /// An option without its value.
    WithoutValue(String),
    /// A value for an option that takes none.
    WithValue(String),
}

/// How an option is said.
enum Takes {
    /// With a value; the last one counts.
    Value,
    /// With values, each time more.
    Values,
    /// Alone, and what it stands for.
    Nothing(&'static str),
}

/// In a form: a switch that was turned on, and one that was turned off.
const YES: &str = "yes";
const NO: &str = "no";

type Slot = fn(&mut BuildForm) -> &mut String;

/// Every option that is passed on.
const OPTIONS: [(&str, Takes, Slot); 14] = [
    ("--arch", Takes::Value, |form| &mut form.architecture),
    ("--variant", Takes::Value, |form| &mut form.variant),
    ("--components", Takes::Values, |form| &mut form.components),
    ("--include", Takes::Values, |form| &mut form.packages),
    ("--exclude", Takes::Values, |form| &mut form.excluded),
    ("--extra-suites", Takes::Values, |form| &mut form.extra_suites),
    ("--merged-usr", Takes::Nothing(YES), |form| &mut form.merged_usr),
    ("--no-merged-usr", Takes::Nothing(NO), |form| &mut form.merged_usr),
    ("--resolve-deps", Takes::Nothing(YES), |form| &mut form.dependencies),
    ("--no-resolve-deps", Takes::Nothing(NO), |form| &mut form.dependencies),
    ("--keyring", Takes::Value, |form| &mut form.at_host.keyring),
    ("--no-check-gpg", Takes::Nothing(NO), |form| &mut form.at_host.signatures),
    ("--certificate", Takes::Value, |form| &mut form.at_host.certificate),
    ("--no-check-certificate", Takes::Nothing(NO), |form| &mut form.at_host.certificates),
];

/// What is passed on, for people.
#[must_use]
pub fn passed_options() -> String {
    OPTIONS.map(|(option, ..)| option).join(", ")
}

impl BuildForm {
    /// Takes what is to be passed on to debootstrap, as its own command line says it.
    ///
    /// # Errors
    /// The first word that is not passed on.
    pub fn pass_on(&mut self, words: &[String]) -> Result<(), NotPassed> {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (name, attached) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word.as_str(), None),
            };
            if word == "--" {
                return words.next().map_or(Ok(()), |word| Err(NotPassed::Unknown(word.clone())));
            }
            // What is done anyway.
            if word == "--force-check-gpg" {
                self.at_host.signatures.clear();
                continue;
            }
            let found = OPTIONS.iter().find(|(option, ..)| *option == name);
            let Some((option, takes, slot)) = found else {
                return Err(NotPassed::Unknown(word.clone()));
            };
            let slot = slot(self);
            if let Takes::Nothing(said) = takes {
                if attached.is_some() {
                    return Err(NotPassed::WithValue((*option).to_owned()));
                }
                (*said).clone_into(slot);
                continue;
            }
            let value = attached.or_else(|| words.next().map(String::as_str)).unwrap_or_default();
            if value.trim().is_empty() {
                return Err(NotPassed::WithoutValue((*option).to_owned()));
            }
            match takes {
                Takes::Values if !slot.is_empty() => {
                    slot.push(',');
                    slot.push_str(value);
                }
                _ => value.clone_into(slot),
            }
        }
        Ok(())
    }

    /// The same form with what is described of its suite where it says nothing; lists grow.
    pub(super) fn described(&self, of: &SuiteDescription) -> Result<Self, Problem> {
        let mut form =
            Self { mirror: of.mirror.clone(), script: of.script.clone(), ..Self::default() };
        form.pass_on(&of.options).map_err(|error| {
            let (NotPassed::Unknown(word)
            | NotPassed::WithoutValue(word)
            | NotPassed::WithValue(word)) = error;
            Problem::NotPassedOn { path: format!("{}/debootstrap.options", of.path), word }
        })?;
        let mut merged = self.clone();
        for (_, takes, slot) in &OPTIONS {
            let given = std::mem::take(slot(&mut form));
            let own = slot(&mut merged);
            match takes {
                Takes::Values if !given.is_empty() => *own = format!("{given},{own}"),
                _ if own.trim().is_empty() => *own = given,
                _ => {}
            }
        }
        for (own, given) in [(&mut merged.mirror, form.mirror), (&mut merged.script, form.script)] {
            if own.trim().is_empty() {
                *own = given;
            }
        }
        Ok(merged)
    }

    /// What is passed on besides what the form asks for by itself.
    pub(super) fn debootstrap_options(&self) -> Result<DebootstrapOptions, Problem> {
        let path = |text: &str| match text.trim() {
            "" => Ok(None),
            text => text.parse::<HostPath>().map(Some),
        };
        let said = |text: &str| match text.trim() {
            YES => Ok(Some(true)),
            NO => Ok(Some(false)),
            text if is_on(text) => {
                Err(Problem::NotAChoice { choices: [YES, NO].map(str::to_owned).to_vec() })
            }
            _ => Ok(None),
        };
        let mut extra_suites: Vec<Suite> = super::judge::parse_words(&self.extra_suites)?;
        distinct(&mut extra_suites);
        Ok(DebootstrapOptions {
            extra_suites,
            merged_usr: said(&self.merged_usr)?,
            without_dependencies: said(&self.dependencies)? == Some(false),
            keyring: path(&self.at_host.keyring)?,
            unchecked_signatures: said(&self.at_host.signatures)? == Some(false),
            certificate: path(&self.at_host.certificate)?,
            unchecked_certificate: said(&self.at_host.certificates)? == Some(false),
        })
    }
}

/// Leaves the first of what is there twice.
pub(super) fn distinct<T: PartialEq>(items: &mut Vec<T>) {
    let mut kept: Vec<T> = Vec::with_capacity(items.len());
    for item in items.drain(..) {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    *items = kept;
}

/// What the administrator has described of a suite, for every build of it: `.distributions/SUITE`. As it
/// stands there: it is judged as if it had been typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteDescription {
    /// Of which.
    pub suite: Suite,
    /// Its directory, for people.
    pub path: String,
    /// `debootstrap.mirror`.
    pub mirror: String,
    /// `debootstrap.script`: the suite whose script makes this one.
    pub script: String,
    /// The words of `debootstrap.options`.
    pub options: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn options_are_said_as_debootstrap_has_them() {
        let mut form = BuildForm::default();
        form.pass_on(&words(
            "--include=vim --include less,file --arch i386 --no-merged-usr --keyring=/k.gpg \
             --no-check-gpg --extra-suites=bookworm-updates --no-resolve-deps",
        ))
        .unwrap();
        assert_eq!(form.packages, "vim,less,file");
        assert_eq!(form.architecture, "i386");
        let options = form.debootstrap_options().unwrap();
        assert_eq!(
            options.words().join(" "),
            "--extra-suites=bookworm-updates --no-merged-usr --keyring=/k.gpg --no-resolve-deps \
             --no-check-gpg"
        );
        form.pass_on(&words("--force-check-gpg --merged-usr")).unwrap();
        let options = form.debootstrap_options().unwrap();
        assert!(!options.unchecked_signatures && options.merged_usr == Some(true));
    }

    #[test]
    fn what_is_not_passed_on_is_named() {
        let refused = |line: &str| BuildForm::default().pass_on(&words(line)).unwrap_err();
        for word in ["--foreign", "--cache-dir=/x", "--private-key=/x", "vim", "--inc=vim"] {
            assert_eq!(refused(word), NotPassed::Unknown(word.to_owned()));
        }
        assert_eq!(refused("--arch"), NotPassed::WithoutValue("--arch".to_owned()));
        assert_eq!(refused("--arch="), NotPassed::WithoutValue("--arch".to_owned()));
        assert_eq!(refused("--no-check-gpg=1"), NotPassed::WithValue("--no-check-gpg".to_owned()));
    }

    #[test]
    fn no_form_that_travels_drops_a_check_or_names_a_path() {
        let mut form = BuildForm::default();
        form.pass_on(&words("--keyring=/k --no-check-gpg --certificate=/c --no-check-certificate"))
            .unwrap();
        assert!(!form.debootstrap_options().unwrap().is_empty());
        let text = serde_json::to_string(&form).unwrap();
        let travelled: BuildForm = serde_json::from_str(&text).unwrap();
        assert!(travelled.debootstrap_options().unwrap().is_empty());
    }
}
