//! Taking back what a controller did about losses that were none (after RFC 3522, RFC 5682).

use super::{Congestion, Spurious};
use crate::base::time::Timestamp;

/// Losses that a controller answered once, and what it had before.
///
/// Only if every one of them proves to be late is it given back: so the peer gains nothing that it
/// would not have had by acknowledging in time (BC-07.47).
#[derive(Debug)]
pub(super) struct Undo<Saved> {
    open: Option<Episode<Saved>>,
    /// When the last episode began.
    last: Option<Timestamp>,
}

#[derive(Debug)]
struct Episode<Saved> {
    /// Its first event.
    first: u64,
    /// Bytes lost and not yet proved to have arrived.
    lost: u64,
    /// More than late packets: a mark, or a whole period without any arriving.
    real: bool,
    saved: Saved,
}

impl<Saved> Default for Undo<Saved> {
    fn default() -> Self {
        Self { open: None, last: None }
    }
}

impl<Saved> Undo<Saved> {
    /// Whether a packet sent at `sent_at` left before the present episode began.
    pub(super) fn covers(&self, sent_at: Timestamp) -> bool {
        self.last.is_some_and(|last| sent_at <= last)
    }

    /// The controller is about to answer `event`, the first of an episode.
    pub(super) fn begin(&mut self, now: Timestamp, event: &Congestion, saved: Saved) {
        self.last = Some(now);
        self.open = Some(Episode { first: event.number, lost: 0, real: false, saved });
        self.note(event);
    }

    /// Another loss or mark of the episode.
    pub(super) fn note(&mut self, event: &Congestion) {
        if let Some(episode) = &mut self.open {
            episode.lost += event.bytes;
            episode.real |= event.bytes == 0 || event.persistent;
        }
    }

    /// A lost packet had arrived. Some if it was the last of the episode: what the
    /// controller had before.
    pub(super) fn on_spurious(&mut self, packet: &Spurious) -> Option<Saved> {
        let episode = self.open.as_mut()?;
        if packet.event < episode.first {
            return None;
        }
        episode.lost = episode.lost.saturating_sub(packet.bytes);
        let undone = episode.lost == 0 && !episode.real;
        if undone { self.open.take().map(|episode| episode.saved) } else { None }
    }
}

#[cfg(test)]
mod tests;
