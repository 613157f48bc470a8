//! Packet protection (spec 06): the payload is sealed with the key of an epoch, flags and packet
//! number are masked with a key that stays for the whole session.

mod replay;

pub use self::replay::ReplayWindow;

use crate::base::ids::ConnectionId;
use crate::crypto::suite::{AeadKey, AuthError, Secret, Suite, TAG_LEN};
use crate::wire::packet::{FLAGS_AT, Header, MIN_PACKET_LEN, decode_flags, expand_pn};
use core::fmt;
use core::ops::Range;
use siphasher::sip::SipHasher24;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Why a packet is dropped. Each is counted and nothing else happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Too short for header, payload and tag.
    #[error("the packet is too short")]
    Short,
    /// A reserved flag is set, once unmasked: not a packet of this session.
    #[error("a reserved flag is set")]
    Reserved,
    /// The tag does not match.
    #[error("the packet does not authenticate")]
    Auth,
}

impl From<AuthError> for PacketError {
    fn from(_: AuthError) -> Self {
        Self::Auth
    }
}

/// The key that masks flags and packet numbers of one direction of a session. It outlives rekeys:
/// a receiver must read the key phase before it knows which key to use.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MaskKey([u8; 16]);

impl MaskKey {
    /// Takes the first 16 bytes of `key` into use.
    #[must_use]
    pub fn new(key: &Secret) -> Self {
        let mut short = Self([0; 16]);
        short.0.copy_from_slice(&key.0[..16]);
        short
    }

    /// SipHash-2-4 of the last 16 bytes: byte 0 masks the flags, 1 to 4 the number (BC-06.05).
    fn mask(&self, packet: &[u8]) -> Option<[u8; 8]> {
        let sample = packet.last_chunk::<TAG_LEN>()?;
        // A hasher is not erased when it is dropped, so none is kept.
        Some(SipHasher24::new_with_key(&self.0).hash(sample).to_le_bytes())
    }

    fn apply(mask: &[u8], bytes: &mut [u8]) {
        bytes.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    }

    /// Takes the mask off `packet`, in place, and reads its header. `largest_received` is the
    /// largest packet number that authenticated in this direction. Nothing is proven yet.
    ///
    /// # Errors
    /// [`PacketError::Short`] (BC-06.04) or [`PacketError::Reserved`] (BC-06.03).
    pub fn unmask(
        &self,
        packet: &mut [u8],
        largest_received: Option<u64>,
    ) -> Result<Header, PacketError> {
        if packet.len() < MIN_PACKET_LEN {
            return Err(PacketError::Short);
        }
        let mask = self.mask(packet).ok_or(PacketError::Short)?;
        let cid = *packet.first_chunk().ok_or(PacketError::Short)?;
        packet[FLAGS_AT] ^= mask[0];
        let (phase, pn_len) = decode_flags(packet[FLAGS_AT]).ok_or(PacketError::Reserved)?;
        if packet.len() < MIN_PACKET_LEN - 1 + pn_len {
            return Err(PacketError::Short);
        }
        let number = &mut packet[FLAGS_AT + 1..=FLAGS_AT + pn_len];
        Self::apply(&mask[1..], number);
        let truncated = number.iter().rev().fold(0, |pn, &byte| pn << 8 | u64::from(byte));
        let pn = expand_pn(truncated, pn_len, largest_received);
        Ok(Header::received(ConnectionId(cid), phase, pn, pn_len))
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskKey")
    }
}

/// The key of one direction in one epoch. A packet number is sealed once per session.
#[derive(Clone, Debug)]
pub struct PacketKey(AeadKey);

impl PacketKey {
    /// Takes the key into use.
    #[must_use]
    pub fn new(suite: Suite, key: &Secret) -> Self {
        Self(AeadKey::new(suite, key))
    }

    /// Protects a packet in place. `packet` is as long as the packet will be: room for the header
    /// (`header.len()`), the payload where it belongs (at least one byte), room for the tag (16).
    ///
    /// # Errors
    /// [`PacketError::Short`] if the payload is empty; nothing was written then.
    pub fn seal(
        &self,
        mask: &MaskKey,
        header: &Header,
        packet: &mut [u8],
    ) -> Result<(), PacketError> {
        if packet.len() <= header.overhead() {
            return Err(PacketError::Short);
        }
        let (head, rest) = packet.split_at_mut(header.len());
        head.copy_from_slice(&header.encode()[..header.len()]);
        let (payload, tag) = rest.split_last_chunk_mut::<TAG_LEN>().ok_or(PacketError::Short)?;
        *tag = self.0.seal(header.pn, head, payload);
        let mask = mask.mask(packet).ok_or(PacketError::Short)?;
        MaskKey::apply(&mask, &mut packet[FLAGS_AT..header.len()]);
        Ok(())
    }

    /// Opens in place a packet whose mask is off, and returns where its payload is. On failure the
    /// payload is lost.
    ///
    /// # Errors
    /// [`PacketError::Auth`] if it was not sealed with this key under this header (BC-06.06,
    /// BC-06.07).
    pub fn open(&self, header: &Header, packet: &mut [u8]) -> Result<Range<usize>, PacketError> {
        let (head, rest) = packet.split_at_mut_checked(header.len()).ok_or(PacketError::Short)?;
        let (payload, tag) = rest.split_last_chunk_mut::<TAG_LEN>().ok_or(PacketError::Short)?;
        self.0.open(header.pn, head, payload, tag)?;
        Ok(header.len()..header.len() + payload.len())
    }
}

#[cfg(test)]
mod tests;
