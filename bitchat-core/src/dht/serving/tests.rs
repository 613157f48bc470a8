use super::*;
use crate::base::rng::{Rng, Seed};

const HASH: InfoHash = InfoHash([7; 20]);

fn rng() -> Stream {
    Rng::new(&Seed([1; 32])).public
}

/// BC-18.09
#[test]
fn tokens_are_for_an_address_and_a_while() {
    let mut rng = rng();
    let mut tokens = Tokens::new(Timestamp::ZERO, &mut rng);
    let (ip, other): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
    let token = tokens.token(ip, HASH);
    assert!(tokens.accepts(ip, HASH, &token));
    assert!(!tokens.accepts(other, HASH, &token));
    assert!(!tokens.accepts(ip, InfoHash([8; 20]), &token));
    assert!(!tokens.accepts(ip, HASH, &token[..3]) && !tokens.accepts(ip, HASH, b""));
    tokens.on_time(Timestamp::ZERO + TOKEN_LIFE, &mut rng);
    assert!(tokens.accepts(ip, HASH, &token), "the one before is taken");
    tokens.on_time(Timestamp::ZERO + TOKEN_LIFE * 2, &mut rng);
    assert!(!tokens.accepts(ip, HASH, &token));
    // After a long sleep none of the old ones is.
    let token = tokens.token(ip, HASH);
    tokens.on_time(Timestamp::ZERO + TOKEN_LIFE * 9, &mut rng);
    assert!(!tokens.accepts(ip, HASH, &token));
}

/// BC-18.10
#[test]
fn peers_are_bounded_kept_by_family_and_forgotten() {
    let mut rng = rng();
    let mut peers = Peers::new(2, 150);
    for number in 0..200_u8 {
        peers.add(Timestamp::ZERO, HASH, SocketAddr::from(([10, 0, 0, number], 1)));
    }
    let asker = "10.0.0.9:5".parse().expect("an address");
    let some = peers.some(HASH, asker, false, &mut rng);
    assert_eq!(some.len(), MAX_VALUES[0]);
    assert!(peers.some(HASH, "[2001:db8::1]:5".parse().expect("one"), false, &mut rng).is_empty());
    peers.add(Timestamp::ZERO, InfoHash([1; 20]), asker);
    peers.add(Timestamp::ZERO, InfoHash([2; 20]), asker);
    assert_eq!(peers.hashes(), 2);
    assert_eq!(peers.sample(20, &mut rng).len(), 2);
    peers.on_time(Timestamp::ZERO + PEER_LIFE);
    assert_eq!(peers.hashes(), 0);
}

#[test]
fn who_asks_too_often_waits() {
    let mut rates = Rates::default();
    let ip: IpAddr = [10, 0, 0, 1].into();
    let now = Timestamp::from_millis(5_000);
    let admitted = (0..100).filter(|_| rates.admit(now, ip)).count();
    assert_eq!(admitted, BURST as usize);
    assert!(rates.admit(now, [10, 0, 0, 2].into()));
    let later = now + Duration::from_secs(3);
    assert_eq!((0..100).filter(|_| rates.admit(later, ip)).count(), 3);
}

#[test]
fn so_many_askers_are_counted_and_no_more() {
    let mut rates = Rates::default();
    let ip = |number: usize| {
        IpAddr::from(u32::try_from(number + (10 << 24)).expect("small").to_be_bytes())
    };
    let now = Timestamp::from_millis(5_000);
    let admitted = (0..2 * COUNTED).filter(|number| rates.admit(now, ip(*number))).count();
    assert_eq!(admitted, COUNTED);
    assert!(rates.admit(now + Duration::from_secs(2), ip(2 * COUNTED)));
}
