//! Peers that break the rules, and what is left when a link ends.

use super::*;
use crate::link::control::MAX_OPENING;
use crate::link::rekeying::REKEY_BURST;
use crate::wire::frame::{self as wire, NewConnectionId};

fn count(pair: &Pair, of: usize, wanted: impl Fn(&LinkEvent) -> bool) -> usize {
    pair.events[of].iter().filter(|event| wanted(event)).count()
}

/// The other side gave the handshake up, as one does whose answers are all lost.
#[test]
fn a_session_without_another_end_is_given_up_soon() {
    // BC-08.62
    let mut pair = Pair::with_channel(22, 0);
    pair.run(Duration::from_millis(5));
    assert!(!pair.links[0].is_ready());
    pair.loss_percent = 100;
    pair.run(SECOND * 19);
    assert!(pair.links[0].is_open());
    pair.run(SECOND * 2);
    assert!(pair.has(0, |event| matches!(event, LinkEvent::Closed(Ended::Silence))));
}

/// One direction is dead: this side hears the other, which asks where it is, and is heard by
/// nobody.
#[test]
fn a_link_on_which_nothing_is_acknowledged_is_dead() {
    // BC-08.64
    let mut pair = Pair::with_channel(24, 0);
    pair.run(SECOND);
    pair.dead[0] = vec![0];
    assert!(pair.links[0].send(CHAN, Lane::Chat, b"into the void"));
    for _ in 0..65 {
        pair.links[1].ping();
        pair.run(SECOND);
    }
    assert!(pair.has(0, |event| matches!(event, LinkEvent::Closed(Ended::Silence))));
}

#[test]
fn a_control_stream_that_ends_takes_the_link_along() {
    // BC-08.01
    let mut pair = Pair::with_channel(12, 0);
    pair.run(SECOND);
    let mut buf = [0; 64];
    let frame = Frame::ResetStream { id: 0, code: 0, final_size: 100_000 };
    let len = pair.links[0].own_packet(pair.now, via(0), &mut buf, &frame, false).unwrap().len;
    pair.wire.push((pair.now, 1, 0, buf[..len].to_vec()));
    pair.run(SECOND);
    assert!(pair.has(1, |event| matches!(event, LinkEvent::Closed(Ended::Violation(_)))));
}

/// What no honest peer sends under the keys of the handshake.
fn early_frames() -> [Frame<'static>; 3] {
    let (id, data) = (4, &b"\x02\x00\x00"[..]);
    [
        Frame::Stream(wire::Stream { id, offset: 0, data, fin: false, to_end: false }),
        Frame::Stream(wire::Stream {
            id: 5,
            offset: 7,
            data: b"behind a gap",
            fin: true,
            to_end: false,
        }),
        Frame::Datagram(data),
    ]
}

#[test]
fn what_belongs_to_a_channel_before_the_first_rekey_ends_the_link() {
    // BC-08.86
    let violation = |event: &LinkEvent| matches!(event, LinkEvent::Closed(Ended::Violation(_)));
    for (frame, of) in early_frames().iter().flat_map(|frame| [(frame, 0), (frame, 1)]) {
        for late in [false, true] {
            let mut pair = Pair::with_channel(60, 0);
            let (now, mut buf) = (pair.now, [0; 64]);
            let len = pair.links[of].own_packet(now, via(0), &mut buf, frame, false).unwrap().len;
            // Nor is it taken when the rekey is done, while the old key is still kept.
            while late && !pair.links[1 - of].is_ready() {
                assert!(pair.step(pair.now + SECOND));
            }
            assert_eq!(pair.receive(1 - of, 0, &mut buf[..len]), Verdict::Authentic);
            assert!(pair.has(1 - of, violation), "{frame:?}");
        }
    }
    for of in 0..2 {
        let mut pair = Pair::with_channel(61, 0);
        pair.links[of]
            .send_control(&Control::SlotTokens { base: 0, tokens: &[[0; 16]; 16] }.encode());
        pair.run(SECOND);
        assert!(pair.has(1 - of, violation), "{:?}", pair.events[1 - of]);
    }
}

