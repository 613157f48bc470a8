//! One tracker: where it is, who of us is on its list, and the round of announces in progress.

use super::announce::{Answer, Event, Retry};
use super::interface::{TrackerQuery, TrackerStatus};
use super::lane::{Connection, Fault, Job, Lane, Outcome, Turn};
use super::schedule::Schedule;
use crate::base::addr;
use crate::base::ids::InfoHash;
use crate::base::time::Timestamp;
use crate::wire::url::TrackerUrl;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;

/// The embedder's answer to a look-up. A name server that leaves out the answer for one family costs
/// a resolver 10 to 20 seconds, two of them twice that.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(45);
/// A look-up that takes longer is not waited for where addresses are known from an earlier one
/// (BC-10.68).
const KNOWN_WAIT: Duration = Duration::from_secs(2);
/// Once one address family answered, the other has this long: one UDP retransmission.
const OTHER_FAMILY_WAIT: Duration = Duration::from_secs(20);
/// How long a family that did not answer is left alone while the other one works.
const FAMILY_REST: Duration = Duration::from_secs(5 * 60);
/// Addresses of one look-up that are considered.
const MAX_ADDRESSES: usize = 16;

/// What the tracker has on its list, by infohash and whether it is IPv6: what `stopped` has to say,
/// and where.
type Joined = BTreeMap<(InfoHash, bool), (Job, SocketAddr)>;

/// One tracker.
#[derive(Debug)]
pub(super) struct Tracker {
    pub(super) schedule: Schedule,
    pub(super) tier: usize,
    /// Its number in the configuration.
    index: usize,
    url: TrackerUrl,
    round: Option<Round>,
    joined: Joined,
    /// What is to be told `stopped` once no round is in progress.
    leaving: Joined,
    connections: BTreeMap<SocketAddr, Connection>,
    /// IPv4 and IPv6 are left alone until then, as long as the other one works.
    rests: [Timestamp; 2],
    addresses: Addresses,
}

/// What is known of the addresses behind a tracker's name.
#[derive(Debug, Default)]
struct Addresses {
    /// Those of the last look-up that found any.
    known: Vec<IpAddr>,
    /// A look-up that was not waited for; its answer serves the next round.
    late: Option<TrackerQuery>,
    /// When an address last failed. One that answered is not among them.
    failed: BTreeMap<IpAddr, Timestamp>,
    /// Those that answered last, over IPv4 and IPv6.
    answered: [Option<IpAddr>; 2],
}

impl Addresses {
    fn learn(&mut self, ips: &[IpAddr]) {
        let ips = ips.iter().take(MAX_ADDRESSES).map(|ip| addr::canonical_ip(*ip));
        let ips: Vec<IpAddr> = ips.collect();
        if !ips.is_empty() {
            self.failed.retain(|ip, _| ips.contains(ip));
            self.known = ips;
        }
    }

    /// The address that answered comes first, those that failed come last, the latest behind all
    /// (BC-10.67).
    fn sort(&self, ips: &mut [IpAddr]) {
        ips.sort_by_key(|ip| {
            let answered = self.answered.contains(&Some(*ip));
            (!answered, self.failed.get(ip).copied().unwrap_or(Timestamp::ZERO))
        });
    }

    fn on_answer(&mut self, ip: IpAddr) {
        self.failed.remove(&ip);
        self.answered[usize::from(ip.is_ipv6())] = Some(ip);
    }

    fn on_failure(&mut self, now: Timestamp, ip: IpAddr) {
        self.failed.insert(ip, now);
        self.answered = self.answered.map(|known| known.filter(|known| *known != ip));
    }
}

/// One announce of every infohash, over both address families.
#[derive(Debug)]
struct Round {
    lookup: Option<(TrackerQuery, Timestamp)>,
    lanes: Vec<Lane>,
    /// It only says `stopped`: nobody is told how it went.
    farewell: bool,
    /// The announcer's generation when it began.
    generation: u64,
    peers: usize,
    /// When IPv4 and IPv6 first answered.
    answered: [Option<Timestamp>; 2],
    fault: Option<Fault>,
    /// The longest wait that a refusal in this round named.
    imposed: Option<Duration>,
    /// What the tracker told people, whichever of its answers did.
    warning: Option<String>,
}

impl Round {
    fn new(farewell: bool, generation: u64) -> Self {
        let (lookup, lanes, answered, fault) = (None, Vec::new(), [None; 2], None);
        let (imposed, warning) = (None, None);
        Self { lookup, lanes, farewell, generation, peers: 0, answered, fault, imposed, warning }
    }

