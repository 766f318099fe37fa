//! The key of a machine that is to be copied: shown, and confirmed by whoever sits at a terminal, before
//! anything is sent there. Without a terminal it is confirmed by `--hostkey`.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Arc;

use domain::build::BuildForm;
use domain::failure::Failure;
use domain::field::Problem;
use engine::Engine;

use super::caller::Caller;
use super::delete::is_yes;

/// Asks about a key that nobody has confirmed yet. What else is wrong with the form is told when it is
/// handed in.
pub(super) fn confirm(caller: Caller, engine: &Arc<Engine>, form: &mut BuildForm) {
    if !io::stdin().is_terminal() || !form.host_key.is_empty() {
        return;
    }
    let Err(Failure::Invalid { errors }) = engine.judge_remote(form) else { return };
    let unknown = errors.0.iter().find_map(|error| match &error.problem {
        Problem::HostKeyUnknown { host, fingerprint } => Some((host, fingerprint)),
        _ => None,
    });
    let Some((host, fingerprint)) = unknown else { return };
    let question = caller.locale.host_key_question(host, fingerprint);
    let mut stderr = io::stderr();
    // Who cannot see the question does not answer it with yes.
    if stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush()).is_err() {
        return;
    }
    let mut answer = String::new();
    if io::stdin().lock().read_line(&mut answer).is_ok() && is_yes(caller.locale, &answer) {
        form.host_key.clone_from(fingerprint);
    }
}
