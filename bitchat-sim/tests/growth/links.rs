//! A device that has the keys of a session, and does with it what it likes.

use crate::received::WINDOW;
use crate::{Attack, Job};
use bitchat_core::base::ids::{
    ChannelId, ConnectionId, Device, DeviceId, LinkId, PeerId, SocketId,
};
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::{Now, Timestamp, UnixMillis};
use bitchat_core::crypto::channel_keys::Epoch;
use bitchat_core::crypto::identity::{Certificate, Identity};
use bitchat_core::crypto::noise::Role;
use bitchat_core::crypto::packet_key::{MaskKey, PacketKey};
use bitchat_core::crypto::suite::{DhSecret, Secret, Suite};
use bitchat_core::handshake::{BootId, Established, SessionSecrets};
use bitchat_core::link::control::{Control, StreamHeader};
use bitchat_core::link::{Lane, Link, LinkConfig, LinkEvent, PACKET_LEN, Via};
use bitchat_core::wire::frame::{Frame, Stream};
use bitchat_core::wire::packet::{Header, KeyPhase};
use std::net::SocketAddr;
use std::time::Duration;

const CHANNEL: ChannelId = ChannelId([1; 20]);
const CID: ConnectionId = ConnectionId([1; 8]);
/// What a link holds of a peer that sends nothing to keep: two replay windows, buffers for packets,
/// trees.
const MEMORY: u64 = 128 << 10;

const fn secret(byte: u8) -> Secret {
    Secret([byte; 32])
}

fn via(port: u16) -> Via {
    Via::Udp { socket: SocketId(0), remote: SocketAddr::from(([192, 0, 2, 1], port)) }
}

/// The responder's end of a session, in its first keys.
struct Victim {
    link: Link,
    rng: Rng,
    now: Timestamp,
    events: Vec<LinkEvent>,
    buf: Vec<u8>,
}

impl Victim {
    fn new() -> Self {
        let mut rng = Rng::new(&Seed([1; 32]));
        let local = DhSecret::generate(Suite::default(), &mut rng.secret);
        let remote_static = DhSecret::generate(Suite::default(), &mut rng.secret).public();
        let identity = Identity::from_bytes(&secret(9));
        let device = Device { peer: PeerId([1; 32]), id: DeviceId([7; 16]) };
        let life = Duration::from_secs(86_400);
        let certificate =
            Certificate::issue(&identity, device.id, remote_static, UnixMillis(0), life);
        let session = Established {
            role: Role::Responder,
            device,
            certificate: certificate.expect("the lifetime is allowed"),
            remote_static,
            local_cid: CID,
            remote_cid: ConnectionId([2; 8]),
            features: 0,
            boot: BootId([0; 16]),
            channel: (CHANNEL, Epoch::default()),
            handshake_hash: [3; 32],
            secrets: SessionSecrets {
                i2r: secret(1),
                r2i: secret(2),
                mask_i2r: secret(3),
                mask_r2i: secret(4),
                exporter: secret(5),
            },
            resumed: false,
            proven_current: false,
            remote: via(0).remote().expect("an address"),
            rtt: None,
        };
        let config = LinkConfig {
            rekey_interval: Duration::from_secs(120),
            keepalive: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(60),
            limits: Limits::default(),
            key_log: false,
        };
        let (now, mut events) = (Timestamp::from_millis(1), Vec::new());
        let mut link = Link::new(now, LinkId(1), &session, &local, via(0), config, &mut rng);
        link.join(CHANNEL, &secret(8), &mut rng, &mut events);
        Self { link, rng, now, events, buf: vec![0; PACKET_LEN] }
    }

    fn take(&mut self, port: u16, packet: &mut [u8]) {
        let Self { link, rng, now, events, buf } = self;
        *now += Duration::from_micros(100);
        link.handle_datagram(*now, via(port), None, packet, rng, events);
        if link.poll_timeout().is_some_and(|(at, _)| at <= *now) {
            link.handle_timeout(Now { mono: *now, wall: None }, rng, events);
        }
        while link.poll_packet(*now, buf).is_some() {}
        events.clear();
    }
}

/// Seals the payloads as the initiator's packets.
fn sealed(payloads: impl Iterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    let key = PacketKey::new(Suite::default(), &secret(1));
    let mask = MaskKey::new(&secret(3));
    payloads
        .zip(0..)
        .map(|(payload, pn)| {
            let header = Header::new(CID, KeyPhase::of_epoch(0), pn, None);
            let mut packet = vec![0; header.overhead() + payload.len()];
            packet[header.len()..][..payload.len()].copy_from_slice(&payload);
            key.seal(&mask, &header, &mut packet).expect("there is a payload");
            packet
        })
        .collect()
}

fn payload(frame: &Frame<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    frame.encode(&mut out);
    // At least as long as the shortest packet.
    out.resize(out.len().max(8), 0);
    out
}

fn arrive(mut victim: Victim, mut packets: Vec<Vec<u8>>, port: fn(usize) -> u16) -> Job {
    Box::new(move || {
        for (at, packet) in packets.iter_mut().enumerate() {
            victim.take(port(at), packet);
        }
    })
}

