//! English: what the entries of a config tree mean.

use domain::config_entry::ConfigEntry;

/// What an entry means.
#[expect(clippy::too_many_lines, reason = "one text an entry")]
pub(crate) fn meaning(entry: ConfigEntry) -> &'static str {
    match entry {
        ConfigEntry::Name => {
            "The name that vserver-stat and vps show. It does not rename the VServer: commands take the name of its directory."
        }
        ConfigEntry::Context => {
            "Its context number (xid), from 2 to 49151. No two VServers have the same."
        }
        ConfigEntry::NetworkContext => {
            "The number of its network context; the context number when absent."
        }
        ConfigEntry::NoNetworkContext => {
            "No network context at all: the VServer would share the host’s network."
        }
        ConfigEntry::Tag => {
            "The tag that its files got on a filesystem with tags; the context number when absent."
        }
        ConfigEntry::RootDirectory => "A link to the directory of its files.",
        ConfigEntry::CacheDirectory => {
            "A link to its cache directory, where the original kept disk usage between starts."
        }
        ConfigEntry::RunFile => "A link to the file that holds its context number while it runs.",
        ConfigEntry::Flags => {
            "Context flags, one a line; “~” before one clears it. When this file is there, “flags” is not read. sched_hard makes sched/ count."
        }
        ConfigEntry::OldFlags => "The old name of cflags; read only where there is no cflags.",
        ConfigEntry::NetworkFlags => "Flags of its network context, one a line.",
        ConfigEntry::Capabilities => {
            "Capabilities added to what a VServer’s root may do, or with “~” taken from it, one a line."
        }
        ConfigEntry::ContextCapabilities => {
            "Context capabilities of the VServer kernel, one a line."
        }
        ConfigEntry::NetworkCapabilities => "Capabilities of its network context, one a line.",
        ConfigEntry::OldCapabilities => "Capabilities as kernels 2.4 knew them.",
        ConfigEntry::UnshareMask => "The kinds of namespaces that it may make itself, one a line.",
        ConfigEntry::Nice => "The niceness of its processes, from -20 (first served) to 19 (last).",
        ConfigEntry::IoniceClass => {
            "The class of its disk accesses: 1 real-time, 2 best effort, 3 idle."
        }
        ConfigEntry::IonicePriority => {
            "The priority of its disk accesses within the class, 0 (first) to 7."
        }
        ConfigEntry::Personality => {
            "The execution domain of its processes, such as linux32; flags on the lines that follow."
        }
        ConfigEntry::Shell => {
            "The shell that “enter” opens: a command in one line, or one argument a line. When absent, the first one that the VServer has."
        }
        ConfigEntry::Schedule => {
            "The old form of sched/: fill rate, interval, tokens, fewest, most, priority, one a line. Counts where there is no sched/."
        }
        ConfigEntry::Badness => {
            "How early the kernel ends its processes when the host’s memory is used up."
        }
        ConfigEntry::OldHostName => "The old place of the host name; uts/nodename wins.",
        ConfigEntry::OldDomainName => "The old place of the NIS domain name; uts/domainname wins.",
        ConfigEntry::Legacy => "Left everything to the scripts of the time before util-vserver.",
        ConfigEntry::Disabled => {
            "Whatever is done to all, to marked or to running ones, a boot too, leaves this VServer out; by its name it is reached."
        }
        ConfigEntry::Noisy => "The original’s helpers ran without their option for silence.",
        ConfigEntry::KeepDescriptors => {
            "Left files that were open on the host open in the VServer’s commands."
        }
        ConfigEntry::NoCgroup => "The cgroup settings of .defaults do not hold for it.",
        ConfigEntry::NoNetworkNamespace => {
            "The network namespaces of .defaults do not hold for it."
        }
        ConfigEntry::OldSync => {
            "Made the original’s stop wait one second more. The right place is apps/init/sync."
        }
        ConfigEntry::Fstab => {
            "What is mounted in it at its start: source, target, type and options on each line."
        }
        ConfigEntry::DefaultFstab => "The fstab that new VServers are given.",
        ConfigEntry::LocalFstab => "An old place for mounts, read after fstab. Use fstab.",
        ConfigEntry::RemoteFstab => "Mounts made from the VServer’s own network, such as NFS.",
        ConfigEntry::NoNamespace => {
            "No mount namespace of its own: its mounts would appear on the host."
        }
        ConfigEntry::OwnNamespace => {
            "A mount namespace of its own though .defaults says otherwise."
        }
        ConfigEntry::NoNamespaceCleanup => {
            "The host’s mounts stay in its mount namespace. Ulysse never shows them to a VServer."
        }
        ConfigEntry::NamespaceCleanup => {
            "The host’s mounts are taken out of its mount namespace though .defaults says otherwise."
        }
        ConfigEntry::NamespaceCleanupSkip => {
            "Mount points of the host that the clean-up leaves, one a line."
        }
        ConfigEntry::InitStyle => {
            "How its first process is made: sysv (run levels, by Ulysse’s own small init), gentoo or openrc, arch (the same, with the scripts of these), plain (its own /sbin/init, such as systemd) or minit (its own /sbin/minit-start)."
        }
        ConfigEntry::RunLevel => "The run level it is started in; runlevel.start wins.",
        ConfigEntry::StartRunLevel => {
            "The run level it is started in: 3 for the styles sysv and arch, “default” for gentoo, none for plain and minit."
        }
        ConfigEntry::StopRunLevel => {
            "The run level that stops it: 6 for style sysv, none for the others."
        }
        ConfigEntry::KillSequence => {
            "How what still runs at the end of a stop is ended: a signal, seconds to wait, a signal and so on. What it said at the start counts."
        }
        ConfigEntry::StartCommand => {
            "The command that starts it, inside, in place of the style’s; one argument a line."
        }
        ConfigEntry::StopCommand => {
            "The command that stops it, inside, in place of the style’s; one argument a line. The styles plain and minit need none: their first process is told by a signal."
        }
        ConfigEntry::SyncCommand => {
            "A command of the host, one argument a line, that runs when a start or stop has come to its end and waits for what else belongs to it."
        }
        ConfigEntry::PrepareCommand => {
            "A command of the host, one argument a line, that runs before each start, in place of what the style prepares."
        }
        ConfigEntry::Sync => "Start and stop wait for their end. Ulysse always waits.",
        ConfigEntry::Terminal => "Where the output of start and stop went.",
        ConfigEntry::Marks => {
            "Labels for starting groups of VServers, one a line; “default” means at the host’s boot."
        }
        ConfigEntry::Depends => "VServers that must run before this one, one a line.",
        ConfigEntry::Environment => {
            "The whole environment of the start command, NAME=value on each line."
        }
        ConfigEntry::Mtab => "What /etc/mtab inside began with.",
        ConfigEntry::DefaultMtab => "What /etc/mtab began with in VServers that say nothing else.",
        ConfigEntry::SyncTimeout => {
            "How many seconds a stop waits for the VServer before its processes are killed."
        }
        ConfigEntry::VshelperAction => {
            "What follows when the VServer ended of itself, as by “reboot -f” inside: “restart”, “stop”, or a program in apps/vshelper-methods."
        }
        ConfigEntry::VshelperDisabled => {
            "Nothing follows when the VServer ends of itself: it stays stopped."
        }
        ConfigEntry::VshelperSwitch => {
            "“debug” writes each step of what follows an event into the log file of .defaults; with “warning-disabled” a start says nothing of programs here that would not be run."
        }
        ConfigEntry::VshelperLog => {
            "What programs say that see to the end of VServers is added to this file."
        }
        ConfigEntry::VshelperEvent => {
            "A program of the host that is run when this happened to the VServer: restart, halt, poweroff, shutdown; also startup, when its first program runs, and oom, when memory was used up."
        }
        ConfigEntry::VshelperMethod => {
            "A program of the host that “action” names, or that sees to an event of every VServer."
        }
        ConfigEntry::PackagesInside => "Package tools run inside the VServer, not on the host.",
        ConfigEntry::PackageStyle => {
            "Which package tools it has; guessed from its files when absent."
        }
        ConfigEntry::PackageDirectory => {
            "A link to where the host kept the VServer’s package database."
        }
        ConfigEntry::AptConf => "The apt.conf of VServers whose packages are managed on the host.",
        ConfigEntry::UnifyExclude => {
            "Files that unification leaves alone, one pattern a line; “+” includes, “~” skips."
        }
        ConfigEntry::UnifyReference => "A link to the VServer that this one is unified with.",
        ConfigEntry::UnifyHash => "A link to the directory of common files of one filesystem.",
        ConfigEntry::UnifyPackages => {
            "Whether unification asks the package tools which files are configuration."
        }
        ConfigEntry::DeviceMapSwitch => "What may be done with this device.",
        ConfigEntry::DeviceMap => "A device that the VServer sees in place of another.",
        ConfigEntry::LoginDisable => "“enter” without a terminal of its own.",
        ConfigEntry::Mirror => "The package mirror of builds that name none; else the host’s own.",
        ConfigEntry::DebootstrapSource => {
            "Where the original got debootstrap from when it was not installed."
        }
        ConfigEntry::DebootstrapOptions => {
            "Options given to debootstrap before those of the build."
        }
        ConfigEntry::BuildOptions => "Options given to every build before its own, one a line.",
        ConfigEntry::ExternalDescription => "Descriptions for the original’s tool h2ext.",
        ConfigEntry::SharedDevice => "The network device of interfaces that name none.",
        ConfigEntry::SharedPrefix => "The prefix length of interfaces that give none.",
        ConfigEntry::SharedMask => "The netmask of interfaces that give none; a prefix wins.",
        ConfigEntry::SharedBroadcast => "The broadcast address of interfaces that give none.",
        ConfigEntry::SharedScope => "The scope of addresses; the original read and never used it.",
        ConfigEntry::SharedExternalAddress => {
            "The address seen outside, of an experiment of the original’s."
        }
        ConfigEntry::SharedVlanDevice => {
            "VLAN devices are made at the start and removed at the stop."
        }
        ConfigEntry::Loopback => {
            "The loopback address shown to the VServer. With Ulysse each has a 127.0.0.1 of its own."
        }
        ConfigEntry::InterfaceAddress => "An IPv4 or IPv6 address of the VServer.",
        ConfigEntry::InterfaceDevice => "The host’s network device that the address lives on.",
        ConfigEntry::InterfacePrefix => {
            "The prefix length of the address, such as 24. Without prefix and mask the address stands alone."
        }
        ConfigEntry::InterfaceMask => {
            "The netmask of the address, such as 255.255.255.0; a prefix wins."
        }
        ConfigEntry::InterfaceBroadcast => "The broadcast address; computed when absent.",
        ConfigEntry::InterfaceLabel => {
            "The label of the address, as ifconfig shows it: device:label takes at most 15 bytes."
        }
        ConfigEntry::InterfaceScope => {
            "The scope of the address; the original read and never used it."
        }
        ConfigEntry::InterfaceWithoutDevice => {
            "The address is the VServer’s and is put on no device."
        }
        ConfigEntry::InterfaceOnlyAddress => "The old name of nodev.",
        ConfigEntry::InterfaceOnWire => {
            "Ulysse’s own: the VServer is on the wire of its device itself, with a hardware address of its own (macvlan), as a DHCP server must be. The host and it do not see each other over that device."
        }
        ConfigEntry::InterfaceDisabled => "This interface is left out.",
        ConfigEntry::InterfaceDown => "The device is not switched on.",
        ConfigEntry::InterfacePeer => "The address of the other end of a point-to-point link.",
        ConfigEntry::InterfaceTunnel => "Makes a tun or tap device for the VServer.",
        ConfigEntry::InterfaceTunnelOwner => "Who owns the tun or tap device, and its link type.",
        ConfigEntry::InterfaceVlanDevice => {
            "Whether the VLAN device is made at the start and removed at the stop."
        }
        ConfigEntry::InterfaceIndirect => "An experiment of the original’s with dummy devices.",
        ConfigEntry::InterfaceHardwareAddress => "The hardware address of an indirect interface.",
        ConfigEntry::InterfaceExternalAddress => {
            "The address seen outside, of an experiment of the original’s."
        }
        ConfigEntry::ProcessLimit => {
            "A limit of each of its processes: both limits, or the soft or hard one. A number, K or M after it, or inf."
        }
        ConfigEntry::VServerLimit => {
            "A limit of the whole VServer: rss (memory) and as (address space; what is beyond rss is swap) in pages, nproc in processes. A number, K or M after it, or inf."
        }
        ConfigEntry::OtherVServerLimit => "A limit that only the original’s kernel could keep.",
        ConfigEntry::DiskLimitDirectory => {
            "A directory on the filesystem that this disk limit is for."
        }
        ConfigEntry::DiskLimitSpace => "The most KiB that it may take there; -1 for no limit.",
        ConfigEntry::DiskLimitInodes => "The most files that it may have there; -1 for no limit.",
        ConfigEntry::DiskLimitReserved => "The percentage kept for the VServer’s root.",
        ConfigEntry::DiskLimitDisabled => "This disk limit is left out.",
        ConfigEntry::SchedulerRate => {
            "How many tokens are added in each interval: the VServer gets this part of one processor, when the flag sched_hard is set."
        }
        ConfigEntry::SchedulerIdleRate => {
            "How many tokens are added, and how often, while the host is idle."
        }
        ConfigEntry::SchedulerInterval => "How long an interval is, in ticks of the kernel.",
        ConfigEntry::SchedulerTokens => {
            "Tokens at the start, the fewest needed to go on, the most that are saved."
        }
        ConfigEntry::SchedulerPriority => "What is added to the priority of its processes.",
        ConfigEntry::SchedulerIdleTime => "Idle time of the host may be used beyond the share.",
        ConfigEntry::SchedulerCpu => "The processor, or the bucket, that these numbers are for.",
        ConfigEntry::CpuSchedulerRate => {
            "For one processor: how many tokens are added in each interval."
        }
        ConfigEntry::CpuSchedulerInterval => {
            "For one processor: how long an interval is, in ticks of the kernel."
        }
        ConfigEntry::CpuSchedulerTokens => "For one processor: tokens at the start, fewest, most.",
        ConfigEntry::CpuSchedulerPriority => {
            "For one processor: what is added to the priority of its processes."
        }
        ConfigEntry::CpuSchedulerIdleTime => {
            "For one processor: idle time may be used beyond the share."
        }
        ConfigEntry::CpuSchedulerCpu => {
            "The processor, or the bucket, that the numbers beside it are for."
        }
        ConfigEntry::CpusetName => {
            "The name of the cpuset it runs in. Every VServer has one of its own by now, and needs no name for it."
        }
        ConfigEntry::CpusetMembers => "The processors or memory nodes it runs on, such as 0-2.",
        ConfigEntry::CpusetSwitch => {
            "Properties of its cpuset: exclusive, virtualised, not made anew."
        }
        ConfigEntry::CgroupName => "The name of its cgroup.",
        ConfigEntry::CgroupSettings => {
            "Where the original found cgroups, and which controllers it used."
        }
        ConfigEntry::CgroupFile => {
            "A control file: its text was written to the file of this name in the VServer’s cgroup."
        }
        ConfigEntry::SysctlSetting => "The name of a kernel setting made at the start.",
        ConfigEntry::SysctlValue => "The value of the kernel setting beside it.",
        ConfigEntry::NodeName => "The host name inside the VServer.",
        ConfigEntry::DomainName => "The NIS domain name inside the VServer.",
        ConfigEntry::KernelName => {
            "What uname says inside. A stock kernel cannot be told to say anything else."
        }
        ConfigEntry::SharedSpace => {
            "Which other VServer’s namespace it joins; empty for one of its own."
        }
        ConfigEntry::SpaceMask => "Further kinds of namespaces, as a mask.",
        ConfigEntry::NetworkNamespaceName => {
            "The named network namespace of late versions of the original."
        }
        ConfigEntry::NetworkNamespaceInterface => {
            "A pair of devices between the host and the named network namespace."
        }
        ConfigEntry::Script => {
            "A program, or a shell script, that runs on the host as root at this step of a start or stop. It has to be root’s, and nobody else may write it. One that fails ends a start."
        }
        ConfigEntry::ScriptPart => {
            "One of several programs or shell scripts that run on the host as root at this step, in the order of their names."
        }
        ConfigEntry::BaseLink => {
            "A link to the directory that holds the files, caches or running numbers of all VServers."
        }
        ConfigEntry::DynamicContext => "Builds gave no context number of their own.",
        ConfigEntry::NextContext => "The context number that the next build tries first.",
        ConfigEntry::SystemFile => "A file that a new VServer gets in its /etc, where it has none.",
        ConfigEntry::VisibleProcFiles => {
            "Files of /proc that the original showed to VServers, one a line."
        }
        ConfigEntry::MessageStyle => "Escape sequences that coloured the original’s messages.",
        ConfigEntry::PackageSource => {
            "Where dnf finds the packages of an RPM distribution. At least one is needed. $releasever stands for the release, $basearch for the architecture; gpgkey names the key that the packages are signed with."
        }
        ConfigEntry::PackageList => {
            "Packages of an RPM distribution, installed one list after the other in the order of their names. At least one is needed. “--can-fail” lets the build go on without the list, “--reinstall” installs once more what is there."
        }
        ConfigEntry::Release => {
            "What $releasever stands for. Without it: the digits that the distribution’s name ends in."
        }
        ConfigEntry::SuiteMirror => "Where debootstrap finds this suite.",
        ConfigEntry::SuiteScript => {
            "For a suite that debootstrap does not know: another one that is made in the same way."
        }
        ConfigEntry::SuiteOptions => {
            "What debootstrap is told for this suite, such as a keyring of the host’s or that signatures are not checked."
        }
        ConfigEntry::PackageSettings => {
            "Settings of dnf for this distribution. @YUMETCDIR@, @YUMCACHEDIR@, @YUMLOGDIR@, @YUMLIBDIR@ and @YUMLOCKDIR@ are filled in by the build."
        }
        ConfigEntry::PackageKey => "A key that packages of this distribution may be signed with.",
        ConfigEntry::SharedPackageKey => {
            "A key that packages of every distribution may be signed with."
        }
        ConfigEntry::PackageMacros => {
            "Settings of rpm, such as where the distribution’s own rpm keeps its database."
        }
        ConfigEntry::DistributionProgram => {
            "A program that a build runs before the first package (initpre) or after the last (initpost), with the rights of the new VServer alone."
        }
        ConfigEntry::DistributionTemplate => {
            "A link to the archive that the method template unpacks."
        }
        ConfigEntry::DistributionLink => "A link to a description elsewhere on the host.",
        ConfigEntry::DistributionDevices => {
            "The devices that the original made in /dev. Here every VServer gets the same, made anew at each start."
        }
        ConfigEntry::DistributionHosts => {
            "The /etc/hosts that the original gave to new VServers. Here it is .defaults/files/hosts."
        }
        ConfigEntry::DistributionAptConf | ConfigEntry::DistributionApt => {
            "Settings of apt for management from outside. Here packages are managed inside."
        }
        ConfigEntry::DistributionRpm => {
            "Settings and lists of rpm for management from outside. Here packages are managed inside."
        }
        ConfigEntry::DistributionLibrary => {
            "A link to programs or libraries of rpm for management from outside."
        }
    }
}
