//! What leaves, when, and in which order.

use super::{Event, Lane, Pair, Recorder, contents};
use crate::base::time::Timestamp;
use crate::transport::{
    Announcement, Class, QueueError, Read, SendGate, Side, StreamError, Transport, TransportConfig,
    TransportStreamId,
};
use crate::wire::frame::{Frame, Frames, NewConnectionId};
use bytes::Bytes;
use core::time::Duration;

fn transport(side: Side) -> Transport {
    Transport::new(TransportConfig::default(), side, [1; 16], Timestamp::ZERO)
}

/// BC-07.15
#[test]
fn an_idle_transport_is_silent() {
    let mut pair = Pair::new(1, Lane::CLEAN);
    assert!(pair.ends.iter().all(|end| end.transport.poll_timeout().is_none()));
    pair.ends[0].transport.ping();
    pair.settle();
    // A PING, its acknowledgement, and nothing more.
    assert_eq!(pair.packets, [1, 1]);
    assert_eq!(pair.ends[0].sink.acked, 1);
}

#[test]
fn queued_work_is_due_at_once() {
    let mut transport = transport(Side::Initiator);
    let now = Timestamp::from_millis(5);
    transport.handle_timeout(now);
    assert_eq!(transport.poll_timeout(), None);
    let id = transport.open_stream(Class::Chat).expect("a stream");
    transport.write(id, Bytes::from_static(b"hi")).expect("open");
    assert!(transport.poll_timeout().is_some_and(|at| at <= now));
    let mut buf = [0; 1_171];
    assert!(transport.poll_packet(now, &mut buf, SendGate::All).is_some());
    assert!(transport.poll_packet(now, &mut buf, SendGate::All).is_none());
    assert!(transport.poll_timeout().is_some_and(|at| at > now), "the probe timer");
}

/// BC-07.09
#[test]
fn acknowledgements_come_for_every_second_packet_or_after_25_ms() {
    let mut pair = Pair::new(1, Lane::CLEAN);
    pair.ends[0].transport.ping();
    assert!(pair.run(Duration::from_secs(1), |pair| pair.ends[0].sink.acked == 1));
    assert!(pair.now >= Timestamp::from_millis(65) && pair.now < Timestamp::from_millis(67));
    let mut receiver = transport(Side::Responder);
    let (now, mut buf, mut sink) = (Timestamp::ZERO, [0; 1_171], Recorder::default());
    receiver.on_packet(now, 0, None, &[1], &mut sink).expect("a PING");
    assert!(receiver.poll_packet(now, &mut buf, SendGate::All).is_none());
    receiver.on_packet(now, 1, None, &[1], &mut sink).expect("a PING");
    let meta = receiver.poll_packet(now, &mut buf, SendGate::All).expect("an ACK");
    assert!(!meta.ack_eliciting);
    // A gap is reported at once.
    receiver.on_packet(now, 3, None, &[1], &mut sink).expect("a PING");
    assert!(receiver.poll_packet(now, &mut buf, SendGate::All).is_some());
}

/// BC-07.08
#[test]
fn chat_overtakes_bulk() {
    let mut pair = Pair::new(2, Lane { queue: 30_000, ..Lane::CLEAN });
    let file = pair.ends[0].transport.open_stream(Class::File).expect("a stream");
    let mut written = 0u64;
    let bulk = |pair: &mut Pair, written: &mut u64| {
        let data = contents(file, *written..*written + 65_536);
        *written += pair.ends[0].transport.write(file, data).expect("open") as u64;
        pair.ends[1].read_reported();
    };
    pair.run(Duration::from_secs(2), |pair| {
        bulk(pair, &mut written);
        false
    });
    assert!(pair.ends[1].received[&file].len() > 1_000_000);
    let chat = pair.ends[0].transport.open_stream(Class::Chat).expect("a stream");
    let message = contents(chat, 0..100);
    let mut worst = Duration::ZERO;
    for count in 1..=20 {
        let start = pair.now;
        pair.ends[0].transport.write(chat, message.clone()).expect("chat always has room");
        assert!(pair.run(Duration::from_secs(5), |pair| {
            bulk(pair, &mut written);
            pair.ends[1].received.get(&chat).is_some_and(|data| data.len() == 100 * count)
        }));
        worst = worst.max(pair.now.saturating_since(start));
    }
    // One way is 20 ms, the network's own queue 24 ms; a loss costs a round trip more.
    assert!(worst < Duration::from_millis(150), "{worst:?}");
    assert!(pair.ends[0].transport.stats().bytes_buffered > 100_000, "bulk was waiting meanwhile");
}

