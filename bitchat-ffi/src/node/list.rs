//! What the node knows: messages, links, deliveries, counters.

use super::event::nanos;
use super::{Borrow, bitchat_node, enter};
use crate::boundary::{guard, read_32, write_value};
use crate::sized_struct::{SizedStruct, write_struct};
use crate::status::{
    BITCHAT_ERR_INVALID, BITCHAT_ERR_NULL, BITCHAT_ERR_SHORT, BITCHAT_ERR_UNKNOWN,
};
use crate::values::{bitchat_address, bitchat_device};
use bitchat_core::base::ids::{ChannelHandle, EntryId};
use bitchat_core::node::{Content, LinkInfo, Message, Page};
use core::ffi::c_char;
use core::mem::offset_of;
use core::ptr;

/// Writes where a list is and how many it holds.
///
/// # Safety
/// `out` and `count` are NULL or valid for writes.
unsafe fn write_list<T>(
    list: *const T,
    size: usize,
    out: *mut *const T,
    count: *mut usize,
) -> Result<(), i32> {
    if out.is_null() {
        return Err(BITCHAT_ERR_NULL);
    }
    // SAFETY: as the caller says.
    unsafe {
        write_value(size, count)?;
        write_value(list, out)
    }
}

/// Writes what `value` makes of the item of this index to `out`.
///
/// # Safety
/// `out` is NULL or valid for writes, with `struct_size` set.
unsafe fn write_item<T, S: SizedStruct>(
    items: Option<&Vec<T>>,
    index: usize,
    value: impl FnOnce(&T) -> S,
    out: *mut S,
) -> i32 {
    guard(|| {
        let item = items.ok_or(BITCHAT_ERR_NULL)?.get(index).ok_or(BITCHAT_ERR_UNKNOWN)?;
        // SAFETY: as the caller says.
        unsafe { write_struct(&value(item), out) }
    })
}

/// The messages of a channel.
#[expect(non_camel_case_types, reason = "the name in C")]
pub struct bitchat_messages(Vec<Message>);

/// A message. Pointers live as long as the list.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_message {
    /// Set to sizeof(bitchat_message).
    pub struct_size: usize,
    /// Names the message.
    pub entry_id: [u8; 32],
    /// Who wrote it, on which device.
    pub author: bitchat_device,
    /// The author's clock, in milliseconds since 1970; 0 if it is unknown. For display only.
    pub wall_ms: u64,
    /// Lamport time.
    pub lamport: u64,
    /// The author's number of the message.
    pub seq: u64,
    /// What it says, if `content` is BITCHAT_CONTENT_TEXT; else bytes that this version does not
    /// understand. NOT followed by a zero byte.
    pub text: *const c_char,
    /// How many bytes.
    pub text_len: usize,
    /// 1: this node wrote it.
    pub own: u32,
    /// BITCHAT_CONTENT_TEXT, or the kind of something of a later version: show that there is
    /// something.
    pub content: u32,
    /// The chain that it is in: the public log key that signed it. The order that everybody shows is
    /// (lamport, chain, seq), chains compared as by memcmp.
    pub chain: [u8; 32],
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value.
unsafe impl SizedStruct for bitchat_message {
    const FIRST_SIZE: usize = offset_of!(Self, chain);
}

/// What a message holds: a text in UTF-8.
pub const BITCHAT_CONTENT_TEXT: u8 = 1;

/// The earliest messages.
pub const BITCHAT_PAGE_FIRST: i32 = 0;
/// The latest messages.
pub const BITCHAT_PAGE_LAST: i32 = 1;
/// The messages next behind one.
pub const BITCHAT_PAGE_AFTER: i32 = 2;
/// The messages next before one.
pub const BITCHAT_PAGE_BEFORE: i32 = 3;

