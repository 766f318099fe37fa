//! Every word for people, in French and English.
//!
//! A message is a function of [`Locale`]; its two texts stand in `fr` and `en`, and one that is
//! missing does not compile. Nothing here needs leptos: the command line takes its failures' texts
//! from [`failure_text`] too. Texts never decide anything, and no other module holds any.

mod batch;
mod boot;
mod command;
mod config;
mod en;
pub mod format;
mod fr;
mod inside;
mod messages;
mod metrics;
mod mounts;
mod packages;
mod processes;
mod program;

use domain::authz::ActionKind;
use domain::backup::{BackupAlert, Consistency};
use domain::build::MethodKind;
use domain::config_entry::Expected;
use domain::failure::{Failure, HostFeature};
use domain::field::{Field, Problem};
use domain::id::VServerName;
use domain::init::Init;
use domain::note::Note;
use domain::operation::{Actor, Kind, Stage};
use domain::retention::Reason;
use domain::user::Role;
use domain::vserver::State;
use serde::{Deserialize, Serialize};

pub use batch::{cancelled_text, forecast_text};
pub use boot::{boot_outcome_text, boot_problem_text, left_out_text};
pub use inside::{life_text, priority_text, service_action_text, service_state_text, since_text};
pub use processes::process_state_text;
pub use program::{program_does, program_takes};

pub use config::{author_text, entry_kind_text, entry_meaning, not_editable_text, use_text};

/// A language of the product.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Locale {
    /// English as written in Great Britain, 24-hour clock.
    #[default]
    #[serde(rename = "en")]
    English,
    /// French as written in France.
    #[serde(rename = "fr")]
    French,
}

impl Locale {
    /// Both, in the order the switch offers them.
    pub const ALL: [Self; 2] = [Self::French, Self::English];

    /// The language tag, for `lang` attributes and the cookie.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// Its name in itself.
    #[must_use]
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::French => "Français",
        }
    }

    /// The language of a tag such as `fr`, `fr-CA` or `fr_FR.UTF-8`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_', '.']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|locale| primary.eq_ignore_ascii_case(locale.tag()))
    }

    /// The language somebody wants: the one they chose, else the first of `Accept-Language` that
    /// the product speaks by descending weight, else English.
    #[must_use]
    pub fn negotiate(chosen: Option<&str>, accept_language: Option<&str>) -> Self {
        if let Some(locale) = chosen.and_then(Self::from_tag) {
            return locale;
        }
        let mut best: Option<(Self, f32)> = None;
        for part in accept_language.unwrap_or_default().split(',') {
            let mut pieces = part.split(';');
            let Some(locale) = pieces.next().and_then(Self::from_tag) else {
                continue;
            };
            let weight = pieces
                .find_map(|piece| piece.trim().strip_prefix("q="))
                .and_then(|weight| weight.parse::<f32>().ok())
                .unwrap_or(1.0);
            if weight > 0.0 && best.is_none_or(|(_, other)| weight > other) {
                best = Some((locale, weight));
            }
        }
        best.map_or_else(Self::default, |(locale, _)| locale)
    }
}

/// What a failure is called for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureText {
    /// What happened, one sentence.
    pub what: String,
    /// What to do about it, one or two sentences.
    pub remedy: String,
}

/// The words for a failure: what happened, what to do. The reference id is the caller's to add.
#[must_use]
pub fn failure_text(locale: Locale, failure: &Failure) -> FailureText {
    let (what, remedy) = match locale {
        Locale::English => en::failure::failure(failure),
        Locale::French => fr::failure::failure(failure),
    };
    FailureText { what, remedy }
}

/// The words for what is wrong with a field: what was wrong, what is allowed.
#[must_use]
pub fn problem_text(locale: Locale, problem: &Problem) -> String {
    match locale {
        Locale::English => en::problem::problem(problem),
        Locale::French => fr::problem::problem(problem),
    }
}

