//! What the node asks of the world.

use super::{Borrow, BorrowedBytes, Inner, bitchat_node, enter};
use crate::boundary::guard;
use crate::sized_struct::{SizedStruct, check_struct, write_struct};
use crate::status::{BITCHAT_ERR_NULL, BITCHAT_ERR_UNKNOWN, BITCHAT_PENDING};
use crate::values::{BITCHAT_FAMILY_V4, BITCHAT_FAMILY_V6, bitchat_address};
use bitchat_core::node::{Action, Family};
use core::ffi::c_char;
use core::ptr;

pub(super) use bitchat_core::node::Change;

/// Open a UDP socket on all addresses of `family` (IPv6 only, where it is IPv6) at `port`, 0 for any:
/// answer with `bitchat_node_bound`.
pub const BITCHAT_ACTION_BIND_UDP: i32 = 101;
/// Look up the host name in `text`, which may be an address: answer with `bitchat_node_resolved`.
pub const BITCHAT_ACTION_RESOLVE: i32 = 102;
/// Open a TCP connection to `address`, with TLS for the server name in `text` unless that is NULL:
/// answer with `bitchat_node_opened`.
pub const BITCHAT_ACTION_OPEN_TCP: i32 = 201;
/// Write all of `data` to `stream`. Not answered; a failure is `bitchat_node_closed`.
pub const BITCHAT_ACTION_WRITE: i32 = 202;
/// Close `stream` after what was written. Not answered.
pub const BITCHAT_ACTION_CLOSE: i32 = 203;
/// Put `changes` on stable storage, all of them or none, and in the order of the actions: answer with
/// `bitchat_node_persisted` once they survive a power failure (with files: after fsync, of the directory
/// too where a file is new). Said too early, it makes the node sign two messages of one number after a
/// crash. What the store cannot take, answer with `bitchat_node_failed`: it is kept and tried again. One
/// node at a time uses a store, and a store is never brought back from a backup.
pub const BITCHAT_ACTION_PERSIST: i32 = 301;
/// Read back up to `limit` records whose keys begin with `prefix` and sort behind `after`: answer
/// with `bitchat_node_loaded`.
pub const BITCHAT_ACTION_LOAD: i32 = 302;

/// Something that the node asks for. Kinds are numbered by area: 1xx sockets and names, 2xx streams, 3xx
/// the store. Each kind says which fields it uses; the others are zero. An
/// action with an answer is answered exactly once, by the call that its kind names or by
/// `bitchat_node_failed`; answer a kind that you do not know with the latter, if `request` is not
/// BITCHAT_NO_REQUEST. Pointers live until the next call on the node.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_action {
    /// Set to sizeof(bitchat_action).
    pub struct_size: usize,
    /// BITCHAT_ACTION_...
    pub kind: i32,
    /// BITCHAT_FAMILY_V4 or BITCHAT_FAMILY_V6.
    pub family: u8,
    /// 0.
    pub reserved: u8,
    /// A port, 0 for any.
    pub port: u16,
    /// Names the action in its answer; BITCHAT_NO_REQUEST if it has none.
    pub request: u64,
    /// Your name for a stream.
    pub stream: u64,
    /// Where to.
    pub address: bitchat_address,
    /// How many records at most.
    pub limit: u32,
    /// Text with a zero byte, or NULL.
    pub text: *const c_char,
    /// Bytes to write.
    pub data: *const u8,
    /// How many.
    pub data_len: usize,
    /// The beginning of the wanted keys.
    pub prefix: *const u8,
    /// How many bytes.
    pub prefix_len: usize,
    /// The key behind which to begin.
    pub after: *const u8,
    /// How many bytes.
    pub after_len: usize,
    /// What to store: read it with `bitchat_changes_get`.
    pub changes: *const bitchat_changes,
    /// How many changes there are.
    pub change_count: usize,
}

/// The `request` of an action without an answer.
pub const BITCHAT_NO_REQUEST: u64 = u64::MAX;

