//! What a node holds and does for all its channels together.

use super::ranges;

/// What a node holds and does for all its channels together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeLimits {
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
    /// Candidate addresses remembered per channel: half of them places where a member was, the rest
    /// hints.
    pub candidates: usize,
    /// Peers believed from one tracker answer or one peer-exchange message.
    pub peers_per_source: usize,
    /// Infohashes of others that are remembered for the DHT.
    pub dht_hashes: usize,
    /// Peers of each of them that are remembered.
    pub dht_peers: usize,
    /// Events that the application has not drained.
    pub events: usize,
    /// Log records that the application has not drained; the oldest are lost first.
    pub log_records: usize,
    /// Datagrams of no link (probes, handshakes, tracker requests) that wait to be handed out.
    pub queued_datagrams: usize,
    /// Bytes handed out in `Persist` actions that are not yet answered.
    pub persist_bytes: usize,
    /// Bytes by which the windows and send buffers of all links may grow together, beyond what each
    /// link begins with.
    pub links_growth: u64,
}

impl Default for NodeLimits {
    fn default() -> Self {
        Self {
            channels: 64,
            links: 64,
            handshakes: 64,
            resumptions: 1_024,
            probe_nonces: 4_096,
            candidates: 512,
            peers_per_source: 200,
            dht_hashes: 500,
            dht_peers: 100,
            events: 4_096,
            log_records: 1_024,
            queued_datagrams: 1_024,
            persist_bytes: 8 * 1024 * 1024,
            links_growth: 128 * 1024 * 1024,
        }
    }
}

ranges! { NodeLimits;
    channels: 1 to 65_536,
    links: 1 to 65_536,
    handshakes: 1 to 65_536,
    resumptions: 1 to 1_048_576,
    probe_nonces: 1 to 16_777_216,
    candidates: 2 to 1_048_576,
    peers_per_source: 1 to 65_536,
    dht_hashes: 1 to 65_536,
    dht_peers: 1 to 65_536,
    events: 2 to 1_048_576,
    log_records: 1 to 1_048_576,
    queued_datagrams: 1 to 1_048_576,
    persist_bytes: 1_024 to 1_073_741_824,
    links_growth: 0 to 1_099_511_627_776,
}
