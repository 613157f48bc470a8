//! A handshake in progress (rev. 34 §5.3).

use super::pattern::{ModifiedPattern, Pattern, Role, Token};
use super::symmetric_state::{SealedWith, SymmetricState};
use super::{DH_LEN, MAX_MESSAGE_LEN, NoiseError};
use crate::crypto::suite::{DhPublic, DhSecret, Secret, TAG_LEN};

/// What a handshake starts from. Both sides need the same `pattern`, `psks` and `prologue`.
#[derive(Clone, Debug)]
pub struct Params<'a> {
    /// The pattern.
    pub pattern: Pattern,
    /// The positions of its psk modifiers, ascending: `&[0, 3]` for `psk0+psk3`.
    pub psks: &'a [u8],
    /// Which side we are.
    pub role: Role,
    /// What both sides must agree on without sending it.
    pub prologue: &'a [u8],
    /// Our static key; every pattern here needs it. Its back end is that of the handshake.
    pub local_static: Option<DhSecret>,
    /// The peer's static key: needed in KK and by the initiator of X, otherwise `None`.
    pub remote_static: Option<DhPublic>,
}

/// A handshake in progress or finished.
///
/// An error, of writing or reading, leaves everything as it was: the caller may drop the message
/// and wait for the true one (BC-05.07). Cloning makes a checkpoint; use at most one of the copies
/// to write, or an ephemeral key would serve twice. Secrets are erased on drop.
#[derive(Clone, Debug)]
pub struct HandshakeState {
    pattern: ModifiedPattern,
    role: Role,
    /// The number of the next message.
    next: u8,
    symmetric: SymmetricState,
    psks: [Option<Secret>; ModifiedPattern::MAX_PSKS],
    local_static: DhSecret,
    local_ephemeral: Option<DhSecret>,
    remote_static: Option<DhPublic>,
    remote_ephemeral: Option<DhPublic>,
}

impl HandshakeState {
    /// A handshake before its first message.
    ///
    /// # Errors
    /// [`NoiseError::PskPosition`], or one of the errors about static keys, if `params` do not fit
    /// the pattern.
    pub fn new(params: Params<'_>) -> Result<Self, NoiseError> {
        let pattern = ModifiedPattern::new(params.pattern, params.psks)?;
        let local_static = params.local_static.ok_or(NoiseError::LocalStaticMissing)?;
        let remote = match params.role {
            Role::Initiator => Role::Responder,
            Role::Responder => Role::Initiator,
        };
        match (params.pattern.knows_static_of(remote), params.remote_static) {
            (true, None) => return Err(NoiseError::RemoteStaticMissing),
            (false, Some(_)) => return Err(NoiseError::RemoteStaticUnexpected),
            _ => {}
        }
        let mut state = Self {
            pattern,
            role: params.role,
            next: 0,
            symmetric: SymmetricState::new(local_static.suite(), &pattern.protocol_name()),
            psks: Default::default(),
            local_static,
            local_ephemeral: None,
            remote_static: params.remote_static,
            remote_ephemeral: None,
        };
        state.symmetric.mix_hash(params.prologue);
        state.mix_known_statics();
        Ok(state)
    }

    /// Sets or replaces a pre-shared key, until the message that mixes it in.
    ///
    /// # Errors
    /// [`NoiseError::PskPosition`] if no message to come mixes it in.
    pub fn set_psk(&mut self, position: u8, psk: Secret) -> Result<(), NoiseError> {
        if !self.pattern.awaits_psk(position, self.next) {
            return Err(NoiseError::PskPosition(position));
        }
        let slot = self.psks.get_mut(usize::from(position));
        *slot.ok_or(NoiseError::PskPosition(position))? = Some(psk);
        Ok(())
    }

    /// Appends the next message, with `payload` in it, to `out`. `ephemeral` is a fresh key where
    /// the message has an `e` token (all but the third of XX), else `None`.
    ///
    /// # Errors
    /// [`NoiseError::OutOfTurn`], [`NoiseError::TooLong`], a missing or superfluous key, or
    /// [`NoiseError::WeakKey`] if the peer's is one. Nothing has changed.
    pub fn write_message(
        &mut self,
        ephemeral: Option<DhSecret>,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), NoiseError> {
        if !self.is_our_turn() {
            return Err(NoiseError::OutOfTurn);
        }
        if payload.len() > MAX_MESSAGE_LEN - self.message_overhead() {
            return Err(NoiseError::TooLong);
        }
        let start = out.len();
        let mut after = self.clone();
        let written = after.write_tokens(ephemeral, payload, out);
        match written {
            Ok(()) => *self = after,
            Err(_) => out.truncate(start),
        }
        written
    }

