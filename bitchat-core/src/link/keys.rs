//! Which packet keys a session uses now: the old ones fade out while the new ones come in
//! (spec 08 §Renewal).
//!
//! The rule is that of the model-checked table in the spec: the initiator sends under new keys once
//! it has the answer, the responder once it has received a packet under them, and the next renewal
//! waits until the initiator has received one too. So each side can always read what the other sends.

use super::rekey::NewKeys;
use crate::base::time::Timestamp;
use crate::crypto::noise::Role;
use crate::crypto::packet_key::{MaskKey, PacketError, PacketKey};
use crate::crypto::suite::{Secret, Suite};
use crate::wire::packet::{Header, KeyPhase};
use core::ops::Range;
use core::time::Duration;

/// The longest that a receive key outlives the first packet under its successor.
const MAX_FADE: Duration = Duration::from_secs(10);
/// A renewal is due after so many packets at the latest.
const MAX_PACKETS: u64 = 1 << 30;
/// Keys with user data on them may get so much older than the renewal interval before user data
/// stops: the time to get a renewal through on a bad path.
const GRACE: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Epoch {
    number: u64,
    key: PacketKey,
}

impl Epoch {
    fn matches(&self, phase: KeyPhase) -> bool {
        KeyPhase::of_epoch(self.number) == phase
    }
}

/// A packet that opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub pn: u64,
    /// Where the payload is.
    pub payload: Range<usize>,
    /// This packet completed a renewal on this side: now at this generation.
    pub renewed: Option<u64>,
}

/// The packet keys of one session.
#[derive(Debug)]
pub(crate) struct KeyRing {
    suite: Suite,
    role: Role,
    mask_send: MaskKey,
    mask_recv: MaskKey,
    send: Epoch,
    recv: Epoch,
    /// The receive key before, and when it is erased: not known before the peer has shown that it
    /// sends under the new one.
    previous: Option<(Epoch, Option<Timestamp>)>,
    /// The responder's answered renewal: (receive, send), in use from the first packet on.
    next: Option<(Epoch, Epoch)>,
    /// A packet under the newest keys has been received.
    confirmed: bool,
    /// When user data first went under the keys in use.
    first_use: Option<Timestamp>,
    /// Packets sealed under the send key in use.
    sealed: u64,
}

impl KeyRing {
    /// The keys that the handshake gave: epoch 0.
    pub(crate) fn new(
        suite: Suite,
        role: Role,
        i2r: &Secret,
        r2i: &Secret,
        mask_i2r: &Secret,
        mask_r2i: &Secret,
    ) -> Self {
        let (send, recv, mask_send, mask_recv) = match role {
            Role::Initiator => (i2r, r2i, mask_i2r, mask_r2i),
            Role::Responder => (r2i, i2r, mask_r2i, mask_i2r),
        };
        Self {
            suite,
            role,
            mask_send: MaskKey::new(mask_send),
            mask_recv: MaskKey::new(mask_recv),
            send: Epoch { number: 0, key: PacketKey::new(suite, send) },
            recv: Epoch { number: 0, key: PacketKey::new(suite, recv) },
            previous: None,
            next: None,
            confirmed: false,
            first_use: None,
            sealed: 0,
        }
    }

    /// How many renewals are in use for sending.
    pub(crate) const fn generation(&self) -> u64 {
        self.send.number
    }

    /// The phase that packets are sent in.
    pub(crate) const fn phase(&self) -> KeyPhase {
        KeyPhase::of_epoch(self.send.number)
    }

    /// The peer has proven that it has the newest keys.
    pub(crate) const fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Takes the keys of a renewal: into use at once by the initiator, at the first packet under
    /// them by the responder.
    pub(crate) fn install(&mut self, keys: &NewKeys) {
        let epoch = |key| Epoch { number: keys.generation, key: PacketKey::new(self.suite, key) };
        match self.role {
            Role::Initiator => self.switch(epoch(&keys.r2i), epoch(&keys.i2r)),
            Role::Responder => self.next = Some((epoch(&keys.i2r), epoch(&keys.r2i))),
        }
    }