/// BC-07.08: streams of one class take turns.
#[test]
fn equals_share() {
    let mut pair = Pair::new(2, Lane::CLEAN);
    let ids: Vec<_> = (0..4)
        .map(|_| {
            let transport = &mut pair.ends[0].transport;
            let id = transport.open_stream(Class::File).expect("a stream");
            assert_eq!(transport.write(id, contents(id, 0..50_000)), Ok(50_000));
            id
        })
        .collect();
    pair.run(Duration::from_secs(60), |pair| {
        pair.ends[1].read_reported();
        pair.ends[1].received.values().map(Vec::len).sum::<usize>() > 100_000
    });
    for id in ids {
        let len = pair.ends[1].received[&id].len();
        assert!((20_000..30_000).contains(&len), "{id:?} got {len}");
    }
}

#[test]
fn the_gate_keeps_user_data_back() {
    let mut pair = Pair::new(4, Lane::CLEAN);
    pair.ends[0].gate = SendGate::ControlOnly;
    let sender = &mut pair.ends[0].transport;
    let chat = sender.open_stream(Class::Chat).expect("a stream");
    sender.write(chat, contents(chat, 0..10)).expect("open");
    sender.write(TransportStreamId::CONTROL, Bytes::from_static(b"rekey")).expect("open");
    sender.send_datagram(Bytes::from_static(b"voice"), Timestamp::FAR_FUTURE).expect("room");
    pair.settle();
    assert_eq!(pair.ends[1].received[&TransportStreamId::CONTROL], b"rekey");
    assert!(!pair.ends[1].received.contains_key(&chat));
    pair.ends[0].gate = SendGate::All;
    pair.settle();
    assert_eq!(pair.ends[1].received[&chat], contents(chat, 0..10));
    assert!(pair.ends[1].sink.events.contains(&Event::Datagram(b"voice".to_vec())));
}

/// BC-07.17: the sender keeps to the credit, and reading renews it.
#[test]
fn a_reader_that_does_not_read_stops_the_writer() {
    let mut pair = Pair::new(5, Lane::CLEAN);
    let id = pair.ends[0].transport.open_stream(Class::File).expect("a stream");
    let data = contents(id, 0..300_000);
    assert_eq!(pair.ends[0].transport.write(id, data.clone()), Ok(300_000));
    while pair.step() {}
    assert_eq!(pair.ends[1].transport.stats().bytes_unread, 128 * 1024);
    // The control stream has credit of its own.
    pair.ends[0].transport.write(TransportStreamId::CONTROL, contents(id, 0..9)).expect("open");
    while pair.step() {}
    pair.ends[1].read_all(TransportStreamId::CONTROL);
    assert_eq!(pair.ends[1].received[&TransportStreamId::CONTROL].len(), 9);
    pair.ends[1].read_all(id);
    pair.settle();
    assert_eq!(pair.ends[1].received[&id], data);
}

#[test]
fn the_send_buffer_is_shared_by_class() {
    let mut pair = Pair::new(6, Lane::CLEAN);
    let sender = &mut pair.ends[0].transport;
    let (file, chat) = (
        sender.open_stream(Class::File).expect("a stream"),
        sender.open_stream(Class::Chat).expect("a stream"),
    );
    let much = || Bytes::from(vec![0; 2 * 1024 * 1024]);
    assert_eq!(sender.write(file, much()), Ok(3 * 128 * 1024));
    assert_eq!(sender.write(file, much()), Ok(0));
    assert_eq!(sender.write(chat, much()), Ok(3 * 128 * 1024));
    assert_eq!(sender.write(TransportStreamId::CONTROL, much()), Ok(2 * 128 * 1024));
    pair.run(Duration::from_secs(5), |pair| {
        pair.ends[1].read_reported();
        false
    });
    for id in [file, chat] {
        let told = pair.ends[0].sink.events.iter().filter(|event| **event == Event::Writable(id));
        assert_eq!(told.count(), 1, "{id:?}");
    }
}

