//! English: what was expected in a file of a config tree, after “expected”.

use domain::config_entry::Expected;

use super::problem::problem;

/// What was expected.
pub(crate) fn expected(expected: &Expected) -> String {
    let (what, why) = match expected {
        Expected::ContextNumber => ("a context number from 2 to 49151", None),
        Expected::DeviceOrNodev => ("a device in the file “dev”, or a file “nodev”", None),
        Expected::Address => ("an IPv4 or IPv6 address", None),
        Expected::InitStyle => ("“sysv”, “plain”, “gentoo”, “openrc”, “arch” or “minit”", None),
        Expected::RunLevel => ("a run level: one word of letters and digits", None),
        Expected::KillSequence => {
            ("signals and seconds in turn, beginning and ending with a signal", None)
        }
        Expected::ExistingVServer => ("the name of a VServer that there is", None),
        Expected::Capability => ("the name of a capability, or “^” and its number", None),
        Expected::FstabFields => ("source, target, type and options", None),
        Expected::NoHostSource => (
            "a filesystem of its own (proc, tmpfs, devpts, …): a line that reaches for a device, directory or server of the host can only be added by root on the host",
            None,
        ),
        Expected::Repository => {
            ("[id] of a source of packages, and below it one setting a line: name=value", None)
        }
        Expected::CheckedRepository => (
            "an address that begins with http:// or https://, a check that stays on, or a setting that names nothing of the host: anything else can only be added by root on the host",
            None,
        ),
        Expected::Release => ("letters, digits, “.”, “_” and “-”", None),
        Expected::Utf8 => ("UTF-8 text", None),
        Expected::RootDirectory => ("a link to the directory of the VServer’s files", None),
        Expected::NoNul => ("text without NUL bytes", None),
        Expected::NoControl => ("text without control characters", None),
        Expected::NoBackslash => ("a value without a backslash", None),
        Expected::Value => ("a value", None),
        Expected::OneLine => ("nothing more: only the first line is read", None),
        Expected::Limit => ("a whole number, perhaps with K, M, k or m after it, or “inf”", None),
        Expected::NumberList => ("numbers of processors or memory nodes, such as 0-2,5", None),
        Expected::NumbersOfHost { available } => {
            return format!("numbers among those that the host has: {available}");
        }
        Expected::AbsolutePath => ("a path that begins with “/”", None),
        Expected::Assignment => ("NAME=value", None),
        Expected::SixIntegers => ("six lines, each a whole number", None),
        Expected::FreeContext(problem) => ("another context number", Some(problem)),
        Expected::HostName(problem) => ("a host name", Some(problem)),
        Expected::Label(problem) => ("a label", Some(problem)),
        Expected::Device(problem) => ("a network device", Some(problem)),
        Expected::UsableAddress(problem) => ("an address this VServer can have", Some(problem)),
        Expected::Prefix(problem) => ("a prefix length", Some(problem)),
        Expected::Netmask(problem) => ("a netmask", Some(problem)),
        Expected::Mark(problem) => ("a mark", Some(problem)),
        Expected::BackupSchedule(problem) => ("a schedule of backups", Some(problem)),
        Expected::VServerName(problem) => ("the name of a VServer", Some(problem)),
        Expected::Package(problem) => {
            ("names of packages or groups (@core), “--can-fail” or “--reinstall”", Some(problem))
        }
        Expected::SuiteScript(problem) => ("a suite that debootstrap knows", Some(problem)),
        Expected::Mirror(problem) => ("a mirror’s address", Some(problem)),
        Expected::AtMostBytes(bytes) => return format!("at most {bytes} bytes"),
        Expected::Integer { min, max: i64::MAX } => {
            return format!("a whole number of at least {min}");
        }
        Expected::Integer { min, max } => return format!("a whole number from {min} to {max}"),
        Expected::Choice(words) => return format!("one of: {}", words.join(", ")),
        Expected::Readable { detail } => {
            return format!("a readable file within the config tree ({detail})");
        }
    };
    match why {
        Some(why) => format!("{what} ({})", problem(why).trim_end_matches('.')),
        None => what.to_owned(),
    }
}
