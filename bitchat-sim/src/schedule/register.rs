//! The sessions that real handshakes made: both ends must have the same.

use super::session::person_of;
use bitchat_core::base::ids::ConnectionId;
use bitchat_core::crypto::noise::Role;
use bitchat_core::handshake::{Established, SessionSecrets};

/// The sessions that handshakes made. Both ends call a session by one number.
#[derive(Debug, Default)]
pub(super) struct Register(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    hash: [u8; 32],
    secrets: SessionSecrets,
    cids: [ConnectionId; 2],
    roles: [Option<Role>; 2],
    resumed: bool,
}

impl Register {
    /// `end` has made a session: its number.
    pub(super) fn enter(&mut self, end: usize, session: &Established) -> Result<u32, String> {
        let number = self.0.iter().position(|entry| entry.hash == session.handshake_hash);
        let number = number.unwrap_or(self.0.len());
        let [local, remote] = [session.local_cid, session.remote_cid];
        let cids = if end == 0 { [local, remote] } else { [remote, local] };
        if number == self.0.len() {
            let (hash, secrets) = (session.handshake_hash, session.secrets.clone());
            let resumed = session.resumed;
            self.0.push(Entry { hash, secrets, cids, roles: [None; 2], resumed });
        }
        let entry = &mut self.0[number];
        if entry.roles[end].replace(session.role).is_some() {
            return Err(format!("{end} has made session {number} twice"));
        }
        let agree = is_same(&entry.secrets, &session.secrets)
            && (entry.cids, entry.resumed) == (cids, session.resumed)
            && entry.roles[0] != entry.roles[1]
            && session.device == person_of(1 - end).device;
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        agree.then_some(number).ok_or(format!("the ends disagree about session {number}"))
    }

    /// Sessions that one end has made, and those of them that both have.
    pub(super) fn counts(&self) -> (u64, u64) {
        let both = self.0.iter().filter(|entry| entry.roles.iter().all(Option::is_some));
        (self.0.len() as u64, both.count() as u64)
    }

    /// Sessions that both ends have and that began with what an earlier one left.
    pub(super) fn resumed(&self) -> u64 {
        let both = self.0.iter().filter(|entry| entry.roles.iter().all(Option::is_some));
        both.filter(|entry| entry.resumed).count() as u64
    }
}

fn is_same(one: &SessionSecrets, other: &SessionSecrets) -> bool {
    let all = |it: &SessionSecrets| {
        [&it.i2r, &it.r2i, &it.mask_i2r, &it.mask_r2i, &it.exporter].map(Clone::clone)
    };
    all(one) == all(other)
}
