//! Whom to call upon, and when.

use super::{Discovery, records};
use crate::base::addr;
use crate::base::ids::{ChannelHandle, ChannelId, Device};
use crate::base::time::{Now, Timestamp};
use crate::channel::Candidate;
use crate::link::{Ended, code};
use crate::node::api::{Change, Family};
use crate::node::fx::Fx;
use crate::node::log::LogLevel;
use crate::node::outbox::Outbox;
use crate::node::outbox::requests::Pending;
use crate::node::sessions::Sessions;
use crate::node::store::Store;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

/// A link that broke is dialled again after this, and a little more, so that both sides do not do it
/// in step.
const REDIAL: Duration = Duration::from_millis(500);
/// An address that another channel is just calling, or whose socket is being opened, is looked at
/// again after this.
const BUSY: Duration = Duration::from_secs(5);

/// What to do about an address that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Dial,
    /// Not now.
    Busy,
    /// A member there is linked, or it is our own.
    Settled,
    /// There is no socket that could reach it.
    Unreachable,
}

impl Discovery {
    /// Somebody named an address.
    pub(crate) fn add_candidate(
        &mut self,
        now: Timestamp,
        handle: ChannelHandle,
        address: SocketAddr,
        outbox: &mut Outbox,
    ) {
        let address = addr::canonical(address);
        if self.own.is_own(&address) {
            return;
        }
        if let Some(search) = self.get_mut(handle) {
            search.candidates.add(now, address);
            let text = format_args!("channel {}: somebody may be at {address}", handle.0);
            outbox.note(LogLevel::Debug, "meeting", text);
        }
    }

    /// A member says where another one is. It cannot make us talk to our own machine.
    pub(crate) fn on_hint(
        &mut self,
        now: Now,
        handle: ChannelHandle,
        hint: Candidate,
        sessions: &Sessions,
        outbox: &mut Outbox,
    ) {
        let local = sessions.links.get(hint.source).and_then(|link| link.via().remote());
        let local = local.map(|at| at.ip());
        let credible = !hint.addr.ip().is_loopback() || local.is_some_and(|ip| ip.is_loopback());
        if credible && sessions.by_device(hint.device).is_none() {
            self.add_candidate(now.mono, handle, hint.addr, outbox);
        }
    }

    /// The channels with an address that is due, behind the channel that dialled last.
    pub(crate) fn dials_due(&self, now: Timestamp) -> VecDeque<ChannelHandle> {
        let due = self.dials.due(now, |handle| self.searches.get(&handle)?.dials_at());
        let is_behind = |handle: &ChannelHandle| *handle > self.dialled_last;
        let (behind, before): (BTreeSet<_>, BTreeSet<_>) = due.into_iter().partition(is_behind);
        behind.into_iter().chain(before).collect()
    }

    /// Takes the next address of a channel that is due, and decides what to do about it: true if it
    /// is to be dialled. `None` if none is due.
    pub(crate) fn take_due(
        &mut self,
        now: Timestamp,
        handle: ChannelHandle,
        sessions: &Sessions,
        outbox: &mut Outbox,
    ) -> Option<(SocketAddr, bool)> {
        let search = self.get_mut(handle)?;
        let address = search.candidates.poll(now)?;
        let (chan, device) = (search.chan, search.candidates.device(&address));
        let verdict = self.judge(chan, &address, device, sessions, outbox);
        self.dialled_last = handle;
        let what = match verdict {
            Verdict::Dial => "sending a probe to it",
            Verdict::Busy => "another attempt is under way there",
            Verdict::Settled => "a member there is linked, or it is our own address",
            Verdict::Unreachable => "there is no socket for it",
        };
        let text = format_args!("channel {}: {address} is due: {what}", handle.0);
        outbox.note(LogLevel::Debug, "meeting", text);
        let candidates = &mut self.get_mut(handle)?.candidates;
        match verdict {
            Verdict::Dial => {}
            Verdict::Busy => candidates.on_busy(now, address, BUSY),
            Verdict::Settled => candidates.on_settled(now, address),
            Verdict::Unreachable => candidates.on_failed(now, address),
        }
        Some((address, verdict == Verdict::Dial))
    }