/// Writes up to `limit` messages of a channel to `list`, in the order that everybody shows, and how
/// many they are to `count`; none while the channel is read back. `page` says which:
/// BITCHAT_PAGE_FIRST or _LAST, and `entry_id` is NULL; or _AFTER or _BEFORE, and `entry_id` names a
/// message of the channel (else BITCHAT_ERR_UNKNOWN). To read all, go on behind the last message of
/// each page until one is empty. The list lives until the next call on the node.
///
/// # Safety
/// `node` is NULL or a live handle; `entry_id` is NULL or valid for reads of 32 bytes; `list` and
/// `count` are NULL or valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_messages(
    node: *mut bitchat_node,
    channel: u32,
    page: i32,
    entry_id: *const u8,
    limit: usize,
    list: *mut *const bitchat_messages,
    count: *mut usize,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter(node, |inner| {
            if list.is_null() {
                return Err(BITCHAT_ERR_NULL);
            }
            let page = match page {
                BITCHAT_PAGE_FIRST => Page::First,
                BITCHAT_PAGE_LAST => Page::Last,
                BITCHAT_PAGE_AFTER => Page::After(EntryId(read_32(entry_id)?)),
                BITCHAT_PAGE_BEFORE => Page::Before(EntryId(read_32(entry_id)?)),
                _ => return Err(BITCHAT_ERR_INVALID),
            };
            let messages = inner.node.messages(ChannelHandle(channel), page, limit);
            let messages = messages.map_err(|_| BITCHAT_ERR_UNKNOWN)?;
            let size = messages.len();
            inner.borrow = Borrow::Messages(Box::new(bitchat_messages(messages)));
            // The pointer is taken where the list stays: moving a box ends the pointers into it.
            let Borrow::Messages(messages) = &inner.borrow else { return Ok(()) };
            write_list(ptr::from_ref(&**messages), size, list, count)
        })
    }
}

/// Writes the message of this index, counted from 0, to `out`. Does not count as a call on the node.
///
/// # Safety
/// `list` is NULL or alive; `out` is NULL or valid for writes, with `struct_size` set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_messages_get(
    list: *const bitchat_messages,
    index: usize,
    out: *mut bitchat_message,
) -> i32 {
    let value = |message: &Message| {
        let (content, bytes) = match &message.content {
            Content::Text(text) => (BITCHAT_CONTENT_TEXT.into(), text.as_bytes()),
            Content::Unknown { kind, bytes } => ((*kind).into(), &bytes[..]),
            _ => (0, &[][..]),
        };
        bitchat_message {
            struct_size: 0,
            entry_id: message.id.0,
            author: message.author.into(),
            wall_ms: message.wall.map_or(0, |wall| wall.0),
            lamport: message.lamport,
            seq: message.seq,
            text: bytes.as_ptr().cast(),
            text_len: bytes.len(),
            own: message.own.into(),
            content,
            chain: message.chain.0,
        }
    };
    // SAFETY: as the caller says.
    unsafe { write_item(list.as_ref().map(|list| &list.0), index, value, out) }
}

/// The links of a node.
#[expect(non_camel_case_types, reason = "the name in C")]
pub struct bitchat_links(Vec<(LinkInfo, Vec<u8>)>);

/// A link. Pointers live as long as the list.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_link {
    /// Set to sizeof(bitchat_link).
    pub struct_size: usize,
    /// Names the link.
    pub link: u64,
    /// Whose device it leads to.
    pub device: bitchat_device,
    /// Where it is.
    pub address: bitchat_address,
    /// 0.
    pub reserved: u32,
    /// How many key renewals it has had.
    pub generation: u64,
    /// Smoothed round-trip time; 0 until it was measured.
    pub rtt_ns: u64,
    /// Bytes of the largest UDP payload that its path is known to carry.
    pub path_mtu: u64,
    /// How many paths to the peer are known to work, the one in use among them.
    pub paths: u64,
    /// The ids of the channels that it carries, 20 bytes each behind each other.
    pub channel_ids: *const u8,
    /// How many channels.
    pub channel_count: usize,
    /// The smallest round-trip time; 0 until it was measured.
    pub min_rtt_ns: u64,
    /// Bytes a second that the path carries by estimate, what a sender of media is to keep below; 0
    /// until it was measured, and low until much was sent.
    pub rate: u64,
    /// Bytes that may be in flight.
    pub window: u64,
    /// Packets lost lately, in thousandths; 0 until enough were sent to tell.
    pub loss: u32,
    /// 0.
    pub reserved2: u32,
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value.
unsafe impl SizedStruct for bitchat_link {
    const FIRST_SIZE: usize = offset_of!(Self, min_rtt_ns);
}

