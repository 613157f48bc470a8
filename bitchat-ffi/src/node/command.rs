//! What the application may ask of a node.

use super::{Inner, bitchat_node, enter, enter_at};
use crate::boundary::{read_32, read_seed, read_slice, read_text, write_32, write_value};
use crate::chatfile::{bitchat_chatfile, target_policy, write_handle};
use crate::status::{
    BITCHAT_ERR_INVALID, BITCHAT_ERR_INVITE_ONLY, BITCHAT_ERR_JOINED, BITCHAT_ERR_LOG_FULL,
    BITCHAT_ERR_NOT_READY, BITCHAT_ERR_NULL, BITCHAT_ERR_SHUTTING_DOWN, BITCHAT_ERR_STORE_BUSY,
    BITCHAT_ERR_TOO_MANY, BITCHAT_ERR_UNKNOWN, BITCHAT_PENDING,
};
use crate::values::{bitchat_address, bitchat_device, bitchat_error};
use bitchat_core::base::ids::{ChannelHandle, PeerId};
use bitchat_core::base::limits::Limits;
use bitchat_core::channel;
use bitchat_core::chatfile::JoinLink;
use bitchat_core::node::{JoinError, PeerHint, SendError, UnknownChannel};
use core::ffi::c_char;

fn unknown(_: UnknownChannel) -> i32 {
    BITCHAT_ERR_UNKNOWN
}

/// Joins a channel and writes the number that names it in other calls and in events to `channel`. Its
/// history is read back first; BITCHAT_EVENT_CHANNEL_READY says when it is live. The file is copied.
/// With a negative status `why` says what is in the way.
///
/// # Safety
/// `node` and `file` are NULL or live handles; `channel` is NULL or valid for writes; `why` is NULL or
/// valid for reads and writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_join(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    file: *const bitchat_chatfile,
    channel: *mut u32,
    why: *mut bitchat_error,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter_at(node, mono_ns, wall_ms, |node, now| {
            bitchat_error::check(why)?;
            let file = file.as_ref().ok_or(BITCHAT_ERR_NULL)?;
            if channel.is_null() {
                return Err(BITCHAT_ERR_NULL);
            }
            let joined = node.join(now, &file.0);
            let joined = joined.map_err(|e| bitchat_error::say_as(join_status(e), why, e))?;
            write_value(joined.0, channel)
        })
    }
}

/// Joins the channel of a `dotchat:join/` or `magnet:` link, which is text with a zero byte. The first
/// member met says what the channel is; that is checked against the link and stored. Only then is it
/// ready (BITCHAT_EVENT_CHANNEL_READY) and can be read and written to, and `bitchat_node_chat_file`
/// gives its file. Joining by the same link again needs nobody. `allow_local` is 0, or 1 to accept
/// trackers and peers on loopback and private addresses. BITCHAT_ERR_INVALID if the text is no link or
/// has a typing error. With a negative status `why` says what is wrong. That a channel is invite-only
/// is not in a link: it is never ready then.
///
/// # Safety
/// `node` is NULL or a live handle; `link` is NULL or text with a zero byte; `channel` is NULL or valid
/// for writes; `why` is NULL or valid for reads and writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_join_link(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    link: *const c_char,
    allow_local: i32,
    channel: *mut u32,
    why: *mut bitchat_error,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter_at(node, mono_ns, wall_ms, |node, now| {
            bitchat_error::check(why)?;
            let (link, policy) = (read_text(link)?, target_policy(allow_local)?);
            if channel.is_null() {
                return Err(BITCHAT_ERR_NULL);
            }
            let link = JoinLink::parse(link, &Limits::default(), policy)
                .map_err(|reason| bitchat_error::say(why, reason))?;
            let joined = node.join_link(now, &link);
            let joined = joined.map_err(|e| bitchat_error::say_as(join_status(e), why, e))?;
            write_value(joined.0, channel)
        })
    }
}

/// Writes a handle to the channel's file to `out`: the file that it was joined by or, where that was a
/// link, what a member gave, with the link's trackers and peers. BITCHAT_ERR_NOT_READY until then.
/// Free it with `bitchat_chatfile_free`.
///
/// # Safety
/// `node` is NULL or a live handle; `out` is NULL or valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_chat_file(
    node: *mut bitchat_node,
    channel: u32,
    out: *mut *mut bitchat_chatfile,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter(node, |inner| {
            let file = inner.node.chat_file(ChannelHandle(channel)).map_err(unknown)?;
            write_handle(file.ok_or(BITCHAT_ERR_NOT_READY)?.clone(), out)
        })
    }
}

const fn join_status(error: JoinError) -> i32 {
    match error {
        JoinError::AlreadyJoined => BITCHAT_ERR_JOINED,
        JoinError::TooMany(_) => BITCHAT_ERR_TOO_MANY,
        JoinError::InviteOnly => BITCHAT_ERR_INVITE_ONLY,
        JoinError::ShuttingDown => BITCHAT_ERR_SHUTTING_DOWN,
        _ => BITCHAT_ERR_INVALID,
    }
}

