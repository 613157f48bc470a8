//! What the application is told. Kinds are numbered by area, a hundred numbers each: 1xx the node,
//! 2xx the store, 3xx links, 4xx channels, 5xx trackers.

use super::action::family_code;
use super::list::BITCHAT_CONTENT_TEXT;
use super::{BorrowedBytes, Inner, bitchat_node, enter};
use crate::sized_struct::{SizedStruct, check_struct, write_struct};
use crate::status::BITCHAT_PENDING;
use crate::values::{bitchat_address, bitchat_device};
use bitchat_core::base::ids::{ChannelHandle, EntryId, LinkId};
use bitchat_core::node::{
    ChannelUpdate, CloseReason, Content, Event, LinkUpdate, Message, NodeUpdate, StoreUpdate,
    TrackerState, TrackerUpdate,
};
use core::ffi::c_char;
use core::ptr;
use core::time::Duration;

/// A UDP socket is open at `address`.
pub const BITCHAT_EVENT_NODE_LISTENING: i32 = 101;
/// A UDP socket of `family` could not be opened; `text` says why. The other family goes on.
pub const BITCHAT_EVENT_NODE_LISTEN_FAILED: i32 = 102;
/// The wall clock is needed and unknown: the node waits.
pub const BITCHAT_EVENT_NODE_WALL_TIME_NEEDED: i32 = 103;
/// The node came to know somebody in the DHT, as `count` says; or nobody any more, if it is 0.
pub const BITCHAT_EVENT_NODE_DHT: i32 = 104;

/// The store could not read or write; `text` says why. What waits for it is kept and tried again, until
/// BITCHAT_EVENT_STORE_RECOVERED. Before the node's own records are read it answers nobody.
pub const BITCHAT_EVENT_STORE_FAILING: i32 = 201;
/// The store works again.
pub const BITCHAT_EVENT_STORE_RECOVERED: i32 = 202;
/// The record of this `key` is damaged, or not this node's. It was not used.
pub const BITCHAT_EVENT_STORE_DAMAGED: i32 = 203;

/// `link` to `device` at `address` is up: encrypted, ready for chat.
pub const BITCHAT_EVENT_LINK_UP: i32 = 301;
/// `link` has new keys, after `count` renewals.
pub const BITCHAT_EVENT_LINK_REKEYED: i32 = 302;
/// `link` moved to another `address` of the peer.
pub const BITCHAT_EVENT_LINK_MOVED: i32 = 303;
/// `link` to `device` ended: `state` is BITCHAT_CLOSE_..., `text` says it in words.
pub const BITCHAT_EVENT_LINK_CLOSED: i32 = 304;

/// `channel` is live; `count` messages were read back.
pub const BITCHAT_EVENT_CHANNEL_READY: i32 = 401;
/// `device` can be reached in `channel`.
pub const BITCHAT_EVENT_CHANNEL_MEMBER_UP: i32 = 402;
/// `device` cannot be reached in `channel` any more.
pub const BITCHAT_EVENT_CHANNEL_MEMBER_DOWN: i32 = 403;
/// A message, own or another's, is stored and part of the log of `channel`: `entry_id`, `device` (its
/// author), `chain`, `own`, `wall_ms`, `lamport`, `seq`, `text`. It may belong between earlier ones: the
/// order that everybody shows is (lamport, chain, seq), chains compared as by memcmp.
pub const BITCHAT_EVENT_CHANNEL_MESSAGE: i32 = 404;
/// `device` has stored this node's message `entry_id` of `channel`, and all of its earlier ones.
pub const BITCHAT_EVENT_CHANNEL_DELIVERED: i32 = 405;
/// `device` signed two different entries with one number. Nothing more of it is accepted in `channel`.
pub const BITCHAT_EVENT_CHANNEL_EQUIVOCATION: i32 = 406;
/// Others hold messages of this device in `channel` that its store does not, as after a restored
/// backup. The next message begins a new chain.
pub const BITCHAT_EVENT_CHANNEL_STORE_WENT_BACK: i32 = 407;
/// The log of `channel` is as large as it may be: nothing more is accepted.
pub const BITCHAT_EVENT_CHANNEL_LOG_FULL: i32 = 408;

