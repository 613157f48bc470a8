//! Byte streams of applications.

use super::*;

const MANY: usize = 2_000_000;

fn ready(seed: u8) -> Pair {
    let mut pair = Pair::with_channel(seed, 0);
    pair.run(SECOND);
    pair
}

/// The stream that side `of` was asked for last.
fn requested(pair: &Pair, of: usize) -> Option<u64> {
    pair.events[of].iter().rev().find_map(|event| match event {
        LinkEvent::Stream(id, StreamEvent::Requested { channel: CHAN, name })
            if name == "files" =>
        {
            Some(*id)
        }
        _ => None,
    })
}

fn told(pair: &Pair, of: usize, id: u64, wanted: &StreamEvent) -> bool {
    pair.has(
        of,
        |event| matches!(event, LinkEvent::Stream(one, told) if *one == id && told == wanted),
    )
}

fn accept(pair: &mut Pair, of: usize, id: u64) {
    let Pair { links, events, .. } = pair;
    assert!(links[of].accept_stream(id, &mut events[of]));
}

/// A stream that the first side opened and the second accepted.
fn open(pair: &mut Pair) -> u64 {
    let id = pair.links[0].open_stream(CHAN, "files").unwrap();
    pair.run(SECOND);
    assert_eq!(requested(pair, 1), Some(id));
    accept(pair, 1, id);
    pair.run(SECOND);
    assert!(told(pair, 0, id, &StreamEvent::Accepted));
    id
}

fn read_all(pair: &mut Pair, of: usize, id: u64) -> (Vec<u8>, StreamRead) {
    let mut all = Vec::new();
    loop {
        match pair.links[of].read_stream(id, 10_000).unwrap() {
            StreamRead::Data(data) => {
                assert!(data.len() <= 10_000);
                all.extend_from_slice(&data);
            }
            end => return (all, end),
        }
    }
}

#[test]
fn bytes_flow_both_ways_and_each_direction_ends_by_itself() {
    // BC-08.93, BC-08.94
    let mut pair = ready(70);
    let id = open(&mut pair);
    assert_eq!(pair.links[0].write_stream(id, b"question"), Ok(8));
    pair.links[0].finish_stream(id).unwrap();
    assert_eq!(pair.links[0].write_stream(id, b"more"), Err(StreamFailure::Finished));
    pair.run(SECOND);
    assert!(told(&pair, 1, id, &StreamEvent::Readable));
    assert_eq!(read_all(&mut pair, 1, id), (b"question".to_vec(), StreamRead::Finished));
    assert_eq!(pair.links[1].write_stream(id, b"answer"), Ok(6));
    pair.links[1].finish_stream(id).unwrap();
    pair.run(SECOND);
    assert_eq!(read_all(&mut pair, 0, id), (b"answer".to_vec(), StreamRead::Finished));
    for of in 0..2 {
        assert_eq!(pair.links[of].read_stream(id, 1), Err(StreamFailure::Unknown), "forgotten");
    }
    assert!(pair.links.iter().all(Link::is_open));
}

#[test]
fn what_is_written_before_the_answer_waits_for_whoever_accepts() {
    let mut pair = ready(71);
    let id = pair.links[0].open_stream(CHAN, "files").unwrap();
    assert_eq!(pair.links[0].write_stream(id, b"early"), Ok(5));
    pair.run(SECOND);
    assert_eq!(pair.links[1].read_stream(id, 9), Err(StreamFailure::Unanswered));
    assert_eq!(pair.links[1].write_stream(id, b"no"), Err(StreamFailure::Unanswered));
    accept(&mut pair, 1, id);
    assert_eq!(read_all(&mut pair, 1, id), (b"early".to_vec(), StreamRead::Pending));
}

#[test]
fn a_reader_that_pauses_holds_up_its_stream_and_nothing_else() {
    // BC-08.95
    let mut pair = ready(72);
    let ids: Vec<u64> = (0..4).map(|_| open(&mut pair)).collect();
    let mut written = vec![0; ids.len()];
    for _ in 0..20 {
        for (id, written) in ids.iter().zip(&mut written) {
            *written += pair.links[0].write_stream(*id, &[5; 300_000]).unwrap();
        }
        pair.run(SECOND);
    }
    let full = pair.links[0].write_stream(ids[0], &[5; 300_000]).unwrap();
    assert!(full == 0, "back-pressure: {full}");
    // Chat goes on beside four streams that nobody reads.
    for _ in 0..50 {
        assert!(pair.links[0].send(CHAN, Lane::Chat, &[1; 60_000]));
        pair.run(SECOND);
    }
    assert_eq!(pair.messages(1).len(), 50);
    // And reading brings the rest.
    let mut got = 0;
    for _ in 0..20 {
        got += read_all(&mut pair, 1, ids[0]).0.len();
        pair.run(SECOND);
    }
    assert_eq!(got, written[0]);
    assert!(told(&pair, 0, ids[0], &StreamEvent::Writable));
}

#[test]
fn a_long_transfer_arrives_whole_over_a_line_that_loses() {
    let mut pair = Pair::with_channel(73, 2);
    pair.run(SECOND * 3);
    let id = open(&mut pair);
    let (mut sent, mut got) = (0, 0);
    let mut piece = [0; 50_000];
    for (at, byte) in piece.iter_mut().enumerate() {
        *byte = u8::try_from(at % 251).unwrap();
    }
    for _ in 0..2_000 {
        while sent < MANY {
            let at = sent % piece.len();
            match pair.links[0].write_stream(id, &piece[at..]).unwrap() {
                0 => break,
                taken => sent += taken,
            }
        }
        pair.run(Duration::from_millis(50));
        let (data, _) = read_all(&mut pair, 1, id);
        for byte in data {
            assert_eq!(byte, piece[got % piece.len()], "byte {got}");
            got += 1;
        }
        if got >= MANY {
            break;
        }
    }
    assert!(got >= MANY, "{got} of {sent}");
}

