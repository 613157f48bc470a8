//! What the node says of its work.

use super::{Inner, Lent, bitchat_node, enter};
use crate::grows::{Grows, check_struct, write_struct};
use crate::status::BITCHAT_PENDING;
use bitchat_core::node::{LogLevel, LogRecord};
use core::ffi::c_char;

/// Say nothing; costs nothing.
pub const BITCHAT_LOG_OFF: i32 = 0;
/// What keeps the node from its work and somebody should look at.
pub const BITCHAT_LOG_WARN: i32 = 1;
/// What happened to channels, links and the store. Up to this level no text holds an address.
pub const BITCHAT_LOG_INFO: i32 = 2;
/// Why it happened: every attempt to meet somebody, every tracker, with addresses.
pub const BITCHAT_LOG_DEBUG: i32 = 3;
/// Every datagram of a meeting, every packet that was dropped.
pub const BITCHAT_LOG_TRACE: i32 = 4;

/// Something that the node did or saw, for people who look for a fault. Texts change from version to
/// version, and hold no key and no message. Pointers live until the next call on the node.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_log {
    /// Set to sizeof(bitchat_log).
    pub struct_size: usize,
    /// When, on the clock of `mono_ns`.
    pub at_ns: u64,
    /// Records before this one that were lost, because nobody took them in time.
    pub lost: u64,
    /// Which part of the node speaks, such as "link": text with a zero byte.
    pub part: *const c_char,
    /// One line of at most 512 bytes: text with a zero byte.
    pub text: *const c_char,
    /// BITCHAT_LOG_...
    pub level: i32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value.
unsafe impl Grows for bitchat_log {
    const FIRST_SIZE: usize = size_of::<Self>();
}

pub(crate) const fn level_code(level: LogLevel) -> i32 {
    match level {
        LogLevel::Off => BITCHAT_LOG_OFF,
        LogLevel::Info => BITCHAT_LOG_INFO,
        LogLevel::Debug => BITCHAT_LOG_DEBUG,
        LogLevel::Trace => BITCHAT_LOG_TRACE,
        _ => BITCHAT_LOG_WARN,
    }
}

/// The level of this code.
pub(crate) const fn level_of(code: i32) -> Option<LogLevel> {
    Some(match code {
        BITCHAT_LOG_OFF => LogLevel::Off,
        BITCHAT_LOG_WARN => LogLevel::Warn,
        BITCHAT_LOG_INFO => LogLevel::Info,
        BITCHAT_LOG_DEBUG => LogLevel::Debug,
        BITCHAT_LOG_TRACE => LogLevel::Trace,
        _ => return None,
    })
}

/// Writes the next thing that the node says of its work to `out`, oldest first; BITCHAT_PENDING if
/// there is none. It says nothing unless `bitchat_config.log` asks for it. Whoever does not poll
/// loses the oldest records and nothing else.
///
/// # Safety
/// `node` is NULL or a live handle; `out` is NULL or valid for reads and writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_poll_log(
    node: *mut bitchat_node,
    out: *mut bitchat_log,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter(node, |inner| {
            check_struct(out)?;
            let log = next_log(inner).ok_or(BITCHAT_PENDING)?;
            write_struct(&log, out)
        })
    }
}

/// The next record, with its texts lent to the caller.
pub(super) fn next_log(inner: &mut Inner) -> Option<bitchat_log> {
    let LogRecord { at, level, target, text, lost } = inner.node.poll_log()?;
    let mut lent = Lent::default();
    let (part, text) = (lent.text(target), lent.text(&text));
    let start = lent.hand_out(inner);
    Some(bitchat_log {
        struct_size: 0,
        at_ns: at.as_nanos(),
        lost,
        part: start.wrapping_add(part).cast(),
        text: start.wrapping_add(text).cast(),
        level: level_code(level),
        reserved: 0,
    })
}
