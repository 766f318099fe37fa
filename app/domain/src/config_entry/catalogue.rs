//! The catalogue: one row an entry.
//!
//! Rows that could match the same path stand in the order in which they are asked.

use super::{Access, Effect, EntryKind, Rule};

/// Flags of the network context (fact sheet 3.5).
const NETWORK_FLAGS: [&str; 11] = [
    "lock",
    "private",
    "single_ip",
    "lback_remap",
    "remap_lback",
    "lback_allow",
    "hide_netif",
    "hide_lback",
    "state_setup",
    "state_admin",
    "sc_helper",
];

/// Capabilities of the context (fact sheet 3.4).
const CONTEXT_CAPABILITIES: [&str; 25] = [
    "set_utsname",
    "utsname",
    "set_rlimit",
    "rlimit",
    "fs_security",
    "fs_trusted",
    "tiocsti",
    "raw_icmp",
    "icmp",
    "ping",
    "syslog",
    "oom_adjust",
    "audit_control",
    "secure_mount",
    "mount",
    "secure_remount",
    "remount",
    "binary_mount",
    "dev_mount",
    "quota_ctl",
    "admin_mapper",
    "admin_cloop",
    "kthread",
    "namespace",
    "net_raw",
];

/// Capabilities of the network context (fact sheet 3.5).
const NETWORK_CAPABILITIES: [&str; 3] = ["tun_create", "raw_icmp", "multicast"];

macro_rules! catalogue {
    ($($name:ident: $pattern:literal in $place:ident, $kind:ident, $default:expr, $effect:ident, $access:ident, $rule:expr;)+) => {
        /// An entry of a config tree.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ConfigEntry {
            $(#[doc = concat!("`", $pattern, "`")] $name,)+
        }

        impl ConfigEntry {
            /// Every entry, in the order of the fact sheet.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Where it is: a path, `*` for any name, `{a,b}` for one of several.
            #[must_use]
            pub fn pattern(self) -> &'static str {
                match self { $(Self::$name => $pattern,)+ }
            }

            /// How it is read.
            #[must_use]
            pub fn kind(self) -> EntryKind {
                match self { $(Self::$name => EntryKind::$kind,)+ }
            }

            /// What holds when it is not there; none when that is nothing, or no fixed text.
            #[must_use]
            pub fn default_text(self) -> Option<&'static str> {
                match self { $(Self::$name => $default,)+ }
            }

            /// When it has an effect.
            #[must_use]
            pub fn effect(self) -> Effect {
                match self { $(Self::$name => Effect::$effect,)+ }
            }

            /// Who may write it.
            #[must_use]
            pub fn access(self) -> Access {
                match self { $(Self::$name => Access::$access,)+ }
            }

            /// What its values must be.
            #[must_use]
            pub fn rule(self) -> Rule {
                match self { $(Self::$name => $rule,)+ }
            }

            /// Whether VServers have it, whether the defaults do, and whether distributions do.
            pub(super) fn place(self) -> (bool, bool, bool) {
                match self { $(Self::$name => catalogue!(@place $place),)+ }
            }
        }
    };
    (@place vserver) => { (true, false, false) };
    (@place defaults) => { (false, true, false) };
    (@place both) => { (true, true, false) };
    (@place distributions) => { (false, false, true) };
}

