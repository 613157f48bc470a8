//! Draining a node through callbacks, all at once.

use super::action::*;
use super::event::*;
use super::log::{bitchat_log, next_log};
use super::transmit::bitchat_transmit;
use super::{BITCHAT_NO_DEADLINE, Inner, Loan, bitchat_node, enter};
use crate::grows::{Grows, read_struct};
use crate::status::BITCHAT_ERR_NULL;
use crate::values::time;
use bitchat_core::base::ids::RequestId;
use bitchat_core::base::time::Now;
use bitchat_core::node::{Failure, Input, TransmitPoll};
use bitchat_core::transport::MAX_DATAGRAM;
use core::ffi::c_void;

/// Kernels take no more segments than this at once.
const MAX_SEGMENTS: usize = 64;

/// Told of an action.
#[expect(non_camel_case_types, reason = "the name in C")]
pub type bitchat_on_action =
    Option<unsafe extern "C" fn(user: *mut c_void, action: *const bitchat_action)>;
/// Told of an event.
#[expect(non_camel_case_types, reason = "the name in C")]
pub type bitchat_on_event =
    Option<unsafe extern "C" fn(user: *mut c_void, event: *const bitchat_event)>;

/// Told of a log record.
#[expect(non_camel_case_types, reason = "the name in C")]
pub type bitchat_on_log = Option<unsafe extern "C" fn(user: *mut c_void, log: *const bitchat_log)>;

/// What `bitchat_node_dispatch` calls. Set everything to zero, then `struct_size`, `transmit` and what
/// else you want. A callback must return: no exception, no longjmp. It cannot use its node
/// (BITCHAT_ERR_BUSY): note what is to be answered, and answer after the dispatch. What it is given
/// lives as long as the callback. An action without a callback is answered as not supported; an event
/// without one is skipped.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_callbacks {
    /// Set to sizeof(bitchat_callbacks).
    pub struct_size: usize,
    /// How many datagrams of equal length `transmit` takes at once; 0 and 1 mean one, 64 is the most.
    pub max_segments: usize,
    /// Send datagrams. Must not be NULL. It cannot say that a socket takes nothing now: it may drop what it
    /// is given, as a network does, or copy it and send it later. Who wants the node to wait for the
    /// socket instead uses `bitchat_node_poll_transmit`.
    pub transmit:
        Option<unsafe extern "C" fn(user: *mut c_void, transmit: *const bitchat_transmit)>,
    /// Called once at the end of each dispatch: when to call `bitchat_node_tick`, or
    /// BITCHAT_NO_DEADLINE.
    pub set_timer: Option<unsafe extern "C" fn(user: *mut c_void, deadline: u64)>,
    /// BITCHAT_ACTION_BIND_UDP
    pub bind_udp: bitchat_on_action,
    /// BITCHAT_ACTION_RESOLVE
    pub resolve: bitchat_on_action,
    /// BITCHAT_ACTION_OPEN_TCP
    pub open_tcp: bitchat_on_action,
    /// BITCHAT_ACTION_WRITE
    pub write: bitchat_on_action,
    /// BITCHAT_ACTION_CLOSE
    pub close: bitchat_on_action,
    /// BITCHAT_ACTION_PERSIST
    pub persist: bitchat_on_action,
    /// BITCHAT_ACTION_LOAD
    pub load: bitchat_on_action,
    /// BITCHAT_EVENT_LISTENING
    pub on_listening: bitchat_on_event,
    /// BITCHAT_EVENT_LISTEN_FAILED
    pub on_listen_failed: bitchat_on_event,
    /// BITCHAT_EVENT_CHANNEL_READY
    pub on_channel_ready: bitchat_on_event,
    /// BITCHAT_EVENT_TRACKER
    pub on_tracker: bitchat_on_event,
    /// BITCHAT_EVENT_LINK_UP
    pub on_link_up: bitchat_on_event,
    /// BITCHAT_EVENT_LINK_REKEYED
    pub on_link_rekeyed: bitchat_on_event,
    /// BITCHAT_EVENT_LINK_MOVED
    pub on_link_moved: bitchat_on_event,
    /// BITCHAT_EVENT_LINK_CLOSED
    pub on_link_closed: bitchat_on_event,
    /// BITCHAT_EVENT_MEMBER_UP
    pub on_member_up: bitchat_on_event,
    /// BITCHAT_EVENT_MEMBER_DOWN
    pub on_member_down: bitchat_on_event,
    /// BITCHAT_EVENT_MESSAGE
    pub on_message: bitchat_on_event,
    /// BITCHAT_EVENT_DELIVERED
    pub on_delivered: bitchat_on_event,
    /// BITCHAT_EVENT_EQUIVOCATION
    pub on_equivocation: bitchat_on_event,
    /// BITCHAT_EVENT_STORE_WENT_BACK
    pub on_store_went_back: bitchat_on_event,
    /// BITCHAT_EVENT_LOG_FULL
    pub on_log_full: bitchat_on_event,
    /// BITCHAT_EVENT_STORE_FAILING
    pub on_store_failing: bitchat_on_event,
    /// BITCHAT_EVENT_STORE_RECOVERED
    pub on_store_recovered: bitchat_on_event,
    /// BITCHAT_EVENT_STORE_DAMAGED
    pub on_store_damaged: bitchat_on_event,
    /// BITCHAT_EVENT_WALL_TIME_NEEDED
    pub on_wall_time_needed: bitchat_on_event,
    /// What the node says of its work, as far as `bitchat_config.log` asks for it.
    pub log: bitchat_on_log,
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value: no callback.
unsafe impl Grows for bitchat_callbacks {
    const FIRST_SIZE: usize = core::mem::offset_of!(Self, log);
}

