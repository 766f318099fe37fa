//! VServers: list, build, one of them, its deletion.

pub(crate) mod batch;
pub(crate) mod build;
pub(crate) mod delete;
pub(crate) mod identity;
pub(crate) mod list;
pub(crate) mod metrics;
pub(crate) mod mounts;
pub(crate) mod show;

use domain::authz::ActionKind;

use crate::islands::vserver_table::Abilities;
use crate::page::Page;

/// What whoever looks at the page may do to VServers.
pub(crate) fn abilities(page: &Page) -> Abilities {
    Abilities {
        run: page.may(ActionKind::RunVServer),
        enter: page.may(ActionKind::EnterVServer),
        delete: page.may(ActionKind::DeleteVServer),
        build: page.may(ActionKind::BuildVServer),
        back_up: page.may(ActionKind::BackUpVServer),
        protect: page.may(ActionKind::ProtectVServer),
        configure: page.may(ActionKind::ConfigureVServer),
    }
}
