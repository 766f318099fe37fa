//! Makes sure that the folder of the site's files exists, so that the crate compiles before the site
//! was ever built, and that a new site means a new binary.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/site");
    std::fs::create_dir_all(&site)?;
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", site.display());
    Ok(())
}