/// Leaves a channel: its links let go of it and its trackers are told. What is stored of it stays.
///
/// # Safety
/// `node` is NULL or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_leave(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    channel: u32,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter_at(node, mono_ns, wall_ms, |node, now| {
            node.leave(now, ChannelHandle(channel)).map_err(unknown)
        })
    }
}

/// Writes a text of 1 to 65,536 bytes of UTF-8 to everybody in the channel. It is stored first, then
/// shown (BITCHAT_EVENT_CHANNEL_MESSAGE) and sent. The message's 32-byte name is written to `entry_id` unless
/// that is NULL. With any error nothing was written, and `why` says what is in the way.
///
/// # Safety
/// `node` is NULL or a live handle; `text` is NULL or valid for reads of `len` bytes; `entry_id` is
/// NULL or valid for writes of 32 bytes; `why` is NULL or valid for reads and writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_send_text(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    channel: u32,
    text: *const c_char,
    len: usize,
    entry_id: *mut u8,
    why: *mut bitchat_error,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter_at(node, mono_ns, wall_ms, |node, now| {
            bitchat_error::check(why)?;
            if text.is_null() {
                return Err(BITCHAT_ERR_NULL);
            }
            let text = read_slice(text.cast::<u8>(), len)?;
            let text = core::str::from_utf8(text).map_err(|e| bitchat_error::say(why, e))?;
            let sent = node.send_text(now, ChannelHandle(channel), text);
            let id = sent.map_err(|e| bitchat_error::say_as(send_status(e), why, e))?;
            if entry_id.is_null() { Ok(()) } else { write_32(&id.0, entry_id) }
        })
    }
}

const fn send_status(error: SendError) -> i32 {
    use channel::SendError as Refused;
    match error {
        SendError::Unknown(_) => BITCHAT_ERR_UNKNOWN,
        SendError::NotReady => BITCHAT_ERR_NOT_READY,
        SendError::StoreBusy | SendError::Refused(Refused::Busy) => BITCHAT_ERR_STORE_BUSY,
        SendError::Refused(Refused::LogFull) => BITCHAT_ERR_LOG_FULL,
        _ => BITCHAT_ERR_INVALID,
    }
}

/// Names an address where a member may be. `peer_id` is the 32-byte id of who is expected, or NULL.
///
/// # Safety
/// `node` is NULL or a live handle; `address` is NULL or valid for reads; `peer_id` is NULL or valid
/// for reads of 32 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_add_peer(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    channel: u32,
    address: *const bitchat_address,
    peer_id: *const u8,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter_at(node, mono_ns, wall_ms, |node, now| {
            let address = address.as_ref().ok_or(BITCHAT_ERR_NULL)?.socket()?;
            let peer = if peer_id.is_null() { None } else { Some(PeerId(read_32(peer_id)?)) };
            node.add_peer(now, ChannelHandle(channel), PeerHint { address, peer }).map_err(unknown)
        })
    }
}

/// Starts a key renewal on every link, and writes on how many to `links` unless that is NULL.
///
/// # Safety
/// `node` is NULL or a live handle; `links` is NULL or valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_renew_keys(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    links: *mut usize,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter_at(node, mono_ns, wall_ms, |node, now| {
            let renewed = node.renew_keys(now);
            if links.is_null() { Ok(()) } else { write_value(renewed, links) }
        })
    }
}

/// Mixes fresh entropy in, after a fork or a resumed virtual machine; all links are dropped. `seed` is
/// 32 bytes, or NULL for the operating system's.
///
/// # Safety
/// `node` is NULL or a live handle; `seed` is NULL or valid for reads of 32 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_reseed(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    seed: *const u8,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter_at(node, mono_ns, wall_ms, |node, now| {
            node.reseed(now, &read_seed(seed)?);
            Ok(())
        })
    }
}

/// Begins to end: links are closed and trackers told. Go on driving the node until
/// `bitchat_node_is_drained`, or as long as you care to wait, and then free it.
///
/// # Safety
/// `node` is NULL or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_shutdown(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter_at(node, mono_ns, wall_ms, |node, now| {
            node.shutdown(now);
            Ok(())
        })
    }
}

/// BITCHAT_OK if, after `bitchat_node_shutdown`, everything has been said and stored; BITCHAT_PENDING
/// if not.
///
/// # Safety
/// `node` is NULL or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_is_drained(node: *const bitchat_node) -> i32 {
    let answer = |inner: &mut Inner| {
        if inner.node.is_drained() { Ok(()) } else { Err(BITCHAT_PENDING) }
    };
    // SAFETY: as the caller says.
    unsafe { enter(node, answer) }
}

/// Writes who this node is, identity and device, to `out`; BITCHAT_PENDING until its device was read
/// back from the store.
///
/// # Safety
/// `node` is NULL or a live handle; `out` is NULL or valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_device(
    node: *const bitchat_node,
    out: *mut bitchat_device,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter(node, |inner| {
            let device = inner.node.device().ok_or(BITCHAT_PENDING)?;
            write_value(device.into(), out)
        })
    }
}
