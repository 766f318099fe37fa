//! The bundler: turns the compiled WebAssembly, the style sheets, the public files and the terminal
//! from npm into the site that the server embeds.
//!
//! Every file gets its content's hash into its name, so that browsers may keep it for ever, and a
//! brotli and a gzip sibling; `manifest.json` says which name became which. What has not changed
//! is not made again: the site remembers the digest of what it was made from. A new site takes the
//! old one's place whole or not at all. The bundler compiles nothing and fetches nothing: `cargo`
//! and `npm` ran before it.

mod input;
mod optimise;
mod script;
mod site;
mod style;
mod table;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// The first load may have this many bytes over the wire, from the log-in to the list.
const FIRST_LOAD_LIMIT_BYTES: u64 = 250_000;

/// What a browser fetches from the log-in to the list, besides the pages themselves.
const FIRST_LOAD: [&str; 5] =
    ["favicon.svg", "main.css", "start.js", "ulysse.js", "ulysse_bg.wasm"];

/// Names that pages know, and contents.
type Files = Vec<(String, Vec<u8>)>;

/// Makes the site that the server embeds. Paths are taken from the repository's top folder.
#[derive(Debug, Parser)]
struct Arguments {
    /// The compiled crate app-wasm.
    #[arg(long)]
    wasm: PathBuf,
    /// The same with the form of a build, for the page that has one.
    #[arg(long)]
    build_form_wasm: PathBuf,
    /// The style sheet that imports the others.
    #[arg(long, default_value = "style/main.css")]
    style: PathBuf,
    /// Files that are served as they are.
    #[arg(long, default_value = "public")]
    public: PathBuf,
    /// Where npm put what package.json asks for.
    #[arg(long, default_value = "app/bundler/node_modules")]
    packages: PathBuf,
    /// Where the site is made.
    #[arg(long, default_value = "target/site")]
    site: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match bundle(&arguments) {
        Ok(within_limit) if within_limit => ExitCode::SUCCESS,
        Ok(_) => {
            eprintln!("bundler: the first load is larger than {FIRST_LOAD_LIMIT_BYTES} bytes");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprint!("bundler: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprint!(": {cause}");
                source = cause.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

/// Makes the site where it is not up to date, prints it, and says whether the first load is small
/// enough.
fn bundle(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let inputs = input::Inputs::read(arguments)?;
    let digest = inputs.digest();
    let site = match site::Site::load(&arguments.site, &digest) {
        Some(site) => site,
        None => {
            let files = files(inputs)?;
            site::Site::make(&arguments.site, &digest, files)?
        }
    };
    print!("{}", table::render(&site, &FIRST_LOAD));
    Ok(site.transfer_bytes(&FIRST_LOAD) <= FIRST_LOAD_LIMIT_BYTES)
}

/// All files of the site by the names that pages know them by.
fn files(inputs: input::Inputs) -> Result<Files, Box<dyn Error>> {
    let style = style::inline(&inputs.style)?;
    let mut files = inputs.copies;
    files.push(("main.css".to_owned(), style.into_bytes()));
    for (name, wasm) in [("ulysse", inputs.wasm), ("build-form", inputs.build_form_wasm)] {
        let module = script::bind(name, wasm)?;
        let wasm = optimise::optimise(&inputs.optimiser, &module.wasm)?;
        files.push((format!("{name}.js"), module.script.into_bytes()));
        files.push((format!("{name}_bg.wasm"), wasm));
    }
    files.sort();
    Ok(files)
}
