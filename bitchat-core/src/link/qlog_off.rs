//! In place of `qlog.rs` where it is not built: the same calls, and nothing behind them.

use super::{Ended, Verdict};
use crate::base::time::Timestamp;
use crate::base::via::Via;
use crate::transport::Transport;
use crate::wire::packet::Header;

/// Tells nothing.
#[derive(Debug, Default)]
pub(super) struct Tracer {}

#[expect(clippy::unused_self, reason = "the calls of the other one")]
impl Tracer {
    pub(super) const fn packet_sent(&mut self, _: Timestamp, _: &Header, _: &[u8], _: bool) {}
    pub(super) const fn packet_received(&mut self, _: Timestamp, _: &Header, _: &[u8], _: usize) {}
    pub(super) const fn packet_dropped(&mut self, _: Timestamp, _: usize, _: Verdict) {}
    pub(super) const fn key_updated(&mut self, _: Timestamp, _: u64) {}
    pub(super) const fn moved(&mut self, _: Timestamp, _: Via) {}
    pub(super) const fn closed(&mut self, _: Timestamp, _: &Ended) {}
    pub(super) const fn observe(&mut self, _: Timestamp, _: &mut Transport) {}
}
