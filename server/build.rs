//! Makes sure that the folder of the site's files exists, so that the crate compiles before the site
//! was ever built, and that a new site means a new binary. Says how the program is linked.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/site");
    std::fs::create_dir_all(&site)?;
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", site.display());
    // A start of a VServer executes the program twice, and each time its 44,000 addresses are put right: the
    // table of them is 30 kB instead of 1 MB so. Debian 12's C library understands it.
    println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    Ok(())
}