/// What was expected in a file of a config tree, after “expected”.
#[must_use]
pub fn expected_text(locale: Locale, expected: &Expected) -> String {
    match locale {
        Locale::English => en::expected::expected(expected),
        Locale::French => fr::expected::expected(expected),
    }
}

/// What Ulysse says in a log.
#[must_use]
pub fn note_text(locale: Locale, note: &Note) -> String {
    match locale {
        Locale::English => en::note::note(note),
        Locale::French => fr::note::note(note),
    }
}

/// A sentence with what it names in its places, `{0}` and so on.
fn filled(sentence: &str, named: &[String]) -> String {
    let mut text = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        let (number, after) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(before);
        text.push_str(
            number.parse().ok().and_then(|n: usize| named.get(n)).map_or("", |name| name),
        );
        rest = after;
    }
    text.push_str(rest);
    text
}

/// A piece of a log: our own notes in words, everybody else's lines as they are.
#[must_use]
pub fn log_text(locale: Locale, piece: &str) -> String {
    let mut text = String::with_capacity(piece.len());
    for line in piece.split_inclusive('\n') {
        match Note::of_line(line) {
            Some(note) => {
                text.push_str(&note_text(locale, &note));
                text.push('\n');
            }
            None => text.push_str(line),
        }
    }
    text
}

/// The label of a field.
#[must_use]
pub fn field_label(locale: Locale, field: Field) -> &'static str {
    match locale {
        Locale::English => en::problem::field(field),
        Locale::French => fr::problem::field(field),
    }
}

/// A VServer's state in a word.
#[must_use]
pub fn state_text(locale: Locale, state: State) -> &'static str {
    let (en, fr) = match state {
        State::Stopped => ("stopped", "arrêté"),
        State::Starting => ("starting", "démarrage"),
        State::Running => ("running", "en marche"),
        State::Stopping => ("stopping", "arrêt en cours"),
        State::Building => ("being built", "en construction"),
        State::Deleting => ("being deleted", "en suppression"),
    };
    locale.pick(en, fr)
}

/// What an operation does, as a noun.
#[must_use]
pub fn kind_text(locale: Locale, kind: Kind) -> &'static str {
    let (en, fr) = match kind {
        Kind::Build => ("Build", "Construction"),
        Kind::Start => ("Start", "Démarrage"),
        Kind::Stop => ("Stop", "Arrêt"),
        Kind::Restart => ("Restart", "Redémarrage"),
        Kind::Delete => ("Delete", "Suppression"),
        Kind::Configure => ("Configuration", "Configuration"),
        Kind::ConfigureDefaults => ("Default configuration", "Configuration par défaut"),
        Kind::ConfigureDistributions => {
            ("Description of distributions", "Description de distributions")
        }
        Kind::AddTemplate => ("New template", "Nouveau modèle"),
        Kind::RemoveTemplate => ("Template removal", "Suppression de modèle"),
        Kind::RefreshBase => ("Base refresh", "Renouvellement de base"),
        Kind::RemoveBase => ("Base removal", "Suppression de base"),
        Kind::Backup => ("Backup", "Sauvegarde"),
        Kind::Restore => ("Restore", "Restauration"),
        Kind::RestoreFile => ("Restore of a file", "Restauration d’un fichier"),
        Kind::VerifyBackup => ("Verification of a backup", "Vérification d’une sauvegarde"),
        Kind::RemoveBackups => ("Removal of backups", "Suppression de sauvegardes"),
        Kind::ScheduleBackups => ("Schedule of backups", "Planification des sauvegardes"),
        Kind::Rename => ("Rename", "Renommage"),
        Kind::Set => ("Change of identity", "Changement d’identité"),
        Kind::Protect => ("Protection", "Protection"),
        Kind::Unprotect => ("End of protection", "Fin de protection"),
        Kind::Undelete => ("Restore from the bin", "Restauration depuis la corbeille"),
        Kind::Purge => ("Removal from the bin", "Suppression définitive"),
        Kind::Batch => ("Batch", "Lot"),
        Kind::Signal => ("Signal", "Signal"),
        Kind::Packages => ("Packages", "Paquets"),
        Kind::Service => ("Service", "Service"),
        Kind::Mark => ("Mark", "Marque"),
        Kind::Unmark => ("Removal of a mark", "Retrait d’une marque"),
        Kind::Remount => ("Remount", "Remontage"),
    };
    locale.pick(en, fr)
}

