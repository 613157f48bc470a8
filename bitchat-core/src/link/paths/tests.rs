use super::challenges::MAX_RESPONSES;
use super::known::MAX_PATHS;
use super::*;
use crate::base::ids::SocketId;
use crate::base::rng::{Rng, Seed};
use crate::link::PACKET_LEN;
use core::net::SocketAddr;

fn via(port: u16) -> Via {
    Via::Udp { socket: SocketId(0), remote: SocketAddr::from(([192, 0, 2, 1], port)) }
}

/// Another address of the peer, by another socket.
fn elsewhere(host: u8) -> Via {
    Via::Udp { socket: SocketId(1), remote: SocketAddr::from(([198, 51, 100, host], 1)) }
}

/// An id of ours that the peer uses.
const fn cid(number: u8) -> ConnectionId {
    ConnectionId([number; 8])
}

fn setup() -> (Paths, Stream) {
    (Paths::new(Timestamp::ZERO, via(1), cid(0), true), Rng::new(&Seed([0; 32])).public)
}

/// The link is older than that here, so that no proof is as young as it.
const START: u64 = 100_000;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(START + millis)
}

const RTT: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_millis(120);

/// An ordinary packet under our id number `id` that is the newest.
fn packet(via: Via, id: u8) -> Arrival {
    let cid = cid(id);
    Arrival { via, len: 50, cid, newest: true, probing: false, patience: PATIENCE }
}

/// The challenges that are due.
fn asked(paths: &mut Paths, now: Timestamp) -> Vec<Due> {
    let is_challenge = |due: &Due| matches!(due.frame, PathFrame::Challenge(_));
    core::iter::from_fn(|| paths.poll(now, 40)).filter(is_challenge).collect()
}

/// The one that asks `via`.
fn asked_at(paths: &mut Paths, now: Timestamp, via: Via) -> Due {
    let all = asked(paths, now);
    *all.iter().find(|due| due.via == via).unwrap_or_else(|| panic!("{via:?} not among {all:?}"))
}

/// The peer answers `due` in as large a packet.
fn answer(paths: &mut Paths, now: Timestamp, due: Due, rng: &mut Stream) -> Option<Move> {
    let PathFrame::Challenge(token) = due.frame else { panic!("{due:?}") };
    let len = if due.padded { PACKET_LEN } else { 40 };
    paths.on_response(now, Answer { token, len, rtt: RTT }, rng)
}

/// A spare path that answered a large challenge at `now`, heard under an id of its own.
fn proven(paths: &mut Paths, now: Timestamp, via: Via, id: u8, rng: &mut Stream) {
    let looking = Arrival { len: PACKET_LEN, probing: true, ..packet(via, id) };
    paths.on_packet(now, looking, Some(u64::from(id)), rng);
    let due = asked_at(paths, now, via);
    assert!(due.padded);
    assert_eq!(answer(paths, now + RTT, due, rng), None, "only looking");
}

#[test]
fn a_link_moves_only_when_the_new_address_answers_our_challenge() {
    // BC-08.14
    let (mut paths, mut rng) = setup();
    let now = at(0);
    assert_eq!(paths.on_packet(now, packet(via(1), 0), None, &mut rng), None);
    assert_eq!(paths.poll(now, 40), None, "nothing to prove where we are");
    assert_eq!(paths.on_packet(now, packet(via(2), 1), None, &mut rng), None);
    let due = asked_at(&mut paths, now, via(2));
    assert_eq!(paths.current(), via(1));
    let wrong = Answer { token: [0; 8], len: 40, rtt: RTT };
    assert_eq!(paths.on_response(now, wrong, &mut rng), None);
    assert_eq!(paths.current(), via(1));
    assert_eq!(answer(&mut paths, now, due, &mut rng), Some(Move::Rebound));
    assert_eq!(paths.current(), via(2));
    assert_eq!(answer(&mut paths, now, due, &mut rng), None, "once");
    // BC-08.42
    asked_at(&mut paths, now, via(1));
}

