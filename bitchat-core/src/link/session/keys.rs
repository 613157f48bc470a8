//! The packet keys of a session: the old ones fade out while the new ones come in
//! (spec 08 §Rekey). Which of them is for what, [`KeyPhases`] decides.

use super::phases::{KeyPhases, ReceiveKey};
use super::rekey::NewKeys;
use crate::base::time::Timestamp;
use crate::crypto::noise::Role;
use crate::crypto::packet_key::{MaskKey, PacketError, PacketKey};
use crate::crypto::suite::Suite;
use crate::handshake::SessionSecrets;
use crate::wire::packet::{Header, KeyPhase};
use core::ops::Range;
use core::time::Duration;

/// The longest that a receive key outlives the first packet under its successor.
const MAX_FADE: Duration = Duration::from_secs(10);
/// A rekey is due after so many packets at the latest.
const MAX_PACKETS: u64 = 1 << 30;
/// Keys with user data on them may get so much older than the rekey interval before user data
/// stops: the time to get a rekey through on a bad path.
pub(super) const GRACE: Duration = Duration::from_secs(60);

/// A packet that opened.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Where the payload is.
    pub payload: Range<usize>,
    /// The number of the key that opened it.
    pub number: u64,
    /// This packet completed a rekey on this side: now at this number.
    pub rekeyed: Option<u64>,
}

/// The packet keys of one session.
#[derive(Debug)]
pub(crate) struct KeyRing {
    suite: Suite,
    role: Role,
    phases: KeyPhases,
    mask_send: MaskKey,
    mask_recv: MaskKey,
    send: PacketKey,
    recv: PacketKey,
    /// The receive key before, and when it is erased: not known before the peer has shown that it
    /// sends under the new one.
    previous: Option<(PacketKey, Option<Timestamp>)>,
    /// The responder's answered rekey: (receive, send), in use from the first packet on.
    next: Option<(PacketKey, PacketKey)>,
    /// When user data first went under the keys in use.
    first_use: Option<Timestamp>,
    /// Packets sealed under the send key in use.
    sealed: u64,
}

impl KeyRing {
    /// The keys that the handshake gave: epoch 0.
    pub(crate) fn new(suite: Suite, role: Role, secrets: &SessionSecrets) -> Self {
        let SessionSecrets { i2r, r2i, mask_i2r, mask_r2i, .. } = secrets;
        let (send, recv, mask_send, mask_recv) = match role {
            Role::Initiator => (i2r, r2i, mask_i2r, mask_r2i),
            Role::Responder => (r2i, i2r, mask_r2i, mask_i2r),
        };
        Self {
            suite,
            role,
            phases: KeyPhases::new(role),
            mask_send: MaskKey::new(mask_send),
            mask_recv: MaskKey::new(mask_recv),
            send: PacketKey::new(suite, send),
            recv: PacketKey::new(suite, recv),
            previous: None,
            next: None,
            first_use: None,
            sealed: 0,
        }
    }

    /// Which keys are in use.
    pub(crate) const fn phases(&self) -> &KeyPhases {
        &self.phases
    }

    /// How many rekeys are in use for sending.
    pub(crate) const fn number(&self) -> u64 {
        self.phases.send()
    }

    /// The phase that packets are sent in.
    pub(crate) const fn phase(&self) -> KeyPhase {
        KeyPhase::of_epoch(self.phases.send())
    }

    /// Takes the keys of a rekey: into use at once by the initiator, at the first packet under
    /// them by the responder.
    pub(crate) fn install(&mut self, keys: &NewKeys) {
        let (i2r, r2i) =
            (PacketKey::new(self.suite, &keys.i2r), PacketKey::new(self.suite, &keys.r2i));
        let (recv, send) = match self.role {
            Role::Initiator => (r2i, i2r),
            Role::Responder => (i2r, r2i),
        };
        if self.phases.install(keys.number) {
            self.switch(recv, send);
        } else {
            self.next = Some((recv, send));
        }
    }

    fn switch(&mut self, recv: PacketKey, send: PacketKey) {
        let old = core::mem::replace(&mut self.recv, recv);
        self.previous = Some((old, None));
        self.send = send;
        self.first_use = None;
        self.sealed = 0;
    }

    /// Seals a packet in place; see [`PacketKey::seal`].
    pub(crate) fn seal(&mut self, header: &Header, packet: &mut [u8]) -> Result<(), PacketError> {
        self.sealed += 1;
        self.send.seal(&self.mask_send, header, packet)
    }

    /// Takes the mask off a packet.
    pub(crate) fn unmask(
        &self,
        packet: &mut [u8],
        largest: Option<u64>,
    ) -> Result<Header, PacketError> {
        self.mask_recv.unmask(packet, largest)
    }

    /// Opens a packet whose mask is off, with whichever key its phase names. `fade` gives three
    /// probe timeouts.
    pub(crate) fn open(
        &mut self,
        now: Timestamp,
        header: &Header,
        packet: &mut [u8],
        fade: impl FnOnce() -> Duration,
    ) -> Result<Opened, PacketError> {
        self.expire(now);
        let (which, number) = self.phases.key_for(header.phase).ok_or(PacketError::Auth)?;
        let key = match which {
            ReceiveKey::Current => Some(&self.recv),
            ReceiveKey::Previous => self.previous.as_ref().map(|(key, _)| key),
            ReceiveKey::Next => self.next.as_ref().map(|(key, _)| key),
        };
        let payload = key.ok_or(PacketError::Auth)?.open(header, packet)?;
        if which == ReceiveKey::Next
            && let Some((recv, send)) = self.next.take()
        {
            self.switch(recv, send);
        }
        let opened = self.phases.on_opened(which);
        if opened.fades
            && let Some((_, erase_at)) = &mut self.previous
        {
            *erase_at = Some(now + fade().min(MAX_FADE));
        }
        Ok(Opened { payload, number, rekeyed: opened.rekeyed })
    }

    /// User data was sent or received under the keys in use.
    pub(crate) fn on_user_data(&mut self, now: Timestamp) {
        self.first_use.get_or_insert(now);
    }

    /// When a rekey is due; the first is due at once.
    pub(crate) fn rekey_due(&self, interval: Duration) -> Option<Timestamp> {
        if self.phases.send() == 0 || self.sealed >= MAX_PACKETS {
            return Some(Timestamp::ZERO);
        }
        self.first_use.map(|first| first + interval)
    }

    /// User data may be sent: the first rekey is done and the keys are not too old.
    pub(crate) fn may_send_user_data(&self, now: Timestamp, interval: Duration) -> bool {
        // BC-08.05
        self.phases.send() > 0 && self.first_use.is_none_or(|first| now < first + interval + GRACE)
    }

    /// As if no user data had gone under the keys in use.
    #[cfg(test)]
    pub(crate) const fn forget_use(&mut self) {
        self.first_use = None;
    }

    /// When user data first went under the keys in use, in either direction.
    pub(crate) const fn first_use(&self) -> Option<Timestamp> {
        self.first_use
    }

    /// Erases the old receive key when its time is over.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        if self.poll_timeout().is_some_and(|erase_at| erase_at <= now) {
            // BC-08.09: dropping a key erases it.
            self.previous = None;
            self.phases.on_erased();
        }
    }

    /// When a key is to be erased.
    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        self.previous.as_ref().and_then(|(_, erase_at)| *erase_at)
    }
}

#[cfg(test)]
mod tests;
