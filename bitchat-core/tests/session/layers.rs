//! A datagram taken apart: envelope or packet, frames, messages, entries.

use super::world::{START, Sent, WALL, name};
use crate::common::hex;
use bitchat_core::base::ids::ConnectionId;
use bitchat_core::chatfile::ChatFile;
use bitchat_core::crypto::channel_keys::{ChannelKeys, Epoch};
use bitchat_core::crypto::gate::Envelope;
use bitchat_core::crypto::packet_key::{MaskKey, PacketKey};
use bitchat_core::crypto::suite::{Secret, Suite};
use bitchat_core::link::control::{Control, StreamHeader};
use bitchat_core::log::{Entry, Kind};
use bitchat_core::wire::frame::{Frame, Frames};
use bitchat_core::wire::reader::Reader;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ENVELOPE: usize = 32;

/// A datagram and all that is in it.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) from: usize,
    pub(crate) json: Value,
    /// The body, if it is an envelope.
    pub(crate) body: Vec<u8>,
    /// The messages that it completes, with their streams.
    pub(crate) messages: Vec<(u64, Vec<u8>)>,
}

/// The keys of one direction, by the key log.
#[derive(Default)]
struct Keys {
    mask: Option<MaskKey>,
    /// By rekey number.
    packet: Vec<PacketKey>,
    largest: Option<u64>,
}

/// What has been read so far.
pub(crate) struct Reading {
    channel: ChannelKeys,
    /// By sender.
    keys: [Keys; 2],
    /// The sender of packets under a connection id.
    senders: BTreeMap<[u8; 8], usize>,
    /// What a side sent on a stream and no message has taken.
    streams: BTreeMap<(usize, u64), Stream>,
}

#[derive(Default)]
struct Stream {
    /// Bytes of the stream that were seen.
    end: u64,
    rest: Vec<u8>,
    /// The header was read: what follows is of a channel.
    begun: bool,
}

fn bytes(text: &str) -> Vec<u8> {
    crate::common::unhex(&json!(text))
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    bytes(text).try_into().expect("the right length")
}

impl Reading {
    /// From the file and the lines of the key log. Alice is the initiator: hers is `i2r`.
    pub(crate) fn new(suite: Suite, file: &ChatFile, lines: &[String]) -> Self {
        let mut reading = Self {
            channel: file.keys(Epoch::default()),
            keys: Default::default(),
            senders: BTreeMap::new(),
            streams: BTreeMap::new(),
        };
        for line in lines {
            let fields: Vec<&str> = line.split(' ').collect();
            let side = |direction: &str| usize::from(direction == "r2i");
            let secret = || Secret(array(fields.last().expect("a line")));
            match fields[0] {
                "BITCHAT1_MASK" => {
                    let from = side(fields[3]);
                    reading.senders.insert(array(fields[1]), from);
                    reading.keys[from].mask = Some(MaskKey::new(&secret()));
                }
                "BITCHAT1_PACKET" => {
                    let keys = &mut reading.keys[side(fields[3])].packet;
                    assert_eq!(fields[4], keys.len().to_string(), "rekeys come in turn");
                    keys.push(PacketKey::new(suite, &secret()));
                }
                "BITCHAT1_CONNECTION_ID" => {
                    reading.senders.insert(array(fields[3]), side(fields[2]));
                }
                _ => {}
            }
        }
        reading
    }

    /// Reads the next datagram.
    pub(crate) fn take(&mut self, sent: &Sent) -> Capture {
        let mut json = json!({
            "from": name(sent.from),
            "at_us": sent.at.saturating_since(START).as_micros(),
            "bytes": hex(&sent.bytes),
        });
        let mut capture =
            Capture { from: sent.from, json: Value::Null, body: Vec::new(), messages: Vec::new() };
        let packet = sent.bytes.first_chunk().and_then(|id| self.senders.get(id)).is_some();
        if packet {
            json["packet"] = self.packet(sent, &mut capture);
        } else {
            let mut datagram = sent.bytes.clone();
            let envelope = Envelope::new(&mut datagram).expect("an envelope");
            assert!(envelope.proves(&self.channel, WALL.day()));
            capture.body = envelope.unmask(&self.channel).to_vec();
            json["envelope"] = envelope_json(&sent.bytes, &capture.body);
        }
        capture.json = json;
        capture
    }

