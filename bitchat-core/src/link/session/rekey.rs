//! New keys for a living session: `Noise_KKpsk0+psk2` inside it, with ML-KEM-768 first and hourly
//! (spec 08 §Rekey).
//!
//! The initiator of the session drives. A rekey costs one round trip on the control stream; data
//! flows on under the old keys meanwhile. When the keys are taken into use is decided by
//! [`phases`](super::phases), from the phase of the packets that arrive.

use crate::base::rng::SecretStream;
use crate::crypto::noise::{HandshakeState, NoiseError, Params, Pattern, Role};
use crate::crypto::suite::{
    AuthError, DhPublic, DhSecret, KEM_CIPHERTEXT_LEN, KEM_PUBLIC_LEN, KemSecret, Secret, hash,
    kem_encapsulate,
};
use crate::wire::reader::{DecodeError, Reader};
use crate::wire::writer::Put;
use bytes::BufMut;

/// The flag that says that ML-KEM runs in this rekey.
const WITH_KEM: u8 = 1;
/// Bytes of either Noise message: an ephemeral key and the tag of an empty payload.
const NOISE_LEN: usize = 48;

/// What is wrong with a rekey message: the link closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RekeyError {
    /// It cannot be read.
    #[error("malformed rekey message: {0}")]
    Malformed(#[from] DecodeError),
    /// It does not authenticate.
    #[error("a rekey message does not authenticate")]
    Noise(#[from] NoiseError),
    /// The key in it is not an ML-KEM-768 key.
    #[error("a rekey message carries an invalid ML-KEM key")]
    Kem(#[from] AuthError),
    /// It belongs to another rekey than the one that is due, comes from the wrong side, or leaves
    /// ML-KEM out where it must run.
    #[error("a rekey message out of turn")]
    OutOfTurn,
}

/// What a rekey yields.
#[derive(Debug)]
pub struct NewKeys {
    /// How many rekeys the session has had with this one.
    pub number: u64,
    /// The packet key from the session's initiator.
    pub i2r: Secret,
    /// The packet key from the session's responder.
    pub r2i: Secret,
    /// What the pair's next session mixes in, where ML-KEM ran.
    pub resumption: Option<Secret>,
}

impl NewKeys {
    /// What no observer of this node's randomness knows who missed the rekey (BC-08.04).
    #[must_use]
    pub(in crate::link) const fn fresh(&self) -> &[u8; 32] {
        &self.i2r.0
    }
}

/// The rekey machine of one side of one session.
#[derive(Debug)]
pub struct Rekey {
    role: Role,
    local: DhSecret,
    remote: DhPublic,
    handshake_hash: [u8; 32],
    /// Secret of the previous root: psk0 of the next rekey.
    exporter: Secret,
    number: u64,
    pending: Option<Box<Pending>>,
}

/// The initiator's half-finished rekey.
#[derive(Debug)]
struct Pending {
    noise: HandshakeState,
    kem: Option<(KemSecret, [u8; KEM_PUBLIC_LEN])>,
}

impl Rekey {
    /// The machine of a session that was just established: `exporter` and `handshake_hash` are the
    /// handshake's, `local` and `remote` the static keys that it proved.
    #[must_use]
    pub const fn new(
        role: Role,
        local: DhSecret,
        remote: DhPublic,
        handshake_hash: [u8; 32],
        exporter: Secret,
    ) -> Self {
        Self { role, local, remote, handshake_hash, exporter, number: 0, pending: None }
    }

    /// The initiator waits for an answer.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Starts a rekey and returns the body of `REKEY_INIT`. Only the session's initiator does,
    /// and not while one is pending (BC-08.06).
    ///
    /// # Errors
    /// [`RekeyError::OutOfTurn`] where that is not so.
    pub fn start(
        &mut self,
        with_kem: bool,
        secret: &mut SecretStream,
    ) -> Result<Vec<u8>, RekeyError> {
        if self.role != Role::Initiator || self.is_pending() {
            return Err(RekeyError::OutOfTurn);
        }
        let mut noise = self.noise(self.number + 1)?;
        let kem = with_kem.then(|| KemSecret::generate(self.local.suite(), secret));
        let mut body = Vec::with_capacity(16 + NOISE_LEN + KEM_PUBLIC_LEN);
        body.put_varint(self.number + 1);
        body.put_u8(if with_kem { WITH_KEM } else { 0 });
        // BC-08.04: fresh, on either side and every time.
        noise.write_message(
            Some(DhSecret::generate(self.local.suite(), secret)),
            &[],
            &mut body,
        )?;
        if let Some((_, public)) = &kem {
            body.put_slice(public);
        }
        self.pending = Some(Box::new(Pending { noise, kem }));
        Ok(body)
    }

    /// Answers `REKEY_INIT` with the body of `REKEY_RESP`, and yields the keys. The caller accepts
    /// packets under them from now on, and sends under them once it has received one.
    ///
    /// # Errors
    /// [`RekeyError`]: the link is to be closed.
    pub fn on_init(
        &mut self,
        body: &[u8],
        secret: &mut SecretStream,
    ) -> Result<(Vec<u8>, NewKeys), RekeyError> {
        let mut reader = Reader::new(body);
        let number = reader.varint()?;
        // BC-08.07: only the session's initiator starts a rekey, one step at a time.
        if self.role != Role::Responder || number != self.number + 1 {
            return Err(RekeyError::OutOfTurn);
        }
        let with_kem = read_flags(&mut reader)?;
        // BC-08.85: nothing of a channel flows before ML-KEM was mixed in, whatever the peer
        // thinks.
        if number == 1 && !with_kem {
            return Err(RekeyError::OutOfTurn);
        }
        let mut noise = self.noise(number)?;
        noise.read_message(reader.bytes(NOISE_LEN)?, &mut Vec::new())?;
        let mut response = Vec::with_capacity(16 + NOISE_LEN + KEM_CIPHERTEXT_LEN);
        response.put_varint(number);
        response.put_u8(if with_kem { WITH_KEM } else { 0 });
        let mut ciphertext = None;
        if with_kem {
            let public = reader.array::<KEM_PUBLIC_LEN>()?;
            let (sent, shared) = kem_encapsulate(&public, secret)?;
            noise.set_psk(2, kem_psk(&shared, &public, &sent))?;
            ciphertext = Some(sent);
        } else {
            noise.set_psk(2, Secret([0; 32]))?;
        }
        reader.finish()?;
        noise.write_message(
            Some(DhSecret::generate(self.local.suite(), secret)),
            &[],
            &mut response,
        )?;
        if let Some(ciphertext) = ciphertext {
            response.put_slice(&ciphertext);
        }
        Ok((response, self.finish(number, &noise, with_kem)?))
    }

    /// Takes `REKEY_RESP` and yields the keys, to be used for sending at once.
    ///
    /// # Errors
    /// [`RekeyError`]: the link is to be closed.
    pub fn on_response(&mut self, body: &[u8]) -> Result<NewKeys, RekeyError> {
        let mut reader = Reader::new(body);
        let number = reader.varint()?;
        let mut pending = self.pending.take().ok_or(RekeyError::OutOfTurn)?;
        if number != self.number + 1 {
            return Err(RekeyError::OutOfTurn);
        }
        let with_kem = read_flags(&mut reader)?;
        let message = reader.bytes(NOISE_LEN)?;
        match &pending.kem {
            Some((secret, public)) if with_kem => {
                let ciphertext = reader.array::<KEM_CIPHERTEXT_LEN>()?;
                let shared = secret.decapsulate(&ciphertext);
                pending.noise.set_psk(2, kem_psk(&shared, public, &ciphertext))?;
            }
            None if !with_kem => pending.noise.set_psk(2, Secret([0; 32]))?,
            _ => return Err(RekeyError::OutOfTurn),
        }
        reader.finish()?;
        pending.noise.read_message(message, &mut Vec::new())?;
        self.finish(number, &pending.noise, with_kem)
    }

    fn noise(&self, number: u64) -> Result<HandshakeState, RekeyError> {
        let mut prologue = b"bitchat-v1 rekey".to_vec();
        prologue.put_slice(&self.handshake_hash);
        prologue.put_u64_le(number);
        let mut noise = HandshakeState::new(Params {
            pattern: Pattern::Kk,
            psks: &[0, 2],
            role: self.role,
            prologue: &prologue,
            local_static: Some(self.local.clone()),
            remote_static: Some(self.remote),
        })?;
        noise.set_psk(0, self.exporter.clone())?;
        Ok(noise)
    }

    fn finish(
        &mut self,
        number: u64,
        noise: &HandshakeState,
        with_kem: bool,
    ) -> Result<NewKeys, RekeyError> {
        let (i2r, r2i) = noise.split()?;
        let resumption = if with_kem { Some(noise.export(b"resumption")?) } else { None };
        self.exporter = noise.export(b"exporter")?;
        self.number = number;
        Ok(NewKeys { number, i2r, r2i, resumption })
    }
}

fn read_flags(reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match reader.u8()? {
        0 => Ok(false),
        WITH_KEM => Ok(true),
        _ => Err(DecodeError::Invalid("flags")),
    }
}

/// psk2 binds the shared secret to the very key and ciphertext that were on the wire.
fn kem_psk(
    shared: &Secret,
    public: &[u8; KEM_PUBLIC_LEN],
    ciphertext: &[u8; KEM_CIPHERTEXT_LEN],
) -> Secret {
    Secret(hash(&[&shared.0, public, ciphertext]))
}

#[cfg(test)]
mod tests;
