//! French: what the command line says.

use super::text::French;
use crate::i18n::command::CommandMessages;
use crate::i18n::messages::texts;

impl CommandMessages for French {
    texts! {
        // Help.
        usage_of(line) = "Utilisation : {line}";
        name_word = "NOM";
        vserver_usage = "vserver [OPTIONS] NOM COMMANDE [ARGUMENTS]";
        stat_usage = "vserver-stat [OPTIONS]";
        build_arguments = "-m MÉTHODE [OPTIONS] [-- OPTIONS_DE_LA_MÉTHODE [-- OPTIONS_DU_PROGRAMME]]";
        start_arguments = "[--rescue [--rescue-init] [COMMANDE [ARGUMENTS]]]";
        exec_arguments = "COMMANDE [ARGUMENTS]";
        suexec_arguments = "UTILISATEUR COMMANDE [ARGUMENTS]";
        vserver_commands = "Commandes :";
        vserver_options = "Options, avant NOM :
  --config FICHIER  les réglages d’une autre instance
  -v, --verbose     montrer le journal de ce qui est fait
  --debug           de même, et chaque étape d’un démarrage ou d’un arrêt
  --silent          n’afficher que les erreurs ; supprimer sans demander
  -s, --sync        attendre la fin des arrêts (toujours le cas)
  --help, --version";
        more_help = "« vserver NOM COMMANDE --help » en dit plus sur une commande. NOM est un répertoire de /etc/vservers, ou le numéro de contexte d’un VServer en marche.";
        does_build = "construire un VServer";
        does_start = "le démarrer";
        does_stop = "l’arrêter";
        does_restart = "l’arrêter s’il est en marche, puis le démarrer";
        does_condrestart = "le redémarrer s’il est en marche";
        does_enter = "un shell à l’intérieur ; il doit être en marche";
        does_exec = "exécuter une commande à l’intérieur, en tant que root ; rend son code de retour";
        does_suexec = "exécuter une commande à l’intérieur, en tant que UTILISATEUR (nom ou numéro)";
        does_status = "dire s’il est en marche : code de retour 0 si oui, 3 sinon";
        does_running = "de même, sans rien dire : code de retour 0 ou 1";
        does_delete = "le supprimer avec ses fichiers, après confirmation";
        build_options_explained = "Options :
  -m MÉTHODE              comment ses fichiers sont faits, voir plus bas
  --context N             son numéro de contexte, de 2 à 49151 (par défaut : le prochain libre)
  --hostname NOM_HÔTE     son nom d’hôte (par défaut : NOM)
  --interface [ÉTIQUETTE=][PÉRIPHÉRIQUE:]ADRESSE[/LONGUEUR|/MASQUE]
                          une adresse ; peut être répétée ; PÉRIPHÉRIQUE « nodev » pour aucun
                          (par défaut : la prochaine adresse libre du réseau NAT)
  --netdev PÉRIPHÉRIQUE   le périphérique des interfaces qui n’en nomment pas
  --netmask MASQUE, --netprefix LONGUEUR
                          le réseau des interfaces qui n’en donnent pas
  --netbcast ADRESSE      son adresse de diffusion ; doit être celle du réseau
  --initstyle STYLE       sysv, plain, gentoo, arch ou minit (par défaut : celui de
                          ce qui est copié, sinon ce que l’hôte peut faire tourner)
  --flags DRAPEAU,…       drapeaux de contexte
  --cpuset NOM, --cpusetcpus N[-M][:EXCL], --cpusetmems N[-M][:EXCL],
  --cpusetvirt            son cpuset
  --force                 ce qui porte son nom est mis de côté, en NOM.~DATE~
  --i-know-its-there      son répertoire racine peut contenir des fichiers (rsync, skeleton)
  -n NOM                  son nom encore une fois ; doit être le même
  --confdir, --rootdir, --lockfile CHEMIN
                          ceux de l’original ; doivent être là où cet Ulysse les a
  --debug                 montrer ce que disent les programmes

-m debootstrap : une Debian toute neuve. Après -- :
  -d SUITE                la distribution (par défaut : celle de l’hôte)
  -m MIROIR               d’où viennent les paquets
  -s SUITE                une autre suite, dont le script est employé
 après un second -- : --arch ARCHITECTURE, --variant minbase|buildd,
  --components PARTIE,…, --include PAQUET,…, --exclude PAQUET,…, --extra-suites SUITE,…,
  --no-resolve-deps, --merged-usr, --no-merged-usr, --keyring FICHIER, --no-check-gpg,
  --certificate FICHIER, --no-check-certificate
-m clone : une copie d’un VServer, qui partage ce que le système de fichiers sait partager. Après -- :
  -s, --source NOM        lequel ; il peut être en marche
  --unified               si aucun bloc ne se partage : les deux reposent sur une même référence
-m rsync : une copie d’un VServer, d’une machine ou d’un répertoire. Après -- :
  -s, --source NOM|[UTILISATEUR@]MACHINE:/CHEMIN|RÉPERTOIRE
  --hostkey EMPREINTE     la clé de MACHINE, confirmée
  -o OPTION               comme après un second --
 après un second -- : --exclude MOTIF, --no-one-file-system, --compress,
  --bwlimit KIO, -e « ssh [-p PORT] [-i FICHIER_DE_CLÉ] »
-m yum : une distribution RPM, par le dnf de l’hôte. Après -- :
  -d NOM                  décrite sous /etc/vservers/.distributions
 après un second -- : PAQUET …, en plus de ceux de la description
-m template : le contenu d’une archive. Après -- :
  -t, --template FICHIER|NOM
  -d NOM                  à la place : l’archive d’une distribution décrite
-m skeleton : des répertoires vides et la configuration

Lus d’abord : .defaults/apps/build/options et .defaults/apps/debootstrap/options
sous /etc/vservers, à moins que NO_DEFAULT_OPTS ne soit définie.

Exemples :
  vserver monvs build -m debootstrap --context 100 --hostname monvs.cume.fr \\
    --interface eth0:192.168.44.150/24 -- -d bookworm
  vserver nono build -m rsync --context 200 --hostname nono.cume.fr \\
    --interface nono=eth0:192.168.44.151/24 -- --source /var/lib/vservers/monvs/
  vserver ancien build -m rsync -- --source root@ancien.cume.fr:/";
        stat_options_explained = "Ce que consomment l’hôte (contexte 0) et chaque VServer en marche.

Options :
  --config FICHIER  les réglages d’une autre instance
  --guests-only     sans l’hôte
  -O, --sort CLÉ    acceptée, et sans effet : les lignes suivent l’ordre des contextes
  --help, --version";
        options_head = "Options\u{a0}";
        arguments_head = "Arguments\u{a0}";
        commands_head = "Commandes\u{a0}";
        command_word = "COMMANDE";
        see_help(program) = "« {program} --help » en dit plus.";
        words_missing(words) = "Il manque : {words}.";
        words_not_text = "Un des mots n’est pas du texte UTF-8.";
        line_not_understood = "Ces mots ne vont pas ensemble.";
        has_administrator = "Il y a déjà un administrateur : un lien d’installation ne servirait à rien. « ulysse user reset-password NOM » lui donne un nouveau mot de passe.";
        // Backups.
        backup_arguments = "[OPTIONS] | list | schedule | preview | prune | restore | restore-file";
        does_backup = "en faire une sauvegarde, ou s’occuper de ses sauvegardes";
        backup_options_explained = "Sans autre mot : fait une sauvegarde, la relit et la compare.
  --target CIBLE          où elle va ; un nom des réglages
  --pause                 l’immobiliser pendant la lecture des fichiers ; sans cela
                          seulement là où le système de fichiers a des instantanés,
                          et ce qui change entre-temps est listé
list                      ses sauvegardes, en CIBLE:NOM:ID, et leurs octets
schedule                  dit quand elles se font, ou le change :
  --target CIBLE --when 'daily 02:30' --keep 'last=3 daily=7 weekly=4 monthly=12'
                          et aussi « hourly :15 », « weekly sun 02:30 » ; heures UTC
  --off                   plus jamais
preview [--keep …]        lesquelles une règle garderait et pourquoi ; rien ne part
prune [--keep …]          supprime celles qu’elle ne garderait pas
restore SAUVEGARDE        fait NOM, qui n’existe pas, d’une sauvegarde
  --context N --hostname NOM_HÔTE --interface [PÉRIPH:]ADRESSE[/LONGUEUR]
                          d’autres valeurs que les siennes ; « none » : aucune interface
  --keep-host-keys        garder identifiant de machine et clés d’hôte ssh même à
                          côté de l’original
restore-file SAUVEGARDE CHEMIN
                          remet un fichier ; celui qui est là reste, et le fichier
                          restauré est mis à côté";
        restore_instead(line) = "Ceci conviendrait : {line}";
        backup_stays(reasons) = "reste : {reasons}";
        backup_goes = "part";
        no_schedule(name) = "{name} n’a pas de planification : ses sauvegardes se font à la main.";
        // What was typed wrongly.
        option_unknown(option, supported) = "Il n’y a pas d’option « {option} » ici. Il y a : {supported}.";
        in_file(file, text) = "Dans {file} : {text}";
        option_value_wrong(option, value) = "« {value} » n’est pas une valeur pour {option} ; voir --help.";
        answer_lost(why) = "la réponse n’a pas pu être écrite : {why}";
        option_without_value(option) = "L’option « {option} » attend une valeur.";
        option_takes_no_value(option) = "L’option « {option} » n’attend pas de valeur.";
        option_before_name(option) = "L’option « {option} » se place avant le nom : vserver {option} NOM COMMANDE.";
        word_not_expected(word) = "« {word} » est un mot de trop.";
        word_not_text(word) = "« {word} » n’est pas un texte en UTF-8.";
        command_missing = "Que faut-il en faire ? Il manque une commande.";
        command_unknown(word) = "Il n’y a pas de commande « {word} ».";
        command_not_yet(word, supported) = "La commande « {word} » n’est pas dans cette version. Il y a : {supported}.";
        method_missing(supported) = "Dites comment ses fichiers doivent être faits, par -m MÉTHODE. Il y a : {supported}.";
        method_unknown(word, supported) = "Il n’y a pas de méthode de construction « {word} ». Il y a : {supported}.";
        method_not_yet(word, supported) = "La méthode de construction « {word} » n’est pas dans cette version. Il y a : {supported}.";
        other_name(given, name) = "L’option -n nomme « {given} », la ligne de commande « {name} ».";
        netmask_not_with_netprefix = "Les options --netmask et --netprefix disent la même chose : n’en donnez qu’une.";
        not_a_vserver_directory(path, base) = "{path} n’est pas le répertoire de configuration d’un VServer : ils sont dans {base}.";
        user_missing = "En tant que qui ? « suexec » attend un utilisateur et une commande.";
        command_to_run_missing = "Quelle commande faut-il lancer ? Elle se place derrière les options.";
        program_missing = "Quelle commande ? « exec » et « suexec » en attendent une ; « enter » ouvre un shell.";
        // Builds by other methods.
        option_refused(option, reason) = "L’option « {option} » n’a pas de sens ici : {reason}";
        option_twice(option) = "L’option « {option} » ne peut être donnée qu’une fois.";
        option_without_effect(option) = "L’option « {option} » ne change rien : des fichiers copiés ou dépaquetés sont de la distribution qui est la leur, /dev est toujours refait, et les paquets se gèrent à l’intérieur.";
        packages_are_inside = "les paquets se gèrent toujours à l’intérieur du VServer, rien n’en est gardé au dehors.";
        no_shell_to_trace = "aucun script shell ne fait le travail. --debug montre chaque étape.";
        rescue_missing = "--rescue-init et --rescue-cmd disent comment faire --rescue, qui manque.";
        failures_are_undone = "une construction qui échoue est défaite en entier, et son journal dit pourquoi. Pour garder ce qui a été copié en vue d’un nouvel essai, copiez dans un répertoire existant, avec --i-know-its-there.";
        clones_are_whole = "un clone est sa source tout entière. Pour en écarter une partie : -m rsync -- --source NOM -- --exclude MOTIF";
        skeleton_runs_nothing(word) = "« {word} » serait exécuté sur l’hôte en tant que root, or une construction n’y exécute rien. Construisez le squelette, puis lancez-le vous-même.";
        remote_shell_is_ssh(word) = "« {word} » n’est pas possible ici : -e attend ssh, avec -p PORT et -i FICHIER_DE_CLÉ.";
        place_is_elsewhere(option, given, ours) = "{option} {given} : cet Ulysse l’a dans {ours}, et nulle part ailleurs.";
        places_are_settings = "Pour placer les fichiers sur un volume, montez-le à cet endroit. Pour tout déplacer, changez [roots] dans les réglages.";
        host_key_to_confirm(host, fingerprint) = "{host} présente une clé que personne n’a encore confirmée : {fingerprint}. Comparez-la à ce que dit là-bas « ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub », puis ajoutez --hostkey {fingerprint} après le premier --.";
        host_key_question(host, fingerprint) = "{host} présente une clé que personne n’a encore confirmée :\n  {fingerprint}\nEst-ce bien ce que dit là-bas « ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub » (o/N) ";
        // What is wrong with a value; the pages have other ways out.
        value_missing = "Il faut une valeur.";
        context_taken_by(context, name) = "Le contexte {context} appartient à {name}. Sans cette option, le prochain libre est pris.";
        address_taken_by(address, name) = "{address} appartient à {name}. Sans cette option, la prochaine adresse libre du réseau NAT est prise.";
        nothing_done = "Rien n’a été fait.";
        config_arguments = "ACTION [ARGUMENTS]";
        does_config = "montrer et modifier ses fichiers de configuration";
        config_actions_explained = "Actions :
  list                    tous les fichiers et leur première ligne
  show CHEMIN             ce que dit un fichier
  explain CHEMIN          son sens, sa valeur par défaut, s’il est en usage
  set CHEMIN VALEUR…      l’écrire, une valeur par ligne ; « - » lit l’entrée
                          standard, aucune valeur crée un fichier vide
  unset CHEMIN            le supprimer
  edit CHEMIN             le modifier dans $VISUAL, $EDITOR ou editor
  history [CHEMIN]        ce qui a été modifié, quand et par qui
  undo NUMÉRO             remettre ce qu’une modification a remplacé
CHEMIN est sous le répertoire de configuration, par exemple interfaces/0/ip.
NOM peut être .defaults ou .distributions. Ce qu’une modification casserait est
refusé, avec fichier et ligne.";
        config_action_unknown(word, supported) = "Il n’y a pas d’action « {word} » de config. Il y a : {supported}.";
        config_path_missing = "Quel fichier ? Donnez son chemin sous le répertoire de configuration, par exemple interfaces/0/ip.";
        config_number_missing = "Quelle modification ? « config history » montre leurs numéros.";
        // About a VServer.
        needs_root = "Seul root peut le faire : lancez la commande en tant que root, ou avec sudo.";
        settings_unreadable(detail) = "Les réglages sont illisibles : {detail}";
        no_config_directory(name, path) = "Il n’existe pas de VServer « {name} » : {path} n’existe pas.";
        spelling_hint = "Vérifiez l’orthographe du nom.";
        build_hint = "« vserver NOM build --help » dit comment en construire un.";
        help_hint = "« vserver --help » donne la liste des commandes.";
        already_running(name) = "{name} est déjà en marche. Pour que des changements prennent effet : vserver {name} restart";
        not_running(name) = "{name} n’est pas en marche.";
        not_running_for(name) = "{name} n’est pas en marche, or il le faut ici. Démarrez-le d’abord : vserver {name} start";
        no_device_for(address) = "{address} : aucun périphérique n’est donné, elle n’est donc placée sur aucun (nodev).";
        was_built(name, context, interfaces) = "{name} est construit : contexte {context}, {interfaces}.";
        how_to_start(name) = "Pour le démarrer : vserver {name} start";
        // While something is being done.
        waits_for(name, command) = "« {command} » est en cours sur {name} : attente de sa fin. Ctrl-C abandonne.";
        waits_for_somebody(name) = "Autre chose est en cours sur {name} : attente de la fin. Ctrl-C abandonne.";
        cancel_begins = "Annulation : ce qui a été fait est défait. Encore une fois pour quitter aussitôt ; le reste sera alors défait la prochaine fois.";
        cancel_impossible = "Ceci ne peut plus être annulé. Encore une fois pour quitter aussitôt ; tout sera alors remis en ordre la prochaine fois.";
        left_to_recovery = "Quitté aussitôt : « ulysse doctor --repair », ou la prochaine commande qui le concerne, remettra tout en ordre.";
        // Deleting.
        delete_removes(config, files) = "Ceci supprime définitivement {config} et {files}.";
        delete_stops_it = "Il est en marche, et sera d’abord arrêté.";
        delete_question(name) = "Voulez-vous vraiment supprimer le vserver {name} (o/N) ";
        delete_yes = "o oui y yes";
        delete_refused = "Rien n’a été supprimé.";
        // Status.
        status_shared(shared, own) = "Partagé :            {shared} (en propre : {own})";
        // Doctor.
        doctor_has(thing) = "Présent : {thing}.";
        doctor_optional(text) = "{text}\n  Uniquement pour la méthode de construction yum.";
        doctor_unfinished(operation, name) = "L’opération {operation} sur {name} a été interrompue.";
        doctor_remains(name) = "{name} est terminé, et il en reste quelque chose.";
        doctor_stray(path) = "{path} est un reste d’une opération interrompue.";
        doctor_nothing = "Il ne reste rien d’opérations interrompues.";
        doctor_repair_hint = "« ulysse doctor --repair » remet en ordre ce qui a été interrompu.";
        doctor_not_repaired = "Ceci n’a pas pu être remis en ordre :";
        // Identity, recycle bin, protection.
        undelete_arguments = "[--as NOM] [OPTIONS]";
        rename_arguments = "NOUVEAU_NOM [OPTIONS]";
        set_arguments = "OPTIONS";
        does_undelete = "le reprendre dans la corbeille";
        does_rename = "lui donner un autre nom, partout où il figure";
        does_set = "lui donner un autre contexte, nom d’hôte, d’autres adresses";
        does_protect = "le protéger contre la suppression";
        does_unprotect = "lui retirer cette protection";
        identity_options_explained = "Options :
  --context N             un autre numéro de contexte
  --hostname NOM_HÔTE     un autre nom d’hôte (s’il est renommé : la première partie suit)
  --interface [ÉTIQUETTE=][PÉRIPHÉRIQUE:]ADRESSE[/LONGUEUR|/MASQUE]
                          ses adresses, toutes ; peut être répétée
Options de « rename » et « set » :
  --restart               l’arrêter pour cela s’il est en marche, puis le redémarrer
  --dry-run               seulement afficher ce qui serait fait, commande par commande
Options de « undelete » :
  --as NOM                sous un autre nom";
        delete_options_explained = "Il va dans la corbeille (« ulysse bin list »), aussi longtemps que le dit recycle_bin.keep_days
dans /etc/ulysse/ulysse.toml. « vserver NOM undelete » le reprend.

Options :
  --now                   ne rien garder : le supprimer définitivement";
        new_name_missing = "Comment doit-il s’appeler ? « rename » demande un nouveau nom.";
        delete_moves(config, files, until) = "Ceci déplace {config} et {files} dans la corbeille, jusqu’au {until}.";
        is_in_bin(name, until) = "{name} est dans la corbeille jusqu’au {until}. Pour le reprendre : vserver {name} undelete";
        delete_moves_tree(config, until) = "Ceci déplace {config} dans la corbeille, jusqu’au {until}.";
        volume_keeps_files(path) = "Le volume monté sur {path} reste monté, avec les fichiers qui s’y trouvent, jusqu’à leur suppression de la corbeille.";
        volume_is_emptied(path) = "Le volume monté sur {path} est vidé et reste monté, prêt pour un autre VServer. Pour s’en défaire : démontez-le, retirez sa ligne du fstab de l’hôte, supprimez-le (lvremove).";
        is_back(name) = "{name} est de retour.";
        free_values(line) = "Ces valeurs sont libres : {line}";
        bin_is_empty = "Rien dans la corbeille ne peut être supprimé.";
        bin_columns = "ID|NOM|CTX|SUPPRIMÉ LE|GARDÉ JUSQU’AU|TAILLE";
        bin_protected = "toujours : protégé";
        bin_total(size) = "En tout : {size}";
        purge_question(name) = "Supprimer définitivement {name} de la corbeille ? (o/N) ";
        empty_question(count) = "Supprimer définitivement les {count} de la corbeille ? (o/N) ";
        stays_protected(name) = "{name} reste : il est protégé. Restaurez-le, puis : vserver {name} unprotect";
    }
}
