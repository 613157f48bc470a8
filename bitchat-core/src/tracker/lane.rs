//! One address of a tracker and what is said to it, one announce after the other.

use super::announce::{Announce, Answer, Event, Retry};
use super::http::{HttpError, Response, ResponseReader, announce_request, get_request};
use super::interface::{AnnouncerConfig, TrackerQuery, TrackerSink};
use super::profile::ClientId;
use super::reply::{self, ReplyError};
use super::udp::{self, Expect, Reply};
use crate::base::addr;
use crate::base::ids::InfoHash;
use crate::base::rng::Stream;
use crate::base::time::Timestamp;
use crate::wire::url::{Host, Scheme, TrackerUrl};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::VecDeque;

/// Infohashes announced at once: yesterday's, today's and tomorrow's, and one to spare.
pub const MAX_INFOHASHES: usize = 4;
/// From the opening of a stream to the end of the answer (libtorrent's limit).
const HTTP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long an address is waited for while the tracker has others of the family: for a stream to be
/// opened, or for the answer to one datagram. The last one gets all the time there is.
const OTHERS_WAIT: Duration = Duration::from_secs(3);
/// Redirects that are followed in one announce.
const MAX_REDIRECTS: u8 = 3;
/// The least `left` that is claimed; up to 4 GiB are added, as if a download had been resumed.
const MIN_LEFT: u64 = 64 << 20;
/// BEP 15: the first wait for an answer; it doubles.
const UDP_TIMEOUT: Duration = Duration::from_secs(15);
/// Transmissions of one request. BEP 15 goes on for an hour; we let the tracker's back-off do that,
/// which leaves room for the other trackers.
const UDP_SENDS: u32 = 3;

/// What an announcer's parts need of it at the moment.
pub(super) struct Turn<'a> {
    pub(super) now: Timestamp,
    pub(super) rng: &'a mut Stream,
    pub(super) sink: &'a mut dyn TrackerSink,
    pub(super) config: &'a AnnouncerConfig,
    /// Whether IPv4 and IPv6 are in use.
    pub(super) families: [bool; 2],
    pub(super) swarms: &'a [Swarm],
    pub(super) generation: u64,
    pub(super) hungry_until: Timestamp,
    pub(super) next_query: &'a mut u64,
}

impl Turn<'_> {
    pub(super) fn query(&mut self) -> TrackerQuery {
        *self.next_query += 1;
        TrackerQuery(*self.next_query)
    }

    /// Whether `ip` may be spoken to (BC-10.10, BC-10.61).
    pub(super) fn allows(&self, ip: IpAddr) -> bool {
        let ip = addr::canonical_ip(ip);
        self.families[usize::from(ip.is_ipv6())] && (self.config.allow)(ip)
    }

    /// Asks for the addresses of `url`'s host; a literal address is its own answer.
    pub(super) fn resolve(&mut self, url: &TrackerUrl) -> Result<IpAddr, TrackerQuery> {
        match &url.host {
            Host::Ip(ip) => Ok(*ip),
            Host::Name(name) => {
                let query = self.query();
                self.sink.resolve(query, name);
                Err(query)
            }
        }
    }
}

/// One infohash and the name under which it is announced.
#[derive(Debug)]
pub(super) struct Swarm {
    pub(super) infohash: InfoHash,
    client: ClientId,
    left: u64,
}

impl Swarm {
    /// Fresh names for these infohashes (BC-10.02).
    pub(super) fn all(
        infohashes: &[InfoHash],
        config: &AnnouncerConfig,
        rng: &mut Stream,
    ) -> Vec<Self> {
        let mut swarms: Vec<Self> = Vec::new();
        for &infohash in infohashes.iter().take(MAX_INFOHASHES) {
            if swarms.iter().all(|swarm| swarm.infohash != infohash) {
                let client = ClientId::random(config.profile, rng);
                swarms.push(Self { infohash, client, left: MIN_LEFT + rng.below(1 << 32) });
            }
        }
        swarms
    }

    /// Its announce as a newcomer.
    pub(super) fn job(&self, port: u16) -> Job {
        Job {
            infohash: self.infohash,
            client: self.client.clone(),
            left: self.left,
            port,
            event: Event::Started,
            tracker_id: Vec::new(),
        }
    }
}

