//! The key log: what lets a recording of this node's datagrams be read (spec 13).

use super::Outbox;
use crate::crypto::channel_keys::ChannelKeys;
use crate::crypto::key_log::{Direction, KeyLogLine, SessionIds};
use crate::handshake::Established;

/// Lines that wait to be polled; then the oldest are erased (BC-13.07).
const MAX_LINES: usize = 1_024;

impl Outbox {
    /// Queues a line, if lines were asked for (BC-13.01).
    pub(crate) fn log_key(&mut self, line: KeyLogLine) {
        let Some(lines) = &mut self.key_log else { return };
        if lines.len() >= MAX_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    pub(crate) fn pop_key_log(&mut self) -> Option<KeyLogLine> {
        self.key_log.as_mut()?.pop_front()
    }

    /// The keys of a channel's envelopes, before the first of them leaves (BC-13.04).
    pub(crate) fn log_channel(&mut self, keys: &ChannelKeys) {
        if self.key_log.is_some() {
            KeyLogLine::gate(keys).into_iter().for_each(|line| self.log_key(line));
        }
    }

    /// The keys that a session begins with, before its first packet (BC-13.05).
    pub(crate) fn log_session(&mut self, session: &Established) {
        if self.key_log.is_none() {
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
