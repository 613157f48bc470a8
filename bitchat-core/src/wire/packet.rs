//! The header of a session's packets (spec 06): `cid 8 ‖ flags 1 ‖ packet number 1–4`, before its
//! flags and packet number are masked.

use crate::base::ids::ConnectionId;

/// Bytes of the longest header.
pub const MAX_HEADER_LEN: usize = FLAGS_AT + 1 + 4;
/// Where the flags are: behind the connection id.
pub const FLAGS_AT: usize = ConnectionId::LEN;
/// Bytes of the tag at the end, which is also the sample that the mask is made of.
pub const PACKET_TAG_LEN: usize = 16;
/// Bytes that a packet has at least: header, one byte of payload, tag.
pub const MIN_PACKET_LEN: usize = FLAGS_AT + 1 + 1 + 1 + PACKET_TAG_LEN;

/// The key phase of a packet: its epoch modulo 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPhase(u8);

impl KeyPhase {
    /// The phase of `epoch`, which counts the rekeys of a session from 0.
    #[must_use]
    pub const fn of_epoch(epoch: u64) -> Self {
        Self((epoch & 3) as u8)
    }

    /// 0 to 3.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0
    }
}

/// The connection id in a datagram, where it may be a packet at all: the only part in the clear.
#[must_use]
pub fn connection_id(datagram: &[u8]) -> Option<ConnectionId> {
    if datagram.len() < MIN_PACKET_LEN {
        return None;
    }
    datagram.first_chunk().copied().map(ConnectionId)
}

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Chosen by the receiver.
    pub cid: ConnectionId,
    /// Which key of the session protects the packet.
    pub phase: KeyPhase,
    /// The full packet number.
    pub pn: u64,
    pn_len: usize,
}

impl Header {
    /// The header of packet `pn`. `largest_acked` is the largest number that the peer has
    /// acknowledged; the distance decides how many bytes of the number travel (RFC 9000 §A.2).
    #[must_use]
    pub fn new(cid: ConnectionId, phase: KeyPhase, pn: u64, largest_acked: Option<u64>) -> Self {
        Self { cid, phase, pn, pn_len: pn_len(pn, largest_acked) }
    }

    /// A header with the number spelled in `pn_len` bytes (1 to 4), as received.
    pub(crate) const fn received(
        cid: ConnectionId,
        phase: KeyPhase,
        pn: u64,
        pn_len: usize,
    ) -> Self {
        Self { cid, phase, pn, pn_len }
    }

    /// Bytes of this header: the payload begins there.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a header is never empty")]
    pub const fn len(&self) -> usize {
        FLAGS_AT + 1 + self.pn_len
    }

    /// Bytes that a packet with this header has beside its payload.
    #[must_use]
    pub const fn overhead(&self) -> usize {
        self.len() + PACKET_TAG_LEN
    }

    /// The unmasked header in the first [`Self::len`] bytes (BC-06.01, BC-06.02).
    #[must_use]
    pub fn encode(&self) -> [u8; MAX_HEADER_LEN] {
        let mut bytes = [0; MAX_HEADER_LEN];
        bytes[..FLAGS_AT].copy_from_slice(&self.cid.0);
        bytes[FLAGS_AT] = encode_flags(self.phase, self.pn_len);
        // What lies behind `pn_len` bytes is not part of the header: four are copied faster.
        bytes[FLAGS_AT + 1..].copy_from_slice(&self.pn.to_le_bytes()[..4]);
        bytes
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the length of a number is 1 to 4")]
const fn encode_flags(phase: KeyPhase, pn_len: usize) -> u8 {
    (pn_len as u8 - 1) | phase.0 << 2
}

/// The phase and the length of the packet number in unmasked `flags`; `None` if a reserved bit is
/// set (BC-06.03).
#[must_use]
pub const fn decode_flags(flags: u8) -> Option<(KeyPhase, usize)> {
    if flags >> 4 != 0 {
        return None;
    }
    Some((KeyPhase(flags >> 2), (flags & 3) as usize + 1))
}

/// Bytes that `pn` needs: the receiver expects numbers up to half the range ahead (RFC 9000 §A.2,
/// BC-06.08).
#[must_use]
pub fn pn_len(pn: u64, largest_acked: Option<u64>) -> usize {
    let unacked = largest_acked.map_or(pn.saturating_add(1), |acked| pn.saturating_sub(acked));
    match unacked {
        0..=0x7f => 1,
        0x80..=0x7fff => 2,
        0x8000..=0x7f_ffff => 3,
        _ => 4,
    }
}

/// The full number of which the low `pn_len` bytes are `truncated`: the one closest to what is
/// expected next (RFC 9000 §A.3, BC-06.09).
#[must_use]
pub fn expand_pn(truncated: u64, pn_len: usize, largest_received: Option<u64>) -> u64 {
    let expected = largest_received.map_or(0, |largest| largest.saturating_add(1));
    let window = 1_u64 << (8 * pn_len.clamp(1, 4));
    let half = window / 2;
    let candidate = expected & !(window - 1) | truncated & (window - 1);
    if expected >= half && candidate <= expected - half {
        candidate.checked_add(window).unwrap_or(candidate)
    } else if candidate > expected.saturating_add(half) && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests;