/// One frame in each packet.
fn frames(units: usize, frame: impl Fn(u64) -> Frame<'static>) -> Job {
    let packets = sealed((0..units as u64).map(|at| payload(&frame(at))));
    arrive(Victim::new(), packets, |_| 0)
}

/// To a link that has closed.
fn to_the_closed(units: usize, frame: impl Fn(u64) -> Frame<'static>) -> Job {
    let packets = sealed((0..units as u64).map(|at| payload(&frame(at))));
    let mut victim = Victim::new();
    victim.link.close(victim.now, 0, &mut victim.events);
    arrive(victim, packets, |_| 0)
}

/// Messages of the control stream, one in each packet.
fn control(units: usize, message: impl Fn(u64) -> Vec<u8>) -> Job {
    let mut offset = 0;
    let packets = sealed((0..units as u64).map(|at| {
        let message = message(at);
        let mut data = vec![u8::try_from(message.len()).expect("short")];
        data.extend(message);
        let frame = Stream { id: 0, offset, data: &data, fin: false, to_end: false };
        offset += data.len() as u64;
        payload(&Frame::Stream(frame))
    }));
    arrive(Victim::new(), packets, |_| 0)
}

const fn attack(name: &'static str, prepare: fn(usize) -> Job) -> Attack {
    Attack { name, units: 200, memory: MEMORY, prepare }
}

pub(crate) const ATTACKS: &[Attack] = &[
    attack("challenges from ever new addresses", |units| {
        let packets =
            sealed((0..units as u64).map(|at| payload(&Frame::PathChallenge(at.to_le_bytes()))));
        arrive(Victim::new(), packets, |at| u16::try_from(at % 60_000).unwrap_or(0))
    }),
    attack("answers to challenges that nobody made", |units| {
        frames(units, |at| Frame::PathResponse(at.to_le_bytes()))
    }),
    attack("forged packets", |units| {
        let mut packets = sealed((0..units).map(|_| payload(&Frame::Ping)));
        packets.iter_mut().for_each(|packet| packet[10] ^= 1);
        arrive(Victim::new(), packets, |_| 0)
    }),
    attack("one packet again and again", |units| {
        let packet = sealed(core::iter::once(payload(&Frame::Ping))).remove(0);
        arrive(Victim::new(), vec![packet; units], |_| 0)
    }),
    attack("packets to a closed link", |units| to_the_closed(units, |_| Frame::Ping)),
    attack("CLOSE to a closed link", |units| {
        to_the_closed(units, |code| Frame::Close { code, reason: b"" })
    }),
    attack("CLOSE again and again", |units| {
        frames(units, |code| Frame::Close { code, reason: b"" })
    }),
    attack("control messages that nobody knows", |units| control(units, |_| vec![63; 40])),
    attack("control messages of one byte", |units| control(units, |_| vec![63])),
    attack("wishes for a renewal", |units| control(units, |_| Control::RekeyAsk.encode())),
    attack("slots closed that never were", |units| {
        control(units, |slot| Control::SlotClose { slot }.encode())
    }),
    attack("larger and larger datagrams", |units| {
        control(units, |bytes| Control::MaxDatagram(1_200 + bytes).encode())
    }),
    attack("lists of channels", |units| {
        control(units, |at| {
            let (base, tokens) = (16 * at, [[7; 16]; 3]);
            // Three, where a list has sixteen: the link ends.
            Control::SlotTokens { base, tokens: &tokens }.encode()
        })
    }),
    attack("headers of streams without end", |units| {
        let (length, piece) = ([0x80, 0x01, 0xff, 0xff], [0; 1_000]);
        let packets = sealed((0..units as u64).map(|at| {
            let (id, round) = (2 + 2 * (at % 15), at / 15);
            let data: &[u8] = if round == 0 { &length } else { &piece };
            let offset = if round == 0 { 0 } else { 4 + 1_000 * (round - 1) };
            payload(&Frame::Stream(Stream { id, offset, data, fin: false, to_end: false }))
        }));
        arrive(Victim::new(), packets, |_| 0)
    }),
    Attack {
        memory: WINDOW,
        ..attack("streams of channels that were not shown", |units| {
            let header = |slot| StreamHeader { slot, lane: Lane::Chat }.encode();
            let packets = sealed((0..units as u64).map(|at| {
                // Fifteen streams, and ever more of what must wait.
                let (id, round) = (2 + 2 * (at % 15), at / 15);
                let mut data = header(at % 15);
                data.insert(0, u8::try_from(data.len()).expect("short"));
                if round > 0 {
                    data = vec![0x01, 0x07];
                }
                let offset = if round == 0 { 0 } else { 4 + 2 * (round - 1) };
                payload(&Frame::Stream(Stream {
                    id,
                    offset,
                    data: &data,
                    fin: false,
                    to_end: false,
                }))
            }));
            arrive(Victim::new(), packets, |_| 0)
        })
    },
];
