//! Beginning, and looking after the table.

use super::krpc::Method;
use super::queries::Purpose;
use super::running::Goal;
use super::table::BUCKET;
use super::{Dht, DhtSink, UPKEEP, family};
use crate::base::rng::Stream;
use crate::base::time::Timestamp;
use core::net::SocketAddr;
use core::time::Duration;

/// Addresses to begin with that are asked at once.
const BOOTSTRAP_AT_ONCE: usize = 8;

impl Dht {
    /// Asks addresses to begin with, while a family of theirs knows nobody.
    pub(super) fn ask_bootstrap(
        &mut self,
        now: Timestamp,
        rng: &mut Stream,
        sink: &mut dyn DhtSink,
    ) {
        let tables = &self.tables;
        let wanted = self.bootstrap.iter().filter(|addr| tables[family(addr)].len() < BUCKET);
        let asked: Vec<SocketAddr> = wanted.take(BOOTSTRAP_AT_ONCE).copied().collect();
        // Whoever was asked goes behind the others.
        self.bootstrap.retain(|addr| !asked.contains(addr));
        self.bootstrap.extend(&asked);
        for to in &asked {
            let target = self.tables[family(to)].own();
            self.ask(now, *to, Method::FindNode { target }, Purpose::Bootstrap, rng, sink);
        }
        // 4, 8, 16, … seconds, and five minutes in the end, whoever answers (BC-18.12).
        let wait = Duration::from_secs((4 << self.bootstraps.min(6)).min(300));
        self.bootstraps += 1;
        self.next_bootstrap = (!asked.is_empty()).then_some(now + wait);
    }

    /// Looks after the table: who was silent is asked, what has not changed is looked up.
    pub(super) fn upkeep(&mut self, now: Timestamp, rng: &mut Stream, sink: &mut dyn DhtSink) {
        self.next_upkeep = now + UPKEEP;
        self.tokens.on_time(now, rng);
        self.peers.on_time(now);
        for family in 0..2 {
            if let Some(silent) = self.tables[family].questionable(now)
                && !self.queries.is_asked(silent.addr)
            {
                self.ask(now, silent.addr, Method::Ping, Purpose::Ping, rng, sink);
            } else if let Some(index) = self.tables[family].stale(now) {
                let target = self.tables[family].own().sibling(index, rng);
                self.tables[family].on_refresh(now, index);
                self.begin(now, Goal::Nodes, target, family);
            }
        }
        if self.lacks_bootstrap() {
            self.next_bootstrap = Some(now);
            self.bootstraps = 0;
        }
    }
}