/// A step of an operation.
#[must_use]
pub fn stage_text(locale: Locale, stage: Stage) -> &'static str {
    let (en, fr) = match stage {
        Stage::Preparing => ("Preparing", "Préparation"),
        Stage::ReadingMirror => ("Reading the mirror’s index", "Lecture de l’index du miroir"),
        Stage::Downloading => ("Downloading packages", "Téléchargement des paquets"),
        Stage::Unpacking => ("Unpacking the base system", "Dépaquetage du système de base"),
        Stage::Installing => ("Installing packages", "Installation des paquets"),
        Stage::KeepingBase => ("Keeping the base for the next build", "Mise en cache de la base"),
        Stage::CopyingBase => ("Copying the cached base", "Copie de la base en cache"),
        Stage::Configuring => ("Configuring the system", "Configuration du système"),
        Stage::WritingConfig => ("Writing the configuration", "Écriture de la configuration"),
        Stage::MakingNetwork => ("Setting up the network", "Mise en place du réseau"),
        Stage::StartingInit => ("Starting the first process", "Lancement du premier processus"),
        Stage::StoppingServices => ("Stopping the services", "Arrêt des services"),
        Stage::EndingProcesses => ("Ending the processes", "Fin des processus"),
        Stage::RemovingNetwork => ("Removing the network", "Retrait du réseau"),
        Stage::RemovingFiles => ("Removing the files", "Suppression des fichiers"),
        Stage::Finishing => ("Finishing", "Finalisation"),
        Stage::CopyingFiles => ("Copying the files", "Copie des fichiers"),
        Stage::CopyingChanges => (
            "Copying what has changed meanwhile, the source standing still",
            "Copie de ce qui a changé entre-temps, la source étant figée",
        ),
        Stage::MakingHostKeys => ("Making ssh host keys", "Création des clés d’hôte ssh"),
        Stage::MakingDirectories => ("Making the directories", "Création des répertoires"),
        Stage::TakingSnapshot => ("Taking a snapshot", "Prise d’un instantané"),
        Stage::ReadingFiles => ("Reading the files", "Lecture des fichiers"),
        Stage::Verifying => ("Reading back and comparing", "Relecture et comparaison"),
        Stage::RestoringFiles => ("Restoring the files", "Restauration des fichiers"),
        Stage::RemovingBackups => ("Removing backups", "Suppression des sauvegardes"),
        Stage::Undoing => ("Undoing what was done", "Annulation de ce qui a été fait"),
        Stage::ReceivingArchive => ("Receiving the archive", "Réception de l’archive"),
        Stage::CheckingArchive => ("Checking the archive", "Vérification de l’archive"),
        Stage::UnpackingArchive => ("Unpacking the archive", "Dépaquetage de l’archive"),
        Stage::ChangingIdentity => ("Changing its identity", "Changement d’identité"),
        Stage::MovingToBin => ("Moving it to the recycle bin", "Mise à la corbeille"),
        Stage::MovingFromBin => ("Moving it from the recycle bin", "Sortie de la corbeille"),
        Stage::DoingEach => ("Doing one after the other", "Traitement de chacun"),
        Stage::SendingSignal => ("Sending the signal", "Envoi du signal"),
        Stage::EnteringVServer => ("Entering the VServer", "Entrée dans le VServer"),
        Stage::RefreshingLists => ("Fetching package lists", "Récupération des listes"),
        Stage::ChangingPackages => ("Changing packages", "Changement des paquets"),
        Stage::AskingWhatIsPending => ("Asking what is pending", "Recherche de ce qui attend"),
        Stage::AskingService => ("Telling the service", "Ordre au service"),
        Stage::Remounting => ("Changing what is mounted", "Changement de ce qui est monté"),
        Stage::ForeseeingPackages => ("Asking what would change", "Recherche de ce qui changerait"),
    };
    locale.pick(en, fr)
}

