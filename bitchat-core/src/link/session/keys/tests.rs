use super::*;
use crate::base::ids::ConnectionId;
use crate::base::rng::{Rng, Seed};
use crate::crypto::suite::Secret;
use std::collections::BTreeSet;

const FADE: Duration = Duration::from_secs(1);

fn keys(number: u64) -> NewKeys {
    let key = |side: u8| {
        let mut bytes = [side; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Secret(bytes)
    };
    NewKeys { number, i2r: key(1), r2i: key(2), resumption: None }
}

fn ring(suite: Suite, role: Role) -> KeyRing {
    let first = keys(0);
    let secrets = SessionSecrets {
        i2r: first.i2r,
        r2i: first.r2i,
        mask_i2r: Secret([3; 32]),
        mask_r2i: Secret([4; 32]),
        exporter: Secret([5; 32]),
    };
    KeyRing::new(suite, role, &secrets)
}

fn packet(from: &mut KeyRing, pn: u64) -> Vec<u8> {
    let header = Header::new(ConnectionId([0; 8]), from.phase(), pn, None);
    let mut packet = vec![0; header.overhead() + 5];
    packet[header.len()..header.len() + 5].copy_from_slice(b"hello");
    from.seal(&header, &mut packet).unwrap();
    packet
}

fn receive(to: &mut KeyRing, now: Timestamp, packet: &[u8]) -> Result<Option<u64>, PacketError> {
    let mut packet = packet.to_vec();
    let header = to.unmask(&mut packet, None)?;
    let opened = to.open(now, &header, &mut packet, || FADE)?;
    assert_eq!(&packet[opened.payload], b"hello");
    Ok(opened.rekeyed)
}

#[test]
fn a_rekey_goes_through_and_the_old_key_fades() {
    for &suite in Suite::ALL {
        // BC-08.05, BC-08.09
        let (mut a, mut b) = (ring(suite, Role::Initiator), ring(suite, Role::Responder));
        let now = Timestamp::from_millis(5);
        assert!(!a.may_send_user_data(now, Duration::from_secs(120)), "not before the first rekey");
        assert_eq!(a.rekey_due(Duration::from_secs(120)), Some(Timestamp::ZERO));
        let before = packet(&mut a, 0);
        let late = packet(&mut a, 1);
        assert_eq!(receive(&mut b, now, &before), Ok(None));
        b.install(&keys(1));
        assert_eq!(b.number(), 0, "the responder waits");
        a.install(&keys(1));
        assert_eq!(a.number(), 1, "the initiator does not");
        assert!(a.may_send_user_data(now, Duration::from_secs(120)) && !a.phases().is_confirmed());
        assert_eq!(
            receive(&mut a, now, &packet(&mut b, 0)),
            Ok(None),
            "the responder's old key still works"
        );
        let under_new = packet(&mut a, 2);
        assert_eq!(receive(&mut b, now, &under_new), Ok(Some(1)));
        assert_eq!(receive(&mut b, now, &late), Ok(None));
        assert_eq!(receive(&mut a, now, &packet(&mut b, 1)), Ok(Some(1)));
        assert!(a.phases().is_confirmed() && b.phases().is_confirmed());
        assert_eq!(a.poll_timeout(), Some(now + FADE));
        assert_eq!(b.poll_timeout(), Some(now + FADE));
        assert_eq!(receive(&mut b, now + FADE, &late), Err(PacketError::Auth), "erased");
        assert_eq!(b.poll_timeout(), None);
    }
}

/// The peer moved behind another address before it saw the new keys: only its packets under the old
/// ones can tell where it is now, however long that takes.
#[test]
fn the_old_key_stays_until_the_peer_has_shown_the_new_one() {
    for &suite in Suite::ALL {
        // BC-08.60
        let (mut a, mut b) = (ring(suite, Role::Initiator), ring(suite, Role::Responder));
        let now = Timestamp::from_millis(5);
        b.install(&keys(1));
        a.install(&keys(1));
        assert_eq!(a.poll_timeout(), None);
        let late = now + Duration::from_secs(50);
        assert_eq!(receive(&mut a, late, &packet(&mut b, 0)), Ok(None));
        assert_eq!(receive(&mut b, late, &packet(&mut a, 0)), Ok(Some(1)));
        let under_old = packet(&mut ring(suite, Role::Responder), 1);
        assert_eq!(receive(&mut a, late, &packet(&mut b, 2)), Ok(Some(1)));
        assert_eq!(a.poll_timeout(), Some(late + FADE));
        assert_eq!(receive(&mut a, late, &under_old), Ok(None));
        assert_eq!(receive(&mut a, late + FADE, &under_old), Err(PacketError::Auth));
    }
}

#[test]
fn the_fade_is_ten_seconds_at_most_and_user_data_starts_the_clock() {
    for &suite in Suite::ALL {
        let mut a = ring(suite, Role::Initiator);
        let now = Timestamp::from_millis(5);
        let (interval, minute) = (Duration::from_secs(120), Duration::from_secs(60));
        let mut b = ring(suite, Role::Responder);
        b.install(&keys(1));
        a.install(&keys(1));
        assert_eq!(receive(&mut b, now, &packet(&mut a, 0)), Ok(Some(1)));
        let under_new = packet(&mut b, 0);
        let mut datagram = under_new.clone();
        let header = a.unmask(&mut datagram, None).unwrap();
        a.open(now, &header, &mut datagram, || Duration::from_secs(100)).unwrap();
        assert_eq!(a.poll_timeout(), Some(now + MAX_FADE));
        assert_eq!(a.rekey_due(interval), None, "an idle link keeps its keys");
        a.on_user_data(now);
        a.on_user_data(now + minute);
        assert_eq!(a.rekey_due(interval), Some(now + interval));
        assert!(a.may_send_user_data(now + interval + minute - Duration::from_nanos(1), interval));
        assert!(!a.may_send_user_data(now + interval + minute, interval));
    }
}

/// The rule under a channel that loses, repeats and reorders at will: whoever sends, the other can
/// read, unless the packet is older than the fade.
#[test]
fn whatever_the_network_does_no_fresh_packet_is_unreadable_and_rekeys_go_on() {
    for &suite in Suite::ALL {
        for seed in 0..200u8 {
            let mut rng = Rng::new(&Seed([seed; 32])).public;
            let mut rings = [ring(suite, Role::Initiator), ring(suite, Role::Responder)];
            let mut now = Timestamp::ZERO;
            let mut wire: Vec<(usize, Timestamp, Vec<u8>)> = Vec::new();
            // The reliable control stream: rekeys arrive in order, late, exactly once.
            let (mut asked, mut answered) = (0, 0);
            let mut reached = BTreeSet::new();
            for pn in 0..400u64 {
                now += Duration::from_millis(20);
                match rng.below(6) {
                    0 if asked == rings[0].number()
                        && answered == asked
                        && (rings[0].phases().is_confirmed() || asked == 0) =>
                    {
                        asked += 1;
                    }
                    1 if asked > answered && rings[1].number() == answered => {
                        answered += 1;
                        rings[1].install(&keys(answered));
                    }
                    2 if answered > rings[0].number() => {
                        rings[0].install(&keys(answered));
                    }
                    _ => {}
                }
                let from = usize::try_from(rng.below(2)).unwrap();
                wire.push((1 - from, now, packet(&mut rings[from], pn)));
                for _ in 0..rng.below(3) {
                    let at = usize::try_from(rng.below(wire.len() as u64)).unwrap();
                    let (to, sent, packet) = wire[at].clone();
                    let result = receive(&mut rings[to], now, &packet);
                    if now.saturating_since(sent) < Duration::from_millis(100) {
                        assert!(result.is_ok(), "seed {seed}, packet {pn}: {result:?}");
                    }
                    if rng.below(2) == 0 {
                        wire.swap_remove(at);
                    }
                    if wire.is_empty() {
                        break;
                    }
                }
                reached.insert(rings[0].number());
            }
            assert!(reached.len() > 5, "seed {seed} stalled at {reached:?}");
        }
    }
}
