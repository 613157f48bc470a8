//! A node's limits, for C.

use crate::boundary::guard;
use crate::sized_struct::{SizedStruct, read_struct_over, write_struct};
use crate::values::bitchat_error;
use bitchat_core::base::limits::Limits;

/// Bounds on everything that peers can make a node hold: set `struct_size`, call `bitchat_limits_init`,
/// then change what you need. `bitchat_node_new` names a limit that is out of its range.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_limits {
    /// Set to sizeof(bitchat_limits).
    pub struct_size: usize,
    /// Bytes of a `.chat` file.
    pub chat_file_bytes: u64,
    /// Channels joined at once.
    pub channels: u64,
    /// Links at once, all channels together.
    pub links: u64,
    /// Handshakes in progress at once.
    pub handshakes: u64,
    /// Peers whose resumption secrets are kept.
    pub resumptions: u64,
    /// Probe nonces remembered so that none is answered twice.
    pub probe_nonces: u64,
    /// Candidate addresses remembered per channel.
    pub candidates: u64,
    /// Bytes of the largest UDP payload that the node sends or takes in. Your buffers for datagrams
    /// have this size.
    pub datagram_bytes: u64,
    /// Bytes a link may buffer of what the peer sends and the node has not consumed.
    pub receive_window: u64,
    /// Bytes a link may buffer of what the node sends and the peer has not acknowledged.
    pub send_buffer: u64,
    /// Streams that a peer may have open on a link: three for each channel, and the control stream.
    pub streams: u64,
    /// Gaps in the reassembly of one stream while a link's window is `receive_window`; more as the
    /// window grows, in proportion.
    pub reassembly_gaps: u64,
    /// Bytes of one message (a log entry, a peer list, …) on a stream.
    pub message_bytes: u64,
    /// Bytes of one text.
    pub text_bytes: u64,
    /// Log entries of one channel kept in memory.
    pub log_entries: u64,
    /// Bytes of those entries, and 4,096 for each author.
    pub log_bytes: u64,
    /// Authors of one channel that are taken unasked; more only where others build on them.
    pub authors: u64,
    /// Entries of one channel that wait for an earlier one.
    pub waiting_entries: u64,
    /// Events that the application has not drained.
    pub events: u64,
    /// Log records that the application has not drained; the oldest are lost first.
    pub log_records: u64,
    /// Datagrams of no link (probes, handshakes, tracker requests) that wait to be handed out.
    pub queued_datagrams: u64,
    /// Bytes handed out in `Persist` actions that are not yet answered.
    pub persist_bytes: u64,
    /// Peers believed from one tracker answer or one peer-exchange message.
    pub peers_per_source: u64,
    /// Bytes of a tracker's answer, after decompression.
    pub tracker_reply_bytes: u64,
    /// Trackers in one `.chat` file.
    pub trackers: u64,
    /// DHT nodes in one `.chat` file.
    pub nodes: u64,
    /// Peer addresses in one `.chat` file.
    pub file_peers: u64,
    /// Bytes of a name: of a channel, or of the program that made a file.
    pub name_bytes: u64,
    /// Bytes of the comment in a `.chat` file.
    pub comment_bytes: u64,
    /// Bytes of a link to a channel.
    pub link_bytes: u64,
    /// Bytes by which the windows and the send buffer of one link may grow together, beyond
    /// `receive_window` and `send_buffer`, where its path is long and fast.
    pub link_growth: u64,
    /// The same for all links together.
    pub links_growth: u64,
    /// Infohashes of others that are remembered for the DHT.
    pub dht_hashes: u64,
    /// Peers of each of them that are remembered.
    pub dht_peers: u64,
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value.
unsafe impl SizedStruct for bitchat_limits {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Between the flat struct of C and the groups of Rust.
macro_rules! convert {
    ($($room:ident: $($field:ident),*;)*) => {
        impl From<&Limits> for bitchat_limits {
            fn from(limits: &Limits) -> Self {
                Self { struct_size: 0, $($($field: limits.$room.$field as u64,)*)* }
            }
        }

        impl bitchat_limits {
            /// The same for Rust, or which limit no number of this machine can hold.
            fn to_limits(self) -> Result<Limits, &'static str> {
                let mut out = Limits::default();
                $($(out.$room.$field = self.$field.try_into().map_err(|_| {
                    concat!("limits.", stringify!($field), ": this machine cannot count so far")
                })?;)*)*
                Ok(out)
            }
        }
    };
}

convert! {
    node: channels, links, handshakes, resumptions, probe_nonces, candidates, peers_per_source,
        events, log_records, queued_datagrams, persist_bytes, links_growth, dht_hashes, dht_peers;
    link: datagram_bytes, receive_window, send_buffer, streams, reassembly_gaps, message_bytes,
        link_growth;
    channel: text_bytes, log_entries, log_bytes, authors, waiting_entries;
    tracker: tracker_reply_bytes;
    file: chat_file_bytes, trackers, nodes, file_peers, name_bytes, comment_bytes, link_bytes;
}

/// Fills limits with the defaults, which suit a desktop or phone.
///
/// # Safety
/// `limits` is NULL or valid for writes, with `struct_size` set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_limits_init(limits: *mut bitchat_limits) -> i32 {
    // SAFETY: as the caller says.
    guard(|| unsafe { write_struct(&bitchat_limits::from(&Limits::default()), limits) })
}

/// The limits behind `limits`; the defaults where it is NULL, and where the caller's struct ends.
///
/// # Safety
/// `limits` is NULL or valid for reads; `why` is NULL or valid for reads and writes.
pub(crate) unsafe fn read_limits(
    limits: *const bitchat_limits,
    why: *mut bitchat_error,
) -> Result<Limits, i32> {
    if limits.is_null() {
        return Ok(Limits::default());
    }
    // SAFETY: as the caller says.
    unsafe {
        let limits = read_struct_over((&Limits::default()).into(), limits)?;
        let limits = limits.to_limits().map_err(|reason| bitchat_error::say(why, reason))?;
        limits.check().map_err(|reason| bitchat_error::say(why, reason))?;
        Ok(limits)
    }
}

#[cfg(test)]
mod tests;
