use super::*;
use crate::base::rng::{Rng, Seed};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn answer(interval: Option<u64>, min: Option<u64>) -> Answer {
    Answer { interval: interval.map(secs), min_interval: min.map(secs), ..Answer::default() }
}

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

#[test]
fn intervals_are_believed_within_bounds() {
    // BC-10.17
    for (interval, min, wait) in [
        (None, None, 1_800),
        (Some(900), None, 900),
        (Some(0), None, 60),
        (Some(u64::MAX), None, 3_600),
        (Some(120), Some(600), 600),
        (Some(120), Some(u64::MAX), 3_600),
    ] {
        let mut schedule = Schedule::new();
        schedule.on_answer(NOW, &answer(interval, min), Timestamp::ZERO);
        assert_eq!(schedule.due, NOW + secs(wait), "{interval:?} {min:?}");
    }
}

#[test]
fn missing_peers_make_it_faster() {
    // BC-10.18
    let hungry = NOW + secs(600);
    let mut schedule = Schedule::new();
    let mut now = NOW;
    for wait in [15, 30, 60, 120, 240, 1_800] {
        schedule.on_answer(now, &answer(Some(1_800), None), hungry);
        assert_eq!(schedule.due, now + secs(wait));
        now = schedule.due;
    }
    let mut patient = Schedule::new();
    patient.on_answer(NOW, &answer(Some(1_800), Some(300)), hungry);
    assert_eq!(patient.due, NOW + secs(300), "the tracker's minimum holds");
    patient.hurry(NOW + secs(1));
    assert_eq!(patient.due, NOW + secs(300));

    let mut idle = Schedule::new();
    idle.on_answer(NOW, &answer(Some(1_800), None), Timestamp::ZERO);
    idle.hurry(NOW + secs(1));
    assert_eq!(idle.due, NOW + secs(60));
    idle.hurry(NOW + secs(100));
    assert_eq!(idle.due, NOW + secs(60), "what is due is not put off");
}

#[test]
fn failures_back_off() {
    // BC-10.19
    let mut rng = Rng::new(&Seed([3; 32])).public;
    let mut schedule = Schedule::new();
    let mut now = NOW;
    for base in [15, 30, 60, 120, 240, 480, 960, 1_800, 1_800, 1_800] {
        schedule.on_failure(now, None, &mut rng);
        let wait = schedule.due.saturating_since(now);
        assert!(wait >= secs(base) * 8 / 10 && wait <= secs(base) * 12 / 10, "{base}: {wait:?}");
        now = schedule.due;
    }
    schedule.hurry(now);
    assert!(schedule.failures > 0 && schedule.due == now, "hurry leaves failing trackers alone");
    schedule.on_failure(now, Some(Retry::After(secs(7_200))), &mut rng);
    assert_eq!(schedule.due, now + secs(7_200));
    schedule.on_failure(now, Some(Retry::After(secs(u64::MAX))), &mut rng);
    assert_eq!(schedule.due, now + secs(86_400));
    schedule.on_failure(now, Some(Retry::Never), &mut rng);
    assert_eq!(schedule.due, Timestamp::FAR_FUTURE);
    schedule.on_answer(now, &answer(None, None), Timestamp::ZERO);
    assert_eq!(schedule.failures, 0);
}

#[test]
fn after_a_sleep_failures_are_forgiven_but_not_waits_that_the_tracker_imposed() {
    let mut rng = Rng::new(&Seed([1; 32]));
    let later = NOW + secs(1);
    for (retry, due) in [(None, Some(later)), (Some(Retry::After(secs(900))), None)] {
        let mut schedule = Schedule::new();
        for _ in 0..5 {
            schedule.on_failure(NOW, retry, &mut rng.public);
        }
        let before = schedule.due;
        schedule.forgive(later);
        assert_eq!(schedule.due, due.unwrap_or(before));
    }
    // What did not fail stays as it is.
    let mut schedule = Schedule::new();
    schedule.on_answer(NOW, &answer(None, None), Timestamp::ZERO);
    let before = schedule.due;
    schedule.forgive(later);
    assert_eq!(schedule.due, before);
}
