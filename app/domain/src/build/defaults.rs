//! What every new VServer of a host is given, whatever its form says: the administrator's
//! `.defaults/fstab` and `.defaults/files` (fact sheet 1.9), the host's name servers, and the proxies of
//! its apt, which the original copied with `apt.conf` (fact sheet 2.2).
//!
//! The engine reads it, as a part of the host's facts; the form shows exactly what the engine writes.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{BuildSpec, Method};
use crate::field::Problem;
use crate::id::text_type;

/// Where a VServer's own apt is told the proxies of the host's.
const APT_PROXIES: &str = "etc/apt/apt.conf.d/90ulysse-proxy";

/// What every new VServer is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BuildDefaults {
    /// The template of its `fstab`; none means the original's.
    pub fstab: Option<String>,
    /// The administrator's `hosts`, to which its own name is added.
    pub hosts: Option<String>,
    /// Its `resolv.conf`: the administrator's, else the host's own as far as it means something inside.
    pub resolv_conf: Option<String>,
    /// Files of the administrator's for a VServer that has none of its own, sorted.
    pub files: Vec<DefaultFile>,
    /// Proxies of the host's apt.
    pub apt_proxies: Vec<AptProxy>,
}

/// A file of `.defaults/files` that a VServer gets in its `/etc` where it has none, or an empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultFile {
    /// `krb.conf`
    KrbConf,
    /// `krb.realms`
    KrbRealms,
    /// `krb5.conf`
    Krb5Conf,
    /// `ldap.conf`
    LdapConf,
    /// `localtime`
    Localtime,
    /// `nsswitch.conf`
    NsswitchConf,
}

impl DefaultFile {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::KrbConf,
        Self::KrbRealms,
        Self::Krb5Conf,
        Self::LdapConf,
        Self::Localtime,
        Self::NsswitchConf,
    ];

    /// Its name, in `.defaults/files` and in `/etc`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::KrbConf => "krb.conf",
            Self::KrbRealms => "krb.realms",
            Self::Krb5Conf => "krb5.conf",
            Self::LdapConf => "ldap.conf",
            Self::Localtime => "localtime",
            Self::NsswitchConf => "nsswitch.conf",
        }
    }
}

text_type!(
    /// A line of apt's configuration that names a proxy, as `apt-config dump` writes it:
    /// `Acquire::http::Proxy "http://proxy.example:3128";`.
    AptProxy,
    |text| match proxy_of(text) {
        Some(_) => Ok(()),
        None => Err(Problem::NotASource { text: text.to_owned() }),
    }
);

impl AptProxy {
    /// The line, when it names a proxy that a VServer can reach: one on the host's loopback device is
    /// another one inside.
    #[must_use]
    pub fn reachable(line: &str) -> Option<Self> {
        let proxy = proxy_of(line)?;
        let place = proxy.split_once("://").map_or(proxy, |(_, rest)| rest);
        let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
        let is_loopback = place.starts_with("localhost")
            || place.starts_with("127.")
            || place.starts_with("[::1]");
        if is_loopback { None } else { line.parse().ok() }
    }
}

/// The value of a line that sets a proxy.
fn proxy_of(line: &str) -> Option<&str> {
    let (name, value) = line.split_once(' ')?;
    let value = value.strip_prefix('"')?.strip_suffix("\";")?;
    let mut parts = name.split("::");
    let is_proxy = parts.next()?.eq_ignore_ascii_case("Acquire")
        && ["http", "https", "ftp"].iter().any(|s| parts.clone().next() == Some(s))
        && parts.nth(1)?.eq_ignore_ascii_case("Proxy")
        // What follows is the name of a host that has a proxy of its own, or none.
        && parts.count() < 2;
    let is_plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
    };
    (is_proxy && line.len() < 1000 && is_plain(name) && is_plain(value)).then_some(value)
}

/// A file that a build writes among a VServer's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenFile {
    /// Its path below the VServer's root.
    pub path: String,
    /// What it holds.
    pub content: GivenContent,
}

/// What a given file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenContent {
    /// This text, whatever was there.
    Text(String),
    /// A copy of this file of `.defaults/files`, where the VServer has none.
    IfMissing(DefaultFile),
}

impl BuildSpec {
    /// The files that the host gives a VServer, sorted by path.
    #[must_use]
    pub fn given_files(&self) -> Vec<GivenFile> {
        let defaults = &self.defaults;
        let text = |path: &str, text: String| GivenFile {
            path: path.to_owned(),
            content: GivenContent::Text(text),
        };
        let mut files = vec![text("etc/hosts", self.hosts())];
        files.extend(defaults.resolv_conf.clone().map(|found| text("etc/resolv.conf", found)));
        files.extend(defaults.files.iter().map(|file| GivenFile {
            path: format!("etc/{}", file.name()),
            content: GivenContent::IfMissing(*file),
        }));
        // What is copied or unpacked has its own, and an RPM distribution no apt.
        let has_new_apt = matches!(self.method, Method::Debootstrap { .. });
        if has_new_apt && !defaults.apt_proxies.is_empty() {
            let lines = defaults.apt_proxies.iter().map(|line| format!("{line}\n")).collect();
            files.push(text(APT_PROXIES, lines));
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }

    /// `/etc/hosts`: itself by its first address, so that its name means something inside.
    fn hosts(&self) -> String {
        let full = self.host_name.as_str();
        let short = full.split('.').next().unwrap_or(full);
        let names = if short == full { full.to_owned() } else { format!("{full} {short}") };
        let first = self.interfaces.first();
        let own = first.map_or_else(|| "127.0.1.1".to_owned(), |one| one.address.to_string());
        let own = format!("{own}\t{names}\n");
        match &self.defaults.hosts {
            Some(given) => format!("{given}{own}"),
            None => format!(
                "127.0.0.1\tlocalhost\n{own}::1\tlocalhost ip6-localhost ip6-loopback\n\
                 ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_apts_configuration_proxies_are_taken_and_nothing_else() {
        let taken = |line: &str| AptProxy::reachable(line).is_some();
        assert!(taken(r#"Acquire::http::Proxy "http://proxy.example:3128";"#));
        assert!(taken(r#"Acquire::https::Proxy "http://me:pw@proxy.example:3128/";"#));
        assert!(taken(r#"Acquire::http::Proxy::mirror.example "DIRECT";"#));
        for other in [
            r#"Acquire::http::Proxy "http://127.0.0.1:3142";"#,
            r#"Acquire::http::Proxy "http://me@localhost:3142";"#,
            r#"Acquire::http::Proxy "http://[::1]:3142";"#,
            r#"Acquire::http::Proxy "";"#,
            r#"Acquire::http::Proxy-Auto-Detect "/usr/bin/find-proxy";"#,
            r#"Acquire::http::Timeout "30";"#,
            r#"APT::Update::Pre-Invoke "/bin/true";"#,
            r#"DPkg::http::Proxy "http://proxy.example";"#,
            "Acquire::http::Proxy \"http://x\";\nDPkg::Pre-Invoke \"sh\";",
            r#"Acquire::http::Proxy "http://x"; DPkg::Pre-Invoke "sh";"#,
        ] {
            assert!(!taken(other), "{other}");
        }
    }
}
