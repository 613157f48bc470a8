use super::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

/// A flow that fills its packets, on a path that carries `carries` bytes.
struct Flow {
    mtu: PathMtu,
    next_pn: u64,
    now: Timestamp,
    probes: Vec<usize>,
}

impl Flow {
    fn new(local: usize, peer: usize) -> Self {
        let mut mtu = PathMtu::new(local);
        mtu.set_peer_limit(peer);
        Self { mtu, next_pn: 0, now: at(1), probes: Vec::new() }
    }

    /// Sends a probe if one is due; false if none is.
    fn probe(&mut self, carries: usize) -> bool {
        self.mtu.on_filled(true);
        let Some(size) = self.mtu.due(self.now) else { return false };
        self.probes.push(size);
        let pn = self.pn();
        self.mtu.on_probe(pn, size);
        assert_eq!(self.mtu.due(self.now), None, "one at a time");
        if size <= carries {
            assert!(self.mtu.on_acked(self.now, pn, 0, true));
        } else {
            assert!(
                !self.mtu.on_lost(self.now, pn, 0, true),
                "a lost probe says nothing of the path"
            );
        }
        true
    }

    fn search(&mut self, carries: usize) -> usize {
        self.probes.clear();
        while self.probe(carries) {
            assert!(self.probes.len() < 100, "a search without an end");
        }
        self.mtu.size()
    }

    fn pn(&mut self) -> u64 {
        self.next_pn += 1;
        self.next_pn - 1
    }

    /// A packet of the size in use.
    fn full(&mut self) -> (u64, u64) {
        (self.pn(), self.mtu.size() as u64)
    }
}

#[test]
fn the_search_ends_at_what_the_path_carries() {
    // BC-07.60, BC-07.62
    let expected = [
        (1_200, 1_200),
        (1_231, 1_200),
        (1_252, 1_232),
        (1_399, 1_360),
        (1_452, 1_452),
        (1_472, 1_472),
        (2_000, 1_472),
        (8_972, 8_972),
        (65_487, 65_487),
        (65_507, 65_507),
    ];
    for (carries, size) in expected {
        let mut flow = Flow::new(MAX_DATAGRAM, MAX_DATAGRAM);
        assert_eq!(flow.search(carries), size, "a path of {carries}: {:?}", flow.probes);
        assert!(flow.probes.len() <= 16, "{:?}", flow.probes);
    }
}

#[test]
fn ethernet_takes_a_few_probes_and_each_size_three_tries() {
    let mut flow = Flow::new(MAX_DATAGRAM, MAX_DATAGRAM);
    flow.search(1_472);
    assert_eq!(flow.probes, [1_452, 1_472, 4_052, 4_052, 4_052]);
}

#[test]
fn a_probe_that_is_lost_once_proves_nothing() {
    let mut flow = Flow::new(1_500, 1_500);
    flow.probe(0);
    flow.probe(0);
    assert_eq!(flow.search(MAX_DATAGRAM), 1_500);
}

#[test]
fn neither_side_gets_more_than_it_takes() {
    // BC-07.61
    let mut flow = Flow::new(MAX_DATAGRAM, 0);
    assert_eq!(flow.search(MAX_DATAGRAM), 1_200, "a peer that says nothing");
    assert!(flow.probes.is_empty());
    assert!(!flow.mtu.set_peer_limit(2_048));
    assert_eq!(flow.search(MAX_DATAGRAM), 2_048);
    assert!(flow.mtu.set_peer_limit(1_300));
    assert_eq!(flow.search(MAX_DATAGRAM), 1_300);
    let mut flow = Flow::new(9_000, usize::MAX);
    assert_eq!(flow.search(MAX_DATAGRAM), 9_000);
}

#[test]
fn only_full_packets_ask_for_larger_ones() {
    let mut mtu = PathMtu::new(MAX_DATAGRAM);
    mtu.set_peer_limit(MAX_DATAGRAM);
    assert_eq!(mtu.due(at(1)), None);
    mtu.on_filled(true);
    assert_eq!(mtu.due(at(1)), Some(1_452));
    mtu.on_filled(false);
    assert_eq!(mtu.due(at(1)), None);
}

#[test]
fn after_ten_minutes_the_search_begins_again() {
    // BC-07.63
    let mut flow = Flow::new(MAX_DATAGRAM, MAX_DATAGRAM);
    flow.search(1_472);
    flow.now = at(600);
    assert!(!flow.probe(9_000));
    flow.now = at(602);
    assert_eq!(flow.search(9_000), 8_972);
}

