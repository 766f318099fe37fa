//! French: the steps of a start and a stop.

use domain::trace::StepKind;

/// One line; `{0}` is where the first thing stands that the step names, and so on.
pub(in crate::i18n) fn step(kind: StepKind) -> &'static str {
    match kind {
        StepKind::ConfigDirectory => "→ Configuration : {0}",
        StepKind::Hook => "→ Exécute {1} sur l’hôte ({0})",
        StepKind::ConfigRead => "→ Configuration lue : style d’init {0}, fichiers dans {1}",
        StepKind::Recorded => {
            "→ Contexte {0} ; son utilisateur 0 est l’utilisateur {1} de l’hôte. Noté pour l’arrêt"
        }
        StepKind::Cgroups => "→ Cgroups créés : {0}",
        StepKind::Limits => "→ Limites écrites dans les cgroups",
        StepKind::Namespaces => {
            "→ Premier processus {0} créé, dans ses propres namespaces (utilisateurs, processus, montages, nom d’hôte, IPC, réseau)"
        }
        StepKind::Link => "→ Interface réseau {0} créée pour {1}",
        StepKind::Mounted => "→ fstab, ligne {0} : {1} monté",
        StepKind::HostCommand => "→ Exécute sur l’hôte ({0}) : {1}",
        StepKind::HostName => "→ Nom d’hôte posé : {0}",
        StepKind::Served => {
            "→ nice {0}, priorité disque, personnalité et limites des processus posés"
        }
        StepKind::Confined => {
            "→ Fichiers de l’hôte quittés ; capacités gardées : {0} ; appels système filtrés"
        }
        StepKind::Prepared => "→ Fichiers préparés pour le style d’init {0}",
        StepKind::Executed => "→ Lancé, pid {0} de l’hôte : {1}",
        StepKind::WaitsForStart => "→ Attend la fin de la commande de démarrage",
        StepKind::StartCommandEnded => "→ La commande de démarrage a fini avec le code {0}",
        StepKind::StartCommandKilled => "→ La commande de démarrage a été tuée par un signal",
        StepKind::Published => "→ Fichier run écrit : {0}",
        StepKind::RecordRead => {
            "→ D’après ce qui fut noté au démarrage : contexte {0}, style d’init {1}"
        }
        StepKind::TerminalsClosed => "→ Ses terminaux fermés",
        StepKind::ToldToEnd => {
            "→ Premier processus {0} prié de finir par le signal {1} ; il a {2} s pour cela"
        }
        StepKind::ToldToRun => {
            "→ Premier processus {0} prié de finir par le signal {1} ; il exécute {2} et a {3} s pour cela"
        }
        StepKind::Signalled => "→ Signal {0} à tous ses processus, puis jusqu’à {1} s d’attente",
        StepKind::Ended => "→ Plus aucun de ses processus ne tourne",
        StepKind::LinkRemoved => "→ Interface réseau {0} supprimée",
        StepKind::CgroupsRemoved => "→ Cgroups supprimés",
        StepKind::RecordRemoved => "→ Note de son démarrage et fichier run supprimés",
    }
}