#[test]
fn a_probe_that_data_on_the_other_path_overtook_shows_the_path_all_the_same() {
    // BC-08.44, BC-08.48
    let (mut paths, mut rng) = setup();
    let late = Arrival { newest: false, ..packet(elsewhere(1), 1) };
    assert_eq!(paths.on_packet(at(0), late, Some(1), &mut rng), None);
    assert!(asked(&mut paths, at(0)).is_empty(), "data that comes late shows no path");
    let probe = Arrival { len: PACKET_LEN, probing: true, ..late };
    assert_eq!(paths.on_packet(at(0), probe, Some(1), &mut rng), None);
    asked_at(&mut paths, at(0), elsewhere(1));
    assert_eq!(paths.id(elsewhere(1)), 1, "its answer carries an id of its own");
    assert_eq!(paths.current(), via(1));
}

#[test]
fn who_comes_back_is_followed_back_at_once_but_not_faster_than_he_can_answer() {
    // BC-08.14, BC-08.42
    let (mut paths, mut rng) = setup();
    // The side that leads waits in any case.
    paths.leads = false;
    proven(&mut paths, at(0), elsewhere(1), 1, &mut rng);
    let moved = paths.on_packet(at(100), packet(elsewhere(1), 1), None, &mut rng);
    assert_eq!(moved, Some(Move::Elsewhere(Some(RTT))), "it answered not long ago");
    assert_eq!((paths.id(elsewhere(1)), paths.id(via(1))), (1, 0), "an id for each path");
    let due = asked_at(&mut paths, at(100), via(1));
    answer(&mut paths, at(150), due, &mut rng);
    assert!(paths.on_packet(at(150), packet(via(1), 0), None, &mut rng).is_some());
    assert_eq!(paths.current(), via(1));
    // To and fro without an answer in between.
    assert_eq!(paths.on_packet(at(160), packet(elsewhere(1), 1), None, &mut rng), None);
    let wait = paths.poll_timeout().expect("it is wanted");
    assert!(wait <= at(150) + MOVE_SPACING);
    assert!(paths.handle_timeout(at(150) + MOVE_SPACING, &mut rng).is_some());
    assert_eq!(paths.current(), elsewhere(1));
}

#[test]
fn a_proof_grows_old() {
    let (mut paths, mut rng) = setup();
    proven(&mut paths, at(0), elsewhere(1), 1, &mut rng);
    assert_eq!(paths.on_packet(at(61_000), packet(elsewhere(1), 1), None, &mut rng), None);
    assert_eq!(paths.handle_timeout(at(62_000), &mut rng), None);
    assert_eq!(paths.current(), via(1));
    let due = asked_at(&mut paths, at(62_000), elsewhere(1));
    assert!(answer(&mut paths, at(62_050), due, &mut rng).is_some());
}

#[test]
fn a_late_packet_from_the_old_address_moves_nothing() {
    let (mut paths, mut rng) = setup();
    let late = Arrival { newest: false, ..packet(via(2), 1) };
    paths.on_packet(at(0), late, None, &mut rng);
    assert_eq!(paths.poll_timeout(), None);
}

#[test]
fn where_copies_come_from_is_not_followed_while_the_original_answers() {
    // BC-08.54: on the way to the peer somebody copies its packets, and is faster with them.
    let (mut paths, mut rng) = setup();
    let racer = elsewhere(66);
    let mut questions = 0;
    for round in 0..100 {
        let now = at(round * 100);
        let moved = paths.on_packet(now, packet(racer, 0), Some(1), &mut rng);
        assert_eq!(moved, None, "round {round}");
        // Both answer: the racer forwards whatever comes.
        for due in asked(&mut paths, now) {
            questions += usize::from(due.via == via(1));
            assert_eq!(answer(&mut paths, now + RTT, due, &mut rng), None, "round {round}");
        }
        assert_eq!(paths.handle_timeout(now + RTT, &mut rng), None);
    }
    assert_eq!(paths.current(), via(1));
    assert!((5..=11).contains(&questions), "asked about once a second: {questions}");
    assert_eq!(paths.id(racer), 0, "no id was spent on it");
    assert_eq!(paths.proven(), 1, "and it counts for no path");
    // BC-08.46: faster than the path in use, but not chosen for that.
    paths.on_trouble(at(10_000), &mut rng);
    paths.on_progress();
    let due = asked_at(&mut paths, at(10_000), racer);
    assert_eq!(answer(&mut paths, at(10_001), due, &mut rng), None);
    // Once nothing is copied any more it is forgotten.
    let later = at(10_001) + SPARE_INTERVAL;
    assert_eq!(paths.handle_timeout(later, &mut rng), None);
    assert!(!paths.knows(racer));
}

