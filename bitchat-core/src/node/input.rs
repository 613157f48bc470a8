//! What comes in: datagrams find their owner, answers find who asked.

use super::Node;
use super::api::{Failure, Input};
use super::channels::joined::Ticket;
use super::log::LogLevel;
use super::outbox::requests::Pending;
use super::sessions::handshakes::Context;
use super::store::write_queue::Outcome;
use crate::base::ids::{ChannelHandle, RequestId, StreamId};
use crate::base::time::Now;
use crate::crypto::gate::{Envelope, Kind};
use crate::handshake::Rejected;
use crate::link::{Verdict, Via};
use crate::node::api::Action;
use crate::transport::Ecn;
use crate::wire::packet;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

impl Node {
    /// Hands in something that happened in the world.
    pub fn handle_input(&mut self, now: Now, input: Input<'_>) {
        let now = self.advance(now);
        match input {
            Input::Datagram { socket, from, ecn, stride, data } => {
                let from = SocketAddr::new(from.ip().to_canonical(), from.port());
                let stride = if stride == 0 { data.len().max(1) } else { stride };
                for datagram in data.chunks_mut(stride) {
                    self.on_datagram(now, Via { socket, remote: from }, ecn, datagram);
                }
            }
            Input::Bound { request, socket, local } => self.on_bound(request, socket, local),
            Input::Interfaces(addresses) => {
                if self.sockets.set_interfaces(addresses) {
                    // BC-07.85
                    self.paths.forget_all();
                    self.on_addresses();
                    self.on_local_move(now);
                }
            }
            Input::Resolved { request, addresses } => self.on_resolved(now, request, addresses),
            Input::Opened { request, stream } => self.on_opened(now, request, stream),
            Input::Readable { stream, data } => self.on_stream(now, stream, Some(data)),
            Input::Closed { stream } => self.on_stream(now, stream, None),
            Input::Persisted { request } => self.on_persist_answer(now, request, Ok(())),
            Input::Loaded { request, records, more } => self.on_loaded(request, &records, more),
            Input::Failed { request, failure } => self.on_failed(now, request, failure),
        }
        self.settle(now);
    }

    fn on_datagram(&mut self, now: Now, via: Via, ecn: Option<Ecn>, datagram: &mut [u8]) {
        self.stats.datagrams_in += 1;
        let from = via.remote;
        if from.port() == 0 {
            // Nobody can be answered there, and systems refuse what is sent to it (BC-11.64).
            self.stats.dropped_unknown += 1;
            let text = format_args!("a datagram from {from} is dropped: its port is 0");
            self.log.add(now.mono, LogLevel::Debug, "meeting", text);
            return;
        }
        let link = packet::connection_id(datagram).and_then(|cid| self.by_cid.get(&cid).copied());
        if let Some(id) = link {
            let verdict = self.with_link(now, id, |link, rng, events| {
                link.handle_datagram(now.mono, via, ecn, datagram, rng, events)
            });
            let (counter, why) = match verdict {
                Some(Verdict::Authentic) => return self.on_authentic(now, id),
                Some(Verdict::Forged) => (&mut self.stats.dropped_auth, "it is forged"),
                Some(Verdict::Replayed) => (&mut self.stats.dropped_replay, "it came before"),
                None => (&mut self.stats.dropped_unknown, "its link is gone"),
            };
            *counter += 1;
            let text = format_args!("a packet from {from} on link {} is dropped: {why}", id.0);
            self.log.add(now.mono, LogLevel::Trace, "link", text);
            return;
        }
        if !self.on_tracker_datagram(now, from, datagram) && !self.on_envelope(now, from, datagram)
        {
            self.stats.dropped_unknown += 1;
            let (len, why) = (datagram.len(), "it is of no channel, link or tracker of ours");
            let text = format_args!("{len} bytes from {from} are dropped: {why}");
            self.log.add(now.mono, LogLevel::Debug, "meeting", text);
        }
    }

    fn on_tracker_datagram(&mut self, now: Now, from: SocketAddr, datagram: &[u8]) -> bool {
        let handles: Vec<ChannelHandle> = self.channels.keys().copied().collect();
        handles.into_iter().any(|handle| {
            self.with_announcer(now, handle, |announcer, rng, asked| {
                announcer.on_datagram(now.mono, from, datagram, rng, asked)
            }) == Some(true)
        })
    }

