//! English: fields, and what can be wrong with them.

use domain::build::passed_options;
use domain::field::{Allowed, Field, Problem};

use super::failure::host_feature;

/// The label of a field.
pub(crate) fn field(field: Field) -> &'static str {
    match field {
        Field::Name => "Name",
        Field::Method => "Method",
        Field::Suite => "Suite",
        Field::Mirror => "Mirror",
        Field::Packages => "Packages to include",
        Field::Init => "Init",
        Field::Context => "Context number",
        Field::HostName => "Host name",
        Field::Interface => "Addresses",
        Field::Architecture => "Architecture",
        Field::Mark => "Mark",
        Field::UserName => "User name",
        Field::Password => "Password",
        Field::PasswordAgain => "Password again",
        Field::CurrentPassword => "Current password",
        Field::Role => "Role",
        Field::SetupToken => "Set-up link",
        Field::Variant => "Variant",
        Field::Components => "Components",
        Field::Excluded => "Packages to leave out",
        Field::Flags => "Flags",
        Field::ConfigPath => "Path of the file",
        Field::ConfigTree => "Configuration",
        Field::ConfigText => "New text",
        Field::Source => "Source",
        Field::ExcludePatterns => "Left out of the copy",
        Field::Bandwidth => "Highest rate (KiB/s)",
        Field::Port => "Port of sshd",
        Field::HostKey => "Key of the machine",
        Field::Identity => "Private key",
        Field::Distribution => "Distribution",
        Field::Template => "Template",
        Field::Broadcast => "Broadcast address",
        Field::Cpuset => "Cpuset",
        Field::CpusetCpus => "CPUs of the cpuset",
        Field::CpusetMems => "Memory nodes of the cpuset",
        Field::SuiteScript => "Script of another suite",
        Field::Description => "Description",
        Field::Archive => "Archive",
        Field::Base => "Base",
        Field::Backup => "Backup",
        Field::BackupTarget => "Target",
        Field::BackupTime => "When",
        Field::Retention => "Kept",
        Field::Path => "Path",
        Field::Confirmation => "Confirmation",
        Field::Process => "Process",
        Field::Signal => "Signal",
        Field::AtOnce => "On how many at once",
        Field::Canary => "Tried first",
        Field::StopAfter => "Failures after which it stops",
        Field::MountTarget => "Where, inside the VServer",
        Field::MountType => "Type",
        Field::PackageNames => "Packages",
        Field::MountSize => "Size",
        Field::MountMode => "Mode",
        Field::MountOptions => "Other options",
        Field::Service => "Service",
        Field::VServers => "VServers",
        Field::Operation => "Operation",
        Field::Action => "What is to be done",
    }
}

fn allowed(allowed: Allowed) -> &'static str {
    match allowed {
        Allowed::VServerName | Allowed::TemplateName | Allowed::DistributionName => {
            "letters without accents, digits, “.”, “_” and “-”, beginning with a letter or digit"
        }
        Allowed::HostName => {
            "letters without accents, digits, “-” and “.”, beginning with a letter or digit"
        }
        Allowed::SystemPackage => {
            "letters without accents, digits, “+”, “.”, “_”, “-” and “:”, beginning with a letter or digit and not ending as an order to apt does (“bash-”)"
        }
        Allowed::RpmPackage => {
            "letters without accents, digits, “.”, “_”, “-”, “+”, “^” and “~”; “@” before a group"
        }
        Allowed::RemotePath => {
            "an absolute path of letters without accents, digits and “/ . _ + @ , = : -”"
        }
        Allowed::Suite => "small letters, digits, “.” and “-”",
        Allowed::PackageName => "small letters, digits, “+”, “.” and “-”, packages apart by blanks",
        Allowed::Architecture => "small letters, digits and “-”",
        Allowed::Mirror => "printable characters without blanks, quotes, brackets or “#”",
        Allowed::Mark | Allowed::DeviceName => "letters without accents, digits, “.”, “_” and “-”",
        Allowed::ConfigPath => "names without control characters or “\\”, separated by single “/”",
        Allowed::ServiceName => {
            "letters, digits and “.”, “_”, “-”, “@”, “:”, “+”, “\\”, beginning with a letter, a digit or “_”"
        }
        Allowed::PlainText => "any characters of one line",
        Allowed::UserName => "small letters, digits, “.”, “_” and “-”, beginning with a letter",
    }
}