#[test]
fn a_peer_that_moved_without_knowing_is_followed_when_its_old_address_is_silent() {
    // BC-08.54, BC-08.40
    for (new, expected) in
        [(via(2), Move::Rebound), (elsewhere(1), Move::Elsewhere(Some(Duration::from_millis(40))))]
    {
        let (mut paths, mut rng) = setup();
        let looking = Arrival { len: PACKET_LEN, ..packet(new, 0) };
        assert_eq!(paths.on_packet(at(0), looking, Some(1), &mut rng), None);
        let due = asked_at(&mut paths, at(0), new);
        assert_eq!(answer(&mut paths, at(40), due, &mut rng), None, "the old one has its time");
        assert_eq!(paths.poll_timeout(), Some(at(0) + PATIENCE));
        assert_eq!(paths.handle_timeout(at(0) + PATIENCE, &mut rng), Some(expected));
        // BC-08.57: the old address is asked again, ever more seldom, and forgotten in the end.
        let mut seconds = Vec::new();
        for second in 1..400 {
            assert_eq!(paths.handle_timeout(at(second * 1_000), &mut rng), None);
            let all = asked(&mut paths, at(second * 1_000));
            assert!(all.iter().all(|due| due.via == via(1)));
            seconds.extend(all.iter().map(|_| second));
        }
        let packets = (MAX_CHALLENGES * MAX_PATIENT_FAILED) as usize;
        assert!((packets - 5..=packets).contains(&seconds.len()), "{seconds:?}");
        let rests = seconds.windows(2).map(|pair| pair[1] - pair[0]).filter(|wait| *wait > 7);
        assert!(rests.is_sorted(), "{seconds:?}");
        assert!(!paths.knows(via(1)));
        assert_eq!(paths.poll_timeout(), None);
    }
}

#[test]
fn a_path_that_was_cut_while_copies_were_faster_is_taken_again_when_it_answers() {
    // BC-08.57: the cut lasted for longer than a challenge is repeated.
    for announced in [false, true] {
        let (mut paths, mut rng) = setup();
        let new = elsewhere(66);
        paths.on_packet(at(0), Arrival { len: PACKET_LEN, ..packet(new, 0) }, None, &mut rng);
        let due = asked_at(&mut paths, at(0), new);
        assert_eq!(answer(&mut paths, at(40), due, &mut rng), None);
        assert!(paths.handle_timeout(at(0) + PATIENCE, &mut rng).is_some());
        if announced {
            // The peer uses an id there that it has used nowhere else: it means to be there.
            paths.on_packet(at(200), packet(new, 1), None, &mut rng);
        }
        let mut moved = None;
        for second in 1..60 {
            let now = at(second * 1_000);
            paths.handle_timeout(now, &mut rng);
            for due in asked(&mut paths, now).into_iter().filter(|_| second > 14) {
                moved = moved.or(answer(&mut paths, now, due, &mut rng).map(|_| second));
            }
        }
        assert_eq!(moved.is_some_and(|second| second < 30), !announced, "{moved:?}");
        assert_eq!(paths.current(), if announced { new } else { via(1) });
    }
}

#[test]
fn a_path_that_was_left_too_soon_is_taken_again_and_that_is_the_end_of_it() {
    // BC-08.54: the answer of the old path was late or lost.
    let (mut paths, mut rng) = setup();
    let racer = elsewhere(66);
    paths.on_packet(at(0), Arrival { len: PACKET_LEN, ..packet(racer, 0) }, None, &mut rng);
    let both = asked(&mut paths, at(0));
    let of = |via: Via| *both.iter().find(|due| due.via == via).unwrap();
    assert_eq!(answer(&mut paths, at(40), of(racer), &mut rng), None);
    assert!(paths.handle_timeout(at(0) + PATIENCE, &mut rng).is_some());
    assert_eq!(paths.current(), racer);
    assert!(answer(&mut paths, at(130), of(via(1)), &mut rng).is_some());
    assert_eq!(paths.current(), via(1));
    for round in 2..50 {
        let now = at(round * 100);
        paths.on_packet(now, packet(racer, 0), None, &mut rng);
        for due in asked(&mut paths, now) {
            assert_eq!(answer(&mut paths, now + RTT, due, &mut rng), None, "to and fro");
        }
    }
    assert_eq!(paths.current(), via(1));
}