#[test]
fn a_stream_waits_unread_until_its_slot_is_known() {
    // BC-08.13
    let mut pair = Pair::with_channel(13, 0);
    pair.run(SECOND);
    let (channel, lane) = (ChannelEpoch::first(ChannelId([2; 20])), Lane::Chat);
    let link = &mut pair.links[0];
    // The next list of tokens begins at slot 16; which of its places the channel gets is not known
    // yet, so that most are tried; the first streams may be 16.
    let streams: Vec<_> = (16..31)
        .map(|slot| {
            let id = link.transport.open_stream(Class::Chat).unwrap();
            let header = StreamHeader { slot, lane }.encode();
            link.transport.write_message(id, &header).unwrap();
            link.transport.write_message(id, b"early").unwrap();
            id
        })
        .collect();
    pair.run(SECOND);
    assert_eq!(pair.links[1].streams.lanes.incoming.len(), streams.len());
    let early =
        |event: &LinkEvent| matches!(event, LinkEvent::Message { data, .. } if data == "early");
    assert!(!pair.has(1, early));
    for of in [1, 0] {
        pair.links[of].join(channel, &Secret([9; 32]), &mut pair.rngs[of], &mut pair.events[of]);
    }
    pair.run(SECOND);
    assert_eq!(count(&pair, 1, early), 1, "only that of the channel's own slot");
    assert_eq!(pair.links[1].streams.lanes.incoming.len(), 1, "the others lead nowhere");
}

#[test]
fn asking_for_rekeys_without_end_is_answered_once_a_second() {
    // BC-08.16
    let mut pair = Pair::with_channel(14, 0);
    pair.run(SECOND);
    for round in 0..40 {
        let of = round % 2;
        let now = pair.now;
        pair.links[of].rekey(now, &mut pair.rngs[of]);
        pair.links[1].send_control(&Control::RekeyAsk.encode());
        pair.run(SECOND / 4);
    }
    assert!((8..=12).contains(&pair.links[0].rekeys()), "{}", pair.links[0].rekeys());
    assert!(pair.links.iter().all(Link::is_open));
}

#[test]
fn a_peer_that_rekeys_in_a_rage_is_cut_off() {
    // BC-08.16
    let mut pair = Pair::with_channel(15, 0);
    pair.run(SECOND);
    for _ in 0..400 {
        let now = pair.now;
        // An initiator that does not keep to the rule.
        pair.links[0].session.last_rekey = Timestamp::ZERO;
        pair.links[0].rekey(now, &mut pair.rngs[0]);
        pair.run(Duration::from_millis(60));
    }
    assert!(pair.has(1, |event| matches!(event, LinkEvent::Closed(Ended::Violation(_)))));
    assert!(pair.links[1].rekeys() <= REKEY_BURST + 24);
}

#[test]
fn a_link_does_not_carry_a_channel_again_that_was_left() {
    // BC-08.17
    let mut pair = Pair::with_channel(16, 0);
    pair.run(SECOND);
    pair.links[0].leave(CHAN, &mut pair.events[0]);
    pair.links[0].join(CHAN, &Secret([8; 32]), &mut pair.rngs[0], &mut pair.events[0]);
    pair.run(SECOND);
    let closed = |event: &LinkEvent| {
        matches!(event, LinkEvent::Closed(Ended::Local(0) | Ended::Peer(code::NO_ERROR)))
    };
    for of in 0..2 {
        assert!(pair.has(of, closed), "{:?}", pair.events[of]);
        assert_eq!(count(&pair, of, |event| matches!(event, LinkEvent::ChannelUp(_))), 1);
        assert_eq!(count(&pair, of, |event| matches!(event, LinkEvent::ChannelDown(_))), 1);
    }
}

#[test]
fn a_closed_link_says_nothing_more_whatever_still_arrives() {
    for seed in 0..20 {
        let mut pair = Pair::with_channel(17 + seed, 0);
        // In the middle of the first rekey, so that packets that complete it come too late.
        pair.run(Duration::from_millis(20 * u64::from(seed)));
        let now = pair.now;
        let of = usize::from(seed % 2);
        let mut buf = [0; 64];
        let frame = Frame::Close { code: 0, reason: b"" };
        if let Some(Sealed { len, .. }) =
            pair.links[1 - of].own_packet(now, via(0), &mut buf, &frame, false)
        {
            pair.receive(of, 0, &mut buf[..len]);
        }
        assert!(pair.links[of].is_dead());
        let heard = pair.events[of].len();
        pair.run(SECOND);
        assert_eq!(pair.events[of].len(), heard, "seed {seed}: {:?}", pair.events[of]);
        pair.links[of].leave(CHAN, &mut pair.events[of]);
        pair.links[of].close(now, 0, &mut pair.events[of]);
        assert_eq!(pair.events[of].len(), heard);
    }
}

