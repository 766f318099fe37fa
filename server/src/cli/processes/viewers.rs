//! `vtop` and `vpstree`: the host's top and pstree, which see every process of every context, as the
//! original's did in its spectator context (fact sheet 2.4).

use std::ffi::OsString;

use engine::program;

use super::vps::viewer_words;
use super::{Call, Program};

/// `vtop`.
pub(super) const VTOP: Program = Program {
    name: "vtop",
    usage: |locale| locale.vtop_usage(),
    explained: |locale| locale.vtop_explained(),
    run: |call, arguments| become_viewer(call, arguments, program::TOP, "procps"),
};

/// `vpstree`.
pub(super) const VPSTREE: Program = Program {
    name: "vpstree",
    usage: |locale| locale.vpstree_usage(),
    explained: |locale| locale.vpstree_explained(),
    run: |call, arguments| become_viewer(call, arguments, program::PSTREE, "psmisc"),
};

fn become_viewer(
    call: &Call,
    arguments: &[OsString],
    program: &str,
    package: &str,
) -> Result<u8, u8> {
    let (_, words) = viewer_words(call, arguments)?;
    let mut command = program::shown(program);
    command.args(words);
    Ok(call.become_program(command, package))
}