#[test]
fn a_stream_can_be_refused_and_reset_and_there_is_a_limit() {
    // BC-08.93
    let mut pair = ready(74);
    let id = pair.links[0].open_stream(CHAN, "files").unwrap();
    pair.run(SECOND);
    assert!(pair.links[1].refuse_stream(id) && !pair.links[1].refuse_stream(id));
    pair.run(SECOND);
    assert!(told(&pair, 0, id, &StreamEvent::Closed { code: stream_code::REFUSED }));
    let id = open(&mut pair);
    assert!(pair.links[0].reset_stream(id, 77) && !pair.links[0].reset_stream(id, 77));
    pair.run(SECOND);
    assert!(told(&pair, 1, id, &StreamEvent::Stopped { code: 77 }));
    assert_eq!(pair.links[1].read_stream(id, 1), Ok(StreamRead::Reset(77)));
    let limit = config().limits.link.byte_streams;
    for _ in 0..limit {
        pair.links[0].open_stream(CHAN, "files").unwrap();
    }
    assert_eq!(pair.links[0].open_stream(CHAN, "files"), Err(StreamFailure::Limit));
    for name in ["", &"n".repeat(129)] {
        assert_eq!(pair.links[0].open_stream(CHAN, name), Err(StreamFailure::Name));
    }
    let nobody = ChannelId([2; 20]);
    assert_eq!(pair.links[0].open_stream(nobody, "files"), Err(StreamFailure::NotShared));
    // A peer that does not know the limit is refused, and no more.
    let opening =
        Opening::Bytes { slot: pair.links[0].carried.slots.ours(CHAN).unwrap(), name: "x" };
    let extra = pair.links[0].transport.open_stream(Class::File).unwrap();
    pair.links[0].transport.write_message(extra, &opening.encode()).unwrap();
    pair.run(SECOND);
    assert_eq!(
        pair.links[0].transport.write(extra, b"x"),
        Err(crate::transport::StreamError::Stopped(stream_code::REFUSED))
    );
    assert!(pair.links.iter().all(Link::is_open), "{:?}", pair.events);
}

#[test]
fn streams_end_with_their_channel_and_with_their_link() {
    // BC-08.97
    let mut pair = ready(75);
    let id = open(&mut pair);
    let Pair { links, events, .. } = &mut pair;
    links[1].leave(CHAN, &mut events[1]);
    pair.run(SECOND);
    let closed = StreamEvent::Closed { code: stream_code::NO_ERROR };
    assert!((0..2).all(|of| told(&pair, of, id, &closed)), "{:?}", pair.events);
    let mut pair = ready(76);
    let id = open(&mut pair);
    let now = pair.now;
    let Pair { links, events, .. } = &mut pair;
    links[0].close(now, code::GOING_AWAY, &mut events[0]);
    pair.run(SECOND);
    assert!((0..2).all(|of| told(&pair, of, id, &closed)), "{:?}", pair.events);
}

#[test]
fn an_unknown_protocol_is_told_so_and_never_ends_the_link() {
    // BC-08.90
    let mut pair = ready(77);
    for protocol in [2, 63, 64, (1 << 62) - 1] {
        let id = pair.links[0].transport.open_stream(Class::File).unwrap();
        let mut opening = Opening::Unknown(protocol).encode();
        opening.extend_from_slice(b"whatever it says");
        pair.links[0].transport.write_message(id, &opening).unwrap();
        pair.links[0].transport.write(id, b"and more").unwrap();
        pair.run(SECOND);
        assert_eq!(
            pair.links[0].transport.write(id, b"x"),
            Err(crate::transport::StreamError::Stopped(stream_code::UNKNOWN_PROTOCOL))
        );
    }
    assert!(pair.links[0].send(CHAN, Lane::Chat, b"still here"));
    pair.run(SECOND);
    assert_eq!(pair.messages(1), ["still here"]);
}

#[test]
fn an_epoch_that_is_left_takes_nothing_else_with_it() {
    // BC-08.91
    let mut pair = ready(78);
    let next = ChannelEpoch { epoch: Epoch([1; 32]), ..CHAN };
    let Pair { links, events, rngs, .. } = &mut pair;
    for of in 0..2 {
        links[of].join(next, &Secret([18; 32]), &mut rngs[of], &mut events[of]);
    }
    pair.run(SECOND);
    assert!(
        (0..2).all(
            |of| pair.has(of, |event| matches!(event, LinkEvent::ChannelUp(up) if *up == next))
        )
    );
    let Pair { links, events, .. } = &mut pair;
    links[0].leave(CHAN, &mut events[0]);
    // What the peer says meanwhile in the epoch that was left is dropped, and punished by nobody.
    assert!(links[1].send(CHAN, Lane::Chat, b"too late"));
    assert!(links[0].send(next, Lane::Chat, b"in the new epoch"));
    pair.run(SECOND * 20);
    let new = |event: &LinkEvent| matches!(event, LinkEvent::Message { channel, data } if *channel == next && data == "in the new epoch");
    assert!(pair.has(1, new) && pair.messages(0).is_empty());
    assert!(pair.links.iter().all(Link::is_open), "{:?}", pair.events);
}
