//! Which channels a link carries, agreed without naming any that only one side has (spec 08
//! §Slots).

use super::control::{Control, TOKEN_LEN, TOKENS_STEP};
use crate::base::ids::ChannelId;
use crate::base::rng::Stream;
use crate::crypto::channel_keys::Epoch;
use crate::crypto::noise::Role;
use crate::crypto::suite::{Secret, mac};
use std::collections::BTreeMap;

/// An epoch of a channel: what a slot stands for (BC-08.91).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelEpoch {
    /// The channel.
    pub channel: ChannelId,
    /// Which of its epochs.
    pub epoch: Epoch,
}

impl ChannelEpoch {
    /// The epoch that every channel begins with.
    #[must_use]
    pub const fn first(channel: ChannelId) -> Self {
        Self { channel, epoch: Epoch([0; 32]) }
    }
}

impl From<ChannelId> for ChannelEpoch {
    fn from(channel: ChannelId) -> Self {
        Self::first(channel)
    }
}

/// How many tokens one side may send over the life of a link.
const MAX_TOKENS: usize = 1_024;

/// The peer sent more tokens than a link may carry, or numbered them wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("slot tokens out of order or too many")]
pub struct SlotError;

/// What one side shows of a channel: only who holds the channel's MAC key can tell it from noise
/// (BC-08.10).
#[must_use]
pub fn token(mac_key: &Secret, handshake_hash: &[u8; 32], shown_by: Role) -> [u8; TOKEN_LEN] {
    let role = match shown_by {
        Role::Initiator => 0,
        Role::Responder => 1,
    };
    mac(mac_key, &[b"bitchat-v1 slot", handshake_hash, &[role]])
}

const fn other(role: Role) -> Role {
    match role {
        Role::Initiator => Role::Responder,
        Role::Responder => Role::Initiator,
    }
}

/// The slots of one link.
#[derive(Debug)]
pub struct Slots {
    role: Role,
    handshake_hash: [u8; 32],
    /// Our slots; a padding token has none.
    ours: BTreeMap<ChannelEpoch, u64>,
    ours_sent: u64,
    /// Tokens of the peer, by its slot number. Kept, because a channel may be joined later.
    theirs: Vec<[u8; TOKEN_LEN]>,
    /// The peer's slot of each channel that both sides have.
    shared: BTreeMap<u64, ChannelEpoch>,
}

impl Slots {
    /// Those of one side of a new session.
    #[must_use]
    pub const fn new(role: Role, handshake_hash: [u8; 32]) -> Self {
        Self {
            role,
            handshake_hash,
            ours: BTreeMap::new(),
            ours_sent: 0,
            theirs: Vec::new(),
            shared: BTreeMap::new(),
        }
    }

    /// Shows `channels` to the peer: the message to send, or `None` if the link has shown as many
    /// tokens as it may. Real tokens are shuffled among random ones (BC-08.11).
    pub fn offer(
        &mut self,
        channels: &[(ChannelEpoch, &Secret)],
        public: &mut Stream,
    ) -> Option<Vec<u8>> {
        let len = channels.len().next_multiple_of(TOKENS_STEP).max(TOKENS_STEP);
        if self.ours_sent + len as u64 > MAX_TOKENS as u64 {
            return None;
        }
        let mut order: Vec<usize> = (0..len).collect();
        for at in (1..len).rev() {
            let with = usize::try_from(public.below(at as u64 + 1)).unwrap_or(0);
            order.swap(at, with);
        }
        let mut tokens: Vec<[u8; TOKEN_LEN]> = (0..len).map(|_| public.bytes()).collect();
        for (&(chan, mac_key), &at) in channels.iter().zip(&order) {
            if let Some(place) = tokens.get_mut(at) {
                *place = token(mac_key, &self.handshake_hash, self.role);
                self.ours.insert(chan, self.ours_sent + at as u64);
            }
        }
        let base = self.ours_sent;
        self.ours_sent += len as u64;
        Some(Control::SlotTokens { base, tokens: &tokens }.encode())
    }

    /// Takes the peer's tokens.
    ///
    /// # Errors
    /// [`SlotError`]: the link is to be closed.
    pub fn on_tokens(&mut self, base: u64, tokens: &[[u8; TOKEN_LEN]]) -> Result<(), SlotError> {
        // BC-08.12: numbered without gaps, and not for ever.
        if base != self.theirs.len() as u64 || self.theirs.len() + tokens.len() > MAX_TOKENS {
            return Err(SlotError);
        }
        self.theirs.extend_from_slice(tokens);
        Ok(())
    }

    /// The peer has sent a list of tokens already.
    #[must_use]
    pub const fn heard(&self) -> bool {
        !self.theirs.is_empty()
    }

    /// Whether the peer has shown `chan`; if so it is shared from now on.
    pub fn match_channel(&mut self, chan: ChannelEpoch, mac_key: &Secret) -> bool {
        if self.shared.values().any(|&shared| shared == chan) {
            return false;
        }
        let wanted = token(mac_key, &self.handshake_hash, other(self.role));
        let Some(slot) = self.theirs.iter().position(|theirs| *theirs == wanted) else {
            return false;
        };
        self.shared.insert(slot as u64, chan);
        true
    }

    /// The channel behind a slot of the peer.
    #[must_use]
    pub fn channel_of(&self, their_slot: u64) -> Option<ChannelEpoch> {
        self.shared.get(&their_slot).copied()
    }

    /// Whether the peer could still show what its slot means.
    #[must_use]
    pub fn is_unknown(&self, their_slot: u64) -> bool {
        their_slot >= self.theirs.len() as u64
    }

    /// Our slot for `chan`.
    #[must_use]
    pub fn ours(&self, chan: ChannelEpoch) -> Option<u64> {
        self.ours.get(&chan).copied()
    }

    /// Whether both sides have `chan`.
    #[must_use]
    pub fn is_shared(&self, chan: ChannelEpoch) -> bool {
        self.shared.values().any(|&shared| shared == chan)
    }

    /// Channels that both sides have.
    pub fn shared(&self) -> impl Iterator<Item = ChannelEpoch> + '_ {
        self.shared.values().copied()
    }

    /// Whether there is any.
    #[must_use]
    pub fn has_shared(&self) -> bool {
        !self.shared.is_empty()
    }

    /// The peer left a channel; its token means nothing any more.
    pub fn on_close(&mut self, their_slot: u64) -> Option<ChannelEpoch> {
        let at = usize::try_from(their_slot).ok()?;
        // All zeros is nobody's token but with a chance of 2^-128.
        *self.theirs.get_mut(at)? = [0; TOKEN_LEN];
        self.shared.remove(&their_slot)
    }

    /// We left a channel: the message that says so, if the peer was ever shown it.
    pub fn leave(&mut self, chan: ChannelEpoch) -> Option<Vec<u8>> {
        self.shared.retain(|_, shared| *shared != chan);
        self.ours.remove(&chan).map(|slot| Control::SlotClose { slot }.encode())
    }
}

#[cfg(test)]
mod tests;
