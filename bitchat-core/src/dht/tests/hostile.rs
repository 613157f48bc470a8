//! What others can do to a node, by malice, by chance or by being away.

use super::*;

fn stream(seed: u8) -> Stream {
    Rng::new(&Seed([seed; 32])).public
}

fn v6(number: u16) -> SocketAddr {
    SocketAddr::from(([0x2a00 + number, 0, 0, 0, 0, 0, 0, 1], 6881))
}

/// BC-18.13
#[test]
fn strangers_who_ask_in_masses_do_not_hinder_a_look_up() {
    let mut net = Net::of(30);
    let one = address(1);
    let own = net.hosts[&one].dht.tables[0].own();
    let mut rng = stream(1);
    let envelope = Envelope { transaction: b"abcd", version: *b"LT\x02\x0b" };
    for number in 0..400 {
        // Ids for which there is always room, since none of them ever answers.
        let id = own.sibling(20 + usize::try_from(number % 100).expect("small"), &mut rng);
        let query = envelope.query(id, Method::Ping, [false; 2], false);
        net.line.push_back((net.now, address(100_000 + number), one, query));
    }
    net.run(Duration::from_millis(200));
    let queries = net.hosts[&one].dht.stats().queries;
    assert!(queries <= 80, "{queries} queries under way for strangers");
    net.with(one, |host, now| assert!(host.dht.announce(now, HASH)));
    net.run(Duration::from_secs(4));
    assert_eq!(net.hosts[&one].heard.searched.len(), 1);
}

/// BC-18.13
#[test]
fn a_look_up_without_room_for_queries_waits_and_goes_on() {
    let mut net = Net::of(30);
    let one = address(1);
    net.with(one, |host, now| {
        let nobody = address(99_999);
        while host.dht.queries.add(now, nobody, Purpose::Announce, &mut host.rng).is_some() {}
        assert!(host.dht.announce(now, HASH));
    });
    net.run(Duration::from_secs(15));
    let searched = &net.hosts[&one].heard.searched;
    assert!(searched.len() == 1 && searched[0].announced == 8, "{searched:?}");
}

#[test]
fn after_a_sleep_a_look_up_waits_for_the_first_node_and_not_for_a_quarter_of_an_hour() {
    let mut net = Net::of(30);
    net.now += Duration::from_secs(20 * 60);
    let one = address(1);
    net.with(one, |host, now| assert!(host.dht.announce(now, HASH)));
    net.run(Duration::from_secs(60));
    assert!(!net.hosts[&one].heard.searched.is_empty());
}

#[test]
fn a_node_whose_network_was_away_begins_anew() {
    let mut net = Net::of(20);
    let one = net.add(500, &[3, 4]);
    // Nobody comes to it by himself.
    net.with(one, |host, _| host.dht.set_reachable(false));
    net.run(Duration::from_secs(60));
    assert_eq!(net.hosts[&one].dht.next_bootstrap, None, "enough are known");
    let alone = net.hosts.remove(&one).expect("the node");
    let others = std::mem::replace(&mut net.hosts, BTreeMap::from([(one, alone)]));
    net.run(Duration::from_secs(45 * 60));
    assert_eq!(net.hosts[&one].dht.stats().nodes, [0, 0]);
    net.hosts.extend(others);
    net.run(Duration::from_secs(6 * 60));
    assert!(net.hosts[&one].dht.stats().nodes[0] >= 1);
}

/// BC-18.12
#[test]
fn who_answers_is_not_asked_ever_again_because_few_do() {
    let mut net = Net::new();
    net.add(1, &[]);
    let one = net.add(0, &[1]);
    net.run(Duration::from_secs(600));
    let sent = net.hosts[&one].sent;
    assert!(sent <= 60, "{sent} datagrams to the only node in ten minutes");
}

#[test]
fn who_refuses_to_be_pinged_is_forgotten() {
    let mut net = Net::of(2);
    let (one, other) = (address(1), address(0));
    let now = net.now;
    let host = net.hosts.get_mut(&one).expect("the host");
    for _ in 0..3 {
        let id = host.dht.queries.add(now, other, Purpose::Ping, &mut host.rng).expect("room");
        let envelope = Envelope { transaction: &id, version: *b"LT\x02\x0b" };
        let refusal = envelope.error(202, "no");
        host.dht.on_datagram(now, other, &refusal, &mut host.rng, &mut host.heard);
    }
    assert_eq!(host.dht.stats().nodes[0], 0);
}

