//! Sets of capabilities: their names, the set a VServer keeps, and giving up all others. Not here: which
//! capability a word of a config tree means (`domain::config_entry::capability_number`).

use std::fmt;
use std::io;

use rustix::thread::{CapabilitySet as Bits, CapabilitySets};

/// The names of all capabilities this code knows, by number, without `CAP_`.
const NAMES: [&str; 41] = [
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

/// A set of capabilities.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CapabilitySet(u64);

impl CapabilitySet {
    /// None at all.
    pub const EMPTY: Self = Self(0);

    /// What a VServer keeps when its configuration says nothing: the original's secure set, with
    /// `SYS_BOOT` and `AUDIT_WRITE` (fact sheet 3.3).
    pub const SECURE: Self = Self(
        1 // CHOWN
            | 1 << 1 // DAC_OVERRIDE
            | 1 << 2 // DAC_READ_SEARCH
            | 1 << 3 // FOWNER
            | 1 << 4 // FSETID
            | 1 << 5 // KILL
            | 1 << 6 // SETGID
            | 1 << 7 // SETUID
            | 1 << 10 // NET_BIND_SERVICE
            | 1 << 18 // SYS_CHROOT
            | 1 << 19 // SYS_PTRACE
            | 1 << 22 // SYS_BOOT
            | 1 << 26 // SYS_TTY_CONFIG
            | 1 << 28 // LEASE
            | 1 << 29 // AUDIT_WRITE
            | 1 << 31, // SETFCAP
    );

    /// `CAP_SETPCAP`: giving capabilities up.
    pub const SETPCAP: Self = Self(1 << 8);
    /// `CAP_NET_RAW`: raw and packet sockets.
    pub const NET_RAW: Self = Self(1 << 13);

    /// `CAP_SYS_ADMIN`.
    pub const SYS_ADMIN: Self = Self(1 << 21);
    /// `CAP_SYSLOG`.
    pub const SYSLOG: Self = Self(1 << 34);

    /// The set with these bits; bit number = capability number.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits of the set.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether all of `other` is in it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this one and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Makes this set all that the calling thread and whatever it executes can ever have: bounding,
    /// permitted and effective sets are cut down to it, inheritable and ambient ones are emptied.
    ///
    /// # Errors
    /// When the thread may not change its sets (it needs `SETPCAP` until now).
    pub fn confine_thread(self) -> io::Result<()> {
        let last = last_capability();
        for number in 0..=last {
            if self.0 & (1 << number) == 0 {
                let one = Bits::from_bits_retain(1 << number);
                rustix::thread::remove_capability_from_bounding_set(one)?;
            }
        }
        rustix::thread::clear_ambient_capability_set()?;
        let known = if last >= 63 { u64::MAX } else { (1 << (last + 1)) - 1 };
        let now = rustix::thread::capabilities(None)?;
        let kept = Bits::from_bits_retain(self.0 & known & now.permitted.bits());
        rustix::thread::set_capabilities(
            None,
            CapabilitySets { effective: kept, permitted: kept, inheritable: Bits::empty() },
        )?;
        Ok(())
    }
}

/// The highest capability number of the running kernel. Higher than any name known here on a newer
/// kernel: what has no name is given up too.
fn last_capability() -> u32 {
    let is_known = |number: u32| {
        rustix::thread::capability_is_in_bounding_set(Bits::from_bits_retain(1 << number)).is_ok()
    };
    (40..63).take_while(|number| is_known(number + 1)).last().map_or_else(
        || (0..=40).rev().find(|number| is_known(*number)).unwrap_or(40),
        |number| number + 1,
    )
}

impl fmt::Display for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (number, name) in NAMES.iter().enumerate() {
            if self.0 & (1 << number) != 0 {
                if !first {
                    f.write_str(" ")?;
                }
                f.write_str(name)?;
                first = false;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CapabilitySet({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secure_set_is_the_originals() {
        assert_eq!(
            CapabilitySet::SECURE.to_string(),
            "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID NET_BIND_SERVICE \
             SYS_CHROOT SYS_PTRACE SYS_BOOT SYS_TTY_CONFIG LEASE AUDIT_WRITE SETFCAP"
        );
    }

    #[test]
    fn giving_up_leaves_exactly_the_set() {
        // Capabilities are a thread's: this one's go, the test runner keeps its own.
        std::thread::spawn(|| {
            CapabilitySet::SECURE.confine_thread().unwrap();
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            let of = |key: &str| {
                let line = status.lines().find(|line| line.starts_with(key)).unwrap();
                u64::from_str_radix(line.split_ascii_whitespace().nth(1).unwrap(), 16).unwrap()
            };
            let secure = CapabilitySet::SECURE.bits();
            assert_eq!(of("CapBnd:") & !secure, 0);
            assert_eq!((of("CapPrm:") & !secure, of("CapEff:") & !secure), (0, 0));
            assert_eq!((of("CapInh:"), of("CapAmb:")), (0, 0));
        })
        .join()
        .unwrap();
    }
}
