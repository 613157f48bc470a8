use super::*;
use crate::base::rng::{Rng, Seed, Stream};

fn rng(seed: u8) -> Stream {
    Rng::new(&Seed([seed; 32])).public
}

fn at(id: NodeId, number: u8) -> Contact {
    Contact { id, addr: SocketAddr::from(([10, 0, 0, number], 1000)) }
}

const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

#[test]
fn a_bucket_holds_eight_and_prefers_who_answers() {
    let mut rng = rng(1);
    let mut table = Table::new(NodeId::random(&mut rng));
    let far: Vec<Contact> = (0..9).map(|n| at(table.own().sibling(0, &mut rng), n)).collect();
    for contact in &far[..8] {
        assert!(table.on_reply(NOW, *contact));
    }
    assert!(!table.wants(far[8]) && !table.on_reply(NOW, far[8]));
    table.on_silence(far[3].addr);
    assert!(table.on_reply(NOW, far[8]), "takes the place of who is silent");
    assert_eq!(table.len(), 8);
    assert!(!table.iter().any(|entry| entry.contact == far[3]));
    // Three silences, and a node is gone.
    (0..3).for_each(|_| table.on_silence(far[8].addr));
    assert_eq!(table.len(), 7);
}

/// BC-18.04
#[test]
fn a_network_has_one_place() {
    let mut rng = rng(2);
    let mut table = Table::new(NodeId::random(&mut rng));
    let public =
        |last| Contact { id: NodeId([last; 20]), addr: SocketAddr::from(([8, 8, 8, last], 1000)) };
    assert!(table.on_reply(NOW, public(1)));
    assert!(!table.on_reply(NOW, public(2)), "the same /24");
    assert!(
        table.on_reply(NOW, at(NodeId([3; 20]), 1)) && table.on_reply(NOW, at(NodeId([4; 20]), 2))
    );
    let beside = Contact { id: NodeId([5; 20]), addr: SocketAddr::from(([10, 0, 0, 2], 1001)) };
    assert!(!table.on_reply(NOW, beside), "the same private address");
}

#[test]
fn the_nearest_come_first_and_only_good_ones() {
    let mut rng = rng(3);
    let mut table = Table::new(NodeId::random(&mut rng));
    for number in 0..200 {
        table.on_reply(NOW, at(NodeId::random(&mut rng), number));
    }
    let target = NodeId::random(&mut rng);
    let closest = table.closest(NOW, target, 8);
    let mut all: Vec<_> = table.iter().map(|e| e.contact.id.distance(&target)).collect();
    all.sort_unstable();
    let found: Vec<_> = closest.iter().map(|contact| contact.id.distance(&target)).collect();
    assert_eq!(found, all[..8]);
    let later = NOW + QUESTIONABLE_AFTER;
    assert!(table.closest(later, target, 8).is_empty());
    assert!(table.questionable(later).is_some() && table.questionable(NOW).is_none());
    // Buckets without nodes in front of others are asked for once, then all of them rest.
    for _ in 0..8 {
        if let Some(empty) = table.stale(NOW) {
            table.on_refresh(NOW, empty);
        }
    }
    assert!(table.stale(later).is_some() && table.stale(NOW).is_none());
}

#[test]
fn another_id_takes_the_nodes_along() {
    let mut rng = rng(4);
    let mut table = Table::new(NodeId::random(&mut rng));
    for number in 0..40 {
        table.on_reply(NOW, at(NodeId::random(&mut rng), number));
    }
    let (before, own) = (table.len(), NodeId::random(&mut rng));
    table.move_to(own);
    assert_eq!(table.own(), own);
    assert!(table.len() > before / 2);
}

#[test]
fn who_comes_back_with_another_id_is_another_node() {
    let mut rng = rng(5);
    let mut table = Table::new(NodeId::random(&mut rng));
    let [old, new] = [0, 1].map(|_| at(NodeId::random(&mut rng), 1));
    assert!(table.on_reply(NOW, old));
    let later = NOW + QUESTIONABLE_AFTER;
    assert_eq!(table.questionable(later), Some(old));
    assert!(table.on_reply(later, new));
    assert_eq!((table.questionable(later), table.len()), (None, 1));
    assert!(table.iter().all(|entry| entry.contact == new));
}
