//! Every bound in one place: what a hostile peer can make a node hold or do (BC-12.60).

/// Named limits. The defaults suit a desktop or phone; an embedder may lower or raise each.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a `.chat` file.
    pub chat_file_bytes: usize,
    /// Channels joined at once.
    pub channels: usize,
    /// Links at once, all channels together.
    pub links: usize,
    /// Handshakes in progress at once.
    pub handshakes: usize,
    /// Peers whose resumption secrets are kept.
    pub resumptions: usize,
    /// Probe nonces remembered so that none is answered twice.
    pub probe_nonces: usize,
    /// Candidate addresses remembered per channel: half of them places where a member was, the rest hints.
    pub candidates: usize,
    /// Bytes of the largest UDP payload that this node sends or takes in; 1,200 to 65,507. Buffers for
    /// datagrams have this size. Larger packets than 1,200 bytes leave only where the path and the peer
    /// carry them.
    pub datagram_bytes: usize,
    /// Bytes a link may buffer of what the peer sends and the node has not consumed.
    pub receive_window: u64,
    /// Bytes a link may buffer of what the node sends and the peer has not acknowledged.
    pub send_buffer: usize,
    /// Streams that a peer may have open on a link: three for each channel, and the control stream.
    pub streams: u64,
    /// Gaps in the reassembly of one stream while a link's window is `receive_window`; more as the
    /// window grows, in proportion.
    pub reassembly_gaps: usize,
    /// Bytes of one message (a log entry, a peer list, …) on a stream.
    pub message_bytes: usize,
    /// Bytes of one text.
    pub text_bytes: usize,
    /// Log entries of one channel kept in memory.
    pub log_entries: usize,
    /// Bytes of those entries, and 4,096 for each author.
    pub log_bytes: usize,
    /// Authors of one channel that are taken unasked; more only where others build on them.
    pub authors: usize,
    /// Entries of one channel that wait for an earlier one.
    pub waiting_entries: usize,
    /// Events that the application has not drained.
    pub events: usize,
    /// Log records that the application has not drained; the oldest are lost first.
    pub log_records: usize,
    /// Datagrams of no link (probes, handshakes, tracker requests) that wait to be handed out.
    pub queued_datagrams: usize,
    /// Bytes handed out in `Persist` actions that are not yet answered.
    pub persist_bytes: usize,
    /// Peers believed from one tracker answer or one peer-exchange message.
    pub peers_per_source: usize,
    /// Bytes of a tracker's answer, after decompression.
    pub tracker_reply_bytes: usize,
    /// Trackers in one `.chat` file.
    pub trackers: usize,
    /// DHT nodes in one `.chat` file.
    pub nodes: usize,
    /// Peer addresses in one `.chat` file.
    pub file_peers: usize,
    /// Bytes of a name: of a channel, or of the program that made a file.
    pub name_bytes: usize,
    /// Bytes of the comment in a `.chat` file.
    pub comment_bytes: usize,
    /// Bytes of a link to a channel.
    pub link_bytes: usize,
    /// Bytes by which the windows and the send buffer of one link may grow together, beyond
    /// `receive_window` and `send_buffer`, where its path is long and fast.
    pub link_growth: u64,
    /// The same for all links together.
    pub links_growth: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            chat_file_bytes: 64 * 1024,
            channels: 64,
            links: 64,
            handshakes: 64,
            resumptions: 1_024,
            probe_nonces: 4_096,
            candidates: 512,
            datagram_bytes: 65_507,
            receive_window: 1024 * 1024,
            send_buffer: 1024 * 1024,
            streams: 200,
            reassembly_gaps: 256,
            message_bytes: 128 * 1024,
            text_bytes: 64 * 1024,
            log_entries: 100_000,
            log_bytes: 64 * 1024 * 1024,
            authors: 4_096,
            waiting_entries: 1_024,
            events: 4_096,
            log_records: 1_024,
            queued_datagrams: 1_024,
            persist_bytes: 8 * 1024 * 1024,
            peers_per_source: 200,
            tracker_reply_bytes: 256 * 1024,
            trackers: 32,
            nodes: 32,
            file_peers: 32,
            name_bytes: 128,
            comment_bytes: 1_024,
            link_bytes: 8 * 1024,
            link_growth: 16 * 1024 * 1024,
            links_growth: 128 * 1024 * 1024,
        }
    }
}

/// Checks each limit, and gives the complaint about the first that is out of its range. Every field
/// must stand here, or this does not compile.
macro_rules! check_ranges {
    ($limits:expr; $($field:ident: $min:literal to $max:literal,)*) => {{
        let Limits { $($field),* } = $limits;
        $(if !($min..=$max).contains($field) {
            return Err(concat!(
                "limits.", stringify!($field), ": choose ", stringify!($min), " to ", stringify!($max)
            ));
        })*
        Ok(())
    }};
}

impl Limits {
    /// Checks that each limit leaves room to work and does not ask for more than a machine has.
    ///
    /// # Errors
    /// The text names the first limit that is out of its range, and the range.
    pub fn check(&self) -> Result<(), &'static str> {
        check_ranges! { self;
            chat_file_bytes: 1_024 to 16_777_216,
            channels: 1 to 65_536,
            links: 1 to 65_536,
            handshakes: 1 to 65_536,
            resumptions: 1 to 1_048_576,
            probe_nonces: 1 to 16_777_216,
            candidates: 2 to 1_048_576,
            datagram_bytes: 1_200 to 65_507,
            receive_window: 16_384 to 1_073_741_824,
            send_buffer: 16_384 to 1_073_741_824,
            streams: 4 to 65_536,
            reassembly_gaps: 1 to 65_536,
            message_bytes: 1_024 to 16_777_216,
            text_bytes: 1 to 65_536,
            log_entries: 1 to 16_777_216,
            log_bytes: 1_024 to 4_294_967_295,
            authors: 1 to 1_048_576,
            waiting_entries: 1 to 1_048_576,
            events: 2 to 1_048_576,
            log_records: 1 to 1_048_576,
            queued_datagrams: 1 to 1_048_576,
            persist_bytes: 1_024 to 1_073_741_824,
            peers_per_source: 1 to 65_536,
            tracker_reply_bytes: 1_024 to 16_777_216,
            trackers: 1 to 1_024,
            nodes: 1 to 1_024,
            file_peers: 1 to 1_024,
            name_bytes: 1 to 1_024,
            comment_bytes: 1 to 65_536,
            link_bytes: 128 to 1_048_576,
            link_growth: 0 to 1_073_741_824,
            links_growth: 0 to 1_099_511_627_776,
        }
    }
}

#[cfg(test)]
mod tests;
