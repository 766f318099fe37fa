//! French: what Ulysse itself says in the log of an operation.

use domain::backup::Omission;
use domain::failure::Failure;
use domain::note::{MemberNote, NoAnswer, Note};

use super::failure::failure;
use super::trace::step;
use crate::i18n::{Locale, filled, format};

const FRENCH: Locale = Locale::French;

/// What happened, and what to do about it.
fn both(why: &Failure) -> String {
    let (what, remedy) = failure(why);
    format!("{what} {remedy}")
}

/// One line.
pub(in crate::i18n) fn note(note: &Note) -> String {
    match note {
        Note::InterfaceWithoutAddress { directory } => {
            format!("{directory} n’a pas de fichier « ip » et est laissé de côté.")
        }
        Note::Obsolete { file, instead } => {
            format!("{file} est une ancienne écriture : utilisez {instead}.")
        }
        Note::NoEffect { file } => format!("{file} n’a pas d’effet dans cette version d’Ulysse."),
        Note::WordWithoutEffect { file, word } => {
            format!("{file} : « {word} » n’a pas d’effet dans cette version d’Ulysse.")
        }
        Note::NeedsFlag { file, flag } => format!(
            "{file} n’a pas d’effet : il ne compte qu’avec le drapeau {flag} (fichier « cflags »)."
        ),
        Note::Overruled { file, by } => format!("{file} n’est pas lu, car {by} est là."),
        Note::NotOfStyle { file, style } => {
            format!("{file} n’a pas d’effet avec le style d’init {style} : son premier processus est averti par un signal.")
        }
        Note::NoController { file } => {
            format!("{file} n’a pas d’effet : l’hôte n’a pas de contrôleur cgroup pour cela.")
        }
        Note::NotMounted { line, subject, detail } => {
            format!("fstab, ligne {line} : {subject} n’a pas été monté ({detail}).")
        }
        Note::Traced { step: kind, named } => filled(step(*kind), named),
        Note::StartCommandRuns { seconds } => {
            format!("La commande de démarrage tourne encore après {seconds} s ; ce qui l’attend continue.")
        }
        Note::AtStop { failure } => both(failure),
        Note::Vshelper { failure } => {
            format!("Ce qui doit suivre quand il s’arrête de lui-même pourrait ne pas avoir lieu. {}", both(failure))
        }
        Note::TerminalNotEnded { detail } => format!("Un terminal n’a pas été fermé ({detail})."),
        Note::StopTimedOut { seconds } => format!(
            "Il ne s’est pas arrêté en {seconds} s (apps/vshelper/sync-timeout) : ses processus sont terminés."
        ),
        Note::EditsNotNoticed { failure } => {
            format!("Les modifications faites à la main n’ont pas pu être relevées. {}", both(failure))
        }
        Note::UsingBase { age_ms } => {
            format!("La base utilisée a été faite {}.", format::ago(FRENCH, *age_ms))
        }
        Note::WaitingForBase => "Une autre construction fait cette base ; elle est attendue.".into(),
        Note::WaitingForBuild => "Une construction utilise cette base ; elle est attendue.".into(),
        Note::WaitingForVServer { name } => {
            format!("Une autre opération travaille sur {name} ; elle est attendue.")
        }
        Note::FilesStay => "Les fichiers présents restent, même en cas d’échec.".into(),
        Note::SetAside { from, to } => format!("{from} devient {to}."),
        Note::PackagesNotInstalled { list, failure } => {
            format!("Les paquets de {list} n’ont pas été installés. {}", both(failure))
        }
        Note::Unpacking { archive } => format!("Dépaquetage de {archive}."),
        Note::ArchiveRead { compression, members, bytes, sha256 } => format!(
            "{compression} : {} membres, {} une fois dépaquetés, SHA-256 {sha256}",
            format::integer(FRENCH, *members),
            format::bytes(FRENCH, *bytes)
        ),
        Note::Member { name, how } => member(name, *how),
        Note::MoreMembers { count, how } => {
            let what = match how {
                MemberNote::Device => "nœuds de périphérique laissés de côté",
                MemberNote::LinkToNothing => "liens physiques vers rien laissés de côté",
                MemberNote::Owner => "dont le propriétaire sort de la plage du VServer",
                MemberNote::Attribute => "attributs étendus laissés de côté",
                MemberNote::Lifted | MemberNote::Tail => "de la même sorte",
            };
            format!("… et encore {} {what}", format::integer(FRENCH, *count))
        }
        Note::Shared { shared_bytes, bytes, can_share } => {
            let why =
                if *can_share { "" } else { " ; ce système de fichiers ne partage pas de blocs" };
            let [shared, all] = [shared_bytes, bytes].map(|bytes| format::bytes(FRENCH, *bytes));
            format!("Partagé avec d’autres fichiers : {shared} sur {all}{why}.")
        }
        Note::Unified { shared_bytes, own_bytes } => {
            let [shared, own] = [shared_bytes, own_bytes].map(|bytes| format::bytes(FRENCH, *bytes));
            format!("Partagé avec d’autres VServers : {shared} ; en propre : {own}.")
        }
        Note::ReferenceIsCopy => "Ses fichiers sont copiés une fois, dans une référence sur laquelle repose ce clone. Un clone du clone les partage ; une source à l’arrêt n’a pas besoin de copie.".into(),
        Note::SharedUnknown => "Ce qui est partagé n’a pas pu être compté à temps.".into(),
        Note::NoHostKeys => {
            "Aucune clé d’hôte ssh n’a pu être faite. Son sshd en a besoin : faites-les dedans avec ssh-keygen -A."
                .into()
        }
        Note::LinkOfOldHost { path, to } => {
            format!("{path} menait à {to} sur l’ancien hôte ; une restauration le refait.")
        }
        Note::LinkToNowhere { path, to } => {
            format!("{path} mène à {to}, qui n’est pas sur cet hôte. Changez-le ou supprimez-le.")
        }
        Note::ConfigLeftOut { path } => format!(
            "{path} est laissé de côté : seul root à la ligne de commande de cet hôte peut l’apporter."
        ),
        Note::HostLinesLeftOut { path } => format!(
            "{path} : les lignes qui nomment quelque chose de l’hôte sont laissées de côté ; seul root à sa ligne de commande peut les apporter."
        ),
        Note::NoInit { paths, style } => format!(
            "Il n’a pas de {}, dont son style d’init {style} a besoin pour démarrer : installez-en un, ou choisissez un autre style dans apps/init/style.",
            paths.join(" ni de ")
        ),
        Note::NoNameServer => {
            "L’hôte ne nomme aucun serveur de noms qu’un VServer puisse joindre ; etc/resolv.conf reste comme les paquets l’ont laissé."
                .into()
        }
        Note::StaysBecauseOf { path, there } => format!("{path} reste : {there} est là."),
        Note::NameStays { shown } => format!("Le fichier « name » dit toujours « {shown} »."),
        Note::StartedAgain { name } => format!("{name} est redémarré, comme il était."),
        Note::NotStartedAgain { name, failure } => {
            format!("{name} n’a pas été redémarré. {}", both(failure))
        }
        Note::LeftAsItIs { path } => format!("{path} est laissé tel quel."),
        Note::LogTooLong => "… le journal continue, et n’est pas gardé au-delà de cette taille.".into(),
        Note::PutRight => {
            "Le processus qui s’en occupait a disparu. Tout est remis en ordre.".into()
        }
        Note::Failed { failure } => both(failure),
        Note::BackupHolds { entries, file_bytes, bytes } => format!(
            "{} entrées, {} de fichiers ; {} écrits.",
            format::integer(FRENCH, *entries),
            format::bytes(FRENCH, *file_bytes),
            format::bytes(FRENCH, *bytes)
        ),
        Note::ChangedWhileRead { path } => format!("Modifié pendant sa lecture : {path}"),
        Note::MoreChangedWhileRead { count } => {
            format!("… et encore {} modifiés pendant leur lecture.", format::integer(FRENCH, *count))
        }
        Note::LeftOut { path, reason } => {
            let why = match reason {
                Omission::TooDeep => "son chemin est trop long ou trop profond",
                Omission::OtherFilesystem => "un autre système de fichiers y est monté",
                Omission::Gone => "il avait disparu avant d’être lu",
                Omission::Unreadable => "il a trop de trous",
            };
            format!("Laissé de côté ({why}) : {path}")
        }
        Note::BackupOfRunning => {
            "Il tourne, et son système de fichiers n’a pas d’instantanés : ce qui change entre-temps est noté."
                .into()
        }
        Note::PackagesNotKnown { why } => format!(
            "La liste des paquets installés manque à la sauvegarde : {} Leur base de données est sauvegardée avec les fichiers.",
            no_answer(why)
        ),
        Note::BackupKept { backup } => format!("Gardée sous {backup}."),
        Note::BackupRemoved { backup } => format!("{backup} a été supprimée."),
        Note::DevicesNotMade { count } => {
            format!("{} nœuds de périphérique n’ont pas été faits.", format::integer(FRENCH, *count))
        }
        Note::HostNameFile { host_name } => format!("etc/hostname dit maintenant {host_name}."),
        Note::HostsFile => "etc/hosts dit son nouveau nom et ses nouvelles adresses.".into(),
        Note::OwnMachineId => {
            "Il reçoit un identifiant de machine à lui : ce dont il vient est toujours là.".into()
        }
        Note::RestoredAs { path } => format!("Restauré sous {path}."),
        Note::OneOfManyBegun { .. } | Note::OneOfManyEnded { .. } | Note::NoMoreBegun { .. } => {
            super::batch::note(note)
        }
        Note::EnteredStopped => {
            "Il ne tourne pas et n’est pas démarré : ses outils y tournent seuls.".into()
        }
        Note::PackageChanged { package, before: None, after: Some(after) } => {
            format!("{package} {after} a été installé.")
        }
        Note::PackageChanged { package, before: Some(before), after: None } => {
            format!("{package} {before} a été supprimé.")
        }
        Note::PackageChanged { package, before, after } => format!(
            "{package} : {} est devenu {}.",
            before.as_deref().unwrap_or("–"),
            after.as_deref().unwrap_or("–")
        ),
        Note::PackagesUnchanged => "Aucun paquet n’a changé.".into(),
        Note::NothingPending => "Il n’y a pas de telle mise à jour.".into(),
        Note::PendingKnown { all, security } => format!(
            "Mises à jour en attente : {} ; de sécurité : {}.",
            format::integer(FRENCH, *all),
            format::integer(FRENCH, *security)
        ),
        Note::PendingNotKnown { failure } => {
            format!("On ne sait pas quelles mises à jour attendent. {}", both(failure))
        }
        Note::ToolSilent { seconds } => {
            format!("Rien ne s’est dit pendant {seconds} s : ce qui est attendu est terminé.")
        }
        Note::ToolInterrupted => {
            "On lui demande de s’arrêter dès que rien n’est à moitié fait.".into()
        }
        Note::PackagesLeftBroken { failure } => both(failure),
        Note::PackageWouldChange { package, before: None, after: Some(after) } => {
            format!("{package} {after} serait installé.")
        }
        Note::PackageWouldChange { package, before: Some(before), after: None } => {
            format!("{package} {before} serait supprimé.")
        }
        Note::PackageWouldChange { package, before, after } => format!(
            "{package} : {} deviendrait {}.",
            before.as_deref().unwrap_or("–"),
            after.as_deref().unwrap_or("–")
        ),
        Note::PackagesWouldStay => "Aucun paquet ne changerait.".into(),
    }
}