    fn switch(&mut self, recv: Epoch, send: Epoch) {
        let old = core::mem::replace(&mut self.recv, recv);
        self.previous = Some((old, None));
        self.send = send;
        self.confirmed = false;
        self.first_use = None;
        self.sealed = 0;
    }

    /// A packet under the newest keys arrived: from the first one on the old receive key fades, not
    /// before. Until then the peer may send nothing but packets under the old one, and needs them
    /// understood: by them a peer at a new address is found again (BC-08.60). True for the first.
    fn confirm(&mut self, now: Timestamp, fade: Duration) -> bool {
        if let Some((_, erase_at @ None)) = &mut self.previous {
            *erase_at = Some(now + fade.min(MAX_FADE));
        }
        !core::mem::replace(&mut self.confirmed, true)
    }

    /// Seals a packet in place; see [`PacketKey::seal`].
    pub(crate) fn seal(&mut self, header: &Header, packet: &mut [u8]) -> Result<(), PacketError> {
        self.sealed += 1;
        self.send.key.seal(&self.mask_send, header, packet)
    }

    /// Takes the mask off a packet.
    pub(crate) fn unmask(
        &self,
        packet: &mut [u8],
        largest: Option<u64>,
    ) -> Result<Header, PacketError> {
        self.mask_recv.unmask(packet, largest)
    }

    /// Opens a packet whose mask is off, with whichever key its phase names. `fade` is three probe
    /// timeouts.
    pub(crate) fn open(
        &mut self,
        now: Timestamp,
        header: &Header,
        packet: &mut [u8],
        fade: Duration,
    ) -> Result<Opened, PacketError> {
        self.expire(now);
        let pn = header.pn;
        if self.recv.matches(header.phase) {
            let payload = self.recv.key.open(header, packet)?;
            let first = self.confirm(now, fade);
            let renewed = (first && self.recv.number > 0).then_some(self.recv.number);
            return Ok(Opened { pn, payload, renewed });
        }
        if let Some((previous, _)) = &self.previous
            && previous.matches(header.phase)
        {
            let payload = previous.key.open(header, packet)?;
            return Ok(Opened { pn, payload, renewed: None });
        }
        match self.next.take() {
            Some((recv, send)) if recv.matches(header.phase) => {
                match recv.key.open(header, packet) {
                    Ok(payload) => {
                        let renewed = Some(recv.number);
                        self.switch(recv, send);
                        self.confirm(now, fade);
                        Ok(Opened { pn, payload, renewed })
                    }
                    Err(error) => {
                        self.next = Some((recv, send));
                        Err(error)
                    }
                }
            }
            next => {
                self.next = next;
                Err(PacketError::Auth)
            }
        }
    }

    /// User data was sent or received under the keys in use.
    pub(crate) fn on_user_data(&mut self, now: Timestamp) {
        self.first_use.get_or_insert(now);
    }

    /// When a renewal is due; the first is due at once.
    pub(crate) fn renewal_due(&self, interval: Duration) -> Option<Timestamp> {
        if self.send.number == 0 || self.sealed >= MAX_PACKETS {
            return Some(Timestamp::ZERO);
        }
        self.first_use.map(|first| first + interval)
    }

    /// User data may be sent: the first renewal is done and the keys are not too old.
    pub(crate) fn may_send_user_data(&self, now: Timestamp, interval: Duration) -> bool {
        // BC-08.05
        self.send.number > 0 && self.first_use.is_none_or(|first| now < first + interval + GRACE)
    }

    /// Erases the old receive key when its time is over.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        if self.poll_timeout().is_some_and(|erase_at| erase_at <= now) {
            // BC-08.09: dropping a key erases it.
            self.previous = None;
        }
    }

    /// When a key is to be erased.
    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        self.previous.as_ref().and_then(|(_, erase_at)| *erase_at)
    }
}

#[cfg(test)]
mod tests;
