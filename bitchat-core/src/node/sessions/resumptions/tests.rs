use super::*;

#[test]
fn two_secrets_are_kept_for_each_of_the_peers_met_last() {
    let peer = |byte| DhPublic([byte; 32]);
    let secret = |byte| Secret([byte; 32]);
    let mut kept = Resumptions::new(2);
    assert_eq!(kept.renew(peer(1), secret(1)), ([Some(secret(1)), None], None));
    assert_eq!(kept.renew(peer(2), secret(2)).1, None);
    assert_eq!(kept.renew(peer(1), secret(3)), ([Some(secret(3)), Some(secret(1))], None));
    assert_eq!(kept.renew(peer(3), secret(4)).1, Some(peer(2)), "met longest ago");
    assert_eq!(kept.secrets(&peer(2)), [None, None]);
    assert_eq!(kept.secrets(&peer(1)), [Some(secret(3)), Some(secret(1))]);
    assert_eq!((kept.peers.len(), kept.order.len()), (2, 2));
}

/// BC-05.53: a renewal that is cut off before its answer arrives costs neither side what both have.
#[test]
fn a_secret_that_the_peer_may_not_have_does_not_drive_out_the_one_that_it_has() {
    let (peer, secret) = (DhPublic([1; 32]), |byte| Secret([byte; 32]));
    let mut kept = Resumptions::new(2);
    kept.renew(peer, secret(0));
    kept.confirm(&peer);
    assert_eq!(kept.renew(peer, secret(1)).0, [Some(secret(1)), Some(secret(0))]);
    // The session was cut off, the next one is made with the previous secret and cut off, too.
    for round in 2..9 {
        assert_eq!(kept.renew(peer, secret(round)).0, [Some(secret(round)), Some(secret(0))]);
    }
    // This time the peer shows that it has the newest.
    kept.confirm(&peer);
    assert_eq!(kept.renew(peer, secret(9)).0, [Some(secret(9)), Some(secret(8))]);
    // What was stored may never have arrived.
    kept.restore(peer, [Some(secret(9)), Some(secret(8))]);
    assert_eq!(kept.renew(peer, secret(10)).0, [Some(secret(10)), Some(secret(8))]);
}
