//! Names of members: a stranger's bytes, turned into a path that goes down and nowhere else.
//!
//! Invariant: a [`MemberPath`] has no leading slash, no empty, `.` or `..` component, no NUL, and is
//! short enough for one system call. What it leads through is another matter: [`super::place`].

use domain::template::ArchiveProblem;

/// The longest path that Linux opens (`PATH_MAX`, its NUL aside), in bytes.
const PATH_BYTES: usize = 4095;
/// The longest name of one file on Linux, in bytes.
const NAME_BYTES: usize = 255;
/// The longest that a name is shown, in characters.
const SHOWN_CHARACTERS: usize = 300;

/// Where a member goes, below the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MemberPath(Vec<u8>);

impl MemberPath {
    /// Judges a name; none is the root itself (`./`). A leading slash is left out, as every tar does.
    pub(super) fn parse(name: &[u8]) -> Result<Option<Self>, ArchiveProblem> {
        if name.contains(&0) {
            return Err(ArchiveProblem::BadName);
        }
        let mut path = Vec::with_capacity(name.len());
        for component in name.split(|byte| *byte == b'/') {
            match component {
                b"" | b"." => continue,
                b".." => return Err(ArchiveProblem::LeadsOut),
                long if long.len() > NAME_BYTES => return Err(ArchiveProblem::BadName),
                other => {
                    if !path.is_empty() {
                        path.push(b'/');
                    }
                    path.extend_from_slice(other);
                }
            }
        }
        match path.len() {
            0 => Ok(None),
            1..=PATH_BYTES => Ok(Some(Self(path))),
            _ => Err(ArchiveProblem::BadName),
        }
    }

    /// The whole path.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path of the directory it is in (empty for the root), and its name there.
    pub(super) fn split(&self) -> (&[u8], &[u8]) {
        match self.0.iter().rposition(|byte| *byte == b'/') {
            Some(index) => (
                self.0.get(..index).unwrap_or_default(),
                self.0.get(index + 1..).unwrap_or_default(),
            ),
            None => (&[], &self.0),
        }
    }
}

/// A name as it can be shown and logged: one line, printable, not too long; what is not UTF-8 or would
/// control a terminal stands as an escape.
pub(super) fn escaped(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            // Also what turns text around or hides it: a name must not look like another one.
            let is_hidden = matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
            if character.is_control() || character == '\\' || is_hidden {
                text.extend(character.escape_default());
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((index, _)) => {
            text.truncate(index);
            text.push('…');
            text
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(name: &str) -> Result<Option<String>, ArchiveProblem> {
        let path = MemberPath::parse(name.as_bytes())?;
        Ok(path.map(|path| String::from_utf8(path.as_bytes().to_vec()).unwrap()))
    }

    #[test]
    fn a_path_goes_down_or_is_refused() {
        assert_eq!(parsed("./etc//passwd/"), Ok(Some("etc/passwd".to_owned())));
        assert_eq!(parsed("/etc/./passwd"), Ok(Some("etc/passwd".to_owned())));
        for root in ["", ".", "./", "/", "//./"] {
            assert_eq!(parsed(root), Ok(None), "{root:?}");
        }
        for bad in ["..", "a/..", "../x", "/../x", "a/../../x"] {
            assert_eq!(parsed(bad), Err(ArchiveProblem::LeadsOut), "{bad:?}");
        }
        assert_eq!(parsed("..a/b.."), Ok(Some("..a/b..".to_owned())));
        assert_eq!(parsed("a\0b"), Err(ArchiveProblem::BadName));
        assert_eq!(parsed(&"x".repeat(256)), Err(ArchiveProblem::BadName));
        assert_eq!(parsed(&"x/".repeat(2049)), Err(ArchiveProblem::BadName));
    }

    #[test]
    fn what_is_shown_is_one_line_and_hides_nothing() {
        assert_eq!(escaped(b"a\nb\x1b[2J\xff\\"), "a\\nb\\u{1b}[2J\\xff\\\\");
        assert_eq!(escaped("é\u{202e}txt".as_bytes()), "é\\u{202e}txt");
        assert_eq!(escaped(&[b'x'; 1000]).chars().count(), SHOWN_CHARACTERS + 1);
    }

    proptest! {
        #[test]
        fn no_bytes_lead_out(name in proptest::collection::vec(any::<u8>(), 0..600)) {
            let shown = escaped(&name);
            prop_assert!(!shown.chars().any(char::is_control));
            if let Ok(Some(path)) = MemberPath::parse(&name) {
                let bytes = path.as_bytes();
                prop_assert!(!bytes.contains(&0));
                let bad: [&[u8]; 3] = [b"", b".", b".."];
                prop_assert!(bytes.split(|byte| *byte == b'/').all(|part| !bad.contains(&part)));
                let (parent, name) = path.split();
                let joined = [parent, name].join(&b'/');
                prop_assert_eq!(joined.strip_prefix(b"/").unwrap_or(&joined), bytes);
            }
        }

        #[test]
        fn names_of_dots_and_slashes_lead_nowhere(name in "[./a]{0,12}") {
            if let Ok(Some(path)) = MemberPath::parse(name.as_bytes()) {
                prop_assert!(path.as_bytes().split(|byte| *byte == b'/').all(|part| part != b".."));
            }
        }
    }
}