    /// Tries the keys of every channel on what may be a probe or handshake. Whoever lacks them gets
    /// no answer, whatever it sends (BC-04.20).
    fn on_envelope(&mut self, now: Now, from: SocketAddr, datagram: &mut [u8]) -> bool {
        let Some(wall) = now.wall else { return false };
        let Some(envelope) = Envelope::new(datagram) else { return false };
        let mut live = self.channels.values().filter(|joined| joined.channel().is_some());
        let Some(joined) = live.find(|joined| envelope.proves(&joined.keys, wall.day())) else {
            return false;
        };
        let body = envelope.unmask(&joined.keys);
        let (channel, keys) = (joined.handle, &joined.keys);
        let about = Context { now: now.mono, wall, channel, keys, links: &self.links };
        if !self.shutting_down {
            let result = self.meeting.on_body(about, &mut self.rng, from, body);
            let text = Heard { channel, from, result: &result };
            self.log.add(now.mono, LogLevel::Debug, "meeting", text);
            match result {
                Ok(Kind::Probe) => self.stats.probes_answered += 1,
                Ok(Kind::Hs1) => {
                    if let Some(joined) = self.channels.get_mut(&channel) {
                        joined.candidates.on_heard(now.mono, from);
                    }
                }
                _ => {}
            }
        }
        self.act_on_met(now);
        true
    }

    fn on_resolved(&mut self, now: Now, request: RequestId, addresses: &[IpAddr]) {
        let Some(Pending::Tracker(handle, query)) = self.requests.get(&request).cloned() else {
            return;
        };
        self.requests.remove(&request);
        self.with_announcer(now, handle, |announcer, rng, asked| {
            announcer.on_resolved(now.mono, query, addresses, rng, asked);
        });
    }

    fn on_opened(&mut self, now: Now, request: RequestId, stream: StreamId) {
        let Some(Pending::Tracker(handle, query)) = self.requests.get(&request).cloned() else {
            // Given up meanwhile.
            self.actions.push_back(Action::Close { stream });
            return;
        };
        self.requests.remove(&request);
        self.streams.insert(stream, (handle, query));
        self.with_announcer(now, handle, |announcer, rng, asked| {
            announcer.on_opened(now.mono, query, rng, asked);
        });
    }

    /// Bytes, or the end, of a stream.
    fn on_stream(&mut self, now: Now, stream: StreamId, data: Option<&[u8]>) {
        let Some((handle, query)) = self.streams.get(&stream).copied() else { return };
        if data.is_none() {
            self.streams.remove(&stream);
        }
        self.with_announcer(now, handle, |announcer, rng, asked| match data {
            Some(data) => announcer.on_readable(now.mono, query, data, rng, asked),
            None => announcer.on_closed(now.mono, query, rng, asked),
        });
    }

    fn on_failed(&mut self, now: Now, request: RequestId, failure: Failure) {
        let Some(pending) = self.requests.remove(&request) else {
            return self.on_persist_answer(now, request, Err(failure));
        };
        match pending {
            Pending::Bind(family) => self.on_bind_failed(family, failure),
            Pending::Tracker(handle, query) => {
                self.with_announcer(now, handle, |announcer, rng, asked| {
                    announcer.on_failed(now.mono, query, &failure.to_string(), rng, asked);
                });
            }
            Pending::Load(load) => self.on_load_failed(now, load, failure),
        }
    }

    fn on_persist_answer(&mut self, now: Now, request: RequestId, result: Result<(), Failure>) {
        match self.ledger.on_answer(now.mono, request, result) {
            Some(Outcome::Stored(tickets)) => {
                self.on_store_works();
                for ticket in tickets {
                    self.on_stored(now, ticket);
                }
            }
            Some(Outcome::Refused(failure)) => self.on_store_failed(failure),
            None => {}
        }
    }

    /// What waited for the store may happen now.
    pub(super) fn on_stored(&mut self, now: Now, ticket: Ticket) {
        self.with_channel(now, ticket.channel, |joined, world| {
            joined.on_persisted(now, ticket.ticket, world);
        });
    }
}

/// What a datagram of a meeting was, in words.
struct Heard<'a> {
    channel: ChannelHandle,
    from: SocketAddr,
    result: &'a Result<Kind, Rejected>,
}

impl fmt::Display for Heard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { channel, from, result } = self;
        write!(f, "channel {}: ", channel.0)?;
        match result {
            Ok(Kind::Probe) => write!(f, "a probe from {from} is answered"),
            Ok(Kind::ProbeAck) => write!(f, "a member answers our probe at {from}"),
            Ok(Kind::Hs1) => write!(f, "{from} begins a handshake"),
            Ok(Kind::Hs2) => write!(f, "{from} goes on with our handshake"),
            Ok(Kind::Hs3) => write!(f, "{from} finishes its handshake"),
            Err(why) => write!(f, "a datagram of a meeting from {from} is ignored: {why}"),
        }
    }
}
