//! What happens on a link as a qlog trace (spec 13): for tools that draw it. Feature `qlog`.
//!
//! The rest of the link calls the [`Tracer`] whether or not anybody listens. Built without the
//! feature, its place is taken by `qlog_off.rs`, whose calls are nothing.

mod frame;
mod record;
#[cfg(test)]
mod tests;

use super::{Ended, Link, Verdict};
use crate::base::ids::{ConnectionId, LinkId};
use crate::base::time::Timestamp;
use crate::base::via::Via;
use crate::crypto::noise::Role;
use crate::crypto::suite::TAG_LEN;
use crate::transport::{Observation, Transport};
use crate::wire::packet::Header;
use record::{
    Closed, Data, Dropped, KeyUpdated, Lost, Metrics, Migrated, Packet, PacketHeader, Raw, Started,
    Tuple, event, head, updated,
};
use std::collections::VecDeque;
use std::sync::Arc;

/// Bytes of a link's records that wait to be taken; then further ones are lost (BC-13.23).
const MAX_WAITING: usize = 4 << 20;

/// One record of the trace of a link, as JSON text (RFC 7464 puts 0x1e before it and a line feed
/// behind it). The first record of each trace is its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QlogRecord {
    /// Which link.
    pub link: LinkId,
    /// The name of the trace, fit for a file: the session's connection ids, then `client` where the
    /// node began the session and `server` where its peer did.
    pub trace: Arc<str>,
    /// The record.
    pub text: String,
    /// Records behind this one that were lost, because nobody took them in time.
    pub lost: u64,
}

/// Tells what happens, if that is asked for.
#[derive(Debug, Default)]
pub(super) struct Tracer(Option<Box<Trace>>);

#[derive(Debug)]
struct Trace {
    name: Arc<str>,
    role: Role,
    /// Records that nobody has taken yet.
    records: VecDeque<String>,
    /// Their bytes.
    waiting: usize,
    /// Records lost behind the newest that is kept.
    lost: u64,
    /// What was told last, so that only changes are told.
    seen: Option<Observation>,
    metrics: Metrics,
}

impl Tracer {
    /// Begins a trace with its head.
    fn new(
        now: Timestamp,
        role: Role,
        [local, remote]: [ConnectionId; 2],
        via: Via,
        transport: &mut Transport,
    ) -> Self {
        transport.watch_losses();
        let group = match role {
            Role::Initiator => format!("{local}-{remote}"),
            Role::Responder => format!("{remote}-{local}"),
        };
        let mut trace = Trace::new(&group, role);
        let remote = Tuple::of_peer(via);
        trace.tell(now, &Data::Started(Started { local: Tuple::default(), remote }));
        let mut tracer = Self(Some(Box::new(trace)));
        tracer.observe(now, transport);
        tracer
    }

