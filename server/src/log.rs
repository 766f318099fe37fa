//! What the processes say of themselves: lines on standard error, which systemd keeps.

use tracing_subscriber::EnvFilter;

/// Begins to log; `RUST_LOG` says what, else what an administrator wants to know. Where nobody reads
/// colours there are none.
pub(crate) fn begin() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    // A second call, by a test, changes nothing.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_terminal)
        .with_target(false)
        .try_init();
}