/// Writes the links that carry chat to `list` and how many they are to `count`. The list lives until
/// the next call on the node.
///
/// # Safety
/// `node` is NULL or a live handle; `list` and `count` are NULL or valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_links(
    node: *mut bitchat_node,
    list: *mut *const bitchat_links,
    count: *mut usize,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter(node, |inner| {
            let links = inner.node.links().into_iter();
            let with_ids = |link: LinkInfo| {
                let ids = link.channels.iter().flat_map(|chan| chan.0).collect();
                (link, ids)
            };
            let links: Vec<_> = links.map(with_ids).collect();
            let size = links.len();
            inner.borrow = Borrow::Links(Box::new(bitchat_links(links)));
            let Borrow::Links(links) = &inner.borrow else { return Ok(()) };
            write_list(ptr::from_ref(&**links), size, list, count)
        })
    }
}

/// Writes the link of this index, counted from 0, to `out`. Does not count as a call on the node.
///
/// # Safety
/// `list` is NULL or alive; `out` is NULL or valid for writes, with `struct_size` set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_links_get(
    list: *const bitchat_links,
    index: usize,
    out: *mut bitchat_link,
) -> i32 {
    let value = |(link, channel_ids): &(LinkInfo, Vec<u8>)| bitchat_link {
        struct_size: 0,
        link: link.link.0,
        device: link.device.into(),
        address: link.address.into(),
        reserved: 0,
        generation: link.generation,
        rtt_ns: link.rtt.map_or(0, nanos),
        path_mtu: link.path_mtu as u64,
        paths: link.paths as u64,
        channel_ids: channel_ids.as_ptr(),
        channel_count: link.channels.len(),
        min_rtt_ns: link.min_rtt.map_or(0, nanos),
        rate: link.rate.unwrap_or(0),
        window: link.window,
        loss: link.loss.into(),
        reserved2: 0,
    };
    // SAFETY: as the caller says.
    unsafe { write_item(list.as_ref().map(|list| &list.0), index, value, out) }
}

/// Writes the devices that have stored a message of this node, as far as they said, to `devices`.
/// `*count` is the room there, and becomes how many they are.
///
/// # Safety
/// `node` is NULL or a live handle; `entry_id` is NULL or valid for reads of 32 bytes; `count` is NULL
/// or valid for reads and writes; `devices` is NULL or valid for writes of `*count` devices.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_delivered(
    node: *const bitchat_node,
    channel: u32,
    entry_id: *const u8,
    devices: *mut bitchat_device,
    count: *mut usize,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter(node, |inner| {
            let id = EntryId(read_32(entry_id)?);
            let found = inner.node.delivered(ChannelHandle(channel), id);
            let found = found.map_err(|_| BITCHAT_ERR_UNKNOWN)?;
            if count.is_null() {
                return Err(BITCHAT_ERR_NULL);
            }
            if count.replace(found.len()) < found.len() {
                return Err(BITCHAT_ERR_SHORT);
            }
            if devices.is_null() && !found.is_empty() {
                return Err(BITCHAT_ERR_NULL);
            }
            for (index, device) in found.into_iter().enumerate() {
                devices.add(index).write(device.into());
            }
            Ok(())
        })
    }
}

/// Counters since the node started.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_stats {
    /// Set to sizeof(bitchat_stats).
    pub struct_size: usize,
    /// Datagrams handed in.
    pub datagrams_in: u64,
    /// Datagrams handed out.
    pub datagrams_out: u64,
    /// Datagrams that belonged to nothing this node takes part in.
    pub dropped_unknown: u64,
    /// Datagrams of a link that did not authenticate.
    pub dropped_auth: u64,
    /// Datagrams of a link that had been seen before, or were too old to tell.
    pub dropped_replay: u64,
    /// Probes answered.
    pub probes_answered: u64,
    /// Handshakes begun by this node.
    pub handshakes_started: u64,
    /// Handshakes that failed or timed out, either role.
    pub handshakes_failed: u64,
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value.
unsafe impl SizedStruct for bitchat_stats {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Writes the counters since the start to `out`.
///
/// # Safety
/// `node` is NULL or a live handle; `out` is NULL or valid for writes, with `struct_size` set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_stats(
    node: *const bitchat_node,
    out: *mut bitchat_stats,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter(node, |inner| {
            let stats = inner.node.stats();
            let value = bitchat_stats {
                struct_size: 0,
                datagrams_in: stats.datagrams_in,
                datagrams_out: stats.datagrams_out,
                dropped_unknown: stats.dropped_unknown,
                dropped_auth: stats.dropped_auth,
                dropped_replay: stats.dropped_replay,
                probes_answered: stats.probes_answered,
                handshakes_started: stats.handshakes_started,
                handshakes_failed: stats.handshakes_failed,
            };
            write_struct(&value, out)
        })
    }
}