#[test]
fn a_copy_of_what_a_spare_path_carries_leads_to_that_path() {
    // BC-08.54: the peer moves to its other address, and the copy is there first.
    let (mut paths, mut rng) = setup();
    proven(&mut paths, at(0), elsewhere(1), 1, &mut rng);
    let moved = paths.on_packet(at(100), packet(elsewhere(66), 1), None, &mut rng);
    assert!(moved.is_some());
    assert_eq!(paths.current(), elsewhere(1));
}

#[test]
fn an_address_that_does_not_answer_gets_few_bytes_and_is_given_up() {
    // BC-08.41
    let (mut paths, mut rng) = setup();
    let mut now = at(0);
    paths.on_packet(now, packet(via(2), 1), Some(3), &mut rng);
    let mut sent = 0;
    for _ in 0..20 {
        now = now.max(paths.poll_timeout().unwrap_or(now));
        sent += asked(&mut paths, now).len() * 40;
    }
    assert_eq!(sent, 120, "three times 50 bytes hold three packets of 40");
    assert_eq!((paths.current(), paths.poll_timeout()), (via(1), None));
    assert_eq!(paths.retired, [3]);
}

#[test]
fn an_address_that_was_left_gets_one_large_challenge_and_few_small_ones() {
    // BC-08.41: somebody else may have it meanwhile.
    let (mut paths, mut rng) = setup();
    paths.on_packet(at(0), packet(via(2), 1), Some(1), &mut rng);
    let due = asked_at(&mut paths, at(0), via(2));
    answer(&mut paths, at(40), due, &mut rng);
    assert_eq!(paths.current(), via(2));
    let mut sent = Vec::new();
    for round in 0..600 {
        let now = at(40 + round * 100);
        sent.extend(asked(&mut paths, now).iter().map(|due| (due.via, due.padded)));
    }
    let expected = [true, false, false, false, false].map(|padded| (via(1), padded));
    assert_eq!(sent, expected);
}

#[test]
fn challenges_are_answered_where_they_came_from_and_a_flood_of_them_is_not() {
    let (mut paths, _) = setup();
    for token in 0..10 {
        assert!(!paths.on_challenge(via(3), [token; 8], 40));
    }
    let mut answers = 0;
    while let Some(due) = paths.poll(at(0), 40) {
        let frame = PathFrame::Response([answers; 8]);
        assert_eq!(due, Due { via: via(3), frame, padded: false });
        answers += 1;
    }
    assert_eq!(usize::from(answers), MAX_RESPONSES);
    assert!(paths.on_challenge(via(1), [0; 8], 40), "the peer wonders about the path in use");
    assert!(!paths.on_challenge(via(3), [9; 8], PACKET_LEN));
    let sizes: Vec<bool> =
        core::iter::from_fn(|| paths.poll(at(0), 40)).map(|due| due.padded).collect();
    assert_eq!(sizes, [false, true], "each as large as its question");
}

#[test]
fn answers_and_challenges_together_are_no_more_than_thrice_what_came() {
    // BC-08.41: somebody inside the session names a third party as the sender of its packets.
    let (mut paths, mut rng) = setup();
    let (mut came, mut went) = (0, 0);
    for round in 0..200 {
        let now = at(round * 50);
        let len = if round % 40 == 0 { PACKET_LEN } else { 35 };
        let probing = round % 3 > 0;
        let id = u8::from(round % 2 == 0);
        let arrival = Arrival { len, probing, ..packet(elsewhere(2), id) };
        paths.on_packet(now, arrival, Some(1), &mut rng);
        paths.on_challenge(elsewhere(2), [1; 8], len);
        came += len;
        while let Some(due) = paths.poll(now, 60) {
            if due.via == elsewhere(2) {
                went += if due.padded { PACKET_LEN } else { 60 };
            }
        }
        paths.handle_timeout(now, &mut rng);
        assert!(went <= 3 * came, "{went} of {came}");
    }
    assert!(went > came, "it was asked and answered");
    assert_eq!(paths.current(), via(1));
}

