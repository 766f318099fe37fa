//! Everything that can be asked of the site: pages and server functions, and from which role on.

use domain::user::Role;

use crate::memory::{BACKUP, BINNED, FAILED_OPERATION, RUNNING_OPERATION, TERMINAL};

/// Every page, the least role that sees it, and a text of it in both languages.
pub(crate) fn pages() -> Vec<(String, Role, &'static str, &'static str)> {
    let page = |path: &str, role, en, fr| (path.to_owned(), role, en, fr);
    vec![
        page("/vservers", Role::Viewer, "userTIME", "en marche"),
        page("/vservers/web1", Role::Viewer, "Configuration files", "Fichiers de configuration"),
        page("/vservers/web1/config", Role::Viewer, "Files that are there", "Fichiers présents"),
        page(
            "/vservers/web1/config/file?path=context",
            Role::Viewer,
            "Its context number (xid), from 2 to 49151.",
            "Son numéro de contexte (xid), de 2 à 49151.",
        ),
        page(
            "/vservers/web1/config/file?path=interfaces%2F1%2Fip",
            Role::Viewer,
            "This file is not there.",
            "Ce fichier n’existe pas.",
        ),
        page(
            "/vservers/web1/config/history",
            Role::Viewer,
            "by hand on the host",
            "à la main sur l’hôte",
        ),
        page("/defaults", Role::Viewer, "Defaults for all VServers", "Valeurs par défaut"),
        page("/defaults/file?path=shell", Role::Viewer, "one item a line", "un élément par ligne"),
        page("/defaults/history", Role::Viewer, "Change 2", "Modification 2"),
        page("/distributions", Role::Viewer, "a suite of Debian’s", "une distribution RPM"),
        page("/distributions?of=fc6", Role::Viewer, "root alone writes it", "seul root"),
        page(
            "/distributions/file?path=fc6%2Fpkgs%2F01",
            Role::Viewer,
            "one list after the other",
            "liste après liste",
        ),
        page("/distributions/history", Role::Viewer, "Change 2", "Modification 2"),
        page(
            "/vservers/web1/delete",
            Role::Operator,
            "This goes to the recycle bin",
            "Ce qui va dans la corbeille",
        ),
        page("/vservers/web1/identity", Role::Operator, "Now: web1.", "Actuellement : web1."),
        page("/boot", Role::Viewer, "closes a circle", "ferme un cercle"),
        page("/bin", Role::Operator, "The recycle bin takes", "La corbeille occupe"),
        page(
            &format!("/bin/{BINNED}"),
            Role::Operator,
            "This name is taken.",
            "Ce nom est déjà pris.",
        ),
        page("/build", Role::Operator, "What this does", "Ce que cela fait"),
        page("/build?method=clone", Role::Operator, "The VServer to copy", "Le VServer à copier"),
        page("/build?method=rsync", Role::Operator, "Left out of the copy", "À ne pas copier"),
        page("/build?method=template", Role::Operator, "One that is kept", "gardés ici"),
        page("/build?method=skeleton", Role::Operator, "which you fill", "à remplir"),
        page("/backups", Role::Viewer, "failed: There is no space", "a échoué"),
        page("/vservers/web1/backups", Role::Viewer, "last of its day", "dernière de son jour"),
        page(&format!("/backups/{BACKUP}"), Role::Operator, "&lt;motd&gt;", "il était en marche"),
        page("/operations", Role::Viewer, "Build new1", "Construction new1"),
        page(&format!("/operations/{RUNNING_OPERATION}"), Role::Viewer, "43.0", "Dépaquetage"),
        page(&format!("/operations/{FAILED_OPERATION}"), Role::Viewer, "The mirror", "Le miroir"),
        page("/terminals", Role::Operator, "Terminal in web1", "Terminal dans web1"),
        page(
            &format!("/terminals/{TERMINAL}"),
            Role::Operator,
            "data-terminal-screen",
            "dans web1",
        ),
        page("/templates", Role::Viewer, "Archives of whole root", "Des archives de répertoires"),
        page("/users", Role::Administrator, "Last log-in", "Dernière connexion"),
        page("/users/create", Role::Administrator, "Create the user", "Créer l’utilisateur"),
        page("/users/2", Role::Administrator, "Change the role", "Changer le rôle"),
        page("/account/password", Role::Viewer, "Current password", "Mot de passe actuel"),
    ]
}

/// Every server function and the least role that may call it; none: anybody.
pub(crate) fn functions() -> Vec<(&'static str, Option<Role>)> {
    vec![
        ("/api/account/change-password", Some(Role::Viewer)),
        ("/api/account/log-in", None),
        ("/api/account/log-out", Some(Role::Viewer)),
        ("/api/account/preferences", None),
        ("/api/account/set-up", None),
        ("/api/config/preview", Some(Role::Operator)),
        ("/api/config/save", Some(Role::Operator)),
        ("/api/config/undo", Some(Role::Operator)),
        ("/api/config/remove", Some(Role::Operator)),
        ("/api/bin/empty", Some(Role::Administrator)),
        ("/api/bin/remove", Some(Role::Administrator)),
        ("/api/bin/restore", Some(Role::Operator)),
        ("/api/backups/prune", Some(Role::Operator)),
        ("/api/backups/remove", Some(Role::Operator)),
        ("/api/backups/restore", Some(Role::Operator)),
        ("/api/backups/restore-file", Some(Role::Operator)),
        ("/api/backups/schedule", Some(Role::Operator)),
        ("/api/backups/take", Some(Role::Operator)),
        ("/api/backups/verify", Some(Role::Operator)),
        ("/api/operations/cancel", Some(Role::Operator)),
        ("/api/terminals/close", Some(Role::Operator)),
        ("/api/terminals/open", Some(Role::Operator)),
        ("/api/bases/refresh", Some(Role::Operator)),
        ("/api/bases/remove", Some(Role::Operator)),
        ("/api/templates/remove", Some(Role::Operator)),
        ("/api/users/create", Some(Role::Administrator)),
        ("/api/users/reset-password", Some(Role::Administrator)),
        ("/api/users/set-disabled", Some(Role::Administrator)),
        ("/api/users/set-role", Some(Role::Administrator)),
        ("/api/vservers/build", Some(Role::Operator)),
        ("/api/vservers/delete", Some(Role::Operator)),
        ("/api/vservers/identity", Some(Role::Operator)),
        ("/api/vservers/identity-preview", Some(Role::Operator)),
        ("/api/vservers/mark", Some(Role::Operator)),
        ("/api/vservers/preview", Some(Role::Operator)),
        ("/api/vservers/protect", Some(Role::Operator)),
        ("/api/vservers/restart", Some(Role::Operator)),
        ("/api/vservers/start", Some(Role::Operator)),
        ("/api/vservers/stop", Some(Role::Operator)),
    ]
}
