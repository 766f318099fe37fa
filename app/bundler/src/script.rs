//! Makes the JavaScript that carries calls between the page and the WebAssembly.

use wasm_bindgen_cli_support::Bindgen;

/// Why the WebAssembly could not be made ready for a browser.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScriptError {
    /// wasm-bindgen refused the file.
    #[error("making the WebAssembly's script with wasm-bindgen")]
    Bind(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A crate brings a script of its own, which the site has no place for yet.
    #[error("a crate brings JavaScript of its own: {names}")]
    Snippet { names: String },
}

/// A module that a browser can load.
pub(crate) struct Module {
    pub(crate) script: String,
    pub(crate) wasm: Vec<u8>,
}

/// Makes the module. Its script names no file: `start.js` says where the WebAssembly is.
pub(crate) fn bind(name: &str, wasm: Vec<u8>) -> Result<Module, ScriptError> {
    let mut output = Bindgen::new()
        .input_bytes(name, wasm)
        .web(true)
        .map_err(|error| ScriptError::Bind(error.into()))?
        .typescript(false)
        .omit_default_module_path(true)
        .generate_output()
        .map_err(|error| ScriptError::Bind(error.into()))?;
    let mut names: Vec<String> = output.local_modules().keys().cloned().collect();
    let snippets = output.snippets().iter();
    names.extend(snippets.filter(|(_, scripts)| !scripts.is_empty()).map(|(name, _)| name.clone()));
    if !names.is_empty() {
        names.sort();
        let names = names.join(", ");
        return Err(ScriptError::Snippet { names });
    }
    Ok(Module { script: output.js().to_owned(), wasm: output.wasm_mut().emit_wasm() })
}
