//! French: what is said of processes.

use super::text::French;
use crate::i18n::messages::texts;
use crate::i18n::processes::ProcessMessages;

impl ProcessMessages for French {
    texts! {
        vps_usage = "vps [OPTIONS DE PS]";
        vps_explained = "Le ps de l’hôte, avec une colonne CONTEXT derrière les pids : le contexte de chaque processus
et le nom de son VServer, « 0 MAIN » pour ceux de l’hôte. Les options sont celles de ps, dont le
code de retour est transmis ; il vaut 254 si ps n’affiche aucune colonne PID. En premier mot seulement :
  --config FICHIER  les réglages d’une autre instance
  --help, --version";
        vtop_usage = "vtop [OPTIONS DE TOP]";
        vtop_explained = "Le top de l’hôte, qui montre les processus de l’hôte et de tous les VServers. top n’a pas de
colonne pour les contextes ; sa colonne CGNAME montre le cgroup, qui se termine par le nom du
VServer : touche f, choisir CGNAME avec la barre d’espace, touche q ; W la conserve. « vps » a la
colonne CONTEXT.
  --help, --version, en premier mot";
        vpstree_usage = "vpstree [OPTIONS DE PSTREE]";
        vpstree_explained = "Le pstree de l’hôte, qui montre les processus de l’hôte et de tous les VServers : ceux de chaque
VServer sous son superviseur.
  --help, --version, en premier mot";
        vkill_usage = "vkill [-c CONTEXTE] [-s SIGNAL] [--] [PID…]";
        vkill_explained = "Envoie un signal à des processus. Les PID sont ceux qu’affiche vps ; avec -c, 1 est l’init du
VServer. Un pid devenu entre-temps celui d’un autre processus ne reçoit rien. 0 si tout est envoyé, sinon 1.
  -c, --xid CONTEXTE le numéro ou le nom d’un VServer : seuls ses processus reçoivent le signal ;
                    sans PID, chacun d’eux
  -s SIGNAL         un nom comme TERM, SIGHUP ou RTMIN+3, ou un numéro ; TERM par défaut
  --config FICHIER  les réglages d’une autre instance
  --help, --version";
        vserver_info_usage = "vserver-info [-q] [-l] [OBJET|- TAG [ARGUMENT…]]";
        vserver_info_explained = "Un fait, pour les scripts ; sans mot, SYSINFO. Code de retour 1 s’il n’y en a pas.
  d’un VServer (nom ou contexte) : CONTEXT [BOOL], ID, NAME, CFGDIR, VDIR [BOOL],
                    APPDIR APP, RUNNING, INITPID, UTS [CHAMP]
  d’un processus :  XID, NID, TAG, INITPID_PID
  d’un numéro :     XIDTYPE [TYPE…]
  de cet hôte (-) : SYSINFO, FEATURE NOM, VERIFYCAP, VERIFYPROC
  d’un mot :        CANONIFY
  APIVER et PXID échouent : un noyau ordinaire n’a pas ces numéros.
Options :
  -l, --list        liste les tags
  -q, --quiet       seulement le code de retour
  --config FICHIER  les réglages d’une autre instance
  --help, --version";
        vnamespace_usage = "vnamespace -e CONTEXTE|-n [SÉLECTEURS] [--] COMMANDE [ARGUMENTS]";
        vnamespace_explained = "Lance une commande dans les espaces de noms d’un VServer, ou dans de nouveaux.
La commande est une de celles de l’hôte ; pour une du VServer lui-même : vserver NOM exec.
  -e, --enter CONTEXTE ceux d’un VServer en marche (numéro ou nom) : ses montages, sous son répertoire
                    sur l’hôte ; ceux des autres VServers seulement avec son nonamespace-cleanup.
                    Ce que la commande monte elle-même n’atteint ni le VServer ni l’hôte
  -n, --new         de nouveaux
Sélecteurs ; mount et fs sont présélectionnés :
  --~mount          pas ses montages : seul ce qui suit est rejoint
  -N, --net   -I, --ipc   -U, --uts
  -M, --mount  -F, --fs  et  --~fs, --~net, --~ipc, --~uts
Options :
  --config FICHIER  les réglages d’une autre instance
  --help, --version";
        vuname_usage = "vuname [-g] --xid CONTEXTE [TAG…] | -s --xid CONTEXTE -t TAG=VALEUR…";
        vuname_explained = "Les noms que dit uname dans un VServer en marche. Tags, qu’on peut abréger : context, sysname,
nodename, release, version, machine, domainname ; tous si aucun n’est donné.
  -g, --get         les affiche, ??? pour celui qui n’est pas défini
  -s, --set         change nodename ou domainname jusqu’à l’arrêt du VServer ; ceux de son prochain
                    démarrage sont dans uts/nodename et uts/domainname
  -t, --tag TAG=VALEUR  peut être répété
  --xid CONTEXTE    le numéro ou le nom d’un VServer
  --config FICHIER  les réglages d’une autre instance
  --help, --version";
        chcontext_usage = "chcontext --xid CONTEXTE [--silent] [--] COMMANDE [ARGUMENTS]";
        chcontext_explained = "Lance une commande dans un contexte : comme « vserver NOM exec » pour celui d’un VServer en marche ;
sur l’hôte pour 0 et 1. Un contexte ne se crée pas seul : c’est le démarrage d’un VServer qui le crée. Ce
que ses processus peuvent faire et voir (--cap, --flag, --secure, --hostname) y est aussi décidé.
  --xid, --ctx CONTEXTE  le numéro ou le nom d’un VServer
  --silent          ne pas dire le numéro
  --config FICHIER  les réglages d’une autre instance
  --help, --version";
        chbind_usage = "chbind --nid CONTEXTE [--silent] [--] COMMANDE [ARGUMENTS]";
        chbind_explained = "Lance une commande de l’hôte dans le réseau d’un VServer en marche, et affiche ses adresses.
Comme avec l’original, --ip et --bcast sont sans effet là où le réseau existe déjà. Limiter un processus
de l’hôte à certaines adresses demande le noyau modifié.
  --nid CONTEXTE    le numéro ou le nom d’un VServer
  --silent          ne pas afficher les adresses
  --config FICHIER  les réglages d’une autre instance
  --help, --version";
        vwait_usage = "vwait [--timeout SECONDES] [--terminate] [--status-fd FD] CONTEXTE";
        vwait_explained = "Attend qu’un VServer se soit terminé : 0, FINISHED. C’est le cas de celui qui n’est pas en marche.
  --timeout SECONDES pas plus longtemps : 2, TIMEOUT
  --terminate       tuer alors tous ses processus : 1, KILLED
  --status-fd FD    y écrire le mot ; tout le reste vaut 127, ERROR
  --config FICHIER  les réglages d’une autre instance
  --help, --version";
        not_a_vserver(word) = "« {word} » est l’hôte, pas un VServer.";
        no_such_program(program) = "Il n’y a pas de programme {program}.";
        install_package(package) = "Installez-le : apt-get install {package}.";
        program_not_started(program, why) = "{program} n’a pas pu être lancé : {why}";
        no_pid_column = "ps n’affiche aucune colonne PID : rien ne dit de quel processus parle une ligne.";
        not_a_pid(word) = "« {word} » n’est pas un pid.";
        pid_missing = "Il manque un pid, ou un VServer avec -c.";
        no_such_process(pid) = "Il n’y a pas de processus {pid}.";
        process_is_in(pid, name) = "Le processus {pid} n’est pas à l’hôte : il est dans {name}.";
        spectator_signals_nobody = "Le contexte 1 ne fait que regarder : on n’y envoie aucun signal.";
        signal_not_sent(pid, why) = "Le signal n’a pas atteint {pid} : {why}";
        xid_missing = "Il manque --xid.";
        tag_missing = "Il manque un tag ; -l en donne la liste.";
        tag_unknown(word, known) = "« {word} » n’est pas un tag. Il y a : {known}.";
        tag_without_value(word) = "« {word} » n’est pas TAG=VALEUR.";
        tag_is_the_kernels(tag) = "{tag} est celui du noyau, le même pour tous : il ne peut être différent dans un VServer.";
        tags_to_set = "Ce qui se change : -t nodename=NOM, -t domainname=NOM.";
        not_seconds(word) = "« {word} » n’est pas un nombre de secondes.";
        not_a_descriptor(word) = "« {word} » n’est pas un descripteur de fichier.";
        context_missing = "Il faut un contexte : le numéro ou le nom d’un VServer.";
        option_of_the_patch(option) = "{option} relève du noyau modifié ; un noyau ordinaire n’a rien de tel.";
        namespace_instead = "Une commande du VServer lui-même, dans tous ses espaces de noms : vserver NOM exec COMMANDE.";
        space_needs_exec(option) = "{option} ferait d’un programme de l’hôte une partie du VServer.";
        space_not_made(option) = "{option} n’est pas créé ici.";
        unshare_instead = "unshare(1) d’util-linux le fait : unshare --user, unshare --pid --fork.";
        new_or_enter = "Il faut soit -e CONTEXTE, soit -n.";
        decided_at_start(option) = "{option} se décide pour tout un VServer à son démarrage, pas pour une commande.";
        configure_instead = "Voir « vserver NOM config » : bcapabilities, flags ; ils comptent à son prochain démarrage.";
        vuname_instead = "« vuname -s --xid NOM -t nodename=… » le change pendant que le VServer tourne, uts/nodename dès son prochain démarrage.";
        setsid_instead = "setsid(1) le fait : setsid chcontext --xid NOM COMMANDE.";
        no_context_by_itself = "Un noyau ordinaire n’a pas de contexte sans VServer.";
        no_context_of_number(number) = "Aucun VServer ne tourne dans le contexte {number}, et un noyau ordinaire n’a pas de contexte sans VServer.";
        context_instead = "Démarrez d’abord le VServer : vserver NOM start. Pour un processus seul : systemd-run, unshare.";
        no_list_of_addresses = "Un noyau ordinaire ne limite aucun processus à une liste d’adresses.";
        chbind_instead = "--nid NOM lance une commande dans le réseau d’un VServer. Un service de l’hôte écoute là où ses réglages le disent (ListenAddress), ou est tenu par systemd (SocketBindAllow=, IPAddressAllow=).";
        processes_of(name) = "Processus de {name}";
        process_title(pid, name) = "Processus {pid} de {name}";
        all_processes = "Les processus de tous les VServers";
        process_counts(shown, all) = "{shown} processus sur {all}";
        process_rows_cut(most) = "Seuls les {most} premiers sont affichés : filtrez par VServer ou par texte pour voir les autres.";
        no_processes = "Aucun VServer n’est en marche, il n’y a donc pas de processus.";
        no_process_matches = "Aucun processus ne correspond.";
        does_not_run(name) = "{name} n’est pas en marche : il n’a pas de processus.";
        filter_processes = "Commande, utilisateur ou pid";
        every_vserver = "tous les VServers";
        as_tree = "en arbre";
        sorted_by = "Trié par";
        sort_by(column) = "Trier par {column}";
        signal_one(pid) = "Envoyer un signal au processus {pid}";
        signal_word = "Signal…";
        send_signal = "Envoyer le signal";
        which_signal = "Signal";
        signals_explained = "Le signal atteint exactement ce processus, ou personne s’il s’est terminé entre-temps. KILL ne peut être intercepté : ce que le processus n’a pas écrit est perdu.";
        signal_to_init = "C’est le pid 1 du VServer : KILL termine tout le VServer.";
        back_to_processes(name) = "Tous les processus de {name}";
        equivalent_vps = "En ligne de commande : vps aux, vpstree -p, vtop.";
        col_pid = "pid sur l’hôte";
        col_inside = "pid dans le VServer";
        col_parent = "pid de son parent sur l’hôte";
        col_user = "utilisateur du VServer";
        col_state = "R actif, S endormi, D en attente d’un disque, T suspendu, Z terminé mais pas encore recueilli, I inactif";
        col_nice = "gentillesse, de -20 (servi d’abord) à 19";
        col_cpu = "part d’un processeur ces dernières secondes";
        col_time = "temps de processeur consommé jusqu’ici";
        col_rss = "mémoire utilisée";
        col_vsz = "espace d’adressage";
        col_threads = "fils d’exécution";
        col_start = "quand il a été lancé";
        col_command = "ligne de commande";
    }
}