#[test]
fn resets_and_stops_end_streams() {
    let mut pair = Pair::new(7, Lane { loss: 200, ..Lane::CLEAN });
    let id = pair.ends[0].transport.open_stream(Class::File).expect("a stream");
    pair.ends[0].transport.write(id, contents(id, 0..200_000)).expect("open");
    pair.run(Duration::from_millis(100), |_| false);
    pair.ends[0].transport.reset(id, 42).expect("open");
    pair.settle();
    assert_eq!(pair.ends[1].ended[&id], Read::Reset(42));
    assert_eq!(pair.ends[1].transport.stats().bytes_unread, 0);
    // The peer's direction is still open; we want no more of it.
    pair.ends[1].transport.write(id, contents(id, 0..100)).expect("open");
    pair.ends[0].transport.stop(id, 43).expect("open");
    pair.settle();
    assert!(pair.ends[1].sink.events.contains(&Event::Stopped(id, 43)));
    for end in &mut pair.ends {
        assert_eq!(end.transport.read(id), Err(StreamError::Unknown));
        assert_eq!(end.transport.stats().streams, 1);
        assert_eq!(end.transport.stats().bytes_buffered, 0);
    }
}

#[test]
fn a_stopped_stream_gives_back_the_credit_of_the_link_only() {
    let mut pair = Pair::new(13, Lane::CLEAN);
    let id = pair.ends[0].transport.open_stream(Class::File).expect("a stream");
    pair.ends[0].transport.write(id, contents(id, 0..300_000)).expect("room");
    while pair.step() {}
    pair.ends[1].transport.stop(id, 5).expect("open");
    pair.settle();
    assert_eq!(pair.ends[1].transport.stats().bytes_unread, 0);
    assert!(pair.ends[0].sink.events.contains(&Event::Stopped(id, 5)));
    assert_eq!(pair.ends[0].transport.stats().bytes_buffered, 0);
    let refused = pair.ends[0].transport.write(id, Bytes::from_static(b"more"));
    assert_eq!(refused, Err(StreamError::Stopped(5)));
    pair.ends[1].transport.finish(id).expect("open");
    pair.settle();
    assert_eq!(pair.ends[0].transport.stats().streams, 1);
}

#[test]
fn streams_come_back_when_others_end() {
    let mut pair = Pair::new(8, Lane::CLEAN);
    let opener = &mut pair.ends[0].transport;
    // Stream 0 is the first of the initiator's sixteen.
    let ids: Vec<_> =
        (0..15).map(|_| opener.open_stream(Class::Chat).expect("within the limit")).collect();
    assert_eq!(opener.open_stream(Class::Chat), Err(StreamError::Limit));
    for &id in &ids {
        pair.ends[0].transport.finish(id).expect("open");
    }
    pair.settle();
    for &id in &ids {
        pair.ends[1].transport.finish(id).expect("open");
    }
    pair.settle();
    assert!(pair.ends[0].sink.events.contains(&Event::StreamsAvailable));
    assert!(pair.ends[0].transport.open_stream(Class::Chat).is_ok());
}

#[test]
fn datagrams_leave_in_time_or_not_at_all() {
    let mut pair = Pair::new(9, Lane::CLEAN);
    pair.run(Duration::from_secs(1), |_| false);
    let sender = &mut pair.ends[0].transport;
    sender.handle_timeout(Timestamp::from_millis(10));
    let max = sender.max_datagram();
    let later = Timestamp::FAR_FUTURE;
    assert_eq!(
        sender.send_datagram(vec![0; max + 1].into(), later),
        Err(QueueError::TooLong { len: max + 1, max })
    );
    sender.send_datagram(Bytes::from_static(b"late"), Timestamp::from_millis(9)).expect("room");
    for _ in 0..64 {
        sender.send_datagram(vec![7; max].into(), later).expect("room");
    }
    assert_eq!(sender.send_datagram(Bytes::new(), later), Err(QueueError::Full));
    pair.settle();
    assert_eq!(pair.ends[1].sink.events, vec![Event::Datagram(vec![7; max]); 64]);
    assert_eq!(pair.ends[0].transport.stats().datagrams_dropped, 1);
}

