//! Byte streams of the application to members (spec 08 §Byte streams).

use super::Node;
use crate::base::ids::{ChannelHandle, Device, PeerStream};
use crate::base::time::Now;
use crate::link::{StreamFailure, StreamRead};

impl Node {
    /// Asks a member's device for a byte stream, of which `name` says what it is for (1 to 128 bytes).
    /// That the device is a member is proven by the link that carries the channel; a device to which
    /// there is none now is not asked.
    ///
    /// [`StreamUpdate::Accepted`](super::StreamUpdate::Accepted) follows, or
    /// [`StreamUpdate::Closed`](super::StreamUpdate::Closed) where the peer's application does not
    /// want the stream. Bytes may be written before. A stream ends with its link.
    ///
    /// # Errors
    /// [`StreamFailure::NotShared`], [`StreamFailure::Name`], [`StreamFailure::Limit`] (see
    /// [`LinkLimits::byte_streams`](crate::base::limits::LinkLimits::byte_streams)),
    /// [`StreamFailure::Busy`].
    pub fn open_stream(
        &mut self,
        now: Now,
        channel: ChannelHandle,
        device: Device,
        name: &str,
    ) -> Result<PeerStream, StreamFailure> {
        let now = self.advance(now);
        let joined = self.channels.get(channel).ok_or(StreamFailure::NotShared)?;
        let chan = joined.chan;
        let link = self.sessions.by_device(device).ok_or(StreamFailure::NotShared)?;
        let number = self.with_link(now, link, |link, _, _| link.open_stream(chan, name));
        self.settle(now, Vec::new());
        let number = number.unwrap_or(Err(StreamFailure::NotShared))?;
        Ok(PeerStream { link, number })
    }

    /// Takes a stream that a member asked for. False if it is gone, or was answered before.
    pub fn accept_stream(&mut self, now: Now, stream: PeerStream) -> bool {
        let now = self.advance(now);
        let accepted = self.with_link(now, stream.link, |link, _, events| {
            link.accept_stream(stream.number, events)
        });
        self.settle(now, Vec::new());
        accepted == Some(true)
    }

    /// Refuses a stream that a member asked for. False if it is gone, or was answered before.
    pub fn refuse_stream(&mut self, now: Now, stream: PeerStream) -> bool {
        let now = self.advance(now);
        let refused =
            self.with_link(now, stream.link, |link, _, _| link.refuse_stream(stream.number));
        self.settle(now, Vec::new());
        refused == Some(true)
    }

    /// Takes as many bytes of `data` as there is room for, and says how many. Where that is not all of
    /// them, [`StreamUpdate::Writable`](super::StreamUpdate::Writable) says when to go on.
    ///
    /// # Errors
    /// [`StreamFailure::Unknown`], [`StreamFailure::Unanswered`], [`StreamFailure::Finished`],
    /// [`StreamFailure::Stopped`].
    pub fn write_stream(
        &mut self,
        now: Now,
        stream: PeerStream,
        data: &[u8],
    ) -> Result<usize, StreamFailure> {
        let now = self.advance(now);
        let taken =
            self.with_link(now, stream.link, |link, _, _| link.write_stream(stream.number, data));
        self.settle(now, Vec::new());
        taken.unwrap_or(Err(StreamFailure::Unknown))
    }

    /// The next bytes that the member sent, `max` at most. The member may send as much again as was
    /// read, so an application that cannot take more does not read.
    ///
    /// # Errors
    /// [`StreamFailure::Unknown`], [`StreamFailure::Unanswered`].
    pub fn read_stream(
        &mut self,
        now: Now,
        stream: PeerStream,
        max: usize,
    ) -> Result<StreamRead, StreamFailure> {
        let now = self.advance(now);
        let read =
            self.with_link(now, stream.link, |link, _, _| link.read_stream(stream.number, max));
        self.settle(now, Vec::new());
        read.unwrap_or(Err(StreamFailure::Unknown))
    }

    /// Writes no more; the member may go on.
    ///
    /// # Errors
    /// As [`write_stream`](Self::write_stream), and [`StreamFailure::Busy`] right after
    /// [`accept_stream`](Self::accept_stream) while the send buffer is full.
    pub fn finish_stream(&mut self, now: Now, stream: PeerStream) -> Result<(), StreamFailure> {
        let now = self.advance(now);
        let done = self.with_link(now, stream.link, |link, _, _| link.finish_stream(stream.number));
        self.settle(now, Vec::new());
        done.unwrap_or(Err(StreamFailure::Unknown))
    }

    /// Ends both directions at once; what was not delivered is dropped. `code` is the application's,
    /// at most 2^62 - 1. False if there is no such stream.
    pub fn reset_stream(&mut self, now: Now, stream: PeerStream, code: u64) -> bool {
        let now = self.advance(now);
        let known =
            self.with_link(now, stream.link, |link, _, _| link.reset_stream(stream.number, code));
        self.settle(now, Vec::new());
        known == Some(true)
    }
}
