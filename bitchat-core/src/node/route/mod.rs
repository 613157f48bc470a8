//! What one owner brings is carried to the others.

mod channels;
mod handshakes;
mod links;

use super::Node;
use super::channels::joined::{ChannelContext, JoinedChannel};
use crate::base::ids::{ChannelHandle, LinkId};
use crate::base::rng::Rng;
use crate::base::time::Now;
use crate::link::{Link, LinkEvent};

impl Node {
    /// Runs a link and acts on what happened on it.
    pub(super) fn with_link<T>(
        &mut self,
        now: Now,
        id: LinkId,
        body: impl FnOnce(&mut Link, &mut Rng, &mut Vec<LinkEvent>) -> T,
    ) -> Option<T> {
        let (result, mut events) = self.sessions.run(id, &mut self.fx.rng, body)?;
        for event in events.drain(..) {
            self.on_link_event(now, id, event);
        }
        self.sessions.put_events(events);
        Some(result)
    }

    /// Runs a channel and acts on what it wants.
    pub(super) fn with_channel<T>(
        &mut self,
        now: Now,
        handle: ChannelHandle,
        body: impl FnOnce(&mut JoinedChannel, ChannelContext<'_>) -> T,
    ) -> Option<T> {
        self.channels.get(handle)?;
        let mut effects = self.channels.take_effects();
        let joined = self.channels.get_mut(handle)?;
        let context = ChannelContext {
            links: &mut self.sessions.links,
            store: &mut self.store,
            secret: &mut self.fx.rng.secret,
            identity: &self.own.identity,
            effects: &mut effects,
        };
        let result = body(joined, context);
        for event in effects.events.drain(..) {
            self.on_channel_event(handle, &event);
        }
        for hint in effects.candidates.drain(..) {
            // A device need not be told where it is itself.
            if Some(hint.device) != self.own.device() {
                let outbox = &mut self.fx.outbox;
                self.discovery.on_hint(now, handle, hint, &self.sessions, outbox);
            }
        }
        for (link, fault) in effects.violations.drain(..) {
            self.with_link(now, link, |link, _, events| {
                link.close_for_violation(now.mono, &fault.to_string(), events);
            });
        }
        self.channels.put_effects(effects);
        Some(result)
    }
}
