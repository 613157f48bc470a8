use super::*;
use crate::base::rng::{Rng, Seed, Stream};

fn node(rng: &mut Stream, number: u16) -> Contact {
    let [a, b] = number.to_be_bytes();
    Contact { id: NodeId::random(rng), addr: SocketAddr::from(([10, 1, a, b], 9)) }
}

/// BC-18.05
#[test]
fn it_asks_nearer_and_nearer_nodes_and_ends() {
    let mut rng = Rng::new(&Seed([1; 32])).public;
    let all: Vec<Contact> = (0..500).map(|number| node(&mut rng, number)).collect();
    let target = NodeId::random(&mut rng);
    let near = |to: NodeId, count: usize| {
        let mut sorted = all.clone();
        sorted.sort_unstable_by_key(|contact| contact.id.distance(&to));
        sorted.truncate(count);
        sorted
    };
    let mut search = Search::new(target, all[..8].iter().copied());
    let mut dead = 0;
    while !search.is_over() {
        let batch: Vec<Contact> = core::iter::from_fn(|| search.next()).collect();
        assert!((1..=PARALLEL).contains(&batch.len()));
        for contact in batch {
            // One in five is dead; each of the others knows half as far.
            if contact.addr.port() == 9 && contact.addr.ip().to_string().ends_with('5') {
                dead += 1;
                search.on_silence(contact.addr);
                continue;
            }
            let reply = Reply {
                id: Some(contact.id),
                nodes: near(target, 8),
                token: Some(b"t"),
                ..Reply::default()
            };
            search.on_reply(contact.addr, &reply, |_| true);
        }
    }
    let told: Vec<Contact> = search.announce_to().map(|(contact, _)| contact).collect();
    assert_eq!(told.len(), 8);
    let live: Vec<Contact> =
        near(target, 40).into_iter().filter(|c| !c.addr.ip().to_string().ends_with('5')).collect();
    assert!(told.iter().take(6).all(|contact| live.contains(contact)));
    assert!(search.asked() < 60 && search.answered() + dead <= search.asked());
}

#[test]
fn one_address_is_one_node_and_memory_is_bounded() {
    let mut rng = Rng::new(&Seed([2; 32])).public;
    let mut search = Search::new(NodeId::random(&mut rng), []);
    for _ in 0..100 {
        search.add(Contact {
            id: NodeId::random(&mut rng),
            addr: "10.0.0.1:7".parse().expect("one"),
        });
    }
    assert_eq!(search.nodes.len(), 1);
    for number in 0..1000 {
        let contact = node(&mut rng, number);
        search.add(contact);
    }
    assert_eq!(search.nodes.len(), MAX_KNOWN);
}

#[test]
fn a_search_among_nobody_is_over() {
    let mut rng = Rng::new(&Seed([3; 32])).public;
    assert!(Search::new(NodeId::random(&mut rng), []).is_over());
    let only = node(&mut rng, 1);
    let mut search = Search::new(NodeId::random(&mut rng), [only]);
    assert!(!search.is_over());
    assert_eq!(search.next(), Some(only));
    assert!(!search.is_over() && search.next().is_none());
    search.on_silence(only.addr);
    assert!(search.is_over());
}

#[test]
fn an_id_that_a_liar_made_up_does_not_end_a_look_up() {
    let mut rng = Rng::new(&Seed([4; 32])).public;
    let target = NodeId::random(&mut rng);
    let liar = node(&mut rng, 0);
    let near: Vec<Contact> =
        (1..9).map(|n| Contact { id: target.sibling(40, &mut rng), ..node(&mut rng, n) }).collect();
    // Honest nodes that are far away, each named with an id next to the target.
    let far: Vec<Contact> = (20..36)
        .map(|n| Contact { id: target.sibling(0, &mut rng), ..node(&mut rng, n) })
        .collect();
    let named: Vec<Contact> = far
        .iter()
        .map(|contact| Contact { id: target.sibling(80, &mut rng), ..*contact })
        .collect();
    let mut search = Search::new(target, [liar]);
    while let Some(asked) = search.next() {
        let (id, nodes) = if asked == liar {
            (liar.id, named.clone())
        } else if let Some(own) = far.iter().find(|contact| contact.addr == asked.addr) {
            (own.id, near.clone())
        } else {
            (asked.id, near.clone())
        };
        let reply = Reply { id: Some(id), nodes, token: Some(b"t"), ..Reply::default() };
        search.on_reply(asked.addr, &reply, |_| true);
    }
    assert!(search.is_over());
    let told: Vec<Contact> = search.announce_to().map(|(contact, _)| contact).collect();
    assert!(told.len() == 8 && told.iter().all(|contact| near.contains(contact)), "{told:?}");
}

/// BC-18.14
#[test]
fn a_look_up_ends_however_long_nearer_nodes_are_named() {
    let mut rng = Rng::new(&Seed([5; 32])).public;
    let target = NodeId::random(&mut rng);
    let mut search = Search::new(target, [node(&mut rng, 0)]);
    let mut number = 0_u16;
    while let Some(asked) = search.next() {
        number += 1;
        // Each is a little nearer than the one before it.
        let mut id = target;
        let left = (u16::MAX - number).to_be_bytes();
        id.0.iter_mut().zip(left).for_each(|(byte, nearer)| *byte ^= nearer);
        let nodes = vec![Contact { id, ..node(&mut rng, number) }];
        search.on_reply(
            asked.addr,
            &Reply { id: Some(asked.id), nodes, ..Reply::default() },
            |_| true,
        );
        assert!(number < 400, "a look-up without end");
    }
    assert!(search.is_over());
}

/// BC-18.05
#[test]
fn a_network_of_ipv6_is_one_node() {
    let mut rng = Rng::new(&Seed([6; 32])).public;
    let mut search = Search::new(NodeId::random(&mut rng), []);
    for last in 0..50 {
        let addr = SocketAddr::from(([0x2a00, 1, 2, 3, 0, 0, 0, last], 6881));
        search.add(Contact { id: NodeId::random(&mut rng), addr });
    }
    assert_eq!(search.nodes.len(), 1);
}
