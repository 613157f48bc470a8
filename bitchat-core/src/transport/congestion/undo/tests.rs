use super::*;
use crate::transport::congestion::{AckedPacket, Controller, Cubic, NewReno, Spurious};
use crate::transport::rtt::Rtt;
use core::time::Duration;
use proptest::prelude::*;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn loss(number: u64, bytes: u64) -> Congestion {
    Congestion { number, bytes, ..Congestion::default() }
}

fn late(event: u64, bytes: u64) -> Spurious {
    Spurious { event, sent_at: at(0), bytes }
}

#[test]
fn only_the_last_proof_gives_back() {
    let mut undo = Undo::default();
    undo.begin(at(10), &loss(5, 300), "before");
    assert!(undo.covers(at(10)) && !undo.covers(at(11)));
    undo.note(&loss(8, 100));
    assert_eq!(undo.on_spurious(&late(5, 300)), None);
    assert_eq!(undo.on_spurious(&late(4, 100)), None, "not of this episode");
    assert_eq!(undo.on_spurious(&late(8, 100)), Some("before"));
    assert_eq!(undo.on_spurious(&late(8, 100)), None, "once");
}

#[test]
fn marks_and_outages_are_real_and_older_losses_do_not_count() {
    let outage = Congestion { persistent: true, ..loss(6, 100) };
    for event in [loss(6, 0), outage] {
        let mut undo = Undo::default();
        undo.begin(at(10), &loss(5, 100), ());
        undo.note(&event);
        assert_eq!(undo.on_spurious(&late(5, 1_000)), None);
    }
    let mut undo = Undo::default();
    undo.begin(at(10), &loss(5, 100), 1);
    undo.begin(at(20), &loss(15, 100), 2);
    assert_eq!(undo.on_spurious(&late(5, 100)), None);
    assert_eq!(undo.on_spurious(&late(15, 100)), Some(2));
}

/// What a hostile peer can do: let packets count as lost, and acknowledge them then.
#[derive(Clone, Copy, Debug)]
enum Step {
    Acked(u64),
    Lost(u64),
    Late(u64),
}

proptest! {
    /// BC-07.47: late acknowledgements never give more than timely ones.
    #[test]
    fn no_window_grows_by_proofs(
        steps in prop::collection::vec(
            (0u8..3, 0u64..60).prop_map(|(kind, age)| match kind {
                0 => Step::Acked(age),
                1 => Step::Lost(age),
                _ => Step::Late(age),
            }),
            1..300,
        ),
    ) {
        let rtt = Rtt::new(Duration::from_millis(100));
        for control in 0..2 {
            let new = || -> Box<dyn Controller> {
                if control == 0 { Box::new(NewReno::new(1_000)) } else { Box::new(Cubic::new(1_000)) }
            };
            let (mut hostile, mut honest) = (new(), new());
            for (step, millis) in steps.iter().zip((1_000..).step_by(20)) {
                let now = at(millis);
                match *step {
                    Step::Acked(age) => {
                        let packet = AckedPacket {
                            pn: 0,
                            sent_at: at(millis - age),
                            bytes: 1_000,
                            app_limited: false,
                        };
                        hostile.on_acked(now, packet, &rtt);
                        honest.on_acked(now, packet, &rtt);
                    }
                    Step::Lost(age) => {
                        let sent_at = at(millis - age);
                        let event = Congestion { sent_at, ..loss(millis, 1_000) };
                        hostile.on_congestion(now, event);
                    }
                    Step::Late(age) => {
                        hostile.on_spurious(now, late(millis - age, 1_000));
                    }
                }
                // Cubic's curve may be above slow start's window for a moment, never for long.
                prop_assert!(hostile.window() <= honest.window() * 3 / 2 + 10_000, "{hostile:?}");
            }
        }
    }
}