    /// Reads the next message and appends its payload to `payload`.
    ///
    /// # Errors
    /// [`NoiseError::OutOfTurn`], [`NoiseError::PskMissing`], or a fault of the message. Nothing
    /// has changed.
    pub fn read_message(
        &mut self,
        message: &[u8],
        payload: &mut Vec<u8>,
    ) -> Result<(), NoiseError> {
        self.check_readable(message)?;
        let mut after = self.clone();
        let rest = after.read_tokens(message, |_| false)?;
        after.symmetric.decrypt_and_hash(rest, payload)?;
        after.next += 1;
        *self = after;
        Ok(())
    }

    /// The static key that the next message carries, before the psk that closes the message is
    /// known: for the third message of `XXpsk3`, whose psk depends on who sent it.
    ///
    /// The key is authentic only once [`read_message`](Self::read_message) succeeds (BC-05.05).
    ///
    /// # Errors
    /// [`NoiseError::NoStaticKey`] if the message has none, otherwise as `read_message`.
    pub fn peek_static(&self, message: &[u8]) -> Result<DhPublic, NoiseError> {
        self.check_readable(message)?;
        if !self.pattern.tokens(self.next).any(|token| token == Token::S) {
            return Err(NoiseError::NoStaticKey);
        }
        let mut copy = self.clone();
        copy.read_tokens(message, |token| token == Token::S)?;
        copy.remote_static.ok_or(NoiseError::NoStaticKey)
    }

    /// The peer's static key: given beforehand, or received.
    #[must_use]
    pub const fn remote_static(&self) -> Option<DhPublic> {
        self.remote_static
    }