/// What became of one of many, for people.
#[must_use]
pub fn outcome_text(locale: Locale, outcome: &domain::batch::Outcome) -> String {
    match locale {
        Locale::English => en::batch::outcome(outcome),
        Locale::French => fr::batch::outcome(outcome),
    }
}

/// What an option of a line of an fstab means.
#[must_use]
pub fn mount_option_text(locale: Locale, word: &str) -> &'static str {
    match locale {
        Locale::English => en::mounts::option(word),
        Locale::French => fr::mounts::option(word),
    }
}

/// How many of a batch came to what.
#[must_use]
pub fn tally_text(locale: Locale, tally: domain::batch::Tally) -> String {
    match locale {
        Locale::English => en::batch::tally(tally),
        Locale::French => fr::batch::tally(tally),
    }
}

/// What is wrong with the backups of a VServer, in one sentence.
#[must_use]
pub fn backup_alert_text(locale: Locale, name: &VServerName, alert: &BackupAlert) -> String {
    let at = |at| format::instant(locale, at);
    match alert {
        BackupAlert::Failed { at: when, failure } => {
            let why = failure_text(locale, failure).what;
            locale.pick(
                format!("The last backup of {name} ({}) failed: {why}", at(*when)),
                format!("La dernière sauvegarde de {name} ({}) a échoué : {why}", at(*when)),
            )
        }
        BackupAlert::Missing { due } => locale.pick(
            format!("{name} should have been backed up at {}, and was not.", at(*due)),
            format!("{name} aurait dû être sauvegardé le {}, et ne l’a pas été.", at(*due)),
        ),
        BackupAlert::Damaged { backup, at: when } => locale.pick(
            format!("The backup {backup} is damaged, as was seen at {}.", at(*when)),
            format!("La sauvegarde {backup} est abîmée, constaté le {}.", at(*when)),
        ),
        BackupAlert::TargetUnreachable { failure, .. } | BackupAlert::BadSchedule { failure } => {
            let why = failure_text(locale, failure).what;
            locale.pick(
                format!("{name} is not being backed up: {why}"),
                format!("{name} n’est pas sauvegardé : {why}"),
            )
        }
    }
}

/// How the files of a backup hang together.
#[must_use]
pub fn consistency_text(locale: Locale, consistency: Consistency) -> &'static str {
    let (en, fr) = match consistency {
        Consistency::Stopped => ("it was stopped", "il était arrêté"),
        Consistency::Snapshot => ("snapshot of a moment", "instantané"),
        Consistency::Paused => ("it stood still meanwhile", "il était immobilisé"),
        Consistency::Running => ("it ran meanwhile", "il était en marche"),
    };
    locale.pick(en, fr)
}

/// Why a backup is kept, in a word or two.
#[must_use]
pub fn retention_text(locale: Locale, reason: Reason) -> &'static str {
    let (en, fr) = match reason {
        Reason::Last => ("one of the last", "une des dernières"),
        Reason::Daily => ("last of its day", "dernière de son jour"),
        Reason::Weekly => ("last of its week", "dernière de sa semaine"),
        Reason::Monthly => ("last of its month", "dernière de son mois"),
        Reason::Newest => ("the newest", "la plus récente"),
    };
    locale.pick(en, fr)
}

