//! Carrying out what a machine sends and asks.

use super::{Answer, Planned, World};
use crate::machine::Machine;
use crate::net::HostId;
use crate::trace::fingerprint;
use bitchat_core::base::ids::{RequestId, SocketId, StreamId};
use bitchat_core::node::{Action, Failure, Family, Transmit, TransmitPoll};
use core::time::Duration;
use std::net::IpAddr;

/// The largest UDP payload.
const MAX_DATAGRAM: usize = 65_507;

impl<M: Machine> World<M> {
    /// Takes one transmit; whether there was one. Now and then the buffer offered is too small at
    /// first, and only one segment is wanted.
    pub(super) fn transmit(&mut self, host: HostId) -> bool {
        let now = self.host_now(host);
        let mut buffer = core::mem::take(&mut self.buffer);
        let small = self.chance.chance(0.05);
        buffer.resize(if small { self.chance.index(200) } else { 65_536 }, 0);
        let segments = if self.chance.chance(0.1) { 1 } else { self.driver.max_segments };
        let Some(machine) = &mut self.host_mut(host).machine else { return false };
        let mut poll = machine.poll_transmit(now, segments, &mut buffer);
        if let TransmitPoll::NeedSpace(space) = poll {
            if space <= buffer.len() || space > 65_536 {
                self.fail(&format!("{host:?} wants {space} bytes where {} are", buffer.len()));
            }
            buffer.resize(space, 0);
            let machine = self.host_mut(host).machine.as_mut();
            poll = machine.map_or(TransmitPoll::Pending, |machine| {
                machine.poll_transmit(now, segments, &mut buffer)
            });
            // It may have asked for the room before it knew that there is nothing to send.
            if let TransmitPoll::NeedSpace(more) = poll {
                self.fail(&format!("{host:?} got {space} bytes and now wants {more}"));
            }
        }
        let ready = if let TransmitPoll::Ready(transmit) = poll {
            self.send(host, &transmit, segments, &buffer);
            true
        } else {
            false
        };
        self.buffer = buffer;
        ready
    }

    fn send(&mut self, host: HostId, transmit: &Transmit, segments: usize, buffer: &[u8]) {
        let Transmit { socket, to, len, segment_size, ecn, local } = *transmit;
        let bound = self.host(host).sockets.get(&socket).copied();
        let stride = segment_size.unwrap_or(len);
        let port = bound.filter(|(family, _)| *family == Family::of(&to)).map(|(_, port)| port);
        let fits = stride > 0 && len <= buffer.len() && len.div_ceil(stride) <= segments;
        let sane = to.port() != 0 && !to.ip().is_unspecified() && stride <= MAX_DATAGRAM;
        let (Some(port), true) = (port, fits && sane) else {
            self.fail(&format!("{host:?} sends nonsense: {transmit:?} of {segments} segments"));
        };
        for datagram in buffer[..len].chunks(stride) {
            let (len, hash) = (datagram.len(), fingerprint(datagram));
            self.trace.outward(self.now, format_args!("{} sent {len} {hash} {to}", host.0));
            let counters = &mut self.host_mut(host).counters;
            counters.sent += 1;
            counters.sent_bytes += len as u64;
            self.net.send_from(self.now, host, (local, port), to, ecn, datagram.to_vec());
        }
    }

    /// Takes one action; whether there was one.
    pub(super) fn act(&mut self, host: HostId) -> bool {
        let Some(machine) = &mut self.host_mut(host).machine else { return false };
        let Some(action) = machine.poll_action() else { return false };
        self.note(host, &action);
        match action {
            Action::BindUdp { request, family, port } => self.bind(host, request, family, port),
            Action::Resolve { request, host: name } => self.resolve(host, request, &name),
            Action::OpenTcp { request, remote, tls } => {
                self.expect(host, request);
                let stream = self.net.connect(self.now, host, remote);
                self.host_mut(host).opening.insert(stream, (request, tls));
            }
            Action::Write { stream, data } => {
                if self.owns(host, stream) {
                    self.net.write(self.now, stream, &data);
                }
            }
            Action::Close { stream } => {
                if self.owns(host, stream) {
                    self.host_mut(host).streams.remove(&stream);
                    self.net.close(self.now, stream);
                }
            }
            Action::Persist { request, changes } => {
                self.expect(host, request);
                let now = self.now;
                let at = self.host_mut(host).disk.persist(now, request, changes);
                self.planned.push(at, Planned::Disk { host });
            }
            Action::Load { request, prefix, after, limit } => {
                self.expect(host, request);
                let now = self.now;
                let at = self.host_mut(host).disk.load(now, request, prefix, after, limit);
                self.planned.push(at, Planned::Disk { host });
            }
            other => {
                // A kind of action that is newer than this world would wait for ever.
                self.fail(&format!("the world cannot do {other:?}"));
            }
        }
        true
    }

    fn note(&mut self, host: HostId, action: &Action) {
        let host = host.0;
        match action {
            Action::Write { stream, data } => {
                let (len, hash) = (data.len(), fingerprint(data));
                self.trace
                    .outward(self.now, format_args!("{host} writes {len} {hash} to {}", stream.0));
            }
            Action::Persist { request, changes } => {
                let hash = fingerprint(format!("{changes:?}").as_bytes());
                let count = changes.len();
                self.trace
                    .outward(self.now, format_args!("{host} persists {request:?} {count} {hash}"));
            }
            action => self.trace.line(self.now, format_args!("{host} asks {action:?}")),
        }
    }

    /// Notes that an action waits for an answer.
    fn expect(&mut self, host: HostId, request: RequestId) {
        let state = self.host_mut(host);
        state.outstanding.insert(request);
        if !state.asked.insert(request) {
            self.fail(&format!("{host:?} used {request:?} twice"));
        }
    }

    /// A stream that has just been closed by the other side may still be written to; one that never
    /// was the machine's own may not.
    fn owns(&self, host: HostId, stream: StreamId) -> bool {
        let known = self.host(host).streams.contains(&stream);
        if !known && self.host(host).opening.contains_key(&stream) {
            self.fail(&format!("{host:?} uses {stream:?} before it is open"));
        }
        known
    }

    fn later(&mut self, host: HostId, after: Duration, request: RequestId, answer: Answer) {
        let life = self.host(host).life;
        self.planned.push(self.now + after, Planned::Answer { host, life, request, answer });
    }

    fn bind(&mut self, host: HostId, request: RequestId, family: Family, port: u16) {
        self.expect(host, request);
        let answer = match self.net.bind(host, family, port) {
            Ok(local) => {
                let socket = SocketId(self.sockets);
                self.sockets += 1;
                self.host_mut(host).sockets.insert(socket, (family, local.port()));
                Answer::Bound { socket, local }
            }
            Err(error) => Answer::Failed(Failure::Other(error.to_string())),
        };
        self.later(host, Duration::ZERO, request, answer);
    }

    fn resolve(&mut self, host: HostId, request: RequestId, name: &str) {
        self.expect(host, request);
        let literal = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let addresses = literal.map(|ip| vec![ip]).ok().or_else(|| self.names.get(name).cloned());
        let answer = match addresses {
            Some(addresses) => Answer::Resolved(addresses),
            None => Answer::Failed(Failure::Other(format!("no such host: {name}"))),
        };
        self.later(host, self.driver.resolve, request, answer);
    }
}
