//! Credit: how much a side may send before the other has consumed it (RFC 9000 §4).

/// Credit that we grant.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceiveCredit {
    /// Bytes that may be unread at once.
    window: u64,
    received: u64,
    consumed: u64,
    /// The limit that the peer knows of, or will once our frame arrives.
    granted: u64,
}

/// The peer used more than it was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exceeded;

impl ReceiveCredit {
    /// Before anything is received the peer may send `initial` bytes.
    pub(super) const fn new(initial: u64, window: u64) -> Self {
        Self { window, received: 0, consumed: 0, granted: initial }
    }

    pub(super) fn on_received(&mut self, bytes: u64) -> Result<(), Exceeded> {
        let received = self.received.saturating_add(bytes);
        if received > self.granted {
            return Err(Exceeded);
        }
        self.received = received;
        Ok(())
    }

    /// Bytes left the buffer. True if the peer is to be told of new credit: not for every byte, but
    /// long before it runs out.
    pub(super) fn on_consumed(&mut self, bytes: u64) -> bool {
        self.consumed = (self.consumed + bytes).min(self.received);
        self.consumed + self.window >= self.granted + self.window / 4
    }

    /// The limit to announce.
    pub(super) fn grant(&mut self) -> u64 {
        self.granted = self.granted.max(self.consumed + self.window);
        self.granted
    }

    pub(super) const fn received(&self) -> u64 {
        self.received
    }

    pub(super) const fn unread(&self) -> u64 {
        self.received - self.consumed
    }
}