/// Something a host may lack, as a thing.
#[must_use]
pub fn host_feature_text(locale: Locale, feature: HostFeature) -> &'static str {
    let (en, fr) = match feature {
        HostFeature::Debootstrap => ("the program debootstrap", "le programme debootstrap"),
        HostFeature::UserNamespaces => ("user namespaces", "les espaces de noms d’utilisateurs"),
        HostFeature::IdmappedMounts => ("idmapped mounts", "les montages à identités décalées"),
        HostFeature::Cgroups => ("a usable cgroup hierarchy", "une hiérarchie cgroup utilisable"),
        HostFeature::Veth => ("veth devices", "les périphériques veth"),
        HostFeature::Nftables => {
            ("nftables with address translation", "nftables avec traduction d’adresses")
        }
        HostFeature::Dnf => ("the program dnf", "le programme dnf"),
        HostFeature::Rsync => ("the program rsync", "le programme rsync"),
        HostFeature::Ssh => ("the programs of ssh", "les programmes de ssh"),
        HostFeature::Overlay => ("overlayfs", "overlayfs"),
        HostFeature::Root => ("root privileges", "les droits de root"),
    };
    locale.pick(en, fr)
}

/// An action of the authorisation table, as what somebody may do.
#[must_use]
pub fn action_text(locale: Locale, action: ActionKind) -> &'static str {
    let (en, fr) = match action {
        ActionKind::BackUpVServer => {
            ("take and remove backups", "faire et retirer des sauvegardes")
        }
        ActionKind::RestoreBackup => ("restore backups", "restaurer des sauvegardes"),
        ActionKind::ViewVServers => ("see the VServers", "voir les VServers"),
        ActionKind::ViewOperations => ("see the operations", "voir les opérations"),
        ActionKind::BuildVServer => ("build VServers", "construire des VServers"),
        ActionKind::RunVServer => ("start and stop VServers", "démarrer et arrêter des VServers"),
        ActionKind::EnterVServer => {
            ("open terminals in VServers", "ouvrir des terminaux dans les VServers")
        }
        ActionKind::DeleteVServer => ("delete VServers", "supprimer des VServers"),
        ActionKind::ConfigureVServer => {
            ("change the configuration of VServers", "modifier la configuration des VServers")
        }
        ActionKind::ConfigureDefaults => (
            "change the defaults for all VServers and describe distributions",
            "modifier les réglages par défaut de tous les VServers et décrire des distributions",
        ),
        ActionKind::ViewTemplates => ("see templates and bases", "voir les modèles et les bases"),
        ActionKind::ManageTemplates => {
            ("add and remove templates and bases", "ajouter et supprimer des modèles et des bases")
        }
        ActionKind::CancelOperation => ("cancel operations", "annuler des opérations"),
        ActionKind::ChangeIdentity => (
            "rename VServers and change their addresses",
            "renommer des VServers et changer leurs adresses",
        ),
        ActionKind::ProtectVServer => {
            ("protect VServers against deletion", "protéger des VServers contre la suppression")
        }
        ActionKind::UndeleteVServer => {
            ("restore VServers from the recycle bin", "reprendre des VServers dans la corbeille")
        }
        ActionKind::PurgeVServer => (
            "remove VServers from the recycle bin for good",
            "supprimer définitivement des VServers de la corbeille",
        ),
        ActionKind::ManagePackages => {
            ("manage the packages of VServers", "gérer les paquets des VServers")
        }
        ActionKind::ManageUsers => ("manage users", "gérer les utilisateurs"),
        ActionKind::OwnAccount => ("change your own account", "modifier votre propre compte"),
        ActionKind::SignalProcess => (
            "send signals to processes of VServers",
            "envoyer des signaux aux processus des VServers",
        ),
        ActionKind::ReadInside => (
            "read the console and logs of VServers and see their services",
            "lire la console et les journaux des VServers et voir leurs services",
        ),
        ActionKind::ManageServices => (
            "start and stop services inside VServers",
            "démarrer et arrêter des services dans les VServers",
        ),
    };
    locale.pick(en, fr)
}

/// The words for an action that was refused, by its name in the table.
fn refused_action(locale: Locale, name: &str) -> Option<&'static str> {
    let action = ActionKind::ALL.into_iter().find(|action| action.as_str() == name)?;
    Some(action_text(locale, action))
}

/// A role.
#[must_use]
pub fn role_text(locale: Locale, role: Role) -> &'static str {
    let (en, fr) = match role {
        Role::Administrator => ("Administrator", "Administrateur"),
        Role::Operator => ("Operator", "Opérateur"),
        Role::Viewer => ("Viewer", "Observateur"),
    };
    locale.pick(en, fr)
}

