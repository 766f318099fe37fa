//! The NAT network (to be filled).
use crate::roots::Nat;
use super::NetworkError;

/// Makes the NAT network, or leaves it as it is when it is there.
///
/// # Errors
/// When the kernel or nft refuses.
pub fn ensure_nat(_nat: &Nat) -> Result<(), NetworkError> {
    Ok(())
}

/// Removes the NAT network.
///
/// # Errors
/// When the kernel or nft refuses.
pub fn remove_nat(_nat: &Nat) -> Result<(), NetworkError> {
    Ok(())
}
