//! What an application does with byte streams to the peer (spec 08 §Byte streams).

use super::{ChannelEpoch, Link, LinkEvent, StreamFailure, StreamRead};
use crate::transport::TransportStreamId;

impl Link {
    /// Asks the peer for a byte stream as a member of `channel`. [`StreamEvent::Accepted`] or
    /// [`StreamEvent::Closed`] follows; what is written before is kept for whoever accepts.
    ///
    /// # Errors
    /// [`StreamFailure`]
    ///
    /// [`StreamEvent::Accepted`]: super::StreamEvent::Accepted
    /// [`StreamEvent::Closed`]: super::StreamEvent::Closed
    pub fn open_stream(
        &mut self,
        channel: impl Into<ChannelEpoch>,
        name: &str,
    ) -> Result<u64, StreamFailure> {
        let channel = channel.into();
        let slot = self.carried.slots.ours(channel);
        let slot = slot.filter(|_| self.is_open() && self.carried.slots.is_shared(channel));
        let slot = slot.ok_or(StreamFailure::NotShared)?;
        let id = self.streams.bytes.open(&mut self.transport, channel, slot, name)?;
        Ok(id.get())
    }

    /// Takes a stream that the peer asked for. False if there is none to be answered.
    pub fn accept_stream(&mut self, stream: u64, events: &mut Vec<LinkEvent>) -> bool {
        self.streams.bytes.accept(&mut self.transport, id(stream), events)
    }

    /// Refuses a stream that the peer asked for. False if there is none to be answered.
    pub fn refuse_stream(&mut self, stream: u64) -> bool {
        self.streams.bytes.refuse(&mut self.transport, id(stream))
    }

    /// Takes as many bytes of `data` as the send buffer has room for, and says how many.
    ///
    /// # Errors
    /// [`StreamFailure`]
    pub fn write_stream(&mut self, stream: u64, data: &[u8]) -> Result<usize, StreamFailure> {
        self.streams.bytes.write(&mut self.transport, id(stream), data)
    }

    /// The next bytes of the stream, `max` at most. Reading gives the peer credit to send more.
    ///
    /// # Errors
    /// [`StreamFailure`]
    pub fn read_stream(&mut self, stream: u64, max: usize) -> Result<StreamRead, StreamFailure> {
        self.streams.bytes.read(&mut self.transport, id(stream), max)
    }

    /// Writes no more; reading goes on.
    ///
    /// # Errors
    /// [`StreamFailure`]
    pub fn finish_stream(&mut self, stream: u64) -> Result<(), StreamFailure> {
        self.streams.bytes.finish(&mut self.transport, id(stream))
    }

    /// Ends both directions at once; what is not delivered is dropped. False if there is no such
    /// stream. `code` is the application's, at most 2^62 - 1.
    pub fn reset_stream(&mut self, stream: u64, code: u64) -> bool {
        self.streams.bytes.reset(&mut self.transport, id(stream), code)
    }
}

const fn id(stream: u64) -> TransportStreamId {
    TransportStreamId::from_wire(stream)
}
