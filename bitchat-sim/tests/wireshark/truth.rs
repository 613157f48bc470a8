//! What was sent, as this library reads it.

use crate::recording::{Datagram, Recording, day};
use bitchat_core::base::ids::ConnectionId;
use bitchat_core::crypto::channel_keys::{ChannelKeys, Epoch};
use bitchat_core::crypto::gate::{Envelope, Kind};
use bitchat_core::crypto::packet_key::{MaskKey, PacketKey};
use bitchat_core::crypto::suite::{Secret, Suite};
use bitchat_core::wire::frame::{Frame, Frames};
use std::collections::BTreeMap;

/// One direction of a session.
pub(crate) struct Direction {
    name: String,
    pub mask: MaskKey,
    pub keys: BTreeMap<u64, PacketKey>,
    pub largest: Option<u64>,
}

pub(crate) struct Truth {
    keys: ChannelKeys,
    pub directions: BTreeMap<ConnectionId, Direction>,
    /// The first connection id of the direction that has this one too.
    pub further: BTreeMap<ConnectionId, ConnectionId>,
}

impl Truth {
    pub(crate) fn new(recording: &Recording) -> Self {
        let mut directions = BTreeMap::new();
        let lines = || recording.key_log.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        for words in lines() {
            if let ["BITCHAT1_MASK", cid, _, name, key] = words[..] {
                let mask = MaskKey::new(&Secret(unhex(key)));
                let keys = BTreeMap::new();
                let direction = Direction { name: name.into(), mask, keys, largest: None };
                directions.insert(ConnectionId(unhex(cid)), direction);
            }
        }
        for words in lines() {
            if let ["BITCHAT1_PACKET", cid, _, _, generation, key] = words[..] {
                let direction =
                    directions.get_mut(&ConnectionId(unhex(cid))).expect("a mask first");
                let generation = generation.parse().expect("a number");
                direction
                    .keys
                    .insert(generation, PacketKey::new(Suite::default(), &Secret(unhex(key))));
            }
        }
        let further = lines().filter_map(|words| match words[..] {
            ["BITCHAT1_CONNECTION_ID", first, _, id] => {
                Some((ConnectionId(unhex(id)), ConnectionId(unhex(first))))
            }
            _ => None,
        });
        let further = further.collect();
        Self { keys: recording.file.keys(Epoch::default()), directions, further }
    }

    /// It carries a further connection id.
    pub(crate) fn is_further(&self, datagram: &Datagram) -> bool {
        let cid = datagram.data.first_chunk().map(|cid| ConnectionId(*cid));
        cid.is_some_and(|cid| self.further.contains_key(&cid))
    }

    pub(crate) fn generations(&self) -> usize {
        self.directions.values().map(|one| one.keys.len()).max().unwrap_or(0)
    }

    /// The columns that the dissector has to show for a datagram.
    pub(crate) fn of(&mut self, datagram: &Datagram) -> Vec<String> {
        let mut data = datagram.data.clone();
        let mut row = vec![String::new(); crate::COLUMNS.len()];
        let cid = data.first_chunk().map(|cid| ConnectionId(*cid));
        let cid = cid.map(|cid| self.further.get(&cid).copied().unwrap_or(cid));
        if let Some(direction) = cid.and_then(|cid| self.directions.get_mut(&cid)) {
            let packet = direction.open(&mut data).expect("a packet of the session");
            row[0] = "packet".into();
            row[1].clone_from(&direction.name);
            row[2] = packet.pn.to_string();
            row[3] = packet.generation.to_string();
            row[4] = (packet.generation % 4).to_string();
            row[5] = packet.payload.len().to_string();
            describe(&packet.payload, &mut row);
        } else if let Some(envelope) = Envelope::new(&mut data)
            && envelope.proves(&self.keys, day())
        {
            row[0] = match Kind::of(envelope.unmask(&self.keys)).expect("a kind") {
                Kind::Probe => "probe",
                Kind::ProbeAck => "probe-ack",
                Kind::Hs1 => "hs1",
                Kind::Hs2 => "hs2",
                Kind::Hs3 => "hs3",
            }
            .into();
        }
        row
    }
}

pub(crate) struct Opened {
    pub pn: u64,
    pub generation: u64,
    pub payload: Vec<u8>,
}

impl Direction {
    pub(crate) fn open(&mut self, data: &mut [u8]) -> Option<Opened> {
        let header = self.mask.unmask(data, self.largest).ok()?;
        let phase = u64::from(header.phase.value());
        for (generation, key) in self.keys.iter().filter(|(one, _)| **one % 4 == phase) {
            // A key that does not fit may leave anything behind.
            let mut data = data.to_vec();
            if let Ok(range) = key.open(&header, &mut data) {
                self.largest = self.largest.max(Some(header.pn));
                let (pn, generation) = (header.pn, *generation);
                return Some(Opened { pn, generation, payload: data[range].to_vec() });
            }
        }
        None
    }
}

/// Fills the columns about frames.
fn describe(payload: &[u8], row: &mut [String]) {
    let mut push = |column: usize, value: String| {
        if !row[column].is_empty() {
            row[column].push(',');
        }
        row[column].push_str(&value);
    };
    for frame in Frames::new(payload) {
        let frame = frame.expect("a frame that a node sent");
        push(6, format!("0x{:02x}", code(&frame)));
        match frame {
            Frame::Stream(stream) => {
                push(7, stream.id.to_string());
                push(8, stream.offset.to_string());
                push(9, stream.data.len().to_string());
                push(10, u8::from(stream.fin).to_string());
            }
            Frame::ResetStream { id, .. } | Frame::StopSending { id, .. } => {
                push(7, id.to_string());
            }
            Frame::MaxStreamData { id, limit } => {
                push(7, id.to_string());
                push(12, limit.to_string());
            }
            Frame::MaxData(limit) | Frame::MaxStreams(limit) => push(12, limit.to_string()),
            Frame::Ack(ack) => push(11, ack.largest.to_string()),
            _ => {}
        }
    }
}

/// The code of a frame (spec 07).
fn code(frame: &Frame<'_>) -> u8 {
    match frame {
        Frame::Padding(_) => 0x00,
        Frame::Ping => 0x01,
        Frame::Ack(ack) => 0x02 + u8::from(ack.ecn.is_some()),
        Frame::ResetStream { .. } => 0x04,
        Frame::StopSending { .. } => 0x05,
        Frame::Stream(stream) => {
            let bit = |set: bool, bit: u8| if set { bit } else { 0 };
            0x08 + bit(stream.offset > 0, 4) + bit(!stream.to_end, 2) + bit(stream.fin, 1)
        }
        Frame::MaxData(_) => 0x10,
        Frame::MaxStreamData { .. } => 0x11,
        Frame::MaxStreams(_) => 0x12,
        Frame::AckFrequency(_) => 0x13,
        Frame::ImmediateAck => 0x14,
        Frame::NewConnectionId(_) => 0x18,
        Frame::RetireConnectionId { .. } => 0x19,
        Frame::PathChallenge(_) => 0x1a,
        Frame::PathResponse(_) => 0x1b,
        Frame::Close { .. } => 0x1c,
        Frame::ObservedAddress(_) => 0x20,
        Frame::Datagram(_) => 0x30,
    }
}

pub(crate) fn unhex<const N: usize>(text: &str) -> [u8; N] {
    assert_eq!(text.len(), 2 * N, "{text}");
    core::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex"))
}
