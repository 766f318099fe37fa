//! Words about config files.

use domain::config_change::{Author, NotEditable, Use};
use domain::config_entry::{ConfigEntry, EntryKind};

use super::{Locale, actor_text, en, fr};

/// What an entry means.
#[must_use]
pub fn entry_meaning(locale: Locale, entry: ConfigEntry) -> &'static str {
    match locale {
        Locale::English => en::config_entry::meaning(entry),
        Locale::French => fr::config_entry::meaning(entry),
    }
}

/// How an entry is read.
#[must_use]
pub fn entry_kind_text(locale: Locale, kind: EntryKind) -> &'static str {
    let (en, fr) = match kind {
        EntryKind::Scalar => ("one line", "une ligne"),
        EntryKind::List => (
            "one item a line; lines that begin with “#” are comments",
            "un élément par ligne ; les lignes qui commencent par « # » sont des commentaires",
        ),
        EntryKind::Array => ("one item a line", "un élément par ligne"),
        EntryKind::Switch => (
            "a switch: that the file is there says all",
            "un interrupteur : l’existence du fichier dit tout",
        ),
        EntryKind::Fstab => (
            "a table of mounts; lines that begin with “#” are comments",
            "une table de montages ; les lignes qui commencent par « # » sont des commentaires",
        ),
        EntryKind::Text => ("a text", "un texte"),
        EntryKind::Link => ("a symbolic link", "un lien symbolique"),
        EntryKind::Program => ("a program", "un programme"),
    };
    locale.pick(en, fr)
}

/// Whether what a file says is in use.
#[must_use]
pub fn use_text(locale: Locale, in_use: Use) -> &'static str {
    let (en, fr) = match in_use {
        Use::AtOnce => (
            "at once: it is read each time it is needed",
            "aussitôt : il est lu à chaque fois qu’il sert",
        ),
        Use::SinceStart => (
            "the VServer was started with it; a change counts from its next start on",
            "le VServer a démarré avec ; une modification comptera à son prochain démarrage",
        ),
        Use::AfterRestart => (
            "not yet: the VServer was started before the file was changed. Restart it",
            "pas encore : le VServer a démarré avant la modification du fichier. Redémarrez-le",
        ),
        Use::NextStart => {
            ("from the next start of the VServer on", "à partir du prochain démarrage du VServer")
        }
        Use::NextBuild => ("from the next build on", "à partir de la prochaine construction"),
        Use::Given => (
            "not needed: what it asks for holds anyway",
            "inutile : ce qu’il demande est acquis de toute façon",
        ),
        Use::Never => (
            "no: this release keeps it and does not act on it",
            "non : cette version le garde et n’en fait rien",
        ),
    };
    locale.pick(en, fr)
}

/// Why a file cannot be changed here.
#[must_use]
pub fn not_editable_text(locale: Locale, reason: NotEditable) -> String {
    let (why, remedy) = match locale {
        Locale::English => en::failure::not_editable(reason),
        Locale::French => fr::failure::not_editable(reason),
    };
    let mut characters = why.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}. {remedy}", characters.as_str())
}

/// Who changed a config tree.
#[must_use]
pub fn author_text(locale: Locale, author: &Author) -> String {
    match author {
        Author::Known(actor) => actor_text(locale, actor),
        Author::ByHand => locale.by_hand().to_owned(),
    }
}
