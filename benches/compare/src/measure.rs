//! CPU time, and contenders measured in turns so that drift of the machine cancels.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// CPU time that this thread has used.
pub fn cpu() -> Duration {
    clock(ClockId::ThreadCPUTime)
}

/// CPU time that all threads have used.
pub fn process_cpu() -> Duration {
    clock(ClockId::ProcessCPUTime)
}

fn clock(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanos)
}

/// CPU time of one call, in seconds.
pub fn spent(work: impl FnOnce()) -> f64 {
    let before = cpu();
    work();
    (cpu() - before).as_secs_f64()
}

/// One way to do the work of a row: what it is called, and one round of it, which gives the figure.
pub struct Contender<'a> {
    pub column: Column,
    pub round: Box<dyn FnMut() -> f64 + 'a>,
}

/// Whose figure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Bit Chat with aws-lc-rs, which it takes where it is compiled in.
    Ours,
    /// Bit Chat with RustCrypto.
    OursRust,
    /// quinn-proto as it comes, with ring.
    Quinn,
    /// quinn-proto with aws-lc-rs.
    QuinnAws,
    /// quinn-proto with packet protection by RustCrypto.
    QuinnRust,
    /// snow with RustCrypto.
    Snow,
    /// snow with ring where it can.
    SnowRing,
    /// boringtun, with ring.
    Boringtun,
    /// KCP.
    Kcp,
    /// ENet.
    Enet,
    /// uTP of librqbit.
    Utp,
    /// Bare sockets with segmentation offload.
    RawGso,
    /// Bare sockets, many datagrams per call.
    RawBatch,
}

impl Column {
    pub const fn title(self) -> &'static str {
        match self {
            Self::Ours => "Bit Chat, aws-lc-rs",
            Self::OursRust => "Bit Chat, RustCrypto",
            Self::Quinn => "quinn, ring",
            Self::QuinnAws => "quinn, aws-lc-rs",
            Self::QuinnRust => "quinn, RustCrypto",
            Self::Snow => "snow, RustCrypto",
            Self::SnowRing => "snow, ring",
            Self::Boringtun => "boringtun",
            Self::Kcp => "KCP",
            Self::Enet => "ENet",
            Self::Utp => "librqbit-utp",
            Self::RawGso => "sockets, GSO",
            Self::RawBatch => "sockets, no GSO",
        }
    }
}

/// The medians of `rounds` rounds, all contenders taking turns, after one round to warm up.
pub fn compare(rounds: usize, mut contenders: Vec<Contender<'_>>) -> Vec<(Column, f64)> {
    let mut samples = vec![Vec::with_capacity(rounds); contenders.len()];
    for turn in 0..=rounds {
        for (contender, samples) in contenders.iter_mut().zip(&mut samples) {
            let figure = (contender.round)();
            if turn > 0 {
                samples.push(figure);
            }
        }
    }
    let medians = samples.into_iter().map(median);
    contenders.iter().map(|contender| contender.column).zip(medians).collect()
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}
