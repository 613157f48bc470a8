//! Small facts that the link announces reliably.

use super::builder::PacketBuilder;
use super::error::QueueError;
use super::sent::SentFrame;
use crate::wire::frame::{Frame, NewConnectionId};
use crate::wire::varint;
use core::net::SocketAddr;
use std::collections::VecDeque;

/// Announcements that are queued or in flight at once.
const MAX_ANNOUNCEMENTS: usize = 32;

/// What the link tells its peer; repeated until acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// An id under which this side accepts packets.
    NewConnectionId(NewConnectionId),
    /// This side no longer sends under the id that the peer numbered so.
    RetireConnectionId(u64),
    /// Where the peer's packets come from. A lost one is repeated only if no newer was announced.
    ObservedAddress(SocketAddr),
}

impl Announcement {
    const fn frame(&self) -> Frame<'static> {
        match *self {
            Self::NewConnectionId(new) => Frame::NewConnectionId(new),
            Self::RetireConnectionId(sequence) => Frame::RetireConnectionId { sequence },
            Self::ObservedAddress(address) => Frame::ObservedAddress(address),
        }
    }

    const fn is_representable(&self) -> bool {
        match self {
            Self::NewConnectionId(new) => {
                new.sequence <= varint::MAX && new.retire_prior_to <= new.sequence
            }
            Self::RetireConnectionId(sequence) => *sequence <= varint::MAX,
            Self::ObservedAddress(_) => true,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Announcements {
    queue: VecDeque<Announcement>,
    /// Everything not acknowledged, queued or in flight.
    open: Vec<Announcement>,
}

impl Announcements {
    pub(super) fn push(&mut self, announcement: Announcement) -> Result<(), QueueError> {
        if !announcement.is_representable() {
            return Err(QueueError::Number);
        }
        if let Announcement::ObservedAddress(_) = announcement {
            let other = |other: &Announcement| !matches!(other, Announcement::ObservedAddress(_));
            self.queue.retain(other);
            self.open.retain(other);
        }
        if self.open.contains(&announcement) {
            return Ok(());
        }
        if self.open.len() >= MAX_ANNOUNCEMENTS {
            return Err(QueueError::Full);
        }
        self.open.push(announcement);
        self.queue.push_back(announcement);
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn write(&mut self, packet: &mut PacketBuilder<'_>) {
        while let Some(next) = self.queue.front()
            && packet.put_recorded(&next.frame(), SentFrame::Announcement(*next))
        {
            self.queue.pop_front();
        }
    }

    pub(super) fn on_acked(&mut self, announcement: Announcement) {
        self.open.retain(|open| *open != announcement);
        self.queue.retain(|queued| *queued != announcement);
    }

    pub(super) fn on_lost(&mut self, announcement: Announcement) {
        if self.open.contains(&announcement) && !self.queue.contains(&announcement) {
            self.queue.push_back(announcement);
        }
    }
}

#[cfg(test)]
mod tests;
