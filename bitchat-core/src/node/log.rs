//! What a node says of its work, for people who look for a fault: off unless asked for.

use super::api::{Event, TrackerState};
use crate::base::ids::Device;
use crate::base::time::Timestamp;
use crate::wire::url::without_path;
use core::fmt::{self, Display, Write};
use std::collections::VecDeque;

/// Bytes of a record's text; more is cut.
const TEXT_LEN: usize = 512;

/// How much a node says of its work: each level includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LogLevel {
    /// Nothing; costs nothing.
    #[default]
    Off,
    /// What keeps the node from its work and somebody should look at.
    Warn,
    /// What happened to channels, links and the store. Up to this level no text holds an address.
    Info,
    /// Why it happened: every attempt to meet somebody, every tracker, with addresses.
    Debug,
    /// Every datagram of a meeting, every packet that was dropped.
    Trace,
}

/// Something that the node did or saw. Texts are for people and change from version to version. They
/// hold no key, no message, and no path of a tracker's URL (which may be a password).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// When.
    pub at: Timestamp,
    /// How much it matters.
    pub level: LogLevel,
    /// Which part of the node speaks: `meeting`, `link`, `tracker`, `store`, `channel` or `node`.
    pub target: &'static str,
    /// One line of at most 512 bytes.
    pub text: String,
    /// Records before this one that were lost, because nobody took them in time.
    pub lost: u64,
}

/// The latest records that nobody has taken yet.
#[derive(Debug)]
pub(super) struct Log {
    level: LogLevel,
    limit: usize,
    records: VecDeque<LogRecord>,
    /// Records lost before the oldest that is kept.
    lost: u64,
}

impl Log {
    pub(super) const fn new(level: LogLevel, limit: usize) -> Self {
        Self { level, limit, records: VecDeque::new(), lost: 0 }
    }

    /// Notes `text`, which is put into words only if somebody wants to read it.
    pub(super) fn add(
        &mut self,
        at: Timestamp,
        level: LogLevel,
        target: &'static str,
        text: impl Display,
    ) {
        if level > self.level {
            return;
        }
        if self.records.len() >= self.limit {
            self.lost += 1 + self.records.pop_front().map_or(0, |oldest| oldest.lost);
        }
        let mut line = Line(String::new());
        // It fails where it is cut.
        let _ = write!(line, "{text}");
        self.records.push_back(LogRecord { at, level, target, text: line.0, lost: 0 });
    }

    pub(super) fn poll(&mut self) -> Option<LogRecord> {
        let mut record = self.records.pop_front()?;
        record.lost = core::mem::take(&mut self.lost);
        Some(record)
    }
}

/// One line of bounded length: others had a hand in some texts, and must not write lines of their own.
struct Line(String);

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            let letter = if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter };
            if self.0.len() + letter.len_utf8() > TEXT_LEN {
                return Err(fmt::Error);
            }
            self.0.push(letter);
        }
        Ok(())
    }
}

impl Log {
    /// Notes what the application is told as well.
    pub(super) fn add_event(&mut self, at: Timestamp, event: &Event) {
        use LogLevel::{Debug, Info, Trace, Warn};
        let mut add = |level, target, text: fmt::Arguments<'_>| self.add(at, level, target, text);
        match event {
            Event::Listening { local } => add(Debug, "node", format_args!("listening on {local}")),
            Event::ListenFailed { family, failure } => {
                add(Warn, "node", format_args!("no socket for {family:?}: {failure}"));
            }
            Event::ChannelReady { channel, messages } => {
                let channel = channel.0;
                add(
                    Info,
                    "channel",
                    format_args!("channel {channel} is live: {messages} messages"),
                );
            }
            Event::LinkUp { link, device, address } => {
                let (link, device) = (link.0, Short(*device));
                add(Info, "link", format_args!("link {link} to {device} is up"));
                add(Debug, "link", format_args!("link {link} leads to {address}"));
            }
            Event::LinkRekeyed { link, generation } => {
                let link = link.0;
                add(Debug, "link", format_args!("link {link} has its keys number {generation}"));
            }
            Event::LinkMoved { link, address } => {
                add(Debug, "link", format_args!("link {} moved to {address}", link.0));
            }
            Event::LinkClosed { link, device, reason } => {
                let (link, device) = (link.0, Short(*device));
                add(Info, "link", format_args!("link {link} to {device} is down: {reason}"));
            }
            Event::MemberUp { channel, device } => {
                let (channel, device) = (channel.0, Short(*device));
                add(Info, "channel", format_args!("channel {channel}: {device} is there"));
            }
            Event::MemberDown { channel, device } => {
                let (channel, device) = (channel.0, Short(*device));
                add(Info, "channel", format_args!("channel {channel}: {device} is gone"));
            }
            Event::Message { channel, message } => {
                let (channel, author, seq) = (channel.0, Short(message.author), message.seq);
                add(Trace, "channel", format_args!("channel {channel}: message {seq} of {author}"));
            }
            Event::Delivered { channel, device, .. } => {
                let (channel, device) = (channel.0, Short(*device));
                add(Trace, "channel", format_args!("channel {channel}: {device} has stored ours"));
            }
            Event::Equivocation { channel, author } => {
                let (channel, author) = (channel.0, Short(*author));
                let why = "two entries under one number: nothing more of it is accepted";
                add(Warn, "channel", format_args!("channel {channel}: {author} signed {why}"));
            }
            Event::StoreWentBack { channel } => {
                let channel = channel.0;
                add(Warn, "store", format_args!("channel {channel}: the store went back in time"));
            }
            Event::LogFull { channel } => {
                add(Warn, "channel", format_args!("channel {}: the log is full", channel.0));
            }
            Event::StoreFailing { failure } => {
                add(Warn, "store", format_args!("the store refuses: {failure}"));
            }
            Event::StoreRecovered => add(Info, "store", format_args!("the store works again")),
            Event::StoreDamaged { key } => {
                let len = key.len();
                add(Warn, "store", format_args!("a damaged record with a key of {len} bytes"));
            }
            Event::WallTimeNeeded => {
                add(Warn, "node", format_args!("waiting for the wall clock: nobody can be met"));
            }
            Event::Tracker { channel, url, state } => {
                let (channel, host) = (channel.0, without_path(url));
                match state {
                    TrackerState::Announcing => {
                        add(Debug, "tracker", format_args!("channel {channel}: asking {host}"));
                    }
                    TrackerState::Working { peers, next } => {
                        let text = format_args!(
                            "channel {channel}: {host} named {peers} peers; asked again in {next:?}"
                        );
                        add(Debug, "tracker", text);
                    }
                    TrackerState::Failed { reason, retry } => {
                        add(Info, "tracker", format_args!("channel {channel}: a tracker failed"));
                        let text = format_args!(
                            "channel {channel}: {host} failed: {reason}; asked again in {retry:?}"
                        );
                        add(Debug, "tracker", text);
                    }
                }
            }
        }
    }
}

/// Enough of a device's name to tell it from others.
pub(super) struct Short(pub Device);

impl Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |bytes: &[u8], f: &mut fmt::Formatter<'_>| {
            bytes.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
        };
        hex(self.0.peer.as_bytes(), f)?;
        f.write_str("/")?;
        hex(self.0.id.as_bytes(), f)
    }
}

#[cfg(test)]
mod tests;
