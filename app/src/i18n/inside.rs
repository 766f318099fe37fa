//! What is said of the inside of guests: their life, console, journal and services. Only the server says it,
//! no island does.

use domain::guest_log::{Priority, Since};
use domain::life::{GuestEvent, Life, VshelperAction};
use domain::service::{ServiceAction, ServiceState};

use super::messages::messages;
use super::{Locale, en, failure_text, format, fr};

messages! { InsideMessages:
    overview;
    numbers;
    events;
    pages_of(name);
    console_of(name);
    services_of(name);
    happened_title;
    happened_of(name);
    happened_explained;
    nothing_happened;
    console;
    journal;
    own_log;
    services;
    which_log;
    which_boot;
    boot_of(at, size);
    text_in_lines;
    show_these;
    unit;
    at_least;
    since;
    no_lines;
    no_console_yet;
    no_own_log;
    is_cut(count);
    lines_of(origin);
    last_lines;
    console_explained;
    services_explained;
    services_incomplete;
    no_services;
    no_service_matches;
    any_state;
    service;
    state_head;
    at_start;
    started_at_boot;
    not_started_at_boot;
    what_to_do;
    its_log(name);
    do_to(action, name);
    equivalent_of(line);
    happened_at;
    happened_what;
    does_events;
    does_console;
    console_arguments;
    console_options_explained;
    download_console;
    console_is_live;
    next_boot(at);
    no_such_boot;
}

/// Something that happened to a guest, in a sentence.
#[must_use]
pub fn life_text(locale: Locale, what: &Life) -> String {
    match what {
        Life::Started { context } => locale.pick(
            format!("It was started, with context {context}."),
            format!("Il a été démarré, avec le contexte {context}."),
        ),
        Life::Rebooted => locale
            .pick("It was rebooted from inside.", "Il a été redémarré de l’intérieur.")
            .to_owned(),
        Life::Halted => locale
            .pick("It was halted from inside.", "Il a été arrêté de l’intérieur.")
            .to_owned(),
        Life::Ended => locale.pick("It has ended.", "Il s’est terminé.").to_owned(),
        Life::Exited { status } => locale.pick(
            format!("Its first process ended, with status {status}."),
            format!("Son premier processus s’est terminé, avec le code {status}."),
        ),
        Life::Killed { signal } => locale.pick(
            format!("Its first process was ended by signal {signal}."),
            format!("Son premier processus a été terminé par le signal {signal}."),
        ),
        Life::OutOfMemory { count, killed } => {
            let count = format::integer(locale, *count);
            let named: Vec<String> =
                killed.iter().map(|one| format!("{} (pid {})", one.name, one.pid)).collect();
            let separator = if named.is_empty() { "" } else { locale.pick(": ", " : ") };
            let named = named.join(", ");
            locale.pick(
                format!("Memory was used up: the kernel ended {count} of its processes{separator}{named}."),
                format!("Mémoire épuisée : le noyau a terminé {count} de ses processus{separator}{named}."),
            )
        }
        Life::ConsoleFull => locale
            .pick(
                "It printed more on its console than is kept; the beginning of this boot is gone.",
                "Il a affiché sur sa console plus que ce qui est gardé ; le début de ce démarrage est perdu.",
            )
            .to_owned(),
        Life::StopAsked => locale
            .pick("It was told to stop.", "On lui a demandé de s’arrêter.")
            .to_owned(),
        Life::KillSequence { signal } => locale.pick(
            format!("It did not stop in time: signal {signal} went to all its processes."),
            format!("Il ne s’est pas arrêté à temps : le signal {signal} est allé à tous ses processus."),
        ),
        Life::Vshelper { event, action } => vshelper_text(locale, *event, action),
        Life::VshelperDone => locale
            .pick("The program has seen to it.", "Le programme s’en est occupé.")
            .to_owned(),
        Life::VshelperFailed { failure } => {
            let why = failure_text(locale, failure).what;
            locale.pick(
                format!("What should have followed failed: {why}"),
                format!("Ce qui devait suivre a échoué : {why}"),
            )
        }
    }
}

fn vshelper_text(locale: Locale, event: GuestEvent, action: &VshelperAction) -> String {
    let event = event.vshelper_events().first().copied().unwrap_or_default();
    match action {
        VshelperAction::Restart => locale.pick(
            format!("What follows ({event}): it is started again."),
            format!("Ce qui suit ({event}) : il est démarré à nouveau."),
        ),
        VshelperAction::Stop => locale.pick(
            format!("What follows ({event}): it stays stopped."),
            format!("Ce qui suit ({event}) : il reste arrêté."),
        ),
        VshelperAction::Disabled => locale.pick(
            format!("Nothing follows ({event}), as apps/vshelper/disabled says: it stays stopped."),
            format!(
                "Rien ne suit ({event}), comme le dit apps/vshelper/disabled : il reste arrêté."
            ),
        ),
        VshelperAction::Program(program) => locale.pick(
            format!("What follows ({event}): the host runs {program}."),
            format!("Ce qui suit ({event}) : l’hôte exécute {program}."),
        ),
    }
}

/// How a service is, in a word.
#[must_use]
pub fn service_state_text(locale: Locale, state: ServiceState) -> &'static str {
    let (en, fr) = match state {
        ServiceState::Active => ("active", "actif"),
        ServiceState::Inactive => ("inactive", "inactif"),
        ServiceState::Failed => ("failed", "en échec"),
        ServiceState::Changing => ("changing", "en transition"),
        ServiceState::Unknown => ("unknown", "inconnu"),
    };
    locale.pick(en, fr)
}

/// What can be done to a service, on a button.
#[must_use]
pub fn service_action_text(locale: Locale, action: ServiceAction) -> &'static str {
    let (en, fr) = match action {
        ServiceAction::Start => ("Start", "Démarrer"),
        ServiceAction::Stop => ("Stop", "Arrêter"),
        ServiceAction::Restart => ("Restart", "Redémarrer"),
        ServiceAction::Reload => ("Reload", "Recharger"),
        ServiceAction::Enable => ("Enable", "Activer"),
        ServiceAction::Disable => ("Disable", "Désactiver"),
    };
    locale.pick(en, fr)
}

/// The least important messages that are shown.
#[must_use]
pub fn priority_text(locale: Locale, priority: Priority) -> &'static str {
    let (en, fr) = match priority {
        Priority::Error => ("errors", "les erreurs"),
        Priority::Warning => ("warnings", "les avertissements"),
        Priority::Notice => ("what is of note", "ce qui est notable"),
        Priority::Info => ("information", "les informations"),
        Priority::Debug => ("everything", "tout"),
    };
    locale.pick(en, fr)
}

/// How far back.
#[must_use]
pub fn since_text(locale: Locale, since: Since) -> &'static str {
    let (en, fr) = match since {
        Since::Boot => ("the last boot", "le dernier démarrage"),
        Since::Hour => ("an hour ago", "une heure"),
        Since::Day => ("a day ago", "un jour"),
        Since::Week => ("a week ago", "une semaine"),
    };
    locale.pick(en, fr)
}