#[test]
fn the_path_in_use_answers_however_long_ago_it_was_proven() {
    let (mut paths, _) = setup();
    assert!(paths.on_challenge(via(1), [1; 8], PACKET_LEN));
    assert_eq!(paths.poll(at(100_000), 40).map(|due| due.padded), Some(true));
}

#[test]
fn a_path_carries_a_large_challenge_before_it_is_used() {
    // BC-08.53
    let (mut paths, mut rng) = setup();
    paths.on_packet(at(0), packet(elsewhere(1), 1), Some(1), &mut rng);
    let small = asked_at(&mut paths, at(0), elsewhere(1));
    assert!(!small.padded, "50 bytes came from there");
    assert_eq!(answer(&mut paths, at(50), small, &mut rng), None, "the address is believed");
    let large = asked_at(&mut paths, at(50), elsewhere(1));
    assert!(large.padded);
    let moved = answer(&mut paths, at(100), large, &mut rng);
    assert_eq!(moved, Some(Move::Elsewhere(Some(RTT))));
}

#[test]
fn a_path_that_carries_only_small_packets_is_forgotten() {
    // BC-08.53
    let (mut paths, mut rng) = setup();
    let mut now = at(0);
    paths.on_packet(now, packet(elsewhere(1), 1), Some(1), &mut rng);
    let mut sent = 0;
    for _ in 0..100 {
        now = now.max(paths.poll_timeout().unwrap_or(now));
        assert_eq!(paths.handle_timeout(now, &mut rng), None);
        for due in asked(&mut paths, now) {
            sent += 1;
            if !due.padded {
                assert_eq!(answer(&mut paths, now + RTT, due, &mut rng), None);
            }
        }
    }
    assert!(!paths.knows(elsewhere(1)));
    assert!(sent <= 12, "{sent} challenges");
}

/// Of a line that loses much, large packets are what is lost: a path that answered was forgotten as
/// too narrow. Then the one in use died, and the peer was nowhere. Found by a schedule.
#[test]
fn a_path_that_looks_narrow_is_asked_again_when_the_one_in_use_fails() {
    // BC-08.53, BC-08.44
    let (mut paths, mut rng) = setup();
    let mut now = at(0);
    paths.on_packet(now, packet(elsewhere(1), 1), Some(1), &mut rng);
    while let Some(next) = paths.poll_timeout().filter(|next| *next < at(60_000)) {
        now = now.max(next);
        for due in asked(&mut paths, now).into_iter().filter(|due| !due.padded) {
            assert_eq!(answer(&mut paths, now + RTT, due, &mut rng), None);
        }
    }
    paths.on_trouble(at(60_000), &mut rng);
    let due = asked_at(&mut paths, at(60_000), elsewhere(1));
    assert!(due.padded, "it may carry large packets now");
    assert!(answer(&mut paths, at(60_050), due, &mut rng).is_some());
}

/// The peer sends from a path that answered small packets only, as long as the line was bad.
#[test]
fn a_path_that_looks_narrow_is_asked_while_the_peer_sends_from_there_but_not_each_round_trip() {
    // BC-08.53
    let (mut paths, mut rng) = setup();
    let mut large = 0;
    let mut moved = None;
    for round in 0..240 {
        let now = at(round * 50);
        moved = moved.or(paths.on_packet(now, packet(elsewhere(1), 1), Some(1), &mut rng));
        for due in asked(&mut paths, now).into_iter().filter(|due| due.via == elsewhere(1)) {
            large += u32::from(due.padded);
            if !due.padded || round > 180 {
                moved = moved.or(answer(&mut paths, now + RTT, due, &mut rng));
            }
        }
        assert!(round > 180 || moved.is_none());
    }
    assert!(moved.is_some(), "large packets pass at last");
    assert!(large < 30, "{large} large challenges in twelve seconds");
}

