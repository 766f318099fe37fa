//! The signals that would end a command: heard by a thread of its own, which decides what ends.

use std::thread;

use nix::sys::signal::{SigSet, Signal};

/// Has `heard` hear each of them from now on. Without the thread nothing ends this process but its work: still
/// better than half a build.
pub(super) fn each_that_would_end(mut heard: impl FnMut(Signal) + Send + 'static) {
    let ending = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
    // Blocked here and so in every later thread; programs that are started have none blocked.
    if ending.thread_block().is_err() {
        return;
    }
    let _ = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        while let Ok(signal) = ending.wait() {
            heard(signal);
        }
    });
}

/// Ends this process as the signal would have.
pub(super) fn end_by(signal: Signal) -> ! {
    std::process::exit(128 + signal as i32)
}