impl bitchat_callbacks {
    const fn of_action(&self, kind: i32) -> bitchat_on_action {
        match kind {
            BITCHAT_ACTION_BIND_UDP => self.bind_udp,
            BITCHAT_ACTION_RESOLVE => self.resolve,
            BITCHAT_ACTION_OPEN_TCP => self.open_tcp,
            BITCHAT_ACTION_WRITE => self.write,
            BITCHAT_ACTION_CLOSE => self.close,
            BITCHAT_ACTION_PERSIST => self.persist,
            BITCHAT_ACTION_LOAD => self.load,
            _ => None,
        }
    }

    const fn of_event(&self, kind: i32) -> bitchat_on_event {
        match kind {
            BITCHAT_EVENT_LISTENING => self.on_listening,
            BITCHAT_EVENT_LISTEN_FAILED => self.on_listen_failed,
            BITCHAT_EVENT_CHANNEL_READY => self.on_channel_ready,
            BITCHAT_EVENT_TRACKER => self.on_tracker,
            BITCHAT_EVENT_LINK_UP => self.on_link_up,
            BITCHAT_EVENT_LINK_REKEYED => self.on_link_rekeyed,
            BITCHAT_EVENT_LINK_MOVED => self.on_link_moved,
            BITCHAT_EVENT_LINK_CLOSED => self.on_link_closed,
            BITCHAT_EVENT_MEMBER_UP => self.on_member_up,
            BITCHAT_EVENT_MEMBER_DOWN => self.on_member_down,
            BITCHAT_EVENT_MESSAGE => self.on_message,
            BITCHAT_EVENT_DELIVERED => self.on_delivered,
            BITCHAT_EVENT_EQUIVOCATION => self.on_equivocation,
            BITCHAT_EVENT_STORE_WENT_BACK => self.on_store_went_back,
            BITCHAT_EVENT_LOG_FULL => self.on_log_full,
            BITCHAT_EVENT_STORE_FAILING => self.on_store_failing,
            BITCHAT_EVENT_STORE_RECOVERED => self.on_store_recovered,
            BITCHAT_EVENT_STORE_DAMAGED => self.on_store_damaged,
            BITCHAT_EVENT_WALL_TIME_NEEDED => self.on_wall_time_needed,
            _ => None,
        }
    }
}

/// Drains the node: hands every datagram, action and event to its callback with `user`, and then the
/// deadline to `set_timer`.
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
            if callbacks.transmit.is_none() {
                return Err(BITCHAT_ERR_NULL);
            }
            let now = time(mono_ns, wall_ms);
            // Answering for a missing callback may bring forth more.
            while dispatch_transmits(inner, now, &callbacks, user)
                | dispatch_actions(inner, now, &callbacks, user)
                | dispatch_events(inner, &callbacks, user)
            {}
            dispatch_log(inner, &callbacks, user);
            inner.loan = Loan::Nothing;
            if let Some(set_timer) = callbacks.set_timer {
                let deadline = inner.node.poll_timeout();
                set_timer(user, deadline.map_or(BITCHAT_NO_DEADLINE, |found| found.at.as_nanos()));
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
                if let Some(transmit) = callbacks.transmit {
                    let sent = bitchat_transmit::new(&sent, inner.buffer.as_ptr());
                    // SAFETY: as the caller says.
                    unsafe { transmit(user, &raw const sent) };
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
        if let Some(callback) = callbacks.of_action(action.kind) {
            // SAFETY: as the caller says.
            unsafe { callback(user, &raw const action) };
        } else if action.request != BITCHAT_NO_REQUEST {
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
        if let Some(callback) = callbacks.of_event(event.kind) {
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

#[cfg(test)]
mod tests;
