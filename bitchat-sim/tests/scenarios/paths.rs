//! People with several addresses.

use crate::secs;
use bitchat_core::node::{CloseReason, Event, Family, LinkUpdate, Node};
use bitchat_sim::crew::{Chan, Crew, Who};
use bitchat_sim::net::LinkConfig;
use bitchat_sim::scenario::assert_replays;
use std::time::Duration;

/// Two people who know each other's IPv4 and IPv6 addresses, and have one link with two paths.
fn twice(seed: u64, text: bool) -> (Crew, Chan, [Who; 2]) {
    let mut crew = Crew::new(seed, text);
    let chan = crew.channel("paths", &[]);
    let all = [crew.member(), crew.member()];
    for who in all {
        crew.join(who, chan);
        crew.start(who);
    }
    for family in [Family::V4, Family::V6] {
        crew.introduce_at(all[0], all[1], chan, family);
    }
    let line = LinkConfig { rate: Some(16_000_000), queue: 64 * 1_024, ..LinkConfig::default() };
    crew.world.net.set_default(&line);
    crew.expect(secs(60), "a link", |crew| crew.meshed(chan));
    crew.expect(secs(120), "a second path", |crew| {
        all.iter().all(|who| links(crew, *who).iter().all(|paths| *paths >= 2))
    });
    (crew, chan, all)
}

/// The number of paths of each link.
fn links(crew: &Crew, who: Who) -> Vec<usize> {
    let links = crew.node(who).map(Node::links).unwrap_or_default();
    links.iter().map(|link| link.paths).collect()
}

#[test]
fn an_address_that_dies_in_the_middle_of_a_transfer_costs_three_seconds_and_nothing_else() {
    assert_replays(0..4, |seed, text| {
        let (mut crew, chan, all) = twice(seed, text);
        let start = crew.world.now();
        // A megabyte, of which the first part is under way.
        for _ in 0..20 {
            crew.say_text(all[0], chan, "x".repeat(50_000));
        }
        crew.run(Duration::from_millis(250));
        let got = crew.messages(all[1], chan).len();
        assert!((1..20).contains(&got), "half of it: {got}");
        let host = crew.host(all[1]);
        let links = crew.node(all[1]).map(Node::links).unwrap_or_default();
        let used = links[0].address.is_ipv4();
        let dies = crew.world.net.addresses(host).iter().copied().find(|ip| ip.is_ipv4() == used);
        // The address that the link uses is the same family on both sides.
        crew.world.net.set_dead(dies.expect("one of each family"), true);
        crew.expect(secs(3), "everything, by the other address", |crew| {
            crew.messages(all[1], chan).len() == 20 && crew.agreed(chan)
        });
        let closed = |event: &Event| matches!(event, Event::Link(_, LinkUpdate::Closed { reason, .. }) if *reason != CloseReason::Replaced);
        assert!(!all.iter().any(|who| crew.told(*who, start, closed)), "the link did not survive");
        for who in all {
            let links = crew.node(who).map(Node::links).unwrap_or_default();
            assert!(links.iter().all(|link| link.address.is_ipv4() != used), "{links:?}");
        }
        crew.finish()
    });
}
