//! The certificate of a device: its owner's signature over its static key, for at most 90 days.

use super::{Identity, SIGNATURE_LEN, verify};
use crate::base::ids::{DeviceId, PeerId};
use crate::base::time::UnixMillis;
use crate::crypto::suite::{DhPublic, Suite};
use crate::wire::reader::{DecodeError, Reader};
use core::time::Duration;

const LABEL: &[u8] = b"bitchat-v1 cert";
const VERSION: u8 = 1;
const SIGNED_LEN: usize = Certificate::LEN - SIGNATURE_LEN;

/// Says that a device acts for a person, between two moments (spec 03).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Which device.
    pub device: DeviceId,
    /// `S`: the static key that the device uses in handshakes.
    pub static_key: DhPublic,
    /// Whose device: the signer.
    pub peer: PeerId,
    /// Valid from this moment on.
    pub not_before: UnixMillis,
    /// Valid until this moment.
    pub not_after: UnixMillis,
    signature: [u8; SIGNATURE_LEN],
}

/// Why a certificate is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The bytes are not a certificate of this version.
    #[error("not a certificate: {0}")]
    Malformed(#[from] DecodeError),
    /// The owner did not sign this.
    #[error("the certificate's signature is not its owner's")]
    Signature,
    /// It ends before it starts, or is valid for more than 90 days.
    #[error("a certificate must be valid for more than 0 and at most 90 days")]
    Lifetime,
    /// It starts more than a day from now.
    #[error("the certificate is not valid yet; one of the two clocks may be wrong")]
    NotYetValid,
    /// It ended more than a day ago.
    #[error("the certificate has expired; its device has to be certified again")]
    Expired,
}

impl Certificate {
    /// Bytes of an encoded certificate.
    pub const LEN: usize = 161;
    /// The longest time for which one may be issued (BC-03.05).
    pub const MAX_LIFETIME: Duration = Duration::from_secs(90 * 86_400);
    /// How far the clocks of two devices may be apart (BC-03.06).
    pub const SKEW: Duration = Duration::from_secs(86_400);

    /// Certifies a device from `not_before` on, for `lifetime` (more than 0, at most
    /// [`Self::MAX_LIFETIME`]).
    ///
    /// # Errors
    /// [`CertificateError::Lifetime`] if `lifetime` is out of range.
    pub fn issue(
        identity: &Identity,
        device: DeviceId,
        static_key: DhPublic,
        not_before: UnixMillis,
        lifetime: Duration,
    ) -> Result<Self, CertificateError> {
        let mut certificate = Self {
            device,
            static_key,
            peer: identity.peer_id(),
            not_before,
            not_after: not_before.plus(lifetime),
            signature: [0; SIGNATURE_LEN],
        };
        certificate.check_lifetime()?;
        certificate.signature = identity.sign(LABEL, &[&certificate.signed_bytes()]);
        Ok(certificate)
    }

    fn check_lifetime(&self) -> Result<(), CertificateError> {
        let lifetime = self.not_after.0.saturating_sub(self.not_before.0);
        if lifetime == 0 || Duration::from_millis(lifetime) > Self::MAX_LIFETIME {
            return Err(CertificateError::Lifetime);
        }
        Ok(())
    }

    /// Everything before the signature, in the order of BC-03.03.
    fn signed_bytes(&self) -> [u8; SIGNED_LEN] {
        let mut bytes = [0; SIGNED_LEN];
        bytes[0] = VERSION;
        bytes[1..17].copy_from_slice(&self.device.0);
        bytes[17..49].copy_from_slice(&self.static_key.0);
        bytes[49..81].copy_from_slice(&self.peer.0);
        bytes[81..89].copy_from_slice(&self.not_before.0.to_le_bytes());
        bytes[89..97].copy_from_slice(&self.not_after.0.to_le_bytes());
        bytes
    }

    /// The encoded certificate.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..SIGNED_LEN].copy_from_slice(&self.signed_bytes());
        bytes[SIGNED_LEN..].copy_from_slice(&self.signature);
        bytes
    }

    /// Reads a certificate. Nothing is believed before [`Self::verify`].
    ///
    /// # Errors
    /// [`CertificateError::Malformed`] if `bytes` are not exactly a certificate of version 1
    /// (BC-03.04).
    pub fn decode(bytes: &[u8]) -> Result<Self, CertificateError> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err(DecodeError::Invalid("version").into());
        }
        let certificate = Self {
            device: DeviceId(reader.array()?),
            static_key: DhPublic(reader.array()?),
            peer: PeerId(reader.array()?),
            not_before: UnixMillis(reader.u64()?),
            not_after: UnixMillis(reader.u64()?),
            signature: reader.array()?,
        };
        reader.finish()?;
        Ok(certificate)
    }

    /// Checks lifetime, dates and signature. The caller compares [`Self::static_key`] with the key
    /// that the peer proved to hold.
    ///
    /// # Errors
    /// [`CertificateError`] says what is wrong.
    pub fn verify(&self, suite: Suite, now: UnixMillis) -> Result<(), CertificateError> {
        self.check_lifetime()?;
        if now.plus(Self::SKEW) < self.not_before {
            return Err(CertificateError::NotYetValid);
        }
        if now > self.not_after.plus(Self::SKEW) {
            return Err(CertificateError::Expired);
        }
        verify(suite, &self.peer, LABEL, &[&self.signed_bytes()], &self.signature)
            .map_err(|_| CertificateError::Signature)
    }
}
