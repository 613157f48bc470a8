use super::*;
use crate::base::ids::ChannelId;
use crate::base::rng::{Rng, Seed};
use crate::base::time::Timestamp;
use crate::crypto::channel_keys::Epoch;
use crate::crypto::suite::Secret;
use crate::wire::reader::DecodeError;
use core::net::SocketAddr;
use std::collections::BTreeSet;

const DAY: u64 = 20_000;

fn keys(key: u8) -> ChannelKeys {
    ChannelKeys::new(ChannelId([1; 20]), &Secret([key; 32]), Epoch::default())
}

fn public() -> Stream {
    Rng::new(&Seed([9; 32])).public
}

fn sealed(keys: &ChannelKeys, body: &[u8]) -> Vec<u8> {
    let mut datagram = start(body.len());
    datagram.extend_from_slice(body);
    seal(keys, DAY, &mut public(), &mut datagram);
    datagram
}

fn opened(mut datagram: Vec<u8>, keys: &ChannelKeys, day: u64) -> Option<Vec<u8>> {
    let envelope = Envelope::new(&mut datagram)?;
    envelope.proves(keys, day).then(|| envelope.unmask(keys).to_vec())
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// BC-04.05, BC-04.06, BC-04.07
#[test]
fn an_envelope_opens_for_its_channel_and_breaks_at_every_bit() {
    let datagram = sealed(&keys(1), b"\x11hello");
    assert_eq!(opened(datagram.clone(), &keys(1), DAY).unwrap(), b"\x11hello");
    assert_eq!(opened(datagram.clone(), &keys(2), DAY), None);
    for at in 0..datagram.len() {
        for bit in 0..8 {
            let mut changed = datagram.clone();
            changed[at] ^= 1 << bit;
            assert_eq!(opened(changed, &keys(1), DAY), None, "bit {bit} of byte {at}");
        }
        assert_eq!(opened(datagram[..at].to_vec(), &keys(1), DAY), None, "cut at {at}");
    }
    let mut longer = datagram;
    longer.push(0);
    assert_eq!(opened(longer, &keys(1), DAY), None);
}

/// BC-04.08
#[test]
fn an_envelope_is_good_for_its_day_and_the_ones_beside_it() {
    let datagram = sealed(&keys(1), b"\x11");
    for (day, expected) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        let day = DAY.checked_add_signed(day).unwrap();
        assert_eq!(opened(datagram.clone(), &keys(1), day).is_some(), expected, "{day}");
    }
}

/// BC-04.10
#[test]
fn other_versions_and_kinds_are_unknown() {
    let known: Vec<u8> = (0..=255).filter(|&first| Kind::of(&[first]).is_some()).collect();
    assert_eq!(known, [0x11, 0x12, 0x13, 0x14, 0x15]);
    assert_eq!(Kind::of(&[]), None);
}

/// BC-04.11, BC-04.12, BC-04.14, BC-04.15, BC-04.18
#[test]
fn an_ack_is_never_longer_than_its_probe() {
    let (keys, mut rng) = (keys(1), public());
    let mut lengths = [BTreeSet::new(), BTreeSet::new()];
    for _ in 0..2_000 {
        let probe = Probe { nonce: rng.bytes(), cookie: Cookie(rng.bytes()) };
        let datagram = probe.seal(&keys, DAY, &mut rng);
        let body = opened(datagram.clone(), &keys, DAY).unwrap();
        assert_eq!(Probe::decode(&body), Ok(probe));
        let ack = ProbeAck {
            nonce: probe.nonce,
            cookie: Cookie(rng.bytes()),
            observed: address("192.0.2.1:6881"),
        };
        let answer = ack.seal(&keys, DAY, body.len(), &mut rng);
        assert!(answer.len() <= datagram.len());
        let body = opened(answer.clone(), &keys, DAY).unwrap();
        assert_eq!(ProbeAck::decode(&body), Ok(ack));
        lengths[0].insert(datagram.len());
        lengths[1].insert(answer.len());
    }
    assert!(lengths[0].len() > 90 && lengths[1].len() > 80, "lengths vary");
}

/// BC-04.14
#[test]
fn a_probe_that_leaves_no_room_for_an_answer_is_none() {
    let mut body = vec![Kind::Probe.byte(); Probe::MIN_BODY];
    assert!(Probe::decode(&body).is_ok());
    body.pop();
    assert_eq!(Probe::decode(&body), Err(DecodeError::UnexpectedEnd));
    assert_eq!(Probe::decode(&[0x12; 100]), Err(DecodeError::Invalid("type")));
    assert_eq!(ProbeAck::decode(&[0x11; 100]), Err(DecodeError::Invalid("type")));
    assert_eq!(ProbeAck::decode(&[0x12; 46]), Err(DecodeError::UnexpectedEnd));
}

/// BC-04.20, BC-04.21
#[test]
fn a_cookie_is_bound_to_jar_address_and_time() {
    let mut rng = Rng::new(&Seed([1; 32]));
    let (jar, other) = (CookieJar::new(&mut rng.secret), CookieJar::new(&mut rng.secret));
    let (home, now) = (address("192.0.2.1:6881"), Timestamp::from_millis(1_000_000));
    let cookie = jar.issue(now, home);
    assert!(jar.accepts(now, home, &cookie));
    assert!(jar.accepts(now, address("[::ffff:192.0.2.1]:6881"), &cookie), "the same address");
    assert!(!jar.accepts(now, address("192.0.2.1:6882"), &cookie));
    assert!(!jar.accepts(now, address("192.0.2.2:6881"), &cookie));
    assert!(!other.accepts(now, home, &cookie));
    // 1,000 s lies in bucket 8, which ends at 1,080 s; the cookie lives to the end of bucket 9.
    for (seconds, expected) in [(960, true), (1_079, true), (1_199, true), (1_200, false)] {
        let later = Timestamp::from_millis(seconds * 1_000);
        assert_eq!(jar.accepts(later, home, &cookie), expected, "{seconds}");
    }
    assert!(!jar.accepts(Timestamp::from_millis(959_999), home, &cookie), "not issued yet");
    for bit in 0..128 {
        let mut changed = cookie;
        changed.0[bit / 8] ^= 1 << (bit % 8);
        assert!(!jar.accepts(now, home, &changed));
    }
}

/// BC-04.16
#[test]
fn a_nonce_is_new_once_and_the_cache_stays_small() {
    let mut cache = NonceCache::new(3);
    let nonce = |value: u8| [value; PROBE_NONCE_LEN];
    for value in 0..3 {
        assert!(cache.insert(nonce(value)));
        assert!(!cache.insert(nonce(value)));
    }
    assert!(cache.insert(nonce(3)));
    assert_eq!(cache.len(), 3);
    assert!(!cache.insert(nonce(1)), "still known");
    assert!(cache.insert(nonce(0)), "the oldest was forgotten");
    let mut none = NonceCache::new(0);
    assert!(none.insert(nonce(0)) && none.is_empty());
}