/// The packets that a side would send now.
fn waiting(pair: &mut Pair, of: usize) -> Vec<Vec<u8>> {
    let (now, mut buf) = (pair.now, [0; PACKET_LEN]);
    core::iter::from_fn(|| {
        let len = pair.links[of].poll_packet(now, &mut buf)?.len;
        Some(buf[..len].to_vec())
    })
    .collect()
}

/// BC-07.96
#[test]
fn two_sides_that_close_at_once_do_not_answer_each_other() {
    let mut pair = Pair::with_channel(45, 0);
    pair.run(SECOND);
    let now = pair.now;
    for of in 0..2 {
        pair.links[of].close(now, code::GOING_AWAY, &mut pair.events[of]);
    }
    let mut closes = [0, 1].map(|of| waiting(&mut pair, of));
    assert_eq!(closes.each_ref().map(Vec::len), [1, 1]);
    for (of, sent) in closes.iter_mut().enumerate() {
        for close in sent {
            assert_eq!(pair.receive(1 - of, 0, close), Verdict::Authentic);
        }
        assert!(pair.links[1 - of].is_dead() && waiting(&mut pair, 1 - of).is_empty());
    }
}

/// BC-07.96: a CLOSE that is waiting to be sent is not sent any more.
#[test]
fn who_hears_a_close_while_closing_says_nothing() {
    let mut pair = Pair::with_channel(46, 0);
    pair.run(SECOND);
    let now = pair.now;
    pair.links[0].close(now, code::NO_ERROR, &mut pair.events[0]);
    let mut closes = waiting(&mut pair, 0);
    pair.links[1].close(now, code::NO_ERROR, &mut pair.events[1]);
    assert_eq!(pair.receive(1, 0, &mut closes[0]), Verdict::Authentic);
    assert!(waiting(&mut pair, 1).is_empty());
    assert_eq!(count(&pair, 1, |event| matches!(event, LinkEvent::Closed(_))), 1);
}

#[test]
fn a_peer_that_has_not_heard_a_close_is_told_three_times_more() {
    let mut pair = Pair::with_channel(47, 0);
    pair.run(SECOND);
    let now = pair.now;
    pair.links[0].close(now, code::NO_ERROR, &mut pair.events[0]);
    assert_eq!(waiting(&mut pair, 0).len(), 1);
    let mut told = 0;
    for _ in 0..10 {
        pair.links[1].ping();
        let mut pings = waiting(&mut pair, 1);
        for ping in &mut pings {
            assert_eq!(pair.receive(0, 0, ping), Verdict::Authentic);
        }
        told += waiting(&mut pair, 0).len();
    }
    assert_eq!(told, usize::from(session::close::MAX_REPLIES));
}

#[test]
fn a_peer_that_does_not_read_the_control_stream_loses_the_link_and_no_message_is_left_out() {
    let mut pair = Pair::with_channel(40, 0);
    pair.run(SECOND);
    pair.loss_percent = 100;
    let mut said = 0;
    while pair.links[0].ending.is_none() {
        pair.links[0].send_control(&vec![200; 100_000]);
        let held = pair.links[0].transport.stats().bytes_buffered;
        assert!(held <= Limits::default().link.send_buffer + 100_003);
        said += 1;
        assert!(said < 1_000, "it stops");
    }
    pair.run(SECOND);
    assert!(!pair.links[0].is_open());
}

#[test]
fn a_session_that_leads_nowhere_is_given_up() {
    let mut pair = Pair::new(41, 0);
    // The initiator never hears the answer to its rekey, yet speaks.
    for _ in 0..40 {
        pair.run(SECOND);
        pair.wire.retain(|(_, to, ..)| *to == 1);
        pair.links[0].transport.ping();
        pair.flush();
        pair.wire.retain(|(_, to, ..)| *to == 1);
    }
    pair.links[0].transport.ping();
    assert!(
        pair.has(1, |event| matches!(event, LinkEvent::Closed(Ended::Local(code::NO_CHANNEL)))),
        "{:?}",
        pair.events[1]
    );
}