    /// After this a family that has not answered is given up, because the other one has (BC-10.64).
    fn cut(&self, family: usize) -> Timestamp {
        match (self.answered[family], self.answered[1 - family]) {
            (None, Some(at)) => at + OTHER_FAMILY_WAIT,
            _ => Timestamp::FAR_FUTURE,
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        let lanes = self.lanes.iter();
        let lanes = lanes.filter_map(|lane| Some(lane.deadline()?.min(self.cut(family(lane)))));
        lanes.chain(self.lookup.map(|(_, deadline)| deadline)).min()
    }

    fn has_answered(&self) -> bool {
        self.answered.iter().any(Option::is_some)
    }

    fn is_over(&self) -> bool {
        self.lookup.is_none() && self.lanes.iter().all(|lane| lane.deadline().is_none())
    }
}

/// 0 for IPv4, 1 for IPv6.
fn family(lane: &Lane) -> usize {
    usize::from(lane.address.is_ipv6())
}

impl Tracker {
    pub(super) fn new(index: usize, tier: usize, url: TrackerUrl) -> Self {
        Self {
            schedule: Schedule::new(),
            tier,
            index,
            url,
            round: None,
            joined: BTreeMap::new(),
            leaving: BTreeMap::new(),
            connections: BTreeMap::new(),
            rests: [Timestamp::ZERO; 2],
            addresses: Addresses::default(),
        }
    }

    pub(super) const fn is_busy(&self) -> bool {
        self.round.is_some()
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.round.as_ref().and_then(Round::deadline)
    }

    pub(super) fn waits_for(&self, query: TrackerQuery) -> bool {
        self.addresses.late == Some(query) || self.is_of_round(query)
    }

    fn is_of_round(&self, query: TrackerQuery) -> bool {
        self.round.as_ref().is_some_and(|round| {
            round.lookup.is_some_and(|(lookup, _)| lookup == query)
                || round.lanes.iter().any(|lane| lane.waits_for(query))
        })
    }

    pub(super) fn is_answer(&self, from: SocketAddr, packet: &[u8]) -> bool {
        let lanes = self.round.iter().flat_map(|round| &round.lanes);
        lanes.into_iter().any(|lane| lane.is_answer(from, packet))
    }

    /// Announces every infohash.
    pub(super) fn begin_round(&mut self, turn: &mut Turn<'_>) {
        turn.sink.status(self.index, TrackerStatus::Announcing);
        let mut round = Round::new(false, turn.generation);
        match turn.resolve(&self.url) {
            Ok(ip) => {
                self.round = Some(round);
                self.open_lanes(turn, &[ip]);
            }
            Err(query) => {
                let known = !self.addresses.known.is_empty();
                let wait = if known { KNOWN_WAIT } else { LOOKUP_TIMEOUT };
                round.lookup = Some((query, turn.now + wait));
                self.round = Some(round);
            }
        }
    }

    /// The tracker's addresses are known: one lane for each family, to the addresses that may be spoken
    /// to (BC-10.10), one after the other until one answers (BC-10.67).
    fn open_lanes(&mut self, turn: &mut Turn<'_>, ips: &[IpAddr]) {
        let Some(round) = &mut self.round else { return };
        round.lookup = None;
        let allowed = ips.iter().take(MAX_ADDRESSES).map(|ip| addr::canonical_ip(*ip));
        let mut allowed: Vec<IpAddr> = allowed.filter(|ip| turn.allows(*ip)).collect();
        self.addresses.sort(&mut allowed);
        let (v4, v6): (Vec<_>, Vec<_>) = allowed.into_iter().partition(IpAddr::is_ipv4);
        if v4.is_empty() && v6.is_empty() {
            round.fault = Some(Fault::local("the tracker has no address that may be spoken to"));
        }
        let rests = self.rests.map(|until| turn.now < until);
        let usable = [!v4.is_empty(), !v6.is_empty()];
        for (family, ips) in [v4, v6].into_iter().enumerate() {
            let other = 1 - family;
            if rests[family] && usable[other] && !rests[other] {
                continue;
            }
            let port = self.url.port;
            let mut addresses = ips.into_iter().map(|ip| SocketAddr::new(ip, port));
            let Some(address) = addresses.next() else { continue };
            let connection = self.connections.get(&address).copied();
            let mut lane = Lane::new(self.url.clone(), address, connection);
            lane.others = addresses.collect();
            lane.jobs = turn.swarms.iter().map(|swarm| swarm.job(turn.config.port)).collect();
            for job in &mut lane.jobs {
                if let Some((old, _)) = self.joined.get(&(job.infohash, address.is_ipv6())) {
                    job.event = Event::None;
                    job.tracker_id.clone_from(&old.tracker_id);
                }
            }
            lane.begin(turn);
            round.lanes.push(lane);
        }
    }

    /// Tells the tracker that these infohashes are left, as soon as no round is in progress.
    pub(super) fn leave(&mut self, leaves: impl Fn(&InfoHash) -> bool) {
        let (leaving, staying) = core::mem::take(&mut self.joined)
            .into_iter()
            .partition(|((infohash, _), _)| leaves(infohash));
        self.joined = staying;
        let leaving: Joined = leaving;
        self.leaving.extend(leaving);
    }

