//! Patterns of the catalogue: a path in which `*` stands for any name that is not hidden, or what is
//! left of one (`refserver.*`, `*.repo`), and `{a,b}` for one of several pieces of a name. They are written by us, never by a stranger.

/// Whether a path is one of a pattern's.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let mut names = path.split('/');
    pattern.split('/').all(|part| names.next().is_some_and(|name| name_matches(part, name)))
        && names.next().is_none()
}

fn name_matches(part: &str, name: &str) -> bool {
    if let Some(rest) = part.strip_prefix('*') {
        return name.len() > rest.len() && !name.starts_with('.') && name.ends_with(rest);
    }
    let Some((before, choices, after)) = alternatives(part) else {
        // A star may end a name: `refserver.*`.
        return match part.strip_suffix('*') {
            Some(start) => name.strip_prefix(start).is_some_and(|rest| !rest.is_empty()),
            None => part == name,
        };
    };
    let Some(name) = name.strip_prefix(before) else { return false };
    choices
        .split(',')
        .any(|choice| name.strip_prefix(choice).is_some_and(|rest| name_matches(after, rest)))
}

/// The first `{…}` of a part: what stands before it, in it, after it.
fn alternatives(part: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = part.split_once('{')?;
    let (choices, after) = rest.split_once('}')?;
    Some((before, choices, after))
}

/// A path of a pattern: this for every star, the first of several pieces.
pub(super) fn example(pattern: &str, star: &str) -> String {
    let mut path = pattern.replace('*', star);
    while let Some((before, choices, after)) = alternatives(&path) {
        let first = choices.split(',').next().unwrap_or_default();
        path = format!("{before}{first}{after}");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_alternatives() {
        assert!(matches("interfaces/*/ip", "interfaces/0/ip"));
        assert!(matches("interfaces/*/ip", "interfaces/lan/ip"));
        assert!(!matches("interfaces/*/ip", "interfaces/0"));
        assert!(!matches("interfaces/*/ip", "interfaces/0/ip/x"));
        assert!(!matches("interfaces/*/ip", "interfaces/.0/ip"));
        assert!(!matches("name", "names") && !matches("names", "name"));
        let limits = "rlimits/{rss,as}{,.min,.soft,.hard}";
        assert!(matches(limits, "rlimits/rss") && matches(limits, "rlimits/as.soft"));
        assert!(!matches(limits, "rlimits/.soft") && !matches(limits, "rlimits/rss.softer"));
        assert!(matches("apps/vunify/refserver.*", "apps/vunify/refserver.a"));
        assert!(!matches("apps/vunify/refserver.*", "apps/vunify/refserver."));
        assert!(matches("*/yum.repos.d/*.repo", "fc6/yum.repos.d/core.repo"));
        assert!(!matches("*/yum.repos.d/*.repo", "fc6/yum.repos.d/.repo"));
        assert!(!matches("*/yum.repos.d/*.repo", "fc6/yum.repos.d/core.repo.rpmsave"));
        assert_eq!(example(limits, "0"), "rlimits/rss");
        assert_eq!(example("sysctl/*/{setting,value}", "0"), "sysctl/0/setting");
    }
}