    /// `device` is whom an earlier session found at `address`.
    fn judge(
        &self,
        chan: ChannelId,
        address: &SocketAddr,
        device: Option<Device>,
        sessions: &Sessions,
        outbox: &Outbox,
    ) -> Verdict {
        let mut there = sessions.links.iter().filter(|link| {
            link.is_open()
                && (link.via().remote() == Some(*address) || Some(link.device()) == device)
        });
        let family = Family::of(address);
        if self.own.is_own(address)
            || there.clone().any(|link| {
                !link.is_in_doubt() && link.shared().any(|shared| shared.channel == chan)
            })
        {
            Verdict::Settled
        } else if sessions.handshakes.is_dialling(address) || there.any(|link| !link.has_heard()) {
            Verdict::Busy
        } else if self.own.socket(family).is_some() {
            Verdict::Dial
        } else if outbox.awaits(|pending| *pending == Pending::Bind(family)) {
            Verdict::Busy
        } else {
            Verdict::Unreachable
        }
    }

    /// `device` was reached at `address`: that is remembered.
    pub(crate) fn on_reached(
        &mut self,
        now: Now,
        handle: ChannelHandle,
        address: SocketAddr,
        device: Device,
        store: &mut Store,
    ) {
        let Some(search) = self.get_mut(handle) else { return };
        let chan = search.chan;
        if let Some(forgotten) = search.candidates.on_linked(now.mono, address, device) {
            store.add_if_room(Change::Delete(records::address_key(chan, forgotten)));
        }
        search.candidates.set_stored(&address);
        store.add_if_room(Change::Put(records::address(chan, address, now.wall)));
    }

    /// A linked `device` is at `address` now: there it is dialled if the link breaks (BC-08.82).
    pub(crate) fn on_moved(
        &mut self,
        now: Now,
        handle: ChannelHandle,
        address: SocketAddr,
        device: Device,
        store: &mut Store,
    ) {
        let Some(search) = self.get_mut(handle) else { return };
        if search.candidates.may_store_move(now.mono) {
            self.on_reached(now, handle, address, device, store);
        } else if let Some(forgotten) = search.candidates.on_linked(now.mono, address, device) {
            store.add_if_room(Change::Delete(records::address_key(search.chan, forgotten)));
        }
    }

    /// The last link to a member is down, but a new one may come up soon.
    pub(crate) fn on_unreached(
        &mut self,
        now: Now,
        handle: ChannelHandle,
        address: SocketAddr,
        fx: &mut Fx,
        store: &mut Store,
    ) {
        let redial = REDIAL + Duration::from_millis(fx.rng.public.below(500));
        if let Some(search) = self.get_mut(handle) {
            search.candidates.on_lost(now.mono, address, redial);
            if search.candidates.set_stored(&address) {
                let record = records::address(search.chan, address, now.wall);
                store.add_if_room(Change::Put(record));
            }
        }
    }

    /// A session over `address` ended. Whoever breaks the protocol, or says that we do, is not called
    /// again at once: it would only be the same again. `is_dialling`: `address` is being dialled.
    pub(crate) fn on_session_ended(
        &mut self,
        now: Timestamp,
        address: SocketAddr,
        ended: &Ended,
        is_dialling: bool,
    ) {
        let hopeless = match ended {
            Ended::Violation(_) | Ended::Certificate => true,
            Ended::Peer(code) => !matches!(
                *code,
                code::NO_ERROR | code::REPLACED | code::NO_CHANNEL | code::GOING_AWAY
            ),
            Ended::Local(_) | Ended::Silence => false,
        };
        let known = self.searches.iter_mut().filter(|(_, it)| it.candidates.contains(&address));
        for (handle, search) in known {
            self.dials.touch(*handle);
            if hopeless {
                search.candidates.on_broken(now, address);
            } else if !is_dialling {
                search.candidates.on_ended(now, address);
            }
        }
    }
}
