//! French: what the entries of a config tree mean.

use domain::config_entry::ConfigEntry;

/// What an entry means.
#[expect(clippy::too_many_lines, reason = "one text an entry")]
pub(crate) fn meaning(entry: ConfigEntry) -> &'static str {
    match entry {
        ConfigEntry::Name => {
            "Le nom que vserver-stat et vps affichent. Il ne renomme pas le VServer : les commandes prennent le nom de son répertoire."
        }
        ConfigEntry::Context => {
            "Son numéro de contexte (xid), de 2 à 49151. Deux VServers n’ont jamais le même."
        }
        ConfigEntry::NetworkContext => {
            "Le numéro de son contexte réseau ; le numéro de contexte s’il est absent."
        }
        ConfigEntry::NoNetworkContext => {
            "Aucun contexte réseau : le VServer partagerait le réseau de l’hôte."
        }
        ConfigEntry::Tag => {
            "L’étiquette que recevaient ses fichiers sur un système de fichiers étiqueté ; le numéro de contexte si elle est absente."
        }
        ConfigEntry::RootDirectory => "Un lien vers le répertoire de ses fichiers.",
        ConfigEntry::CacheDirectory => {
            "Un lien vers son répertoire de cache, où l’original gardait l’occupation du disque entre deux démarrages."
        }
        ConfigEntry::RunFile => {
            "Un lien vers le fichier qui contient son numéro de contexte tant qu’il tourne."
        }
        ConfigEntry::Flags => {
            "Drapeaux du contexte, un par ligne ; « ~ » devant l’un d’eux l’efface. Si ce fichier existe, « flags » n’est pas lu."
        }
        ConfigEntry::OldFlags => "L’ancien nom de cflags ; lu seulement en l’absence de cflags.",
        ConfigEntry::NetworkFlags => "Drapeaux de son contexte réseau, un par ligne.",
        ConfigEntry::Capabilities => {
            "Capacités ajoutées à ce que peut le root du VServer ou, avec « ~ », retirées, une par ligne."
        }
        ConfigEntry::ContextCapabilities => {
            "Capacités de contexte du noyau VServer, une par ligne."
        }
        ConfigEntry::NetworkCapabilities => "Capacités de son contexte réseau, une par ligne.",
        ConfigEntry::OldCapabilities => "Capacités telles que les noyaux 2.4 les connaissaient.",
        ConfigEntry::UnshareMask => {
            "Les sortes d’espaces de noms qu’il peut créer lui-même, une par ligne."
        }
        ConfigEntry::Nice => {
            "La priorité « nice » de ses processus, de -20 (servis d’abord) à 19 (en dernier)."
        }
        ConfigEntry::IoniceClass => {
            "La classe de ses accès disque : 1 temps réel, 2 au mieux, 3 au repos."
        }
        ConfigEntry::IonicePriority => {
            "La priorité de ses accès disque dans leur classe, de 0 (d’abord) à 7."
        }
        ConfigEntry::Personality => {
            "Le domaine d’exécution de ses processus, par exemple linux32 ; les drapeaux sur les lignes suivantes."
        }
        ConfigEntry::Shell => {
            "Le shell qu’ouvre « enter » : une commande sur une ligne, ou un argument par ligne. En son absence, le premier que possède le VServer."
        }
        ConfigEntry::Schedule => {
            "L’ancienne forme de sched/ : remplissage, intervalle, jetons, minimum, maximum, priorité, un par ligne."
        }
        ConfigEntry::Badness => {
            "Combien tôt le noyau met fin à ses processus quand la mémoire de l’hôte est épuisée."
        }
        ConfigEntry::OldHostName => "L’ancien emplacement du nom d’hôte ; uts/nodename l’emporte.",
        ConfigEntry::OldDomainName => {
            "L’ancien emplacement du nom de domaine NIS ; uts/domainname l’emporte."
        }
        ConfigEntry::Legacy => "Laissait tout aux scripts d’avant util-vserver.",
        ConfigEntry::Disabled => {
            "Ce qui est fait à tous, aux marqués ou à ceux en marche, un démarrage de l’hôte compris, laisse ce VServer de côté ; par son nom, on l’atteint."
        }
        ConfigEntry::Noisy => {
            "Les programmes auxiliaires de l’original tournaient sans leur option de silence."
        }
        ConfigEntry::KeepDescriptors => {
            "Laissait ouverts, dans les commandes du VServer, des fichiers ouverts sur l’hôte."
        }
        ConfigEntry::NoCgroup => "Les réglages cgroup de .defaults ne valent pas pour lui.",
        ConfigEntry::NoNetworkNamespace => {
            "Les espaces de noms réseau de .defaults ne valent pas pour lui."
        }
        ConfigEntry::OldSync => {
            "Faisait attendre l’arrêt de l’original une seconde de plus. Le bon endroit est apps/init/sync."
        }
        ConfigEntry::Fstab => {
            "Ce qui y est monté à son démarrage : source, cible, type et options sur chaque ligne."
        }
        ConfigEntry::DefaultFstab => "Le fstab que reçoivent les nouveaux VServers.",
        ConfigEntry::LocalFstab => {
            "Un ancien emplacement pour les montages, lu après fstab. Utilisez fstab."
        }
        ConfigEntry::RemoteFstab => {
            "Montages faits depuis le réseau du VServer lui-même, NFS par exemple."
        }
        ConfigEntry::NoNamespace => {
            "Pas d’espace de noms de montage propre : ses montages apparaîtraient sur l’hôte."
        }
        ConfigEntry::OwnNamespace => {
            "Un espace de noms de montage propre, même si .defaults dit le contraire."
        }
        ConfigEntry::NoNamespaceCleanup => {
            "Les montages de l’hôte restent dans son espace de noms. Ulysse ne les montre jamais à un VServer."
        }
        ConfigEntry::NamespaceCleanup => {
            "Les montages de l’hôte sont retirés de son espace de noms, même si .defaults dit le contraire."
        }
        ConfigEntry::NamespaceCleanupSkip => {
            "Points de montage de l’hôte que le nettoyage laisse en place, un par ligne."
        }
        ConfigEntry::InitStyle => {
            "Comment son premier processus est créé : sysv (niveaux d’exécution, par le petit init d’Ulysse), gentoo ou openrc, arch (de même, avec leurs scripts), plain (son propre /sbin/init, systemd par exemple) ou minit (son propre /sbin/minit-start)."
        }
        ConfigEntry::RunLevel => {
            "Le niveau d’exécution dans lequel il démarre ; runlevel.start l’emporte."
        }
        ConfigEntry::StartRunLevel => {
            "Le niveau d’exécution dans lequel il démarre : 3 pour les styles sysv et arch, « default » pour gentoo, aucun pour plain et minit."
        }
        ConfigEntry::StopRunLevel => {
            "Le niveau d’exécution qui l’arrête : 6 pour le style sysv, aucun pour les autres."
        }
        ConfigEntry::KillSequence => {
            "Comment finit ce qui tourne encore à la fin d’un arrêt : un signal, des secondes d’attente, un signal, etc. Ce qu’il disait au démarrage compte."
        }
        ConfigEntry::StartCommand => {
            "La commande qui le démarre, à l’intérieur, à la place de celle du style ; un argument par ligne."
        }
        ConfigEntry::StopCommand => {
            "La commande qui l’arrête, à l’intérieur, à la place de celle du style ; un argument par ligne. Les styles plain et minit n’en ont pas besoin : leur premier processus est averti par un signal."
        }
        ConfigEntry::SyncCommand => {
            "Une commande de l’hôte, un argument par ligne, exécutée quand un démarrage ou un arrêt touche à sa fin, et qui attend le reste."
        }
        ConfigEntry::PrepareCommand => {
            "Une commande de l’hôte, un argument par ligne, exécutée avant chaque démarrage à la place de ce que prépare le style."
        }
        ConfigEntry::Sync => "Démarrage et arrêt attendent leur fin. Ulysse attend toujours.",
        ConfigEntry::Terminal => "Où allait la sortie du démarrage et de l’arrêt.",
        ConfigEntry::Marks => {
            "Étiquettes pour démarrer des groupes de VServers, une par ligne ; « default » signifie au démarrage de l’hôte."
        }
        ConfigEntry::Depends => "Les VServers qui doivent tourner avant celui-ci, un par ligne.",
        ConfigEntry::Environment => {
            "Tout l’environnement de la commande de démarrage, NOM=valeur sur chaque ligne."
        }
        ConfigEntry::Mtab => "Ce par quoi commençait /etc/mtab à l’intérieur.",
        ConfigEntry::DefaultMtab => {
            "Ce par quoi commençait /etc/mtab dans les VServers qui ne disent rien d’autre."
        }
        ConfigEntry::SyncTimeout => {
            "Combien de secondes un arrêt attend le VServer avant de tuer ses processus."
        }
        ConfigEntry::VshelperAction => {
            "Ce qui suit quand le VServer s’est arrêté de lui-même, comme par « reboot -f » à l’intérieur : « restart », « stop », ou un programme de apps/vshelper-methods."
        }
        ConfigEntry::VshelperDisabled => {
            "Rien ne suit quand le VServer s’arrête de lui-même : il reste arrêté."
        }
        ConfigEntry::VshelperSwitch => {
            "« debug » écrit chaque étape de ce qui suit un événement dans le journal de .defaults ; avec « warning-disabled », un démarrage ne dit rien des programmes d’ici qui ne seraient pas exécutés."
        }
        ConfigEntry::VshelperLog => {
            "Ce que disent les programmes qui s’occupent de la fin des VServers est ajouté à ce fichier."
        }
        ConfigEntry::VshelperEvent => {
            "Un programme de l’hôte exécuté quand cela est arrivé au VServer : restart, halt, poweroff, shutdown ; aussi startup, quand son premier programme tourne, et oom, quand la mémoire est épuisée."
        }
        ConfigEntry::VshelperMethod => {
            "Un programme de l’hôte que « action » nomme, ou qui s’occupe d’un événement de tous les VServers."
        }
        ConfigEntry::PackagesInside => {
            "Les outils de paquets tournent dans le VServer, pas sur l’hôte."
        }
        ConfigEntry::PackageStyle => {
            "Quels outils de paquets il possède ; deviné d’après ses fichiers si absent."
        }
        ConfigEntry::PackageDirectory => {
            "Un lien vers l’endroit où l’hôte gardait la base de paquets du VServer."
        }
        ConfigEntry::AptConf => "L’apt.conf des VServers dont les paquets sont gérés sur l’hôte.",
        ConfigEntry::UnifyExclude => {
            "Fichiers que l’unification laisse tranquilles, un motif par ligne ; « + » inclut, « ~ » saute."
        }
        ConfigEntry::UnifyReference => "Un lien vers le VServer avec lequel celui-ci est unifié.",
        ConfigEntry::UnifyHash => {
            "Un lien vers le répertoire des fichiers communs d’un système de fichiers."
        }
        ConfigEntry::UnifyPackages => {
            "Si l’unification demande aux outils de paquets quels fichiers sont de la configuration."
        }
        ConfigEntry::DeviceMapSwitch => "Ce qui est permis avec ce périphérique.",
        ConfigEntry::DeviceMap => "Un périphérique que le VServer voit à la place d’un autre.",
        ConfigEntry::LoginDisable => "« enter » sans terminal propre.",
        ConfigEntry::Mirror => {
            "Le miroir de paquets des constructions qui n’en nomment pas ; sinon celui de l’hôte."
        }
        ConfigEntry::DebootstrapSource => {
            "D’où l’original tirait debootstrap s’il n’était pas installé."
        }
        ConfigEntry::DebootstrapOptions => {
            "Options données à debootstrap avant celles de la construction."
        }
        ConfigEntry::BuildOptions => {
            "Options données à chaque construction avant les siennes, une par ligne."
        }
        ConfigEntry::ExternalDescription => "Descriptions pour l’outil h2ext de l’original.",
        ConfigEntry::SharedDevice => "Le périphérique réseau des interfaces qui n’en nomment pas.",
        ConfigEntry::SharedPrefix => "La longueur de préfixe des interfaces qui n’en donnent pas.",
        ConfigEntry::SharedMask => {
            "Le masque de réseau des interfaces qui n’en donnent pas ; un préfixe l’emporte."
        }
        ConfigEntry::SharedBroadcast => {
            "L’adresse de diffusion des interfaces qui n’en donnent pas."
        }
        ConfigEntry::SharedScope => {
            "La portée des adresses ; l’original la lisait sans jamais s’en servir."
        }
        ConfigEntry::SharedExternalAddress => {
            "L’adresse vue de l’extérieur, d’une expérience de l’original."
        }
        ConfigEntry::SharedVlanDevice => {
            "Les périphériques VLAN sont créés au démarrage et retirés à l’arrêt."
        }
        ConfigEntry::Loopback => {
            "L’adresse de boucle locale montrée au VServer. Avec Ulysse, chacun a son propre 127.0.0.1."
        }
        ConfigEntry::InterfaceAddress => "Une adresse IPv4 ou IPv6 du VServer.",
        ConfigEntry::InterfaceDevice => "Le périphérique réseau de l’hôte qui porte l’adresse.",
        ConfigEntry::InterfacePrefix => {
            "La longueur de préfixe de l’adresse, par exemple 24. Sans préfixe ni masque, l’adresse est seule."
        }
        ConfigEntry::InterfaceMask => {
            "Le masque de réseau de l’adresse, par exemple 255.255.255.0 ; un préfixe l’emporte."
        }
        ConfigEntry::InterfaceBroadcast => "L’adresse de diffusion ; calculée si absente.",
        ConfigEntry::InterfaceLabel => {
            "L’étiquette de l’adresse, telle que l’affiche ifconfig : périphérique:étiquette tient en 15 octets."
        }
        ConfigEntry::InterfaceScope => {
            "La portée de l’adresse ; l’original la lisait sans jamais s’en servir."
        }
        ConfigEntry::InterfaceWithoutDevice => {
            "L’adresse appartient au VServer et n’est mise sur aucun périphérique."
        }
        ConfigEntry::InterfaceOnlyAddress => "L’ancien nom de nodev.",
        ConfigEntry::InterfaceOnWire => {
            "Propre à Ulysse : le VServer est lui-même sur le câble de son périphérique, avec sa propre adresse matérielle (macvlan), comme il le faut à un serveur DHCP. L’hôte et lui ne se voient pas par ce périphérique."
        }
        ConfigEntry::InterfaceDisabled => "Cette interface est laissée de côté.",
        ConfigEntry::InterfaceDown => "Le périphérique n’est pas activé.",
        ConfigEntry::InterfacePeer => "L’adresse de l’autre bout d’un lien point à point.",
        ConfigEntry::InterfaceTunnel => "Crée un périphérique tun ou tap pour le VServer.",
        ConfigEntry::InterfaceTunnelOwner => {
            "À qui appartient le périphérique tun ou tap, et son type de lien."
        }
        ConfigEntry::InterfaceVlanDevice => {
            "Si le périphérique VLAN est créé au démarrage et retiré à l’arrêt."
        }
        ConfigEntry::InterfaceIndirect => {
            "Une expérience de l’original avec des périphériques factices."
        }
        ConfigEntry::InterfaceHardwareAddress => "L’adresse matérielle d’une interface indirecte.",
        ConfigEntry::InterfaceExternalAddress => {
            "L’adresse vue de l’extérieur, d’une expérience de l’original."
        }
        ConfigEntry::ProcessLimit => {
            "Une limite de chacun de ses processus : les deux, ou la souple ou la stricte. Un nombre, suivi de K ou M, ou inf."
        }
        ConfigEntry::VServerLimit => {
            "Une limite du VServer entier : rss (mémoire) et as (espace d’adressage ; ce qui dépasse rss est du swap) en pages, nproc en processus. Un nombre, suivi de K ou M, ou inf."
        }
        ConfigEntry::OtherVServerLimit => {
            "Une limite que seul le noyau de l’original savait tenir."
        }
        ConfigEntry::DiskLimitDirectory => {
            "Un répertoire du système de fichiers que vise cette limite."
        }
        ConfigEntry::DiskLimitSpace => {
            "Le plus de Kio qu’il peut y prendre ; -1 pour aucune limite."
        }
        ConfigEntry::DiskLimitInodes => {
            "Le plus de fichiers qu’il peut y avoir ; -1 pour aucune limite."
        }
        ConfigEntry::DiskLimitReserved => "Le pourcentage gardé pour le root du VServer.",
        ConfigEntry::DiskLimitDisabled => "Cette limite de disque est laissée de côté.",
        ConfigEntry::SchedulerRate => {
            "Combien de jetons sont ajoutés à chaque intervalle : le VServer reçoit cette part d’un processeur, si le drapeau sched_hard est mis."
        }
        ConfigEntry::SchedulerIdleRate => {
            "Combien de jetons sont ajoutés, et à quel rythme, quand l’hôte est inoccupé."
        }
        ConfigEntry::SchedulerInterval => "La durée d’un intervalle, en tics du noyau.",
        ConfigEntry::SchedulerTokens => {
            "Les jetons au départ, le minimum pour repartir, le maximum gardé."
        }
        ConfigEntry::SchedulerPriority => "Ce qui s’ajoute à la priorité de ses processus.",
        ConfigEntry::SchedulerIdleTime => {
            "Le temps libre de l’hôte peut servir au-delà de la part."
        }
        ConfigEntry::SchedulerCpu => "Le processeur, ou le seau, que visent ces nombres.",
        ConfigEntry::CpuSchedulerRate => {
            "Pour un processeur : combien de jetons sont ajoutés à chaque intervalle."
        }
        ConfigEntry::CpuSchedulerInterval => {
            "Pour un processeur : la durée d’un intervalle, en tics du noyau."
        }
        ConfigEntry::CpuSchedulerTokens => {
            "Pour un processeur : jetons au départ, minimum, maximum."
        }
        ConfigEntry::CpuSchedulerPriority => {
            "Pour un processeur : ce qui s’ajoute à la priorité de ses processus."
        }
        ConfigEntry::CpuSchedulerIdleTime => {
            "Pour un processeur : le temps libre peut servir au-delà de la part."
        }
        ConfigEntry::CpuSchedulerCpu => "Le processeur, ou le seau, que visent les nombres à côté.",
        ConfigEntry::CpusetName => {
            "Le nom du cpuset dans lequel il tourne. Chaque VServer a désormais le sien, qui n’a pas besoin de nom."
        }
        ConfigEntry::CpusetMembers => {
            "Les processeurs ou nœuds de mémoire où il tourne, par exemple 0-2."
        }
        ConfigEntry::CpusetSwitch => "Propriétés de son cpuset : exclusif, virtualisé, non recréé.",
        ConfigEntry::CgroupName => "Le nom de son cgroup.",
        ConfigEntry::CgroupSettings => {
            "Où l’original trouvait les cgroups, et quels contrôleurs il utilisait."
        }
        ConfigEntry::CgroupFile => {
            "Un fichier de contrôle : son texte était écrit dans le fichier de ce nom du cgroup du VServer."
        }
        ConfigEntry::SysctlSetting => "Le nom d’un réglage du noyau fait au démarrage.",
        ConfigEntry::SysctlValue => "La valeur du réglage du noyau à côté.",
        ConfigEntry::NodeName => "Le nom d’hôte à l’intérieur du VServer.",
        ConfigEntry::DomainName => "Le nom de domaine NIS à l’intérieur du VServer.",
        ConfigEntry::KernelName => {
            "Ce que dit uname à l’intérieur. Un noyau ordinaire ne sait rien dire d’autre."
        }
        ConfigEntry::SharedSpace => {
            "L’espace de noms de quel autre VServer il rejoint ; vide pour un à lui."
        }
        ConfigEntry::SpaceMask => "D’autres sortes d’espaces de noms, sous forme de masque.",
        ConfigEntry::NetworkNamespaceName => {
            "L’espace de noms réseau nommé des dernières versions de l’original."
        }
        ConfigEntry::NetworkNamespaceInterface => {
            "Une paire de périphériques entre l’hôte et l’espace de noms réseau nommé."
        }
        ConfigEntry::Script => {
            "Un programme ou un script shell exécuté sur l’hôte, en root, à cette étape du démarrage ou de l’arrêt. Il doit appartenir à root, et personne d’autre ne doit pouvoir l’écrire. S’il échoue, le démarrage s’arrête."
        }
        ConfigEntry::ScriptPart => {
            "Un de plusieurs programmes ou scripts shell exécutés sur l’hôte, en root, à cette étape, dans l’ordre de leurs noms."
        }
        ConfigEntry::BaseLink => {
            "Un lien vers le répertoire qui contient les fichiers, les caches ou les numéros en marche de tous les VServers."
        }
        ConfigEntry::DynamicContext => {
            "Les constructions ne donnaient pas de numéro de contexte propre."
        }
        ConfigEntry::NextContext => {
            "Le numéro de contexte que la prochaine construction essaie d’abord."
        }
        ConfigEntry::SystemFile => {
            "Un fichier qu’un nouveau VServer reçoit dans son /etc, s’il n’en a pas."
        }
        ConfigEntry::VisibleProcFiles => {
            "Fichiers de /proc que l’original montrait aux VServers, un par ligne."
        }
        ConfigEntry::MessageStyle => {
            "Séquences d’échappement qui coloraient les messages de l’original."
        }
        ConfigEntry::PackageSource => {
            "D’où dnf tire les paquets d’une distribution RPM. Il en faut au moins un. $releasever tient lieu de version, $basearch d’architecture ; gpgkey nomme la clé qui signe les paquets."
        }
        ConfigEntry::PackageList => {
            "Des paquets d’une distribution RPM, installés liste après liste dans l’ordre de leurs noms. Il en faut au moins une. « --can-fail » laisse la construction continuer sans la liste, « --reinstall » réinstalle ce qui y est déjà."
        }
        ConfigEntry::Release => {
            "Ce que vaut $releasever. Sans lui : les chiffres qui terminent le nom de la distribution."
        }
        ConfigEntry::SuiteMirror => "Où debootstrap trouve cette distribution.",
        ConfigEntry::SuiteScript => {
            "Pour une distribution que debootstrap ne connaît pas : une autre, qui se fait de la même façon."
        }
        ConfigEntry::SuiteOptions => {
            "Ce qu’on dit à debootstrap pour cette distribution, par exemple un trousseau de l’hôte, ou que les signatures ne sont pas vérifiées."
        }
        ConfigEntry::PackageSettings => {
            "Les réglages de dnf pour cette distribution. @YUMETCDIR@, @YUMCACHEDIR@, @YUMLOGDIR@, @YUMLIBDIR@ et @YUMLOCKDIR@ sont remplacés par la construction."
        }
        ConfigEntry::PackageKey => {
            "Une clé dont les paquets de cette distribution peuvent être signés."
        }
        ConfigEntry::SharedPackageKey => {
            "Une clé dont les paquets de toute distribution peuvent être signés."
        }
        ConfigEntry::PackageMacros => {
            "Des réglages de rpm, par exemple l’endroit où le rpm de la distribution garde sa base."
        }
        ConfigEntry::DistributionProgram => {
            "Un programme que la construction exécute avant le premier paquet (initpre) ou après le dernier (initpost), avec les seuls droits du nouveau VServer."
        }
        ConfigEntry::DistributionTemplate => {
            "Un lien vers l’archive que dépaquette la méthode template."
        }
        ConfigEntry::DistributionLink => "Un lien vers une description ailleurs sur l’hôte.",
        ConfigEntry::DistributionDevices => {
            "Les périphériques que l’original créait dans /dev. Ici, tout VServer a les mêmes, refaits à chaque démarrage."
        }
        ConfigEntry::DistributionHosts => {
            "Le /etc/hosts que l’original donnait aux nouveaux VServers. Ici, c’est .defaults/files/hosts."
        }
        ConfigEntry::DistributionAptConf | ConfigEntry::DistributionApt => {
            "Des réglages d’apt pour une gestion de l’extérieur. Ici, les paquets se gèrent à l’intérieur."
        }
        ConfigEntry::DistributionRpm => {
            "Des réglages et des listes de rpm pour une gestion de l’extérieur. Ici, les paquets se gèrent à l’intérieur."
        }
        ConfigEntry::DistributionLibrary => {
            "Un lien vers des programmes ou des bibliothèques de rpm pour une gestion de l’extérieur."
        }
    }
}
