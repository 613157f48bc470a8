//! To whoever lacks the keys every datagram is noise: bits balanced, bytes even, no position
//! special. All with fixed seeds, so that the verdict is always the same.

use super::*;
use crate::crypto::gate::{Cookie, PROBE_NONCE_LEN, Probe};

const SAMPLES: usize = 4_000;
/// Standard deviations that a statistic may be off, with some hundreds of them looked at.
const SIGMAS: f64 = 5.0;

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn float(count: usize) -> f64 {
    count as f64
}

/// How far a chi-square statistic over 256 byte values is from its mean, in standard deviations.
fn unevenness(counts: &[usize; 256]) -> f64 {
    let expected = float(counts.iter().sum()) / 256.0;
    let chi: f64 = counts.iter().map(|&n| (float(n) - expected).powi(2) / expected).sum();
    (chi - 255.0) / (2.0_f64 * 255.0).sqrt()
}

fn count<'a>(bytes: impl Iterator<Item = &'a u8>) -> [usize; 256] {
    let mut counts = [0; 256];
    bytes.for_each(|&byte| counts[usize::from(byte)] += 1);
    counts
}

fn assert_random(name: &str, datagrams: &[Vec<u8>]) {
    assert_eq!(datagrams.len(), SAMPLES);
    let bits = datagrams.iter().map(Vec::len).sum::<usize>() * 8;
    let ones: usize =
        datagrams.iter().flatten().map(|byte| usize::try_from(byte.count_ones()).unwrap()).sum();
    let balance = (float(ones) - float(bits) / 2.0) / (float(bits).sqrt() / 2.0);
    assert!(balance.abs() < SIGMAS, "{name}: bits are off by {balance:.1} sigma");
    let bytes = unevenness(&count(datagrams.iter().flatten()));
    assert!(bytes.abs() < SIGMAS, "{name}: bytes are off by {bytes:.1} sigma");
    let shortest = datagrams.iter().map(Vec::len).min().unwrap();
    for at in 0..shortest {
        let off = unevenness(&count(datagrams.iter().map(|datagram| &datagram[at])));
        assert!(off < SIGMAS + 1.5, "{name}: byte {at} is off by {off:.1} sigma");
    }
}

fn many(mut make: impl FnMut() -> Vec<u8>) -> Vec<Vec<u8>> {
    (0..SAMPLES).map(|_| make()).collect()
}

/// BC-04.05: the worst case, the same fields each time.
#[test]
fn probes_and_acks_look_random() {
    let (keys, mut rng) = (channel(7), Rng::new(&Seed([1; 32])).public);
    let (nonce, cookie) = ([0; PROBE_NONCE_LEN], Cookie([0; 16]));
    let probes = many(|| Probe { nonce, cookie }.seal(&keys, WALL.day(), &mut rng));
    assert_random("probe", &probes);
    let ack = ProbeAck { nonce, cookie, observed: address(ALICE) };
    assert_random("ack", &many(|| ack.seal(&keys, WALL.day(), 143, &mut rng)));
}

/// BC-05.32: repetitions of one and the same message.
#[test]
fn handshake_datagrams_look_random() {
    for &suite in Suite::ALL {
        let mut party = Party::new(suite, 1, ALICE);
        let env = env_of!(party, Timestamp::ZERO);
        let cid = ConnectionId([0; 8]);
        let hs1 = message::hs1(&Cookie([0; 16]), &[0; 56]);
        assert_random("hs1", &many(|| message::seal_hs1(env, &hs1)));
        let hs2 = message::hs2(cid, &[0; 289]);
        assert_random("hs2", &many(|| message::seal_hs2(env, &hs2, 350)));
        let hs3 = message::hs3(cid, &[0; 249]);
        assert_random("hs3", &many(|| message::seal_hs3(env, &hs3)));
    }
}

/// BC-06.05: one session's packets, numbered from 0, all of them padding; the connection id is in
/// the clear and not looked at.
#[test]
fn packets_look_random_behind_the_connection_id() {
    for &suite in Suite::ALL {
        let (mask, key) = (MaskKey::new(&Secret([1; 32])), PacketKey::new(suite, &Secret([2; 32])));
        let mut pn = 0;
        let packets = many(|| {
            let header =
                Header::new(ConnectionId([0; 8]), KeyPhase::of_epoch(0), pn, pn.checked_sub(1));
            pn += 1;
            let mut packet = vec![0; header.overhead() + 20];
            key.seal(&mask, &header, &mut packet).unwrap();
            packet.split_off(8)
        });
        assert_random("packet", &packets);
    }
}

/// The tests above can fail: they see a single constant byte among random ones, and a lean of one
/// bit in fifty.
#[test]
fn what_is_not_random_is_noticed() {
    let mut rng = Rng::new(&Seed([1; 32])).public;
    let constant = many(|| {
        let mut datagram = rng.bytes::<60>().to_vec();
        datagram[20] = 0x11;
        datagram
    });
    assert!(std::panic::catch_unwind(|| assert_random("constant", &constant)).is_err());
    let leaning = many(|| {
        let mut datagram = rng.bytes::<60>().to_vec();
        datagram.iter_mut().filter(|_| rng.below(25) == 0).for_each(|byte| *byte |= 1);
        datagram
    });
    assert!(std::panic::catch_unwind(|| assert_random("leaning", &leaning)).is_err());
}