    fn packet(&mut self, sent: &Sent, capture: &mut Capture) -> Value {
        let mut datagram = sent.bytes.clone();
        let keys = &mut self.keys[sent.from];
        let mask = keys.mask.as_ref().expect("a mask key");
        let header = mask.unmask(&mut datagram, keys.largest).expect("a header");
        let phase = usize::from(header.phase.value());
        let (rekey, payload) = keys
            .packet
            .iter()
            .enumerate()
            .filter(|(number, _)| number % 4 == phase)
            .find_map(|(number, key)| {
                let mut copy = datagram.clone();
                let payload = key.open(&header, &mut copy).ok()?;
                Some((number, copy[payload].to_vec()))
            })
            .expect("a key opens it");
        keys.largest = keys.largest.max(Some(header.pn));
        let mut frames = Vec::new();
        for frame in Frames::new(&payload) {
            let frame = frame.expect("frames");
            frames.push(frame_json(&frame));
            if let Frame::Stream(stream) = frame {
                self.stream(sent.from, stream.id, stream.offset, stream.data, capture);
            }
        }
        let messages = self.messages(capture);
        json!({
            "connection_id": hex(&header.cid.0),
            "number": header.pn,
            "key_phase": phase,
            "rekey": rekey,
            "header": hex(&datagram[..header.len()]),
            "plaintext": hex(&payload),
            "frames": frames,
            "messages": messages,
        })
    }

    /// Adds what is new to a stream, and cuts off the messages that are complete.
    fn stream(&mut self, from: usize, id: u64, offset: u64, data: &[u8], capture: &mut Capture) {
        let stream = self.streams.entry((from, id)).or_default();
        let end = offset + data.len() as u64;
        assert!(offset <= stream.end, "nothing is lost here");
        if end > stream.end {
            let known = usize::try_from(stream.end - offset).expect("small");
            stream.rest.extend_from_slice(&data[known..]);
            stream.end = end;
        }
        loop {
            let mut reader = Reader::new(&stream.rest);
            let Ok(message) = reader.prefixed(usize::MAX) else { break };
            capture.messages.push((id, message.to_vec()));
            let left = reader.remaining();
            stream.rest.drain(..stream.rest.len() - left);
        }
    }

    fn messages(&mut self, capture: &Capture) -> Vec<Value> {
        let mut all = Vec::new();
        for (id, message) in &capture.messages {
            let stream = self.streams.entry((capture.from, *id)).or_default();
            let mut value = if *id == 0 {
                control_json(message)
            } else if core::mem::replace(&mut stream.begun, true) {
                channel_json(message)
            } else {
                header_json(message)
            };
            value["stream"] = json!(id);
            value["bytes"] = json!(hex(message));
            all.push(value);
        }
        all
    }
}

fn envelope_json(datagram: &[u8], body: &[u8]) -> Value {
    let (kind, fields) = match body[0] {
        0x11 => ("probe", 29),
        0x12 => ("probe-ack", 47),
        0x13 => ("hs1", 73),
        0x14 => ("hs2", 298),
        0x15 => ("hs3", 258),
        other => panic!("kind {other:#x}"),
    };
    json!({
        "kind": kind,
        "nonce": hex(&datagram[..16]),
        "mac": hex(&datagram[16..ENVELOPE]),
        "fields": hex(&body[..fields]),
        "tail_bytes": body.len() - fields,
    })
}

