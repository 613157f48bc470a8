//! Names of streams.

use super::config::Side;
use core::fmt;

/// A stream of one session. Bit 0 says who opened it (0: the session's initiator), the rest counts
/// that side's streams from 0. Stream 0 is the control stream, which exists from the start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransportStreamId(u64);

impl TransportStreamId {
    /// The control stream.
    pub const CONTROL: Self = Self(0);

    pub(crate) const fn from_wire(id: u64) -> Self {
        Self(id)
    }

    pub(super) const fn new(opener: Side, index: u64) -> Self {
        Self(index << 1 | opener_bit(opener))
    }

    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Who opened it.
    #[must_use]
    pub const fn opener(self) -> Side {
        if self.0 & 1 == opener_bit(Side::Initiator) { Side::Initiator } else { Side::Responder }
    }

    /// Its position among the streams of its opener.
    #[must_use]
    pub const fn index(self) -> u64 {
        self.0 >> 1
    }

    /// Whether it is the control stream.
    #[must_use]
    pub const fn is_control(self) -> bool {
        self.0 == Self::CONTROL.0
    }
}

const fn opener_bit(side: Side) -> u64 {
    match side {
        Side::Initiator => 0,
        Side::Responder => 1,
    }
}

impl fmt::Debug for TransportStreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream {}", self.0)
    }
}
