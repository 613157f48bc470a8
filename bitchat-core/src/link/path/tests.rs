use super::*;
use crate::base::rng::{Rng, Seed};

fn via(port: u16) -> Via {
    Via { socket: SocketId(0), remote: SocketAddr::from(([192, 0, 2, 1], port)) }
}

fn setup() -> (Paths, Stream) {
    (Paths::new(via(1)), Rng::new(&Seed([0; 32])).public)
}

#[test]
fn a_link_moves_only_when_the_new_address_answers_our_challenge() {
    // BC-08.14
    let (mut paths, mut rng) = setup();
    let now = Timestamp::ZERO;
    paths.on_packet(now, via(1), 50, true, &mut rng);
    assert_eq!(paths.poll(now, 40), None, "nothing to prove where we are");
    paths.on_packet(now, via(2), 50, true, &mut rng);
    let Some((to, PathFrame::Challenge(token))) = paths.poll(now, 40) else {
        panic!("no challenge")
    };
    assert_eq!((to, paths.current()), (via(2), via(1)));
    assert!(!paths.on_response([0; 8]), "a wrong token");
    assert_eq!(paths.current(), via(1));
    assert!(paths.on_response(token));
    assert_eq!(paths.current(), via(2));
    assert!(!paths.on_response(token), "once");
}

#[test]
fn a_late_packet_from_the_old_address_moves_nothing() {
    let (mut paths, mut rng) = setup();
    paths.on_packet(Timestamp::ZERO, via(2), 50, false, &mut rng);
    assert_eq!(paths.poll_timeout(), None);
}

#[test]
fn an_address_that_does_not_answer_gets_few_bytes_and_is_given_up() {
    let (mut paths, mut rng) = setup();
    let mut now = Timestamp::ZERO;
    paths.on_packet(now, via(2), 50, true, &mut rng);
    let mut sent = 0;
    while let Some(at) = paths.poll_timeout() {
        now = now.max(at);
        sent += usize::from(paths.poll(now, 40).is_some()) * 40;
    }
    assert_eq!(sent, 120, "three times 50 bytes hold three packets of 40");
    assert_eq!(paths.current(), via(1));
}

#[test]
fn challenges_are_answered_where_they_came_from_and_a_flood_of_them_is_not() {
    let (mut paths, _) = setup();
    for token in 0..10 {
        paths.on_challenge(via(3), [token; 8]);
    }
    let mut answers = 0;
    while let Some((to, frame)) = paths.poll(Timestamp::ZERO, 40) {
        assert_eq!((to, frame), (via(3), PathFrame::Response([answers; 8])));
        answers += 1;
    }
    assert_eq!(usize::from(answers), MAX_RESPONSES);
}