/// BC-18.11
#[test]
fn two_liars_do_not_outvote_others_and_no_family_the_other() {
    let mut net = Net::new();
    let one = net.add(0, &[]);
    let host = net.hosts.get_mut(&one).expect("the host");
    let (mut rng, mut heard) = (stream(2), Heard::default());
    let [own, lie] = [[8, 8, 4, 4], [9, 9, 9, 9]].map(|ip| SocketAddr::from((ip, 6881)));
    for number in 0..40 {
        host.dht.on_observed(v6(number), v6(999), &mut rng, &mut heard);
    }
    for number in 1..6 {
        host.dht.on_observed(address(number << 16), own, &mut rng, &mut heard);
    }
    assert!(host.dht.tables[0].own().fits(own.ip()));
    for number in 6..8 {
        host.dht.on_observed(address(number << 16), lie, &mut rng, &mut heard);
    }
    assert!(host.dht.tables[0].own().fits(own.ip()));
    // The address has changed: in time the old votes give way, whichever networks gave them.
    for number in 8..40 {
        host.dht.on_observed(address((48 - number) << 16), lie, &mut rng, &mut heard);
    }
    assert!(host.dht.tables[0].own().fits(lie.ip()));
    // Of an address of the other family nobody can know anything.
    let before = host.dht.tables[1].own();
    for number in 0..9 {
        let own = v6(1_234);
        host.dht.on_observed(address(number << 16), own, &mut rng, &mut heard);
    }
    assert_eq!(host.dht.tables[1].own(), before);
}

/// BC-18.09
#[test]
fn a_token_ends_although_nothing_else_happens() {
    let (mut rng, mut heard, asker) = (stream(3), Heard::default(), address(7));
    let start = Timestamp::from_millis(1_000);
    let mut dht = Dht::new(config(), start, &mut rng);
    dht.set_reachable(true);
    let envelope = Envelope { transaction: b"abcd", version: *b"LT\x02\x0b" };
    let id = NodeId([7; 20]);
    let query = envelope.query(id, Method::GetPeers { hash: HASH }, [false; 2], true);
    assert!(dht.on_datagram(start, asker, &query, &mut rng, &mut heard));
    let (_, answer) = heard.out.pop().expect("an answer");
    let Some(Body::Reply(Reply { token: Some(token), .. })) =
        Message::parse(&answer).map(|message| message.body)
    else {
        panic!("no token");
    };
    let method = Method::AnnouncePeer { hash: HASH, port: 1, implied: true, token };
    let announce = envelope.query(id, method, [false; 2], true);
    let later = start + Duration::from_secs(11 * 60);
    assert!(dht.on_datagram(later, asker, &announce, &mut rng, &mut heard));
    let (_, refusal) = heard.out.pop().expect("an answer");
    let body = Message::parse(&refusal).map(|message| message.body);
    assert_eq!(body, Some(Body::Error { code: 203 }));
}

#[test]
fn the_longest_answer_fits_a_datagram() {
    let (mut rng, mut heard) = (stream(4), Heard::default());
    let now = Timestamp::from_millis(1_000);
    let mut dht = Dht::new(config(), now, &mut rng);
    dht.set_reachable(true);
    let other = InfoHash([0x43; 20]);
    for number in 0..100_u16 {
        let (one, id) = (address(number.into()), NodeId::random(&mut rng));
        dht.tables[0].on_reply(now, Contact { id, addr: one });
        dht.tables[1].on_reply(now, Contact { id, addr: v6(number) });
        dht.peers.add(now, HASH, one);
        dht.peers.add(now, other, v6(number));
    }
    let envelope = Envelope { transaction: &[b'x'; 32], version: *b"LT\x02\x0b" };
    for (asker, hash) in [(address(999), HASH), (v6(999), other)] {
        let method = Method::GetPeers { hash };
        let query = envelope.query(NodeId([7; 20]), method, [true; 2], true);
        dht.on_datagram(now, asker, &query, &mut rng, &mut heard);
    }
    assert_eq!(heard.out.len(), 2);
}

#[test]
fn an_announcement_that_one_family_took_is_not_repeated_for_the_other() {
    let (mut rng, mut announces) = (stream(5), Announces::default());
    let now = Timestamp::from_millis(1_000);
    for (first, second) in [(false, true), (true, false)] {
        announces.remove(HASH);
        assert!(announces.add(now, HASH));
        assert_eq!(announces.take_due(now, &mut rng), [HASH]);
        announces.on_searched(now, HASH, first);
        announces.on_searched(now, HASH, second);
        assert!(announces.poll_timeout() >= Some(now + Duration::from_secs(15 * 60)));
    }
    assert!(announces.add(now, HASH));
    announces.hasten(now + Duration::from_secs(60), HASH);
    announces.take_due(now + Duration::from_secs(60), &mut rng);
    announces.on_searched(now + Duration::from_secs(60), HASH, false);
    assert_eq!(announces.poll_timeout(), Some(now + Duration::from_secs(90)));
}
