//! What a finished handshake leaves.

use crate::crypto::noise::{HandshakeState, NoiseError};
use crate::crypto::suite::Secret;

/// The keys of a new session (BC-05.30): the packet keys of its first epoch, the mask keys that
/// stay for its whole life, and what the next epoch is derived from.
#[derive(Clone, Debug)]
pub struct SessionSecrets {
    /// Packet key, initiator to responder.
    pub i2r: Secret,
    /// Packet key, responder to initiator.
    pub r2i: Secret,
    /// Mask key, initiator to responder.
    pub mask_i2r: Secret,
    /// Mask key, responder to initiator.
    pub mask_r2i: Secret,
    /// psk0 of the first rekey.
    pub exporter: Secret,
}

impl SessionSecrets {
    /// Derives all keys of the session that `noise` has agreed on.
    ///
    /// # Errors
    /// [`NoiseError::NotFinished`] before the last message.
    pub fn derive(noise: &HandshakeState) -> Result<Self, NoiseError> {
        let (i2r, r2i) = noise.split()?;
        Ok(Self {
            i2r,
            r2i,
            mask_i2r: noise.export(b"mask i2r")?,
            mask_r2i: noise.export(b"mask r2i")?,
            exporter: noise.export(b"exporter")?,
        })
    }
}
