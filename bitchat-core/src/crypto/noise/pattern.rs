//! The table of handshake patterns (rev. 34 §7) and their psk modifiers (§9).

use super::{DH_LEN, NoiseError};
use crate::crypto::suite::TAG_LEN;

/// A handshake pattern of the Noise specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Both transmit their static keys: first contact and every link.
    Xx,
    /// Both know each other's static keys: renewing a link's keys.
    Kk,
    /// One message to somebody whose static key is known: mail.
    X,
}

/// Which side of a handshake this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Writes the first message.
    Initiator,
    /// Reads the first message.
    Responder,
}

/// One step of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    E,
    S,
    /// A DH between the initiator's key (first letter) and the responder's (second letter).
    Ee,
    Es,
    Se,
    Ss,
    /// The pre-shared key of that modifier.
    Psk(u8),
}

impl Pattern {
    /// The messages without modifiers; the initiator writes the first, then in turn.
    const fn messages(self) -> &'static [&'static [Token]] {
        use Token::{E, Ee, Es, S, Se, Ss};
        match self {
            Self::Xx => &[&[E], &[E, Ee, S, Es], &[S, Se]],
            Self::Kk => &[&[E, Es, Ss], &[E, Ee, Se]],
            Self::X => &[&[E, Es, S, Ss]],
        }
    }

    const fn message_count(self) -> u8 {
        match self {
            Self::Xx => 3,
            Self::Kk => 2,
            Self::X => 1,
        }
    }

    /// Whose static keys are known beforehand (the pre-messages).
    pub(super) const fn knows_static_of(self, role: Role) -> bool {
        match (self, role) {
            (Self::Xx, _) | (Self::X, Role::Initiator) => false,
            (Self::Kk, _) | (Self::X, Role::Responder) => true,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Xx => "XX",
            Self::Kk => "KK",
            Self::X => "X",
        }
    }
}

/// A pattern with its psk modifiers.
#[derive(Clone, Copy, Debug)]
pub(super) struct ModifiedPattern {
    pattern: Pattern,
    /// Bit `n` stands for `pskn`.
    psks: u8,
}

impl ModifiedPattern {
    /// Positions as many as any pattern here can have: psk0 to psk3.
    pub(super) const MAX_PSKS: usize = 4;

    pub(super) fn new(pattern: Pattern, positions: &[u8]) -> Result<Self, NoiseError> {
        let mut psks = 0;
        for &position in positions {
            let exists = position <= pattern.message_count();
            if !exists || psks >> position != 0 {
                return Err(NoiseError::PskPosition(position));
            }
            psks |= 1 << position;
        }
        Ok(Self { pattern, psks })
    }

    pub(super) const fn pattern(self) -> Pattern {
        self.pattern
    }

    const fn has_psk_at(self, position: u8) -> bool {
        self.psks >> position & 1 == 1
    }

    /// Whether any psk is mixed in, which makes `e` tokens keys as well.
    pub(super) const fn has_psk(self) -> bool {
        self.psks != 0
    }

    /// Messages until the handshake is finished.
    pub(super) const fn message_count(self) -> u8 {
        self.pattern.message_count()
    }

    /// Whether `psk{position}` is mixed in at message `next` or later.
    pub(super) fn awaits_psk(self, position: u8, next: u8) -> bool {
        (next..self.message_count())
            .flat_map(|message| self.tokens(message))
            .any(|token| token == Token::Psk(position))
    }

    /// The tokens of message number `message` (from 0). psk0 opens the first message; pskN closes
    /// the Nth.
    pub(super) fn tokens(self, message: u8) -> impl Iterator<Item = Token> {
        let psk = |position: u8| self.has_psk_at(position).then_some(Token::Psk(position));
        let opening = if message == 0 { psk(0) } else { None };
        let plain = self.pattern.messages().get(usize::from(message)).copied().unwrap_or_default();
        opening.into_iter().chain(plain.iter().copied()).chain(psk(message + 1))
    }

    /// Bytes that message number `message` adds to its payload (BC-05.04).
    pub(super) fn overhead(self, message: u8, mut has_key: bool) -> usize {
        let mut len = 0;
        for token in self.tokens(message) {
            match token {
                Token::E => {
                    len += DH_LEN;
                    has_key |= self.has_psk();
                }
                Token::S => len += DH_LEN + if has_key { TAG_LEN } else { 0 },
                _ => has_key = true,
            }
        }
        len + if has_key { TAG_LEN } else { 0 }
    }

    /// The protocol name, as `Noise_XXpsk0+psk3_25519_ChaChaPoly_BLAKE2s` (BC-05.01).
    pub(super) fn protocol_name(self) -> String {
        let modifiers: Vec<String> = (0..=self.message_count())
            .filter(|&position| self.has_psk_at(position))
            .map(|position| format!("psk{position}"))
            .collect();
        format!("Noise_{}{}_25519_ChaChaPoly_BLAKE2s", self.pattern.name(), modifiers.join("+"))
    }
}
