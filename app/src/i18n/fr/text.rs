//! French: what pages and islands say.

use crate::i18n::messages::{Messages, texts};

/// The language.
pub(in crate::i18n) enum French {}

impl Messages for French {
    texts! {
        // The frame.
        skip_to_content = "Aller au contenu";
        main_navigation = "Navigation principale";
        language = "Langue";
        colours = "Couleurs";
        theme_auto = "Couleurs du système";
        theme_light = "Clair";
        theme_dark = "Sombre";
        log_out = "Se déconnecter";
        reference = "Référence :";
        colon = " : ";
        vservers = "VServers";
        operations = "Opérations";
        terminals = "Terminaux";
        users = "Utilisateurs";
        connection_lost = "La connexion est perdue : ce qui est affiché n’est peut-être plus à jour. Nouvel essai automatique.";
        engine_down_banner = "Le moteur ne répond pas : ce qui est affiché n’est peut-être plus à jour. Les VServers en marche continuent de tourner.";
        copy = "Copier";
        copied = "Copié";
        cancel = "Annuler";
        search = "Rechercher";
        actions = "Actions";
        state = "État";
        // Failures and notices.
        forbidden = "Accès refusé";
        not_found = "Introuvable";
        engine_down = "Le moteur ne répond pas";
        could_not_be_shown = "Cette page n’a pas pu être affichée";
        no_page_here = "Il n’y a pas de page à l’adresse";
        try_again = "Réessayer";
        to_the_list = "Vers la liste des VServers";
        show_the_operation = "Voir l’opération";
        operations_queued = "Demandé :";
        cancel_asked = "L’opération a été priée de s’arrêter et de défaire ce qu’elle a fait.";
        password_changed = "Votre mot de passe est changé. Vos autres sessions sont terminées.";
        must_change_password = "Choisissez votre propre mot de passe avant de continuer.";
        user_created(name) = "{name} a été créé.";
        user_changed(name) = "{name} a été modifié.";
        logged_out = "Vous êtes déconnecté.";
        set_up_done = "Bienvenue. Vous êtes le premier administrateur ; construisez maintenant un VServer.";
        terminal_closed = "Le terminal est terminé.";
        // Log-in, set-up, password.
        log_in = "Se connecter";
        set_up = "Mise en service d’Ulysse";
        set_up_explained = "Créez le premier administrateur. Ce lien ne sert qu’une fois.";
        create_administrator = "Créer l’administrateur";
        password_hint(min) = "Au moins {min} caractères ; plusieurs mots en font un bon.";
        change_password = "Changer le mot de passe";
        password_explained = "Vos autres sessions se terminent quand vous le changez.";
        // The list.
        vserver_counts(all, running) = "{all} VServers, dont {running} en marche";
        filter = "Filtrer";
        filter_vservers = "Filtrer : nom, adresse, état, marque";
        show_all = "Afficher tous les VServers";
        chosen_vservers = "Les VServers choisis";
        chosen_count(count) = "{count} choisis";
        choose_all = "Tout choisir";
        choose_one(name) = "Choisir {name}";
        start = "Démarrer";
        stop = "Arrêter";
        restart = "Redémarrer";
        start_one(name) = "Démarrer {name}";
        stop_one(name) = "Arrêter {name}";
        restart_one(name) = "Redémarrer {name}";
        ctx_explained = "numéro de contexte";
        proc_explained = "processus";
        vsz_explained = "taille virtuelle de tous les processus, en multiples binaires d’octets";
        rss_explained = "mémoire résidente de tous les processus, en multiples binaires d’octets";
        user_time_explained = "temps processeur dans les programmes";
        sys_time_explained = "temps processeur dans le noyau";
        uptime_explained = "temps depuis le démarrage";
        address = "Adresse";
        mark = "Marque";
        nothing_matches = "Aucun VServer ne correspond au filtre.";
        no_vservers_yet = "Il n’y a pas encore de VServer.";
        build_the_first = "Construire le premier VServer";
        build_a_vserver = "Construire un VServer";
        // One VServer.
        operation_at_work = "Une opération est en cours";
        vserver_is_gone = "Ce VServer a été supprimé.";
        open_terminal = "Ouvrir un terminal";
        delete_dots = "Supprimer…";
        charts_when_running = "Les courbes se tracent pendant qu’il tourne.";
        cpu = "Processeur";
        memory = "Mémoire";
        processes = "Processus";
        network = "Réseau";
        last_five_minutes = "les cinq dernières minutes";
        what_it_is = "Ce que c’est";
        host_name = "Nom d’hôte";
        context = "Contexte";
        addresses = "Adresses";
        system = "Système";
        init_style = "Style d’init";
        init_pid = "Pid de son init sur l’hôte";
        root_directory = "Fichiers";
        disk_used = "Espace disque";
        all_its_operations = "Toutes ses opérations";
        config_files = "Fichiers de configuration";
        config_files_explained = "Relus à chaque utilisation ; vous pouvez les modifier à la main.";
        show_config_files = "Afficher les fichiers";
        empty_file = "vide";
        directory = "répertoire";
        // Delete.
        goes_away = "Ce qui disparaît";
        stays = "Ce qui reste";
        it_is_stopped_first = "Il est en marche : il sera d’abord arrêté, et ceux qui y travaillent perdront ce qu’ils font.";
        all_its_files = "Tous ses fichiers, dans";
        its_configuration = "Sa configuration, dans";
        its_addresses = "Ses adresses se libèrent :";
        its_context = "Son numéro de contexte se libère :";
        the_base_stays = "Le système de base en cache, pour que la prochaine construction reste rapide.";
        its_operations_stay = "Les opérations qui le concernent et leurs journaux.";
        cannot_be_undone = "C’est irréversible.";
        type_the_name(name) = "Tapez « {name} » pour confirmer";
        delete_one(name) = "Supprimer {name}";
        // Build.
        build = "Construire";
        show_the_command = "Afficher la commande et les fichiers";
        preview_title = "Ce que cela fait";
        preview_when_right = "La commande apparaît dès que tous les champs sont corrects.";
        files_written = "Fichiers qui seront écrits dans";
        name_hint = "Le nom de son répertoire. Lettres, chiffres, « . », « _ », « - ».";
        method_hint = "Une Debian neuve tirée d’un miroir. La première construction d’une suite prend des minutes, les suivantes des secondes.";
        suite_hint = "Vide : celle de l’hôte.";
        mirror_hint = "Vide : celui de l’hôte.";
        packages_hint = "En plus du système de base, séparés par des espaces : par exemple openssh-server.";
        init_hint = "Ce qu’est le pid 1 à l’intérieur.";
        not_on_this_host = "(pas sur cet hôte)";
        context_hint = "De 2 à 49151. Vide : le prochain libre.";
        host_name_hint = "Vide : le nom du VServer.";
        interfaces_hint = "Une par ligne : [étiquette=]périphérique:adresse/longueur, ou nodev:adresse. Vide : la prochaine libre du réseau NAT.";
        next_address(interface) = "Prochaine libre : {interface}";
        // Operations.
        operation = "Opération";
        kind = "Genre";
        any_kind = "Tous";
        search_operations = "Chercher dans les commandes, les personnes et les journaux";
        result = "Résultat";
        who = "Qui";
        asked_at = "Demandée";
        started_at = "Début";
        finished_at = "Fin";
        took = "Durée";
        command = "Commande";
        no_operations = "Aucune opération.";
        older = "Opérations plus anciennes";
        newest = "Opérations les plus récentes";
        queued = "en attente";
        under_way = "en cours";
        succeeded = "faite";
        failed = "échouée";
        cancelled = "annulée";
        cancelled_and_undone = "Elle a été annulée, et ce qui avait été fait a été défait.";
        progress = "Progression";
        waits_for_its_turn = "Attend son tour";
        cancel_the_operation = "Annuler l’opération";
        log = "Journal";
        follow_the_log = "Suivre la fin";
        log_will_come = "Rien n’a encore été écrit.";
        log_is_empty = "Rien n’a été écrit.";
        // Terminals.
        terminal = "Terminal";
        terminal_in(name) = "Terminal dans {name}";
        another_terminal(name) = "+ un autre dans {name}";
        no_terminals = "Vous n’avez aucun terminal ouvert. Ouvrez-en un sur la page d’un VServer en marche.";
        terminal_connecting = "Connexion…";
        terminal_connected = "Connecté";
        terminal_lost = "La connexion est perdue ; le shell continue. Nouvel essai…";
        terminal_exited = "Le shell s’est terminé avec le statut {status}.";
        terminal_denied = "Ce terminal n’est plus accessible.";
        terminal_needs_js = "Un terminal est un programme dans le navigateur : il lui faut JavaScript. Sur l’hôte, vserver NOM enter fait la même chose.";
        terminal_hint = "Le shell vit dans le serveur : vous pouvez fermer cette page et revenir. Ctrl+Maj+Échap quitte le terminal au clavier.";
        end_the_terminal = "Terminer ce terminal";
        to_vserver(name) = "Vers {name}";
        // Users.
        user = "Utilisateur";
        role = "Rôle";
        active = "actif";
        disabled = "désactivé";
        must_change = "doit changer de mot de passe";
        never = "jamais";
        last_login = "Dernière connexion";
        created = "Créé";
        enable = "Activer";
        disable = "Désactiver";
        change = "Modifier";
        you = "vous";
        disabling_explained = "Désactiver un utilisateur termine aussitôt ses sessions et ses terminaux.";
        create_a_user = "Créer un utilisateur";
        create_the_user = "Créer l’utilisateur";
        first_password_explained = "L’utilisateur devra en choisir un autre à la première connexion.";
        change_role = "Changer le rôle";
        role_change_explained = "Les sessions de l’utilisateur se terminent, pour qu’aucun ancien droit ne subsiste.";
        reset_password = "Réinitialiser le mot de passe";
        reset_explained = "Les sessions de l’utilisateur se terminent, et il devra en choisir un autre à la prochaine connexion.";
        access = "Accès";
        user_named(name) = "Utilisateur {name}";
    }
}
