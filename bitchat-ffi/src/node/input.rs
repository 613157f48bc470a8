//! What happened in the world, and answers to actions.

use super::{bitchat_node, enter_at};
use crate::boundary::{read_slice, read_text, write_slice};
use crate::sized_struct::{SizedStruct, read_struct};
use crate::status::{BITCHAT_ERR_INVALID, BITCHAT_ERR_NULL};
use crate::values::{BITCHAT_FAMILY_NONE, bitchat_address, ecn_from_c};
use bitchat_core::base::ids::{RequestId, SocketId, StreamId};
use bitchat_core::base::time::UnixMillis;
use bitchat_core::node::{Failure, Input, Node, Record};
use bytes::Bytes;
use core::ffi::c_char;
use core::net::IpAddr;

/// A record that was read back. All records of one call have the same `struct_size`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_record {
    /// Set to sizeof(bitchat_record).
    pub struct_size: usize,
    /// Its name.
    pub key: *const u8,
    /// How many bytes.
    pub key_len: usize,
    /// What was stored.
    pub value: *const u8,
    /// How many bytes.
    pub value_len: usize,
    /// As it was stored.
    pub expires_ms: u64,
    /// As it was stored.
    pub secret: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value.
unsafe impl SizedStruct for bitchat_record {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Datagrams that arrived: one, or several of equal length behind each other from one sender.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_datagram {
    /// Set to sizeof(bitchat_datagram).
    pub struct_size: usize,
    /// The bytes. They are decrypted in place: they change.
    pub data: *mut u8,
    /// How many bytes.
    pub len: usize,
    /// The length of each datagram; the last may be shorter. 0 means one.
    pub stride: usize,
    /// Your name for the socket that they arrived on.
    pub socket: u32,
    /// BITCHAT_ECN_…: the mark in their IP headers, the same for all; BITCHAT_ECN_NONE if it is not
    /// known.
    pub ecn: u32,
    /// Who sent them.
    pub from: bitchat_address,
    /// The address of this host that they were sent to (its port does not matter), or BITCHAT_FAMILY_NONE
    /// if it is not known: answers leave from there.
    pub local: bitchat_address,
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value.
unsafe impl SizedStruct for bitchat_datagram {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Hands `input` to the node.
///
/// # Safety
/// `node` is NULL or a live handle.
unsafe fn hand_in(node: *mut bitchat_node, mono_ns: u64, wall_ms: u64, input: Input<'_>) -> i32 {
    let body = |node: &mut Node, now| {
        node.handle_input(now, input);
        Ok(())
    };
    // SAFETY: as the caller says.
    unsafe { enter_at(node, mono_ns, wall_ms, body) }
}

/// Datagrams arrived.
///
/// # Safety
/// `node` is NULL or a live handle; `datagram` is NULL or valid for reads, and its `data` is NULL or
/// valid for reads and writes of `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_datagram(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    datagram: *const bitchat_datagram,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter_at(node, mono_ns, wall_ms, |node, now| {
            let datagram = read_struct(datagram)?;
            let from = datagram.from.socket()?;
            let data = write_slice(datagram.data, datagram.len)?;
            let (socket, stride) = (SocketId(datagram.socket), datagram.stride);
            let ecn = ecn_from_c(datagram.ecn)?;
            let local = match datagram.local.family {
                BITCHAT_FAMILY_NONE => None,
                _ => Some(datagram.local.ip()?),
            };
            node.handle_input(now, Input::Datagram { socket, from, local, ecn, stride, data });
            Ok(())
        })
    }
}

/// BITCHAT_ACTION_BIND_UDP is done: `socket` is your name for it, never reused, and `local` is the
/// address that it is bound to, with the port that was chosen.
///
/// # Safety
/// `node` is NULL or a live handle; `local` is NULL or valid for reads.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_bound(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    request: u64,
    socket: u32,
    local: *const bitchat_address,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter_at(node, mono_ns, wall_ms, |node, now| {
            let local = local.as_ref().ok_or(BITCHAT_ERR_NULL)?.socket()?;
            let (request, socket) = (RequestId(request), SocketId(socket));
            node.handle_input(now, Input::Bound { request, socket, local });
            Ok(())
        })
    }
}

/// The host's own addresses (their ports do not matter), at start and whenever they change. Without
/// them the node cannot tell others on its network where it is.
///
/// # Safety
/// `node` is NULL or a live handle; `addresses` is NULL or valid for reads of `count` addresses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_interfaces(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    addresses: *const bitchat_address,
    count: usize,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter_at(node, mono_ns, wall_ms, |node, now| {
            let addresses = read_ips(addresses, count)?;
            node.handle_input(now, Input::Interfaces(&addresses));
            Ok(())
        })
    }
}

/// The host slept, or the process was suspended, and goes on: every link asks at once whether its peer is
/// there and is given twenty seconds to hear of it; addresses and trackers that failed are tried anew. Call
/// it before anything else. Nobody needs to where the clock of `mono_ns` runs in sleep and
/// `bitchat_config.clock` says so.
///
/// # Safety
/// `node` is NULL or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_resumed(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe { hand_in(node, mono_ns, wall_ms, Input::Resumed) }
}

