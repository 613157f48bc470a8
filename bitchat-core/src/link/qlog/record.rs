//! The records of a trace, as draft-ietf-quic-qlog-main-schema and -quic-events name and lay them
//! out: the types are the schema (BC-13.20).

use super::frame::QlogFrame;
use crate::base::time::Timestamp;
use crate::base::via::Via;
use crate::crypto::noise::Role;
use crate::link::{Ended, Verdict};
use crate::transport::Observation;
use crate::wire::packet::Header;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use serde::Serialize;

/// The version of the events' schema that records follow.
const EVENTS: &str = "urn:ietf:params:qlog:events:quic-12";

#[derive(Serialize)]
struct Head<'a> {
    file_schema: &'static str,
    serialization_format: &'static str,
    title: &'static str,
    trace: TraceHead<'a>,
}

#[derive(Serialize)]
struct TraceHead<'a> {
    common_fields: CommonFields<'a>,
    vantage_point: VantagePoint<'a>,
    event_schemas: [&'static str; 1],
}

#[derive(Serialize)]
struct CommonFields<'a> {
    group_id: &'a str,
    protocol_types: [&'static str; 1],
    time_format: &'static str,
    reference_time: ReferenceTime,
}

#[derive(Serialize)]
struct ReferenceTime {
    clock_type: &'static str,
    epoch: &'static str,
}

#[derive(Serialize)]
struct VantagePoint<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
}

/// The first record of a trace.
pub(super) fn head(group_id: &str, vantage: &str) -> String {
    let head = Head {
        file_schema: "urn:ietf:params:qlog:file:sequential",
        serialization_format: "application/qlog+json-seq",
        title: concat!("Bit Chat ", env!("CARGO_PKG_VERSION")),
        trace: TraceHead {
            common_fields: CommonFields {
                group_id,
                protocol_types: ["BITCHAT"],
                time_format: "relative_to_epoch",
                reference_time: ReferenceTime { clock_type: "monotonic", epoch: "unknown" },
            },
            vantage_point: VantagePoint { kind: vantage },
            event_schemas: [EVENTS],
        },
    };
    serde_json::to_string(&head).unwrap_or_default()
}

#[derive(Serialize)]
struct Event<'a> {
    /// Milliseconds on the node's clock.
    time: f64,
    #[serde(flatten)]
    data: &'a Data<'a>,
}

/// Something that happened, as a record. Nothing in it can fail to be written.
pub(super) fn event(now: Timestamp, data: &Data<'_>) -> Option<String> {
    let time = millis(Duration::from_nanos(now.as_nanos()));
    serde_json::to_string(&Event { time, data }).ok()
}

/// To the microsecond. The division is exact to the last bit on every machine.
fn millis(time: Duration) -> f64 {
    let micros = f64::from(time.subsec_micros());
    #[expect(clippy::cast_precision_loss, reason = "2^53 seconds are enough")]
    let seconds = time.as_secs() as f64;
    seconds * 1_000.0 + micros / 1_000.0
}

