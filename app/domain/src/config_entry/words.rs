//! Words of a config tree that stand for numbers of the kernel.

/// The kernel's capabilities, each at its number.
const CAPABILITIES: [&str; CAPABILITY_COUNT] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// How many capabilities the kernel has.
pub const CAPABILITY_COUNT: usize = 41;

/// The kernel's signals from 1 on.
const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// The number of a capability given by name, with or without `CAP_`, or as `^` and its number.
#[must_use]
pub fn capability_number(word: &str) -> Option<usize> {
    if let Some(number) = word.strip_prefix('^') {
        return number.parse().ok().filter(|number| *number < CAPABILITY_COUNT);
    }
    let upper = word.to_ascii_uppercase();
    let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
    CAPABILITIES.iter().position(|known| *known == name)
}

/// The number of a signal given by number or by name, with or without `SIG`.
#[must_use]
pub fn signal_number(word: &str) -> Option<u8> {
    if let Ok(number) = word.parse::<u8>() {
        return (1..=64).contains(&number).then_some(number);
    }
    let upper = word.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let index = SIGNALS.iter().position(|known| *known == name)?;
    u8::try_from(index + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_by_name_and_number() {
        assert_eq!(capability_number("cap_net_raw"), Some(13));
        assert_eq!(capability_number("NET_RAW"), Some(13));
        for word in ["net_raw", "CAP_NET_RAW", "Cap_Net_Raw"] {
            assert_eq!(capability_number(word), Some(13));
        }
        assert_eq!(capability_number("NET RAW"), None);
        assert_eq!(capability_number(""), None);
        assert_eq!(capability_number("^40"), Some(40));
        assert_eq!(capability_number("^41"), None);
        assert_eq!(capability_number("net"), None);
    }

    #[test]
    fn signals_by_name_and_number() {
        assert_eq!(signal_number("15"), Some(15));
        assert_eq!(signal_number("term"), Some(15));
        assert_eq!(signal_number("SIGKILL"), Some(9));
        assert_eq!(signal_number("SIGSYS"), Some(31));
        assert_eq!(signal_number("0"), None);
        assert_eq!(signal_number("65"), None);
        assert_eq!(signal_number("nothing"), None);
    }
}
