//! The site on disk: `pkg/` with every file and its compressed siblings, `manifest.json` from the
//! names that pages know to the names in `pkg/`, and `digest` of what it was made from.
//!
//! A site is made beside the old one and takes its place by a rename, `digest` written last: what
//! stands there is whole.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::Files;

/// How much of a file's SHA-256 stands in its name, in hexadecimal digits.
const HASH_DIGITS: usize = 16;

/// brotli's best and its largest window for browsers: 2^22 bytes.
const BROTLI_QUALITY: u32 = 11;
const BROTLI_WINDOW_BITS: u32 = 22;

/// Why the site could not be written.
#[derive(Debug, thiserror::Error)]
#[error("writing {path}")]
pub(crate) struct SiteError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// A file of the site.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// The name that pages know.
    pub(crate) name: String,
    pub(crate) raw_bytes: u64,
    pub(crate) gzip_bytes: u64,
    pub(crate) brotli_bytes: u64,
}

/// The site as it stands on the disk, sorted by name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) files: Vec<File>,
}

impl Site {
    /// The site in this folder, if it was made from what has this digest and is whole.
    pub(crate) fn load(folder: &Path, digest: &str) -> Option<Self> {
        if fs::read_to_string(folder.join("digest")).ok()? != digest {
            return None;
        }
        let manifest = fs::read(folder.join("manifest.json")).ok()?;
        let manifest: BTreeMap<String, String> = serde_json::from_slice(&manifest).ok()?;
        let size = |name: String| Some(fs::metadata(folder.join("pkg").join(name)).ok()?.len());
        let file = |(name, hashed): (String, String)| {
            Some(File {
                name,
                gzip_bytes: size(format!("{hashed}.gz"))?,
                brotli_bytes: size(format!("{hashed}.br"))?,
                raw_bytes: size(hashed)?,
            })
        };
        let files = manifest.into_iter().map(file).collect::<Option<_>>()?;
        Some(Self { files })
    }

    /// Makes the site of these files, in the place of the one that may be there.
    pub(crate) fn make(folder: &Path, digest: &str, files: Files) -> Result<Self, SiteError> {
        let fresh = folder.with_extension("new");
        let pkg = fresh.join("pkg");
        remove(&fresh)?;
        at(&pkg, fs::create_dir_all(&pkg))?;
        let mut manifest = BTreeMap::new();
        let mut made = Vec::new();
        for (name, raw) in files {
            let hashed = hashed_name(&name, &raw);
            let (gzip, brotli) = (gzip(&raw), brotli(&raw));
            let gzip = at(&pkg, gzip)?;
            let brotli = at(&pkg, brotli)?;
            write(&pkg.join(format!("{hashed}.gz")), &gzip)?;
            write(&pkg.join(format!("{hashed}.br")), &brotli)?;
            write(&pkg.join(&hashed), &raw)?;
            made.push(File {
                name: name.clone(),
                raw_bytes: raw.len() as u64,
                gzip_bytes: gzip.len() as u64,
                brotli_bytes: brotli.len() as u64,
            });
            manifest.insert(name, hashed);
        }
        let path = fresh.join("manifest.json");
        let json = serde_json::to_vec_pretty(&manifest).map_err(io::Error::from);
        write(&path, &at(&path, json)?)?;
        write(&fresh.join("digest"), digest.as_bytes())?;
        remove(folder)?;
        at(folder, fs::rename(&fresh, folder))?;
        made.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self { files: made })
    }

    /// What these files have over the wire, to a browser that takes brotli.
    pub(crate) fn transfer_bytes(&self, names: &[&str]) -> u64 {
        self.files
            .iter()
            .filter(|file| names.contains(&file.name.as_str()))
            .map(|file| file.brotli_bytes)
            .sum()
    }
}

/// `ulysse_bg.wasm` with its content's hash: `ulysse_bg-0123456789abcdef.wasm`.
fn hashed_name(name: &str, content: &[u8]) -> String {
    let mut hash = format!("{:x}", Sha256::digest(content));
    hash.truncate(HASH_DIGITS);
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}-{hash}.{extension}"),
        None => format!("{name}-{hash}"),
    }
}

fn gzip(raw: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(raw)?;
    encoder.finish()
}

fn brotli(raw: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let mut encoder =
        brotli::CompressorWriter::new(&mut compressed, 4096, BROTLI_QUALITY, BROTLI_WINDOW_BITS);
    encoder.write_all(raw)?;
    encoder.flush()?;
    drop(encoder);
    Ok(compressed)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), SiteError> {
    at(path, fs::write(path, bytes))
}

fn remove(folder: &Path) -> Result<(), SiteError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => at(folder, Err(error)),
        _ => Ok(()),
    }
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, SiteError> {
    result.map_err(|source| SiteError { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn files(text: &str) -> Files {
        vec![
            ("start.js".to_owned(), text.repeat(50).into_bytes()),
            ("a.svg".to_owned(), b"<svg/>".to_vec()),
        ]
    }

    #[test]
    fn a_site_is_found_again_by_its_digest_while_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("site");
        assert_eq!(Site::load(&site, "1"), None);
        let made = Site::make(&site, "1", files("let a;")).unwrap();
        assert_eq!(Site::load(&site, "1").as_ref(), Some(&made));
        assert_eq!(Site::load(&site, "2"), None);

        let other = Site::make(&site, "2", files("let b;")).unwrap();
        assert_eq!(Site::load(&site, "2").as_ref(), Some(&other));
        assert_eq!(fs::read_dir(site.join("pkg")).unwrap().count(), 6);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        let manifest = fs::read_to_string(site.join("manifest.json")).unwrap();
        let manifest: BTreeMap<String, String> = serde_json::from_str(&manifest).unwrap();
        fs::remove_file(site.join("pkg").join(&manifest["a.svg"])).unwrap();
        assert_eq!(Site::load(&site, "2"), None);
    }

    #[test]
    fn names_change_with_the_content_and_siblings_hold_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("site");
        let made = Site::make(&site, "1", files("let a;")).unwrap();
        let hashed = hashed_name("start.js", &files("let a;")[0].1);
        assert_ne!(hashed, hashed_name("start.js", b"let b;"));
        assert!(hashed.starts_with("start-") && hashed.ends_with(".js"));

        let raw = fs::read(site.join("pkg").join(&hashed)).unwrap();
        let mut plain = Vec::new();
        let gzip = fs::File::open(site.join("pkg").join(format!("{hashed}.gz"))).unwrap();
        flate2::read::GzDecoder::new(gzip).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, raw);
        plain.clear();
        let brotli = fs::File::open(site.join("pkg").join(format!("{hashed}.br"))).unwrap();
        brotli::Decompressor::new(brotli, 4096).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, raw);
        let start = made.files.iter().find(|file| file.name == "start.js");
        assert_eq!(made.transfer_bytes(&["start.js"]), start.unwrap().brotli_bytes);
    }
}