/// The tracker `url` of `channel` is in another `state`, BITCHAT_TRACKER_...; when it works, it named
/// `count` peers; when it fails, `text` says why. It is asked again after `delay_ns`.
pub const BITCHAT_EVENT_TRACKER: i32 = 501;

/// An announce is on its way.
pub const BITCHAT_TRACKER_ANNOUNCING: i32 = 1;
/// The tracker answered; `text` is what it tells people, if anything.
pub const BITCHAT_TRACKER_WORKING: i32 = 2;
/// The tracker did not answer, or refused.
pub const BITCHAT_TRACKER_FAILED: i32 = 3;

/// This node closed the link.
pub const BITCHAT_CLOSE_LOCAL: i32 = 1;
/// The peer closed it; `count` is its close code.
pub const BITCHAT_CLOSE_PEER: i32 = 2;
/// Nothing was heard of the peer for too long.
pub const BITCHAT_CLOSE_TIMED_OUT: i32 = 3;
/// The peer broke the protocol.
pub const BITCHAT_CLOSE_VIOLATION: i32 = 4;
/// Another session of the same two devices took its place.
pub const BITCHAT_CLOSE_REPLACED: i32 = 5;
/// The peer's certificate ended.
pub const BITCHAT_CLOSE_CERTIFICATE_EXPIRED: i32 = 6;

/// Something that the application is told. Kinds are numbered by area: 1xx the node, 2xx the store, 3xx
/// links, 4xx channels, 5xx trackers. Each kind says which fields it uses; the others are zero.
/// Skip a kind that you do not know. Pointers live until the next call on the node.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_event {
    /// Set to sizeof(bitchat_event).
    pub struct_size: usize,
    /// BITCHAT_EVENT_...
    pub kind: i32,
    /// The channel.
    pub channel: u32,
    /// The link.
    pub link: u64,
    /// The peer's device.
    pub device: bitchat_device,
    /// Names a message.
    pub entry_id: [u8; 32],
    /// Where somebody is.
    pub address: bitchat_address,
    /// What it is now, or why.
    pub state: i32,
    /// How many.
    pub count: u64,
    /// How long from now.
    pub delay_ns: u64,
    /// The author's clock, in milliseconds since 1970; 0 if it is unknown. For display only.
    pub wall_ms: u64,
    /// Lamport time.
    pub lamport: u64,
    /// The author's number of the message.
    pub seq: u64,
    /// 1: this node wrote it.
    pub own: u8,
    /// BITCHAT_FAMILY_...
    pub family: u8,
    /// What a message holds: BITCHAT_CONTENT_TEXT, and it is in `text`; or the kind of something of a
    /// later version, whose bytes are in `key`: show that there is something.
    pub content: u8,
    /// 0.
    pub reserved: [u8; 5],
    /// Text, followed by a zero byte (and a message's may have some inside), or NULL.
    pub text: *const c_char,
    /// Bytes of the text, without the last zero.
    pub text_len: usize,
    /// Text with a zero byte, or NULL.
    pub url: *const c_char,
    /// A key of the store, or bytes that a message holds, or NULL.
    pub key: *const u8,
    /// How many bytes.
    pub key_len: usize,
    /// The chain that a message is in: the public log key that signed it. A device begins another one
    /// when its store was lost.
    pub chain: [u8; 32],
    /// The message that a message is shown next behind; zeros if it is the first. It may be an early
    /// one.
    pub after: [u8; 32],
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value.
unsafe impl SizedStruct for bitchat_event {
    const FIRST_SIZE: usize = core::mem::offset_of!(Self, chain);
}

/// Writes the next thing that the application is told to `out`; BITCHAT_PENDING if there is none.
///
/// # Safety
/// `node` is NULL or a live handle; `out` is NULL or valid for writes, with `struct_size` set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_poll_event(
    node: *mut bitchat_node,
    out: *mut bitchat_event,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter(node, |inner| {
            check_struct(out)?;
            let event = next_event(inner).ok_or(BITCHAT_PENDING)?;
            write_struct(&event, out)
        })
    }
}

/// The next event; what it points to is bytes.
pub(super) fn next_event(inner: &mut Inner) -> Option<bitchat_event> {
    loop {
        let event = inner.node.poll_event()?;
        let mut out = Filling::default();
        // A kind that this file does not know is skipped; a test rules that out.
        if out.fill(event).is_some() {
            return Some(out.lend(inner));
        }
    }
}

