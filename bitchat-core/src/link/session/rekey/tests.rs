use super::*;
use crate::base::rng::{Rng, Seed};
use crate::crypto::suite::Suite;

fn pair(suite: Suite, rng: &mut SecretStream) -> (Rekey, Rekey) {
    let (a, b) = (DhSecret::generate(suite, rng), DhSecret::generate(suite, rng));
    let exporter = Secret([9; 32]);
    let initiator = Rekey::new(Role::Initiator, a.clone(), b.public(), [1; 32], exporter.clone());
    (initiator, Rekey::new(Role::Responder, b, a.public(), [1; 32], exporter))
}

#[test]
fn rekeys_agree_with_and_without_the_kem_and_every_one_gives_new_keys() {
    for &suite in Suite::ALL {
        // BC-08.04: the first and every later rekey yields fresh keys on both sides.
        let mut rng = Rng::new(&Seed([1; 32])).secret;
        let (mut a, mut b) = pair(suite, &mut rng);
        let mut seen = Vec::new();
        for (step, with_kem) in [true, false, true].into_iter().enumerate() {
            let init = a.start(with_kem, &mut rng).unwrap();
            let (response, of_b) = b.on_init(&init, &mut rng).unwrap();
            let of_a = a.on_response(&response).unwrap();
            assert_eq!(of_a.number, step as u64 + 1);
            assert_eq!((&of_a.i2r, &of_a.r2i), (&of_b.i2r, &of_b.r2i));
            assert_eq!(of_a.resumption, of_b.resumption);
            assert_eq!(of_a.resumption.is_some(), with_kem);
            seen.extend([of_a.i2r.0, of_a.r2i.0]);
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 6);
    }
}

#[test]
fn only_the_initiator_starts_and_only_the_next_number_is_taken() {
    for &suite in Suite::ALL {
        // BC-08.06, BC-08.07
        let mut rng = Rng::new(&Seed([2; 32])).secret;
        let (mut a, mut b) = pair(suite, &mut rng);
        assert_eq!(b.start(true, &mut rng).unwrap_err(), RekeyError::OutOfTurn);
        let init = a.start(true, &mut rng).unwrap();
        assert_eq!(a.start(true, &mut rng).unwrap_err(), RekeyError::OutOfTurn);
        assert_eq!(a.on_init(&init, &mut rng).unwrap_err(), RekeyError::OutOfTurn);
        b.on_init(&init, &mut rng).unwrap();
        assert_eq!(b.on_init(&init, &mut rng).unwrap_err(), RekeyError::OutOfTurn);
        assert_eq!(b.on_response(&init).unwrap_err(), RekeyError::OutOfTurn);
    }
}

#[test]
fn a_changed_message_is_an_error_wherever_it_was_changed() {
    for &suite in Suite::ALL {
        // BC-08.08
        let mut rng = Rng::new(&Seed([3; 32])).secret;
        let (mut a, _) = pair(suite, &mut rng);
        let init = a.start(true, &mut rng).unwrap();
        let mut changed_and_taken = 0;
        for at in (0..init.len()).step_by(7) {
            let mut rng = Rng::new(&Seed([3; 32])).secret;
            let (mut a, mut b) = pair(suite, &mut rng);
            let mut changed = a.start(true, &mut rng).unwrap();
            changed[at] ^= 1;
            // A changed ML-KEM key is only found out by the answer, which then does not
            // authenticate.
            if let Ok((response, _)) = b.on_init(&changed, &mut rng) {
                changed_and_taken += 1;
                assert!(a.on_response(&response).is_err(), "byte {at}");
            }
        }
        assert!(changed_and_taken > 100, "the ML-KEM key is not covered by message 1");
    }
}

/// BC-08.85: an initiator without ML-KEM finds no responder.
#[test]
fn the_first_rekey_without_the_kem_is_refused() {
    for &suite in Suite::ALL {
        let mut rng = Rng::new(&Seed([4; 32])).secret;
        let (mut a, mut b) = pair(suite, &mut rng);
        let init = a.start(false, &mut rng).unwrap();
        assert_eq!(b.on_init(&init, &mut rng).unwrap_err(), RekeyError::OutOfTurn);
    }
}