/// Few and small packets came from the peer's new address, and paid for one challenge of five; the
/// link gave the address up. Found by a schedule.
#[test]
fn a_challenge_that_cannot_be_paid_for_waits() {
    // BC-08.63, BC-08.41
    let (mut paths, mut rng) = setup();
    let small = |cid| Arrival { len: 20, ..packet(via(2), cid) };
    paths.on_packet(at(0), small(1), Some(1), &mut rng);
    asked_at(&mut paths, at(0), via(2));
    for millis in 0..40_000 {
        assert_eq!(asked(&mut paths, at(millis)), [], "60 bytes hold one packet of 40");
    }
    assert!(paths.poll_timeout().is_some_and(|next| next > at(40_000)), "nor is it asked for");
    paths.on_packet(at(40_000), small(1), Some(1), &mut rng);
    let due = asked_at(&mut paths, at(40_000), via(2));
    assert!(answer(&mut paths, at(40_050), due, &mut rng).is_some());
}

#[test]
fn a_challenge_waits_for_a_minute_to_be_paid_for_and_no_longer() {
    // BC-08.63
    let (mut paths, mut rng) = setup();
    let small = Arrival { len: 20, ..packet(via(2), 1) };
    paths.on_packet(at(0), small, Some(1), &mut rng);
    asked_at(&mut paths, at(0), via(2));
    // The second is due, and cannot be paid for.
    assert!(asked(&mut paths, at(200)).is_empty());
    assert!(asked(&mut paths, at(60_199)).is_empty() && paths.knows(via(2)));
    assert!(asked(&mut paths, at(60_200)).is_empty() && !paths.knows(via(2)));
}

/// The path would begin with a probe timeout of a minute and a half.
#[test]
fn a_round_trip_that_was_measured_across_a_jump_is_not_believed() {
    // BC-08.44
    let (mut paths, mut rng) = setup();
    let looking = Arrival { len: PACKET_LEN, probing: true, ..packet(elsewhere(1), 1) };
    paths.on_packet(at(0), looking, Some(1), &mut rng);
    let due = asked_at(&mut paths, at(0), elsewhere(1));
    paths.on_trouble(at(30_000), &mut rng);
    assert_eq!(answer(&mut paths, at(30_000), due, &mut rng), Some(Move::Elsewhere(None)));
}

#[test]
fn paths_that_had_to_share_an_id_get_their_own_when_there_are_some() {
    // BC-08.48
    let (mut paths, mut rng) = setup();
    let looking = Arrival { probing: true, ..packet(elsewhere(1), 1) };
    paths.on_packet(at(0), looking, None, &mut rng);
    assert_eq!(paths.ids().collect::<Vec<_>>(), [0, 0]);
    let due = asked_at(&mut paths, at(0), elsewhere(1));
    paths.assign_ids(at(0), |_| true, &mut vec![7], &mut rng);
    assert_eq!(paths.ids().collect::<Vec<_>>(), [0, 7]);
    answer(&mut paths, at(50), due, &mut rng);
    let due = asked_at(&mut paths, at(50), elsewhere(1));
    answer(&mut paths, at(100), due, &mut rng);
    assert_eq!(asked(&mut paths, at(100)), [], "the new one was shown");
    paths.assign_ids(at(100), |id| id != 0, &mut vec![8], &mut rng);
    assert_eq!(paths.ids().collect::<Vec<_>>(), [8, 7], "one that the peer took back");
}

#[test]
fn a_host_that_moves_uses_other_ids_and_shows_itself() {
    // BC-08.55
    let (mut paths, mut rng) = setup();
    proven(&mut paths, at(0), elsewhere(1), 1, &mut rng);
    paths.on_local_move(at(1_000), &mut vec![3, 2], &mut rng);
    assert_eq!(paths.ids().collect::<Vec<_>>(), [2, 3]);
    assert_eq!(core::mem::take(&mut paths.retired), [0, 1]);
    let due = asked_at(&mut paths, at(1_000), via(1));
    assert!(due.padded, "so that the peer may answer with as much");
    paths.on_local_move(at(2_000), &mut vec![4], &mut rng);
    assert_eq!(paths.ids().collect::<Vec<_>>(), [4, 3], "as far as there are some");
    assert_eq!(paths.retired, [2]);
}