fn no_answer(why: &NoAnswer) -> String {
    match why {
        NoAnswer::NoProgram { program } => {
            format!("ni le VServer ni l’hôte ({program}) n’a rpm. Installez rpm sur l’hôte.")
        }
        NoAnswer::NotRun { failure } => format!("rpm n’a pas pu être exécuté. {}", both(failure)),
        NoAnswer::Failed { detail } => format!("rpm a échoué ({detail})."),
        NoAnswer::TooLate { seconds } => format!("rpm a pris plus de {seconds} s."),
        NoAnswer::TooLong => "rpm n’arrive pas à la fin de sa liste.".into(),
        NoAnswer::Nothing => "rpm n’en trouve aucun dans la base de données.".into(),
    }
}

fn member(name: &str, how: MemberNote) -> String {
    match how {
        MemberNote::Device => format!("{name} : nœud de périphérique laissé de côté"),
        MemberNote::LinkToNothing => format!("{name} : lien physique vers rien laissé de côté"),
        MemberNote::Owner => {
            format!("{name} : le propriétaire sort de la plage du VServer, désormais nobody")
        }
        MemberNote::Attribute => format!("{name} : attribut étendu laissé de côté"),
        MemberNote::Lifted => format!("{name}/ contient la racine et a été remonté"),
        MemberNote::Tail => "Ce qui suit la fin de l’archive n’a pas été lu.".into(),
    }
}