    fn tell<'a>(&mut self, now: Timestamp, data: impl FnOnce(Role) -> Data<'a>) {
        if let Some(trace) = &mut self.0 {
            trace.tell(now, &data(trace.role));
        }
    }

    /// `packet` leaves once it is sealed: its frames lie between the room for header and tag.
    pub(super) fn packet_sent(
        &mut self,
        now: Timestamp,
        header: &Header,
        packet: &[u8],
        probe: bool,
    ) {
        let payload = header.len()..packet.len().saturating_sub(TAG_LEN);
        let frames = packet.get(payload).unwrap_or_default();
        self.tell(now, |_| Data::Sent(describe(header, frames, packet.len(), probe)));
    }

    /// An authentic packet of `len` bytes came.
    pub(super) fn packet_received(
        &mut self,
        now: Timestamp,
        header: &Header,
        payload: &[u8],
        len: usize,
    ) {
        self.tell(now, |_| Data::Received(describe(header, payload, len, false)));
    }

    /// A datagram came that was not taken.
    pub(super) fn packet_dropped(&mut self, now: Timestamp, len: usize, verdict: Verdict) {
        self.tell(now, |_| Data::Dropped(Dropped::new(len, verdict)));
    }

    /// New keys are used for sending.
    pub(super) fn key_updated(&mut self, now: Timestamp, number: u64) {
        self.tell(now, |role| Data::KeyUpdated(KeyUpdated::new(role, number)));
    }

    /// Packets go to another address now.
    pub(super) fn moved(&mut self, now: Timestamp, via: Via) {
        self.tell(now, |_| Data::Migrated(Migrated::to(via)));
    }

    /// The link is over.
    pub(super) fn closed(&mut self, now: Timestamp, why: &Ended) {
        self.tell(now, |_| Data::Closed(Closed::new(why)));
    }

    /// Tells what has changed in the transport.
    pub(super) fn observe(&mut self, now: Timestamp, transport: &mut Transport) {
        let Some(trace) = &mut self.0 else { return };
        for pn in transport.take_lost() {
            trace.tell(now, &Data::Lost(Lost::new(pn)));
        }
        let next = transport.observe();
        if let Some(seen) = trace.seen.replace(next) {
            trace.tell_states(now, &seen, &next);
        }
        trace.tell_metrics(now, Metrics::of(&next));
    }
}

impl Trace {
    fn new(group: &str, role: Role) -> Self {
        let vantage = match role {
            Role::Initiator => "client",
            Role::Responder => "server",
        };
        Self {
            name: format!("{group}-{vantage}").into(),
            role,
            records: VecDeque::from([head(group, vantage)]),
            waiting: 0,
            lost: 0,
            seen: None,
            metrics: Metrics::default(),
        }
    }

    fn tell(&mut self, now: Timestamp, data: &Data<'_>) {
        let record = event(now, data);
        let bytes = self.waiting + record.as_ref().map_or(0, String::len);
        // Behind a gap nothing follows until it was told of.
        if self.lost > 0 || bytes > MAX_WAITING {
            self.lost += 1;
        } else {
            self.waiting = bytes;
            self.records.extend(record);
        }
    }

    fn tell_states(&mut self, now: Timestamp, old: &Observation, new: &Observation) {
        if new.mtu != old.mtu {
            self.tell(now, &Data::Mtu(updated(old.mtu, new.mtu)));
        }
        if new.ecn != old.ecn {
            self.tell(now, &Data::Ecn(updated(old.ecn, new.ecn)));
        }
        if let (Some(old), Some(new)) = (old.congestion, new.congestion)
            && old != new
        {
            self.tell(now, &Data::Congestion(updated(old, new)));
        }
    }

    fn tell_metrics(&mut self, now: Timestamp, metrics: Metrics) {
        let changed = metrics.since(&self.metrics);
        self.metrics = metrics;
        if changed != Metrics::default() {
            self.tell(now, &Data::Metrics(changed));
        }
    }
}

impl Link {
    /// Tells what happens on the link from now on.
    pub(crate) fn begin_trace(&mut self, now: Timestamp) {
        let ids = [self.session.local_cid, self.session.remote_cid];
        self.tracer = Tracer::new(now, self.session.role, ids, self.via(), &mut self.transport);
    }

    /// The next record of its trace, oldest first.
    pub(crate) fn poll_trace(&mut self) -> Option<QlogRecord> {
        let trace = self.tracer.0.as_mut()?;
        let text = trace.records.pop_front()?;
        trace.waiting = trace.waiting.saturating_sub(text.len());
        let lost = if trace.records.is_empty() { core::mem::take(&mut trace.lost) } else { 0 };
        Some(QlogRecord { link: self.id, trace: trace.name.clone(), text, lost })
    }
}

fn describe<'a>(header: &Header, payload: &'a [u8], len: usize, probe: bool) -> Packet<'a> {
    Packet {
        header: PacketHeader::new(header),
        raw: Raw { length: len, payload_length: payload.len() },
        is_mtu_probe_packet: probe.then_some(true),
        frames: frame::first(payload),
    }
}
