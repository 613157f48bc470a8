//! Small facts that the link announces, and repeats until they are acknowledged.

use super::builder::PacketBuilder;
use super::contents::{Announcement, SentFrame};
use crate::transport::error::QueueError;
use std::collections::VecDeque;

/// Announcements that are queued or in flight at once.
const MAX_ANNOUNCEMENTS: usize = 32;

/// The announcements of a link until the peer has acknowledged them.
#[derive(Debug, Default)]
pub(in crate::transport) struct Announcements {
    queue: VecDeque<Announcement>,
    /// Everything not acknowledged, queued or in flight.
    open: Vec<Announcement>,
}

impl Announcements {
    pub(in crate::transport) fn push(
        &mut self,
        announcement: Announcement,
    ) -> Result<(), QueueError> {
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

    pub(in crate::transport) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(in crate::transport) fn write(&mut self, packet: &mut PacketBuilder<'_>) {
        while let Some(next) = self.queue.front()
            && packet.put_recorded(&next.frame(), SentFrame::Announcement(*next))
        {
            self.queue.pop_front();
        }
    }

    pub(in crate::transport) fn on_acked(&mut self, announcement: Announcement) {
        self.open.retain(|open| *open != announcement);
        self.queue.retain(|queued| *queued != announcement);
    }

    pub(in crate::transport) fn on_lost(&mut self, announcement: Announcement) {
        if self.open.contains(&announcement) && !self.queue.contains(&announcement) {
            self.queue.push_back(announcement);
        }
    }
}

#[cfg(test)]
mod tests;
