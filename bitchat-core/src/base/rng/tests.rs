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
