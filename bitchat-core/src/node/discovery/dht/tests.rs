use super::*;
use crate::base::rng::{Rng, Seed};

const NOW: Timestamp = Timestamp::ZERO;

#[test]
fn a_name_is_looked_up_once_and_after_a_failure_ever_more_seldom() {
    let mut names = Names::default();
    names.add(NOW, "router.example", 6881);
    names.add(NOW, "router.example", 6881);
    let due = vec![("router.example".to_owned(), 6881)];
    assert_eq!(names.take_due(NOW), due);
    assert_eq!(names.poll_timeout(), None);
    names.on_failed(NOW, "router.example", 6881);
    let first = names.poll_timeout().expect("tried again");
    assert_eq!(names.take_due(first), due);
    names.on_failed(first, "router.example", 6881);
    let second = names.poll_timeout().expect("tried again");
    assert!(second.saturating_since(first) > first.saturating_since(NOW));
    names.hasten(first);
    assert_eq!(names.poll_timeout(), Some(first));
    (0..1_000).for_each(|port| names.add(NOW, "flood.example", port));
    assert_eq!(names.take_due(second).len(), 64);
}

#[test]
fn strangers_can_reach_a_node_that_two_networks_see_at_its_own_address() {
    let own: SocketAddr = "93.184.216.34:6881".parse().expect("an address");
    let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
    let mut reach = Reach::default();
    assert!(!reach.add(ip("80.1.0.1"), own));
    assert!(!reach.add(ip("80.1.7.9"), own), "the same network");
    let other = SocketAddr::new(own.ip(), 6882);
    assert!(!reach.add(ip("81.2.0.1"), other), "another port");
    assert!(reach.add(ip("81.2.0.1"), own));
}

#[test]
fn a_channel_that_is_alone_is_looked_up_ever_more_seldom_until_somebody_comes() {
    let mut source = DhtSource { has_sockets: true, ..DhtSource::default() };
    let (mut rng, mut config) = (Rng::new(&Seed([7; 32])), Config::default());
    config.local_trackers = true;
    let handle = ChannelHandle(1);
    source.set_hashes(NOW, handle, &[InfoHash([1; 20])]);
    source.on_alone(NOW, handle);
    assert_eq!(source.poll_timeout(), None, "there is nobody to ask");
    source.add_addresses(["127.0.0.1:6881".parse().expect("an address")]);
    source.begin(NOW, &config, &mut rng.public);
    let mut waits = Vec::new();
    let mut now = NOW;
    while waits.len() < 8 {
        source.search_lonely(now);
        let next = source.lonely[&handle].next;
        waits.push(next.saturating_since(now).as_secs());
        now = next;
    }
    assert_eq!(waits, [10, 20, 40, 80, 160, 300, 300, 300]);
    source.on_company(handle);
    assert!(source.lonely.is_empty());
}

#[test]
fn nobody_is_asked_on_this_host_unless_the_user_allows_it() {
    for local in [false, true] {
        let mut source = DhtSource { has_sockets: true, ..DhtSource::default() };
        let (mut rng, mut config) = (Rng::new(&Seed([8; 32])), Config::default());
        config.local_trackers = local;
        source.add_addresses(["127.0.0.1:6881".parse().expect("an address")]);
        source.begin(NOW, &config, &mut rng.public);
        assert_eq!(source.poll_timeout().is_some(), local);
    }
}
