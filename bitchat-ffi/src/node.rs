//! The node's handle: one call at a time, and a panic ends this node alone.

mod action;
mod command;
mod dht;
mod dispatch;
mod event;
mod input;
mod key_log;
mod list;
mod log;
mod qlog;
mod transmit;

pub use action::*;
pub use command::*;
pub use dispatch::*;
pub use event::*;
pub use input::*;
pub use key_log::*;
pub use list::*;
pub use log::*;
pub use qlog::*;
pub use transmit::*;

use crate::boundary::{guard, read_seed, write_value};
use crate::config::{bitchat_config, read_config};
use crate::identity::bitchat_identity;
use crate::status::{
    BITCHAT_ERR_BUSY, BITCHAT_ERR_NULL, BITCHAT_ERR_PANIC, BITCHAT_ERR_POISONED, BITCHAT_OK,
};
use crate::values::{bitchat_error, time};
use action::Change;
use bitchat_core::base::time::Now;
use bitchat_core::crypto::identity::Identity;
use bitchat_core::node::Node;
use core::cell::UnsafeCell;
use core::ffi::c_char;
use core::sync::atomic::{AtomicU8, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind};
use zeroize::Zeroizing;

/// What `bitchat_node_deadline` gives when the node waits for nothing but input.
pub const BITCHAT_NO_DEADLINE: u64 = u64::MAX;

const IDLE: u8 = 0;
const BUSY: u8 = 1;
const POISONED: u8 = 2;

/// A chat node. It has no socket, clock, thread or file: you hand in what happened and when, and
/// carry out what it asks for.
///
/// 1. `bitchat_node_new`, then `bitchat_node_join` a channel.
/// 2. After this and after every call below, drain it: `bitchat_node_poll_transmit`,
///    `bitchat_node_poll_action` and `bitchat_node_poll_event` until each says BITCHAT_PENDING, or all
///    at once with `bitchat_node_dispatch`.
/// 3. Sleep until something happens or `bitchat_node_deadline` is reached.
/// 4. Hand in what happened, or `bitchat_node_tick` at the deadline. Go to 2.
///
/// Times are `mono_ns`, nanoseconds of a clock that never goes back, and `wall_ms`, milliseconds since
/// 1970, or 0 while that is unknown.
#[expect(non_camel_case_types, reason = "the name in C")]
pub struct bitchat_node {
    /// Outside of what a call borrows mutably, so that a call from within can look at it.
    state: AtomicU8,
    inner: UnsafeCell<Inner>,
}

struct Inner {
    node: Node,
    borrow: Borrow,
    /// Where `bitchat_node_dispatch` builds datagrams.
    buffer: Vec<u8>,
}

/// What the caller borrowed with the last call. It is freed by the next call, so that a memory checker sees
/// a pointer that was kept.
enum Borrow {
    Nothing,
    Bytes(#[expect(dead_code, reason = "kept for the caller")] Vec<u8>),
    Write(#[expect(dead_code, reason = "kept for the caller")] bytes::Bytes),
    Changes(Box<bitchat_changes>),
    Messages(Box<bitchat_messages>),
    Links(Box<bitchat_links>),
    KeyLog(#[expect(dead_code, reason = "kept for the caller")] Zeroizing<Vec<u8>>),
}

const _: () = {
    // A node may be moved to another thread between calls.
    const fn is_send<T: Send>() {}
    is_send::<Node>();
    is_send::<Change>();
};

/// Runs `body` on the node: alone, and for the last time if it panics.
///
/// # Safety
/// `node` is NULL or a live handle.
unsafe fn enter(
    node: *const bitchat_node,
    body: impl FnOnce(&mut Inner) -> Result<(), i32>,
) -> i32 {
    // SAFETY: as the caller says.
    let Some(node) = (unsafe { node.as_ref() }) else { return BITCHAT_ERR_NULL };
    match node.state.compare_exchange(IDLE, BUSY, Ordering::Acquire, Ordering::Relaxed) {
        Ok(_) => {}
        Err(POISONED) => return BITCHAT_ERR_POISONED,
        Err(_) => return BITCHAT_ERR_BUSY,
    }
    let result = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: whoever turned IDLE into BUSY is alone here until it turns it back.
        let inner = unsafe { &mut *node.inner.get() };
        inner.borrow = Borrow::Nothing;
        body(inner)
    }));
    let (state, status) = match result {
        Ok(Ok(())) => (IDLE, BITCHAT_OK),
        Ok(Err(status)) => (IDLE, status),
        Err(_) => (POISONED, BITCHAT_ERR_PANIC),
    };
    node.state.store(state, Ordering::Release);
    status
}

/// Runs `body` on the node as `enter` does, at the time of the call.
///
/// # Safety
/// `node` is NULL or a live handle.
unsafe fn enter_at(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    body: impl FnOnce(&mut Node, Now) -> Result<(), i32>,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe { enter(node, |inner| body(&mut inner.node, time(mono_ns, wall_ms))) }
}