#[test]
fn announcements_survive_loss() {
    let mut pair = Pair::new(10, Lane { loss: 400, ..Lane::CLEAN });
    let address = "192.0.2.7:4711".parse().expect("an address");
    let new = NewConnectionId { sequence: 1, retire_prior_to: 1, id: [9; 8].into() };
    for announcement in [
        Announcement::ObservedAddress(address),
        Announcement::NewConnectionId(new),
        Announcement::RetireConnectionId(0),
    ] {
        pair.ends[0].transport.announce(announcement).expect("room");
    }
    pair.settle();
    for event in
        [Event::ObservedAddress(address), Event::NewConnectionId(new), Event::RetireConnectionId(0)]
    {
        assert!(pair.ends[1].sink.events.contains(&event), "{event:?}");
    }
}

#[test]
fn a_changed_path_is_learnt_anew() {
    let mut pair = Pair::new(11, Lane::CLEAN);
    let id = pair.ends[0].transport.open_stream(Class::File).expect("a stream");
    pair.ends[0].transport.write(id, contents(id, 0..390_000)).expect("open");
    pair.run(Duration::from_millis(150), |pair| {
        pair.ends[1].read_reported();
        false
    });
    let before = pair.ends[0].transport.stats().congestion_window;
    assert!(before > 20_000);
    pair.lanes.iter_mut().for_each(|lane| lane.delay = Duration::from_millis(80));
    let now = pair.now;
    pair.ends[0].transport.path_changed(now, None);
    assert_eq!(pair.ends[0].transport.stats().congestion_window, 12_000);
    assert_eq!(pair.ends[0].transport.rtt().min(), None);
    pair.settle();
    assert_eq!(pair.ends[1].received[&id], contents(id, 0..390_000));
    let min = pair.ends[0].transport.rtt().min().expect("samples");
    assert!(min >= Duration::from_millis(160), "{min:?}");
}

#[test]
fn congestion_marks_slow_down_without_loss() {
    let lane = Lane { marks: true, queue: 60_000, ..Lane::CLEAN };
    let mut pair = Pair::new(12, lane);
    let id = pair.ends[0].transport.open_stream(Class::File).expect("a stream");
    let mut written = 0u64;
    pair.run(Duration::from_secs(3), |pair| {
        let data = contents(id, written..written + 65_536);
        written += pair.ends[0].transport.write(id, data).expect("open") as u64;
        pair.ends[1].read_reported();
        false
    });
    let received = pair.ends[1].received[&id].len();
    assert!(received > 2_500_000, "{received} bytes in 3 s of 10 Mbit/s");
    assert!(pair.ends[0].transport.stats().packets_lost < 60);
}

/// What the parent builds itself uses numbers of the same space.
#[test]
fn numbers_taken_by_the_parent_are_not_sent_again() {
    let mut sender = transport(Side::Initiator);
    let mut buf = [0; 1_171];
    let mut last = sender.take_pn();
    for _ in 0..2_000 {
        sender.ping();
        assert!(sender.next_pn() > last);
        last = sender.take_pn();
    }
    sender.ping();
    let next = sender.next_pn();
    let meta = sender.poll_packet(Timestamp::ZERO, &mut buf, SendGate::All).expect("a PING");
    assert_eq!((meta.pn, meta.traffic), (next, false));
    assert_eq!(Frames::new(&buf[..meta.len]).next(), Some(Ok(Frame::Ping)));
    assert!(next > 2_001, "some were left out");
}

/// Lack of room commits nothing: what did not fit leaves with the next packet.
#[test]
fn tiny_buffers_lose_nothing() {
    let mut sender = transport(Side::Initiator);
    let mut receiver = transport(Side::Responder);
    let mut sink = Recorder::default();
    let id = sender.open_stream(Class::Chat).expect("a stream");
    let data = contents(id, 0..500);
    sender.write(id, data.clone()).expect("room");
    sender.finish(id).expect("open");
    sender.announce(Announcement::RetireConnectionId(1)).expect("room");
    sender.ping();
    let (mut now, mut buf) = (Timestamp::ZERO, [0; 1_171]);
    for len in (0..60).cycle().take(3_000) {
        now += Duration::from_millis(5);
        for forth in [true, false] {
            let (source, target) =
                if forth { (&mut sender, &mut receiver) } else { (&mut receiver, &mut sender) };
            source.handle_timeout(now);
            if let Some(meta) = source.poll_packet(now, &mut buf[..len], SendGate::All) {
                let payload = &buf[..meta.len];
                target.on_packet(now, meta.pn, None, payload, &mut sink).expect("honest");
            }
        }
    }
    let mut received = Vec::new();
    while let Ok(Read::Data(data)) = receiver.read(id) {
        received.extend(data);
    }
    assert_eq!(received, data);
    assert!(sink.events.contains(&Event::RetireConnectionId(1)));
    assert!(sender.stats().bytes_in_flight == 0 && sender.poll_timeout().is_none());
}

