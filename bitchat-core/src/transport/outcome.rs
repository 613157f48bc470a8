//! What becomes of the frames of packets that were acknowledged or lost.

use super::Transport;
use super::packet::contents::SentFrame;

impl Transport {
    /// Tells the owners of frames that the peer got them.
    pub(super) fn on_frames_acked(&mut self) {
        let mut frames = core::mem::take(&mut self.acked);
        for frame in frames.drain(..) {
            match frame {
                SentFrame::Ack { largest } => self.acks.on_ack_acked(largest),
                SentFrame::Stream { id, start, end, fin, .. } => {
                    self.streams.on_data_acked(id, start..end, fin);
                }
                SentFrame::ResetStream(id) => self.streams.on_reset_acked(id),
                SentFrame::Announcement(announcement) => self.announcements.on_acked(announcement),
                SentFrame::StopSending(_)
                | SentFrame::MaxData
                | SentFrame::MaxStreams
                | SentFrame::MaxStreamData(_)
                | SentFrame::AckFrequency { .. } => {}
            }
        }
        self.acked = frames;
    }

    /// Puts the frames of lost packets in line again.
    pub(super) fn repeat_lost(&mut self) {
        let mut frames = core::mem::take(&mut self.lost);
        if !frames.is_empty() {
            self.wake();
        }
        for frame in frames.drain(..) {
            match frame {
                SentFrame::Ack { .. } => {}
                SentFrame::Stream { id, start, end, fin, .. } => {
                    self.streams.on_data_lost(id, start..end, fin);
                }
                SentFrame::ResetStream(id) => self.streams.on_reset_lost(id),
                SentFrame::StopSending(id) => self.streams.on_stop_lost(id),
                SentFrame::MaxData => self.streams.on_link_credit_lost(),
                SentFrame::MaxStreams => self.streams.on_open_limit_lost(),
                SentFrame::MaxStreamData(id) => self.streams.on_stream_credit_lost(id),
                SentFrame::Announcement(announcement) => self.announcements.on_lost(announcement),
                SentFrame::AckFrequency { sequence } => self.recovery.ask.on_lost(sequence),
            }
        }
        self.lost = frames;
    }
}