    /// Says what is to be said to a tracker that is left; true if there is anything.
    pub(super) fn begin_farewell(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.is_busy() || self.leaving.is_empty() {
            return false;
        }
        let mut lanes: BTreeMap<SocketAddr, Lane> = BTreeMap::new();
        for (mut job, address) in core::mem::take(&mut self.leaving).into_values() {
            let connection = self.connections.get(&address).copied();
            let lane = lanes
                .entry(address)
                .or_insert_with(|| Lane::new(self.url.clone(), address, connection));
            job.event = Event::Stopped;
            lane.jobs.push_back(job);
        }
        let mut round = Round::new(true, turn.generation);
        round.lanes = lanes.into_values().collect();
        for lane in &mut round.lanes {
            lane.begin(turn);
        }
        self.round = Some(round);
        true
    }

    /// Gives up the round in progress. What it had yet to say `stopped` about is still to be said, and
    /// the tracker may have what it was just told.
    pub(super) fn abort(&mut self, turn: &mut Turn<'_>) {
        let Some(mut round) = self.round.take() else { return };
        for lane in &mut round.lanes {
            let address = lane.address;
            let said =
                if round.farewell { lane.jobs.len() } else { usize::from(lane.has_announced()) };
            let list = if round.farewell { &mut self.leaving } else { &mut self.joined };
            for job in lane.jobs.drain(..).take(said) {
                list.entry((job.infohash, address.is_ipv6())).or_insert((job, address));
            }
            lane.abort(turn);
        }
    }

    /// Gives up everything: there is no time left to say more.
    pub(super) fn give_up(&mut self, turn: &mut Turn<'_>) {
        self.abort(turn);
        self.joined.clear();
        self.leaving.clear();
    }

    /// A look-up that this tracker waits for has an answer.
    pub(super) fn on_resolved(&mut self, turn: &mut Turn<'_>, query: TrackerQuery, ips: &[IpAddr]) {
        let lookup = self.round.as_ref().and_then(|round| round.lookup);
        if self.addresses.late == Some(query) {
            self.addresses.late = None;
            self.addresses.learn(ips);
        } else if lookup.is_some_and(|(lookup, _)| lookup == query) {
            self.addresses.learn(ips);
            self.open_lanes(turn, ips);
        } else {
            self.with_lane(turn, query, |lane, turn| lane.on_resolved(turn, ips));
        }
    }

    /// A look-up or stream that this tracker waits for failed.
    pub(super) fn on_failed(&mut self, turn: &mut Turn<'_>, query: TrackerQuery, reason: &str) {
        if self.addresses.late == Some(query) {
            self.addresses.late = None;
        } else if let Some(round) = &mut self.round
            && round.lookup.is_some_and(|(lookup, _)| lookup == query)
        {
            round.lookup = None;
            round.fault = Some(Fault::local(reason));
            self.open_known(turn);
        } else {
            self.with_lane(turn, query, |lane, _| Some(lane.on_failed(reason)));
        }
    }

    /// The name could not be looked up (in time): the addresses that it had before serve once more.
    fn open_known(&mut self, turn: &mut Turn<'_>) {
        let known = self.addresses.known.clone();
        if !known.is_empty() {
            self.open_lanes(turn, &known);
        }
    }

