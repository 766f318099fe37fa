//! Passwords and their hashes: argon2id, as PHC strings.
//!
//! The costs are the OWASP Password Storage Cheat Sheet's for argon2id: 19 MiB of memory, 2
//! passes, 1 lane. They stand in every hash, so that raising them here leaves old hashes valid.
//! One call takes some tens of milliseconds and all of that memory: the caller runs it off the
//! async threads and bounds how many run at once. Whether a new password is good enough was
//! decided by `domain::user::Password::choose`.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::failure::Failure;
use domain::user::Password;

/// Memory of one hash, in KiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes computed side by side.
const LANES: u32 = 1;
/// What [`verify_nobody`] salts with. It guards nothing.
const SALT_OF_NOBODY: [u8; 16] = *b"nobody's salt...";

/// Why a password could be neither hashed nor checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// The costs do not make an argon2 instance.
    #[error("setting up argon2")]
    Costs(#[source] argon2::Error),
    /// No random salt, or no memory.
    #[error("hashing a password")]
    Hash(#[source] password_hash::Error),
    /// What is stored is no argon2 hash.
    #[error("reading a stored password hash")]
    Stored(#[source] password_hash::phc::Error),
    /// The stored hash could not be computed again.
    #[error("checking a password")]
    Verify(#[source] password_hash::Error),
}

impl From<PasswordError> for Failure {
    fn from(error: PasswordError) -> Self {
        Self::Unexpected { detail: error.to_string() }
    }
}

/// The hash of a password, with a new salt, as the PHC string that is stored.
///
/// # Errors
/// When the system gives no random bytes or no memory.
pub(crate) fn hash(password: &Password) -> Result<String, PasswordError> {
    let hash: PasswordHash =
        argon2id()?.hash_password(password.reveal().as_bytes()).map_err(PasswordError::Hash)?;
    Ok(hash.to_string())
}

/// Whether the password is the one that `phc` was made from, in constant time for a given `phc`.
///
/// # Errors
/// When `phc` is no argon2 hash, or the system gives no memory.
pub(crate) fn verify(password: &Password, phc: &str) -> Result<bool, PasswordError> {
    let stored = PasswordHash::new(phc).map_err(PasswordError::Stored)?;
    match argon2id()?.verify_password(password.reveal().as_bytes(), &stored) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(PasswordError::Verify(error)),
    }
}

/// Spends the time of [`verify`] on the password of a user who does not exist, so that an answer's
/// time does not tell which names do.
///
/// # Errors
/// When the system gives no memory.
pub(crate) fn verify_nobody(password: &Password) -> Result<(), PasswordError> {
    let hash: PasswordHash = argon2id()?
        .hash_password_with_salt(password.reveal().as_bytes(), &SALT_OF_NOBODY)
        .map_err(PasswordError::Hash)?;
    std::hint::black_box(hash);
    Ok(())
}

fn argon2id() -> Result<Argon2<'static>, PasswordError> {
    let costs = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(PasswordError::Costs)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, costs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(text: &str) -> Password {
        Password::attempt(text.to_owned()).unwrap()
    }

    #[test]
    fn a_hash_says_its_costs_and_fits_its_password_alone() {
        let phc = hash(&attempt("the horse is battery")).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(verify(&attempt("the horse is battery"), &phc).unwrap());
        assert!(!verify(&attempt("the horse is Battery"), &phc).unwrap());
        assert!(!verify(&attempt(""), &phc).unwrap());
    }

    #[test]
    fn the_same_password_has_another_hash_each_time() {
        let password = attempt("the horse is battery");
        assert_ne!(hash(&password).unwrap(), hash(&password).unwrap());
    }

    #[test]
    fn a_hash_with_other_costs_stays_valid() {
        let password = attempt("the horse is battery");
        let cheap = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(1024, 1, 1, None).unwrap(),
        );
        let phc: PasswordHash = cheap.hash_password(password.reveal().as_bytes()).unwrap();
        assert!(verify(&password, &phc.to_string()).unwrap());
    }

    #[test]
    fn what_is_no_hash_is_an_error_and_never_a_match() {
        let password = attempt("the horse is battery");
        for stored in ["", "the horse is battery", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ"] {
            assert!(!matches!(verify(&password, stored), Ok(true)), "{stored}");
        }
        assert!(matches!(verify(&password, ""), Err(PasswordError::Stored(_))));
    }

    #[test]
    fn nobody_can_be_asked_too() {
        verify_nobody(&attempt("the horse is battery")).unwrap();
        verify_nobody(&attempt("")).unwrap();
    }
}
