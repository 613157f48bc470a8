use super::*;
use crate::base::time::Timestamp;
use crate::transport::congestion::NewReno;
use crate::transport::congestion::rate::Stamp;
use crate::transport::recovery::sent::NewPacket;

const MS: Duration = Duration::from_millis(1);

/// Packets that were sent at the given milliseconds, numbered from 0.
fn sent(times: &[u64]) -> (SentPackets, LossDetector) {
    let (mut sent, mut detector) = (SentPackets::default(), LossDetector::default());
    for (pn, &at) in (0..).zip(times) {
        let sent_at = Timestamp::from_millis(at);
        let packet = NewPacket { pn, sent_at, size: 100, ect: false };
        sent.push(packet, Stamp::default(), &[SentFrame::MaxData]);
        detector.on_sent(sent_at);
    }
    (sent, detector)
}

/// A round trip of 80 ms: the loss delay is 90 ms.
fn rtt() -> Rtt {
    let mut rtt = Rtt::new(MS * 80);
    rtt.update(MS * 80, Duration::ZERO);
    rtt
}

fn path() -> PathState {
    PathState::new(Timestamp::ZERO, Box::new(NewReno::new(1_200)), rtt(), 1_200)
}

fn acknowledge(sent: &mut SentPackets, pn: u64) {
    sent.acknowledge(&(pn..pn + 1), &mut Vec::new(), |_| ());
}

fn detect(
    detector: &mut LossDetector,
    sent: &mut SentPackets,
    now: u64,
    largest: u64,
) -> (Losses, usize) {
    let mut frames = Vec::new();
    let now = Timestamp::from_millis(now);
    let losses = detector.detect(now, sent, &mut path(), largest, &mut frames, |_| ());
    (losses, frames.len())
}

#[test]
fn three_later_numbers_prove_a_loss() {
    let (mut sent, mut detector) = sent(&[0, 1, 2, 3]);
    acknowledge(&mut sent, 3);
    let (losses, frames) = detect(&mut detector, &mut sent, 81, 3);
    assert_eq!((losses.packets, losses.bytes, frames), (1, 100, 1));
    assert_eq!(losses.newest, Some(Timestamp::ZERO));
    // Numbers 1 and 2 may still be on their way.
    assert_eq!(detector.deadline(&rtt()), Some(Timestamp::from_millis(91)));
    assert_eq!(detect(&mut detector, &mut sent, 91, 3).0.packets, 1);
    assert_eq!(detect(&mut detector, &mut sent, 92, 3).0.packets, 1);
    assert_eq!(sent.count(), 0);
}

#[test]
fn packets_after_the_largest_are_not_judged() {
    let (mut sent, mut detector) = sent(&[0, 1, 2]);
    acknowledge(&mut sent, 0);
    assert_eq!(detect(&mut detector, &mut sent, 10_000, 0).0.packets, 0);
    assert_eq!(sent.count(), 2);
}

/// BC-07.13
#[test]
fn probes_back_off_to_ten_seconds() {
    let (_, mut detector) = sent(&[0]);
    let rtt = rtt();
    let mut now = Timestamp::ZERO;
    let mut interval = rtt.pto(MAX_ACK_DELAY);
    for _ in 0..20 {
        let at = detector.probe_time(&rtt).expect("something was sent");
        assert_eq!(at.saturating_since(now), interval);
        assert_eq!(detector.expired(at - MS, Some(at)), None);
        assert_eq!(detector.expired(at, Some(at)), Some(Expired::Probe));
        now = at;
        interval = (interval * 2).min(Duration::from_secs(10));
    }
    assert_eq!(interval, Duration::from_secs(10));
    detector.on_heard();
    let soon = detector.probe_time(&rtt).expect("still running");
    assert_eq!(soon.saturating_since(now), rtt.pto(MAX_ACK_DELAY) * 2);
    detector.on_progress();
    let soon = detector.probe_time(&rtt).expect("still running");
    assert_eq!(soon.saturating_since(now), rtt.pto(MAX_ACK_DELAY));
}

#[test]
fn a_long_stretch_of_losses_is_persistent_congestion() {
    let period = u64::try_from((rtt().pto(MAX_ACK_DELAY) * 3).as_millis()).expect("small");
    for (last, persistent) in [(period, false), (period + 1, true)] {
        let (mut sent, mut detector) = sent(&[0, 5, last, last + 10, last + 11, last + 12]);
        acknowledge(&mut sent, 5);
        let (losses, _) = detect(&mut detector, &mut sent, last + 20, 5);
        assert_eq!((losses.packets, losses.persistent), (3, persistent));
    }
    // One that arrived in between shows that it was not.
    let (mut sent, mut detector) = sent(&[0, 5, period * 2, period * 2, period * 2, period * 2]);
    acknowledge(&mut sent, 1);
    acknowledge(&mut sent, 5);
    assert!(!detect(&mut detector, &mut sent, period * 2 + 9, 5).0.persistent);
}

/// One that arrived in front of a lost probe for larger packets shows it as well.
#[test]
fn a_lost_probe_does_not_hide_what_arrived_before_it() {
    let period = u64::try_from((rtt().pto(MAX_ACK_DELAY) * 3).as_millis()).expect("small");
    let (mut sent, mut detector) = (SentPackets::default(), LossDetector::default());
    let packets = [(0, 100), (1, 100), (2, 0), (period + 1, 100), (period + 2, 100)];
    for (pn, (at, size)) in (0..).zip(packets) {
        let sent_at = Timestamp::from_millis(at);
        sent.push(NewPacket { pn, sent_at, size, ect: false }, Stamp::default(), &[]);
    }
    acknowledge(&mut sent, 1);
    acknowledge(&mut sent, 4);
    let (losses, _) = detect(&mut detector, &mut sent, period + 200, 4);
    assert_eq!((losses.packets, losses.persistent), (2, false));
}

#[test]
fn losses_of_an_earlier_path_do_not_count() {
    let (mut sent, mut detector) = sent(&[0, 1, 2, 3, 4]);
    acknowledge(&mut sent, 4);
    let mut frames = Vec::new();
    let now = Timestamp::from_millis(50);
    let mut path = path();
    path.on_rebound(4);
    let losses = detector.detect(now, &mut sent, &mut path, 4, &mut frames, |_| ());
    assert_eq!((losses.packets, losses.judged, losses.newest, frames.len()), (2, 0, None, 2));
}

/// BC-07.68: large packets that were lost on the way to the old port show no black hole.
#[test]
fn losses_of_before_a_rebind_do_not_shrink_packets() {
    for (rebound, size) in [(false, 1_200), (true, 1_452)] {
        let controller = Box::new(NewReno::new(1_200));
        let mut path = PathState::new(Timestamp::ZERO, controller, rtt(), 1_452);
        path.mtu.set_peer_limit(1_452);
        path.mtu.on_probe(0, 1_452);
        assert!(path.mtu.on_acked(Timestamp::ZERO, 0, 0, true));
        let (mut sent, mut detector) = (SentPackets::default(), LossDetector::default());
        for pn in 1..9 {
            let packet = NewPacket { pn, sent_at: Timestamp::ZERO, size: 1_452, ect: false };
            sent.push(packet, Stamp::default(), &[]);
        }
        if rebound {
            path.on_rebound(5);
        }
        acknowledge(&mut sent, 7);
        let now = Timestamp::from_millis(50);
        let losses = detector.detect(now, &mut sent, &mut path, 7, &mut Vec::new(), |_| ());
        assert_eq!((losses.packets, losses.smaller), (4, !rebound));
        assert_eq!(path.mtu.size(), size);
    }
}
