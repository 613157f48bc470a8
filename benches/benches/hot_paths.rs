//! The steps that every packet, datagram or message takes, one by one, in CPU time.

use bitchat_core::base::ids::{ChannelId, ConnectionId, Device, DeviceId, EntryId, LinkId, PeerId};
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rangeset::RangeSet;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::{Now, Timestamp, UnixMillis};
use bitchat_core::channel::{
    Candidate, Channel, ChannelConfig, ChannelEvent, ChannelFault, ChannelRestore, ChannelSink,
    Priority, Record, Ticket,
};
use bitchat_core::crypto::channel_keys::{ChannelKeys, Epoch};
use bitchat_core::crypto::gate::{self, Envelope};
use bitchat_core::crypto::identity::{Identity, verify};
use bitchat_core::crypto::packet_key::{MaskKey, PacketKey};
use bitchat_core::crypto::suite::{Secret, Suite};
use bitchat_core::log::Entry;
use bitchat_core::wire::frame::{Frame, Frames, Stream, encode_ack};
use bitchat_core::wire::packet::{Header, KeyPhase};
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::time::Duration;

const LABEL: &[u8] = b"bitchat-v1 bench";

/// CPU time of the thread, so that other programs on the machine do not count.
struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
    }
    fn end(&self, start: Duration) -> Duration {
        self.start().saturating_sub(start)
    }
    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }
    fn zero(&self) -> Duration {
        Duration::ZERO
    }
    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }
    fn formatter(&self) -> &dyn ValueFormatter {
        // It formats durations of any clock.
        const WALL: &WallTime = &WallTime;
        WALL.formatter()
    }
}

fn header(pn: u64) -> Header {
    Header::new(ConnectionId([1; 8]), KeyPhase::of_epoch(1), pn, pn.checked_sub(3))
}

