//! The recycle bin: VServers that were deleted and can still be had back.

use serde::{Deserialize, Serialize};

use crate::field::FieldErrors;
use crate::id::OperationId;
use crate::identity::{IdentityForm, VServerIdentity};
use crate::operation::Actor;
use crate::time::UnixMillis;

/// One deleted VServer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinEntry {
    /// The operation that deleted it; later ones sort after earlier ones.
    pub id: OperationId,
    /// What it was known by.
    pub identity: VServerIdentity,
    /// Who deleted it.
    pub by: Actor,
    /// When.
    pub deleted_at: UnixMillis,
    /// When it is removed for good.
    pub expires_at: UnixMillis,
    /// The bytes its files take, when they have been counted.
    pub bytes: Option<u64>,
    /// Whether it is protected: then it stays until somebody takes the protection away.
    pub is_protected: bool,
    /// Where its files are when they fill a volume of their own, which is mounted: they stay there until
    /// they are removed for good.
    pub volume: Option<String>,
}

/// The whole bin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bin {
    /// How long a deleted VServer stays, in days; 0: none does.
    pub keep_days: u32,
    /// Those in it, the latest first.
    pub entries: Vec<BinEntry>,
}

/// One deleted VServer, and how it could come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binned {
    /// It.
    pub entry: BinEntry,
    /// What others have taken of what it was known by.
    pub conflicts: FieldErrors,
    /// Values that are free.
    pub offer: IdentityForm,
}
