//! Whom to call upon, and when.

use crate::base::ids::{ChannelHandle, ChannelId, Device, LinkId};
use crate::base::time::{Now, Timestamp};
use crate::channel::Candidate;
use crate::link::{Ended, code};
use crate::node::Node;
use crate::node::api::{Change, Family};
use crate::node::log::LogLevel;
use crate::node::outbox::requests::Pending;
use crate::node::sessions::handshakes::Context;
use crate::node::store::records;
use core::net::SocketAddr;
use core::ops::Bound;
use core::time::Duration;
use std::collections::VecDeque;

/// A link that broke is dialled again after so long, and a little more, so that both sides do not
/// do it in step.
const REDIAL: Duration = Duration::from_millis(500);
/// An address that another channel is just calling, or whose socket is being opened, is looked at
/// again after so long.
const BUSY: Duration = Duration::from_secs(5);

/// What to do about an address that is due.
enum Verdict {
    Dial,
    /// Not now.
    Busy,
    /// A member there is linked, or it is our own.
    Settled,
    /// There is no socket that could reach it.
    Unreachable,
}

impl Node {
    /// Somebody named an address.
    pub(crate) fn add_candidate(
        &mut self,
        now: Timestamp,
        handle: ChannelHandle,
        address: SocketAddr,
    ) {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        if self.sockets.is_own(&address) {
            return;
        }
        if let Some(joined) = self.channels.get_mut(&handle) {
            joined.candidates.add(now, address);
            let text = format_args!("channel {}: somebody may be at {address}", handle.0);
            self.log.add(now, LogLevel::Debug, "meeting", text);
        }
    }

    /// A member says where another one is. It cannot make us talk to our own machine.
    pub(crate) fn on_hint(&mut self, now: Now, handle: ChannelHandle, hint: Candidate) {
        let local = self.links.get(hint.source).map(|link| link.via().remote.ip());
        let credible = !hint.addr.ip().is_loopback() || local.is_some_and(|ip| ip.is_loopback());
        if credible
            && !self.by_device.contains_key(&hint.device)
            && Some(hint.device) != self.device()
        {
            self.add_candidate(now.mono, handle, hint.addr);
        }
    }

    /// Another attempt may be made in a channel that is live. While the store or the application is
    /// behind there is none: the session that came of it would be refused (BC-08.84).
    pub(crate) fn may_dial(&self) -> bool {
        self.meeting.has_room()
            && !self.is_behind()
            && self.links.len() < self.config.limits.node.links
            && !self.shutting_down
            && self.now.wall.is_some()
    }

    /// Dials what is due. The channels take turns, each with one address, so that one of many due
    /// addresses does not hold up the others (BC-08.81).
    pub(crate) fn dial_due(&mut self, now: Now) {
        if !self.may_dial() {
            return;
        }
        let last = self.dialled_last;
        let behind = self.channels.range((Bound::Excluded(last), Bound::Unbounded));
        let all = behind.chain(self.channels.range(..=last)).map(|(_, joined)| joined);
        let mut due: VecDeque<ChannelHandle> = all
            .filter(|joined| joined.channel().is_some())
            .filter(|joined| joined.candidates.poll_timeout().is_some_and(|at| at <= now.mono))
            .map(|joined| joined.handle)
            .collect();
        while self.may_dial()
            && let Some(handle) = due.pop_front()
        {
            let Some(joined) = self.channels.get_mut(&handle) else { continue };
            let Some(address) = joined.candidates.poll(now.mono) else { continue };
            let (chan, device) = (joined.chan, joined.candidates.device(&address));
            let verdict = self.judge(chan, &address, device);
            self.act_on_due(now, handle, address, &verdict);
            self.dialled_last = handle;
            due.push_back(handle);
        }
    }

