//! The size and the encoding of one message.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest message that travels inline, in bytes. The default socket buffer holds three.
pub const MAX_FRAME_BYTES: usize = 64 * 1024;

/// The largest reply that travels as a sealed memfd, in bytes.
pub const MAX_BULK_BYTES: usize = 8 * 1024 * 1024;

/// Why bytes are not a message.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than [`MAX_BULK_BYTES`].
    #[error("message of {0} bytes")]
    TooLarge(usize),
    /// Not an encoding of the expected type.
    #[error("malformed message")]
    Malformed(#[source] postcard::Error),
    /// A message with something after its end.
    #[error("{0} bytes after the end of a message")]
    TrailingBytes(usize),
}

/// Encodes a message.
///
/// # Errors
/// When the value cannot be encoded; a value of this crate always can.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, postcard::Error> {
    postcard::to_stdvec(value)
}

/// Decodes a message and judges every value in it.
///
/// # Errors
/// When the bytes are too many, not an encoding of `T`, or go on after it.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    if bytes.len() > MAX_BULK_BYTES {
        return Err(DecodeError::TooLarge(bytes.len()));
    }
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(DecodeError::TrailingBytes(rest.len())),
        Err(source) => Err(DecodeError::Malformed(source)),
    }
}
