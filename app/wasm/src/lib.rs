//! The WebAssembly entry point: wakes the islands of a server-rendered page.
//!
//! Nothing else lives here, so that the whole of `app` is compiled as a plain library and this
//! crate alone is linked with LTO.

// The islands are found by name at run time; without a use of the crate the linker drops them.
pub use app;

/// Called by the page's loader script once the module is instantiated.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
