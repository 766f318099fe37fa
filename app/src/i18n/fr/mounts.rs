//! French: the mounts of a VServer.

use domain::tmpfs::RemountProblem;

use super::text::French;
use crate::i18n::messages::texts;
use crate::i18n::mounts::MountMessages;
use crate::i18n::{Locale, format};

impl MountMessages for French {
    texts! {
        mounts = "Montages";
        mounts_of(name) = "Montages de {name}";
        mounts_nothing = "Il ne monte rien.";
        mounts_hold_from_start = "D’un tmpfs monté, la taille et ro, nosuid, nodev et noexec peuvent être changés aussitôt, et ses fichiers restent. Tout le reste vaut à partir du prochain démarrage du VServer.";
        mounted_now = "Monté actuellement";
        mounted_as_written = "comme écrit";
        mounted_otherwise_now(options) = "autrement : {options}";
        used_of_it(used) = "{used} occupés";
        apply_at_once = "Appliquer aussitôt";
        apply_to(target) = "Appliquer aussitôt à {target}";
        fstab_says(place, target, options, command) = "{place} dit de {target} : {options}. Pour l’avoir aussitôt : {command}";
        its_mounts = "Ce qui est monté, et ce qui peut en être changé aussitôt";
        remount_arguments = "RÉPERTOIRE";
        does_mounts = "montrer ce qu’il voit de monté";
        does_remount = "donner à un tmpfs la taille et les options du fstab";
        vmount_usage = "vmount CONTEXTE [-- -o remount [SOURCE] RÉPERTOIRE]";
        vmount_explained = "Montre ce qu’un VServer en marche voit de monté. Avec -o remount, donne au tmpfs que son fstab a en
RÉPERTOIRE la taille et les options qui y figurent désormais ; ses fichiers restent. Ce qui doit
être monté d’autre s’écrit dans le fstab et vaut à partir du prochain démarrage : rien n’est monté
dans un VServer de l’extérieur.
  --config FICHIER  les réglages d’une autre instance
  --help, --version";
        vmount_refused = "Rien n’est monté dans un VServer de l’extérieur, ni avec d’autres options que celles de son fstab.";
        vmount_instead(name) = "Écrivez-le dans son fstab (vserver {name} config edit fstab), qui vaut à partir du prochain démarrage ; ce qui peut être obtenu aussitôt, « vserver {name} remount RÉPERTOIRE » l’applique.";
        target_missing = "Dites où c’est monté, par exemple /tmp.";
        add_mount = "Ajouter une ligne…";
        change_line = "Modifier…";
        remove_line = "Supprimer…";
        change_mount(target) = "Modifier le montage sur {target}";
        remove_mount(target) = "Supprimer le montage sur {target}";
        line = "Ligne";
        mount_target = "Où";
        mount_type = "Type";
        mount_source = "Quoi";
        mount_options = "Options";
        mount_target_explained = "Un répertoire qui existe, depuis la racine du VServer, par exemple /tmp.";
        mount_size_explained = "D’un tmpfs : 32m, 1g, ou une part de la mémoire comme 50%. Vide : la moitié de la mémoire.";
        mount_mode_explained = "D’un tmpfs, en octal : 1777 si tous peuvent y écrire, comme /tmp.";
        other_options_explained = "Séparées par des virgules. Montrer des répertoires ou périphériques de l’hôte revient à root, sur l’hôte.";
        what_it_sees = "Ce qu’il voit monté";
        sees_nothing_stopped = "Il ne tourne pas, et ne voit donc rien de monté.";
        mounted_by = "Monté par";
        mounted_by_ulysse = "Ulysse, dans chaque VServer";
        mounted_by_fstab(line) = "la ligne {line} de son fstab";
        mounted_otherwise = "lui-même, ou une autre ligne";
        cleanup_is_on = "vnamespace -e montre les montages de ce VServer, et pas ceux des autres.";
        cleanup_is_off = "nonamespace-cleanup est posé : vnamespace -e montre aussi ceux des autres VServers. Dans le VServer lui-même, rien de l’hôte n’est visible.";
        cleanup_explained = "Un VServer de l’original partait d’une copie de tous les montages de l’hôte, dont on démontait ce dont il n’avait pas besoin, sauf si nonamespace-cleanup était posé. Ici, son espace de montage ne contient que ce qui est monté pour lui ; la copie est faite pour qui regarde depuis l’hôte avec vnamespace -e, et nettoyée selon les mêmes règles. Seul root le pose, sur l’hôte, et il vaut aussitôt :";
    }
}

/// Why what is mounted stays as it is, and what to do.
pub(super) fn failure(target: &str, problem: RemountProblem) -> (String, String) {
    match problem {
        RemountProblem::NotInFstab => (
            format!(
                "Aucune ligne du fstab ne dit qu’un tmpfs de taille limitée doit être en {target}."
            ),
            "Ce qui est monté autrement l’est à nouveau au prochain démarrage.".into(),
        ),
        RemountProblem::NotMounted => (
            format!("Aucun tmpfs propre au VServer n’est monté en {target}."),
            "Sa ligne vaut à partir du prochain démarrage du VServer.".into(),
        ),
        RemountProblem::TooSmall { size_bytes, used_bytes } => {
            let [size, used] = [size_bytes, used_bytes].map(|n| format::bytes(Locale::French, n));
            (
                format!(
                    "Les fichiers de {target} occupent {used} ; ils ne tiendraient pas dans {size}."
                ),
                "Supprimez des fichiers à l’intérieur, ou laissez-le plus grand.".into(),
            )
        }
        RemountProblem::BeingWritten => (
            format!("Un processus a un fichier de {target} ouvert en écriture."),
            "Terminez ce qui y écrit, ou laissez la lecture seule au prochain démarrage.".into(),
        ),
    }
}

/// What an option of a line of an fstab means; nothing for those of a filesystem that nobody knows.
pub(in crate::i18n) fn option(word: &str) -> &'static str {
    match word {
        "defaults" => "aucune option, sauf nodev",
        "ro" => "rien ne peut y être écrit",
        "rw" => "l’écriture est possible",
        "nosuid" => "les programmes set-user-id sont sans effet",
        "suid" => "les programmes set-user-id ont un effet",
        "nodev" => "les nœuds de périphériques sont sans effet ; toujours, sauf avec dev",
        "dev" => "les nœuds de périphériques ont un effet",
        "noexec" => "aucun programme ne peut y être lancé",
        "exec" => "ses programmes peuvent être lancés",
        "noatime" => "la lecture ne change pas la date d’accès",
        "nodiratime" => "de même, pour les répertoires",
        "sync" => "ce qui est écrit est aussitôt sur le disque",
        "dirsync" => "de même, pour les noms dans les répertoires",
        "noauto" => "un démarrage l’ignore",
        "bind" => "montre un répertoire ou fichier de l’hôte",
        "rbind" => "de même, avec ce qui est monté dessous",
        "newinstance" => "des terminaux à lui",
        _ if word.starts_with("size=") => "le plus qu’il peut contenir, en mémoire",
        _ if word.starts_with("mode=") => "le mode de son répertoire racine",
        _ if word.starts_with("uid=") => "à qui est son répertoire racine",
        _ if word.starts_with("gid=") => "le groupe de ce qu’il contient",
        _ if word.starts_with("nr_inodes=") => "le nombre maximal de fichiers",
        _ if word.starts_with("ptmxmode=") => "le mode de son ptmx",
        _ => "",
    }
}