// SAFETY: repr(C), begins with its size, and zero bytes are a value.
unsafe impl SizedStruct for bitchat_action {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Changes to what is stored, in their order.
#[expect(non_camel_case_types, reason = "the name in C")]
pub struct bitchat_changes(Vec<Change>);

/// Store a record, replacing the one of the same key.
pub const BITCHAT_CHANGE_PUT: i32 = 1;
/// Delete the record of this key, if there is one.
pub const BITCHAT_CHANGE_DELETE: i32 = 2;

/// One change. Pointers live as long as the list.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_change {
    /// Set to sizeof(bitchat_change).
    pub struct_size: usize,
    /// BITCHAT_CHANGE_...
    pub kind: i32,
    /// 1: the value holds keys. Keep it where only this user can read it, and out of backups. When the
    /// record is replaced or deleted, the old value must not stay in your files.
    pub secret: u32,
    /// The record's name; sorts as bytes.
    pub key: *const u8,
    /// How many bytes.
    pub key_len: usize,
    /// What to remember.
    pub value: *const u8,
    /// How many bytes.
    pub value_len: usize,
    /// After this moment, in milliseconds since 1970, the record may be deleted; 0: never.
    pub expires_ms: u64,
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value.
unsafe impl SizedStruct for bitchat_change {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Writes the change of this index, counted from 0, to `out`. May be called within a callback, and
/// does not count as a call on the node.
///
/// # Safety
/// `changes` is NULL or as alive as the action that it came with; `out` is NULL or valid for writes,
/// with `struct_size` set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_changes_get(
    changes: *const bitchat_changes,
    index: usize,
    out: *mut bitchat_change,
) -> i32 {
    guard(|| {
        // SAFETY: as the caller says.
        let changes = unsafe { changes.as_ref() }.ok_or(BITCHAT_ERR_NULL)?;
        let value = match changes.0.get(index).ok_or(BITCHAT_ERR_UNKNOWN)? {
            Change::Put(record) => bitchat_change {
                struct_size: 0,
                kind: BITCHAT_CHANGE_PUT,
                secret: record.secret.into(),
                key: record.key.as_ptr(),
                key_len: record.key.len(),
                value: record.value.as_ptr(),
                value_len: record.value.len(),
                expires_ms: record.expires.map_or(0, |at| at.0),
            },
            Change::Delete(key) => bitchat_change {
                struct_size: 0,
                kind: BITCHAT_CHANGE_DELETE,
                secret: 0,
                key: key.as_ptr(),
                key_len: key.len(),
                value: ptr::null(),
                value_len: 0,
                expires_ms: 0,
            },
        };
        // SAFETY: as the caller says.
        unsafe { write_struct(&value, out) }
    })
}

/// Writes the next thing that the node asks for to `out`; BITCHAT_PENDING if there is none.
///
/// # Safety
/// `node` is NULL or a live handle; `out` is NULL or valid for writes, with `struct_size` set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_poll_action(
    node: *mut bitchat_node,
    out: *mut bitchat_action,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter(node, |inner| {
            check_struct(out)?;
            let action = next_action(inner).ok_or(BITCHAT_PENDING)?;
            write_struct(&action, out)
        })
    }
}

/// The next action; what it points to is bytes.
pub(super) fn next_action(inner: &mut Inner) -> Option<bitchat_action> {
    loop {
        let action = inner.node.poll_action()?;
        if let Some(action) = lend(inner, action) {
            return Some(action);
        }
    }
}

const EMPTY: bitchat_action = bitchat_action {
    struct_size: size_of::<bitchat_action>(),
    kind: 0,
    family: 0,
    reserved: 0,
    port: 0,
    request: BITCHAT_NO_REQUEST,
    stream: 0,
    address: bitchat_address { family: 0, reserved: 0, port: 0, ip: [0; 16] },
    limit: 0,
    text: ptr::null(),
    data: ptr::null(),
    data_len: 0,
    prefix: ptr::null(),
    prefix_len: 0,
    after: ptr::null(),
    after_len: 0,
    changes: ptr::null(),
    change_count: 0,
};

/// `None` only for a kind that this file does not know, which a test rules out.
fn lend(inner: &mut Inner, action: Action) -> Option<bitchat_action> {
    let mut out = EMPTY;
    match action {
        Action::BindUdp { request, family, port } => {
            out.kind = BITCHAT_ACTION_BIND_UDP;
            out.request = request.0;
            out.family = family_code(family);
            out.port = port;
        }
        Action::Resolve { request, host } => {
            out.kind = BITCHAT_ACTION_RESOLVE;
            out.request = request.0;
            out.text = lend_text(inner, &host);
        }
        Action::OpenTcp { request, remote, tls } => {
            out.kind = BITCHAT_ACTION_OPEN_TCP;
            out.request = request.0;
            out.address = remote.into();
            out.text = tls.map_or(ptr::null(), |name| lend_text(inner, &name));
        }
        Action::Write { stream, data } => {
            out.kind = BITCHAT_ACTION_WRITE;
            out.stream = stream.0;
            (out.data, out.data_len) = (data.as_ptr(), data.len());
            inner.borrow = Borrow::Write(data);
        }
        Action::Close { stream } => {
            out.kind = BITCHAT_ACTION_CLOSE;
            out.stream = stream.0;
        }
        Action::Persist { request, changes } => {
            out.kind = BITCHAT_ACTION_PERSIST;
            out.request = request.0;
            out.change_count = changes.len();
            inner.borrow = Borrow::Changes(Box::new(bitchat_changes(changes)));
            if let Borrow::Changes(changes) = &inner.borrow {
                out.changes = ptr::from_ref(&**changes);
            }
        }
        Action::Load { request, prefix, after, limit } => {
            out.kind = BITCHAT_ACTION_LOAD;
            out.request = request.0;
            out.limit = u32::try_from(limit).unwrap_or(u32::MAX);
            let mut bytes = BorrowedBytes::default();
            let (prefix_at, after_at) = (bytes.bytes(&prefix), bytes.bytes(&after));
            let start = bytes.borrow(inner);
            (out.prefix, out.prefix_len) = (start.wrapping_add(prefix_at), prefix.len());
            (out.after, out.after_len) = (start.wrapping_add(after_at), after.len());
        }
        _ => return None,
    }
    Some(out)
}

fn lend_text(inner: &mut Inner, text: &str) -> *const c_char {
    let mut bytes = BorrowedBytes::default();
    bytes.text(text);
    bytes.borrow(inner).cast()
}

pub(super) const fn family_code(family: Family) -> u8 {
    match family {
        Family::V4 => BITCHAT_FAMILY_V4,
        Family::V6 => BITCHAT_FAMILY_V6,
    }
}

#[cfg(test)]
mod tests;
