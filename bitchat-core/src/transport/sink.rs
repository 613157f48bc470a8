//! Where a transport reports what a packet brought.

use super::stream_id::TransportStreamId;
use crate::wire::frame::NewConnectionId;
use core::net::SocketAddr;

/// Receives the effects of [`Transport::on_packet`](super::Transport::on_packet) while it runs. The
/// parent acts on the spot or notes them; it cannot call back into the transport meanwhile.
pub trait TransportSink {
    /// The peer opened a stream.
    fn stream_opened(&mut self, id: TransportStreamId);
    /// `read` on the stream will give something: data, its end or its reset.
    fn stream_readable(&mut self, id: TransportStreamId);
    /// The next bytes of a stream, in order and none left out. True: taken, they need not be read.
    /// False: the transport keeps them for [`read`](super::Transport::read), and reports the stream
    /// as readable. Data that was not taken once is followed by no more until it was read.
    fn stream_data(&mut self, id: TransportStreamId, data: &[u8]) -> bool {
        let _ = (id, data);
        false
    }
    /// After a short write: the stream accepts data again.
    fn stream_writable(&mut self, id: TransportStreamId);
    /// After [`StreamError::Limit`](super::StreamError::Limit): the peer allows more streams.
    fn streams_available(&mut self);
    /// The peer wants no more on the stream; its sending direction was reset with this code.
    fn stream_stopped(&mut self, id: TransportStreamId, code: u64);
    /// An unreliable message.
    fn datagram(&mut self, data: &[u8]);
    /// To be answered on the path that the packet came by, at once or not at all.
    fn path_challenge(&mut self, token: [u8; 8]);
    /// The answer to a challenge of ours.
    fn path_response(&mut self, token: [u8; 8]);
    /// Where the peer sees our packets come from.
    fn observed_address(&mut self, address: SocketAddr);
    /// The peer offers an id; [`Announcement`](super::Announcement) answers it.
    fn new_connection_id(&mut self, new: NewConnectionId);
    /// The peer uses the id that we numbered `sequence` no more.
    fn retire_connection_id(&mut self, sequence: u64);
    /// A packet of ours was acknowledged for the first time.
    fn packet_acked(&mut self, pn: u64);
    /// The peer ended the link; the reason is for a log.
    fn closed(&mut self, code: u64, reason: &[u8]);
}