#[test]
fn one_packet_draws_one_answer_to_challenges() {
    let mut pair = Pair::with_channel(42, 0);
    pair.run(SECOND);
    let link = &mut pair.links[0];
    let mut inbox = Inbox {
        gathered: &mut link.gathered,
        lanes: &mut link.streams.lanes,
        control: &mut link.streams.control_in,
        paused: false,
        early: false,
    };
    (0..9).for_each(|token| inbox.path_challenge([token; 8]));
    let mut buf = [0; 64];
    let challenge = Frame::PathChallenge([9; 8]);
    let now = pair.now;
    let len = pair.links[1].own_packet(now, via(0), &mut buf, &challenge, false).unwrap().len;
    pair.receive(0, 5, &mut buf[..len]);
    let mut out = [0; PACKET_LEN];
    let now = pair.now;
    let answers = core::iter::from_fn(|| pair.links[0].poll_packet(now, &mut out))
        .filter(|sealed| sealed.via.remote().expect("an address").port() == 5)
        .count();
    assert_eq!(answers, 2, "the response, and a challenge of our own");
}

#[test]
fn many_channels_share_one_link_and_each_has_its_streams() {
    let mut pair = Pair::new(43, 0);
    let channels: Vec<ChannelEpoch> =
        (1..=64).map(|byte| ChannelEpoch::first(ChannelId([byte; 20]))).collect();
    for of in 0..2 {
        for chan in &channels {
            let mac = Secret([chan.channel.0[0]; 32]);
            pair.links[of].join(*chan, &mac, &mut pair.rngs[of], &mut pair.events[of]);
        }
    }
    pair.run(SECOND);
    let mut left: Vec<_> =
        channels.iter().flat_map(|chan| Lane::ALL.map(|lane| (*chan, lane))).collect();
    for _ in 0..5 {
        left.retain(|(chan, lane)| !pair.links[0].send(*chan, *lane, b"each"));
        pair.run(SECOND);
    }
    assert!(left.is_empty(), "{} of 192 never got a stream", left.len());
    assert_eq!(count(&pair, 1, |event| matches!(event, LinkEvent::Message { .. })), 192);
}

#[test]
fn a_second_stream_for_one_lane_ends_the_link() {
    // BC-08.18
    let mut pair = Pair::with_channel(44, 0);
    pair.run(SECOND);
    assert!(pair.links[0].send(CHAN, Lane::Chat, b"first"));
    pair.run(SECOND);
    let slot = pair.links[0].carried.slots.ours(CHAN).unwrap();
    let link = &mut pair.links[0];
    let id = link.transport.open_stream(Class::Chat).unwrap();
    let header = StreamHeader { slot, lane: Lane::Chat }.encode();
    link.transport.write_message(id, &header).unwrap();
    pair.run(SECOND);
    assert!(pair.has(1, |event| matches!(event, LinkEvent::Closed(Ended::Violation(_)))));
}

#[test]
fn a_peer_that_takes_back_and_asks_for_ids_without_end_gets_few() {
    // BC-08.49
    let mut pair = Pair::with_channel(45, 0);
    pair.run(SECOND);
    let first: BTreeSet<_> = pair.links[0].local_cids().collect();
    pair.events[0].clear();
    let mut next = first.len() as u64;
    let mut buf = [0; 64];
    for round in 0..200 {
        let link = &mut pair.links[0];
        let mut inbox = Inbox {
            gathered: &mut link.gathered,
            lanes: &mut link.streams.lanes,
            control: &mut link.streams.control_in,
            paused: false,
            early: false,
        };
        for _ in 0..100 {
            (next.saturating_sub(5)..next).for_each(|id| inbox.retire_connection_id(id));
        }
        let newest = pair.links[0].local_cids().take(5).last().unwrap();
        pair.links[1].addressing.ids =
            crate::link::paths::connection_ids::Ids::new(pair.links[1].session.local_cid, newest);
        let len =
            pair.links[1].own_packet(pair.now, via(0), &mut buf, &Frame::Ping, false).unwrap().len;
        pair.receive(0, 0, &mut buf[..len]);
        next += 5;
        assert!(pair.links[0].local_cids().count() <= 10);
        if !pair.links[0].is_open() {
            // Nothing of what it was given is acknowledged.
            assert!(round < 20, "{round}");
            break;
        }
        let now = Now { mono: pair.now, wall: None };
        pair.links[0].handle_timeout(now, &mut pair.rngs[0], &mut pair.events[0]);
    }
    assert!(!pair.links[0].is_open());
    // Whoever routes packets by id knows exactly the ids that there are.
    let mut routed = first;
    for event in &pair.events[0] {
        match event {
            LinkEvent::LocalId(id) => assert!(routed.insert(*id)),
            LinkEvent::LocalIdGone(id) => assert!(routed.remove(id)),
            _ => {}
        }
    }
    assert_eq!(routed, pair.links[0].local_cids().collect());
}