#[rustfmt::skip]
catalogue! {
    // The top level (fact sheet 1.1).
    Name: "name" in vserver, Scalar, None, AtOnce, Web, Rule::Any;
    Context: "context" in vserver, Scalar, None, NextStart, Web, Rule::Context;
    NetworkContext: "ncontext" in vserver, Scalar, None, None, Web, Rule::Context;
    NoNetworkContext: "noncontext" in vserver, Switch, None, None, Host, Rule::Any;
    Tag: "tag" in vserver, Scalar, None, None, Host, Rule::Context;
    RootDirectory: "vdir" in vserver, Link, None, NextStart, ByHand, Rule::Any;
    CacheDirectory: "cache" in vserver, Link, None, Given, ByHand, Rule::Any;
    RunFile: "run" in vserver, Link, None, AtOnce, ByHand, Rule::Any;
    Flags: "cflags" in vserver, List, None, NextStart, Web, Rule::Flags;
    OldFlags: "flags" in vserver, List, None, NextStart, Web, Rule::Flags;
    NetworkFlags: "nflags" in vserver, List, None, None, Web, Rule::Words("nxf_", &NETWORK_FLAGS);
    Capabilities: "bcapabilities" in vserver, List, None, NextStart, Host, Rule::Capabilities;
    ContextCapabilities: "ccapabilities" in vserver, List, None, None, Host, Rule::Words("vxc_", &CONTEXT_CAPABILITIES);
    NetworkCapabilities: "ncapabilities" in vserver, List, None, None, Host, Rule::Words("nxc_", &NETWORK_CAPABILITIES);
    OldCapabilities: "capabilities" in vserver, List, None, None, Host, Rule::Capabilities;
    UnshareMask: "umask" in vserver, List, None, None, Host, Rule::Words("", &["fs", "newns", "newuts", "newipc", "newuser", "newpid", "newnet"]);
    Nice: "nice" in vserver, Scalar, Some("0"), NextStart, Web, Rule::Integer(-20, 19);
    IoniceClass: "ionice/class" in vserver, Scalar, None, NextStart, Web, Rule::Integer(0, 3);
    IonicePriority: "ionice/priority" in vserver, Scalar, None, NextStart, Web, Rule::Integer(0, 7);
    Personality: "personality" in vserver, Array, None, NextStart, Web, Rule::Any;
    Shell: "shell" in both, Array, None, AtOnce, Web, Rule::Any;
    Schedule: "schedule" in vserver, Array, None, NextStart, Web, Rule::Schedule;
    Badness: "badness" in vserver, Scalar, None, NextStart, Host, Rule::Integer(-1000, 1000);
    OldHostName: "hostname" in vserver, Scalar, None, NextStart, Web, Rule::HostName;
    OldDomainName: "domainname" in vserver, Scalar, None, NextStart, Web, Rule::Any;
    Legacy: "legacy" in vserver, Switch, None, None, Host, Rule::Any;
    Disabled: "disabled" in vserver, Switch, None, AtOnce, Web, Rule::Any;
    Noisy: "noisy" in vserver, Switch, None, None, Web, Rule::Any;
    KeepDescriptors: "keepfds" in both, Switch, None, None, Host, Rule::Any;
    NoCgroup: "nocgroup" in vserver, Switch, None, None, Host, Rule::Any;
    NoNetworkNamespace: "nonetns" in vserver, Switch, None, None, Host, Rule::Any;
    OldSync: "sync" in vserver, Switch, None, Given, Web, Rule::Any;
    // Mounts (1.2) and namespaces (1.3).
    Fstab: "fstab" in vserver, Fstab, None, NextStart, Web, Rule::Mount;
    DefaultFstab: "fstab" in defaults, Fstab, None, NextBuild, Web, Rule::Mount;
    LocalFstab: "fstab.local" in vserver, Fstab, None, NextStart, Web, Rule::Mount;
    RemoteFstab: "fstab.remote" in vserver, Fstab, None, None, Web, Rule::Mount;
    NoNamespace: "nonamespace" in both, Switch, None, None, Host, Rule::Any;
    OwnNamespace: "namespace" in vserver, Switch, None, Given, Host, Rule::Any;
    NoNamespaceCleanup: "nonamespace-cleanup" in both, Switch, None, AtOnce, Host, Rule::Any;
    NamespaceCleanup: "namespace-cleanup" in vserver, Switch, None, AtOnce, Host, Rule::Any;
    NamespaceCleanupSkip: "namespace-cleanup-skip" in both, Array, None, AtOnce, Host, Rule::Path;
    // How it starts and stops (1.4).
    InitStyle: "apps/init/style" in vserver, Scalar, Some("sysv"), NextStart, Web, Rule::InitStyle;
    RunLevel: "apps/init/runlevel" in vserver, Scalar, None, NextStart, Web, Rule::RunLevel;
    StartRunLevel: "apps/init/runlevel.start" in vserver, Scalar, None, NextStart, Web, Rule::RunLevel;
    StopRunLevel: "apps/init/runlevel.stop" in vserver, Scalar, None, NextStart, Web, Rule::RunLevel;
    KillSequence: "apps/init/killseq" in vserver, Array, Some("15 5 9"), NextStart, Web, Rule::KillSequence;
    StartCommand: "apps/init/cmd.start" in vserver, Array, None, NextStart, Web, Rule::Any;
    StopCommand: "apps/init/cmd.stop" in vserver, Array, None, NextStart, Web, Rule::Any;
    SyncCommand: "apps/init/cmd.{start,stop}-sync" in vserver, Array, None, AtOnce, Host, Rule::Any;
    PrepareCommand: "apps/init/cmd.prepare" in vserver, Array, None, NextStart, Host, Rule::Any;
    Sync: "apps/init/sync" in vserver, Switch, None, Given, Web, Rule::Any;
    Terminal: "apps/init/tty" in both, Text, Some("/dev/null"), None, ByHand, Rule::Any;
    Marks: "apps/init/mark" in vserver, List, None, AtOnce, Web, Rule::Mark;
    Depends: "apps/init/depends" in vserver, List, None, AtOnce, Web, Rule::VServer;
    Environment: "apps/init/environment" in both, Array, Some("PATH=/bin:/usr/bin:/sbin:/usr/sbin"), NextStart, Web, Rule::Assignment;
    Mtab: "apps/init/mtab" in vserver, Text, Some("/dev/hdv1 / ufs defaults 0 0"), None, Web, Rule::Any;
    DefaultMtab: "init/mtab" in defaults, Text, Some("/dev/hdv1 / ufs defaults 0 0"), None, Web, Rule::Any;
    // Other applications (1.5).
    SyncTimeout: "apps/vshelper/sync-timeout" in both, Scalar, Some("30"), AtOnce, Web, Rule::Integer(0, 86_400);
    VshelperAction: "apps/vshelper/action" in both, Scalar, Some("restart"), AtOnce, Host, Rule::Any;
    VshelperDisabled: "apps/vshelper/disabled" in both, Switch, None, AtOnce, Host, Rule::Any;
    VshelperSwitch: "apps/vshelper/{debug,warning-disabled}" in both, Switch, None, AtOnce, Host, Rule::Any;
    VshelperLog: "apps/vshelper/logfile" in defaults, Text, None, AtOnce, ByHand, Rule::Any;
    VshelperEvent: "apps/vshelper/*" in both, Program, None, AtOnce, ByHand, Rule::Any;
    VshelperMethod: "apps/vshelper-{methods,delegate}/*" in both, Program, None, AtOnce, ByHand, Rule::Any;
    PackagesInside: "apps/pkgmgmt/internal" in vserver, Switch, None, Given, Web, Rule::Any;
    PackageStyle: "apps/pkgmgmt/style" in vserver, Scalar, None, None, Web, Rule::Choice(&["redhat", "mandrake", "debian", "suse"]);
    PackageDirectory: "apps/pkgmgmt/{base,execdir,rpmetc,rpmstate,rpmlib,aptetc,aptstate,aptcache,aptarchives,yumetc,yumcache,urpmietc,urpmistate}" in both, Link, None, None, ByHand, Rule::Any;
    AptConf: "apps/pkgmgmt/apt.conf" in defaults, Text, None, None, Host, Rule::Any;
    UnifyExclude: "apps/vunify/exclude" in both, List, None, None, Web, Rule::Any;
    UnifyReference: "apps/vunify/refserver.*" in both, Link, None, None, ByHand, Rule::Any;
    UnifyHash: "apps/vunify/hash/*" in both, Link, None, None, ByHand, Rule::Any;
    UnifyPackages: "apps/vunify/{pkgmgmt-ignore,pkgmgmt-force,pgkmgmt-force}" in both, Switch, None, None, Web, Rule::Any;
    DeviceMapSwitch: "apps/vdevmap/*/{create,open,remap}" in both, Switch, None, None, Host, Rule::Any;
    DeviceMap: "apps/vdevmap/*/{flags,device,target}" in both, Scalar, None, None, Host, Rule::Any;
    LoginDisable: "apps/vlogin/disable" in defaults, Switch, None, None, Web, Rule::Any;
    Mirror: "apps/debootstrap/mirror" in defaults, Scalar, None, NextBuild, Web, Rule::Mirror;
    DebootstrapSource: "apps/debootstrap/uri" in defaults, Scalar, None, None, Host, Rule::Any;
    DebootstrapOptions: "apps/debootstrap/options" in defaults, Scalar, None, NextBuild, Host, Rule::Any;
    BuildOptions: "apps/build/options" in defaults, Array, None, NextBuild, Host, Rule::Any;
    ExternalDescription: "apps/h2ext/desc" in defaults, Text, None, None, Host, Rule::Any;
    // Addresses (1.6).
    SharedDevice: "interfaces/dev" in vserver, Scalar, None, NextStart, Web, Rule::Device;
    SharedPrefix: "interfaces/prefix" in vserver, Scalar, None, NextStart, Web, Rule::Prefix;
    SharedMask: "interfaces/mask" in vserver, Scalar, None, NextStart, Web, Rule::Netmask;
    SharedBroadcast: "interfaces/bcast" in vserver, Scalar, None, None, Web, Rule::Any;
    SharedScope: "interfaces/scope" in vserver, Scalar, None, None, Web, Rule::Any;
    SharedExternalAddress: "interfaces/extip" in vserver, Scalar, None, None, Web, Rule::PlainAddress;
    SharedVlanDevice: "interfaces/vlandev" in both, Switch, None, None, Host, Rule::Any;
    Loopback: "interfaces/lback" in vserver, Scalar, None, None, Web, Rule::PlainAddress;
    InterfaceAddress: "interfaces/*/ip" in vserver, Scalar, None, NextStart, Web, Rule::Address;
    InterfaceDevice: "interfaces/*/dev" in vserver, Scalar, None, NextStart, Web, Rule::Device;
    InterfacePrefix: "interfaces/*/prefix" in vserver, Scalar, Some("32"), NextStart, Web, Rule::Prefix;
    InterfaceMask: "interfaces/*/mask" in vserver, Scalar, None, NextStart, Web, Rule::Netmask;
    InterfaceBroadcast: "interfaces/*/bcast" in vserver, Scalar, Some("+"), None, Web, Rule::Any;
    InterfaceLabel: "interfaces/*/name" in vserver, Scalar, None, NextStart, Web, Rule::Label;
    InterfaceScope: "interfaces/*/scope" in vserver, Scalar, None, None, Web, Rule::Any;
    InterfaceWithoutDevice: "interfaces/*/nodev" in vserver, Switch, None, NextStart, Web, Rule::Any;
    InterfaceOnlyAddress: "interfaces/*/only_ip" in vserver, Switch, None, NextStart, Web, Rule::Any;
    InterfaceOnWire: "interfaces/*/macvlan" in vserver, Switch, None, NextStart, Host, Rule::Any;
    InterfaceDisabled: "interfaces/*/disabled" in vserver, Switch, None, NextStart, Web, Rule::Any;
    InterfaceDown: "interfaces/*/down" in vserver, Switch, None, None, Web, Rule::Any;
    InterfacePeer: "interfaces/*/peer" in vserver, Scalar, None, None, Web, Rule::PlainAddress;
    InterfaceTunnel: "interfaces/*/{tun,tap,nocsum,shared}" in vserver, Switch, None, None, Host, Rule::Any;
    InterfaceTunnelOwner: "interfaces/*/{uid,gid,linktype}" in vserver, Scalar, None, None, Host, Rule::Any;
    InterfaceVlanDevice: "interfaces/*/{vlandev,novlandev}" in vserver, Switch, None, None, Host, Rule::Any;
    InterfaceIndirect: "interfaces/*/indirect" in vserver, Switch, None, None, Host, Rule::Any;
    InterfaceHardwareAddress: "interfaces/*/mac" in vserver, Scalar, None, None, Host, Rule::Any;
    InterfaceExternalAddress: "interfaces/*/extip" in vserver, Scalar, None, None, Web, Rule::PlainAddress;
    // Limits and views (1.7).
    ProcessLimit: "ulimits/{core,cpu,data,fsize,locks,memlock,nofile,nproc,rss,stack}{,.soft,.hard}" in vserver, Scalar, None, NextStart, Web, Rule::Limit;
    VServerLimit: "rlimits/{rss,as,nproc}{,.hard}" in vserver, Scalar, None, NextStart, Web, Rule::Limit;
    OtherVServerLimit: "rlimits/{anon,memlock,shmem,nofile,openfd,locks,nsock,msgqueue,semary,nsems,dentry,cpu,fsize,data,stack,core,rss,as,nproc}{,.min,.soft,.hard}" in vserver, Scalar, None, None, Web, Rule::Limit;
    DiskLimitDirectory: "dlimits/*/directory" in vserver, Scalar, None, None, Host, Rule::Path;
    DiskLimitSpace: "dlimits/*/space_total" in vserver, Scalar, None, None, Web, Rule::Integer(-1, i64::MAX);
    DiskLimitInodes: "dlimits/*/inodes_total" in vserver, Scalar, None, None, Web, Rule::Integer(-1, i64::MAX);
    DiskLimitReserved: "dlimits/*/reserved" in vserver, Scalar, None, None, Web, Rule::Integer(0, 100);
    DiskLimitDisabled: "dlimits/*/disabled" in vserver, Switch, None, None, Web, Rule::Any;
    SchedulerRate: "sched/fill-rate" in vserver, Scalar, Some("1"), NextStart, Web, Rule::Integer(0, i64::MAX);
    SchedulerInterval: "sched/interval" in vserver, Scalar, Some("4"), NextStart, Web, Rule::Integer(0, i64::MAX);
    SchedulerIdleRate: "sched/{fill-rate2,interval2}" in vserver, Scalar, None, None, Web, Rule::Integer(0, i64::MAX);
    SchedulerTokens: "sched/{tokens,tokens-min,tokens-max}" in vserver, Scalar, None, None, Web, Rule::Integer(0, i64::MAX);
    SchedulerPriority: "sched/{prio-bias,priority-bias}" in vserver, Scalar, None, None, Web, Rule::Integer(-20, 19);
    SchedulerIdleTime: "sched/idle-time" in vserver, Switch, None, None, Web, Rule::Any;
    SchedulerCpu: "sched/{cpu-id,bucket-id}" in vserver, Scalar, None, None, Web, Rule::Integer(0, 65_535);
    CpuSchedulerRate: "sched/*/{fill-rate,fill-rate2}" in vserver, Scalar, None, None, Web, Rule::Integer(0, i64::MAX);
    CpuSchedulerInterval: "sched/*/{interval,interval2}" in vserver, Scalar, None, None, Web, Rule::Integer(0, i64::MAX);
    CpuSchedulerTokens: "sched/*/{tokens,tokens-min,tokens-max}" in vserver, Scalar, None, None, Web, Rule::Integer(0, i64::MAX);
    CpuSchedulerPriority: "sched/*/{prio-bias,priority-bias}" in vserver, Scalar, None, None, Web, Rule::Integer(-20, 19);
    CpuSchedulerIdleTime: "sched/*/idle-time" in vserver, Switch, None, None, Web, Rule::Any;
    CpuSchedulerCpu: "sched/*/{cpu-id,bucket-id}" in vserver, Scalar, None, None, Web, Rule::Integer(0, 65_535);
    CpusetName: "cpuset/name" in vserver, Scalar, None, Given, Host, Rule::Any;
    CpusetMembers: "cpuset/{cpus,mems}" in vserver, Scalar, None, NextStart, Web, Rule::NumberList;
    CpusetSwitch: "cpuset/{cpu_exclusive,cpus_exclusive,mem_exclusive,mems_exclusive,virtualized,nocreate}" in vserver, Text, None, None, Host, Rule::Any;
    CgroupName: "cgroup/name" in both, Scalar, None, None, Host, Rule::Any;
    CgroupSettings: "cgroup/{mnt,subsys,inherit,base,per-ss}" in defaults, Text, None, None, Host, Rule::Any;
    CgroupFile: "cgroup/*" in both, Text, None, None, Host, Rule::Any;
    SysctlSetting: "sysctl/*/setting" in vserver, Scalar, None, None, Host, Rule::Any;
    SysctlValue: "sysctl/*/value" in vserver, Scalar, None, None, Host, Rule::Any;
    NodeName: "uts/nodename" in vserver, Scalar, None, NextStart, Web, Rule::HostName;
    DomainName: "uts/domainname" in vserver, Scalar, None, NextStart, Web, Rule::Any;
    KernelName: "uts/{sysname,release,version,machine,context}" in vserver, Scalar, None, None, Web, Rule::Any;
    SharedSpace: "spaces/{pid,net}" in vserver, Text, None, None, Host, Rule::Any;
    SpaceMask: "spaces/mask" in vserver, Scalar, None, None, Host, Rule::Any;
    NetworkNamespaceName: "netns/{name,shared}" in both, Text, None, None, Host, Rule::Any;
    NetworkNamespaceInterface: "netns/interfaces/*/{host,guest,type}" in both, Scalar, None, None, Host, Rule::Any;
    // Scripts (1.8).
    Script: "scripts/{initialize,prepre-start,pre-start,post-start,pre-stop,post-stop,postpost-stop}" in both, Program, None, AtOnce, ByHand, Rule::Any;
    ScriptPart: "scripts/{initialize,prepre-start,pre-start,post-start,pre-stop,post-stop,postpost-stop}.d/*" in both, Program, None, AtOnce, ByHand, Rule::Any;
    // What only the defaults have (1.9).
    BaseLink: "{vdirbase,cachebase,run.rev}" in defaults, Link, None, AtOnce, ByHand, Rule::Any;
    DynamicContext: "context.dynamic" in defaults, Switch, None, None, Web, Rule::Any;
    NextContext: "context.next" in defaults, Scalar, Some("40000"), NextBuild, Web, Rule::Context;
    SystemFile: "files/{hosts,nsswitch.conf,krb5.conf,krb.conf,krb.realms,ldap.conf,localtime,resolv.conf}" in defaults, Text, None, NextBuild, Host, Rule::Any;
    VisibleProcFiles: "apps/vprocunhide/files" in defaults, List, None, None, Host, Rule::Any;
    MessageStyle: "styles/{bold,emph,info,warning,error}" in defaults, Text, None, None, Host, Rule::Any;
    // Distributions (1.10). Whose packages are trusted, and what dnf and rpm are told beyond where
    // packages come from and which, is root's.
    PackageSource: "*/yum.repos.d/*.repo" in distributions, Text, None, NextBuild, Web, Rule::Repositories;
    PackageList: "*/{pkgs,pkg}/*" in distributions, List, None, NextBuild, Web, Rule::Packages;
    Release: "*/releasever" in distributions, Scalar, None, NextBuild, Web, Rule::Release;
    SuiteMirror: "*/debootstrap.mirror" in distributions, Scalar, None, NextBuild, Web, Rule::Mirror;
    SuiteScript: "*/debootstrap.script" in distributions, Scalar, None, NextBuild, Web, Rule::SuiteScript;
    SuiteOptions: "*/debootstrap.options" in distributions, List, None, NextBuild, Host, Rule::Any;
    PackageSettings: "*/yum/yum.conf" in distributions, Text, None, NextBuild, Host, Rule::Any;
    PackageKey: "*/pubkeys/*" in distributions, Text, None, NextBuild, Host, Rule::Any;
    SharedPackageKey: ".common/pubkeys/*" in distributions, Text, None, NextBuild, Host, Rule::Any;
    PackageMacros: "*/rpm/macros" in distributions, Text, None, NextBuild, Host, Rule::Any;
    DistributionProgram: "*/{initpre,initpost}" in distributions, Program, None, NextBuild, ByHand, Rule::Any;
    DistributionTemplate: "*/template" in distributions, Link, None, NextBuild, ByHand, Rule::Any;
    DistributionLink: "*" in distributions, Link, None, NextBuild, ByHand, Rule::Any;
    DistributionDevices: "*/devs" in distributions, Text, None, None, Host, Rule::Any;
    DistributionHosts: "*/files/hosts" in distributions, Text, None, None, Host, Rule::Any;
    DistributionAptConf: "*/apt.conf" in distributions, Text, None, None, Host, Rule::Any;
    DistributionApt: "*/apt/*" in distributions, Text, None, None, Host, Rule::Any;
    DistributionRpm: "*/{rpm,rpmlist.d}/*" in distributions, Text, None, None, Host, Rule::Any;
    DistributionLibrary: "*/{rpmlib,execdir}" in distributions, Link, None, None, ByHand, Rule::Any;
}