#[test]
fn a_black_hole_is_noticed_and_what_is_behind_it_found() {
    // BC-07.64
    let mut flow = Flow::new(MAX_DATAGRAM, MAX_DATAGRAM);
    assert_eq!(flow.search(9_000), 8_972);
    let packets: Vec<_> = (0..4).map(|_| flow.full()).collect();
    let mut fell = Vec::new();
    for (pn, size) in packets {
        fell.push(flow.mtu.on_lost(flow.now, pn, size, true));
    }
    assert_eq!(fell, [false, false, false, true]);
    assert_eq!(flow.mtu.size(), 1_200);
    assert_eq!(flow.search(1_472), 1_472);
    assert_eq!(flow.probes[..3], [8_972; 3], "what was carried before, first");
}

#[test]
fn loss_among_packets_that_arrive_is_no_black_hole() {
    let mut flow = Flow::new(MAX_DATAGRAM, MAX_DATAGRAM);
    flow.search(1_472);
    for _ in 0..100 {
        let lost: Vec<_> = (0..10).map(|_| flow.full()).collect();
        let (pn, size) = flow.full();
        flow.mtu.on_acked(flow.now, pn, size, true);
        for (pn, size) in lost {
            assert!(!flow.mtu.on_lost(flow.now, pn, size, true));
        }
    }
    for _ in 0..100 {
        let pn = flow.pn();
        assert!(
            !flow.mtu.on_lost(flow.now, pn, 1_200, true),
            "small packets say nothing of large ones"
        );
    }
    assert_eq!(flow.mtu.size(), 1_472);
}

#[test]
fn another_path_begins_at_the_base_and_tries_the_old_size_first() {
    // BC-07.65
    let mut flow = Flow::new(MAX_DATAGRAM, MAX_DATAGRAM);
    flow.search(9_000);
    flow.mtu = flow.mtu.next_path();
    assert_eq!(flow.mtu.size(), 1_200);
    assert_eq!(flow.search(9_000), 8_972);
    assert_eq!(flow.probes[0], 8_972);
}

/// BC-07.68
#[test]
fn an_arrival_from_before_a_rebind_does_not_hide_a_black_hole() {
    let mut flow = Flow::new(MAX_DATAGRAM, MAX_DATAGRAM);
    flow.search(1_472);
    let lost: Vec<_> = (0..4).map(|_| flow.full()).collect();
    let (late, size) = flow.full();
    let mut fell = Vec::new();
    for (pn, size) in lost {
        assert!(!flow.mtu.on_acked(flow.now, late, size, false));
        fell.push(flow.mtu.on_lost(flow.now, pn, size, true));
    }
    assert_eq!((fell, size), (vec![false, false, false, true], 1_472));
}

/// BC-07.68
#[test]
fn a_probe_from_before_a_rebind_proves_nothing() {
    let mut flow = Flow::new(1_500, 1_500);
    flow.mtu.on_filled(true);
    for lost in [true, true, true, false] {
        let size = flow.mtu.due(flow.now).expect("a probe");
        assert_eq!(size, 1_452);
        let pn = flow.pn();
        flow.mtu.on_probe(pn, size);
        if lost {
            assert!(!flow.mtu.on_lost(flow.now, pn, 0, false));
        } else {
            assert!(!flow.mtu.on_acked(flow.now, pn, 0, false));
        }
    }
    assert_eq!(flow.mtu.size(), 1_200);
    assert_eq!(flow.search(1_500), 1_500);
    assert_eq!(flow.probes[0], 1_452, "asked for again");
}

#[test]
fn a_little_more_is_not_asked_for() {
    for peer in [1_201, 1_203] {
        let mut flow = Flow::new(MAX_DATAGRAM, peer);
        assert_eq!((flow.search(MAX_DATAGRAM), flow.probes.len()), (1_200, 0), "{peer}");
    }
    assert_eq!(Flow::new(MAX_DATAGRAM, 1_204).search(MAX_DATAGRAM), 1_204);
}

#[test]
fn who_says_the_same_again_changes_nothing() {
    // BC-07.63
    let mut flow = Flow::new(1_500, 1_500);
    flow.search(1_300);
    flow.mtu.end_search(flow.now);
    flow.mtu.set_peer_limit(1_500);
    flow.now += SEARCH_AGAIN;
    assert_eq!(flow.search(1_500), 1_500, "the path may carry more now");
}
