//! What comes in: datagrams find their owner, answers find who asked.

use super::Node;
use super::api::{Event, Failure, Input, NodeUpdate};
use super::channels::joined::JoinedChannel;
use super::log::LogLevel;
use super::outbox::requests::Pending;
use super::sessions::handshakes::Context;
use crate::base::addr;
use crate::base::ids::{ChannelHandle, RequestId};
use crate::base::time::Now;
use crate::crypto::gate::{Envelope, Kind};
use crate::handshake::Rejected;
use crate::link::{Verdict, Via};
use crate::transport::Ecn;
use crate::wire::packet;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

impl Node {
    /// Hands in something that happened in the world.
    pub fn handle_input(&mut self, now: Now, input: Input<'_>) {
        let now = self.advance(now);
        self.slept |= matches!(input, Input::Resumed);
        self.wake_up(now);
        let fx = &mut self.fx;
        match input {
            Input::Datagram { socket, from, local, ecn, stride, data } => {
                let from = addr::canonical(from);
                let stride = if stride == 0 { data.len().max(1) } else { stride };
                fx.outbox.answering = local.map(|local| (from, local.to_canonical()));
                for datagram in data.chunks_mut(stride) {
                    self.on_datagram(now, Via::Udp { socket, remote: from }, ecn, datagram);
                }
            }
            Input::Bound { request, socket, local } => {
                if self.discovery.own.on_bound(&mut fx.outbox, request, socket, local) {
                    self.on_addresses();
                }
            }
            Input::Interfaces(addresses) => self.on_interfaces(now, addresses),
            // It was dealt with above, before anything else.
            Input::Resumed => {}
            Input::Resolved { request, addresses } => {
                if !self.discovery.on_dht_resolved(now.mono, request, addresses, fx) {
                    self.discovery.on_resolved(now, request, addresses, fx);
                }
            }
            Input::Opened { request, stream } => {
                self.discovery.on_opened(now, request, stream, fx);
            }
            Input::Readable { stream, data } => {
                self.discovery.on_stream(now, stream, Some(data), fx);
            }
            Input::Closed { stream } => self.discovery.on_stream(now, stream, None, fx),
            Input::Persisted { request } => self.on_persist_answer(now, request, Ok(())),
            Input::Loaded { request, records, more } => self.on_loaded(request, &records, more),
            Input::Failed { request, failure } => self.on_failed(now, request, failure),
        }
        self.settle(now, Vec::new());
        self.fx.outbox.answering = None;
    }

    fn on_interfaces(&mut self, now: Now, addresses: &[IpAddr]) {
        if self.discovery.own.set_interfaces(addresses) {
            // BC-07.85
            self.sessions.forget_paths();
            self.discovery.dht.on_network_change(now.mono);
            self.on_addresses();
            self.on_local_move(now);
            self.discovery.look_again(now.mono);
        }
    }

    fn on_datagram(&mut self, now: Now, via: Via, ecn: Option<Ecn>, datagram: &mut [u8]) {
        let outbox = &mut self.fx.outbox;
        outbox.stats.datagrams_in += 1;
        let Some(from) = via.remote() else { return };
        if from.port() == 0 {
            // Nobody can be answered there, and systems refuse what is sent to it (BC-11.64).
            outbox.stats.dropped_unknown += 1;
            let text = format_args!("a datagram from {from} is dropped: its port is 0");
            outbox.note(LogLevel::Debug, "meeting", text);
            return;
        }
        let link = packet::connection_id(datagram).and_then(|cid| self.sessions.by_cid(cid));
        if let Some(id) = link {
            let local = self.fx.outbox.local_to(from);
            let verdict = self.with_link(now, id, |link, rng, events| {
                let verdict = link.handle_datagram(now.mono, via, ecn, datagram, rng, events);
                if verdict == Verdict::Authentic {
                    link.set_local(via, local);
                }
                verdict
            });
            let stats = &mut self.fx.outbox.stats;
            let (counter, why) = match verdict {
                Some(Verdict::Authentic) => return self.on_authentic(now, id),
                Some(Verdict::Forged) => (&mut stats.dropped_auth, "it is forged"),
                Some(Verdict::Replayed) => (&mut stats.dropped_replay, "it came before"),
                None => (&mut stats.dropped_unknown, "its link is gone"),
            };
            *counter += 1;
            let text = format_args!("a packet from {from} on link {} is dropped: {why}", id.0);
            self.fx.outbox.note(LogLevel::Trace, "link", text);
            return;
        }
        let is_answer = self.discovery.on_datagram(now, from, datagram, &mut self.fx)
            || self.discovery.on_dht_datagram(now, from, datagram, &mut self.fx);
        if !is_answer && !self.on_envelope(now, from, datagram) {
            let outbox = &mut self.fx.outbox;
            outbox.stats.dropped_unknown += 1;
            let (len, why) = (datagram.len(), "it is of no channel, link or tracker of ours");
            let text = format_args!("{len} bytes from {from} are dropped: {why}");
            outbox.note(LogLevel::Debug, "meeting", text);
        }
    }

    /// Tries the keys of every channel on what may be a probe or handshake. Whoever lacks them gets
    /// no answer, whatever it sends (BC-04.20).
    fn on_envelope(&mut self, now: Now, from: SocketAddr, datagram: &mut [u8]) -> bool {
        let Some(wall) = now.wall else { return false };
        let Some(envelope) = Envelope::new(datagram) else { return false };
        let proves = |joined: &&JoinedChannel| envelope.proves(&joined.keys, wall.day());
        let Some(joined) = self.channels.live().find(proves) else { return false };
        let body = envelope.unmask(&joined.keys);
        if self.shutting_down {
            return true;
        }
        let channel = joined.handle;
        let mut effects = Vec::new();
        let mut context = Context {
            now: now.mono,
            wall,
            channel,
            keys: &joined.keys,
            links: &self.sessions.links,
            rng: &mut self.fx.rng,
            effects: &mut effects,
        };
        let result = self.sessions.handshakes.on_body(&mut context, from, body);
        let text = Heard { channel, from, result: &result };
        self.fx.outbox.note(LogLevel::Debug, "meeting", text);
        match result {
            Ok(Kind::Probe) => self.fx.outbox.stats.probes_answered += 1,
            Ok(Kind::Hs1) => {
                if let Some(search) = self.discovery.get_mut(channel) {
                    search.candidates.on_heard(now.mono, from);
                }
            }
            _ => {}
        }
        self.on_handshake_effects(now, effects);
        true
    }

    fn on_failed(&mut self, now: Now, request: RequestId, failure: Failure) {
        let Some(pending) = self.fx.outbox.take_request(request, |pending| Some(pending.clone()))
        else {
            return self.on_persist_answer(now, request, Err(failure));
        };
        match pending {
            Pending::Bind(family) => {
                self.fx.outbox.tell(Event::Node(NodeUpdate::ListenFailed { family, failure }));
                self.on_addresses();
            }
            Pending::Tracker(handle, query) => {
                let failure = failure.to_string();
                self.discovery.on_failed(now, handle, query, &failure, &mut self.fx);
            }
            Pending::Dht(name, port) => self.discovery.dht.on_failed(now.mono, &name, port),
            Pending::Load(load) => self.on_load_failed(load, failure),
        }
    }

    fn on_persist_answer(&mut self, now: Now, request: RequestId, result: Result<(), Failure>) {
        let stored = self.store.on_persist_answer(&mut self.fx.outbox, request, result);
        for owner in stored {
            self.on_stored(now, owner);
        }
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
