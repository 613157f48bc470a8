//! Peers over one simulated line in virtual time: the very same line for each, with the same seeds.

mod kcp;
mod ours;
mod quinn;
mod world;

pub mod fairness;
pub mod goodput;
pub mod latency;
pub mod survival;

pub use world::World;

use bitchat_core::base::time::Timestamp;
use bitchat_core::transport::PathMemory;
use bitchat_sim::net::{LinkConfig, Loss};
use std::time::Duration;

/// Bytes of a piece of bulk data.
pub const PIECE: usize = 16 * 1024;
/// Bytes of a message.
pub const MESSAGE: usize = 100;
/// Bytes that IP and UDP add to a datagram.
pub const IP_UDP: usize = 28;
/// Time of flight, one way.
pub const ONE_WAY: Duration = Duration::from_millis(50);

/// One end of a session, as an application and its network see it.
pub trait End {
    /// The next datagram to send, if there is one.
    fn poll_transmit(&mut self, now: Timestamp) -> Option<Vec<u8>>;
    /// A datagram arrived.
    fn handle_datagram(&mut self, now: Timestamp, data: Vec<u8>);
    /// When [`End::handle_timeout`] is due.
    fn poll_timeout(&mut self) -> Option<Timestamp>;
    /// Does what is due.
    fn handle_timeout(&mut self, now: Timestamp);
    /// Both ends may send application data.
    fn is_ready(&self) -> bool;
    /// Gives it as much bulk data as it takes.
    fn fill(&mut self, now: Timestamp);
    /// Queues a message of [`MESSAGE`] bytes that says when it was sent.
    fn send(&mut self, now: Timestamp);
    /// Hands over what has arrived.
    fn take(&mut self, taken: &mut Taken);
    /// The session is over.
    fn is_dead(&self) -> bool;
    /// What it measured of the path, if it remembers such things.
    fn memory(&self) -> Option<PathMemory> {
        None
    }
    /// Begins with what an earlier session measured.
    fn resume(&mut self, _: PathMemory) {}
}

/// What an application was given.
#[derive(Debug, Default)]
pub struct Taken {
    /// Bytes of bulk data.
    pub bulk: u64,
    /// When each message that arrived had been sent.
    pub messages: Vec<Timestamp>,
}

impl Taken {
    /// A message, complete.
    pub fn message(&mut self, data: &[u8]) {
        let stamp = data.first_chunk().expect("a message begins with its time");
        self.messages.push(Timestamp::from_nanos(u64::from_le_bytes(*stamp)));
    }
}

/// A message that is sent now.
pub fn message(now: Timestamp) -> [u8; MESSAGE] {
    let mut message = [7; MESSAGE];
    message[..8].copy_from_slice(&now.as_nanos().to_le_bytes());
    message
}

/// Whose session it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// Bit Chat as its embedder gets it.
    Ours,
    /// quinn-proto as it is by default, with larger windows.
    QuinnCubic,
    /// quinn-proto with its BBR.
    QuinnBbr,
    /// KCP in its fast mode.
    Kcp,
}

impl Peer {
    pub const ALL: [Self; 4] = [Self::Ours, Self::QuinnCubic, Self::QuinnBbr, Self::Kcp];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Ours => "Bit Chat",
            Self::QuinnCubic => "quinn CUBIC",
            Self::QuinnBbr => "quinn BBR",
            Self::Kcp => "KCP",
        }
    }

    /// Both ends of a session; end 0 sends what is measured. `window` is how many bytes a peer that
    /// does not find it out keeps in flight.
    pub fn ends(self, seed: u64, now: Timestamp, window: u64) -> [Box<dyn End>; 2] {
        match self {
            Self::Ours => ours::ends(seed, now),
            Self::QuinnCubic => quinn::ends(seed, now, false),
            Self::QuinnBbr => quinn::ends(seed, now, true),
            Self::Kcp => kcp::ends(now, window),
        }
    }
}

/// What the line does to packets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weather {
    /// Loses each with this probability, in both directions.
    Random(f64),
    /// Loses 1 in 21 in bursts as long as five full packets on average, whether or not anyone sends.
    Bursts,
    /// Holds 1 in 50 up for as long as 20 ms.
    Reordering,
}

impl Weather {
    pub fn name(self) -> String {
        match self {
            Self::Random(0.0) => "no loss".to_owned(),
            Self::Random(share) => format!("{:.0} % loss", share * 100.0),
            Self::Bursts => "bursts, 4.8 % loss".to_owned(),
            Self::Reordering => "reordering, no loss".to_owned(),
        }
    }

    /// The share of packets that is lost on average.
    pub fn lost(self) -> f64 {
        match self {
            Self::Random(share) => share,
            Self::Bursts => BAD_FOR / (GOOD_FOR + BAD_FOR),
            Self::Reordering => 0.0,
        }
    }
}

/// Averages of bursts, in the time that the line takes for a packet of [`FULL_PACKET`] bytes.
const GOOD_FOR: f64 = 100.0;
const BAD_FOR: f64 = 5.0;
const FULL_PACKET: f64 = 1_500.0;

/// A line: rate, delay and queue, the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Bits per second.
    pub rate: u64,
    /// The queue, as a multiple of rate × round trip.
    pub queue: f64,
    pub weather: Weather,
}

impl Line {
    /// Rate × round trip, in bytes.
    pub fn volume(&self) -> u64 {
        self.rate / 8 * u64::try_from(2 * ONE_WAY.as_millis()).unwrap_or(u64::MAX) / 1_000
    }

    /// In good weather.
    fn clean(&self) -> LinkConfig {
        LinkConfig {
            delay: ONE_WAY,
            rate: Some(self.rate),
            queue: (self.volume() as f64 * self.queue) as usize,
            ..LinkConfig::default()
        }
    }

    fn config(&self) -> LinkConfig {
        let clean = self.clean();
        match self.weather {
            Weather::Random(share) => clean.lossy(share),
            Weather::Bursts => {
                let packet = Duration::from_secs_f64(FULL_PACKET * 8.0 / self.rate as f64);
                let [good_for, bad_for] = [GOOD_FOR, BAD_FOR].map(|times| packet.mul_f64(times));
                LinkConfig {
                    loss: Loss::Bursts { good_for, bad_for, good: 0.0, bad: 1.0 },
                    ..clean
                }
            }
            Weather::Reordering => {
                LinkConfig { reorder: 0.02, reorder_by: Duration::from_millis(20), ..clean }
            }
        }
    }
}

/// The `q`-th quantile (0 to 1) of sorted values.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = (sorted.len() as f64 * q).ceil() as usize;
    sorted.get(at.saturating_sub(1)).or(sorted.last()).copied().unwrap_or(f64::NAN)
}
