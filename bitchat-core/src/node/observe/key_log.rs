//! The key log: what lets a recording of this node's datagrams be read (spec 13).

use crate::crypto::key_log::{Direction, KeyLogLine, SessionIds};
use crate::handshake::Established;
use crate::node::Node;
use crate::node::channels::joined::JoinedChannel;

/// Lines that wait to be polled; then the oldest are erased (BC-13.07).
const MAX_LINES: usize = 1_024;

impl Node {
    /// The next line of the key log; `None` unless
    /// [`Config::insecure_key_log`](crate::node::Config::insecure_key_log) is set.
    ///
    /// To be polled before [`poll_transmit`](Self::poll_transmit): so a live analyser has the keys
    /// before the packets. A line holds a secret: write it where nobody else can read it, with a
    /// line feed, and drop it. At most 1,024 lines wait, then the oldest are lost.
    pub fn poll_key_log(&mut self) -> Option<KeyLogLine> {
        self.key_log.pop_front()
    }

    /// Queues a line, if lines were asked for (BC-13.01).
    pub(crate) fn log_key(&mut self, line: KeyLogLine) {
        if !self.config.insecure_key_log {
            return;
        }
        if self.key_log.len() >= MAX_LINES {
            self.key_log.pop_front();
        }
        self.key_log.push_back(line);
    }

    /// The keys of a channel's envelopes, before the first of them leaves (BC-13.04).
    pub(crate) fn log_channel(&mut self, joined: &JoinedChannel) {
        if self.config.insecure_key_log {
            KeyLogLine::gate(&joined.keys).into_iter().for_each(|line| self.log_key(line));
        }
    }

    /// The keys that a session begins with, before its first packet (BC-13.05).
    pub(crate) fn log_session(&mut self, session: &Established) {
        if !self.config.insecure_key_log {
            return;
        }
        let ids = SessionIds::new(session.role, session.local_cid, session.remote_cid);
        let secrets = &session.secrets;
        for (direction, mask, packet) in [
            (Direction::ToResponder, &secrets.mask_i2r, &secrets.i2r),
            (Direction::ToInitiator, &secrets.mask_r2i, &secrets.r2i),
        ] {
            self.log_key(KeyLogLine::mask(ids, direction, mask));
            self.log_key(KeyLogLine::packet(ids, direction, 0, packet));
        }
    }
}