    /// Whether all messages were written and read.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.next >= self.pattern.message_count()
    }

    /// Whether the next message is ours to write. False for both sides once finished.
    #[must_use]
    pub const fn is_our_turn(&self) -> bool {
        !self.is_finished() && self.next.is_multiple_of(2) == matches!(self.role, Role::Initiator)
    }

    /// From now on keeps what each part of a message is sealed with, for a key log (spec 13). To be
    /// called before the first message.
    pub fn keep_log(&mut self) {
        self.symmetric.keep_log();
    }

    /// What the parts of the messages since the last call were sealed with, in their order. Empty
    /// without [`keep_log`](Self::keep_log).
    pub fn take_log(&mut self) -> Vec<SealedWith> {
        self.symmetric.take_log()
    }

    /// Bytes that the next message adds to its payload; 0 once finished.
    #[must_use]
    pub fn message_overhead(&self) -> usize {
        if self.is_finished() {
            return 0;
        }
        self.pattern.overhead(self.next, self.symmetric.has_key())
    }

    /// The hash of the transcript so far; once finished, it names the session (rev. 34 §11.2).
    #[must_use]
    pub const fn handshake_hash(&self) -> [u8; 32] {
        self.symmetric.hash()
    }

    /// The keys initiator→responder and responder→initiator (rev. 34 §5.2, BC-05.10). X is one-way
    /// and has no use for the second.
    ///
    /// # Errors
    /// [`NoiseError::NotFinished`].
    pub fn split(&self) -> Result<(Secret, Secret), NoiseError> {
        if self.is_finished() { Ok(self.symmetric.split()) } else { Err(NoiseError::NotFinished) }
    }

    /// A further secret of the session, independent of its keys and of those under other labels:
    /// keyed BLAKE2s of the final chaining key over `"bitchat-v1 export " ‖ label` (BC-05.09).
    ///
    /// # Errors
    /// [`NoiseError::NotFinished`].
    pub fn export(&self, label: &[u8]) -> Result<Secret, NoiseError> {
        if self.is_finished() {
            Ok(self.symmetric.export(label))
        } else {
            Err(NoiseError::NotFinished)
        }
    }

    /// The pre-messages, the initiator's key first (BC-05.02).
    fn mix_known_statics(&mut self) {
        for role in [Role::Initiator, Role::Responder] {
            if self.pattern.pattern().knows_static_of(role) {
                let key = if role == self.role {
                    Some(self.local_static.public())
                } else {
                    self.remote_static
                };
                key.iter().for_each(|key| self.symmetric.mix_hash(&key.0));
            }
        }
    }

    const fn check_readable(&self, message: &[u8]) -> Result<(), NoiseError> {
        if self.is_finished() || self.is_our_turn() {
            return Err(NoiseError::OutOfTurn);
        }
        if message.len() > MAX_MESSAGE_LEN { Err(NoiseError::TooLong) } else { Ok(()) }
    }

    fn write_tokens(
        &mut self,
        mut ephemeral: Option<DhSecret>,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), NoiseError> {
        for token in self.pattern.tokens(self.next) {
            match token {
                Token::E => {
                    let key = ephemeral.take().ok_or(NoiseError::EphemeralMissing)?;
                    let public = key.public();
                    out.extend_from_slice(&public.0);
                    self.mix_ephemeral(&public);
                    self.local_ephemeral = Some(key);
                }
                Token::S => {
                    let public = self.local_static.public();
                    self.symmetric.encrypt_and_hash(&public.0, out)?;
                }
                shared => self.mix_shared(shared)?,
            }
        }
        if ephemeral.is_some() {
            return Err(NoiseError::EphemeralUnexpected);
        }
        self.symmetric.encrypt_and_hash(payload, out)?;
        self.next += 1;
        Ok(())
    }

    /// Processes the tokens of `message`, up to and with the one that `last` names, and returns
    /// what follows them.
    fn read_tokens<'m>(
        &mut self,
        mut message: &'m [u8],
        last: impl Fn(Token) -> bool,
    ) -> Result<&'m [u8], NoiseError> {
        for token in self.pattern.tokens(self.next) {
            match token {
                Token::E => {
                    let (key, rest) = message.split_first_chunk().ok_or(NoiseError::TooShort)?;
                    message = rest;
                    self.mix_ephemeral(&DhPublic(*key));
                    self.remote_ephemeral = Some(DhPublic(*key));
                }
                Token::S => {
                    let len = DH_LEN + if self.symmetric.has_key() { TAG_LEN } else { 0 };
                    let (sealed, rest) =
                        message.split_at_checked(len).ok_or(NoiseError::TooShort)?;
                    message = rest;
                    let mut key = Vec::with_capacity(DH_LEN);
                    self.symmetric.decrypt_and_hash(sealed, &mut key)?;
                    let key = key.try_into().map_err(|_| NoiseError::TooShort)?;
                    self.remote_static = Some(DhPublic(key));
                }
                shared => self.mix_shared(shared)?,
            }
            if last(token) {
                break;
            }
        }
        Ok(message)
    }

    /// With a psk in the pattern, ephemerals are keys too, so that no psk is used with one nonce
    /// twice (rev. 34 §9.2, BC-05.03).
    fn mix_ephemeral(&mut self, public: &DhPublic) {
        self.symmetric.mix_hash(&public.0);
        if self.pattern.has_psk() {
            self.symmetric.mix_key(&public.0);
        }
    }

    /// Mixes in what both sides know and nobody sends: a DH or a psk.
    fn mix_shared(&mut self, token: Token) -> Result<(), NoiseError> {
        let initiator = self.role == Role::Initiator;
        let secret = match token {
            Token::Psk(position) => {
                let slot = self.psks.get_mut(usize::from(position));
                let psk = slot.and_then(Option::take).ok_or(NoiseError::PskMissing(position))?;
                self.symmetric.mix_key_and_hash(&psk);
                return Ok(());
            }
            Token::Ee => self.dh(false, false)?,
            Token::Ss => self.dh(true, true)?,
            Token::Es => self.dh(!initiator, initiator)?,
            Token::Se => self.dh(initiator, !initiator)?,
            Token::E | Token::S => return Ok(()),
        };
        self.symmetric.mix_key(&secret.0);
        Ok(())
    }

    /// The DH of our and the peer's key, static or ephemeral each. Small-order keys end the
    /// handshake (BC-05.06).
    fn dh(&self, local_static: bool, remote_static: bool) -> Result<Secret, NoiseError> {
        let local =
            if local_static { Some(&self.local_static) } else { self.local_ephemeral.as_ref() };
        let remote = if remote_static { self.remote_static } else { self.remote_ephemeral };
        let local = local.ok_or(NoiseError::EphemeralMissing)?;
        let remote = remote.ok_or(NoiseError::RemoteStaticMissing)?;
        local.dh(&remote).map_err(|_| NoiseError::WeakKey)
    }
}
