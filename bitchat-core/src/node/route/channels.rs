//! What a channel tells of itself, and channels going live.

use crate::base::ids::ChannelHandle;
use crate::channel::{Channel, ChannelEvent, FullReason};
use crate::chatfile::ChatFile;
use crate::node::Node;
use crate::node::api::{Change, ChannelUpdate, Event};
use crate::node::channels::origin::Origin;
use crate::node::channels::records;
use crate::node::log::LogLevel;
use crate::node::store::Owner;

impl Node {
    pub(in crate::node) fn on_channel_event(
        &mut self,
        channel: ChannelHandle,
        event: &ChannelEvent,
    ) {
        let shown = self.channels.get(channel).is_some_and(|joined| joined.shown().is_some());
        let event = match *event {
            ChannelEvent::Info(ref file) => {
                self.on_info(channel, file);
                None
            }
            ChannelEvent::Message { .. } | ChannelEvent::Delivered { .. } if !shown => None,
            ChannelEvent::Message { id, after, .. } => self.message_event(channel, &id, after),
            ChannelEvent::Delivered { entry, device } => {
                Some(Event::Channel(channel, ChannelUpdate::Delivered { id: entry, device }))
            }
            ChannelEvent::AuthorEquivocated { device, .. } => {
                Some(Event::Channel(channel, ChannelUpdate::Equivocation { author: device }))
            }
            ChannelEvent::OwnChainForked { .. } => {
                Some(Event::Channel(channel, ChannelUpdate::StoreWentBack))
            }
            ChannelEvent::Full(FullReason::Log) => {
                Some(Event::Channel(channel, ChannelUpdate::LogFull))
            }
            // Only chains that nobody builds on are kept out.
            ChannelEvent::Full(FullReason::Authors) => None,
        };
        if let Some(event) = event {
            self.fx.outbox.tell(event);
        }
    }

    /// A channel is ready once its history is read back and it is known what it is.
    pub(in crate::node) fn tell_ready(&mut self, handle: ChannelHandle) {
        let Some(joined) = self.channels.get(handle) else { return };
        match joined.shown().map(Channel::message_count) {
            Some(messages) => {
                self.fx.outbox.tell(Event::Channel(handle, ChannelUpdate::Ready { messages }));
            }
            None => {
                let text = format_args!("channel {} waits for a member to send its info", handle.0);
                self.fx.outbox.note(LogLevel::Info, "channel", text);
            }
        }
    }

    /// A member sent `info` of a channel that was joined by a link. It is remembered, so that the next
    /// stay needs nobody.
    fn on_info(&mut self, handle: ChannelHandle, file: &ChatFile) {
        let Some(joined) = self.channels.get_mut(handle) else { return };
        joined.origin = Origin::File(Box::new(file.clone()));
        let record = records::info(joined.chan, file.encode_bare());
        self.store.add(Change::Put(record), Owner::Node);
        self.tell_ready(handle);
    }
}