#[test]
fn however_many_addresses_there_are_few_are_kept_and_none_that_answered_goes_for_one_that_did_not()
{
    // BC-08.43
    let (mut paths, mut rng) = setup();
    proven(&mut paths, at(0), elsewhere(1), 1, &mut rng);
    proven(&mut paths, at(1_000), elsewhere(2), 2, &mut rng);
    for port in 2..100u8 {
        let arrival = packet(via(port.into()), port % 2 * 100);
        paths.on_packet(at(2_000), arrival, Some(port.into()), &mut rng);
        paths.add(at(2_000), elsewhere(100 + port), Some(port.into()), &mut rng);
    }
    assert_eq!(paths.all.len(), MAX_PATHS);
    assert_eq!(paths.current(), via(1));
    assert!(paths.knows(elsewhere(1)) && paths.knows(elsewhere(2)));
    // One more that answers takes the place of the one that did so the longest time ago.
    proven(&mut paths, at(3_000), elsewhere(3), 3, &mut rng);
    assert!(!paths.knows(elsewhere(1)));
    assert!(paths.knows(elsewhere(2)) && paths.knows(elsewhere(3)));
    assert!(paths.retired.contains(&1));
    // Copies that answer do not.
    for host in 10..20 {
        paths.on_packet(at(4_000), packet(elsewhere(host), 0), None, &mut rng);
        for due in asked(&mut paths, at(4_000)) {
            answer(&mut paths, at(4_050), due, &mut rng);
        }
    }
    assert!(paths.knows(elsewhere(2)) && paths.knows(elsewhere(3)));
    assert_eq!(paths.current(), via(1));
}

/// A spare path that answered after `rtt`.
fn spare(paths: &mut Paths, rng: &mut Stream, rtt: Duration) -> Option<Move> {
    paths.add(at(0), elsewhere(1), Some(1), rng);
    let due = asked_at(paths, at(0), elsewhere(1));
    assert!(due.padded, "a handshake there counts for so much");
    answer(paths, at(0) + rtt, due, rng)
}

#[test]
fn a_clearly_better_path_is_taken_by_the_side_that_leads() {
    // BC-08.46
    for (leads, millis, moves) in [(true, 30, true), (true, 45, false), (false, 30, false)] {
        let (_, mut rng) = setup();
        let mut paths = Paths::new(at(0), via(1), cid(0), leads);
        let moved = spare(&mut paths, &mut rng, Duration::from_millis(millis));
        assert_eq!(moved.is_some(), moves, "{leads} {millis}");
        assert_eq!(paths.proven(), 2);
    }
}

#[test]
fn a_path_that_fails_gives_way_to_one_that_answers() {
    // BC-08.44, BC-08.45
    let (mut paths, mut rng) = setup();
    assert_eq!(spare(&mut paths, &mut rng, RTT), None);
    assert_eq!(paths.poll_timeout(), Some(at(50) + SPARE_INTERVAL), "looked at rarely");
    paths.on_trouble(at(1_000), &mut rng);
    let [due] = asked(&mut paths, at(1_000))[..] else { panic!("not asked") };
    assert_eq!((due.via, due.padded), (elsewhere(1), true));
    let moved = answer(&mut paths, at(1_080), due, &mut rng);
    assert_eq!(moved, Some(Move::Elsewhere(Some(Duration::from_millis(80)))));
    assert_eq!(paths.current(), elsewhere(1));
}

#[test]
fn paths_that_all_answered_once_leave_room_for_another() {
    // BC-08.43: none of them may be there any more.
    let (mut paths, mut rng) = setup();
    for host in 1..=3 {
        proven(&mut paths, at(0), elsewhere(host), host, &mut rng);
    }
    assert!(paths.all.len() < MAX_PATHS, "the latest two are kept");
    // A third one that answers in small packets counts as well.
    let looking = Arrival { probing: true, ..packet(elsewhere(4), 4) };
    paths.on_packet(at(100), looking, Some(4), &mut rng);
    let due = asked_at(&mut paths, at(100), elsewhere(4));
    assert!(!due.padded);
    answer(&mut paths, at(110), due, &mut rng);
    paths.on_packet(at(120), packet(elsewhere(5), 5), Some(5), &mut rng);
    assert!(paths.knows(elsewhere(5)), "{:?}", paths.all);
}