/// What is wrong, and what is allowed.
pub(crate) fn problem(what: &Problem) -> String {
    match what {
        Problem::Missing => "Something is needed here.".into(),
        Problem::TooLong { max, actual } => {
            format!("Too long: {actual} bytes, and at most {max} fit.")
        }
        Problem::TooShort { min, actual } => {
            format!("Too short: {actual} bytes, and at least {min} are needed.")
        }
        Problem::Character { character, position, allowed: set } => format!(
            "“{}” at position {position} is not allowed. Allowed: {}.",
            character.escape_debug(),
            allowed(*set)
        ),
        Problem::BackupSuffix { suffix } => format!(
            "A name ending in “{suffix}” would be taken for a backup file and never be listed."
        ),
        Problem::HostNameLabel => {
            "Each part between dots must have 1 to 63 characters and neither begin nor end with “-”."
                .into()
        }
        Problem::MirrorScheme => {
            "A mirror’s address begins with http://, https:// or file:///.".into()
        }
        Problem::NotANumber => "Not a whole number.".into(),
        Problem::OutOfRange { min, max } => format!("Must be from {min} to {max}."),
        Problem::NotAnId => "Not an id that this system ever gave.".into(),
        Problem::NotAnAddress { text } => {
            format!("“{text}” is not an IPv4 or IPv6 address. Expected: device:address/length, such as nat0:10.127.0.5/24.")
        }
        Problem::NotANetmask { text } => {
            format!("“{text}” is not a netmask. Give a length (24) or a mask (255.255.255.0).")
        }
        Problem::PrefixTooLong { max } => format!("The length after “/” must be from 0 to {max}."),
        Problem::AddressNotUsable { address } => format!(
            "{address} cannot belong to a VServer: it is a loopback, network, broadcast, multicast \
             or unspecified address."
        ),
        Problem::LabelTooLong { actual } => format!(
            "Device and label together take {actual} bytes; the kernel has room for 15."
        ),
        Problem::NameTaken => "This name is taken. Choose another.".into(),
        Problem::HostNameTaken { host_name, by } => {
            format!("The host name {host_name} belongs to {by}. Choose another.")
        }
        Problem::NotTheName { name } => {
            format!("This is not its name; nothing was deleted. To delete it, type: {name}")
        }
        Problem::NotEmpty { path } => format!(
            "{path} holds files that belong to no VServer. Move or remove them, or take another name."
        ),
        Problem::ContextTaken { context, by } => {
            format!("Context {context} belongs to {by}. Choose another.")
        }
        Problem::AddressTaken { address, by } => {
            format!("{address} belongs to {by}. Choose another.")
        }
        Problem::AddressOfHost { address } => format!("{address} is the host’s own address."),
        Problem::AddressTwice { address } => format!("{address} is given twice."),
        Problem::NoSuchDevice { device, devices } if devices.is_empty() => {
            format!("The host has no network device “{device}”, nor any other that addresses could be on.")
        }
        Problem::NoSuchDevice { device, devices } => format!(
            "The host has no network device “{device}”. It has: {}.",
            devices.join(", ")
        ),
        Problem::NoFreeAddress => {
            "The NAT network has no free address left. Delete a VServer or give another address."
                .into()
        }
        Problem::NoFreeContext => "No context number is free. Delete a VServer first.".into(),
        Problem::NotAChoice { choices } => format!("Must be one of: {}.", choices.join(", ")),
        Problem::InitNotRunnable => {
            "This host cannot run it: systemd needs the unified cgroup hierarchy (v2).".into()
        }
        Problem::NoSuiteScript => {
            "The host’s debootstrap does not know this suite. A newer debootstrap may.".into()
        }
        Problem::OptionNotAllowed { option } => {
            format!("“{option}” is not allowed: it would reach outside the VServer.")
        }
        Problem::OfItem { item, problem: inner } => {
            format!("“{}”: {}", item.escape_debug(), problem(inner))
        }
        Problem::NotASource { text } => format!(
            "“{text}” is neither the name of a VServer nor USER@HOST:/PATH."
        ),
        Problem::NoSuchSource { name } => {
            format!("There is no VServer “{name}” to copy. Another machine is written USER@HOST:/PATH.")
        }
        Problem::NotAVServersDirectory { text } => format!(
            "“{text}” is the directory of no VServer, and only those can be cloned. The method rsync copies any directory."
        ),
        Problem::SourceIsTarget => "A VServer cannot be a copy of itself.".into(),
        Problem::SourceHoldsTarget { path } => format!(
            "{path} holds the place that it would be copied to: the copy would have no end."
        ),
        Problem::NotThere { path } => {
            format!("{path} is not there, or is empty. A volume may have to be mounted first.")
        }
        Problem::OnlyAtCommandLine => {
            "A path of the host can only be given on the host, at the command line.".into()
        }
        Problem::NotAPattern => "A pattern cannot begin with “!”.".into(),
        Problem::NotAFingerprint => {
            "A fingerprint is “SHA256:” and 43 characters, as ssh-keygen -l shows it.".into()
        }
        Problem::HostKeyUnknown { host, fingerprint } => format!(
            "{host} shows a key that nobody has confirmed yet: {fingerprint}. Compare it with what \
             “ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub” says over there, and confirm it."
        ),
        Problem::HostKeyChanged { host, fingerprint, known_hosts } => format!(
            "{host} shows another key than the one that was confirmed: {fingerprint}. Somebody may have put \
             another machine in its place. If it was installed anew, remove its line from {known_hosts}."
        ),
        Problem::RemoteUnreachable { host, detail } => format!(
            "{host} does not answer as a machine with sshd does: {detail}. Check its name, its port, and that sshd runs."
        ),
        Problem::HostLacks { feature } => {
            let (what, remedy) = host_feature(*feature);
            format!("This host lacks {what}. {remedy}")
        }
        Problem::NotPassedOn { path, word } => format!(
            "“{path}” says “{word}”, which is not passed on to debootstrap. These options are: {}.",
            passed_options()
        ),
        Problem::DistributionIncomplete { path } => format!(
            "“{path}” is missing, or holds nothing. A distribution is described by yum.repos.d/*.repo (where packages come from) and pkgs/* (lists of packages)."
        ),
        Problem::DistributionLine { path, line, problem: inner } => {
            format!("“{path}”, line {line}: {}", problem(inner))
        }
        Problem::NoSuchDistribution { choices } if choices.is_empty() => {
            "No distribution is described yet. Describe one in /etc/vservers/.distributions/NAME: yum.repos.d/*.repo says where packages come from, pkgs/* lists them.".into()
        }
        Problem::NoSuchDistribution { choices } => {
            format!("No such distribution is described. There are: {}.", choices.join(", "))
        }
        Problem::NoSuchTemplate { choices } if choices.is_empty() => {
            "No template is kept yet: add one first.".into()
        }
        Problem::NoSuchTemplate { choices } => {
            format!("There is no such template. There are: {}.", choices.join(", "))
        }
        Problem::OptionOfOtherMethods { option } => {
            format!("“{option}” means nothing with this method.")
        }
        Problem::NotTheBroadcast { expected } => {
            format!("The broadcast address of this network is {expected}. It can be left out.")
        }
        Problem::NotACpuList { text } => {
            format!("“{text}” is neither a number nor a range such as 0-3, with “:1” after it at most.")
        }
        Problem::CpusetWithoutName => "A cpuset needs a name.".into(),
        Problem::NotAFrequency { text } => format!(
            "“{text}” is no time of backups. Expected: “hourly :15”, “daily 02:30” or “weekly sun 02:30”, in UTC."
        ),
        Problem::NotARetention { text } => format!(
            "“{text}” says nothing of what is kept. Expected: “last=3 daily=7 weekly=4 monthly=12”, or some of these."
        ),
        Problem::NotInBackup => {
            "The backup holds no file or directory of this path. Look for it in the list.".into()
        }
        Problem::PasswordsDiffer => "The two passwords differ.".into(),
        Problem::PasswordTooCommon => {
            "Too easy to guess. Take several words that do not belong together.".into()
        }
        Problem::WrongPassword => "This is not the current password.".into(),
        Problem::NotASize => {
            "Write a number with k, m or g after it (32m), at least 4k, or a share of the memory (50%), at most 100%.".into()
        }
        Problem::AddressNotOfNat { address, device, network, gateway } => format!(
            "{address} is not one of a VServer’s on {device}: those are of {network}, without the first, the last and the host’s own, {gateway}."
        ),
        Problem::AddressRouted { address } => format!(
            "The host sends packets for {address} elsewhere already: “ip route show {address}” says where."
        ),
        Problem::NotAMode => "Write three or four octal digits, such as 1777.".into(),
        Problem::NothingChosen => "Tick at least one VServer.".into(),
        Problem::NamedTwice { name } => format!("{name} is named twice; once is enough."),
        Problem::NotOfMany { kind } => {
            format!("“{}” is only done to one VServer at a time.", kind.as_str())
        }
        Problem::UnknownSignal { text } => {
            format!("“{text}” is no signal. Expected: a name such as TERM or SIGHUP, or a number.")
        }
    }
}
