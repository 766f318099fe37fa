//! French: what is said of one change to many VServers.

use domain::batch::{Halt, Outcome, Tally};
use domain::id::VServerName;
use domain::note::Note;

use super::failure::failure as failure_of_one;
use super::text::French;
use crate::i18n::batch::BatchMessages;
use crate::i18n::messages::texts;

/// How many came to what.
pub(in crate::i18n) fn tally(tally: Tally) -> String {
    let Tally { done, unneeded, failed, cancelled, not_begun } = tally;
    let parts = [
        (done, "fait", "faits"),
        (unneeded, "déjà ainsi", "déjà ainsi"),
        (failed, "en échec", "en échec"),
        (cancelled, "annulé", "annulés"),
        (not_begun, "non commencé", "non commencés"),
    ];
    let said = parts.into_iter().filter(|(count, ..)| *count > 0);
    let said = said.map(|(count, one, many)| match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    });
    said.collect::<Vec<_>>().join(", ")
}

/// Why a batch did not come to its end, and what to do about it.
pub(super) fn failure(of: Tally, failed: &[VServerName]) -> (String, String) {
    let names = failed.iter().map(VServerName::as_str).collect::<Vec<_>>().join(", ");
    let names = match failed.is_empty() {
        true => String::new(),
        false => format!(" En échec : {names}."),
    };
    (
        format!("Sur {} VServers : {}.{names}", of.all(), tally(of)),
        "Ce qui est fait le reste. Regardez la cause de chaque échec, puis redemandez le reste."
            .into(),
    )
}

/// What became of one.
pub(in crate::i18n) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => "fait".into(),
        Outcome::Unneeded { found } => format!("rien à faire : {}", failure_of_one(found).0),
        Outcome::Failed { failure } => {
            let (what, remedy) = failure_of_one(failure);
            format!("échec : {what} {remedy}")
        }
        Outcome::Cancelled => "annulé".into(),
        Outcome::NotBegun => "non commencé".into(),
    }
}

/// Why no more are begun.
fn halt(halt: Halt) -> &'static str {
    match halt {
        Halt::Cancelled => "le lot a été annulé",
        Halt::CanaryFailed => "l’un des premiers, à essayer avant les autres, a échoué",
        Halt::TooManyFailed => "le nombre d’échecs admis est atteint",
        Halt::Interrupted => "le processus qui s’en chargeait s’est arrêté",
    }
}

/// A line of a batch's log; of other notes nothing.
pub(super) fn note(note: &Note) -> String {
    match note {
        Note::OneOfManyBegun { name, operation } => format!("{name} : commencé ({operation})."),
        Note::OneOfManyEnded { name, outcome: of } => format!("{name} : {}", outcome(of)),
        Note::NoMoreBegun { halt: why, left } => {
            format!("{left} ne seront pas commencés : {}.", halt(*why))
        }
        _ => String::new(),
    }
}

impl BatchMessages for French {
    texts! {
        // The command line.
        nobody_chosen = "aucun VServer n’est choisi : rien à faire";
        operating_on(name) = "travail sur le vserver {name}";
        delete_all_question(names) = "Supprimer ces VServers : {names} ?\nContinuer ? [o/N] ";
        option_of_many(option) = "« {option} » s’adresse à plusieurs VServers : avec --all, --running, --names NOM,… et les autres, au lieu d’un nom.";
        no_dry_run(word) = "« {word} » ne connaît pas --dry-run : rien n’a été fait. Le connaissent start, stop, restart, delete, protect, unprotect, backup et packages.";
        command_of_one(word) = "« {word} » s’adresse à un seul VServer à la fois : nommez-le.";
        many_options = "Options pour plusieurs VServers à la fois, au lieu de NOM :
  --all, --running, --stopped, --marked, --unmarked
  --mark MARQUE[,MARQUE…]  ceux qui ont l’une de ces marques ; précédée de ~, ceux qui ne l’ont pas
  --names NOM,…         ceux-ci ; plusieurs options : ceux que toutes choisissent
  --at-once N           sur N à la fois, de 1 à 16 (4 par défaut)
  --canary N            les N premiers avant les autres, et les autres si tous réussissent
  --stop-after N        ne plus en commencer après N échecs
  --dry-run             dire ce qui serait fait, et ne rien faire
  pour start, stop, restart, delete, protect, unprotect, backup, packages, mark, unmark";
        // Pages.
        batch = "Lot";
        batch_title(kind, count) = "{kind} : {count} VServers";
        batch_forecast(begun, count) = "Rien n’est encore fait. Sur {count} VServers, {begun} seraient traités, dans cet ordre ; décochez ceux qui doivent rester tels quels.";
        batch_forecast_of_one(count) = "Rien n’est encore fait. Sur {count} VServers, un seul serait traité ; décochez-le s’il doit rester tel quel.";
        batch_again(count) = "De nouveau pour les {count} restants…";
        batch_deletes = "Chacun va dans la corbeille, est arrêté avant s’il tourne, et peut en être restauré.";
        nobody_ticked = "Aucun VServer n’est coché. Revenez à la liste et cochez ceux dont il s’agit.";
        no_backup_target = "Les réglages n’indiquent aucun endroit où mettre des sauvegardes.";
        dry_run = "Ce qui serait fait à chacun";
        ticked = "Concerné";
        turn = "Tour";
        what_would_be = "Ce qui serait fait";
        at_once_explained = "Sur tant de VServers à la fois, de 1 à 16.";
        canary_explained = "Tant des premiers sont traités avant les autres, et les autres seulement si tous réussissent. Vide : tous pareils.";
        stop_after_explained = "Après tant d’échecs, plus aucun n’est commencé. Vide : les autres sont traités quand même.";
        type_how_many = "Tapez combien de VServers sont à supprimer.";
        do_it(kind) = "{kind} : lancer";
        do_it_now(verb) = "{verb} maintenant";
        so_already = "déjà ainsi";
        not_begun = "non commencé";
        batch_was_cancelled = "Le lot a été annulé : aucun autre n’a été commencé. Ce qui est fait aux autres le reste.";
        batch_done(what, count) = "Lot : {what}, {count} VServers";
        cannot_now(why) = "impossible maintenant : {why}";
        back_up = "Sauvegarder";
        delete = "Supprimer";
    }
}
