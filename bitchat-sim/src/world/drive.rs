//! The loop: what happens next, handing it in, draining, and the checks on the way.

use super::{Answer, Planned, World};
use crate::disk::DiskAnswer;
use crate::machine::Machine;
use crate::net::{Arrival, HostId};
use crate::trace::fingerprint;
use bitchat_core::base::ids::{RequestId, StreamId};
use bitchat_core::base::time::Timestamp;
use bitchat_core::node::{Ecn, Failure, Family, Input, TransmitPoll};
use std::net::SocketAddr;

/// Rounds of draining after one input; a machine that needs more has no end.
const ROUNDS: usize = 100_000;
/// Datagrams handed in as one at most.
const COALESCED: usize = 16;

impl<M: Machine> World<M> {
    /// Goes on to the next moment at which something happens, not beyond `end`; false once `end`
    /// is reached.
    pub(super) fn step(&mut self, end: Timestamp) -> bool {
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        let next = [deadline, self.net.next_at(), self.planned.next_at()];
        let next = next.into_iter().flatten().min().filter(|next| *next <= end);
        self.now = self.now.max(next.unwrap_or(end));
        if next.is_none() {
            for host in self.hosts() {
                self.check_stranded(host);
            }
            return false;
        }
        while let Some(arrival) = self.next_arrival() {
            self.arrive(arrival);
        }
        while let Some(planned) = self.planned.pop_due(self.now) {
            self.fulfil(planned);
        }
        while let Some(&(at, host)) = self.deadlines.first()
            && at <= self.now
        {
            self.wake(host);
        }
        true
    }

    fn next_arrival(&mut self) -> Option<Arrival> {
        self.held.take().or_else(|| self.net.poll(self.now))
    }

