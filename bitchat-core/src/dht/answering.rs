//! What others ask, and what they are told.

use super::id::NodeId;
use super::krpc::{self, Contact, Envelope, Message, Method, Query, compact_nodes};
use super::queries::Purpose;
use super::table::BUCKET;
use super::{Dht, DhtSink, family};
use crate::base::rng::Stream;
use crate::base::time::Timestamp;
use crate::wire::bencode::Encoded;
use core::net::SocketAddr;

/// Pings under way beyond which no stranger is pinged (BC-18.13): what strangers ask must not take the
/// place of what this node wants to know.
const MAX_PINGS: usize = 32;
/// Infohashes in the answer to a sample (BEP 51: as many as a packet carries).
const MAX_SAMPLES: usize = 20;
/// When BEP 51 askers may come again, in seconds.
const SAMPLE_INTERVAL: i64 = 6 * 60 * 60;

impl Dht {
    pub(super) fn on_query(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        message: &Message<'_>,
        query: &Query<'_>,
        rng: &mut Stream,
        sink: &mut dyn DhtSink,
    ) {
        let allowed = from.port() != 0 && (self.config.allow)(from.ip());
        if !self.reachable || !allowed || !self.rates.admit(now, from.ip()) {
            self.ignored += 1;
            return;
        }
        self.served += 1;
        self.tokens.on_time(now, rng);
        let contact = Contact { id: query.id, addr: from };
        let envelope = Envelope { transaction: message.transaction, version: self.config.version };
        let answer = match self.answer(now, from, query, rng) {
            Ok(values) => envelope.reply(from, values),
            Err((code, words)) => envelope.error(code, words),
        };
        sink.send(from, answer);
        let table = &mut self.tables[family(&from)];
        table.on_query(now, contact);
        // A stranger is believed once it has answered, and asked only if there is room for it.
        if !message.read_only
            && table.wants(contact)
            && self.queries.pings() < MAX_PINGS
            && !self.queries.is_asked(from)
        {
            self.ask(now, from, Method::Ping, Purpose::Ping, rng, sink);
        }
    }

    fn answer(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        query: &Query<'_>,
        rng: &mut Stream,
    ) -> Result<Vec<(&'static str, Encoded)>, (i64, &'static str)> {
        let own = self.tables[family(&from)].own();
        let mut values = vec![
            ("id", Encoded::bytes(&own.0)),
            // libtorrent's: the asker's port.
            ("p", Encoded::int(from.port().into())),
        ];
        match query.method {
            Method::Ping => {}
            Method::FindNode { target } | Method::Unknown { target: Some(target) } => {
                self.add_nodes(now, from, query.want, target, &mut values);
            }
            Method::GetPeers { hash } => {
                self.add_nodes(now, from, query.want, hash.into(), &mut values);
                let token = self.tokens.token(from.ip(), hash);
                values.push(("token", Encoded::bytes(&token)));
                let peers = self.peers.some(hash, from, query.want == [true; 2], rng);
                if !peers.is_empty() {
                    let peers = peers.into_iter().map(|peer| Encoded::bytes(&krpc::compact(peer)));
                    values.push(("values", Encoded::list(peers)));
                }
            }
            Method::AnnouncePeer { hash, port, implied, token } => {
                if !self.tokens.accepts(from.ip(), hash, token) {
                    return Err((203, "Bad token"));
                }
                let port = if implied || port == 0 { from.port() } else { port };
                self.peers.add(now, hash, SocketAddr::new(from.ip(), port));
            }
            Method::SampleInfohashes { target } => {
                self.add_nodes(now, from, query.want, target, &mut values);
                let sample = self.peers.sample(MAX_SAMPLES, rng);
                let samples: Vec<u8> = sample.iter().flat_map(|hash| hash.0).collect();
                let total = i64::try_from(self.peers.hashes()).unwrap_or(i64::MAX);
                values.push(("interval", Encoded::int(SAMPLE_INTERVAL)));
                values.push(("num", Encoded::int(total)));
                values.push(("samples", Encoded::bytes(&samples)));
            }
            Method::Unknown { target: None } => return Err((204, "unknown message")),
        }
        Ok(values)
    }

    /// The nodes nearest to `target`, of the families that are wanted: without a wish, the asker's own.
    fn add_nodes(
        &self,
        now: Timestamp,
        from: SocketAddr,
        want: [bool; 2],
        target: NodeId,
        values: &mut Vec<(&'static str, Encoded)>,
    ) {
        let own = [from.is_ipv4(), from.is_ipv6()];
        let want = if want == [false; 2] { own } else { want };
        for (at, key) in [(0, "nodes"), (1, "nodes6")] {
            if want[at] {
                let nodes = self.tables[at].closest(now, target, BUCKET);
                values.push((key, compact_nodes(&nodes)));
            }
        }
    }
}
