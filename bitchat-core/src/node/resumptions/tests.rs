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
    assert_eq!((kept.pairs.len(), kept.order.len()), (2, 2));
}
