//! Services inside a guest: what they are called, how they are, and what can be done to them.
//!
//! What a guest says of them is a stranger's word: names are judged, texts bounded and printable.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::{Allowed, Problem};
use crate::id::{VServerName, check_shape, text_type};

text_type!(
    /// The name of a service: letters, digits and `.`, `_`, `-`, `@`, `:`, `+`, `\`; begins with a letter, digit or
    /// `_`; at most 255 bytes. So it is no option and no path.
    ServiceName,
    |text| check_shape(
        text,
        255,
        |b| b.is_ascii_alphanumeric() || b == b'_',
        |b| b.is_ascii_alphanumeric()
            || matches!(b, b'.' | b'_' | b'-' | b'@' | b':' | b'+' | b'\\'),
        Allowed::ServiceName,
    )
);

/// Declares an enum whose variants are words in forms, files and commands.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident: $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// All there are.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word for it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl FromStr for $name {
            type Err = Problem;
            fn from_str(text: &str) -> Result<Self, Problem> {
                Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or_else(|| {
                    Problem::NotAChoice { choices: [$($word),+].map(str::to_owned).into() }
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What looks after services in a guest.
    ServiceManager {
        /// systemd.
        Systemd: "systemd",
        /// Scripts in `/etc/init.d`, started by links in `/etc/rc?.d`.
        InitScripts: "init-scripts",
        /// OpenRC.
        OpenRc: "openrc",
    }
}

words! {
    /// What can be done to a service.
    ServiceAction {
        /// It is started.
        Start: "start",
        /// It is stopped.
        Stop: "stop",
        /// It is stopped and started.
        Restart: "restart",
        /// It reads its configuration anew.
        Reload: "reload",
        /// It is started with the guest from now on.
        Enable: "enable",
        /// It is not.
        Disable: "disable",
    }
}

words! {
    /// How a service is.
    ServiceState {
        /// It runs, or has done what it is for.
        Active: "active",
        /// It does not.
        Inactive: "inactive",
        /// It ended badly.
        Failed: "failed",
        /// It is on its way from one to another.
        Changing: "changing",
        /// Nobody knows: it could not be asked, or did not answer in time.
        Unknown: "unknown",
    }
}

/// Something that is to be done to a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceOrder {
    /// In which VServer.
    pub vserver: VServerName,
    /// What looks after services there.
    pub manager: ServiceManager,
    /// Which service.
    pub service: ServiceName,
    /// What.
    pub action: ServiceAction,
}

impl ServiceOrder {
    /// The command that does it, inside. A service's name is no option and no path.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let (service, action) = (self.service.as_str(), self.action.as_str());
        let script = format!("/etc/init.d/{service}");
        let words: &[&str] = match (self.manager, self.action) {
            (ServiceManager::Systemd, _) => &["systemctl", "--no-ask-password", action, service],
            (ServiceManager::InitScripts, ServiceAction::Enable | ServiceAction::Disable) => {
                &["update-rc.d", service, action]
            }
            (ServiceManager::OpenRc, ServiceAction::Enable) => &["rc-update", "add", service],
            (ServiceManager::OpenRc, ServiceAction::Disable) => &["rc-update", "del", service],
            (ServiceManager::InitScripts | ServiceManager::OpenRc, _) => &[&script, action],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

impl ServiceOrder {
    /// What the words of an order do, and to which service; none when they are of no order.
    #[must_use]
    pub fn said_by<'a>(words: &[&'a str]) -> Option<(ServiceAction, &'a str)> {
        let (action, service) = match words {
            ["systemctl", "--no-ask-password", action, service] => (*action, *service),
            ["update-rc.d", service, action] => (*action, *service),
            ["rc-update", "add", service] => ("enable", *service),
            ["rc-update", "del", service] => ("disable", *service),
            [script, action] => (*action, script.strip_prefix("/etc/init.d/")?),
            _ => return None,
        };
        Some((action.parse().ok()?, service))
    }
}

/// A service of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// How it is.
    pub state: ServiceState,
    /// How it is in the words of what looks after it (`running`, `exited`); may be empty.
    pub detail: String,
    /// What it is; may be empty.
    pub description: String,
    /// Whether it is started with the guest; none where that cannot be said or changed.
    pub is_enabled: Option<bool>,
}

/// The services of a guest that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Services {
    /// What looks after them; none where nothing was found that does.
    pub manager: Option<ServiceManager>,
    /// Sorted by name.
    pub services: Vec<Service>,
    /// Whether the guest did not answer in time, or said too much: then some are missing or unknown.
    pub is_incomplete: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_neither_an_option_nor_a_path() {
        for fine in ["ssh", "ssh.service", "getty@tty1.service", "systemd-fsck@dev-disk\\x2d1"] {
            assert_eq!(fine.parse::<ServiceName>().unwrap().as_str(), fine);
        }
        for wrong in ["", "-x", "--force", "../ssh", "a/b", "a b", "a\nb", ".hidden", "a;b", "é"] {
            assert!(wrong.parse::<ServiceName>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_order_is_a_command_of_its_system() {
        let line = |manager, action| {
            let order = ServiceOrder {
                vserver: "web".parse().unwrap(),
                manager,
                service: "ssh".parse().unwrap(),
                action,
            };
            order.words().join(" ")
        };
        use {ServiceAction as A, ServiceManager as M};
        assert_eq!(line(M::Systemd, A::Reload), "systemctl --no-ask-password reload ssh");
        assert_eq!(line(M::Systemd, A::Enable), "systemctl --no-ask-password enable ssh");
        assert_eq!(line(M::InitScripts, A::Restart), "/etc/init.d/ssh restart");
        assert_eq!(line(M::InitScripts, A::Disable), "update-rc.d ssh disable");
        assert_eq!(line(M::OpenRc, A::Stop), "/etc/init.d/ssh stop");
        assert_eq!(line(M::OpenRc, A::Enable), "rc-update add ssh");
        for (manager, action) in
            ServiceManager::ALL.into_iter().flat_map(|one| ServiceAction::ALL.map(|a| (one, a)))
        {
            let line = line(manager, action);
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(ServiceOrder::said_by(&words), Some((action, "ssh")), "{line}");
        }
        assert_eq!(ServiceOrder::said_by(&["true", "start"]), None);
    }
}
