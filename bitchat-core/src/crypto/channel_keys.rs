//! What a channel's key is made into: every use has its own label (spec 04).

use super::suite::{Secret, hash, prf};
use crate::base::ids::{ChannelId, InfoHash};

/// Names the epoch of a channel: the id of the roster entry that opened it, zeros at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub [u8; 32]);

/// The keys of one epoch of a channel.
#[derive(Clone, Debug)]
pub struct ChannelKeys {
    chan: ChannelId,
    epoch: Epoch,
    root: Secret,
    /// Mixed into every handshake as psk0: only members can speak at all.
    pub psk: Secret,
    /// Authenticates probes and handshakes.
    pub mac: Secret,
    /// Masks probes and handshakes.
    pub mask: Secret,
}

impl ChannelKeys {
    /// The keys of `chan` in `epoch`, from the key in its `.chat` file (BC-04.01).
    #[must_use]
    pub fn new(chan: ChannelId, key: &Secret, epoch: Epoch) -> Self {
        let root = prf(key, &[b"root", &chan.0, &epoch.0]);
        let derive = |label: &[u8]| prf(&root, &[label]);
        let (psk, mac, mask) = (derive(b"psk"), derive(b"mac"), derive(b"mask"));
        Self { chan, epoch, root, psk, mac, mask }
    }

    /// The key of a public channel, which everybody can compute from its id (BC-04.02).
    #[must_use]
    pub fn public_key(chan: ChannelId) -> Secret {
        Secret(hash(&[b"open", &chan.0]))
    }

    /// Which channel these keys are for.
    #[must_use]
    pub const fn chan(&self) -> ChannelId {
        self.chan
    }

    /// Which epoch these keys are for.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// What a keyed channel announces on `day` (days since 1970-01-01), or 0 where it does not
    /// rotate. A public channel announces its [`ChannelId`] instead (BC-04.03).
    #[must_use]
    pub fn infohash(&self, day: u64) -> InfoHash {
        let derived = prf(&self.root, &[b"infohash", &day.to_le_bytes()]);
        let mut short = [0; InfoHash::LEN];
        short.copy_from_slice(&derived.0[..InfoHash::LEN]);
        InfoHash(short)
    }

    /// A secret of this epoch for one further purpose.
    #[must_use]
    pub fn derive(&self, label: &[u8], context: &[u8]) -> Secret {
        prf(&self.root, &[label, context])
    }
}

#[cfg(test)]
mod tests;
