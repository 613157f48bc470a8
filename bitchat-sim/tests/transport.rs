//! The core's transport over the world's links, without keys: goodput, order, and that its
//! deadlines are exact (the world fails a machine that spins or strands something).

use bitchat_core::base::ids::{RequestId, SocketId};
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rangeset::RangeSet;
use bitchat_core::base::time::Now;
use bitchat_core::crypto::suite;
use bitchat_core::node::{Action, Deadline, Event, Family, Input, Transmit, TransmitPoll};
use bitchat_core::transport::{
    Class, Ecn, MAX_DATAGRAM, Read, SendGate, Side, Transport, TransportConfig, TransportSink,
    TransportStreamId,
};
use bitchat_core::wire::frame::NewConnectionId;
use bitchat_sim::machine::Machine;
use bitchat_sim::net::{HostId, LinkConfig, Loss};
use bitchat_sim::scenario::assert_replays;
use bitchat_sim::trace::Trace;
use bitchat_sim::world::World;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

/// What packets brought, noted.
#[derive(Default)]
struct Notes {
    readable: Vec<TransportStreamId>,
}

impl TransportSink for Notes {
    fn stream_opened(&mut self, _: TransportStreamId) {}
    fn stream_readable(&mut self, id: TransportStreamId) {
        self.readable.push(id);
    }
    fn stream_writable(&mut self, _: TransportStreamId) {}
    fn streams_available(&mut self) {}
    fn stream_stopped(&mut self, id: TransportStreamId, code: u64) {
        panic!("{id:?} stopped: {code}");
    }
    fn datagram(&mut self, _: &[u8]) {}
    fn path_challenge(&mut self, _: [u8; 8]) {}
    fn path_response(&mut self, _: [u8; 8]) {}
    fn observed_address(&mut self, _: SocketAddr) {}
    fn new_connection_id(&mut self, _: NewConnectionId) {}
    fn retire_connection_id(&mut self, _: u64) {}
    fn packet_acked(&mut self, _: u64) {}
    fn closed(&mut self, code: u64, _: &[u8]) {
        panic!("closed: {code}");
    }
}

/// One end of a session: packet number ‖ frames ‖ checksum.
struct End {
    transport: Transport,
    peer: SocketAddr,
    socket: Option<SocketId>,
    actions: VecDeque<Action>,
    seen: RangeSet,
    /// What is to be written to a stream, and how much of it has been.
    writing: BTreeMap<TransportStreamId, (Bytes, usize)>,
    read: BTreeMap<TransportStreamId, (Vec<u8>, bool)>,
    /// A datagram for which the buffer was too small.
    built: Option<(Vec<u8>, Option<Ecn>)>,
}

impl End {
    fn new(now: Now, side: Side, peer: SocketAddr) -> Self {
        let config = TransportConfig::new(&Limits::default());
        let bind = Action::BindUdp { request: RequestId(1), family: Family::V4, port: 7 };
        let mut transport = Transport::new(config, side, [3; 16], now.mono);
        transport.set_peer_max_datagram(MAX_DATAGRAM);
        Self {
            transport,
            peer,
            socket: None,
            actions: VecDeque::from([bind]),
            seen: RangeSet::new(),
            writing: BTreeMap::new(),
            read: BTreeMap::new(),
            built: None,
        }
    }

    fn send(&mut self, class: Class, data: Vec<u8>) -> TransportStreamId {
        let stream = self.transport.open_stream(class).expect("room for a stream");
        self.writing.insert(stream, (data.into(), 0));
        self.write();
        stream
    }

    fn write(&mut self) {
        let transport = &mut self.transport;
        self.writing.retain(|stream, (data, written)| {
            *written += transport.write(*stream, data.slice(*written..)).expect("an open stream");
            if *written == data.len() {
                transport.finish(*stream).expect("an open stream");
            }
            *written < data.len()
        });
    }

    fn build(&mut self, now: Now) -> Option<(Vec<u8>, Option<Ecn>)> {
        let mut frames = [0; MAX_DATAGRAM - 16];
        let meta = self.transport.poll_packet(now.mono, &mut frames, SendGate::All)?;
        let mut datagram = [&meta.pn.to_le_bytes()[..], &frames[..meta.len]].concat();
        let sum = suite::hash(&[&datagram]);
        datagram.extend(&sum[..8]);
        Some((datagram, meta.ect.then_some(Ecn::Ect0)))
    }

    fn on_packet(&mut self, now: Now, ecn: Option<Ecn>, data: &[u8]) {
        let Some((body, sum)) = data.split_last_chunk::<8>() else { return };
        let Some((pn, frames)) = body.split_first_chunk::<8>() else { return };
        let pn = u64::from_le_bytes(*pn);
        if suite::hash(&[body])[..8] != *sum || !self.seen.insert_one(pn) {
            return;
        }
        let mut notes = Notes::default();
        self.transport.on_packet(now.mono, pn, ecn, frames, &mut notes).expect("an honest peer");
        for stream in notes.readable {
            self.read(stream);
        }
        self.write();
    }