/// BITCHAT_ACTION_RESOLVE is done: what the name stands for (ports do not matter).
///
/// # Safety
/// `node` is NULL or a live handle; `addresses` is NULL or valid for reads of `count` addresses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_resolved(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    request: u64,
    addresses: *const bitchat_address,
    count: usize,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter_at(node, mono_ns, wall_ms, |node, now| {
            let addresses = read_ips(addresses, count)?;
            let input = Input::Resolved { request: RequestId(request), addresses: &addresses };
            node.handle_input(now, input);
            Ok(())
        })
    }
}

/// # Safety
/// `addresses` is NULL or valid for reads of `count` addresses.
unsafe fn read_ips(addresses: *const bitchat_address, count: usize) -> Result<Vec<IpAddr>, i32> {
    // SAFETY: as the caller says.
    unsafe { read_slice(addresses, count)? }.iter().map(bitchat_address::ip).collect()
}

/// BITCHAT_ACTION_OPEN_TCP is done: `stream` is your name for it, never reused.
///
/// # Safety
/// `node` is NULL or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_opened(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    request: u64,
    stream: u64,
) -> i32 {
    let input = Input::Opened { request: RequestId(request), stream: StreamId(stream) };
    // SAFETY: as the caller says.
    unsafe { hand_in(node, mono_ns, wall_ms, input) }
}

/// Bytes arrived on a stream, in order.
///
/// # Safety
/// `node` is NULL or a live handle; `data` is NULL or valid for reads of `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_readable(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    stream: u64,
    data: *const u8,
    len: usize,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter_at(node, mono_ns, wall_ms, |node, now| {
            let input = Input::Readable { stream: StreamId(stream), data: read_slice(data, len)? };
            node.handle_input(now, input);
            Ok(())
        })
    }
}

/// A stream ended: the other side closed it, or it broke.
///
/// # Safety
/// `node` is NULL or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_closed(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    stream: u64,
) -> i32 {
    let input = Input::Closed { stream: StreamId(stream) };
    // SAFETY: as the caller says.
    unsafe { hand_in(node, mono_ns, wall_ms, input) }
}

/// BITCHAT_ACTION_PERSIST is done: everything is on stable storage.
///
/// # Safety
/// `node` is NULL or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_persisted(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    request: u64,
) -> i32 {
    let input = Input::Persisted { request: RequestId(request) };
    // SAFETY: as the caller says.
    unsafe { hand_in(node, mono_ns, wall_ms, input) }
}

/// BITCHAT_ACTION_LOAD is done: up to `limit` records in ascending order of their keys. `more` is 1 if
/// others follow, else 0; the node then asks again from the last key on.
///
/// # Safety
/// `node` is NULL or a live handle; `records` is NULL or valid for reads of `count` records, with what
/// they point to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_loaded(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    request: u64,
    records: *const bitchat_record,
    count: usize,
    more: i32,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter_at(node, mono_ns, wall_ms, |node, now| {
            let more = match more {
                0 => false,
                1 => true,
                _ => return Err(BITCHAT_ERR_INVALID),
            };
            let records = read_records(records, count)?;
            let request = RequestId(request);
            node.handle_input(now, Input::Loaded { request, records, more });
            Ok(())
        })
    }
}

/// # Safety
/// `records` is NULL or valid for reads of `count` records, with what they point to.
unsafe fn read_records(records: *const bitchat_record, count: usize) -> Result<Vec<Record>, i32> {
    let mut out = Vec::new();
    if count == 0 {
        return Ok(out);
    }
    // The records lie as far apart as the caller's header says, which may be a newer one; all of them
    // must be aligned.
    // SAFETY: as the caller says.
    let stride = unsafe {
        read_struct(records)?;
        *records.cast::<usize>()
    };
    let fits = isize::try_from(stride.saturating_mul(count)).is_ok();
    if !fits || !stride.is_multiple_of(align_of::<bitchat_record>()) {
        return Err(BITCHAT_ERR_INVALID);
    }
    for index in 0..count {
        // SAFETY: as the caller says.
        let record = unsafe {
            let at = records.byte_add(index * stride);
            if *at.cast::<usize>() != stride {
                return Err(BITCHAT_ERR_INVALID);
            }
            read_struct(at)?
        };
        // SAFETY: as the caller says.
        let (key, value) = unsafe {
            (read_slice(record.key, record.key_len)?, read_slice(record.value, record.value_len)?)
        };
        out.push(Record {
            key: key.to_vec(),
            value: Bytes::copy_from_slice(value),
            secret: record.secret != 0,
            expires: (record.expires_ms != 0).then_some(UnixMillis(record.expires_ms)),
        });
    }
    Ok(out)
}

/// An action failed, and `reason` says why for people; NULL means that you do not offer this kind at
/// all, and the node goes without it. A store that gave or took a record before is one: for it NULL is a
/// failure like any other, and what was asked is asked again.
///
/// # Safety
/// `node` is NULL or a live handle; `reason` is NULL or text with a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_failed(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    request: u64,
    reason: *const c_char,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter_at(node, mono_ns, wall_ms, |node, now| {
            let failure = if reason.is_null() {
                Failure::Unsupported
            } else {
                Failure::Other(read_text(reason)?.to_owned())
            };
            let request = RequestId(request);
            node.handle_input(now, Input::Failed { request, failure });
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