fn packets(c: &mut Criterion<CpuTime>) {
    let (key, mask) =
        (PacketKey::new(Suite::default(), &Secret([1; 32])), MaskKey::new(&Secret([2; 32])));
    let mut group = c.benchmark_group("packet");
    for len in [140, 1_200] {
        group.throughput(Throughput::Bytes(len as u64));
        let header = header(1_000);
        let mut packet = vec![7; len];
        group.bench_function(BenchmarkId::new("seal", len), |b| {
            b.iter(|| key.seal(&mask, &header, black_box(&mut packet)).expect("long enough"));
        });
        packet.fill(7);
        key.seal(&mask, &header, &mut packet).expect("long enough");
        group.bench_function(BenchmarkId::new("unmask and open", len), |b| {
            b.iter_batched_ref(
                || packet.clone(),
                |packet| {
                    let header = mask.unmask(packet, Some(999)).expect("a packet");
                    key.open(&header, packet).expect("authentic")
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
    let mut packet = vec![7; 1_200];
    key.seal(&mask, &header(1_000), &mut packet).expect("long enough");
    c.bench_function("header mask", |b| {
        b.iter_batched_ref(
            || packet.clone(),
            |packet| mask.unmask(packet, Some(999)),
            BatchSize::SmallInput,
        );
    });
}

fn frames(c: &mut Criterion<CpuTime>) {
    let data = [7; 1_100];
    let mut received = RangeSet::new();
    received.insert(0..900);
    received.insert(905..1_000);
    let write = |out: &mut Vec<u8>| {
        out.clear();
        assert!(encode_ack(out, 600, Duration::from_micros(80), &received, None));
        Frame::MaxData(1 << 20).encode(out);
        let offset = 1 << 20;
        Frame::Stream(Stream { id: 4, offset, data: &data, fin: false, to_end: true }).encode(out);
    };
    let mut out = Vec::with_capacity(1_200);
    c.bench_function("frames: encode ACK, MAX_DATA, STREAM", |b| {
        b.iter(|| write(black_box(&mut out)));
    });
    write(&mut out);
    c.bench_function("frames: decode the same", |b| {
        b.iter(|| {
            Frames::new(black_box(&out))
                .filter(|frame| frame.is_ok_and(|frame| frame.is_ack_eliciting()))
                .count()
        });
    });
}

/// What a datagram of a stranger costs a node with so many channels.
fn envelopes(c: &mut Criterion<CpuTime>) {
    let mut rng = Rng::new(&Seed([3; 32]));
    let keys =
        |chan: u8| ChannelKeys::new(ChannelId([chan; 20]), &Secret([chan; 32]), Epoch::default());
    let mut group = c.benchmark_group("envelope of none of");
    for channels in [1, 8, 64] {
        let all: Vec<_> = (0..channels).map(keys).collect();
        let mut datagram = gate::start(200);
        datagram.resize(gate::ENVELOPE_LEN + 200, 0);
        gate::seal(&keys(255), 20_000, &mut rng.public, &mut datagram);
        group.bench_function(BenchmarkId::from_parameter(channels), |b| {
            b.iter(|| {
                let envelope = Envelope::new(black_box(&mut datagram)).expect("long enough");
                all.iter().any(|keys| envelope.proves(keys, 20_000))
            });
        });
    }
    group.finish();
}

fn signatures(c: &mut Criterion<CpuTime>) {
    let identity = Identity::from_bytes(&Secret([4; 32]));
    let (peer, parts) = (identity.peer_id(), [&[7; 200][..]]);
    let signature = identity.sign(LABEL, &parts);
    c.bench_function("ed25519 sign", |b| b.iter(|| identity.sign(LABEL, black_box(&parts))));
    c.bench_function("ed25519 verify", |b| {
        b.iter(|| {
            verify(Suite::default(), &peer, LABEL, black_box(&parts), &signature).expect("its own")
        });
    });
}

/// A store that answers at once, and nobody else.
struct Alone {
    rng: Rng,
    identity: Identity,
    records: Vec<Record>,
    tickets: Vec<Ticket>,
}

impl ChannelSink for Alone {
    fn send(&mut self, _: LinkId, _: Priority, _: &[u8]) -> bool {
        true
    }
    fn persist(&mut self, ticket: Ticket, record: Record) {
        self.tickets.push(ticket);
        self.records.push(record);
    }
    fn forget(&mut self, record: &Record) {
        black_box(record);
    }
    fn event(&mut self, event: ChannelEvent) {
        black_box(event);
    }
    fn candidate(&mut self, _: Candidate) {}
    fn violation(&mut self, _: LinkId, fault: ChannelFault) {
        panic!("nobody is there to break the protocol: {fault:?}");
    }
    fn secret(&mut self) -> Secret {
        Secret(self.rng.secret.bytes())
    }
    fn sign(&mut self, label: &'static [u8], parts: &[&[u8]]) -> Option<[u8; 64]> {
        Some(self.identity.sign(label, parts))
    }
}

impl Alone {
    fn new() -> Self {
        let (rng, identity) = (Rng::new(&Seed([5; 32])), Identity::from_bytes(&Secret([6; 32])));
        Self { rng, identity, records: Vec::new(), tickets: Vec::new() }
    }

    fn config(&self) -> ChannelConfig {
        let local = Device { peer: PeerId(self.identity.peer_id().0), id: DeviceId([1; 16]) };
        let limits = Limits::default();
        let (suite, epoch) = (Suite::default(), Epoch::default());
        ChannelConfig { suite, chan: ChannelId([1; 20]), epoch, local, limits }
    }

    fn say(&mut self, channel: &mut Channel, text: &str) -> EntryId {
        let now = Now::new(Timestamp::from_millis(1), UnixMillis(1_800_000_000_000));
        let id = channel.send_text(now, text, self).expect("there is room");
        for ticket in std::mem::take(&mut self.tickets) {
            channel.on_persisted(now, ticket, self);
        }
        id
    }
}

fn log(c: &mut Criterion<CpuTime>) {
    let text = "x".repeat(100);
    let mut alone = Alone::new();
    let mut channel = Channel::new(alone.config());
    for _ in 0..1_000 {
        alone.say(&mut channel, &text);
    }
    let records = std::mem::take(&mut alone.records);
    c.bench_function("log: write, store and show a message of 100 B", |b| {
        let mut said = 0;
        b.iter(|| {
            // A log of bounded size, so that the figure does not depend on how long this runs.
            said += 1;
            if said % 10_000 == 0 {
                alone.records.clear();
                alone = Alone::new();
                channel = Channel::new(alone.config());
            }
            alone.say(&mut channel, &text)
        });
    });
    let entries: Vec<_> = records
        .iter()
        .filter_map(|record| match record {
            Record::Entry(entry) => Some(entry.raw().clone()),
            _ => None,
        })
        .collect();
    let last = entries.last().expect("there are entries");
    c.bench_function("log: parse and verify an entry", |b| {
        b.iter(|| {
            Entry::parse(black_box(last))
                .and_then(|entry| entry.verify(Suite::default()))
                .expect("its own")
        });
    });
    let mut group = c.benchmark_group("log");
    group.throughput(Throughput::Elements(records.len() as u64));
    group.sample_size(20);
    group.bench_function("insert 1,000 entries, verified before", |b| {
        b.iter(|| {
            let mut restore = ChannelRestore::new(Alone::new().config());
            records.iter().for_each(|record| restore.add(record).expect("its own"));
            restore.finish()
        });
    });
    group.finish();
}

criterion_group! {
    name = hot_paths;
    config = Criterion::default()
        .with_measurement(CpuTime)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = packets, frames, envelopes, signatures, log
}
criterion_main!(hot_paths);
