//! French: VServers that start and stop with the host.

use super::text::French;
use crate::i18n::boot::BootMessages;
use crate::i18n::messages::texts;

impl BootMessages for French {
    texts! {
        boot = "Amorçage";
        boot_explained(command) = "À l’amorçage de l’hôte, les VServers qui portent une marque démarrent, chacun dès que ceux dont il dépend ont démarré : {command}. À l’arrêt de l’hôte, tous ceux qui sont en marche s’arrêtent, dans l’ordre inverse.";
        boot_settings(at_once, seconds) = "Au plus {at_once} à la fois. Un VServer qui n’a pas démarré au bout de {seconds} s est en retard.";
        boot_late_start = "Ceux qui dépendent de lui démarrent alors quand même.";
        boot_late_skip = "Ceux qui dépendent de lui sont alors laissés de côté.";
        boot_nothing = "Aucun VServer à démarrer.";
        boot_nothing_to_stop = "Aucun VServer à arrêter.";
        boot_problems = "À regarder";
        boot_simulate_explained = "Ce qu’un amorçage ferait maintenant. Rien n’est démarré.";
        boot_simulate = "Simuler un amorçage";
        boot_mark = "Marque";
        boot_at_once = "À la fois, au plus";
        boot_order = "Ordre";
        boot_graph_of(number) = "L’ordre de l’amorçage en graphe, VServers : {number}. Le tableau qui suit dit la même chose.";
        boot_graph_scroll = "Graphe de l’amorçage";
        boot_wave = "Étape";
        boot_after = "Après";
        boot_why = "Pourquoi";
        boot_because_marked(mark) = "marque {mark}";
        boot_needed_by(names) = "{names} en dépend";
        boot_begins = "Commence";
        boot_ready_at = "Prêt";
        boot_assumed = "(supposé)";
        boot_assumed_explained = "Personne n’a encore vu démarrer ceux-là : 1 s est supposée.";
        boot_runs_now = "déjà en marche";
        boot_total(time) = "Tous seraient prêts au bout de {time}.";
        boot_left_out = "Ne démarrent pas";
        boot_not_meant(mark) = "ne porte pas la marque {mark}";
        boot_disabled = "est désactivé (fichier disabled)";
        boot_last(when) = "Le dernier amorçage, {when}";
        boot_never = "L’hôte n’a pas encore été amorcé avec Ulysse.";
        boot_outcome = "Ce qu’il en est advenu";
        boot_took = "Durée";
        boot_switch = "Démarrer avec l’hôte";
        boot_is_marked = "Il porte la marque default : il démarre à l’amorçage de l’hôte.";
        boot_is_not_marked = "Il ne porte pas la marque default : à l’amorçage de l’hôte, il ne démarre que si un autre VServer dépend de lui.";
        boot_set_mark = "Le démarrer à l’amorçage de l’hôte";
        boot_unset_mark = "Ne plus le démarrer à l’amorçage de l’hôte";
        set_mark = "Marquer…";
        unset_mark = "Démarquer…";
        mark_another = "Montrer pour cette marque";
        mark_which = "Les VServers qui portent la marque default démarrent à l’amorçage de l’hôte ; d’autres servent à « ulysse boot start --mark MARQUE » et à les choisir.";
        does_mark = "lui donner une marque, « default » si aucune n’est nommée";
        does_unmark = "lui retirer une marque, « default » si aucune n’est nommée";
        mark_arguments = "[MARQUE]";
        boot_see_order = "Ordre de l’amorçage";
        boot_writes(file) = "Fichier : {file}";
        boot_missing(on) = "il n’y a pas de VServer {on} ; la ligne est ignorée.";
        boot_circle(through) = "cela ferme un cercle ({through}) ; la ligne est ignorée.";
        boot_needs_unmarked(on) = "{on} ne porte pas la marque ; il démarre parce qu’un autre dépend de lui.";
        boot_unknown(name) = "Il n’y a pas de VServer {name} ; il est ignoré.";
        boot_one_selection = "Dites d’une seule façon quels VServers : des noms, --mark, --marked, --unmarked ou --all.";
        boot_is_ready = "prêt";
        boot_is_stopped = "arrêté";
        boot_is_late = "en marche, mais n’avait pas démarré à temps";
        boot_ran = "était déjà en marche";
        boot_ended = "s’est arrêté pendant son démarrage";
        boot_failed = "a échoué";
        boot_skipped(because) = "laissé de côté : {because} n’a pas démarré";
        boot_given_up = "pas attendu : il ne restait plus de temps, ou il fallait finir";
        boot_ends = "Plus rien n’est commencé ; ce qui est en cours se termine proprement. Encore une fois : aussitôt.";
    }
}
