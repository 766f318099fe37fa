//! French: the steps of a start and a stop.

use domain::trace::TraceStep;

/// One line.
pub(in crate::i18n) fn trace(step: &TraceStep) -> String {
    match step {
        TraceStep::ConfigDirectory { path } => format!("→ Configuration : {path}"),
        TraceStep::Hook { hook, file } => format!("→ Exécute {file} sur l’hôte ({hook})"),
        TraceStep::ConfigRead { style, root } => {
            format!("→ Configuration lue : style d’init {style}, fichiers dans {root}")
        }
        TraceStep::Recorded { context, first_host_id } => format!(
            "→ Contexte {context} ; son utilisateur 0 est l’utilisateur {first_host_id} de l’hôte. Noté pour l’arrêt"
        ),
        TraceStep::Cgroups { directories } => {
            format!("→ Cgroups créés : {}", directories.join(" "))
        }
        TraceStep::Limits => "→ Limites écrites dans les cgroups".into(),
        TraceStep::Namespaces { pid } => format!(
            "→ Premier processus {pid} créé, dans ses propres namespaces (utilisateurs, processus, montages, nom d’hôte, IPC, réseau)"
        ),
        TraceStep::Link { device, addresses } => {
            format!("→ Interface réseau {device} créée pour {}", addresses.join(", "))
        }
        TraceStep::Mounted { line, target } => format!("→ fstab, ligne {line} : {target} monté"),
        TraceStep::HostCommand { file, command } => {
            format!("→ Exécute sur l’hôte ({file}) : {command}")
        }
        TraceStep::HostName { host_name } => format!("→ Nom d’hôte posé : {host_name}"),
        TraceStep::Served { nice } => {
            format!("→ nice {nice}, priorité disque, personnalité et limites des processus posés")
        }
        TraceStep::Confined { capabilities } => format!(
            "→ Fichiers de l’hôte quittés ; capacités gardées : {capabilities:#x} ; appels système filtrés"
        ),
        TraceStep::Prepared { style } => {
            format!("→ Fichiers préparés pour le style d’init {style}")
        }
        TraceStep::Executed { pid, command } => format!("→ Lancé, pid {pid} de l’hôte : {command}"),
        TraceStep::WaitsForStart => "→ Attend la fin de la commande de démarrage".into(),
        TraceStep::StartCommandEnded { status: Some(status) } => {
            format!("→ La commande de démarrage a fini avec le code {status}")
        }
        TraceStep::StartCommandEnded { status: None } => {
            "→ La commande de démarrage a été tuée par un signal".into()
        }
        TraceStep::Published { run_file } => format!("→ Fichier run écrit : {run_file}"),
        TraceStep::RecordRead { context, style } => format!(
            "→ D’après ce qui fut noté au démarrage : contexte {context}, style d’init {style}"
        ),
        TraceStep::TerminalsClosed => "→ Ses terminaux fermés".into(),
        TraceStep::ToldToEnd { pid, signal, command, seconds } if command.is_empty() => format!(
            "→ Premier processus {pid} prié de finir par le signal {signal} ; il a {seconds} s pour cela"
        ),
        TraceStep::ToldToEnd { pid, signal, command, seconds } => format!(
            "→ Premier processus {pid} prié de finir par le signal {signal} ; il exécute {command} et a {seconds} s pour cela"
        ),
        TraceStep::Signalled { signal, seconds } => {
            format!("→ Signal {signal} à tous ses processus, puis jusqu’à {seconds} s d’attente")
        }
        TraceStep::Ended => "→ Plus aucun de ses processus ne tourne".into(),
        TraceStep::LinkRemoved { device } => format!("→ Interface réseau {device} supprimée"),
        TraceStep::CgroupsRemoved => "→ Cgroups supprimés".into(),
        TraceStep::RecordRemoved => "→ Note de son démarrage et fichier run supprimés".into(),
    }
}