/// Makes a node and writes the handle to `out`. `config` NULL means the defaults. `seed` is 32 bytes
/// of fresh entropy, never stored and never used twice, or NULL for the operating system's.
/// BITCHAT_ERR_INVALID if a setting is out of its range; `why` then names it. Free the node with
/// `bitchat_node_free`. The identity is copied.
///
/// # Safety
/// `config` is NULL or valid for reads; `identity` is NULL or a live handle; `seed` is NULL or valid
/// for reads of 32 bytes; `out` is NULL or valid for writes; `why` is NULL or valid for reads and
/// writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_new(
    config: *const bitchat_config,
    identity: *const bitchat_identity,
    seed: *const u8,
    mono_ns: u64,
    wall_ms: u64,
    out: *mut *mut bitchat_node,
    why: *mut bitchat_error,
) -> i32 {
    guard(|| {
        // SAFETY: as the caller says.
        let (config, identity, seed) = unsafe {
            bitchat_error::check(why)?;
            let identity = identity.as_ref().ok_or(BITCHAT_ERR_NULL)?;
            (
                read_config(config, why)?,
                Identity::from_bytes(&identity.0.to_bytes()),
                read_seed(seed)?,
            )
        };
        if out.is_null() {
            return Err(BITCHAT_ERR_NULL);
        }
        let node = Node::new(config, identity, seed, time(mono_ns, wall_ms))
            // SAFETY: as the caller says.
            .map_err(|reason| unsafe { bitchat_error::say(why, reason) })?;
        let inner = Inner { node, borrow: Borrow::Nothing, buffer: Vec::new() };
        let node = bitchat_node { state: AtomicU8::new(IDLE), inner: UnsafeCell::new(inner) };
        // SAFETY: as the caller says.
        unsafe { write_value(Box::into_raw(Box::new(node)), out) }
    })
}

/// Frees a node at once, whatever it is doing; see `bitchat_node_shutdown` for an orderly end. NULL is
/// fine. BITCHAT_ERR_BUSY within a callback of this node or while another thread uses it: the node
/// lives on then.
///
/// # Safety
/// `node` is NULL or a live handle, which is dead after BITCHAT_OK.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_free(node: *mut bitchat_node) -> i32 {
    // SAFETY: as the caller says.
    let Some(handle) = (unsafe { node.as_ref() }) else { return BITCHAT_OK };
    let take =
        |from| handle.state.compare_exchange(from, BUSY, Ordering::Acquire, Ordering::Relaxed);
    if take(IDLE).is_err() && take(POISONED).is_err() {
        return BITCHAT_ERR_BUSY;
    }
    guard(|| {
        // SAFETY: it came out of `Box::into_raw`, nobody is inside, and the caller gives it up.
        drop(unsafe { Box::from_raw(node) });
        Ok(())
    })
}

/// Does what is due: call it when the deadline is reached. Too early or too often does no harm.
///
/// # Safety
/// `node` is NULL or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_tick(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter_at(node, mono_ns, wall_ms, |node, now| {
            node.handle_timeout(now);
            Ok(())
        })
    }
}

/// Writes when to call `bitchat_node_tick`, on the clock of `mono_ns`, to `deadline`:
/// BITCHAT_NO_DEADLINE if only an input can bring news. With `reason` not NULL, writes which part of
/// the node is waiting, for logs; the text lives until the next call on the node, and is empty
/// without a deadline.
///
/// # Safety
/// `node` is NULL or a live handle; `deadline` is NULL or valid for writes; so is `reason`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_deadline(
    node: *const bitchat_node,
    deadline: *mut u64,
    reason: *mut *const c_char,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter(node, |inner| {
            let found = inner.node.poll_timeout();
            write_value(found.map_or(BITCHAT_NO_DEADLINE, |found| found.at.as_nanos()), deadline)?;
            if !reason.is_null() {
                let mut bytes = BorrowedBytes::default();
                let at = bytes.text(found.map_or("", |found| found.reason));
                reason.write(bytes.borrow(inner).add(at).cast());
            }
            Ok(())
        })
    }
}

/// Texts and bytes that the caller borrows, behind each other, each followed by a zero byte.
#[derive(Default)]
struct BorrowedBytes(Vec<u8>);

impl BorrowedBytes {
    /// Adds bytes and says where they begin.
    fn bytes(&mut self, bytes: &[u8]) -> usize {
        let at = self.0.len();
        self.0.extend_from_slice(bytes);
        self.0.push(0);
        at
    }

    fn text(&mut self, text: &str) -> usize {
        self.bytes(text.as_bytes())
    }

    /// The caller has them until the next call; says where the first begins.
    fn borrow(self, inner: &mut Inner) -> *const u8 {
        let start = self.0.as_ptr();
        inner.borrow = Borrow::Bytes(self.0);
        start
    }
}

#[cfg(test)]
mod tests;