#[test]
fn a_flood_of_ids_that_are_taken_back_at_once_ends_the_link() {
    // BC-08.49
    let mut pair = Pair::with_channel(46, 0);
    pair.run(SECOND);
    let mut buf = [0; 64];
    for sequence in 100..200u64 {
        let id = ConnectionId(sequence.to_be_bytes());
        let new = NewConnectionId { sequence, retire_prior_to: sequence, id };
        let frame = Frame::NewConnectionId(new);
        let len = pair.links[1].own_packet(pair.now, via(0), &mut buf, &frame, false).unwrap().len;
        pair.receive(0, 0, &mut buf[..len]);
        let now = Now { mono: pair.now, wall: None };
        pair.links[0].handle_timeout(now, &mut pair.rngs[0], &mut pair.events[0]);
    }
    assert!(pair.has(0, |event| matches!(event, LinkEvent::Closed(Ended::Violation(_)))));
}

#[test]
fn a_rekey_before_the_last_one_was_used_ends_the_link() {
    // BC-08.59
    let mut pair = Pair::with_channel(30, 0);
    pair.run(SECOND);
    let now = pair.now;
    pair.links[0].session.last_rekey = Timestamp::ZERO;
    pair.links[0].rekey(now, &mut pair.rngs[0]);
    pair.links[0].drive(now, &mut pair.rngs[0]);
    // An initiator that does not wait for the answer: each would cost the other side a key
    // exchange.
    pair.links[0].send_control(&Control::RekeyInit(&[3; 49]).encode());
    pair.run(SECOND);
    let what = "a rekey before the last one was used";
    let said = |event: &LinkEvent| matches!(event, LinkEvent::Closed(Ended::Violation(why)) if why == what);
    assert!(pair.has(1, said), "{:?}", pair.events);
}

#[test]
fn a_stream_header_without_end_is_refused_at_once() {
    // BC-08.58
    let mut longest = Opening::Unknown(1_000).encode();
    longest.resize(MAX_OPENING, 0);
    for refused in [false, true] {
        let mut pair = Pair::with_channel(31, 0);
        pair.run(SECOND);
        let stream = pair.links[0].transport.open_stream(Class::Chat).unwrap();
        pair.links[0].transport.write_message(stream, &longest).unwrap();
        pair.run(SECOND);
        let why = "a message of 257 bytes is above the limit of 256";
        let said = |event: &LinkEvent| matches!(event, LinkEvent::Closed(Ended::Violation(what)) if what == why);
        assert_eq!(pair.has(1, said), refused, "{:?}", pair.events[1].last());
        longest.push(0);
    }
    // What is longer is not even waited for.
    let mut pair = Pair::with_channel(32, 0);
    pair.run(SECOND);
    let stream = pair.links[0].transport.open_stream(Class::Chat).unwrap();
    pair.links[0].transport.write(stream, Bytes::from_static(&[0x80, 0x02, 0, 0, 1])).unwrap();
    pair.run(SECOND);
    assert!(pair.has(1, |event| matches!(event, LinkEvent::Closed(Ended::Violation(_)))));
}

#[test]
fn channels_that_fill_the_send_buffer_leave_room_for_rekeys() {
    let mut pair = Pair::with_channel(33, 0);
    pair.run(SECOND);
    let now = pair.now;
    pair.links[1].pause(true, &mut pair.events[1]);
    while pair.links[0].send(CHAN, Lane::Sync, &[7; 1_000]) {}
    pair.run(SECOND * 2);
    while pair.links[0].send(CHAN, Lane::Sync, &[7; 1_000]) {}
    pair.links[0].rekey(now, &mut pair.rngs[0]);
    pair.run(SECOND * 2);
    assert!(pair.links.iter().all(Link::is_open), "{:?}", pair.events[0].last());
    assert_eq!(pair.links[0].rekeys(), 2);
}