    fn read(&mut self, stream: TransportStreamId) {
        let (data, finished) = self.read.entry(stream).or_default();
        loop {
            match self.transport.read(stream) {
                Ok(Read::Data(more)) => data.extend_from_slice(&more),
                Ok(Read::Finished) => {
                    *finished = true;
                    // Both directions must end before the stream makes room for another.
                    let _ = self.transport.finish(stream);
                    return;
                }
                Ok(Read::Pending) | Err(_) => return,
                Ok(Read::Reset(code)) => panic!("reset: {code}"),
            }
        }
    }
}

impl Machine for End {
    fn handle_input(&mut self, now: Now, input: Input<'_>) {
        match input {
            Input::Bound { socket, .. } => self.socket = Some(socket),
            Input::Datagram { ecn, stride, data, .. } => {
                data.chunks(stride).for_each(|datagram| self.on_packet(now, ecn, datagram));
            }
            _ => {}
        }
    }

    fn handle_timeout(&mut self, now: Now) {
        self.transport.handle_timeout(now.mono);
    }

    fn poll_transmit(&mut self, now: Now, _: usize, buf: &mut [u8]) -> TransmitPoll {
        let Some(socket) = self.socket else { return TransmitPoll::Pending };
        if self.built.is_none() {
            self.built = self.build(now);
        }
        let Some((datagram, ecn)) = &self.built else { return TransmitPoll::Pending };
        let len = datagram.len();
        let Some(space) = buf.get_mut(..len) else { return TransmitPoll::NeedSpace(len) };
        space.copy_from_slice(datagram);
        let ecn = *ecn;
        self.built = None;
        TransmitPoll::Ready(Transmit {
            socket,
            to: self.peer,
            len,
            segment_size: None,
            ecn,
            local: None,
        })
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn poll_event(&mut self) -> Option<Event> {
        None
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        let at = self.transport.poll_timeout()?;
        Some(Deadline { at, reason: "transport" })
    }
}

fn pair(seed: u64, text: bool, line: &LinkConfig) -> (World<End>, HostId, HostId) {
    let mut world = World::new(seed, text);
    world.net.set_default(line);
    let (one, other) = (world.add_host(), world.add_host());
    let at = |world: &World<End>, host| SocketAddr::new(world.net.addresses(host)[0], 7);
    let (here, there) = (at(&world, one), at(&world, other));
    world.start(one, |now| End::new(now, Side::Initiator, there));
    world.start(other, |now| End::new(now, Side::Responder, here));
    world.run(Duration::from_millis(1));
    (world, one, other)
}

fn arrived(world: &World<End>, host: HostId, stream: TransportStreamId) -> bool {
    world.machine(host).is_some_and(|end| end.read.get(&stream).is_some_and(|read| read.1))
}

/// Sends `size` bytes from one to the other, with a chat message each 100 ms; the seconds that it
/// took and the slowest message.
fn transfer(
    seed: u64,
    text: bool,
    line: &LinkConfig,
    size: usize,
) -> (Trace, Duration, Vec<Duration>) {
    let (mut world, one, other) = pair(seed, text, line);
    let data = world.dice.blob(size);
    let start = world.now();
    let file = world.call(one, |end, _| end.send(Class::File, data.clone()));
    let mut waits = Vec::new();
    while !arrived(&world, other, file) {
        let said = world.now();
        let words = world.call(one, |end, _| end.send(Class::Chat, vec![b'w'; 100]));
        let limit = Duration::from_secs(60);
        if !world.run_until(limit, |world| arrived(world, other, words)) {
            world.fail("a message did not arrive in a minute");
        }
        waits.push(world.now().saturating_since(said));
        let pause = Duration::from_millis(100).saturating_sub(world.now().saturating_since(said));
        world.run_until(pause, |world| arrived(world, other, file));
    }
    let time = world.now().saturating_since(start);
    assert!(world.machine(other).is_some_and(|end| end.read[&file].0 == data), "damaged");
    waits.sort();
    // Everything is acknowledged and then it is quiet.
    world.run(Duration::from_secs(10));
    for host in [one, other] {
        assert!(world.machine(host).is_some_and(|end| end.transport.poll_timeout().is_none()));
    }
    (world.into_trace(), time, waits)
}

#[test]
fn bulk_fills_a_clean_line_and_chat_does_not_wait() {
    let line = LinkConfig {
        delay: Duration::from_millis(25),
        rate: Some(10_000_000),
        queue: 64 * 1_024,
        ..LinkConfig::default()
    };
    assert_replays(0..2, |seed, text| {
        let (trace, time, waits) = transfer(seed, text, &line, 5_000_000);
        assert!(time < Duration::from_millis(5_600), "5 MB over 10 Mbit/s took {time:?}");
        let slowest = waits.last().copied().unwrap_or_default();
        assert!(slowest < Duration::from_millis(400), "a message took {slowest:?}");
        trace
    });
}

#[test]
fn everything_arrives_over_bad_lines() {
    // Of 5 packets on average, 50 packets apart.
    let bursts = Loss::Bursts {
        good_for: Duration::from_millis(30),
        bad_for: Duration::from_millis(3),
        good: 0.0,
        bad: 0.8,
    };
    let losses = [Loss::Random(0.1), Loss::Random(0.2), Loss::Random(0.4), bursts];
    for loss in losses {
        let line = LinkConfig {
            loss,
            rate: Some(20_000_000),
            duplicate: 0.05,
            reorder: 0.1,
            corrupt: 0.02,
            ..LinkConfig::default()
        };
        assert_replays(0..3, |seed, text| transfer(seed, text, &line, 100_000).0);
    }
}

/// A line of 100 Mbit/s that carries IP packets of `mtu` bytes.
fn carrying(mtu: usize) -> LinkConfig {
    let rate = Some(100_000_000);
    LinkConfig { rate, queue: 512 * 1_024, mtu, ..LinkConfig::default() }
}

/// BC-07.60, BC-07.62: what flows finds the size that the path carries, and loses nothing for it.
#[test]
fn packets_become_as_large_as_the_path_carries() {
    // The machine's packets are 10 bytes shorter than the size they stand for.
    let paths = [(1_228, 1_200), (1_280, 1_232), (1_500, 1_472), (9_000, 8_972), (65_535, 65_507)];
    for (mtu, expected) in paths {
        assert_replays(0..1, |seed, text| {
            let (mut world, one, other) = pair(seed, text, &carrying(mtu));
            let data = world.dice.blob(4_000_000);
            let file = world.call(one, |end, _| end.send(Class::File, data.clone()));
            assert!(world.run_until(Duration::from_secs(5), |world| arrived(world, other, file)));
            let end = world.machine(one).expect("it runs");
            assert_eq!(end.transport.path_mtu(), expected, "a path of {mtu}");
            let stats = world.net.path_stats(one, other);
            assert!(stats.too_big <= 9, "{} probes were lost", stats.too_big);
            // Eight of the largest packets fill the queue: nothing is lost but what it drops, and that
            // is little.
            let sent = end.transport.stats();
            assert!(
                stats.overflowed * 100 <= sent.packets_sent
                    && sent.packets_lost == stats.overflowed,
                "{} overflowed, {sent:?}",
                stats.overflowed
            );
            assert!(world.machine(other).is_some_and(|end| end.read[&file].0 == data), "damaged");
            world.into_trace()
        });
    }
}

/// BC-07.64: a path that carries less from one moment on is noticed within a few round trips.
#[test]
fn a_black_hole_in_mid_transfer_loses_nothing_and_little_time() {
    for smaller in [1_280, 1_500] {
        assert_replays(0..2, |seed, text| {
            let (mut world, one, other) = pair(seed, text, &carrying(9_000));
            let data = world.dice.blob(20_000_000);
            let file = world.call(one, |end, _| end.send(Class::File, data.clone()));
            world.run(Duration::from_millis(600));
            let size =
                |world: &World<End>| world.machine(one).map_or(0, |end| end.transport.path_mtu());
            assert_eq!(size(&world), 8_972);
            world.net.set_paths(one, other, &carrying(smaller));
            let (start, rtt) = (world.now(), Duration::from_millis(20));
            assert!(world.run_until(rtt * 8, |world| size(world) == 1_200), "not noticed");
            println!("noticed after {:?}", world.now().saturating_since(start));
            assert!(world.run_until(Duration::from_secs(5), |world| arrived(world, other, file)));
            let whole = world.now().saturating_since(start);
            assert!(whole < Duration::from_millis(2_000), "the rest took {whole:?}");
            assert_eq!(size(&world), if smaller == 1_280 { 1_232 } else { 1_472 });
            assert!(world.machine(other).is_some_and(|end| end.read[&file].0 == data), "damaged");
            world.into_trace()
        });
    }
}

/// BC-07.29: a queue that marks is kept short without losing anything.
#[test]
fn a_queue_that_marks_instead_of_losing_loses_nothing() {
    let line = LinkConfig {
        rate: Some(20_000_000),
        queue: 256 * 1_024,
        mark: Some(16 * 1_024),
        ..LinkConfig::default()
    };
    assert_replays(0..2, |seed, text| {
        let (mut world, one, other) = pair(seed, text, &line);
        let data = world.dice.blob(5_000_000);
        let file = world.call(one, |end, _| end.send(Class::File, data.clone()));
        assert!(world.run_until(Duration::from_secs(5), |world| arrived(world, other, file)));
        let stats = world.net.path_stats(one, other);
        assert!(stats.marked > 0, "{stats:?}");
        assert_eq!(stats.overflowed, 0, "{stats:?}");
        world.into_trace()
    });
}
