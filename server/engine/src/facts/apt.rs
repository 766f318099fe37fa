//! The mirror that the host's own apt uses: `sources.list` and `sources.list.d/*.list` (one line an
//! entry), `*.sources` (deb822).
//!
//! Pure: text in, entries out. Entries that this cannot read are skipped: they are apt's business.

use domain::id::MirrorUrl;

/// One place packages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub mirror: MirrorUrl,
    pub suite: String,
    pub components: Vec<String>,
}

/// Reads the one-line format: `deb [options] URI suite component…`.
pub(super) fn one_line(text: &str) -> Vec<Source> {
    text.lines().filter_map(one_line_entry).collect()
}

fn one_line_entry(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim();
    let rest = line.strip_prefix("deb")?;
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(options) => options.split_once(']')?.1,
        None => rest,
    };
    let mut words = rest.split_ascii_whitespace();
    let mirror = words.next()?.parse().ok()?;
    let suite = words.next()?.to_owned();
    Some(Source { mirror, suite, components: words.map(ToOwned::to_owned).collect() })
}

/// Reads deb822: paragraphs of `Field: value`, values going on in lines that begin with a blank.
pub(super) fn deb822(text: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.trim().is_empty() {
            sources.extend(deb822_entries(&fields));
            fields.clear();
        } else if line.starts_with('#') {
            // A comment, also in the middle of a field.
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    sources
}

fn deb822_entries(fields: &[(String, String)]) -> Vec<Source> {
    let field = |name: &str| {
        fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.split_ascii_whitespace().collect::<Vec<_>>())
            .unwrap_or_default()
    };
    let is_off = field("enabled").first().is_some_and(|word| {
        ["no", "false", "off", "0", "without", "disable"]
            .contains(&word.to_ascii_lowercase().as_str())
    });
    if is_off || !field("types").contains(&"deb") {
        return Vec::new();
    }
    let (uris, suites) = (field("uris"), field("suites"));
    let components: Vec<String> = field("components").into_iter().map(ToOwned::to_owned).collect();
    uris.iter()
        .filter_map(|uri| uri.parse::<MirrorUrl>().ok())
        .flat_map(|mirror| {
            let components = components.clone();
            suites.iter().map(move |suite| Source {
                mirror: mirror.clone(),
                suite: (*suite).to_owned(),
                components: components.clone(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sources: Vec<Source>) -> Vec<String> {
        sources
            .into_iter()
            .map(|s| format!("{} {} {}", s.mirror, s.suite, s.components.join("+")))
            .collect()
    }

    #[test]
    fn one_line_entries() {
        let text = "# deb http://mirror.example/no stable main\n\
            deb http://mirror.example/debian bookworm main contrib # yes\n\
            deb-src http://mirror.example/debian bookworm main\n\
            deb [arch=amd64 signed-by=/usr/share/k.gpg] file:///srv/debian trixie main\n\
            deb cdrom:[Debian]/ bookworm main\n\
            debug http://mirror.example/debian bookworm main\n\
            deb\n\n";
        assert_eq!(
            shown(one_line(text)),
            [
                "http://mirror.example/debian bookworm main+contrib",
                "file:///srv/debian trixie main"
            ]
        );
    }

    #[test]
    fn deb822_paragraphs() {
        let text = "Types: deb deb-src\n# a comment\nURIs: http://a.example/debian\n\
            \x20http://b.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\
            Signed-By:\n -----BEGIN PGP-----\n .\n x\n\n\
            Types: deb\nURIs: http://c.example/debian\nSuites: bookworm\nComponents: main\nEnabled: no\n\n\
            Types: deb-src\nURIs: http://d.example/debian\nSuites: bookworm\n";
        assert_eq!(
            shown(deb822(text)),
            [
                "http://a.example/debian bookworm main",
                "http://a.example/debian bookworm-updates main",
                "http://b.example/debian bookworm main",
                "http://b.example/debian bookworm-updates main",
            ]
        );
    }
}
