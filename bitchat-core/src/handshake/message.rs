//! The bodies of hs1, hs2 and hs3, and what they carry inside Noise.

use super::{BootId, Env, Failure, Local};
use crate::base::ids::ConnectionId;
use crate::base::time::UnixMillis;
use crate::crypto::channel_keys::ChannelKeys;
use crate::crypto::gate::{Cookie, Kind, append_tail, seal, start};
use crate::crypto::identity::{Certificate, CertificateError};
use crate::crypto::noise::{HandshakeState, NoiseError, Params, Pattern, Role};
use crate::crypto::suite::{DhPublic, TAG_LEN};
use crate::wire::reader::{DecodeError, Reader};
use bytes::BufMut;

const KEY_LEN: usize = 32;
/// Certificate, feature bits, boot id.
const HELLO_LEN: usize = Certificate::LEN + 8 + 16;
/// `e`, then the connection id, sealed under psk0.
const NOISE1_LEN: usize = KEY_LEN + ConnectionId::LEN + TAG_LEN;
/// `e`, sealed `s`, then connection id and hello, sealed.
const NOISE2_LEN: usize = KEY_LEN + KEY_LEN + TAG_LEN + ConnectionId::LEN + HELLO_LEN + TAG_LEN;
/// Sealed `s`, then the hello, sealed.
const NOISE3_LEN: usize = KEY_LEN + TAG_LEN + HELLO_LEN + TAG_LEN;

/// Bytes of the fields of hs1 (BC-05.20), hs2 (BC-05.22) and hs3 (BC-05.23), before the tail.
const HS1_LEN: usize = 1 + Cookie::LEN + NOISE1_LEN;
const HS2_LEN: usize = 1 + ConnectionId::LEN + NOISE2_LEN;
const HS3_LEN: usize = 1 + ConnectionId::LEN + NOISE3_LEN;
/// The shortest hs1 that is answered: as long as its answer (BC-05.21).
pub(super) const HS1_MIN_BODY: usize = HS2_LEN;
/// The longest random tail.
const MAX_TAIL: usize = 96;

/// What Noise mixes in before the first message (BC-05.24).
fn prologue(keys: &ChannelKeys) -> Vec<u8> {
    let mut prologue = b"bitchat-v1".to_vec();
    prologue.push(1);
    prologue.extend_from_slice(&keys.chan().0);
    prologue.extend_from_slice(&keys.epoch().0);
    prologue
}

/// A handshake of the channel before its first message.
pub(super) fn new_noise(env: &Env<'_>, role: Role) -> Result<HandshakeState, NoiseError> {
    let mut noise = HandshakeState::new(Params {
        pattern: Pattern::Xx,
        psks: &[0, 3],
        role,
        prologue: &prologue(env.keys),
        local_static: Some(env.local.static_key.clone()),
        remote_static: None,
    })?;
    noise.set_psk(0, env.keys.psk.clone())?;
    if env.key_log {
        noise.keep_log();
    }
    Ok(noise)
}

/// What both sides say about themselves.
pub(super) struct Hello {
    pub(super) certificate: Certificate,
    pub(super) features: u64,
    pub(super) boot: BootId,
}

impl Hello {
    pub(super) fn put(local: &Local, out: &mut Vec<u8>) {
        out.put_slice(&local.certificate.encode());
        out.put_u64_le(local.features);
        out.put_slice(&local.boot.0);
    }

    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, CertificateError> {
        let certificate = Certificate::decode(reader.bytes(Certificate::LEN)?)?;
        let hello = Self { certificate, features: reader.u64()?, boot: BootId(reader.array()?) };
        reader.finish()?;
        Ok(hello)
    }

    /// Whether the peer that holds `remote` is who the certificate says (BC-05.25).
    pub(super) fn check(
        &self,
        local: &Local,
        remote: &DhPublic,
        wall: UnixMillis,
    ) -> Result<(), Failure> {
        if *remote == local.static_key.public() {
            return Err(Failure::Myself);
        }
        if self.certificate.static_key != *remote {
            return Err(Failure::OtherKey);
        }
        self.certificate.verify(local.suite(), wall).map_err(Failure::from)
    }
}

