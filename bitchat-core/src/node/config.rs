//! How a node behaves, and what the commands may answer.

use super::log::LogLevel;
use crate::base::limits::Limits;
use crate::chatfile;
use crate::crypto::suite::{Backend, NotCompiledIn};
use core::time::Duration;

/// Which address families a node opens a UDP socket for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Families {
    /// IPv4.
    pub v4: bool,
    /// IPv6.
    pub v6: bool,
}

/// What the embedder's monotonic clock does while the host sleeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClockKind {
    /// It stops, as `CLOCK_MONOTONIC` of Linux and `CLOCK_UPTIME_RAW` of macOS: only
    /// [`Input::Resumed`](super::Input::Resumed) can tell the node that time has passed.
    #[default]
    StopsInSleep,
    /// It runs on, as `CLOCK_BOOTTIME` of Linux and the performance counter of Windows. A node that is
    /// called ten seconds or more after its deadline takes it that the host slept, and acts as on
    /// [`Input::Resumed`](super::Input::Resumed).
    RunsInSleep,
}

/// Whether a node takes part in the mainline DHT (spec 18).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DhtMode {
    /// It sends nothing there and answers nobody.
    Off,
    /// As soon as it knows somebody to ask: from a `.chat` file, from
    /// [`Config::dht_routers`] or from its last run.
    #[default]
    On,
}

/// Settings of a node. Start from [`Config::default`] and change what you need.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Bounds on everything that peers can make the node hold.
    pub limits: Limits,
    /// Which library computes AEAD, Diffie-Hellman and signatures: a matter of speed, peers see no
    /// difference. The fastest that is compiled in.
    pub crypto: Backend,
    /// The UDP port wanted; 0 leaves the choice to the system.
    pub port: u16,
    /// The address families to use; at least one.
    pub families: Families,
    /// Allow trackers on loopback, private and link-local addresses. Off, so that a `.chat` file
    /// from a stranger cannot make the node call upon machines of its own network.
    pub local_trackers: bool,
    /// Whether members are looked for in the DHT as well. What `local_trackers` says of trackers holds for
    /// its nodes.
    pub dht: DhtMode,
    /// Nodes of the DHT that are asked where no `.chat` file names any, and beside those. Empty by default.
    pub dht_routers: Vec<chatfile::Node>,
    /// The embedder answers `Persist` and `Load`. Without a store a node forgets everything at its
    /// end, and its device is a new one each time.
    pub store: bool,
    /// A link's keys are renewed this long after the first user data under them; 1 s to 120 s.
    pub rekey_interval: Duration,
    /// An idle link says that it lives this often at first; 1 s to 30 s. It learns how much longer it
    /// may be silent: up to 25 s behind a NAT, up to three quarters of `idle_timeout` without one.
    pub keepalive: Duration,
    /// A link on which nothing was heard for this long is dead; more than twice `keepalive`.
    pub idle_timeout: Duration,
    /// What the clock of `Now::mono` does while the host sleeps.
    pub clock: ClockKind,
    /// How much [`Node::poll_log`](super::Node::poll_log) gives; nothing by default.
    pub log: LogLevel,
    /// **Dangerous: for debugging only.** The node hands out the secrets of all its sessions and
    /// channels through [`Node::poll_key_log`](super::Node::poll_key_log): whoever has them reads
    /// everything in a recording (spec 13, SECURITY.md). Off.
    pub insecure_key_log: bool,
    /// Traces every link for [`Node::poll_qlog`](super::Node::poll_qlog). Off (BC-13.22).
    #[cfg(feature = "qlog")]
    pub qlog: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            crypto: Backend::fastest(),
            port: 0,
            families: Families { v4: true, v6: true },
            local_trackers: false,
            dht: DhtMode::On,
            dht_routers: Vec::new(),
            store: true,
            rekey_interval: Duration::from_secs(120),
            keepalive: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(60),
            clock: ClockKind::default(),
            log: LogLevel::Off,
            insecure_key_log: false,
            #[cfg(feature = "qlog")]
            qlog: false,
        }
    }
}

impl Config {
    /// Checks that the settings make sense together.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting and its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let secs = Duration::from_secs;
        if !(self.families.v4 || self.families.v6) {
            return Err(ConfigError("families: switch on IPv4, IPv6, or both"));
        }
        if self.rekey_interval < secs(1) || self.rekey_interval > secs(120) {
            return Err(ConfigError("rekey_interval: choose 1 s to 120 s"));
        }
        if self.keepalive < secs(1) || self.keepalive > secs(30) {
            return Err(ConfigError("keepalive: choose 1 s to 30 s"));
        }
        if self.idle_timeout <= self.keepalive * 2 {
            return Err(ConfigError("idle_timeout: choose more than twice keepalive"));
        }
        self.crypto.suite()?;
        self.limits.check().map_err(ConfigError)
    }
}

impl From<NotCompiledIn> for ConfigError {
    fn from(_: NotCompiledIn) -> Self {
        Self("crypto: this back end is not compiled in; build with its cargo feature `aws-lc-rs`")
    }
}

/// A setting is out of its range; the text names it and says what to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub &'static str);

/// A channel handle that this node does not (or no longer) know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such channel: it was never joined, or it has been left")]
pub struct UnknownChannel;

#[cfg(test)]
mod tests;
