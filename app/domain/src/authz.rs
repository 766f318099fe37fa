//! Who may do what: one table, role × action, as data; and permits, which only the table gives.
//!
//! A server function asks [`authorize`] for a `Permit<A>`; every call of the backend that does
//! something takes the permit of its action. A forgotten check does not compile, because nothing
//! else makes a [`Permit`]. The table is rendered into a reviewed snapshot by this crate's tests.

use core::marker::PhantomData;

use crate::failure::Failure;
use crate::user::{Identity, Role};

/// Something that may be allowed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionKind {
    /// See the VServers, their pages and numbers.
    ViewVServers,
    /// See operations and their logs.
    ViewOperations,
    /// Build a VServer.
    BuildVServer,
    /// Start, stop, restart a VServer.
    RunVServer,
    /// Open a terminal in a VServer: root inside it.
    EnterVServer,
    /// Delete a VServer.
    DeleteVServer,
    /// Change the config tree of a VServer.
    ConfigureVServer,
    /// Change `.defaults`, which hold for every VServer, and `.distributions`, which say what builds install.
    ConfigureDefaults,
    /// Cancel an operation.
    CancelOperation,
    /// Back a VServer up, verify and remove its backups, say when they are taken.
    BackUpVServer,
    /// Look into a backup, restore it or a file of it.
    RestoreBackup,
    /// Rename a VServer, change its context number, host name, addresses.
    ChangeIdentity,
    /// Protect a VServer against deletion, or take the protection away.
    ProtectVServer,
    /// See the recycle bin, get a VServer back from it.
    UndeleteVServer,
    /// Remove a VServer from the recycle bin, for good.
    PurgeVServer,
    /// See and change users.
    ManageUsers,
    /// Change one's own password, end one's own session.
    OwnAccount,
    /// See templates and cached base systems.
    ViewTemplates,
    /// Add and remove templates; make base systems anew and remove them.
    ManageTemplates,
    /// Send a signal to a process of a VServer.
    SignalProcess,
    /// Install, upgrade, hold and remove packages in a VServer.
    ManagePackages,
    /// Read what a VServer printed on its console and what it logs; see its services.
    ReadInside,
    /// Start, stop, restart, enable, disable services inside a VServer.
    ManageServices,
}

impl ActionKind {
    /// Every action, in the order of the table.
    pub const ALL: [Self; 23] = [
        Self::ViewVServers,
        Self::ViewOperations,
        Self::BuildVServer,
        Self::RunVServer,
        Self::EnterVServer,
        Self::DeleteVServer,
        Self::ConfigureVServer,
        Self::ConfigureDefaults,
        Self::CancelOperation,
        Self::BackUpVServer,
        Self::RestoreBackup,
        Self::ChangeIdentity,
        Self::ProtectVServer,
        Self::UndeleteVServer,
        Self::PurgeVServer,
        Self::ManageUsers,
        Self::OwnAccount,
        Self::ViewTemplates,
        Self::ManageTemplates,
        Self::SignalProcess,
        Self::ManagePackages,
        Self::ReadInside,
        Self::ManageServices,
    ];

    /// Its name in the table, in messages and in the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ViewVServers => "view-vservers",
            Self::ViewOperations => "view-operations",
            Self::BuildVServer => "build-vserver",
            Self::RunVServer => "run-vserver",
            Self::EnterVServer => "enter-vserver",
            Self::DeleteVServer => "delete-vserver",
            Self::ConfigureVServer => "configure-vserver",
            Self::ConfigureDefaults => "configure-defaults",
            Self::CancelOperation => "cancel-operation",
            Self::BackUpVServer => "back-up-vserver",
            Self::RestoreBackup => "restore-backup",
            Self::ChangeIdentity => "change-identity",
            Self::ProtectVServer => "protect-vserver",
            Self::UndeleteVServer => "undelete-vserver",
            Self::PurgeVServer => "purge-vserver",
            Self::ManageUsers => "manage-users",
            Self::OwnAccount => "own-account",
            Self::ViewTemplates => "view-templates",
            Self::ManageTemplates => "manage-templates",
            Self::SignalProcess => "signal-process",
            Self::ManagePackages => "manage-packages",
            Self::ReadInside => "read-inside",
            Self::ManageServices => "manage-services",
        }
    }

    /// The least role that may do it. Roles are ordered: each may do all that the lower ones may.
    #[must_use]
    pub fn least_role(self) -> Role {
        match self {
            Self::ViewVServers | Self::ViewOperations | Self::OwnAccount | Self::ViewTemplates => {
                Role::Viewer
            }
            Self::BuildVServer
            | Self::RunVServer
            | Self::EnterVServer
            | Self::DeleteVServer
            | Self::ConfigureVServer
            | Self::CancelOperation
            | Self::ChangeIdentity
            | Self::ProtectVServer
            | Self::UndeleteVServer
            | Self::ManageTemplates
            | Self::BackUpVServer
            | Self::RestoreBackup
            | Self::SignalProcess
            | Self::ManagePackages
            | Self::ReadInside
            | Self::ManageServices => Role::Operator,
            Self::ConfigureDefaults | Self::PurgeVServer | Self::ManageUsers => Role::Administrator,
        }
    }
}

/// Whether `role` may do `action`.
#[must_use]
pub fn allowed(role: Role, action: ActionKind) -> bool {
    role >= action.least_role()
}

/// An action as a type, so that a permit for one is not a permit for another.
pub trait Action: Send + Sync + 'static {
    /// Its row of the table.
    const KIND: ActionKind;
}

macro_rules! actions {
    ($($name:ident),+) => {$(
        #[doc = concat!("The action [`ActionKind::", stringify!($name), "`] as a type.")]
        #[derive(Debug)]
        pub enum $name {}
        impl Action for $name {
            const KIND: ActionKind = ActionKind::$name;
        }
    )+};
}
actions!(
    ViewVServers,
    ViewOperations,
    BuildVServer,
    RunVServer,
    EnterVServer,
    DeleteVServer,
    ConfigureVServer,
    ConfigureDefaults,
    CancelOperation,
    BackUpVServer,
    RestoreBackup,
    ChangeIdentity,
    ProtectVServer,
    UndeleteVServer,
    PurgeVServer,
    ManageUsers,
    OwnAccount,
    ViewTemplates,
    ManageTemplates,
    SignalProcess,
    ManagePackages,
    ReadInside,
    ManageServices
);

/// Proof that the table allows `A` to somebody. Cannot be made but by [`authorize`]; is not
/// serialisable; is used up by the call it permits.
#[derive(Debug)]
#[must_use = "a permit is asked for in order to do something"]
pub struct Permit<A: Action> {
    identity: Identity,
    action: PhantomData<fn() -> A>,
}

impl<A: Action> Permit<A> {
    /// Whom it was given to.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

/// Asks the table for a permit.
///
/// # Errors
/// [`Failure::NotLoggedIn`] for nobody, [`Failure::NotAllowed`] for a role that may not.
pub fn authorize<A: Action>(identity: Option<&Identity>) -> Result<Permit<A>, Failure> {
    let identity = identity.ok_or(Failure::NotLoggedIn)?;
    if allowed(identity.role, A::KIND) {
        Ok(Permit { identity: identity.clone(), action: PhantomData })
    } else {
        Err(Failure::NotAllowed { action: A::KIND.as_str().to_owned() })
    }
}