/// The fields of hs1.
pub(super) fn hs1(cookie: &Cookie, noise: &[u8]) -> Vec<u8> {
    fields(Kind::Hs1, &cookie.0, noise, HS1_LEN)
}

/// The fields of hs2, for the initiator that chose `to`.
pub(super) fn hs2(to: ConnectionId, noise: &[u8]) -> Vec<u8> {
    fields(Kind::Hs2, &to.0, noise, HS2_LEN)
}

/// The fields of hs3, for the responder that chose `to`.
pub(super) fn hs3(to: ConnectionId, noise: &[u8]) -> Vec<u8> {
    fields(Kind::Hs3, &to.0, noise, HS3_LEN)
}

fn fields(kind: Kind, address: &[u8], noise: &[u8], len: usize) -> Vec<u8> {
    let mut fields = Vec::with_capacity(len);
    fields.put_u8(kind.byte());
    fields.put_slice(address);
    fields.put_slice(noise);
    debug_assert_eq!(fields.len(), len, "payloads of handshake messages have fixed sizes");
    fields
}

/// Cookie and Noise message of a received hs1.
pub(super) fn read_hs1(body: &[u8]) -> Result<(Cookie, &[u8]), DecodeError> {
    if body.len() < HS1_MIN_BODY {
        return Err(DecodeError::UnexpectedEnd);
    }
    let mut reader = Reader::new(body);
    reader.u8()?;
    Ok((Cookie(reader.array()?), reader.bytes(NOISE1_LEN)?))
}

/// The Noise message of a received hs2.
pub(super) fn read_hs2(body: &[u8]) -> Result<&[u8], DecodeError> {
    let mut reader = Reader::new(body);
    reader.bytes(1 + ConnectionId::LEN)?;
    reader.bytes(NOISE2_LEN)
}

/// The Noise message of a received hs3.
pub(super) fn read_hs3(body: &[u8]) -> Result<&[u8], DecodeError> {
    let mut reader = Reader::new(body);
    reader.bytes(1 + ConnectionId::LEN)?;
    reader.bytes(NOISE3_LEN)
}

/// Whom an hs2 or hs3 is for: the connection id that its receiver chose.
#[must_use]
pub fn receiver(body: &[u8]) -> Option<ConnectionId> {
    match Kind::of(body)? {
        Kind::Hs2 | Kind::Hs3 => body.get(1..)?.first_chunk().copied().map(ConnectionId),
        Kind::Probe | Kind::ProbeAck | Kind::Hs1 => None,
    }
}

/// `fields` as a datagram under a fresh envelope: a repetition does not look like one (BC-05.32).
/// The body has at least `min` bytes, a random tail of at most `spare` more, and never more than
/// `max`.
fn datagram(env: &mut Env<'_>, fields: &[u8], min: usize, max: usize) -> Vec<u8> {
    let filler = min.saturating_sub(fields.len());
    let spare = max.saturating_sub(fields.len() + filler).min(MAX_TAIL);
    let mut datagram = start(fields.len() + filler + MAX_TAIL);
    datagram.put_slice(fields);
    append_tail(&mut datagram, filler, spare, &mut env.rng.public);
    seal(env.keys, env.wall.day(), &mut env.rng.public, &mut datagram);
    datagram
}

/// hs1 as a datagram at least as long as its answer (BC-05.21).
pub(super) fn seal_hs1(env: &mut Env<'_>, fields: &[u8]) -> Vec<u8> {
    datagram(env, fields, HS1_MIN_BODY, usize::MAX)
}

/// hs2 as a datagram no longer than the hs1 that it answers, whose body had `hs1_body` bytes
/// (BC-05.21, BC-12.63).
pub(super) fn seal_hs2(env: &mut Env<'_>, fields: &[u8], hs1_body: usize) -> Vec<u8> {
    datagram(env, fields, 0, hs1_body)
}

/// hs3 as a datagram.
pub(super) fn seal_hs3(env: &mut Env<'_>, fields: &[u8]) -> Vec<u8> {
    datagram(env, fields, 0, usize::MAX)
}
