use super::*;

#[test]
fn equal_seeds_give_equal_streams_and_the_two_streams_differ() {
    let (mut a, mut b) = (Rng::new(&Seed([7; 32])), Rng::new(&Seed([7; 32])));
    assert_eq!(a.public.bytes::<64>(), b.public.bytes::<64>());
    let secret = a.secret.bytes::<64>();
    assert_eq!(secret, b.secret.bytes::<64>());
    assert_ne!(secret, Rng::new(&Seed([7; 32])).public.bytes::<64>());
}

#[test]
fn reseeding_depends_on_both_seeds() {
    let streams = [(1, 1), (1, 2), (2, 1)].map(|(first, second)| {
        let mut rng = Rng::new(&Seed([first; 32]));
        rng.reseed(&Seed([second; 32]));
        rng.public.bytes::<16>()
    });
    assert!(streams[0] != streams[1] && streams[0] != streams[2] && streams[1] != streams[2]);
}

/// BC-05.50: from what the memory holds after a draw, nothing leads back to what was drawn.
#[test]
fn the_secret_stream_cannot_be_run_backwards() {
    let mut rng = Rng::new(&Seed([1; 32]));
    let mut drawn = Vec::new();
    for _ in 0..8 {
        let before = *rng.secret.0;
        let key: [u8; 32] = rng.secret.bytes();
        let mut longer = [0; 100];
        rng.secret.fill(&mut longer);
        assert_ne!(*rng.secret.0, before);
        drawn.extend([key, *longer.first_chunk().unwrap(), *longer.last_chunk().unwrap()]);
    }
    // All that the key which is left can generate, from the start of its stream and by further draws.
    let mut reachable = vec![0; 4_096];
    ChaCha20Rng::from_seed(*rng.secret.0).fill_bytes(&mut reachable);
    for _ in 0..128 {
        reachable.extend(rng.secret.bytes::<32>());
    }
    assert!(drawn.iter().all(|old| reachable.windows(32).all(|window| window != old)));
    assert!(drawn.iter().all(|old| rng.secret.0[..] != old[..]), "nor is a key ever given out");
}

/// Bits one after the other, in odd portions, are as good as all at once.
#[test]
fn no_portion_of_the_secret_stream_repeats() {
    let mut secret = Rng::new(&Seed([3; 32])).secret;
    let mut seen = std::collections::BTreeSet::new();
    for len in 0..300 {
        let mut bytes = vec![0; 16 + len];
        secret.fill(&mut bytes);
        assert!(seen.insert(bytes[..16].to_vec()) && bytes[len..].iter().any(|&byte| byte != 0));
    }
}

#[test]
fn stirring_depends_on_the_stream_and_on_what_is_new() {
    let draws = [(1, 1), (1, 2), (2, 1)].map(|(seed, fresh)| {
        let mut secret = Rng::new(&Seed([seed; 32])).secret;
        secret.stir(&[fresh; 32]);
        secret.bytes::<16>()
    });
    assert!(draws[0] != draws[1] && draws[0] != draws[2] && draws[1] != draws[2]);
}

#[test]
fn below_stays_below_and_reaches_everything() {
    let mut rng = Rng::new(&Seed([0; 32])).public;
    let mut seen = [false; 7];
    for _ in 0..1_000 {
        seen[usize::try_from(rng.below(7)).unwrap()] = true;
    }
    assert_eq!(seen, [true; 7]);
    assert_eq!(rng.below(0), 0);
}

#[test]
fn secrets_do_not_print() {
    assert_eq!(
        format!("{:?}{:?}", Seed([65; 32]), Rng::new(&Seed([65; 32]))),
        "Seed(secret)Rng(secret)"
    );
}

#[test]
fn streams_erase_their_state() {
    fn erased<T: ZeroizeOnDrop>() {}
    erased::<ChaCha20Rng>();
    erased::<Sha256>();
    erased::<Zeroizing<[u8; 32]>>();
}
