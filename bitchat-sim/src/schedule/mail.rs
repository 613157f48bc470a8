//! The application of a schedule: numbered messages on three lanes, and the books that show that
//! each arrives once, whole and in its turn.

use bitchat_core::link::Lane;
use std::collections::BTreeMap;

/// What an application stores: it survives a restart.
#[derive(Debug, Default)]
pub(super) struct Mail {
    /// The sizes of the messages of each lane.
    pub said: [Vec<usize>; 3],
    /// How many of them the peer has acknowledged.
    pub acknowledged: [u32; 3],
    /// How many of the peer's messages have been stored.
    pub got: [u32; 3],
}

/// A message on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// The message of this number, with its content.
    Words { lane: usize, number: u32, size: usize },
    /// So many messages of the lane are stored.
    Stored { lane: usize, count: u32 },
}

const WORDS: u8 = 1;
const STORED: u8 = 2;
/// Serial, kind, lane, number.
const HEADER: usize = 10;

impl Message {
    /// As bytes. `serial` counts the messages of a lane of a session.
    pub(super) fn encode(self, from: usize, serial: u32) -> Vec<u8> {
        let (kind, lane, number, size) = match self {
            Self::Words { lane, number, size } => (WORDS, lane, number, size),
            Self::Stored { lane, count } => (STORED, lane, count, 0),
        };
        let mut out = Vec::with_capacity(HEADER + size);
        out.extend(serial.to_le_bytes());
        out.extend([kind, u8::try_from(lane).unwrap_or(u8::MAX)]);
        out.extend(number.to_le_bytes());
        out.extend(content(from, lane, number).take(size));
        out
    }

    /// The serial and the message, if every byte is what `from` said.
    pub(super) fn decode(from: usize, data: &[u8]) -> Option<(u32, Self)> {
        let (header, words) = data.split_at_checked(HEADER)?;
        let serial = u32::from_le_bytes(*header.first_chunk()?);
        let (kind, lane) = (header[4], usize::from(header[5]));
        let number = u32::from_le_bytes(*header.last_chunk()?);
        let message = match kind {
            WORDS => Self::Words { lane, number, size: words.len() },
            STORED if words.is_empty() => Self::Stored { lane, count: number },
            _ => return None,
        };
        let same =
            lane < 3 && words.iter().copied().eq(content(from, lane, number).take(words.len()));
        same.then_some((serial, message))
    }
}

/// What a message says: decided by whose it is, so that nothing need be remembered.
fn content(from: usize, lane: usize, number: u32) -> impl Iterator<Item = u8> {
    let mut state = u64::from(number) << 8 | (from as u64) << 4 | lane as u64;
    core::iter::repeat_with(move || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)).to_le_bytes()
    })
    .flatten()
}

/// The name of a lane in arrays.
pub(super) fn index(lane: Lane) -> usize {
    match lane {
        Lane::Sync => 0,
        Lane::Chat => 1,
        Lane::History => 2,
    }
}

/// What a lane of one direction of a session took, and what came out of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entry {
    pub taken: u32,
    pub delivered: u32,
}

/// The books of all sessions: by session, sender and lane.
#[derive(Debug, Default)]
pub(super) struct Books(BTreeMap<(u32, usize, usize), Entry>);

impl Books {
    /// The lane takes a message: its serial.
    pub(super) fn next_serial(&self, session: u32, from: usize, lane: usize) -> u32 {
        self.0.get(&(session, from, lane)).map_or(0, |entry| entry.taken)
    }

    pub(super) fn on_taken(&mut self, session: u32, from: usize, lane: usize) {
        self.0.entry((session, from, lane)).or_default().taken += 1;
    }

    /// A message comes out.
    pub(super) fn on_delivered(
        &mut self,
        session: u32,
        from: usize,
        lane: usize,
        serial: u32,
    ) -> Result<(), String> {
        let entry = self.0.entry((session, from, lane)).or_default();
        if serial != entry.delivered || serial >= entry.taken {
            let Entry { taken, delivered } = entry;
            return Err(format!(
                "message {serial} of lane {lane} of session {session} came after {delivered} of \
                 {taken}: lost, doubled or out of order"
            ));
        }
        entry.delivered += 1;
        Ok(())
    }

    /// Everything that a session took came out of it.
    pub(super) fn is_settled(&self, session: u32) -> bool {
        let mut entries = self.0.range((session, 0, 0)..=(session, 1, 2));
        entries.all(|(_, entry)| entry.taken == entry.delivered)
    }
}
