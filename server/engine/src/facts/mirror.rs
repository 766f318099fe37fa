//! Where packages come from: the mirror a build uses, and what a VServer's own apt is told.

use std::fs;
use std::path::{Path, PathBuf};

use domain::id::{Component, MirrorUrl, Suite};

use super::{Places, apt};
use crate::roots::Roots;

/// The mirror: the administrator's word, else the host's own, else debootstrap's.
pub(super) fn nearest(roots: &Roots, places: &Places, suite: &Suite) -> Option<MirrorUrl> {
    let configured = roots.config_base.join(".defaults/apps/debootstrap/mirror");
    let configured = fs::read_to_string(configured)
        .ok()
        .and_then(|text| text.lines().next()?.trim().parse().ok());
    configured
        .or_else(|| apt_mirror(&places.apt, suite))
        .or_else(|| debootstrap_mirror(places, suite))
}

/// The first mirror of the host's own apt that has `main` of this very suite.
fn apt_mirror(apt: &Path, suite: &Suite) -> Option<MirrorUrl> {
    let has_main = |source: &apt::Source| source.components.iter().any(|part| part == "main");
    let mut found = apt_sources(apt).into_iter();
    found.find(|source| source.suite == suite.as_str() && has_main(source)).map(|one| one.mirror)
}

/// Lines of a `sources.list` for what comes after a suite's release: its security archive where the
/// host has it from, its updates where they are on the same mirror. None when the host's apt knows
/// neither: nothing is guessed.
#[must_use]
pub(crate) fn later_sources(
    suite: &Suite,
    mirror: &MirrorUrl,
    components: &[Component],
) -> Vec<String> {
    later_sources_at(&Places::default().apt, suite, mirror, components)
}

fn later_sources_at(
    apt: &Path,
    suite: &Suite,
    mirror: &MirrorUrl,
    components: &[Component],
) -> Vec<String> {
    let (updates, security) = (format!("{suite}-updates"), format!("{suite}-security"));
    let base = |url: &MirrorUrl| url.as_str().trim_end_matches('/').to_owned();
    let sources = apt_sources(apt);
    let wanted = sources.iter().filter(|source| {
        let is_updates = source.suite == updates && base(&source.mirror) == base(mirror);
        // What lies on the host's own disk is not there inside.
        (is_updates || source.suite == security) && !source.mirror.as_str().starts_with("file:")
    });
    let lines = wanted.filter_map(|source| {
        let has = |part: &&str| source.components.iter().any(|other| other == part);
        let wanted: Vec<&str> = components.iter().map(AsRef::as_ref).collect();
        let wanted = if wanted.is_empty() { vec!["main"] } else { wanted };
        let parts: Vec<&str> = wanted.into_iter().filter(has).collect();
        let line = format!("deb {} {} {}", source.mirror, source.suite, parts.join(" "));
        (!parts.is_empty()).then_some(line)
    });
    distinct_lines(lines)
}

fn distinct_lines(lines: impl Iterator<Item = String>) -> Vec<String> {
    lines.fold(Vec::new(), |mut all, line| {
        if !all.contains(&line) {
            all.push(line);
        }
        all
    })
}

/// Everything the host's own apt takes packages from, in apt's order.
fn apt_sources(apt: &Path) -> Vec<apt::Source> {
    let mut files = vec![apt.join("sources.list")];
    let mut parts: Vec<PathBuf> = fs::read_dir(apt.join("sources.list.d"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    parts.sort();
    files.extend(parts);
    let sources = files.iter().flat_map(|path| {
        let text = fs::read_to_string(path).unwrap_or_default();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("list") => apt::one_line(&text),
            Some("sources") => apt::deb822(&text),
            _ => Vec::new(),
        }
    });
    sources.collect()
}

/// What debootstrap itself would use: its script's `default_mirror`, else its own `DEF_MIRROR`.
fn debootstrap_mirror(places: &Places, suite: &Suite) -> Option<MirrorUrl> {
    let script = fs::read_to_string(places.debootstrap_scripts.join(suite.as_str()));
    let from_script = script.unwrap_or_default().lines().find_map(|line| {
        line.trim().strip_prefix("default_mirror ").and_then(|url| url.trim().parse().ok())
    });
    from_script.or_else(|| {
        fs::read_to_string(&places.debootstrap).ok()?.lines().find_map(|line| {
            line.trim().strip_prefix("DEF_MIRROR=")?.trim_matches('"').parse().ok()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn the_mirror_is_the_nearest_word_on_it() {
        let base = tempfile::tempdir().unwrap();
        let places = Places {
            apt: base.path().join("apt"),
            debootstrap: base.path().join("debootstrap"),
            ..Places::default()
        };
        let roots = Roots { config_base: base.path().join("etc"), ..Roots::default() };
        // debootstrap's own scripts know no such suite.
        let suite: Suite = "nosuch".parse().unwrap();
        let now = || nearest(&roots, &places, &suite).map(|m| m.to_string());
        assert_eq!(now(), None);
        write(&places.debootstrap, "X=1\nDEF_MIRROR=\"http://default.example/debian\"\n");
        assert_eq!(now().unwrap(), "http://default.example/debian");
        write(
            &places.apt.join("sources.list.d/x.sources"),
            "Types: deb\nURIs: http://security.example/d\nSuites: nosuch-security\nComponents: main\n\n\
             Types: deb\nURIs: http://apt.example/d\nSuites: nosuch\nComponents: main\n",
        );
        assert_eq!(now().unwrap(), "http://apt.example/d");
        write(&places.apt.join("sources.list"), "deb file:///srv/debian nosuch main\n");
        assert_eq!(now().unwrap(), "file:///srv/debian");
        write(
            &roots.config_base.join(".defaults/apps/debootstrap/mirror"),
            "http://word.example/debian",
        );
        assert_eq!(now().unwrap(), "http://word.example/debian");
    }

    #[test]
    fn security_comes_from_where_the_host_has_it_and_updates_from_the_same_mirror() {
        let apt = tempfile::tempdir().unwrap();
        write(
            &apt.path().join("sources.list"),
            "deb http://a.example/debian bookworm main contrib\n\
             deb http://a.example/debian/ bookworm-updates main contrib\n\
             deb http://b.example/debian bookworm-updates main\n\
             deb http://s.example/security bookworm-security main contrib\n\
             deb http://s.example/security bookworm-security main contrib\n\
             deb file:///srv/security bookworm-security main\n\
             deb http://s.example/security trixie-security main\n",
        );
        let lines = |mirror: &str, components: &[&str]| {
            let components: Vec<Component> =
                components.iter().map(|part| part.parse().unwrap()).collect();
            let suite = "bookworm".parse().unwrap();
            later_sources_at(apt.path(), &suite, &mirror.parse().unwrap(), &components)
        };
        assert_eq!(
            lines("http://a.example/debian", &[]),
            [
                "deb http://a.example/debian/ bookworm-updates main",
                "deb http://s.example/security bookworm-security main",
            ]
        );
        assert_eq!(
            lines("http://c.example/debian", &["main", "contrib", "non-free"]),
            ["deb http://s.example/security bookworm-security main contrib"]
        );
        assert!(lines("http://a.example/debian", &["non-free"]).is_empty());
    }
}
