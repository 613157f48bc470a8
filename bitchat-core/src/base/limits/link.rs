//! What one link holds, and the sizes of what it carries.

use super::ranges;

/// What one link holds, and the sizes of what it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkLimits {
    /// Bytes of the largest UDP payload that this node sends or takes in; 1,200 to 65,507. Buffers
    /// for datagrams have this size. Packets larger than 1,200 bytes leave only where the path and
    /// the peer carry them.
    pub datagram_bytes: usize,
    /// Bytes a link may buffer of what the peer sends and the node has not consumed.
    pub receive_window: u64,
    /// Bytes a link may buffer of what the node sends and the peer has not acknowledged.
    pub send_buffer: usize,
    /// Streams that a peer may have open on a link: three for each channel, and the control stream.
    pub streams: u64,
    /// Byte streams of applications that may be open on a link at once, those of both sides together.
    /// Each holds what one stream may hold beside the link's window.
    pub byte_streams: usize,
    /// Gaps in the reassembly of one stream while a link's window is `receive_window`; more as the
    /// window grows, in proportion.
    pub reassembly_gaps: usize,
    /// Bytes of one message (a log entry, a peer list, …) on a stream.
    pub message_bytes: usize,
    /// Bytes by which the windows and the send buffer of one link may grow together, beyond
    /// `receive_window` and `send_buffer`, where its path is long and fast.
    pub link_growth: u64,
}

impl Default for LinkLimits {
    fn default() -> Self {
        Self {
            datagram_bytes: 65_507,
            receive_window: 1024 * 1024,
            send_buffer: 1024 * 1024,
            streams: 200,
            byte_streams: 8,
            reassembly_gaps: 256,
            message_bytes: 128 * 1024,
            link_growth: 16 * 1024 * 1024,
        }
    }
}

ranges! { LinkLimits;
    datagram_bytes: 1_200 to 65_507,
    receive_window: 16_384 to 1_073_741_824,
    send_buffer: 16_384 to 1_073_741_824,
    streams: 4 to 65_536,
    byte_streams: 0 to 1_024,
    reassembly_gaps: 1 to 65_536,
    message_bytes: 1_024 to 16_777_216,
    link_growth: 0 to 1_073_741_824,
}
