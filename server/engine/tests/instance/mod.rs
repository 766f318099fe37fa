//! An instance of Ulysse for one test: everything of it is below one directory.

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
    let settings = Settings { roots, ..Settings::default() };
    let executable = executable.unwrap_or_else(|| "/nonexistent".into());
    Engine::new(Instance { settings, settings_file: None, executable })
}
