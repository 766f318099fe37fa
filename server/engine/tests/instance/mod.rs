//! An instance of Ulysse for one test: everything of it is below one directory.

#![allow(dead_code, reason = "each test crate uses a part of it")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::Engine;
use engine::engine::Instance;
use engine::roots::{Roots, Settings};

/// Its engine. Without a program nothing of it can be started.
pub(crate) fn engine_below(
    base: &Path,
    cgroup_root: &str,
    executable: Option<PathBuf>,
) -> Arc<Engine> {
    engine_with(base, cgroup_root, executable, |_| {})
}

/// The same, with other settings.
pub(crate) fn engine_with(
    base: &Path,
    cgroup_root: &str,
    executable: Option<PathBuf>,
    change: impl FnOnce(&mut Settings),
) -> Arc<Engine> {
    let at = |name: &str| base.join(name);
    let roots = Roots {
        config_base: at("etc"),
        guest_base: at("lib"),
        run_base: at("run"),
        cache_base: at("cache"),
        log_base: at("log"),
        state_base: at("state"),
        runtime_base: at("runtime"),
        database_base: at("database"),
        host_fstab: at("fstab"),
        cgroup_root: cgroup_root.to_owned(),
    };
    let mut settings = Settings { roots, ..Settings::default() };
    change(&mut settings);
    let executable = executable.unwrap_or_else(|| "/nonexistent".into());
    Engine::new(Instance { settings, settings_file: None, executable })
}