    fn arrive(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Datagram { host, from, to, ecn, data } => {
                self.on_datagram(host, from, to, ecn, data);
            }
            Arrival::Connected { host, stream } => self.on_connected(host, stream),
            Arrival::Refused { host, stream, reason } => {
                if let Some((request, _)) = self.host_mut(host).opening.remove(&stream) {
                    let failure = Failure::Other(reason.to_owned());
                    self.answer(host, request, |request| Input::Failed { request, failure });
                }
            }
            Arrival::Accepted { host, stream, from, .. } => {
                if let Some(tracker) = &mut self.host_mut(host).tracker {
                    tracker.on_accepted(stream, from);
                }
            }
            Arrival::Readable { host, stream, data } => self.on_readable(host, stream, &data),
            Arrival::Closed { host, stream } => {
                let state = self.host_mut(host);
                if let Some(tracker) = &mut state.tracker {
                    tracker.on_closed(stream);
                } else if state.streams.remove(&stream) {
                    self.trace.line(self.now, format_args!("{} closed {}", host.0, stream.0));
                    self.input(host, Input::Closed { stream });
                }
            }
        }
    }

    fn on_datagram(
        &mut self,
        host: HostId,
        from: SocketAddr,
        to: SocketAddr,
        ecn: Option<Ecn>,
        data: Vec<u8>,
    ) {
        let hash = fingerprint(&data);
        let len = data.len();
        self.trace.line(self.now, format_args!("{} got {len} {hash} {from} {to}", host.0));
        let now = self.now;
        let state = self.host_mut(host);
        if let Some(tracker) = &mut state.tracker {
            if let Some(answer) = tracker.on_datagram(now, from, &data) {
                self.net.send(now, host, to.port(), from, answer);
            }
            return;
        }
        if let Some(dht) = &mut state.dht {
            dht.on_datagram(now, from, &data);
            self.drive_dht(host);
            return;
        }
        let Some(socket) = state.socket(Family::of(&to), to.port()) else { return };
        let stride = data.len();
        let mut data = data;
        let mut count = 1;
        while self.driver.coalesce && data.len() == count * stride && count < COALESCED {
            let Some(next) = self.net.poll(now) else { break };
            match next {
                Arrival::Datagram { host: h, from: f, to: t, ecn: e, data: more }
                    if (h, f, t, e) == (host, from, to, ecn)
                        && !more.is_empty()
                        && more.len() <= stride =>
                {
                    let (len, hash) = (more.len(), fingerprint(&more));
                    self.trace.line(now, format_args!("{} and {len} {hash}", host.0));
                    data.extend(more);
                    count += 1;
                }
                other => {
                    self.held = Some(other);
                    break;
                }
            }
        }
        self.host_mut(host).counters.received += count as u64;
        let stride = stride.max(1);
        let local = Some(to.ip());
        self.input(host, Input::Datagram { socket, from, local, ecn, stride, data: &mut data });
    }

    fn on_connected(&mut self, host: HostId, stream: StreamId) {
        let Some((request, tls)) = self.host_mut(host).opening.remove(&stream) else {
            self.net.close(self.now, stream);
            return;
        };
        if let Some(name) = tls
            && !self.hosts.iter().any(|other| other.tls_name.as_ref() == Some(&name))
        {
            self.net.close(self.now, stream);
            let failure = Failure::Other(format!("no certificate for {name}"));
            self.answer(host, request, |request| Input::Failed { request, failure });
            return;
        }
        self.host_mut(host).streams.insert(stream);
        self.answer(host, request, |request| Input::Opened { request, stream });
    }

    fn on_readable(&mut self, host: HostId, stream: StreamId, data: &[u8]) {
        let (len, hash) = (data.len(), fingerprint(data));
        self.trace.line(self.now, format_args!("{} read {len} {hash} of {}", host.0, stream.0));
        let now = self.now;
        let state = self.host_mut(host);
        if let Some(tracker) = &mut state.tracker {
            if let Some(pieces) = tracker.on_readable(now, stream, data) {
                for piece in pieces {
                    self.net.write(now, stream, &piece);
                }
                self.net.close(now, stream);
            }
        } else if state.streams.contains(&stream) {
            self.input(host, Input::Readable { stream, data });
        }
    }

    fn fulfil(&mut self, planned: Planned) {
        match planned {
            Planned::Answer { host, life, request, answer } => {
                if self.host(host).life != life {
                    return;
                }
                self.answer(host, request, |request| match &answer {
                    Answer::Resolved(addresses) => Input::Resolved { request, addresses },
                    Answer::Failed(failure) => Input::Failed { request, failure: failure.clone() },
                    Answer::Bound { socket, local } => {
                        Input::Bound { request, socket: *socket, local: *local }
                    }
                });
            }
            Planned::Disk { host } => {
                let now = self.now;
                while let Some(answer) = self.host_mut(host).disk.poll(now) {
                    self.on_disk(host, answer);
                }
            }
            Planned::Dht { host } => self.drive_dht(host),
        }
    }

    /// Lets a node of the DHT do what is due, and sends what it wants to.
    pub(super) fn drive_dht(&mut self, host: HostId) {
        let now = self.now;
        let Some(dht) = &mut self.host_mut(host).dht else { return };
        dht.on_time(now);
        let (out, next) = (dht.take_out(), dht.plan(now));
        for (to, data) in out {
            self.net.send(now, host, crate::dht::PORT, to, data);
        }
        if let Some(next) = next {
            self.planned.push(next, Planned::Dht { host });
        }
    }

    fn on_disk(&mut self, host: HostId, answer: DiskAnswer) {
        match answer {
            DiskAnswer::Persisted(request) => {
                self.answer(host, request, |request| Input::Persisted { request });
            }
            DiskAnswer::Refused(request) => {
                let failure = Failure::Other("no space left on device".into());
                self.answer(host, request, |request| Input::Failed { request, failure });
            }
            DiskAnswer::Loaded(request, records, more) => {
                self.answer(host, request, |request| Input::Loaded { request, records, more });
            }
        }
    }

    /// Answers an action, if it waits for one.
    fn answer<'a>(
        &mut self,
        host: HostId,
        request: RequestId,
        input: impl FnOnce(RequestId) -> Input<'a>,
    ) {
        if self.host_mut(host).outstanding.remove(&request) {
            let input = input(request);
            match &input {
                Input::Loaded { records, more, .. } => self.trace.line(
                    self.now,
                    format_args!("{} loaded {request:?} {} {more}", host.0, records.len()),
                ),
                input => self.trace.line(self.now, format_args!("{} {input:?}", host.0)),
            }
            self.input(host, input);
        }
    }

    /// Hands an input in and drains.
    pub(super) fn input(&mut self, host: HostId, input: Input<'_>) {
        if self.host(host).asleep.is_some() {
            return;
        }
        self.check_stranded(host);
        let now = self.host_now(host);
        if let Some(machine) = &mut self.host_mut(host).machine {
            machine.handle_input(now, input);
            self.settle(host);
        }
    }

    /// The deadline of a machine has come.
    fn wake(&mut self, host: HostId) {
        let now = self.host_now(host);
        let state = self.host_mut(host);
        state.counters.woken += 1;
        let Some(machine) = &mut state.machine else { return };
        let reason = machine.poll_timeout().map_or("", |deadline| deadline.reason);
        machine.handle_timeout(now);
        self.trace.line(self.now, format_args!("{} wakes: {reason}", host.0));
        self.settle(host);
        let next = self.host(host).machine.as_ref().and_then(M::poll_timeout);
        if let Some(next) = next.filter(|next| next.at <= now.mono) {
            let (mono, at) = (now.mono, next.at);
            self.fail(&format!(
                "{host:?} spins: {} is still due at {at:?}, now {mono:?}",
                next.reason
            ));
        }
    }

    /// If only time has passed since the last draining and the deadline is still ahead, there must
    /// be nothing to drain.
    pub(super) fn check_stranded(&mut self, host: HostId) {
        let (world, now) = (self.now, self.host_now(host));
        let mut buffer = core::mem::take(&mut self.buffer);
        buffer.resize(65_536, 0);
        let state = self.host_mut(host);
        let ahead = state.deadline.is_none_or(|deadline| deadline > world);
        let ahead = ahead && state.asleep.is_none();
        let mut found = None;
        if let Some(machine) = state.machine.as_mut().filter(|_| ahead && state.drained_at < world)
        {
            if let TransmitPoll::Ready(transmit) = machine.poll_transmit(now, 1, &mut buffer) {
                found = Some(format!("{transmit:?}"));
            } else if let Some(action) = machine.poll_action() {
                found = Some(format!("{action:?}"));
            } else if let Some(event) = machine.poll_event() {
                found = Some(format!("{event:?}"));
            }
            if let Some(found) = found {
                let deadline = machine.poll_timeout();
                self.fail(&format!("{host:?} stranded {found}; its deadline is {deadline:?}"));
            }
            state.drained_at = world;
        }
        self.buffer = buffer;
    }

    /// Drains a machine and notes its deadline.
    pub(super) fn settle(&mut self, host: HostId) {
        let mut rounds = 0;
        while self.transmit(host) | self.act(host) | self.listen(host) {
            rounds += 1;
            if rounds > ROUNDS {
                self.fail(&format!("{host:?} cannot be drained"));
            }
        }
        let world = self.now;
        let state = &mut self.hosts[host.0 as usize];
        state.drained_at = world;
        let wanted = state.machine.as_ref().and_then(M::poll_timeout);
        let deadline = wanted.map(|wanted| state.clock.when(wanted.at).max(world));
        if deadline != state.deadline {
            if let Some(old) = state.deadline {
                self.deadlines.remove(&(old, host));
            }
            self.deadlines.extend(deadline.map(|deadline| (deadline, host)));
            state.deadline = deadline;
        }
    }

    /// Takes events until there are none; whether there was one.
    fn listen(&mut self, host: HostId) -> bool {
        let world = self.now;
        let state = &mut self.hosts[host.0 as usize];
        let Some(machine) = &mut state.machine else { return false };
        let before = state.events.len();
        while let Some(event) = machine.poll_event() {
            self.trace.line(world, format_args!("{} says {event:?}", host.0));
            state.events.push((world, event));
        }
        state.events.len() > before
    }
}
