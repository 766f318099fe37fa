//! French: the mounts of a VServer.

use super::text::French;
use crate::i18n::messages::texts;
use crate::i18n::mounts::MountMessages;

impl MountMessages for French {
    texts! {
        mounts = "Montages";
        mounts_of(name) = "Montages de {name}";
        mounts_nothing = "Il ne monte rien.";
        mounts_hold_from_start = "Ce qui est modifié ici vaut à partir du prochain démarrage du VServer.";
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
        cleanup_is_on = "Les montages de l’hôte ne sont pas visibles dans le VServer.";
        cleanup_is_off = "nonamespace-cleanup est posé, et sans effet ici : les montages de l’hôte ne sont pas visibles dans le VServer.";
        cleanup_explained = "L’original partait d’une copie de tous les montages de l’hôte, puis démontait ce dont le VServer n’avait pas besoin, sauf si nonamespace-cleanup était posé. Ici, l’espace de montage d’un VServer ne contient que ce qui est monté pour lui : il n’y a rien à nettoyer. Le fichier est gardé pour les hôtes qui font tourner l’original. Seul root le pose, sur l’hôte :";
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