/// What a role may do, in one sentence.
#[must_use]
pub fn role_explained(locale: Locale, role: Role) -> &'static str {
    let (en, fr) = match role {
        Role::Administrator => ("everything, users included", "tout, y compris les utilisateurs"),
        Role::Operator => (
            "builds, runs, enters, configures and deletes VServers",
            "construit, fait tourner, ouvre, configure et supprime les VServers",
        ),
        Role::Viewer => ("sees everything, changes nothing", "voit tout, ne change rien"),
    };
    locale.pick(en, fr)
}

/// An init system as the build form offers it.
#[must_use]
pub fn init_text(locale: Locale, init: Init) -> &'static str {
    let (en, fr) = match init {
        Init::Systemd => ("systemd (style plain)", "systemd (style plain)"),
        Init::Sysvinit => ("sysvinit (style sysv)", "sysvinit (style sysv)"),
        Init::Gentoo => ("Gentoo’s scripts (style gentoo)", "scripts de Gentoo (style gentoo)"),
        Init::Arch => ("Arch’s scripts (style arch)", "scripts d’Arch (style arch)"),
        Init::Minit => ("minit (style minit)", "minit (style minit)"),
    };
    locale.pick(en, fr)
}

/// A build method: what it does, and what it is called on the command line and good for.
#[must_use]
pub fn method_text(locale: Locale, method: MethodKind) -> (&'static str, &'static str) {
    let (en, fr) = match method {
        MethodKind::Debootstrap => (
            ("A fresh Debian", "debootstrap: from a mirror. The first of a suite takes minutes."),
            (
                "Une Debian toute neuve",
                "debootstrap : depuis un miroir. La première d’une suite prend quelques minutes.",
            ),
        ),
        MethodKind::Clone => (
            (
                "A copy of a VServer",
                "clone: of one moment, also of one that runs; shares what can be shared.",
            ),
            (
                "La copie d’un VServer",
                "clone : prise en un instant, même en marche ; partage ce qui peut l’être.",
            ),
        ),
        MethodKind::Rsync => (
            ("A copy of a machine", "rsync: of a VServer, or of another machine over ssh."),
            ("La copie d’une machine", "rsync : d’un VServer, ou d’une autre machine par ssh."),
        ),
        MethodKind::Yum => (
            ("An RPM distribution", "yum: described by the administrator, installed by dnf."),
            ("Une distribution RPM", "yum : décrite par l’administrateur, installée par dnf."),
        ),
        MethodKind::Template => (
            ("An archive", "template: the files of a system, packed before."),
            ("Une archive", "template : les fichiers d’un système, empaquetés d’avance."),
        ),
        MethodKind::Skeleton => (
            ("Nothing yet", "skeleton: empty directories, which you fill."),
            ("Rien encore", "skeleton : des répertoires vides, à remplir."),
        ),
    };
    locale.pick(en, fr)
}

/// Who asked for an operation.
#[must_use]
pub fn actor_text(locale: Locale, actor: &Actor) -> String {
    match actor {
        Actor::User { name, .. } => name.to_string(),
        Actor::CommandLine { login } => {
            locale.pick(format!("{login}, command line"), format!("{login}, en ligne de commande"))
        }
        Actor::VServer { name } => {
            locale.pick(format!("{name}, from inside"), format!("{name}, de l’intérieur"))
        }
        Actor::System => "Ulysse".to_owned(),
        Actor::Host => locale
            .pick("the host, booting or shutting down", "l’hôte, à son amorçage ou à son arrêt")
            .to_owned(),
    }
}

impl Locale {
    /// One of two texts. For the small tables above; whole messages stand in `en` and `fr`.
    fn pick<T>(self, english: T, french: T) -> T {
        match self {
            Self::English => english,
            Self::French => french,
        }
    }
}

#[cfg(test)]
mod tests;
