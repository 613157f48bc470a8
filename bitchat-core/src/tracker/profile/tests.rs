use super::*;
use crate::base::rng::{Rng, Seed};

#[test]
fn every_profile_is_chosen_and_consistent() {
    // BC-10.01
    let mut rng = Rng::new(&Seed([1; 32]));
    let names: std::collections::BTreeSet<_> =
        (0..100).map(|_| Profile::choose(&mut rng.public).name).collect();
    assert_eq!(names.len(), PROFILES.len());
    for profile in &PROFILES {
        let [dash, b0, b1, v @ .., end] = profile.peer_id_prefix;
        assert_eq!((dash, end), (b'-', b'-'), "{}", profile.name);
        assert!(b0.is_ascii_alphabetic() && b1.is_ascii_alphabetic());
        // The version in the peer id is the one in the user agent.
        let digits: Vec<_> = v.iter().copied().filter(u8::is_ascii_digit).collect();
        let version: Vec<_> = profile.name.bytes().filter(u8::is_ascii_digit).collect();
        assert!(digits.starts_with(&version), "{}", profile.name);
        assert!(profile.user_agent.starts_with(&profile.name.replace(' ', "/")));
    }
}

#[test]
fn names_are_fresh_and_need_no_escape() {
    // BC-10.02
    let mut rng = Rng::new(&Seed([2; 32]));
    let ids: Vec<_> = (0..50).map(|_| ClientId::random(&PROFILES[0], &mut rng.public)).collect();
    for id in &ids {
        assert!(id.peer_id.starts_with(b"-qB5120-"));
        assert!(id.peer_id[8..].iter().all(|byte| PEER_ID_ALPHABET.contains(byte)));
    }
    let distinct: std::collections::BTreeSet<_> = ids.iter().map(|id| id.peer_id).collect();
    let keys: std::collections::BTreeSet<_> = ids.iter().map(|id| id.key).collect();
    assert_eq!((distinct.len(), keys.len()), (ids.len(), ids.len()));
}
