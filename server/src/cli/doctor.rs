//! `ulysse doctor`: prints what the engine finds about the host and about interrupted operations.

use std::process::ExitCode;

use app::i18n::{failure_text, host_feature_text, problem_text};
use domain::field::Problem;
use engine::Engine;
use engine::doctor::{self, Finding};
use engine::engine::Instance;

use super::caller::Caller;
use super::{begin_log, exit};

/// Examines, or repairs; fails when something is to be done.
pub(crate) fn doctor(instance: Instance, repairs: bool) -> ExitCode {
    let caller = Caller::here("ulysse doctor");
    begin_log(false);
    let engine = Engine::new(instance);
    if repairs {
        let left = doctor::repair(&engine);
        if !left.is_empty() {
            caller.complain(caller.locale.doctor_not_repaired());
        }
        print(caller, &left);
        return conclude(caller, &left);
    }
    let findings = doctor::examine(&engine);
    print(caller, &findings);
    if findings.iter().any(is_leftover) {
        caller.answer(caller.locale.doctor_repair_hint());
    }
    conclude(caller, &findings)
}

fn is_leftover(finding: &Finding) -> bool {
    !matches!(
        finding,
        Finding::Has(_) | Finding::Lacks(_) | Finding::LacksOptional(_) | Finding::Vshelper(_)
    )
}

fn print(caller: Caller, findings: &[Finding]) {
    for finding in findings {
        caller.answer(text(caller, finding));
    }
}

/// What was found, and what to do about it.
pub(super) fn text(caller: Caller, finding: &Finding) -> String {
    let locale = caller.locale;
    match finding {
        Finding::Has(feature) => locale.doctor_has(host_feature_text(locale, *feature)),
        Finding::Lacks(failure) | Finding::Vshelper(failure) => {
            let text = failure_text(locale, failure);
            format!("{}\n  {}", text.what, text.remedy)
        }
        Finding::LacksOptional(feature) => {
            let problem = Problem::HostLacks { feature: *feature };
            locale.doctor_optional(&problem_text(locale, &problem))
        }
        Finding::Operation { id, target } => locale.doctor_unfinished(id.as_str(), target.name()),
        Finding::Remains(name) => locale.doctor_remains(name.as_str()),
        Finding::Stray(path) => locale.doctor_stray(&path.display().to_string()),
    }
}

fn conclude(caller: Caller, findings: &[Finding]) -> ExitCode {
    if !findings.iter().any(is_leftover) {
        caller.answer(caller.locale.doctor_nothing());
    }
    if findings.iter().any(Finding::is_bad) {
        ExitCode::from(exit::FAILURE)
    } else {
        ExitCode::SUCCESS
    }
}
