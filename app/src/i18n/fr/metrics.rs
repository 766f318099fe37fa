//! French: the dashboard and histories of numbers.

use super::text::French;
use crate::i18n::messages::texts;
use crate::i18n::metrics::MetricsMessages;

impl MetricsMessages for French {
    texts! {
        dashboard = "Tableau de bord";
        the_host = "L’hôte";
        numbers_of(name) = "Mesures de {name}";
        numbers_of_the_host = "Mesures de l’hôte";
        numbers_explained = "Une ligne est la moyenne de chaque intervalle, la surface autour va du plus bas au plus haut. Là où il n’y a pas de ligne, rien n’a été mesuré.";
        range_of_time = "Durée";
        five_minutes = "5 minutes";
        one_hour = "1 heure";
        one_day = "1 jour";
        one_week = "1 semaine";
        one_year = "1 an";
        ago_begin = "depuis";
        until_now = "maintenant";
        no_numbers_yet = "Rien n’a été mesuré pendant ce temps.";
        as_a_table = "En tableau";
        time_column = "Depuis (UTC)";
        last_number = "dernier";
        mean_number = "moyenne";
        highest_number = "maximum";
        swap = "Swap";
        load = "Charge";
        memory_pressure = "Attente de mémoire";
        cpu_pressure = "Attente d’un processeur";
        disk_pressure = "Attente d’un disque";
        pressure_explained = "La part du temps pendant laquelle un processus au moins a attendu (PSI du noyau).";
        no_pressure_here = "Le temps qu’un VServer passe à attendre de la mémoire n’est compté que par cgroup v2, que cet hôte n’utilise pas, ou pas avec ce noyau.";
        disk_traffic = "Disques";
        disk_taken = "Espace disque occupé";
        read_from = "lu";
        written_to = "écrit";
        received_from = "reçu";
        sent_to = "envoyé";
        used_word = "utilisé";
        cpus_count(count) = "de {count} processeurs, 100\u{a0}% chacun";
        of_total(total) = "sur {total}";
        load_of(five, fifteen) = "5 min {five}, 15 min {fifteen}";
        free_of(free, total) = "{free} libres sur {total}";
        is_full_to(share) = "{share} utilisés";
        addresses_free(free) = "{free} libres";
        addresses_of(used, network) = "{used} prises de {network}";
        filesystem_at(mount) = "Disque {mount}";
        holds_vservers = "VServers";
        holds_backups = "sauvegardes";
        holds_database = "base de données";
        filesystems = "Systèmes de fichiers";
        not_measured_yet = "Rien n’a encore été mesuré : ce sera fait dans les dix secondes, tant que le moteur répond.";
        by_state = "VServers par état";
        only_in_state(state) = "Seulement ceux dans cet état : {state}.";
        recent_operations = "Opérations, la plus récente d’abord";
        what_failed_lately = "Échecs depuis un jour";
        nothing_failed = "Rien n’a échoué.";
        needs_attention = "À surveiller";
        nothing_needs_attention = "Rien à surveiller.";
        attention_oom(name, count) = "{name} : processus tués faute de mémoire : {count}. Il lui faut une limite plus haute, ou moins à faire.";
        attention_problem(name, problem) = "{name} : {problem}";
        attention_marked(name) = "{name} est marqué pour démarrer avec l’hôte, et n’est pas en marche.";
        attention_disk(mount, share, free) = "Le système de fichiers {mount} est presque plein : {share} utilisés, {free} libres.";
        attention_pool(network) = "Les adresses de {network} sont presque épuisées : les réglages peuvent nommer un réseau plus grand (nat.prefix).";
        attention_build = "Le moteur et le processus web sont de versions différentes : relancez le service « ulysse ». Aucun VServer ne s’arrête pour cela.";
        attention_bin(count) = "Dans la corbeille, jusqu’à la fin de leur délai : {count}";
        first_steps = "Premiers pas";
        first_steps_explained = "Il n’y a pas encore de VServer sur cet hôte.";
        step_build = "Construire le premier VServer";
        step_template = "Garder l’archive d’un ancien hôte comme modèle";
        step_defaults = "Voir ce que reçoit tout nouveau VServer";
        step_users = "Donner accès à d’autres";
        whole_list = "Toute la liste";
    }
}