    /// Hands something to the lane that waits for `query`, and deals with what came of it.
    pub(super) fn with_lane(
        &mut self,
        turn: &mut Turn<'_>,
        query: TrackerQuery,
        act: impl FnOnce(&mut Lane, &mut Turn<'_>) -> Option<Outcome>,
    ) {
        let Some(round) = &mut self.round else { return };
        let Some(at) = round.lanes.iter().position(|lane| lane.waits_for(query)) else { return };
        if let Some(outcome) = act(&mut round.lanes[at], turn) {
            self.on_outcome(turn, at, outcome);
        }
    }

    /// A datagram for which [`is_answer`](Self::is_answer) holds.
    pub(super) fn on_datagram(&mut self, turn: &mut Turn<'_>, from: SocketAddr, packet: &[u8]) {
        let Some(round) = &mut self.round else { return };
        let mut lanes = round.lanes.iter();
        let Some(at) = lanes.position(|lane| lane.is_answer(from, packet)) else { return };
        if let Some(outcome) = round.lanes[at].on_datagram(turn, packet) {
            self.on_outcome(turn, at, outcome);
        }
    }

    pub(super) fn handle_timeout(&mut self, turn: &mut Turn<'_>) {
        let Some(round) = &mut self.round else { return };
        if let Some((query, _)) = round.lookup.filter(|(_, deadline)| *deadline <= turn.now) {
            round.lookup = None;
            round.fault = Some(Fault::local("the tracker's name could not be looked up in time"));
            self.addresses.late = Some(query);
            self.open_known(turn);
        }
        let Some(round) = &mut self.round else { return };
        for at in 0..round.lanes.len() {
            let Some(round) = &mut self.round else { return };
            let Some(family) = round.lanes.get(at).map(family) else { return };
            let cut = round.cut(family) <= turn.now;
            let lane = &mut round.lanes[at];
            if cut && lane.deadline().is_some() {
                self.addresses.on_failure(turn.now, lane.address.ip());
                lane.abort(turn);
                self.rests[family] = turn.now + FAMILY_REST;
            } else if let Some(outcome) = lane.handle_timeout(turn) {
                self.on_outcome(turn, at, outcome);
            }
        }
    }

    /// The announce in front of a lane's queue has ended.
    fn on_outcome(&mut self, turn: &mut Turn<'_>, at: usize, outcome: Outcome) {
        let Some(round) = &mut self.round else { return };
        let lane = &mut round.lanes[at];
        let Some(job) = lane.jobs.pop_front() else { return };
        let address = lane.address;
        let family = family(lane);
        match outcome {
            Ok(answer) => {
                self.rests[family] = Timestamp::ZERO;
                self.addresses.on_answer(address.ip());
                lane.others.clear();
                if !round.farewell {
                    self.on_answer(turn, job, address, answer);
                }
            }
            Err(fault) => {
                if fault.refused {
                    self.addresses.on_answer(address.ip());
                    lane.others.clear();
                } else {
                    self.addresses.on_failure(turn.now, address.ip());
                    if let Some(next) = lane.others.pop_front() {
                        lane.jobs.push_front(job);
                        lane.address = next;
                        lane.connection = self.connections.get(&next).copied();
                    } else {
                        lane.jobs.clear();
                        self.rests[family] = turn.now + FAMILY_REST;
                    }
                }
                if let Some(Retry::After(wait)) = fault.retry {
                    round.imposed = round.imposed.max(Some(wait));
                }
                // The tracker's own words say more than what was seen of its other addresses.
                if fault.refused || !round.fault.as_ref().is_some_and(|old| old.refused) {
                    round.fault = Some(fault);
                }
            }
        }
        if let Some(lane) = self.round.as_mut().and_then(|round| round.lanes.get_mut(at)) {
            lane.begin(turn);
        }
    }

    fn on_answer(&mut self, turn: &mut Turn<'_>, mut job: Job, to: SocketAddr, answer: Answer) {
        let Some(round) = &mut self.round else { return };
        if round.has_answered() {
            self.schedule.on_further_answer(turn.now, &answer);
        } else {
            self.schedule.on_answer(turn.now, &answer, turn.hungry_until);
        }
        round.answered[usize::from(to.is_ipv6())].get_or_insert(turn.now);
        round.peers += answer.peers.len();
        if !answer.peers.is_empty() {
            turn.sink.peers(self.index, &answer.peers);
        }
        if answer.warning.is_some() {
            round.warning = answer.warning;
        }
        let (peers, next, warning) = (round.peers, self.schedule.due, round.warning.clone());
        let status = TrackerStatus::Working { peers, next, warning };
        turn.sink.status(self.index, status);
        if let Some(id) = answer.tracker_id {
            job.tracker_id = id;
        }
        // An infohash that was left while its announce was under way is left again.
        let stays = turn.swarms.iter().any(|swarm| swarm.infohash == job.infohash);
        let list = if stays { &mut self.joined } else { &mut self.leaving };
        list.insert((job.infohash, to.is_ipv6()), (job, to));
    }

    /// Ends a round in which nothing is left to do; true if the tracker worked.
    pub(super) fn settle(&mut self, turn: &mut Turn<'_>) -> bool {
        let Some(round) = self.round.take_if(|round| round.is_over()) else { return false };
        self.connections.clear();
        for lane in &round.lanes {
            if let Some(connection) = lane.connection {
                self.connections.insert(lane.address, connection);
            }
        }
        if round.farewell {
            return false;
        }
        let worked = round.has_answered();
        if !worked {
            let fault = round.fault.unwrap_or_else(|| Fault::local("there is nothing to announce"));
            let retry = match fault.retry {
                Some(Retry::Never) => Some(Retry::Never),
                _ => round.imposed.map(Retry::After),
            };
            self.schedule.on_failure(turn.now, retry, turn.rng);
            let retry_at = self.schedule.due;
            let status = TrackerStatus::Failed { reason: fault.reason, retry_at };
            turn.sink.status(self.index, status);
        } else if round.generation != turn.generation {
            self.schedule.due = turn.now;
        } else if let Some(wait) = round.imposed {
            self.schedule.on_partial_refusal(turn.now, wait);
        }
        worked
    }
}