/// A probe carries the oldest data that was not acknowledged, which is what the reader waits for,
/// and is acknowledged at once (BC-07.44).
#[test]
fn a_lost_tail_is_probed_with_what_is_missing() {
    let mut pair = Pair::new(15, Lane::CLEAN);
    let id = pair.ends[0].transport.open_stream(Class::File).expect("a stream");
    pair.ends[0].transport.write(id, contents(id, 0..1_000)).expect("room");
    pair.settle();
    pair.lanes[0].loss = 1_000;
    let start = pair.now;
    pair.ends[0].transport.write(id, contents(id, 1_000..8_000)).expect("room");
    pair.run(Duration::from_millis(30), |_| false);
    pair.lanes[0].loss = 0;
    let first = pair.ends[1].received[&id].len();
    let timeout = pair.ends[0].transport.pto();
    assert!(pair.run(Duration::from_secs(1), |pair| {
        pair.ends[1].read_reported();
        pair.ends[1].received[&id].len() > first
    }));
    let took = pair.now.saturating_since(start);
    assert!(took < timeout + Duration::from_millis(25), "one way behind the timeout: {took:?}");
    assert_eq!(pair.ends[0].transport.stats().probe_timeouts, 1);
    // Their acknowledgement shows the rest to be lost: it comes a round trip later, without a
    // delay.
    assert!(pair.run(Duration::from_secs(1), |pair| {
        pair.ends[1].read_reported();
        pair.ends[1].received[&id].len() == 8_000
    }));
    assert!(pair.now.saturating_since(start) < took + Duration::from_millis(50));
}

/// BC-07.15: what a link costs that does nothing.
#[test]
fn an_idle_transport_is_small() {
    assert!(size_of::<Transport>() < 4_096, "{} bytes", size_of::<Transport>());
}

#[test]
fn misuse_is_told_apart() {
    let mut transport = transport(Side::Initiator);
    let control = TransportStreamId::CONTROL;
    assert_eq!(transport.finish(control), Err(StreamError::Control));
    assert_eq!(transport.reset(control, 0), Err(StreamError::Control));
    assert_eq!(transport.stop(control, 0), Err(StreamError::Control));
    assert_eq!(transport.set_class(control, Class::File), Err(StreamError::Control));
    let id = transport.open_stream(Class::Chat).expect("a stream");
    assert_eq!(transport.reset(id, u64::MAX), Err(StreamError::Code));
    transport.finish(id).expect("open");
    assert_eq!(transport.write(id, Bytes::new()), Err(StreamError::Finished));
    assert_eq!(transport.finish(id), Err(StreamError::Finished));
    let announcement = Announcement::RetireConnectionId(u64::MAX);
    assert_eq!(transport.announce(announcement), Err(QueueError::Number));
}

/// BC-07.31: at most twice, whatever shares a packet with the copy.
#[test]
fn a_copy_is_not_copied() {
    let mut sender = transport(Side::Initiator);
    let chat = sender.open_stream(Class::Chat).expect("a stream");
    let mut times = [0; 2];
    let mut buf = [0; 1_171];
    let mut now = Timestamp::ZERO;
    let mut poll = |sender: &mut Transport, now: Timestamp| {
        while let Some(meta) = sender.poll_packet(now, &mut buf, SendGate::All) {
            for frame in Frames::new(&buf[..meta.len]) {
                if let Ok(Frame::Stream(stream)) = frame {
                    times[0] += usize::from(stream.data.starts_with(b"first"));
                    times[1] += usize::from(stream.data.ends_with(b"second"));
                }
            }
        }
    };
    sender.write(chat, Bytes::from_static(b"first")).expect("open");
    poll(&mut sender, now);
    now += Duration::from_millis(15);
    sender.handle_timeout(now);
    // It rides beside the copy of the first.
    sender.write(chat, Bytes::from_static(b"second")).expect("open");
    poll(&mut sender, now);
    for _ in 0..20 {
        now += Duration::from_millis(15);
        sender.handle_timeout(now);
        poll(&mut sender, now);
    }
    assert_eq!(times, [2, 2]);
}