const EMPTY: bitchat_event = bitchat_event {
    struct_size: size_of::<bitchat_event>(),
    kind: 0,
    channel: 0,
    link: 0,
    device: bitchat_device { peer_id: [0; 32], device_id: [0; 16] },
    entry_id: [0; 32],
    address: bitchat_address { family: 0, reserved: 0, port: 0, ip: [0; 16] },
    state: 0,
    count: 0,
    delay_ns: 0,
    wall_ms: 0,
    lamport: 0,
    seq: 0,
    own: 0,
    family: 0,
    content: 0,
    reserved: [0; 5],
    text: ptr::null(),
    text_len: 0,
    url: ptr::null(),
    key: ptr::null(),
    key_len: 0,
    chain: [0; 32],
    after: [0; 32],
};

/// An event in the making: its texts are elsewhere until it is complete.
struct Filling {
    event: bitchat_event,
    text: Option<String>,
    url: Option<String>,
    key: Option<Vec<u8>>,
}

impl Default for Filling {
    fn default() -> Self {
        Self { event: EMPTY, text: None, url: None, key: None }
    }
}

impl Filling {
    fn fill(&mut self, event: Event) -> Option<()> {
        match event {
            Event::Node(update) => self.node(update),
            Event::Store(update) => self.store(update),
            Event::Link(link, update) => self.link(link, update),
            Event::Channel(channel, update) => self.channel(channel, update),
            Event::Tracker(channel, update) => {
                self.tracker(channel, update);
                Some(())
            }
            _ => None,
        }
    }

    fn node(&mut self, update: NodeUpdate) -> Option<()> {
        match update {
            NodeUpdate::Listening { local } => {
                self.kind(BITCHAT_EVENT_NODE_LISTENING).address = local.into();
            }
            NodeUpdate::ListenFailed { family, failure } => {
                self.kind(BITCHAT_EVENT_NODE_LISTEN_FAILED).family = family_code(family);
                self.text = Some(failure.to_string());
            }
            NodeUpdate::WallTimeNeeded => {
                self.kind(BITCHAT_EVENT_NODE_WALL_TIME_NEEDED);
            }
            NodeUpdate::Dht { nodes } => {
                self.kind(BITCHAT_EVENT_NODE_DHT).count = nodes.iter().sum::<usize>() as u64;
            }
            _ => return None,
        }
        Some(())
    }

    fn store(&mut self, update: StoreUpdate) -> Option<()> {
        match update {
            StoreUpdate::Failing { failure } => {
                self.kind(BITCHAT_EVENT_STORE_FAILING);
                self.text = Some(failure.to_string());
            }
            StoreUpdate::Recovered => {
                self.kind(BITCHAT_EVENT_STORE_RECOVERED);
            }
            StoreUpdate::Damaged { key } => {
                self.kind(BITCHAT_EVENT_STORE_DAMAGED);
                self.key = Some(key);
            }
            _ => return None,
        }
        Some(())
    }

    fn link(&mut self, link: LinkId, update: LinkUpdate) -> Option<()> {
        self.event.link = link.0;
        match update {
            LinkUpdate::Up { device, address } => {
                let event = self.kind(BITCHAT_EVENT_LINK_UP);
                (event.device, event.address) = (device.into(), address.into());
            }
            LinkUpdate::Rekeyed { generation } => {
                self.kind(BITCHAT_EVENT_LINK_REKEYED).count = generation;
            }
            LinkUpdate::Moved { address } => {
                self.kind(BITCHAT_EVENT_LINK_MOVED).address = address.into();
            }
            LinkUpdate::Closed { device, reason } => {
                let event = self.kind(BITCHAT_EVENT_LINK_CLOSED);
                event.device = device.into();
                (event.state, event.count) = close_state(&reason);
                self.text = Some(reason.to_string());
            }
            _ => return None,
        }
        Some(())
    }

