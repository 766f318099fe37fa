//! Makes the WebAssembly smaller with binaryen's optimiser.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What every browser that runs the site can do, and the optimiser must be told.
const ARGUMENTS: [&str; 8] = [
    "-Oz",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
    "--strip-producers",
];

/// Why the WebAssembly could not be made smaller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OptimiseError {
    /// There is no folder for the files that are handed over.
    #[error("making a temporary folder")]
    Folder(#[source] io::Error),
    /// The file that is handed over could not be written or read back.
    #[error("handing {path} to the optimiser")]
    File { path: PathBuf, source: io::Error },
    /// node could not be started.
    #[error("starting node")]
    Start(#[source] io::Error),
    /// The optimiser refused.
    #[error("wasm-opt ended with {status}")]
    Refused { status: std::process::ExitStatus },
}

/// Runs the optimiser at `program`, a script for node.
pub(crate) fn optimise(program: &Path, wasm: &[u8]) -> Result<Vec<u8>, OptimiseError> {
    let folder = tempfile::tempdir().map_err(OptimiseError::Folder)?;
    let (input, output) = (folder.path().join("in.wasm"), folder.path().join("out.wasm"));
    fs::write(&input, wasm)
        .map_err(|source| OptimiseError::File { path: input.clone(), source })?;
    let status = Command::new("node")
        .arg(program)
        .args(ARGUMENTS)
        .arg(&input)
        .arg("-o")
        .arg(&output)
        .status()
        .map_err(OptimiseError::Start)?;
    if !status.success() {
        return Err(OptimiseError::Refused { status });
    }
    fs::read(&output).map_err(|source| OptimiseError::File { path: output, source })
}
