//! A link in motion: other ports, other addresses, paths that die.

use super::*;

/// Messages of `len` bytes that say their number.
fn numbered(number: u32, len: usize) -> Vec<u8> {
    let mut message = number.to_le_bytes().to_vec();
    message.resize(len, 7);
    message
}

impl Pair {
    /// Both links know that they can reach each other by a second address, too.
    fn with_second_path(seed: u8) -> Self {
        let mut pair = Self::with_channel(seed, 0);
        pair.run(SECOND);
        let now = pair.now;
        pair.links[0].add_path(now, via(SECOND_PATH), &mut pair.rngs[0]);
        pair.run(SECOND);
        assert_eq!(pair.links.each_ref().map(Link::known_paths), [2, 2]);
        assert!(pair.links.iter().all(|link| link.via() == via(0)), "no better than the first");
        pair
    }

    /// Sends `count` messages of 20,000 bytes from the first to the second, calling `on_way` at
    /// half time; the longest wait between two that arrived, and the smallest packet size of the
    /// sender after half time.
    fn bulk(&mut self, count: u32, mut on_way: impl FnMut(&mut Self)) -> (Duration, usize) {
        let mut smallest = usize::MAX;
        let (mut sent, mut last, mut longest) = (0, self.now, Duration::ZERO);
        let mut got = 0;
        let deadline = self.now + SECOND * 60;
        while got < count {
            assert!(self.now < deadline, "{got} of {count} after a minute");
            if sent == count / 2 {
                on_way(self);
            }
            while sent < count && self.links[0].send(CHAN, Lane::History, &numbered(sent, 20_000)) {
                sent += 1;
                if sent == count / 2 {
                    break;
                }
            }
            self.run(Duration::from_millis(20));
            if sent > count / 2 {
                smallest = smallest.min(self.links[0].path_mtu());
            }
            for event in core::mem::take(&mut self.events[1]) {
                if let LinkEvent::Message { data, .. } = event {
                    assert_eq!(data[..], numbered(got, 20_000), "in order, and none missing");
                    got += 1;
                    longest = longest.max(self.now.saturating_since(last));
                    last = self.now;
                }
            }
        }
        (longest, smallest)
    }
}

#[test]
fn a_new_port_in_the_middle_of_a_transfer_and_of_a_rekey_loses_nothing() {
    // BC-08.40
    let mut pair = Pair::with_channel(60, 0);
    pair.run(SECOND);
    let number = pair.links[0].rekeys();
    let mut size = 0;
    let (longest, smallest) = pair.bulk(200, |pair| {
        size = pair.links[0].path_mtu();
        let now = pair.now;
        pair.links[0].rekey(now, &mut pair.rngs[0]);
        pair.ports[0] = 77;
        // The NAT has forgotten the old mapping.
        pair.dead[1] = vec![0];
    });
    assert!(longest < Duration::from_millis(1_500), "{longest:?}");
    assert!(pair.links[0].rekeys() > number);
    assert_eq!(pair.links[1].via(), via(77));
    assert!(size > 1_200, "{size}");
    assert!((size..usize::MAX).contains(&smallest), "the same path as before: {smallest}");
}

#[test]
fn a_dead_path_gives_way_to_another_without_losing_anything() {
    // BC-08.44
    let mut pair = Pair::with_second_path(61);
    let (longest, _) = pair.bulk(200, |pair| pair.dead = [vec![0], vec![0]]);
    assert!(longest < SECOND * 2, "{longest:?}");
    assert!(pair.links.iter().all(|link| link.via() == via(SECOND_PATH)));
    assert!(pair.links.iter().all(Link::is_open));
}

#[test]
fn who_sees_two_paths_sees_different_connection_ids() {
    // BC-08.48
    let mut pair = Pair::with_second_path(62);
    pair.bulk(100, |pair| pair.dead = [vec![0], vec![0]]);
    let on = |path: u16| -> BTreeSet<[u8; 8]> {
        pair.seen.iter().filter(|(_, to, _)| *to == path).map(|(.., id)| *id).collect()
    };
    assert!(on(0).is_disjoint(&on(SECOND_PATH)), "{:?}", pair.seen);
    assert!(!on(SECOND_PATH).is_empty());
}

#[test]
fn a_link_that_nobody_translates_is_almost_silent_and_lives() {
    // BC-08.50, BC-08.51
    let mut pair = Pair::with_channel(63, 0);
    pair.run(SECOND);
    pair.links.iter_mut().for_each(|link| link.set_not_natted(true));
    pair.run(SECOND * 600);
    let before = pair.delivered;
    pair.run(SECOND * 1_200);
    let rate = (pair.delivered - before) as f64 / 1_200.0;
    assert!(rate <= 0.05, "{rate} packets a second");
    assert!(pair.links.iter().all(Link::is_open));
    assert!(pair.links.iter().all(|link| link.is_alive(pair.now)));
    pair.loss_percent = 100;
    pair.run(SECOND * 61);
    assert!(pair.links.iter().all(Link::is_dead), "and a dead peer is noticed all the same");
}

