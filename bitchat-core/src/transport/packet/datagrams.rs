//! Unreliable messages on their way out: each leaves once or not at all (BC-07.28).

use super::builder::PacketBuilder;
use crate::base::queue::BoundedQueue;
use crate::base::time::Timestamp;
use crate::transport::error::QueueError;
use crate::wire::frame::Frame;
use crate::wire::varint;
use bytes::Bytes;

#[derive(Debug)]
pub(in crate::transport) struct Datagrams {
    queue: BoundedQueue<(Bytes, Timestamp)>,
    pub(in crate::transport) dropped: u64,
}

impl Datagrams {
    pub(in crate::transport) const fn new(capacity: usize) -> Self {
        Self { queue: BoundedQueue::new(capacity), dropped: 0 }
    }

    /// The longest that fits into a packet of its own with `max_payload` bytes of plaintext.
    pub(in crate::transport) const fn max_len(max_payload: usize) -> usize {
        let header = 1 + varint::len(max_payload as u64);
        max_payload.saturating_sub(header)
    }

    pub(in crate::transport) fn push(
        &mut self,
        now: Timestamp,
        data: Bytes,
        max: usize,
        expires: Timestamp,
    ) -> Result<(), QueueError> {
        if data.len() > max {
            return Err(QueueError::TooLong { len: data.len(), max });
        }
        self.expire(now);
        self.queue.push((data, expires)).map_err(|_| QueueError::Full)
    }

    fn expire(&mut self, now: Timestamp) {
        while self.queue.front().is_some_and(|&(_, expires)| expires <= now) {
            self.drop_front();
        }
    }

    fn drop_front(&mut self) {
        self.queue.pop();
        self.dropped += 1;
    }

    pub(in crate::transport) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Writes what fits. One of more than `max` bytes is dropped: the path carried larger packets
    /// when it was accepted.
    pub(in crate::transport) fn write(
        &mut self,
        now: Timestamp,
        max: usize,
        packet: &mut PacketBuilder<'_>,
    ) {
        loop {
            self.expire(now);
            let Some((data, _)) = self.queue.front() else { return };
            let frame = Frame::Datagram(data);
            if packet.put(&frame) {
                self.queue.pop();
            } else if data.len() > max {
                self.drop_front();
            } else {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
