//! Traces of links, read with the library of quiche (spec 13): a chat over a bad line.

use bitchat_sim::crew::{Crew, Who};
use bitchat_sim::net::{LinkConfig, Loss};
use qlog::events::quic::{PacketType, QuicFrame};
use qlog::events::{Event, EventData};
use qlog::reader::{Event as Record, QlogSeqReader};
use qlog::{QlogSeq, VantagePointType};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::net::IpAddr;
use std::time::Duration;

/// A trace as quiche's library reads it.
struct Trace {
    head: QlogSeq,
    events: Vec<Event>,
}

/// Two that talk over a line that loses, with traces or without. Each one's traces by name, in the
/// format of their files.
fn traces(wanted: bool) -> [BTreeMap<String, String>; 2] {
    let mut crew = Crew::new(29, false);
    let chan = crew.channel("traced", &[]);
    let all = [crew.member(), crew.member()];
    crew.world.net.set_default(&LinkConfig {
        delay: Duration::from_millis(20),
        loss: Loss::Random(0.05),
        ..LinkConfig::ideal()
    });
    for who in all {
        let config = crew.config(who);
        config.rekey_interval = Duration::from_secs(1);
        config.qlog = wanted;
        config.families.v6 = false;
        crew.join(who, chan);
        crew.start(who);
    }
    crew.introduce(all[0], all[1], chan);
    crew.expect(Duration::from_secs(60), "a link", |crew| crew.meshed(chan));
    for turn in 0..20 {
        crew.say_text(all[turn % 2], chan, "nobody else's business ".repeat(50));
        crew.run(Duration::from_millis(300));
    }
    all.map(|who| {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        let host = crew.host(who);
        crew.world.call(host, |node, _| {
            while let Some(record) = node.poll_qlog() {
                assert_eq!(record.lost, 0);
                let file = files.entry(record.trace.to_string()).or_default();
                file.push('\u{1e}');
                file.push_str(&record.text);
                file.push('\n');
            }
        });
        files
    })
}

fn read(file: &str) -> Trace {
    let reader = Box::new(Cursor::new(file.as_bytes().to_vec()));
    let mut reader = QlogSeqReader::new(reader).expect("a head that quiche's library reads");
    let events = reader.by_ref().map(|record| match record {
        Record::Qlog(event) => event,
        Record::Json(other) => panic!("an event that the schema does not have: {other:?}"),
    });
    let events: Vec<_> = events.collect();
    // The reader leaves out what it cannot read.
    assert_eq!(events.len() + 1, file.matches('\u{1e}').count(), "records were not understood");
    Trace { head: reader.qlog, events }
}

/// Numbers of packets sent, received and lost.
fn numbers(trace: &Trace) -> [BTreeSet<u64>; 3] {
    let mut numbers: [BTreeSet<u64>; 3] = Default::default();
    for event in &trace.events {
        let (at, header) = match &event.data {
            EventData::QuicPacketSent(packet) => (0, Some(&packet.header)),
            EventData::QuicPacketReceived(packet) => (1, Some(&packet.header)),
            EventData::QuicPacketLost(packet) => (2, packet.header.as_ref()),
            _ => continue,
        };
        let header = header.expect("a header");
        assert_eq!(header.packet_type, PacketType::OneRtt);
        let fresh = numbers[at].insert(header.packet_number.expect("a number"));
        assert!(fresh, "a packet was told of twice");
    }
    numbers
}

/// BC-13.20, BC-13.21
#[test]
fn both_ends_tell_the_same_story() {
    let files = traces(true);
    let names: Vec<Vec<&String>> = files.iter().map(|files| files.keys().collect()).collect();
    let session = names[0]
        .iter()
        .find_map(|name| name.strip_suffix("-client"))
        .or_else(|| names[0].iter().find_map(|name| name.strip_suffix("-server")))
        .expect("a trace");
    let both = files.each_ref().map(|files| {
        let (_, file) =
            files.iter().find(|(name, _)| name.starts_with(session)).expect("the same session");
        assert!(!file.contains("business"), "what was said is in the trace");
        read(file)
    });
    let ends: BTreeSet<_> = both
        .iter()
        .map(|trace| {
            let head = &trace.head.trace;
            assert_eq!(head.event_schemas, [qlog::events::QUIC_URI]);
            let group = head.common_fields.as_ref().and_then(|fields| fields.group_id.as_deref());
            assert_eq!(group, Some(session));
            let point = head.vantage_point.as_ref().expect("a vantage point");
            point.ty == VantagePointType::Client
        })
        .collect();
    assert_eq!(ends.len(), 2, "one end is the client, the other the server");
    let [a, b] = both.each_ref().map(numbers);
    for ([sent, _, lost], [_, received, _]) in [(&a, &b), (&b, &a)] {
        assert!(sent.len() > 100, "{}", sent.len());
        assert!(received.is_subset(sent), "what arrived was sent");
        assert!(lost.is_subset(sent), "what was lost was sent");
        // Few are declared lost that only came late.
        let missing: BTreeSet<_> = sent.difference(received).copied().collect();
        assert!(lost.intersection(&missing).count() * 2 > lost.len(), "{lost:?} of {missing:?}");
    }
    assert!(a[2].len() + b[2].len() > 0, "the line loses");
}

