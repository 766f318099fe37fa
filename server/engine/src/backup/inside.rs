//! The few files inside a restored VServer that say who it is: host name, addresses, machine id.
//!
//! What is there is a stranger's: no link is followed, and a file is replaced, never written through.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use domain::identity::VServerIdentity;
use domain::note::Note;
use domain::restore::RestoreSpec;
use rustix::fs::OFlags;

use super::unpack::beneath;
use crate::build::configure::{directory, replace};

/// The most bytes of a file that is changed.
const FILE_BYTES: u64 = 1024 * 1024;

/// Changes them to what it is called now. `is_twin` says that what it was made of is still there: then
/// both get their own machine id. Gives what a person should know.
pub(super) fn rename(
    root: &OwnedFd,
    claims: &VServerIdentity,
    spec: &RestoreSpec,
    is_twin: bool,
) -> io::Result<Vec<Note>> {
    let mut told = Vec::new();
    let etc = directory(root, "etc")?;
    if let (Some(before), Some(after)) = (&claims.host_name, &spec.host_name)
        && before != after
        && let Some(text) = read(&etc, "hostname")?
    {
        let text = with_words(&text, &host_words(before.as_str(), after.as_str()));
        replace(&etc, "hostname", text.as_bytes())?;
        told.push(Note::HostNameFile { host_name: after.clone() });
    }
    let mut words = match (&claims.host_name, &spec.host_name) {
        (Some(before), Some(after)) if before != after => {
            host_words(before.as_str(), after.as_str())
        }
        _ => Vec::new(),
    };
    for (before, after) in claims.interfaces.iter().zip(&spec.interfaces) {
        if before.address != after.address {
            words.push((before.address.to_string(), after.address.to_string()));
        }
    }
    if !words.is_empty()
        && let Some(text) = read(&etc, "hosts")?
    {
        let changed = with_words(&text, &words);
        if changed != text {
            replace(&etc, "hosts", changed.as_bytes())?;
            told.push(Note::HostsFile);
        }
    }
    if is_twin && read(&etc, "machine-id")?.is_some() {
        // Empty means: made at the first start (machine-id(5)).
        replace(&etc, "machine-id", b"")?;
        told.push(Note::OwnMachineId);
    }
    Ok(told)
}

/// A host name and its first label, each with what stands for it now.
fn host_words(before: &str, after: &str) -> Vec<(String, String)> {
    let short = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
    vec![(before.to_owned(), after.to_owned()), (short(before), short(after))]
}

/// A text with words replaced as a whole, everything between them as it was.
fn with_words(text: &str, words: &[(String, String)]) -> String {
    text.split_inclusive(char::is_whitespace)
        .map(|piece| {
            let word = piece.trim_end();
            let space = piece.get(word.len()..).unwrap_or_default();
            let new = words.iter().find(|(before, _)| before == word);
            format!("{}{space}", new.map_or(word, |(_, after)| after.as_str()))
        })
        .collect()
}

/// A small text file; none when there is none, or it is no plain file.
fn read(etc: &OwnedFd, name: &str) -> io::Result<Option<String>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let Ok(opened) = beneath(etc, name.as_bytes(), flags) else { return Ok(None) };
    let file = File::from(opened);
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8(bytes).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_replaced_and_blanks_stay() {
        let words = [
            ("web.cume.fr".to_owned(), "new.cume.fr".to_owned()),
            ("web".to_owned(), "new".to_owned()),
            ("192.0.2.1".to_owned(), "192.0.2.9".to_owned()),
        ];
        assert_eq!(
            with_words("192.0.2.1\tweb.cume.fr web\n192.0.2.10 webmail\n", &words),
            "192.0.2.9\tnew.cume.fr new\n192.0.2.10 webmail\n"
        );
    }
}
