//! Sources of packages as dnf reads them, `yum.repos.d/*.repo`: sections in brackets, settings below them.
//!
//! dnf runs in a stage and can write nothing but the VServer's files. What a line may still do is read what
//! everybody on the host may read, and bring packages that nobody has signed: so of the settings that change
//! neither there is a list, and everything else is root's to write on the host.

use super::expected::{Expected, Misread};

/// Settings that say where packages are, each perhaps several addresses.
const ADDRESSES: [&str; 4] = ["baseurl", "mirrorlist", "metalink", "gpgkey"];

/// Settings that are checks, to be left on.
const CHECKS: [&str; 3] = ["gpgcheck", "repo_gpgcheck", "sslverify"];

/// Settings that name nothing of the host's and drop no check.
const PLAIN: [&str; 18] = [
    "name",
    "enabled",
    "type",
    "priority",
    "cost",
    "exclude",
    "excludepkgs",
    "includepkgs",
    "skip_if_unavailable",
    "metadata_expire",
    "countme",
    "module_hotfixes",
    "timeout",
    "retries",
    "ip_resolve",
    "fastestmirror",
    "failovermethod",
    "deltarpm",
];

/// A line, as far as its own text says.
enum Line<'a> {
    /// Blank, or a comment.
    Nothing,
    /// What is in the brackets.
    Section(&'a str),
    /// A setting.
    Setting(&'a str, &'a str),
    /// More of the value above it.
    More(&'a str),
    /// None of these.
    Other,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        let text = line.trim();
        if text.is_empty() || text.starts_with(['#', ';']) {
            return Self::Nothing;
        }
        if line.starts_with([' ', '\t']) {
            return Self::More(text);
        }
        if let Some(section) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return Self::Section(section.trim());
        }
        match text.split_once('=') {
            Some((name, value)) => Self::Setting(name.trim(), value.trim()),
            None => Self::Other,
        }
    }
}

/// What is not read as somebody meant it.
pub(super) fn judge(text: &str) -> Vec<Misread> {
    let mut is_in_section = false;
    let mut has_setting = false;
    let mut wrong = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let is_right = match Line::of(line) {
            Line::Nothing => true,
            Line::Section(id) => {
                (is_in_section, has_setting) = (true, false);
                !id.is_empty() && !id.contains(char::is_whitespace)
            }
            Line::Setting(name, _) => {
                has_setting = true;
                let is_name =
                    name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
                is_in_section && is_name && !name.is_empty()
            }
            Line::More(_) => has_setting,
            Line::Other => false,
        };
        if !is_right {
            wrong.push(Misread { line: index + 1, expected: Expected::Repository });
        }
    }
    wrong
}

/// Whether a line names something of the host's, drops a check, or is a setting of which that is not
/// known.
pub(super) fn reaches_host(line: &str) -> bool {
    match Line::of(line) {
        Line::Nothing => false,
        // What is in it holds for dnf as a whole.
        Line::Section(id) => id == "main",
        Line::Setting(name, value) => {
            let name = name.to_ascii_lowercase();
            if ADDRESSES.contains(&name.as_str()) {
                !are_far(value)
            } else if CHECKS.contains(&name.as_str()) {
                !["1", "yes", "true", "on"].contains(&value.to_ascii_lowercase().as_str())
            } else {
                !PLAIN.contains(&name.as_str())
            }
        }
        // It may be of an address: then it has to be far, and anything else had better stand on one line.
        Line::More(value) => !are_far(value),
        Line::Other => true,
    }
}

/// Whether all addresses in a value are on other machines.
fn are_far(value: &str) -> bool {
    let mut addresses = value.split([' ', '\t', ',']).filter(|address| !address.is_empty());
    addresses.all(|address| {
        let address = address.to_ascii_lowercase();
        address.starts_with("http://") || address.starts_with("https://")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_sections_with_settings() {
        let wrong = |text: &str| judge(text).into_iter().map(|one| one.line).collect::<Vec<_>>();
        let right =
            "# ours\n[core]\nname=Core\nbaseurl=http://a/\n  http://b/\n\n[more]\nenabled = 0\n";
        assert_eq!(wrong(right), Vec::<usize>::new());
        assert_eq!(wrong("name=Core\n[core]\n"), [1], "a setting of no source");
        assert_eq!(wrong("[core]\n  http://b/\nenabled\n"), [2, 3]);
        assert_eq!(wrong("[]\n[a b]\nx y=1\n"), [1, 2, 3]);
    }

    #[test]
    fn what_is_of_the_host_or_unchecked_is_seen() {
        for line in [
            "# file:///etc",
            "[core]",
            "name=Core",
            "baseurl=http://mirror.example/$releasever/$basearch/ https://other.example/",
            "mirrorlist = https://mirrors.example/?a=b",
            "gpgkey=https://mirror.example/KEY",
            "gpgcheck=1",
            "enabled=0",
            "  http://other.example/",
        ] {
            assert!(!reaches_host(line), "{line}");
        }
        for line in [
            "baseurl=file:///etc/",
            "BaseURL=FILE:///etc/",
            "baseurl=http://a/ file:///etc/",
            "baseurl=http://a/,/etc",
            "gpgkey=file:///etc/pki/key",
            "  file:///etc/",
            "gpgcheck=0",
            "repo_gpgcheck = no",
            "sslverify=false",
            "sslclientkey=/etc/ssl/private/host.key",
            "include=/etc/yum.conf",
            "proxy_password=x",
            "cachedir=/var/cache",
            "[main]",
            "nonsense",
        ] {
            assert!(reaches_host(line), "{line}");
        }
    }
}
