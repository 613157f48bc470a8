//! Two ends of a session in one thread, with a network of 100 µs each way between them, and the
//! work that every contender is given.

use crate::alloc::allocations;
use crate::measure::spent;
use std::time::Duration;

/// The flight of a packet, in virtual time.
pub const ONE_WAY: Duration = Duration::from_micros(100);
/// Bytes of a piece of bulk data.
const PIECE: usize = 16 * 1024;
/// Bytes of a short message.
const SHORT: usize = 100;
/// Short messages between two flushes when they are to share packets.
const BATCH: usize = 100;

/// Both ends. End 0 sends the payload, end 1 takes it.
pub trait Pair {
    /// Queues a message at end 0; false if there is no room.
    fn send(&mut self, message: &[u8]) -> bool;
    /// End `from` sends all that it may, and the other end takes it in a flight later. How many
    /// packets that were.
    fn flush(&mut self, from: usize) -> u64;
    /// Lets virtual time pass until something is due.
    fn sleep(&mut self);
    /// Payload bytes that end 1 has been given.
    fn received(&self) -> u64;

    /// One round trip; how many packets travelled.
    fn round(&mut self) -> u64 {
        self.flush(0) + self.flush(1)
    }
}

/// What a workload cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub seconds: f64,
    pub packets: u64,
    pub allocations: u64,
}

fn cost(work: impl FnOnce() -> u64) -> Cost {
    let before = allocations();
    let mut packets = 0;
    let seconds = spent(|| packets = work());
    Cost { seconds, packets, allocations: allocations() - before }
}

/// Moves `bytes` from end 0 to end 1.
pub fn bulk(pair: &mut dyn Pair, bytes: u64) -> Cost {
    let piece = [7; PIECE];
    let target = pair.received() + bytes;
    cost(|| {
        let (mut sent, mut packets) = (0, 0);
        while pair.received() < target {
            while sent < bytes && pair.send(&piece) {
                sent += PIECE as u64;
            }
            match pair.round() {
                0 => pair.sleep(),
                moved => packets += moved,
            }
        }
        packets
    })
}

/// Sends `count` short messages, each in a packet of its own.
pub fn messages(pair: &mut dyn Pair, count: u64) -> Cost {
    short(pair, count, 1)
}

/// Sends `count` short messages that share packets.
pub fn coalesced(pair: &mut dyn Pair, count: u64) -> Cost {
    short(pair, count, BATCH)
}

fn short(pair: &mut dyn Pair, count: u64, batch: usize) -> Cost {
    let message = [7; SHORT];
    let target = pair.received() + count * SHORT as u64;
    cost(|| {
        let (mut sent, mut packets) = (0, 0);
        while pair.received() < target {
            for _ in 0..batch {
                if sent < count && pair.send(&message) {
                    sent += 1;
                }
            }
            match pair.round() {
                0 => pair.sleep(),
                moved => packets += moved,
            }
        }
        packets
    })
}
