//! Draining a node through callbacks, all at once.

use super::action::{BITCHAT_NO_REQUEST, bitchat_action, next_action};
use super::event::{bitchat_event, next_event};
use super::log::{bitchat_log, next_log};
use super::transmit::bitchat_transmit;
use super::{BITCHAT_NO_DEADLINE, Borrow, Inner, bitchat_node, enter};
use crate::sized_struct::{SizedStruct, read_struct};
use crate::status::{BITCHAT_ERR_NULL, BITCHAT_OK};
use crate::values::time;
use bitchat_core::base::ids::RequestId;
use bitchat_core::base::time::Now;
use bitchat_core::node::{Failure, Input, TransmitPoll};
use bitchat_core::transport::MAX_DATAGRAM;
use core::ffi::c_void;

/// Kernels take no more segments than this at once.
const MAX_SEGMENTS: usize = 64;

/// What `bitchat_node_dispatch` calls. Set everything to zero, then `struct_size`, `datagram` and what
/// else you want. A callback must return: no exception, no longjmp. It cannot use its node
/// (BITCHAT_ERR_BUSY): note what is to be answered, and answer after the dispatch. What it is given
/// lives as long as the callback.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_callbacks {
    /// Set to sizeof(bitchat_callbacks).
    pub struct_size: usize,
    /// How many datagrams of equal length `datagram` takes at once; 0 and 1 mean one, 64 is the most.
    pub max_segments: usize,
    /// Send datagrams. Must not be NULL. It cannot say that a socket takes nothing now: it may drop what it
    /// is given, as a network does, or copy it and send it later. Who wants the node to wait for the
    /// socket instead uses `bitchat_node_poll_transmit`.
    pub datagram:
        Option<unsafe extern "C" fn(user: *mut c_void, transmit: *const bitchat_transmit)>,
    /// Carry out an action. Return BITCHAT_OK if it is or will be carried out and answered, anything else
    /// for a kind that you do not know or offer: if it has an answer, it is answered as not supported.
    /// Without this callback all are.
    pub action:
        Option<unsafe extern "C" fn(user: *mut c_void, action: *const bitchat_action) -> i32>,
    /// The application is told something. Without this callback it is skipped.
    pub event: Option<unsafe extern "C" fn(user: *mut c_void, event: *const bitchat_event)>,
    /// Called once at the end of each dispatch: when to call `bitchat_node_tick`, or
    /// BITCHAT_NO_DEADLINE.
    pub timer: Option<unsafe extern "C" fn(user: *mut c_void, deadline: u64)>,
    /// What the node says of its work, as far as `bitchat_config.log` asks for it.
    pub log: Option<unsafe extern "C" fn(user: *mut c_void, log: *const bitchat_log)>,
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value: no callback.
unsafe impl SizedStruct for bitchat_callbacks {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Drains the node: hands every datagram, action and event to its callback with `user`, and then the
/// deadline to `timer`.
///
/// # Safety
/// `node` is NULL or a live handle; `callbacks` is NULL or valid for reads, and its functions can be
/// called with `user`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_dispatch(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    callbacks: *const bitchat_callbacks,
    user: *mut c_void,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter(node, |inner| {
            let callbacks = read_struct(callbacks)?;
            if callbacks.datagram.is_none() {
                return Err(BITCHAT_ERR_NULL);
            }
            let now = time(mono_ns, wall_ms);
            // Answering what the application does not support may bring forth more.
            while dispatch_transmits(inner, now, &callbacks, user)
                | dispatch_actions(inner, now, &callbacks, user)
                | dispatch_events(inner, &callbacks, user)
            {}
            dispatch_log(inner, &callbacks, user);
            inner.borrow = Borrow::Nothing;
            if let Some(timer) = callbacks.timer {
                let deadline = inner.node.poll_timeout();
                timer(user, deadline.map_or(BITCHAT_NO_DEADLINE, |found| found.at.as_nanos()));
            }
            Ok(())
        })
    }
}

/// Whether there were any.
///
/// # Safety
/// The callbacks can be called with `user`.
unsafe fn dispatch_transmits(
    inner: &mut Inner,
    now: Now,
    callbacks: &bitchat_callbacks,
    user: *mut c_void,
) -> bool {
    let segments = callbacks.max_segments.clamp(1, MAX_SEGMENTS);
    let mut any = false;
    inner.buffer.resize(MAX_DATAGRAM, 0);
    loop {
        match inner.node.poll_transmit(now, segments, &mut inner.buffer) {
            TransmitPoll::Ready(sent) => {
                any = true;
                if let Some(datagram) = callbacks.datagram {
                    let sent = bitchat_transmit::new(&sent, inner.buffer.as_ptr());
                    // SAFETY: as the caller says.
                    unsafe { datagram(user, &raw const sent) };
                }
            }
            TransmitPoll::NeedSpace(len) => inner.buffer.resize(len, 0),
            TransmitPoll::Pending => return any,
        }
    }
}

/// Whether there were any.
///
/// # Safety
/// The callbacks can be called with `user`.
unsafe fn dispatch_actions(
    inner: &mut Inner,
    now: Now,
    callbacks: &bitchat_callbacks,
    user: *mut c_void,
) -> bool {
    let mut any = false;
    while let Some(action) = next_action(inner) {
        any = true;
        let taken = callbacks.action.is_some_and(|callback| {
            // SAFETY: as the caller says.
            BITCHAT_OK == unsafe { callback(user, &raw const action) }
        });
        if !taken && action.request != BITCHAT_NO_REQUEST {
            let (request, failure) = (RequestId(action.request), Failure::Unsupported);
            inner.node.handle_input(now, Input::Failed { request, failure });
        }
    }
    any
}

/// Whether there were any.
///
/// # Safety
/// The callbacks can be called with `user`.
unsafe fn dispatch_events(
    inner: &mut Inner,
    callbacks: &bitchat_callbacks,
    user: *mut c_void,
) -> bool {
    let mut any = false;
    while let Some(event) = next_event(inner) {
        any = true;
        if let Some(callback) = callbacks.event {
            // SAFETY: as the caller says.
            unsafe { callback(user, &raw const event) };
        }
    }
    any
}

/// # Safety
/// The callbacks can be called with `user`.
unsafe fn dispatch_log(inner: &mut Inner, callbacks: &bitchat_callbacks, user: *mut c_void) {
    let Some(callback) = callbacks.log else { return };
    while let Some(log) = next_log(inner) {
        // SAFETY: as the caller says.
        unsafe { callback(user, &raw const log) };
    }
}