#[test]
fn a_mapping_that_dies_in_silence_is_noticed_and_kept_open_from_then_on() {
    // BC-08.52
    let mut pair = Pair::with_channel(64, 0);
    pair.run(SECOND * 200);
    assert_eq!(pair.links[0].addressing.keepalive.interval(), SECOND * 25, "longer while it works");
    (pair.ports[0], pair.dead[1]) = (78, vec![0]);
    pair.run(SECOND * 30);
    assert_eq!(pair.links[1].via(), via(78));
    assert!(pair.links[0].addressing.keepalive.interval() < SECOND * 25);
    pair.run(SECOND * 200);
    assert_eq!(pair.links[0].addressing.keepalive.interval(), SECOND * 20, "never again that long");
}

#[test]
fn who_copies_packets_and_is_faster_with_them_does_not_capture_the_link() {
    // BC-08.54
    let mut pair = Pair::with_second_path(65);
    pair.run(SECOND);
    pair.raced = true;
    let events = pair.events[1].len();
    let (longest, _) = pair.bulk(200, |_| {});
    pair.run(SECOND * 20);
    assert!(longest < SECOND, "{longest:?}");
    assert_eq!(pair.links[1].via(), via(0));
    let moved = |event: &LinkEvent| matches!(event, LinkEvent::Moved);
    assert!(!pair.events[1].iter().skip(events).any(moved));
    assert_eq!(pair.links[1].known_paths(), 2, "the other path is still known");
    let copies = |(of, to, _): &&(usize, u16, [u8; 8])| (*of, *to) == (1, RACER);
    assert!(pair.seen.iter().any(|seen| copies(&seen)), "the copies were believed to be packets");
    assert!(pair.links.iter().all(Link::is_open));
}

#[test]
fn a_host_that_moves_is_found_at_once_and_not_recognised() {
    // BC-08.55
    let mut pair = Pair::with_channel(66, 0);
    pair.run(SECOND * 2);
    let of = |pair: &Pair, side: usize, to: u16| -> BTreeSet<[u8; 8]> {
        let seen = pair.seen.iter().filter(|(of, path, _)| (*of, *path) == (side, to));
        seen.map(|(.., id)| *id).collect()
    };
    let before = [of(&pair, 0, 0), of(&pair, 1, 0)];
    pair.seen.clear();
    (pair.ports[0], pair.dead[1]) = (SECOND_PATH, vec![0]);
    let now = pair.now;
    pair.links[0].on_local_move(now, &mut pair.rngs[0]);
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.links[1].via(), via(SECOND_PATH), "one round trip after its first packet");
    pair.run(SECOND);
    assert!(of(&pair, 0, 0).is_disjoint(&before[0]), "what it sends");
    assert!(of(&pair, 1, SECOND_PATH).is_disjoint(&before[1]), "what it gets");
    assert!(!of(&pair, 1, SECOND_PATH).is_empty());
    // And again, many times: the peer gives new ids.
    for round in 0..20 {
        let now = pair.now;
        let used: BTreeSet<_> = of(&pair, 0, 0);
        pair.seen.clear();
        pair.links[0].on_local_move(now, &mut pair.rngs[0]);
        pair.run(SECOND);
        assert!(of(&pair, 0, 0).is_disjoint(&used), "round {round}");
    }
    assert!(pair.links.iter().all(Link::is_open));
}

#[test]
fn a_host_in_another_network_learns_its_path_anew() {
    // BC-08.56
    let mut pair = Pair::with_channel(67, 0);
    pair.run(SECOND);
    pair.bulk(100, |_| {});
    let window = pair.links[0].transport_stats().congestion_window;
    assert!(window > 12_000, "{window}");
    (pair.ports[0], pair.dead[1]) = (77, vec![0]);
    pair.links[0].ping();
    pair.run(SECOND);
    assert_eq!(pair.links[1].via(), via(77));
    assert!(pair.links[0].transport_stats().congestion_window >= window, "another port is nothing");
    (pair.ports[0], pair.dead[1]) = (SECOND_PATH, vec![77]);
    pair.links[0].ping();
    pair.run(SECOND);
    assert_eq!(pair.links[1].via(), via(SECOND_PATH));
    let window = pair.links[0].transport_stats().congestion_window;
    assert!(window < 13_000, "{window}");
}

#[test]
fn after_a_sleep_a_link_asks_at_once_and_is_given_up_only_if_nothing_comes() {
    let mut pair = Pair::with_channel(71, 0);
    pair.run(SECOND * 2);
    let sleep = |pair: &mut Pair| {
        // Both hosts slept for an hour, and their clocks ran on.
        pair.now += SECOND * 3_600;
        let now = pair.now;
        for side in 0..2 {
            pair.links[side].on_resumed(now, &mut pair.rngs[side]);
        }
        assert!(pair.links[0].is_in_doubt());
        assert_eq!(pair.links[0].silent_at(), now + SECOND * 20);
        now
    };
    let woken = sleep(&mut pair);
    pair.run(SECOND);
    assert!(pair.links[0].is_open() && !pair.links[0].is_in_doubt(), "the peer answered");
    assert!(pair.links[0].silent_at() > woken + SECOND * 50, "it is patient again");
    pair.dead = [vec![0], vec![0]];
    let woken = sleep(&mut pair);
    // Waking up again and again does not keep a dead link.
    pair.run(SECOND * 15);
    let now = pair.now;
    pair.links[0].on_resumed(now, &mut pair.rngs[0]);
    assert_eq!(pair.links[0].silent_at(), woken + SECOND * 20);
    pair.run(SECOND * 6);
    assert!(!pair.links[0].is_open());
}