/// What an event is called, and what belongs to it.
#[derive(Serialize)]
#[serde(tag = "name", content = "data")]
pub(super) enum Data<'a> {
    #[serde(rename = "quic:connection_started")]
    Started(Started),
    #[serde(rename = "quic:packet_sent")]
    Sent(Packet<'a>),
    #[serde(rename = "quic:packet_received")]
    Received(Packet<'a>),
    #[serde(rename = "quic:packet_dropped")]
    Dropped(Dropped),
    #[serde(rename = "quic:packet_lost")]
    Lost(Lost),
    #[serde(rename = "quic:recovery_metrics_updated")]
    Metrics(Metrics),
    #[serde(rename = "quic:congestion_state_updated")]
    Congestion(Updated<&'static str>),
    #[serde(rename = "quic:ecn_state_updated")]
    Ecn(Updated<&'static str>),
    #[serde(rename = "quic:mtu_updated")]
    Mtu(Updated<usize>),
    #[serde(rename = "quic:migration_state_updated")]
    Migrated(Migrated),
    #[serde(rename = "quic:key_updated")]
    KeyUpdated(KeyUpdated),
    #[serde(rename = "quic:connection_closed")]
    Closed(Closed<'a>),
}

/// One end's address.
#[derive(Default, Serialize)]
pub(super) struct Tuple {
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_v4: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port_v4: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_v6: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port_v6: Option<u16>,
}

impl Tuple {
    /// Empty where a relay stands between: the peer has no address here.
    pub(super) fn of_peer(via: Via) -> Self {
        via.remote().map_or_else(Self::default, Self::of)
    }

    pub(super) fn of(address: SocketAddr) -> Self {
        let port = Some(address.port());
        match address.ip() {
            IpAddr::V4(ip) => {
                Self { ip_v4: Some(ip.to_string()), port_v4: port, ..Self::default() }
            }
            IpAddr::V6(ip) => {
                Self { ip_v6: Some(ip.to_string()), port_v6: port, ..Self::default() }
            }
        }
    }
}

#[derive(Serialize)]
pub(super) struct Started {
    /// Empty: a node does not know which of its addresses the system uses.
    pub(super) local: Tuple,
    pub(super) remote: Tuple,
}

#[derive(Serialize)]
pub(super) struct PacketHeader {
    packet_type: &'static str,
    packet_number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_phase: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dcid: Option<String>,
}

impl PacketHeader {
    pub(super) fn new(header: &Header) -> Self {
        Self {
            packet_type: "1RTT",
            packet_number: header.pn,
            key_phase: Some(header.phase.value()),
            dcid: Some(header.cid.to_string()),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Raw {
    pub(super) length: usize,
    pub(super) payload_length: usize,
}

#[derive(Serialize)]
pub(super) struct Packet<'a> {
    pub(super) header: PacketHeader,
    pub(super) raw: Raw,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is_mtu_probe_packet: Option<bool>,
    pub(super) frames: Vec<QlogFrame<'a>>,
}

#[derive(Serialize)]
struct Length {
    length: usize,
}

#[derive(Serialize)]
pub(super) struct Dropped {
    raw: Length,
    trigger: &'static str,
    details: &'static str,
}

impl Dropped {
    pub(super) const fn new(length: usize, verdict: Verdict) -> Self {
        let (trigger, details) = match verdict {
            Verdict::Forged => ("decryption_failure", "it did not authenticate"),
            Verdict::Replayed => ("general", "it was seen before, or is too old to tell"),
            Verdict::Authentic => ("general", "the link is over"),
        };
        Self { raw: Length { length }, trigger, details }
    }
}

#[derive(Serialize)]
pub(super) struct Lost {
    header: PacketHeader,
}

impl Lost {
    pub(super) const fn new(packet_number: u64) -> Self {
        let header =
            PacketHeader { packet_type: "1RTT", packet_number, key_phase: None, dcid: None };
        Self { header }
    }
}

/// Estimates: of a record, those that have changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Metrics {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_rtt: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) smoothed_rtt: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) latest_rtt: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rtt_variance: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pto_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) congestion_window: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes_in_flight: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) packets_in_flight: Option<usize>,
    /// Bits a second, as the schema wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pacing_rate: Option<u64>,
}

impl Metrics {
    pub(super) fn of(seen: &Observation) -> Self {
        let rtt = seen.rtt.min().map(|min| (min, seen.rtt));
        Self {
            min_rtt: rtt.map(|(min, _)| millis(min)),
            smoothed_rtt: rtt.map(|(_, rtt)| millis(rtt.smoothed())),
            latest_rtt: rtt.map(|(_, rtt)| millis(rtt.latest())),
            rtt_variance: rtt.map(|(_, rtt)| millis(rtt.variation())),
            pto_count: Some(seen.timeouts),
            congestion_window: Some(seen.window),
            bytes_in_flight: Some(seen.bytes_in_flight),
            packets_in_flight: Some(seen.packets_in_flight),
            pacing_rate: Some(seen.pacing_rate.saturating_mul(8)),
        }
    }

    /// Only what is not as `before`.
    pub(super) fn since(&self, before: &Self) -> Self {
        fn changed<T: PartialEq + Copy>(now: &Option<T>, before: &Option<T>) -> Option<T> {
            now.filter(|_| now != before)
        }
        Self {
            min_rtt: changed(&self.min_rtt, &before.min_rtt),
            smoothed_rtt: changed(&self.smoothed_rtt, &before.smoothed_rtt),
            latest_rtt: changed(&self.latest_rtt, &before.latest_rtt),
            rtt_variance: changed(&self.rtt_variance, &before.rtt_variance),
            pto_count: changed(&self.pto_count, &before.pto_count),
            congestion_window: changed(&self.congestion_window, &before.congestion_window),
            bytes_in_flight: changed(&self.bytes_in_flight, &before.bytes_in_flight),
            packets_in_flight: changed(&self.packets_in_flight, &before.packets_in_flight),
            pacing_rate: changed(&self.pacing_rate, &before.pacing_rate),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Updated<T> {
    old: T,
    new: T,
}

pub(super) const fn updated<T: Copy>(old: T, new: T) -> Updated<T> {
    Updated { old, new }
}

#[derive(Serialize)]
pub(super) struct Migrated {
    new: &'static str,
    tuple_remote: Tuple,
}

impl Migrated {
    pub(super) fn to(via: Via) -> Self {
        Self { new: "migration_complete", tuple_remote: Tuple::of_peer(via) }
    }
}

#[derive(Serialize)]
pub(super) struct KeyUpdated {
    key_type: &'static str,
    /// How many rekeys there were.
    key_phase: u64,
    trigger: &'static str,
}

impl KeyUpdated {
    /// The initiator of a session starts its rekeys.
    pub(super) const fn new(role: Role, key_phase: u64) -> Self {
        let (key_type, trigger) = match role {
            Role::Initiator => ("client_1rtt_secret", "local_update"),
            Role::Responder => ("server_1rtt_secret", "remote_update"),
        };
        Self { key_type, key_phase, trigger }
    }
}

#[derive(Serialize)]
pub(super) struct Closed<'a> {
    initiator: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    trigger: &'static str,
}

impl<'a> Closed<'a> {
    pub(super) fn new(why: &'a Ended) -> Self {
        let (initiator, error_code, reason, trigger) = match why {
            Ended::Local(code) => ("local", Some(*code), None, "application"),
            Ended::Peer(code) => ("remote", Some(*code), None, "application"),
            Ended::Silence => ("local", None, None, "idle_timeout"),
            Ended::Violation(what) => ("local", None, Some(what.as_str()), "error"),
            Ended::Certificate => ("local", None, Some("the certificate ended"), "error"),
        };
        Self { initiator, error_code, reason, trigger }
    }
}
