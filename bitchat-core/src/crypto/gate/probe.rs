//! Probe and probe-ack: bodies that find members, open NATs and prove addresses.

use super::{Cookie, Kind, append_tail, seal, start};
use crate::base::addr;
use crate::base::rng::Stream;
use crate::crypto::channel_keys::ChannelKeys;
use crate::wire::reader::{DecodeError, Reader};
use bytes::BufMut;
use core::net::SocketAddr;

/// Bytes of the nonce that ties an ack to its probe.
pub const PROBE_NONCE_LEN: usize = 12;
/// The longest random tail of a probe.
const MAX_TAIL: usize = 96;

/// "Are you there?" Answered at most once, and only by members (BC-04.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Random; the ack repeats it.
    pub nonce: [u8; PROBE_NONCE_LEN],
    /// The prober's cookie for the address that it probes: the other side may start a handshake
    /// with it at once.
    pub cookie: Cookie,
}

/// "Yes, and this is your address." (BC-04.12)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeAck {
    /// The nonce of the probe.
    pub nonce: [u8; PROBE_NONCE_LEN],
    /// The answerer's cookie for the address that the probe came from.
    pub cookie: Cookie,
    /// The address that the probe came from.
    pub observed: SocketAddr,
}

impl Probe {
    /// Bytes of the fields, before the tail.
    pub const LEN: usize = 1 + PROBE_NONCE_LEN + Cookie::LEN;
    /// The shortest body that is answered: room for the fields of the ack (BC-04.14).
    pub const MIN_BODY: usize = ProbeAck::LEN;

    /// The probe as a datagram of random length, long enough for its answer.
    #[must_use]
    pub fn seal(&self, keys: &ChannelKeys, day: u64, public: &mut Stream) -> Vec<u8> {
        let mut datagram = start(Self::MIN_BODY + MAX_TAIL);
        datagram.put_u8(Kind::Probe.byte());
        datagram.put_slice(&self.nonce);
        datagram.put_slice(&self.cookie.0);
        append_tail(&mut datagram, Self::MIN_BODY - Self::LEN, MAX_TAIL, public);
        seal(keys, day, public, &mut datagram);
        datagram
    }

    /// Reads the body of a probe, whose tail is ignored (BC-04.18).
    ///
    /// # Errors
    /// [`DecodeError`] if it is no probe or leaves no room for an answer.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        if Kind::of(body) != Some(Kind::Probe) {
            return Err(DecodeError::Invalid("type"));
        }
        if body.len() < Self::MIN_BODY {
            return Err(DecodeError::UnexpectedEnd);
        }
        let mut reader = Reader::new(body);
        reader.u8()?;
        Ok(Self { nonce: reader.array()?, cookie: Cookie(reader.array()?) })
    }
}

impl ProbeAck {
    /// Bytes of the fields, before the tail.
    pub const LEN: usize = 1 + PROBE_NONCE_LEN + Cookie::LEN + 18;

    /// The ack as a datagram of random length, never longer than the probe's, whose body had
    /// `probe_body` bytes (BC-04.15).
    #[must_use]
    pub fn seal(
        &self,
        keys: &ChannelKeys,
        day: u64,
        probe_body: usize,
        public: &mut Stream,
    ) -> Vec<u8> {
        let spare = probe_body.saturating_sub(Self::LEN).min(MAX_TAIL);
        let mut datagram = start(Self::LEN + MAX_TAIL);
        datagram.put_u8(Kind::ProbeAck.byte());
        datagram.put_slice(&self.nonce);
        datagram.put_slice(&self.cookie.0);
        datagram.put_slice(&addr::to_bytes(self.observed.ip()));
        datagram.put_u16_le(self.observed.port());
        append_tail(&mut datagram, 0, spare, public);
        seal(keys, day, public, &mut datagram);
        datagram
    }

    /// Reads the body of an ack, whose tail is ignored (BC-04.18).
    ///
    /// # Errors
    /// [`DecodeError`] if it is no ack.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        if Kind::of(body) != Some(Kind::ProbeAck) {
            return Err(DecodeError::Invalid("type"));
        }
        let mut reader = Reader::new(body);
        reader.u8()?;
        let (nonce, cookie) = (reader.array()?, Cookie(reader.array()?));
        let ip = addr::from_bytes(reader.array()?);
        Ok(Self { nonce, cookie, observed: SocketAddr::new(ip, reader.u16()?) })
    }
}
