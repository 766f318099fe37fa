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
        build_arguments = "-m debootstrap [OPTIONS] [-- [-d SUITE] [-m MIROIR] [-- OPTIONS_DE_DEBOOTSTRAP]]";
        exec_arguments = "COMMANDE [ARGUMENTS]";
        suexec_arguments = "UTILISATEUR COMMANDE [ARGUMENTS]";
        vserver_commands = "Commandes :";
        vserver_options = "Options, avant NOM :
  --config FICHIER  les réglages d’une autre instance
  -v, --verbose     montrer le journal de ce qui est fait
  --debug           de même, en plus détaillé
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
        build_options_explained = "Options :
  -m MÉTHODE              comment ses fichiers sont faits : debootstrap
  --context N             son numéro de contexte, de 2 à 49151 (par défaut : le prochain libre)
  --hostname NOM_HÔTE     son nom d’hôte (par défaut : NOM)
  --interface [ÉTIQUETTE=][PÉRIPHÉRIQUE:]ADRESSE[/LONGUEUR|/MASQUE]
                          une adresse ; peut être répétée ; PÉRIPHÉRIQUE « nodev » pour aucun
                          (par défaut : la prochaine adresse libre du réseau NAT)
  --netdev PÉRIPHÉRIQUE   le périphérique des interfaces qui n’en nomment pas
  --netmask MASQUE, --netprefix LONGUEUR
                          le réseau des interfaces qui n’en donnent pas
  --initstyle STYLE       sysv ou plain (par défaut : ce que l’hôte peut faire tourner)
  --flags DRAPEAU,…       drapeaux de contexte
  --debug                 montrer ce que dit debootstrap
Options de debootstrap, après -- :
  -d SUITE                la distribution (par défaut : celle de l’hôte)
  -m MIROIR               d’où viennent les paquets
Transmises à debootstrap, après un second -- :
  --arch ARCHITECTURE, --variant minbase|buildd,
  --components PARTIE,…, --include PAQUET,…, --exclude PAQUET,…

Exemple :
  vserver monvs build -m debootstrap --context 100 --hostname monvs.cume.fr \\
    --interface eth0:192.168.44.150/24 -- -d bookworm";
        stat_options_explained = "Ce que consomment l’hôte (contexte 0) et chaque VServer en marche.

Options :
  --config FICHIER  les réglages d’une autre instance
  --guests-only     sans l’hôte
  -O, --sort CLÉ    acceptée, et sans effet : les lignes suivent l’ordre des contextes
  --help, --version";
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
restore-file SAUVEGARDE CHEMIN
                          remet un fichier ; celui qui est là reste, et le fichier
                          restauré est mis à côté";
        restore_instead(line) = "Ceci conviendrait : {line}";
        backup_stays(reasons) = "reste : {reasons}";
        backup_goes = "part";
        no_schedule(name) = "{name} n’a pas de planification : ses sauvegardes se font à la main.";
        // What was typed wrongly.
        option_unknown(option, supported) = "Il n’y a pas d’option « {option} » ici. Il y a : {supported}.";
        option_without_value(option) = "L’option « {option} » attend une valeur.";
        option_takes_no_value(option) = "L’option « {option} » n’attend pas de valeur.";
        option_before_name(option) = "L’option « {option} » se place avant le nom : vserver {option} NOM COMMANDE.";
        word_not_expected(word) = "« {word} » est un mot de trop.";
        word_not_text(word) = "« {word} » n’est pas un texte en UTF-8.";
        command_missing = "Que faut-il en faire ? Il manque une commande.";
        command_unknown(word) = "Il n’y a pas de commande « {word} ».";
        command_not_yet(word, supported) = "La commande « {word} » n’est pas dans cette version. Il y a : {supported}.";
        option_not_yet(option, supported) = "L’option « {option} » n’est pas dans cette version. Il y a : {supported}.";
        method_missing(supported) = "Dites comment ses fichiers doivent être faits, par -m MÉTHODE. Il y a : {supported}.";
        method_unknown(word, supported) = "Il n’y a pas de méthode de construction « {word} ». Il y a : {supported}.";
        method_not_yet(word, supported) = "La méthode de construction « {word} » n’est pas dans cette version. Il y a : {supported}.";
        other_name(given, name) = "L’option -n nomme « {given} », la ligne de commande « {name} ».";
        netmask_not_with_netprefix = "Les options --netmask et --netprefix disent la même chose : n’en donnez qu’une.";
        not_a_vserver_directory(path, base) = "{path} n’est pas le répertoire de configuration d’un VServer : ils sont dans {base}.";
        user_missing = "En tant que qui ? « suexec » attend un utilisateur et une commande.";
        program_missing = "Quelle commande ? « exec » et « suexec » en attendent une ; « enter » ouvre un shell.";
        // What is wrong with a value; the pages have other ways out.
        value_missing = "Il faut une valeur.";
        context_taken_by(context, name) = "Le contexte {context} appartient à {name}. Sans cette option, le prochain libre est pris.";
        address_taken_by(address, name) = "{address} appartient à {name}. Sans cette option, la prochaine adresse libre du réseau NAT est prise.";
        nothing_done = "Rien n’a été fait.";
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
        status_running(name, context) = "Le vserver '{name}' est en marche au contexte '{context}'";
        status_processes(count) = "Nombre de processus : {count}";
        status_uptime(span) = "En marche depuis :   {span}";
        status_days(days, span) = "{days} jours, {span}";
        status_stopped(name) = "Le vserver '{name}' est arrêté";
        // Doctor.
        doctor_has(thing) = "Présent : {thing}.";
        doctor_unfinished(operation, name) = "L’opération {operation} sur {name} a été interrompue.";
        doctor_remains(name) = "{name} est terminé, et il en reste quelque chose.";
        doctor_stray(path) = "{path} est un reste d’une opération interrompue.";
        doctor_nothing = "Il ne reste rien d’opérations interrompues.";
        doctor_repair_hint = "« ulysse doctor --repair » remet en ordre ce qui a été interrompu.";
        doctor_not_repaired = "Ceci n’a pas pu être remis en ordre :";
    }
}