/// One announce to be made.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) infohash: InfoHash,
    pub(super) client: ClientId,
    pub(super) left: u64,
    pub(super) port: u16,
    pub(super) event: Event,
    pub(super) tracker_id: Vec<u8>,
}

impl Job {
    fn announce(&self) -> Announce<'_> {
        Announce {
            infohash: self.infohash,
            client: &self.client,
            port: self.port,
            left: self.left,
            event: self.event,
            tracker_id: &self.tracker_id,
        }
    }
}

/// Why a job failed.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) reason: String,
    pub(super) retry: Option<Retry>,
    /// The tracker itself said so; its other jobs may fare better.
    pub(super) refused: bool,
}

impl Fault {
    pub(super) fn local(reason: &(impl ToString + ?Sized)) -> Self {
        Self { reason: reason.to_string(), retry: None, refused: false }
    }
}

/// How a job ended.
pub(super) type Outcome = Result<Answer, Fault>;

#[derive(Debug)]
enum Step {
    Idle,
    /// Looking up where a redirect leads.
    Lookup {
        query: TrackerQuery,
        url: TrackerUrl,
        deadline: Timestamp,
    },
    Stream {
        query: TrackerQuery,
        url: TrackerUrl,
        opened: bool,
        reader: ResponseReader,
        deadline: Timestamp,
    },
    Datagram {
        transaction: u32,
        connected: bool,
        sends: u32,
        deadline: Timestamp,
    },
}

/// A UDP tracker's connection id and when it ends.
pub(super) type Connection = (u64, Timestamp);

/// One address of a tracker.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) address: SocketAddr,
    /// Addresses of the family that come next if this one does not answer.
    pub(super) others: VecDeque<SocketAddr>,
    pub(super) jobs: VecDeque<Job>,
    url: TrackerUrl,
    redirects: u8,
    /// A UDP tracker's connection id and its end.
    pub(super) connection: Option<Connection>,
    step: Step,
}

impl Lane {
    pub(super) fn new(
        url: TrackerUrl,
        address: SocketAddr,
        connection: Option<Connection>,
    ) -> Self {
        let (others, jobs) = (VecDeque::new(), VecDeque::new());
        Self { address, others, jobs, url, redirects: 0, connection, step: Step::Idle }
    }

    /// Begins the first job; without jobs it does nothing.
    pub(super) fn begin(&mut self, turn: &mut Turn<'_>) {
        self.redirects = 0;
        if self.jobs.is_empty() {
            self.step = Step::Idle;
        } else if self.url.scheme == Scheme::Udp {
            self.send(turn, 0);
        } else {
            let wait = if self.others.is_empty() { HTTP_TIMEOUT } else { OTHERS_WAIT };
            self.open(turn, self.url.clone(), self.address, turn.now + wait);
        }
    }

    /// The announce in front of the queue has left, or may have.
    pub(super) const fn has_announced(&self) -> bool {
        matches!(
            self.step,
            Step::Datagram { connected: true, .. } | Step::Stream { opened: true, .. }
        )
    }

    /// Gives up what is under way.
    pub(super) fn abort(&mut self, turn: &mut Turn<'_>) {
        if let Step::Stream { query, .. } = self.step {
            turn.sink.close(query);
        }
        self.step = Step::Idle;
        self.jobs.clear();
    }

    pub(super) const fn deadline(&self) -> Option<Timestamp> {
        match self.step {
            Step::Idle => None,
            Step::Lookup { deadline, .. }
            | Step::Stream { deadline, .. }
            | Step::Datagram { deadline, .. } => Some(deadline),
        }
    }

    pub(super) fn waits_for(&self, wanted: TrackerQuery) -> bool {
        matches!(self.step, Step::Lookup { query, .. } | Step::Stream { query, .. } if query == wanted)
    }

    /// True if `packet` from `from` answers what this lane sent (BC-10.09).
    pub(super) fn is_answer(&self, from: SocketAddr, packet: &[u8]) -> bool {
        matches!(self.step, Step::Datagram { transaction, .. }
            if from == self.address && udp::transaction(packet) == Some(transaction))
    }

