//! What a transport lets others see of its inside, for traces. Feature `qlog`.

use super::{Rtt, Transport};

/// A transport at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The round-trip time.
    pub rtt: Rtt,
    /// Probe timeouts in a row, without an answer.
    pub timeouts: u32,
    /// Bytes that congestion control allows in flight.
    pub window: u64,
    /// Bytes in flight.
    pub bytes_in_flight: u64,
    /// Packets in flight.
    pub packets_in_flight: usize,
    /// Bytes a second at which packets leave.
    pub pacing_rate: u64,
    /// Bytes of the largest packet that the path is known to carry.
    pub mtu: usize,
    /// What is known of ECN on the path: `testing`, `failed` or `capable`.
    pub ecn: &'static str,
    /// What congestion control is doing, if it has such states.
    pub congestion: Option<&'static str>,
}

impl Transport {
    /// Begins to note lost packets for [`take_lost`](Self::take_lost).
    pub(crate) fn watch_losses(&mut self) {
        self.recovery.watched_losses = Some(Vec::new());
    }

    /// The numbers of the packets declared lost since the last call.
    pub(crate) fn take_lost(&mut self) -> Vec<u64> {
        self.recovery.watched_losses.as_mut().map(core::mem::take).unwrap_or_default()
    }

    /// What is to be seen now.
    pub(crate) fn observe(&self) -> Observation {
        let recovery = &self.recovery;
        let path = &recovery.path;
        Observation {
            rtt: path.rtt,
            timeouts: self.unanswered_probes(),
            window: path.controller.window(),
            bytes_in_flight: recovery.sent.bytes(),
            packets_in_flight: recovery.sent.count(),
            pacing_rate: path.pacing_rate(),
            mtu: path.mtu.size(),
            ecn: path.ecn.name(),
            congestion: path.controller.phase(),
        }
    }
}