/// BC-13.20
#[test]
fn estimates_keys_and_frames_are_in_it() {
    let files = traces(true);
    let trace = read(files[0].values().max_by_key(|file| file.len()).expect("a trace"));
    let mut times = trace.events.iter().map(|event| event.time);
    assert!(times.clone().is_sorted() && times.next().is_some());
    let has = |what: fn(&EventData) -> bool| trace.events.iter().any(|event| what(&event.data));
    assert!(matches!(trace.events[0].data, EventData::QuicConnectionStarted(_)));
    assert!(has(
        |data| matches!(data, EventData::QuicKeyUpdated(keys) if keys.key_phase > Some(2))
    ));
    assert!(has(|data| {
        let EventData::QuicMetricsUpdated(metrics) = data else { return false };
        metrics.smoothed_rtt.is_some_and(|rtt| (39.0..200.0).contains(&rtt))
    }));
    assert!(has(|data| {
        let EventData::QuicPacketSent(packet) = data else { return false };
        let stream = |frame: &QuicFrame| matches!(frame, QuicFrame::Stream { stream_id, .. } if *stream_id > 0);
        packet.frames.iter().flatten().any(stream)
    }));
    assert!(has(|data| {
        let EventData::QuicPacketReceived(packet) = data else { return false };
        let ack = |frame: &QuicFrame| matches!(frame, QuicFrame::Ack { acked_ranges: Some(ranges), .. } if !ranges.is_empty());
        packet.frames.iter().flatten().any(ack)
    }));
}

/// BC-13.22
#[test]
fn nothing_is_traced_that_was_not_asked_for() {
    assert!(!bitchat_core::node::Config::default().qlog);
    assert!(traces(false).iter().all(BTreeMap::is_empty));
}

/// What congestion control of `who` was doing on its links, by their traces.
fn states(crew: &mut Crew, who: Who) -> Vec<String> {
    let host = crew.host(who);
    let mut states = Vec::new();
    crew.world.call(host, |node, _| {
        while let Some(record) = node.poll_qlog() {
            let event = serde_json::from_str::<Event>(&record.text).ok();
            if let Some(EventData::QuicCongestionStateUpdated(update)) = event.map(|it| it.data) {
                states.push(update.new);
            }
        }
    });
    states
}

/// BC-07.85: what a node measured serves its next link to the same address, while the host stays
/// where it is.
#[test]
fn the_next_link_to_an_address_begins_with_what_the_last_one_measured() {
    for moves in [false, true] {
        let mut crew = Crew::new(31, false);
        let chan = crew.channel("known", &[]);
        let all @ [one, other] = [crew.member(), crew.member()];
        crew.world.net.set_default(&LinkConfig {
            delay: Duration::from_millis(50),
            rate: Some(50_000_000),
            queue: 640_000,
            ..LinkConfig::ideal()
        });
        for who in all {
            let config = crew.config(who);
            config.qlog = true;
            config.families.v6 = false;
            crew.join(who, chan);
            crew.start(who);
        }
        crew.introduce(one, other, chan);
        crew.expect(Duration::from_secs(60), "a link", |crew| crew.meshed(chan));
        let talk = |crew: &mut Crew, from: usize| {
            for part in from..from + 90 {
                crew.say_text(one, chan, format!("{part:03}").repeat(20_000));
                if part % 3 == 2 {
                    crew.run(Duration::from_millis(100));
                }
            }
        };
        talk(&mut crew, 0);
        assert!(!states(&mut crew, one).iter().any(|state| state.starts_with("careful")));
        crew.quit(other);
        crew.run(Duration::from_secs(5));
        if moves {
            let host = crew.host(one);
            crew.world.roam(host, IpAddr::from([81, 0, 0, 1]));
        }
        crew.start(other);
        crew.introduce(one, other, chan);
        crew.expect(Duration::from_secs(60), "a link", |crew| crew.meshed(chan));
        talk(&mut crew, 90);
        let states = states(&mut crew, one);
        let careful = states.iter().any(|state| state == "careful_unvalidated");
        assert_eq!(careful, !moves, "{states:?}");
    }
}
