//! Streams: ordered, reliable, opened and closed; enough of TCP for what a stream's user sees.

use super::{Arrival, HostId};
use bitchat_core::base::ids::StreamId;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// Bytes of one segment.
const SEGMENT: usize = 1_400;
/// A segment is sent so many times at most (about 20 s with the growing pauses).
const TRIES: u32 = 7;

/// A segment on its way from one end to the other.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// The end that sent it.
    source: StreamId,
    /// The end that it is for; unknown while the stream opens.
    target: Option<StreamId>,
    /// Its place in the stream.
    number: u64,
    tries: u32,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Open {
        from: SocketAddr,
        port: u16,
    },
    Opened,
    Refused,
    Data(Vec<u8>),
    End,
    /// Sent as often as may be, in vain.
    GivenUp,
}

impl Segment {
    pub(super) fn wire_size(&self) -> usize {
        40 + if let What::Data(data) = &self.what { data.len() } else { 0 }
    }

    /// After which pause it is sent again, if it is.
    pub(super) fn again(&mut self) -> Option<Duration> {
        self.tries += 1;
        (self.tries < TRIES).then(|| Duration::from_millis(150) * 2u32.pow(self.tries))
    }

    pub(super) fn give_up(&mut self) {
        self.what = What::GivenUp;
    }

    pub(super) fn given_up(&self) -> bool {
        matches!(self.what, What::GivenUp)
    }
}

#[derive(Debug)]
struct End {
    host: HostId,
    other_host: HostId,
    /// The other end, once known.
    other: Option<StreamId>,
    next_out: u64,
    next_in: u64,
    early: BTreeMap<u64, What>,
}

/// What a segment led to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) arrivals: Vec<Arrival>,
    pub(super) replies: Vec<Addressed>,
}

/// A segment with its sender and receiver.
pub(super) type Addressed = (HostId, HostId, Segment);

/// All streams of the world.
#[derive(Debug, Default)]
pub(super) struct Tcp {
    ends: BTreeMap<StreamId, End>,
    named: u64,
}

impl Tcp {
    fn add(&mut self, host: HostId, other_host: HostId, other: Option<StreamId>) -> StreamId {
        let id = StreamId(self.named);
        self.named += 1;
        let (next_out, next_in, early) = (0, 0, BTreeMap::new());
        self.ends.insert(id, End { host, other_host, other, next_out, next_in, early });
        id
    }

    pub(super) fn connect(
        &mut self,
        host: HostId,
        target: Option<HostId>,
        from: SocketAddr,
        port: u16,
    ) -> (StreamId, Segment) {
        let id = self.add(host, target.unwrap_or(host), None);
        let what = if target.is_some() { What::Open { from, port } } else { What::GivenUp };
        (id, Segment { source: id, target: None, number: 0, tries: 0, what })
    }

    fn next(&mut self, id: StreamId, what: What) -> Option<Addressed> {
        let end = self.ends.get_mut(&id)?;
        let segment =
            Segment { source: id, target: end.other, number: end.next_out, tries: 0, what };
        end.next_out += 1;
        Some((end.host, end.other_host, segment))
    }

    pub(super) fn write(&mut self, id: StreamId, data: &[u8]) -> Vec<Addressed> {
        let piece = |piece: &[u8]| self.next(id, What::Data(piece.to_vec()));
        data.chunks(SEGMENT).filter_map(piece).collect()
    }

    pub(super) fn close(&mut self, id: StreamId) -> Option<Addressed> {
        let last = self.next(id, What::End);
        self.ends.remove(&id);
        last
    }

    pub(super) fn reset_host(&mut self, host: HostId) -> Vec<Addressed> {
        let of_host = |(id, end): (&StreamId, &End)| (end.host == host).then_some(*id);
        let ids: Vec<_> = self.ends.iter().filter_map(of_host).collect();
        ids.into_iter().filter_map(|id| self.close(id)).collect()
    }

    pub(super) fn arrive(
        &mut self,
        host: HostId,
        segment: Segment,
        listening: &BTreeSet<u16>,
    ) -> Outcome {
        match segment.what {
            What::Open { from, port } => self.on_open(host, segment.source, from, port, listening),
            What::GivenUp => self.on_given_up(&segment),
            what => self.on_next(segment.target, segment.source, segment.number, what),
        }
    }

    fn on_open(
        &mut self,
        host: HostId,
        source: StreamId,
        from: SocketAddr,
        port: u16,
        listening: &BTreeSet<u16>,
    ) -> Outcome {
        let Some(client) = self.ends.get(&source) else { return Outcome::default() };
        let client_host = client.host;
        if !listening.contains(&port) {
            let what = What::Refused;
            let no = Segment { source, target: Some(source), number: 0, tries: 0, what };
            return Outcome { arrivals: Vec::new(), replies: vec![(host, client_host, no)] };
        }
        let stream = self.add(host, client_host, Some(source));
        let arrivals = vec![Arrival::Accepted { host, stream, from, port }];
        Outcome { arrivals, replies: self.next(stream, What::Opened).into_iter().collect() }
    }

    /// Both ends learn it at once: nobody can tell the difference from a time-out of their own.
    fn on_given_up(&mut self, segment: &Segment) -> Outcome {
        let mut outcome = Outcome::default();
        let Some(end) = self.ends.remove(&segment.source) else { return outcome };
        let (host, stream) = (end.host, segment.source);
        outcome.arrivals.push(match end.other {
            None if segment.tries == 0 => Arrival::Refused { host, stream, reason: "no route" },
            None => Arrival::Refused { host, stream, reason: "timed out" },
            Some(_) => Arrival::Closed { host, stream },
        });
        if let Some(other) = end.other
            && let Some(far) = self.ends.remove(&other)
        {
            outcome.arrivals.push(Arrival::Closed { host: far.host, stream: other });
        }
        outcome
    }

    fn on_next(
        &mut self,
        target: Option<StreamId>,
        source: StreamId,
        number: u64,
        what: What,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        let Some((stream, end)) = target.and_then(|id| Some((id, self.ends.get_mut(&id)?))) else {
            return outcome;
        };
        if number < end.next_in {
            return outcome;
        }
        end.early.insert(number, what);
        let host = end.host;
        let mut over = false;
        while let Some(what) = end.early.remove(&end.next_in) {
            end.next_in += 1;
            outcome.arrivals.push(match what {
                What::Data(data) => Arrival::Readable { host, stream, data },
                What::Opened => {
                    end.other = Some(source);
                    Arrival::Connected { host, stream }
                }
                What::Refused => {
                    over = true;
                    Arrival::Refused { host, stream, reason: "refused" }
                }
                What::End | What::Open { .. } | What::GivenUp => {
                    over = true;
                    Arrival::Closed { host, stream }
                }
            });
        }
        if over {
            self.ends.remove(&stream);
        }
        outcome
    }
}
