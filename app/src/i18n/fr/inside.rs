//! Français : l’intérieur des invités.

use super::text::French;
use crate::i18n::inside::InsideMessages;
use crate::i18n::messages::texts;

impl InsideMessages for French {
    texts! {
        overview = "Vue d’ensemble";
        numbers = "Mesures";
        events = "Ce qui s’est passé";
        pages_of(name) = "Pages de {name}";
        console_of(name) = "Console et journaux de {name}";
        services_of(name) = "Services de {name}";
        happened_title = "Ce qui s’est passé à l’intérieur";
        happened_of(name) = "Ce qui s’est passé dans {name}";
        happened_explained = "Son superviseur note chaque démarrage et chaque fin, et pourquoi ; qui l’arrête aussi. Les 200 derniers faits sont montrés, le plus récent d’abord.";
        nothing_happened = "Rien n’a encore été noté : il n’a pas été démarré.";
        console = "Console";
        journal = "Journal (systemd)";
        own_log = "Son propre fichier journal";
        services = "Services";
        which_log = "Quel journal";
        which_boot = "Démarrage";
        boot_of(at, size) = "{at} ({size})";
        text_in_lines = "Seulement les lignes avec";
        show_these = "Montrer";
        unit = "Service";
        at_least = "Au moins";
        since = "Depuis";
        no_lines = "Aucune ligne à montrer.";
        no_console_yet = "Rien n’est gardé de sa console : il n’a pas été démarré depuis qu’Ulysse garde chaque démarrage.";
        no_own_log = "Il n’a ni /var/log/syslog ni /var/log/messages. Un invité avec systemd a un journal à la place.";
        is_cut(count) = "Seules les {count} dernières lignes sont montrées.";
        lines_of(origin) = "Lignes de {origin}";
        last_lines = "Aux dernières lignes";
        console_explained = "Ce qu’il a affiché sur sa console, les cinq derniers démarrages. Les séquences de commande sont retirées.";
        services_explained = "Ce que dit le gestionnaire de services à l’intérieur. Ce que fait un bouton est une opération, avec son journal.";
        services_incomplete = "Il n’a pas répondu pour tous à temps, ou ils sont trop nombreux : certains manquent ou sont inconnus.";
        no_services = "Aucun gestionnaire de services à l’intérieur : ni systemd, ni scripts dans /etc/init.d.";
        no_service_matches = "Aucun service ne correspond.";
        any_state = "tous";
        service = "Service";
        state_head = "État";
        at_start = "Au démarrage";
        started_at_boot = "activé";
        not_started_at_boot = "désactivé";
        what_to_do = "Actions";
        its_log(name) = "Journal de {name}";
        do_to(action, name) = "{action} {name}";
        equivalent_of(line) = "Chaque bouton équivaut, par exemple, à : {line}";
        happened_at = "Quand";
        happened_what = "Quoi";
        does_events = "dire ce qui lui est arrivé : démarrages, fins et pourquoi, du plus ancien au plus récent";
        does_console = "montrer ce qu’il a affiché sur sa console";
        console_arguments = "[--boot N] [--grep TEXTE] [--follow]";
        console_options_explained = "Options :
  -b, --boot N      un démarrage antérieur : 0 est le dernier, 1 le précédent, jusqu’à 4
  -g, --grep TEXTE  seulement les lignes avec ce texte, en majuscules ou non
  -f, --follow      continuer avec ce qu’il affiche désormais, au-delà des redémarrages, jusqu’à son arrêt
Les 1000 dernières lignes sont montrées ; les séquences de commande sont retirées.";
        download_console = "Télécharger la console de ce démarrage";
        console_is_live = "Ce qu’il affiche apparaît ici aussitôt.";
        next_boot(at) = "— Démarrage du {at} —";
        no_such_boot = "Plus rien n’est gardé de la console de ce démarrage : seuls les cinq derniers le sont.";
    }
}