#[test]
fn of_two_copies_neither_sends_the_link_to_an_address_that_is_gone() {
    // BC-08.54: the peer is at other addresses in both networks and does not know.
    let (mut paths, mut rng) = setup();
    proven(&mut paths, at(0), elsewhere(1), 1, &mut rng);
    // Each proof is good for a minute, but older than what need not be asked again.
    for millis in (2_000..4_000).step_by(50) {
        for (new, id) in [(via(2), 0), (elsewhere(2), 1)] {
            paths.on_packet(at(millis), packet(new, id), None, &mut rng);
            for due in asked(&mut paths, at(millis)) {
                if [via(2), elsewhere(2)].contains(&due.via) {
                    answer(&mut paths, at(millis + 1), due, &mut rng);
                }
            }
            paths.handle_timeout(at(millis + 2), &mut rng);
            assert_ne!(paths.current(), elsewhere(1), "{millis}: it did not answer again");
        }
    }
    assert!([via(2), elsewhere(2)].contains(&paths.current()), "{:?}", paths.current());
}

#[test]
fn a_copy_does_not_win_because_a_spare_path_is_slower_than_the_one_in_use() {
    // BC-08.54
    let (mut paths, mut rng) = setup();
    proven(&mut paths, at(0), elsewhere(1), 1, &mut rng);
    // Its proof is not new any more, and in PATIENCE only the path in use would answer.
    let now = at(2_000);
    let copy = Arrival { len: PACKET_LEN, patience: RTT / 2, ..packet(elsewhere(66), 1) };
    assert_eq!(paths.on_packet(now, copy, None, &mut rng), None);
    let both = asked(&mut paths, now);
    let of = |via: Via| *both.iter().find(|due| due.via == via).unwrap();
    assert_eq!(answer(&mut paths, at(2_049), of(elsewhere(66)), &mut rng), None);
    assert_eq!(paths.handle_timeout(at(2_049), &mut rng), None);
    assert!(answer(&mut paths, now + RTT, of(elsewhere(1)), &mut rng).is_some());
    assert_eq!(paths.current(), elsewhere(1));
}

/// Copies of the peer's packets came from the address at the end, which answered, and the path in
/// use was silent.
fn raced() -> (Paths, Stream, Via) {
    let (mut paths, mut rng) = setup();
    let racer = elsewhere(66);
    paths.on_packet(at(0), Arrival { len: PACKET_LEN, ..packet(racer, 0) }, None, &mut rng);
    let due = asked_at(&mut paths, at(0), racer);
    answer(&mut paths, at(40), due, &mut rng);
    assert!(paths.handle_timeout(at(0) + PATIENCE, &mut rng).is_some());
    assert_eq!(paths.current(), racer);
    (paths, rng, racer)
}

#[test]
fn a_link_that_came_back_from_a_copy_stays() {
    // BC-08.54
    let (mut paths, mut rng, racer) = raced();
    // It misses a packet, so that the peer's own is the newest for once.
    let now = at(2_000);
    paths.on_packet(at(1_990), packet(racer, 0), None, &mut rng);
    paths.on_packet(now, packet(via(1), 0), None, &mut rng);
    let both = asked(&mut paths, now);
    let of = |via: Via| both.iter().find(|due| due.via == via).copied();
    let (own, copy) = (of(via(1)).expect("it was left"), of(racer).expect("it is the owner"));
    assert!(answer(&mut paths, at(2_040), own, &mut rng).is_some());
    assert_eq!(answer(&mut paths, at(2_050), copy, &mut rng), None, "it was not left too soon");
    assert_eq!(paths.current(), via(1));
}

#[test]
fn a_path_that_was_left_outlives_a_cut() {
    // BC-08.57
    let (mut paths, mut rng, _) = raced();
    // Whoever copied is gone, and the old path is cut for longer than six questions take.
    for millis in (1_000..55_000).step_by(100) {
        paths.on_trouble(at(millis), &mut rng);
        asked(&mut paths, at(millis));
        paths.handle_timeout(at(millis), &mut rng);
    }
    assert!(paths.knows(via(1)));
}
