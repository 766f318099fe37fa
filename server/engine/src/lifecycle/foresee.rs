//! What a start is certain to fail for, before anybody asks for it.
//!
//! Looks at files only, and says nothing where the start itself could still put something in their place: by a
//! hook, by a command that prepares it, by a line of fstab, by mounting the VServer's files. What it does not
//! see may fail all the same.

use domain::failure::Failure;
use domain::id::VServerName;

use crate::config::GuestConfig;
use crate::roots::Roots;
use crate::tree;

/// Whether nothing is known that a start would fail for.
pub(crate) fn foresee_start(roots: &Roots, name: &VServerName) -> Result<(), Failure> {
    let GuestConfig { init, fstab, root, .. } = GuestConfig::read(roots, name)?;
    let programs: Vec<&str> = match &init.start_command {
        Some(command) => command.first().map(String::as_str).into_iter().collect(),
        None => init.style.start_programs().to_vec(),
    };
    let is_mounted_over = |path: &&str| {
        let path = std::path::Path::new(path);
        fstab.iter().any(|entry| path.starts_with(&entry.target))
    };
    let hooks = [roots.config_of(name), roots.config_base.join(".defaults")];
    let is_made_later = init.prepare_command.is_some()
        || hooks.iter().any(|directory| directory.join("scripts").exists())
        || programs.iter().any(is_mounted_over);
    // Of a VServer whose files are mounted for the start there is nothing yet.
    let is_filled = tree::names_in(&root, "etc", 1).is_ok();
    let is_there = |path: &&str| tree::open_file_in(&root, path.trim_start_matches('/')).is_ok();
    match programs.first() {
        Some(first) if is_filled && !is_made_later && !programs.iter().any(is_there) => {
            Err(Failure::NoInit { name: name.clone(), path: (*first).to_owned() })
        }
        _ => Ok(()),
    }
}