    fn channel(&mut self, channel: ChannelHandle, update: ChannelUpdate) -> Option<()> {
        self.event.channel = channel.0;
        match update {
            ChannelUpdate::Ready { messages } => {
                self.kind(BITCHAT_EVENT_CHANNEL_READY).count = messages as u64;
            }
            ChannelUpdate::MemberUp { device } => {
                self.kind(BITCHAT_EVENT_CHANNEL_MEMBER_UP).device = device.into();
            }
            ChannelUpdate::MemberDown { device } => {
                self.kind(BITCHAT_EVENT_CHANNEL_MEMBER_DOWN).device = device.into();
            }
            ChannelUpdate::Message { message, after } => self.message(message, after),
            ChannelUpdate::Delivered { id, device } => {
                let event = self.kind(BITCHAT_EVENT_CHANNEL_DELIVERED);
                (event.entry_id, event.device) = (id.0, device.into());
            }
            ChannelUpdate::Equivocation { author } => {
                self.kind(BITCHAT_EVENT_CHANNEL_EQUIVOCATION).device = author.into();
            }
            ChannelUpdate::StoreWentBack => {
                self.kind(BITCHAT_EVENT_CHANNEL_STORE_WENT_BACK);
            }
            ChannelUpdate::LogFull => {
                self.kind(BITCHAT_EVENT_CHANNEL_LOG_FULL);
            }
            _ => return None,
        }
        Some(())
    }

    const fn kind(&mut self, kind: i32) -> &mut bitchat_event {
        self.event.kind = kind;
        &mut self.event
    }

    fn tracker(&mut self, channel: ChannelHandle, update: TrackerUpdate) {
        self.event.channel = channel.0;
        let event = self.kind(BITCHAT_EVENT_TRACKER);
        match update.state {
            TrackerState::Announcing => event.state = BITCHAT_TRACKER_ANNOUNCING,
            TrackerState::Working { peers, next, warning } => {
                event.state = BITCHAT_TRACKER_WORKING;
                (event.count, event.delay_ns) = (peers as u64, nanos(next));
                self.text = warning;
            }
            TrackerState::Failed { reason, retry } => {
                event.state = BITCHAT_TRACKER_FAILED;
                event.delay_ns = nanos(retry);
                self.text = Some(reason);
            }
        }
        self.url = Some(update.url);
    }

    fn message(&mut self, message: Message, after: Option<EntryId>) {
        let event = self.kind(BITCHAT_EVENT_CHANNEL_MESSAGE);
        event.entry_id = message.id.0;
        event.device = message.author.into();
        event.chain = message.chain.0;
        event.own = message.own.into();
        event.wall_ms = message.wall.map_or(0, |wall| wall.0);
        event.lamport = message.lamport;
        event.seq = message.seq;
        event.after = after.map_or([0; 32], |id| id.0);
        match message.content {
            Content::Text(text) => {
                event.content = BITCHAT_CONTENT_TEXT;
                self.text = Some(text);
            }
            Content::Unknown { kind, bytes } => {
                event.content = kind;
                self.key = Some(bytes);
            }
            _ => (),
        }
    }

    /// Lends texts and key to the caller.
    fn lend(self, inner: &mut Inner) -> bitchat_event {
        let Self { mut event, text, url, key } = self;
        if text.is_none() && url.is_none() && key.is_none() {
            return event;
        }
        let mut bytes = BorrowedBytes::default();
        let text_at = text.as_ref().map(|text| bytes.text(text));
        let url_at = url.map(|url| bytes.text(&url));
        let key_at = key.as_ref().map(|key| bytes.bytes(key));
        let start = bytes.borrow(inner);
        let pointer = |at: Option<usize>| at.map_or(ptr::null(), |at| start.wrapping_add(at));
        event.text = pointer(text_at).cast();
        event.text_len = text.map_or(0, |text| text.len());
        event.url = pointer(url_at).cast();
        event.key = pointer(key_at);
        event.key_len = key.map_or(0, |key| key.len());
        event
    }
}

/// BITCHAT_CLOSE_..., and the peer's code.
const fn close_state(reason: &CloseReason) -> (i32, u64) {
    match reason {
        CloseReason::Local => (BITCHAT_CLOSE_LOCAL, 0),
        CloseReason::Peer { code } => (BITCHAT_CLOSE_PEER, *code),
        CloseReason::TimedOut => (BITCHAT_CLOSE_TIMED_OUT, 0),
        CloseReason::Violation(_) => (BITCHAT_CLOSE_VIOLATION, 0),
        CloseReason::Replaced => (BITCHAT_CLOSE_REPLACED, 0),
        CloseReason::CertificateExpired => (BITCHAT_CLOSE_CERTIFICATE_EXPIRED, 0),
        _ => (0, 0),
    }
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
