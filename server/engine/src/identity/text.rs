//! What changes inside text files when a VServer gets another identity. Pure: a text in, a text out,
//! every other byte as it was.

use std::path::Path;

use crate::tree;

/// A host path below `old` as the same one below `new`; none when it is not below it.
pub(super) fn moved_path(text: &str, old: &Path, new: &Path) -> Option<String> {
    let below = tree::unescaped(text);
    let rest = below.strip_prefix(old).ok()?;
    let moved = if rest.as_os_str().is_empty() { new.to_owned() } else { new.join(rest) };
    Some(moved.to_str()?.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011"))
}

/// An fstab with every field of it replaced that `replace` gives something for; it is told the field's
/// number, from 0.
pub(super) fn with_fields(text: &str, replace: impl Fn(usize, &str) -> Option<String>) -> String {
    let line = |line: &str| {
        if line.trim_start().starts_with('#') {
            return line.to_owned();
        }
        let mut made = String::with_capacity(line.len());
        let (mut rest, mut number) = (line, 0);
        while !rest.is_empty() {
            let word = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
            let (blanks, after) = rest.split_at(word);
            made.push_str(blanks);
            let end = after.find(char::is_whitespace).unwrap_or(after.len());
            let (word, after) = after.split_at(end);
            if !word.is_empty() {
                made.push_str(&replace(number, word).unwrap_or_else(|| word.to_owned()));
                number += 1;
            }
            rest = after;
        }
        made
    };
    text.split_inclusive('\n').map(line).collect()
}

/// A text with whole words replaced, comments aside: `/etc/hosts`.
pub(super) fn with_words(text: &str, pairs: &[(String, String)]) -> String {
    let line = |line: &str| {
        let (words, comment) = line.split_at(line.find('#').unwrap_or(line.len()));
        let replaced = with_fields(words, |_, word| {
            pairs.iter().find(|(old, _)| old == word).map(|(_, new)| new.clone())
        });
        replaced + comment
    };
    text.split_inclusive('\n').map(line).collect()
}

/// A list with every item that is `old` replaced.
pub(super) fn with_item(text: &str, old: &str, new: &str) -> String {
    let line = |line: &str| {
        if line.trim() == old { line.replacen(old, new, 1) } else { line.to_owned() }
    };
    text.split_inclusive('\n').map(line).collect()
}

/// The value of a file that holds one: its first line, trimmed.
pub(super) fn scalar(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fields_that_are_meant_change_in_an_fstab() {
        let text = "# /dev/vs/nono /lib/nono\n\
                    /dev/vs/nono\t/lib/nono   ext3 defaults 0 2\n\
                    /dev/vs/nono2 /lib/nono2 ext3 defaults 0 2\n\
                    \n  /srv/x  /lib/nono/srv none bind\n/last /lib/nono";
        let (old, new) = (Path::new("/lib/nono"), Path::new("/lib/ulyse"));
        let made = with_fields(text, |number, word| match number {
            0 if word == "/dev/vs/nono" => Some("/dev/vs/ulyse".to_owned()),
            0 | 1 => moved_path(word, old, new),
            _ => None,
        });
        assert_eq!(
            made,
            "# /dev/vs/nono /lib/nono\n\
             /dev/vs/ulyse\t/lib/ulyse   ext3 defaults 0 2\n\
             /dev/vs/nono2 /lib/nono2 ext3 defaults 0 2\n\
             \n  /srv/x  /lib/ulyse/srv none bind\n/last /lib/ulyse"
        );
    }

    #[test]
    fn a_path_with_a_blank_stays_one_word() {
        let moved = moved_path("/a\\040b/x", Path::new("/a b"), Path::new("/c d"));
        assert_eq!(moved.as_deref(), Some("/c\\040d/x"));
    }

    #[test]
    fn whole_words_of_hosts_change() {
        let pairs = [("nono".to_owned(), "ulyse".to_owned())];
        let text = "127.0.0.1\tlocalhost\n10.0.0.1 nono.fr nono nono2 # nono\n";
        assert_eq!(
            with_words(text, &pairs),
            "127.0.0.1\tlocalhost\n10.0.0.1 nono.fr ulyse nono2 # nono\n"
        );
    }

    #[test]
    fn an_item_of_a_list_changes() {
        assert_eq!(with_item("# nono\n nono\nnono2\nnono", "nono", "x"), "# nono\n x\nnono2\nx");
        assert_eq!(scalar("  a \nb"), "a");
    }
}
