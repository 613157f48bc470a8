use super::*;
use crate::base::rng::{Rng, Seed};

fn chan(number: u8) -> ChannelEpoch {
    ChannelEpoch::first(ChannelId([number; 20]))
}

fn pair() -> (Slots, Slots, Stream) {
    let rng = Rng::new(&Seed([5; 32])).public;
    (Slots::new(Role::Initiator, [1; 32]), Slots::new(Role::Responder, [1; 32]), rng)
}

fn deliver(message: &[u8], to: &mut Slots) -> Result<(), SlotError> {
    match Control::decode(message) {
        Ok(Control::SlotTokens { base, tokens }) => to.on_tokens(base, tokens),
        other => panic!("not a list of tokens: {other:?}"),
    }
}

#[test]
fn only_common_channels_are_found_and_both_sides_name_them_by_their_own_slots() {
    // BC-08.10, BC-08.11
    let (mut a, mut b, mut rng) = pair();
    let keys: Vec<(ChannelEpoch, Secret)> = (0..20).map(|i| (chan(i), Secret([i; 32]))).collect();
    let show = |range: core::ops::Range<usize>| -> Vec<(ChannelEpoch, &Secret)> {
        keys[range].iter().map(|(chan, key)| (*chan, key)).collect()
    };
    let message = a.offer(&show(0..17), &mut rng).unwrap();
    assert_eq!(message.len(), 1 + 1 + 32 * TOKEN_LEN, "17 channels look like 32");
    deliver(&message, &mut b).unwrap();
    deliver(&b.offer(&show(15..20), &mut rng).unwrap(), &mut a).unwrap();
    for (i, (chan, key)) in keys.iter().enumerate() {
        assert_eq!(b.match_channel(*chan, key), i < 17, "b sees what a has: {i}");
        assert_eq!(a.match_channel(*chan, key), i >= 15, "a sees what b has: {i}");
    }
    for (chan, _) in &keys[15..17] {
        assert_eq!(b.channel_of(a.ours(*chan).unwrap()), Some(*chan));
        assert_eq!(a.channel_of(b.ours(*chan).unwrap()), Some(*chan));
    }
}

#[test]
fn a_channel_joined_later_is_found_and_one_left_is_gone() {
    let (mut a, mut b, mut rng) = pair();
    let (chan, key) = (chan(1), Secret([1; 32]));
    deliver(&a.offer(&[(chan, &key)], &mut rng).unwrap(), &mut b).unwrap();
    deliver(&b.offer(&[], &mut rng).unwrap(), &mut a).unwrap();
    assert!(!a.match_channel(chan, &key));
    deliver(&b.offer(&[(chan, &key)], &mut rng).unwrap(), &mut a).unwrap();
    assert!(a.match_channel(chan, &key) && b.match_channel(chan, &key));
    let close = a.leave(chan).unwrap();
    let Ok(Control::SlotClose { slot }) = Control::decode(&close) else { panic!("not a close") };
    assert_eq!(b.on_close(slot), Some(chan));
    assert_eq!(b.channel_of(slot), None);
    assert!(!b.match_channel(chan, &key), "a closed slot does not open again");
    assert!(!b.is_shared(chan) && !a.is_shared(chan));
}

#[test]
fn a_peer_cannot_make_us_keep_tokens_without_bound() {
    // BC-08.12
    let (mut a, _, _) = pair();
    let tokens = [[3; TOKEN_LEN]; TOKENS_STEP];
    assert_eq!(a.on_tokens(16, &tokens), Err(SlotError), "a gap");
    let mut base = 0;
    while a.on_tokens(base, &tokens).is_ok() {
        base += tokens.len() as u64;
    }
    assert_eq!(base, MAX_TOKENS as u64);
}

#[test]
fn no_more_tokens_are_shown_than_the_peer_takes() {
    // BC-08.12
    let (mut a, mut b, mut rng) = pair();
    let mut lists = 0;
    while let Some(list) = a.offer(&[(chan(1), &Secret([1; 32]))], &mut rng) {
        deliver(&list, &mut b).unwrap();
        lists += 1;
    }
    assert_eq!(lists, MAX_TOKENS / TOKENS_STEP);
}

#[test]
fn a_token_of_ours_played_back_is_not_taken_for_the_peers() {
    let (mut a, _, mut rng) = pair();
    let (chan, key) = (chan(1), Secret([1; 32]));
    let echo = a.offer(&[(chan, &key)], &mut rng).unwrap();
    deliver(&echo, &mut a).unwrap();
    assert!(!a.match_channel(chan, &key));
}

#[test]
fn epochs_of_a_channel_come_and_go_by_themselves() {
    // BC-08.91
    let (mut a, mut b, mut rng) = pair();
    let old = chan(1);
    let new = ChannelEpoch { epoch: Epoch([7; 32]), ..old };
    let keys = [Secret([1; 32]), Secret([2; 32])];
    let both = [(old, &keys[0]), (new, &keys[1])];
    deliver(&a.offer(&both, &mut rng).unwrap(), &mut b).unwrap();
    deliver(&b.offer(&both[..1], &mut rng).unwrap(), &mut a).unwrap();
    assert!(a.match_channel(old, &keys[0]) && b.match_channel(old, &keys[0]));
    assert!(!a.match_channel(new, &keys[1]), "the other side has not opened it yet");
    deliver(&b.offer(&both[1..], &mut rng).unwrap(), &mut a).unwrap();
    assert!(a.match_channel(new, &keys[1]) && b.match_channel(new, &keys[1]));
    let close = a.leave(old).unwrap();
    let Ok(Control::SlotClose { slot }) = Control::decode(&close) else { panic!("not a close") };
    assert_eq!(b.on_close(slot), Some(old));
    assert!(!a.is_shared(old) && a.is_shared(new) && b.is_shared(new));
}