    fn open(&mut self, turn: &mut Turn<'_>, url: TrackerUrl, to: SocketAddr, deadline: Timestamp) {
        let query = turn.query();
        let tls = url.scheme == Scheme::Https;
        let host = match &url.host {
            Host::Name(name) => name.clone(),
            Host::Ip(ip) => ip.to_string(),
        };
        turn.sink.open_stream(query, to, &host, tls);
        let reader = ResponseReader::new(url.clone(), turn.config.max_reply_bytes);
        self.step = Step::Stream { query, url, opened: false, reader, deadline };
    }

    /// Sends the connect request or the announce, for the `sends`-th time (BC-10.08).
    fn send(&mut self, turn: &mut Turn<'_>, sends: u32) {
        let Some(job) = self.jobs.front() else { return };
        let transaction = u32::from_le_bytes(turn.rng.bytes());
        let connection = self.connection.filter(|&(_, until)| turn.now < until);
        let packet = match connection {
            Some((id, _)) => {
                let profile = turn.config.profile;
                udp::announce_request(id, transaction, profile, &job.announce(), &self.url.path)
            }
            None => udp::connect_request(transaction).to_vec(),
        };
        turn.sink.send_udp(self.address, packet);
        let wait = if self.others.is_empty() { UDP_TIMEOUT } else { OTHERS_WAIT };
        let deadline = turn.now + wait * (1 << sends.min(8));
        let connected = connection.is_some();
        self.step = Step::Datagram { transaction, connected, sends: sends + 1, deadline };
    }

    pub(super) fn on_datagram(&mut self, turn: &mut Turn<'_>, packet: &[u8]) -> Option<Outcome> {
        let Step::Datagram { connected, .. } = self.step else { return None };
        let ipv6 = self.address.is_ipv6();
        let expect = if connected { Expect::Announce { ipv6 } } else { Expect::Connect };
        match udp::parse(packet, expect, turn.config.max_peers) {
            Ok(Reply::Connected(id)) => {
                self.connection = Some((id, turn.now + udp::CONNECTION_LIFETIME));
                self.others.clear();
                self.send(turn, 0);
                None
            }
            Ok(Reply::Announced(answer)) => Some(Ok(answer)),
            Err(error) => {
                self.connection = None;
                Some(Err(Fault { refused: true, ..Fault::local(&error) }))
            }
        }
    }

    pub(super) fn on_opened(&mut self, turn: &mut Turn<'_>) {
        let redirected = self.redirects > 0;
        let Step::Stream { query, url, opened, deadline, .. } = &mut self.step else { return };
        if core::mem::replace(opened, true) {
            return;
        }
        if !redirected && !self.others.is_empty() {
            *deadline = turn.now + HTTP_TIMEOUT;
        }
        let profile = turn.config.profile;
        let request = match self.jobs.front() {
            Some(job) if !redirected => announce_request(url, profile, &job.announce()),
            _ => get_request(url, profile),
        };
        turn.sink.write(*query, request);
    }

    pub(super) fn on_readable(&mut self, turn: &mut Turn<'_>, data: &[u8]) -> Option<Outcome> {
        let Step::Stream { query, reader, opened: true, .. } = &mut self.step else { return None };
        let result = reader.push(data).transpose()?;
        turn.sink.close(*query);
        self.on_response(turn, result)
    }

    pub(super) fn on_closed(&mut self, turn: &mut Turn<'_>) -> Option<Outcome> {
        let Step::Stream { reader, .. } = &mut self.step else { return None };
        let result = reader.finish();
        self.on_response(turn, result)
    }

    /// The world could not do what was asked.
    pub(super) fn on_failed(&mut self, reason: &str) -> Outcome {
        self.step = Step::Idle;
        Err(Fault::local(reason))
    }

    fn on_response(
        &mut self,
        turn: &mut Turn<'_>,
        result: Result<Response, HttpError>,
    ) -> Option<Outcome> {
        let deadline = self.deadline().unwrap_or(turn.now);
        self.step = Step::Idle;
        match result {
            Ok(Response::Body(body)) => Some(read_body(&body, turn.config.max_peers)),
            Ok(Response::Redirect(url)) => self.follow(turn, url, deadline),
            Ok(Response::Refused { status, body, wait }) => {
                Some(Err(read_refusal(status, &body, wait)))
            }
            Err(error) => Some(Err(Fault::local(&error))),
        }
    }

