//! Reads everything the site is made from, and sums it up in one digest.
//!
//! The bundler's own program counts as an input: another bundler may make another site.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::style::Sheet;
use crate::{Arguments, Files};

/// What is taken from npm packages, and the names it gets.
const FROM_PACKAGES: [(&str, &str); 4] = [
    ("@xterm/xterm/lib/xterm.mjs", "xterm.js"),
    ("@xterm/xterm/css/xterm.css", "xterm.css"),
    ("@xterm/addon-fit/lib/addon-fit.mjs", "addon-fit.js"),
    ("@xterm/addon-unicode11/lib/addon-unicode11.mjs", "addon-unicode11.js"),
];

/// The optimiser of WebAssembly: a script for node.
const OPTIMISER: &str = "binaryen/bin/wasm-opt";

/// The version of the optimiser stands here; its program is large and need not be read.
const OPTIMISER_LOCK: &str = ".package-lock.json";

/// Why the inputs could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// The WebAssembly is not there.
    #[error(
        "reading {path}, which `cargo build -p app-wasm --profile wasm-release --target wasm32-unknown-unknown` makes"
    )]
    Wasm { path: PathBuf, source: io::Error },
    /// A package of npm is not there.
    #[error("reading {path}, which `npm ci` in app/bundler brings")]
    Package { path: PathBuf, source: io::Error },
    /// A file of ours is not there.
    #[error("reading {path}")]
    File { path: PathBuf, source: io::Error },
}

/// Everything the site is made from.
pub(crate) struct Inputs {
    pub(crate) wasm: Vec<u8>,
    pub(crate) build_form_wasm: Vec<u8>,
    /// The style sheets in one folder; `main.css` imports the others.
    pub(crate) style: Vec<Sheet>,
    /// Files that go into the site as they are, with the names that pages know them by.
    pub(crate) copies: Files,
    pub(crate) optimiser: PathBuf,
    optimiser_lock: Vec<u8>,
    program: Vec<u8>,
}

impl Inputs {
    pub(crate) fn read(arguments: &Arguments) -> Result<Self, InputError> {
        let wasm = |path: &PathBuf| {
            fs::read(path).map_err(|source| InputError::Wasm { path: path.clone(), source })
        };
        let folder = arguments.style.parent().unwrap_or(Path::new("."));
        let mut style = Vec::new();
        for (name, bytes) in folder_files(folder)? {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            style.push(Sheet { name, text });
        }
        let mut copies = folder_files(&arguments.public)?;
        for (path, name) in FROM_PACKAGES {
            let bytes = package_file(&arguments.packages, path)?;
            copies.push((name.to_owned(), without_source_map(bytes)));
        }
        let program = std::env::current_exe()
            .and_then(fs::read)
            .map_err(|source| InputError::File { path: "the bundler itself".into(), source })?;
        Ok(Self {
            wasm: wasm(&arguments.wasm)?,
            build_form_wasm: wasm(&arguments.build_form_wasm)?,
            style,
            copies,
            optimiser: arguments.packages.join(OPTIMISER),
            optimiser_lock: package_file(&arguments.packages, OPTIMISER_LOCK)?,
            program,
        })
    }

    /// Names all of it: two sites with the same digest are the same.
    pub(crate) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        let sheets = self.style.iter().map(|sheet| (sheet.name.as_str(), sheet.text.as_bytes()));
        let copies = self.copies.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        let others = [
            ("wasm", self.wasm.as_slice()),
            ("build-form", &self.build_form_wasm),
            ("optimiser", &self.optimiser_lock),
            ("program", &self.program),
        ];
        for (name, bytes) in others.into_iter().chain(sheets).chain(copies) {
            // Lengths keep one input's end from being taken for the next one's beginning.
            digest.update((name.len() as u64).to_be_bytes());
            digest.update(name);
            digest.update((bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        }
        format!("{:x}", digest.finalize())
    }
}

fn package_file(packages: &Path, name: &str) -> Result<Vec<u8>, InputError> {
    let path = packages.join(name);
    fs::read(&path).map_err(|source| InputError::Package { path, source })
}

/// The files of a folder, sorted by name.
fn folder_files(folder: &Path) -> Result<Files, InputError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| InputError::File { path, source }
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        if let Some(name) = path.file_name().and_then(|name| name.to_str())
            && path.is_file()
        {
            files.push((name.to_owned(), fs::read(&path).map_err(failed(&path))?));
        }
    }
    files.sort();
    Ok(files)
}

/// A script or style sheet without its last comment when that points to a map: the map is not served.
fn without_source_map(mut bytes: Vec<u8>) -> Vec<u8> {
    const MARK: &[u8] = b"//# sourceMappingURL=";
    if let Some(at) = bytes.windows(MARK.len()).rposition(|window| window == MARK) {
        bytes.truncate(at);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::without_source_map;

    #[test]
    fn the_pointer_to_a_map_that_is_not_served_goes_away() {
        let script = b"let a = 1;\n//# sourceMappingURL=a.js.map\n".to_vec();
        assert_eq!(without_source_map(script), b"let a = 1;\n");
        assert_eq!(without_source_map(b"let a;".to_vec()), b"let a;");
    }
}
