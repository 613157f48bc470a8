//! What a chat costs when nobody says anything.

use crate::{linked, secs};
use bitchat_sim::scenario::assert_replays;

#[test]
fn idle_links_only_say_that_they_live() {
    assert_replays(0..2, |seed, text| {
        let (mut crew, chan, all) = linked(seed, text, 3);
        crew.run(secs(120));
        let host = crew.host(all[0]);
        let before = crew.world.counters(host);
        let hours = 4;
        crew.run(secs(hours * 3_600));
        assert!(crew.meshed(chan));
        let after = crew.world.counters(host);
        let (sent, woken) = (after.sent - before.sent, after.woken - before.woken);
        // Two links with a keepalive each 15 s and its acknowledgement; trackers; peer exchange.
        let keepalives = 2 * 2 * hours * 3_600 / 15;
        assert!(sent < keepalives + hours * 100, "{sent} datagrams in {hours} h");
        assert!(sent > hours * 3_600 / 60, "links need a sign of life: {sent}");
        assert!(woken < 3 * keepalives + hours * 400, "woken {woken} times in {hours} h");
        let bytes = after.sent_bytes - before.sent_bytes;
        assert!(bytes < sent * 200, "{bytes} bytes for {sent} datagrams");
        crew.finish()
    });
}

#[test]
fn a_lonely_node_does_not_shout() {
    assert_replays(0..2, |seed, text| {
        let (mut crew, _, all) = crate::gather(seed, text, 1);
        crew.run(secs(4 * 3_600));
        let counters = crew.world.counters(crew.host(all[0]));
        assert!(counters.sent < 200, "{counters:?}");
        crew.finish()
    });
}