    /// Goes where the tracker points, within the time that the announce has left (BC-10.11).
    fn follow(
        &mut self,
        turn: &mut Turn<'_>,
        url: TrackerUrl,
        deadline: Timestamp,
    ) -> Option<Outcome> {
        self.redirects += 1;
        if self.redirects > MAX_REDIRECTS {
            return Some(Err(Fault::local("the tracker redirects too often")));
        }
        match turn.resolve(&url) {
            Ok(ip) => self.open_allowed(turn, url, &[ip], deadline),
            Err(query) => {
                self.step = Step::Lookup { query, url, deadline };
                None
            }
        }
    }

    /// The host of a redirect is known.
    pub(super) fn on_resolved(&mut self, turn: &mut Turn<'_>, ips: &[IpAddr]) -> Option<Outcome> {
        match core::mem::replace(&mut self.step, Step::Idle) {
            Step::Lookup { url, deadline, .. } => self.open_allowed(turn, url, ips, deadline),
            other => {
                self.step = other;
                None
            }
        }
    }

    fn open_allowed(
        &mut self,
        turn: &mut Turn<'_>,
        url: TrackerUrl,
        ips: &[IpAddr],
        deadline: Timestamp,
    ) -> Option<Outcome> {
        let allowed = || ips.iter().filter(|ip| turn.allows(**ip));
        let same_family = allowed().find(|ip| ip.is_ipv6() == self.address.is_ipv6());
        let Some(ip) = same_family.or_else(|| allowed().next()) else {
            return Some(Err(Fault::local(
                "the tracker redirects to an address that is not allowed",
            )));
        };
        let to = SocketAddr::new(*ip, url.port);
        self.open(turn, url, to, deadline);
        None
    }

    pub(super) fn handle_timeout(&mut self, turn: &mut Turn<'_>) -> Option<Outcome> {
        if self.deadline().is_none_or(|deadline| turn.now < deadline) {
            return None;
        }
        match self.step {
            Step::Datagram { sends, .. } if sends < UDP_SENDS && self.others.is_empty() => {
                self.send(turn, sends);
                return None;
            }
            Step::Datagram { .. } => self.connection = None,
            Step::Stream { query, ref reader, .. } => {
                let refused = reader.refused();
                turn.sink.close(query);
                if let Some(refused) = refused {
                    return self.on_response(turn, Ok(refused));
                }
            }
            Step::Lookup { .. } | Step::Idle => {}
        }
        self.step = Step::Idle;
        Some(Err(Fault::local("the tracker did not answer in time")))
    }
}

/// What a status other than success says: the tracker's own words, if its body holds any, or the bare
/// status (BC-10.65).
fn read_refusal(status: u16, body: &[u8], wait: Option<Duration>) -> Fault {
    let mut fault = match reply::parse(body, 0) {
        Err(error @ ReplyError::Refused { .. }) => read_error(&error),
        other => {
            let answer = other.unwrap_or_default();
            let mut fault = Fault::local(&HttpError::Status(status));
            if let Some(warning) = answer.warning {
                fault.reason = format!("{}: {warning}", fault.reason);
            }
            fault.retry = answer.interval.max(answer.min_interval).map(Retry::After);
            Fault { refused: true, ..fault }
        }
    };
    if let Some(wait) = wait {
        fault.retry = match fault.retry {
            Some(Retry::Never) => Some(Retry::Never),
            Some(Retry::After(other)) => Some(Retry::After(other.max(wait))),
            None => Some(Retry::After(wait)),
        };
    }
    fault
}

fn read_error(error: &ReplyError) -> Fault {
    let reason = error.to_string();
    match error {
        ReplyError::Refused { retry, .. } => Fault { reason, retry: *retry, refused: true },
        _ => Fault::local(&reason),
    }
}

fn read_body(body: &[u8], max_peers: usize) -> Outcome {
    reply::parse(body, max_peers).map_err(|error| read_error(&error))
}