fn frame_json(frame: &Frame<'_>) -> Value {
    match *frame {
        Frame::Padding(bytes) => json!({ "frame": "PADDING", "bytes": bytes }),
        Frame::Ping => json!({ "frame": "PING" }),
        Frame::Ack(ack) => {
            let ranges: Vec<_> =
                ack.ranges().map(|range| json!([range.start, range.end - 1])).collect();
            json!({ "frame": "ACK", "ranges": ranges, "delay_us": ack.delay().as_micros() })
        }
        Frame::Stream(stream) => json!({
            "frame": "STREAM",
            "stream": stream.id,
            "offset": stream.offset,
            "fin": stream.fin,
            "bytes": stream.data.len(),
        }),
        Frame::MaxData(limit) => json!({ "frame": "MAX_DATA", "limit": limit }),
        Frame::MaxStreamData { id, limit } => {
            json!({ "frame": "MAX_STREAM_DATA", "stream": id, "limit": limit })
        }
        Frame::MaxStreams(limit) => json!({ "frame": "MAX_STREAMS", "limit": limit }),
        Frame::AckFrequency(asked) => json!({
            "frame": "ACK_FREQUENCY",
            "sequence": asked.sequence,
            "packets": asked.packets,
            "delay_us": asked.max_delay_micros,
            "reordering": asked.reordering,
        }),
        Frame::NewConnectionId(new) => json!({
            "frame": "NEW_CONNECTION_ID",
            "sequence": new.sequence,
            "retire_prior_to": new.retire_prior_to,
            "connection_id": id_hex(new.id),
        }),
        Frame::ObservedAddress(address) => {
            json!({ "frame": "OBSERVED_ADDRESS", "address": address.to_string() })
        }
        Frame::Close { code, .. } => json!({ "frame": "CLOSE", "code": code }),
        ref other => json!({ "frame": format!("{other:?}") }),
    }
}

fn id_hex(id: ConnectionId) -> String {
    hex(&id.0)
}

fn control_json(message: &[u8]) -> Value {
    match Control::decode(message).expect("a control message") {
        Control::RekeyInit(_) => json!({ "message": "REKEY_INIT" }),
        Control::RekeyResponse(_) => json!({ "message": "REKEY_RESP" }),
        Control::RekeyAsk => json!({ "message": "REKEY_ASK" }),
        Control::SlotTokens { base, tokens } => {
            json!({ "message": "SLOT_TOKENS", "base": base, "tokens": tokens.len() })
        }
        Control::SlotClose { slot } => json!({ "message": "SLOT_CLOSE", "slot": slot }),
        Control::MaxDatagram(bytes) => json!({ "message": "MAX_DATAGRAM", "largest": bytes }),
        other => json!({ "message": format!("{other:?}") }),
    }
}

fn header_json(message: &[u8]) -> Value {
    let header = StreamHeader::decode(message).expect("a header");
    json!({ "message": "header", "slot": header.slot, "lane": header.lane as u8 })
}

fn channel_json(message: &[u8]) -> Value {
    let mut reader = Reader::new(&message[1..]);
    match message[0] {
        1 => json!({ "message": "DIGEST", "digest": hex(reader.rest()) }),
        2 => {
            let mut heads = Vec::new();
            while !reader.is_empty() {
                let author: [u8; 32] = reader.array().expect("a head");
                let seq = reader.varint().expect("a head");
                let id: [u8; 32] = reader.array().expect("a head");
                heads.push(json!({ "author": hex(&author), "seq": seq, "id": hex(&id) }));
            }
            json!({ "message": "HEADS", "heads": heads })
        }
        3 => json!({ "message": "WANT", "resume": message[1] }),
        5 => {
            let role = reader.u8().expect("a role");
            let mut entries = Vec::new();
            while !reader.is_empty() {
                entries.push(entry_json(reader.prefixed(usize::MAX).expect("an entry")));
            }
            json!({ "message": "ENTRIES", "role": role, "entries": entries })
        }
        7 => json!({ "message": "PEERS" }),
        other => json!({ "message": format!("type {other}") }),
    }
}

fn entry_json(raw: &[u8]) -> Value {
    let entry = Entry::parse(raw).expect("an entry");
    let kind = match entry.kind() {
        Kind::Bind => "binding",
        Kind::Text => "text",
        _ => "another",
    };
    json!({
        "author": hex(&entry.author().0),
        "seq": entry.seq(),
        "id": hex(&entry.id().0),
        "prev": hex(&entry.prev().0),
        "cited": entry.cited().map(|id| hex(&id.0)).collect::<Vec<_>>(),
        "lamport": entry.lamport(),
        "wall": entry.wall().0,
        "kind": kind,
        "text": entry.text(),
    })
}