    fn act_on_due(
        &mut self,
        now: Now,
        handle: ChannelHandle,
        address: SocketAddr,
        verdict: &Verdict,
    ) {
        let Some((joined, wall)) = self.channels.get_mut(&handle).zip(now.wall) else { return };
        let what = match verdict {
            Verdict::Dial => "sending a probe to it",
            Verdict::Busy => "another attempt is under way there",
            Verdict::Settled => "a member there is linked, or it is our own address",
            Verdict::Unreachable => "there is no socket for it",
        };
        let text = format_args!("channel {}: {address} is due: {what}", handle.0);
        self.log.add(now.mono, LogLevel::Debug, "meeting", text);
        match verdict {
            Verdict::Dial => {
                let (keys, links) = (&joined.keys, &self.links);
                let about = Context { now: now.mono, wall, channel: handle, keys, links };
                self.stats.handshakes_started += 1;
                self.meeting.dial(about, &mut self.rng, address);
            }
            Verdict::Busy => joined.candidates.on_busy(now.mono, address, BUSY),
            Verdict::Settled => joined.candidates.on_settled(now.mono, address),
            Verdict::Unreachable => joined.candidates.on_failed(now.mono, address),
        }
    }

    /// `device` is whom an earlier session found at `address`.
    fn judge(&self, chan: ChannelId, address: &SocketAddr, device: Option<Device>) -> Verdict {
        let mut there = self.links.iter().filter(|link| {
            link.is_open() && (link.via().remote == *address || Some(link.device()) == device)
        });
        let family = Family::of(address);
        if self.sockets.is_own(address)
            || there.clone().any(|link| link.shared().any(|shared| shared == chan))
        {
            Verdict::Settled
        } else if self.meeting.is_dialling(address) || there.any(|link| !link.has_heard()) {
            Verdict::Busy
        } else if self.sockets.of(family).is_some() {
            Verdict::Dial
        } else if self.requests.values().any(|pending| *pending == Pending::Bind(family)) {
            Verdict::Busy
        } else {
            Verdict::Unreachable
        }
    }

    /// `device` was reached at `address`: that is remembered.
    pub(crate) fn on_reached(
        &mut self,
        now: Now,
        channel: ChannelHandle,
        address: SocketAddr,
        device: Device,
    ) {
        let Some(joined) = self.channels.get_mut(&channel) else { return };
        let chan = joined.chan;
        if let Some(forgotten) = joined.candidates.on_linked(now.mono, address, device) {
            let key = records::address(chan, forgotten, None).key;
            self.ledger.add_if_room(Change::Delete(key));
        }
        joined.candidates.set_stored(&address);
        self.ledger.add_if_room(Change::Put(records::address(chan, address, now.wall)));
    }

    /// A linked `device` is at `address` now: there it is dialled if the link breaks, and there the
    /// others are told to look (BC-08.82).
    pub(crate) fn on_elsewhere(
        &mut self,
        now: Now,
        link: LinkId,
        channel: ChannelHandle,
        address: SocketAddr,
        device: Device,
    ) {
        let Some(joined) = self.channels.get_mut(&channel) else { return };
        if joined.candidates.may_store_move(now.mono) {
            self.on_reached(now, channel, address, device);
        } else if let Some(forgotten) = joined.candidates.on_linked(now.mono, address, device) {
            let key = records::address(joined.chan, forgotten, None).key;
            self.ledger.add_if_room(Change::Delete(key));
        }
        self.with_channel(now, channel, |joined, world| {
            joined.on_link_moved(now, link, address, world);
        });
    }

    /// The last link to a member is down, but a new one may come up soon.
    pub(crate) fn on_unreached(&mut self, now: Now, channel: ChannelHandle, address: SocketAddr) {
        let redial = REDIAL + Duration::from_millis(self.rng.public.below(500));
        if let Some(joined) = self.channels.get_mut(&channel) {
            joined.candidates.on_lost(now.mono, address, redial);
            if joined.candidates.set_stored(&address) {
                let record = records::address(joined.chan, address, now.wall);
                self.ledger.add_if_room(Change::Put(record));
            }
        }
    }

    /// A session over `address` ended. Whoever breaks the protocol, or says that we do, is not called
    /// again at once: it would only be the same again.
    pub(crate) fn on_session_ended(&mut self, now: Now, address: SocketAddr, ended: &Ended) {
        let hopeless = match ended {
            Ended::Violation(_) | Ended::Certificate => true,
            Ended::Peer(code) => !matches!(
                *code,
                code::NO_ERROR | code::REPLACED | code::NO_CHANNEL | code::GOING_AWAY
            ),
            Ended::Local(_) | Ended::Silence => false,
        };
        for joined in self.channels.values_mut() {
            if hopeless {
                joined.candidates.on_broken(now.mono, address);
            } else if !self.meeting.is_dialling(&address) {
                joined.candidates.on_ended(now.mono, address);
            }
        }
    }
}
