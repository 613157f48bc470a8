//! What the node says of its work.

use super::{BorrowedBytes, Inner, bitchat_node, enter};
use crate::log_level::level_code;
use crate::sized_struct::{SizedStruct, check_struct, write_struct};
use crate::status::BITCHAT_PENDING;
use bitchat_core::node::LogRecord;
use core::ffi::c_char;

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
unsafe impl SizedStruct for bitchat_log {
    const FIRST_SIZE: usize = size_of::<Self>();
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

/// The next record, with texts that the caller borrows.
pub(super) fn next_log(inner: &mut Inner) -> Option<bitchat_log> {
    let LogRecord { at, level, target, text, lost } = inner.node.poll_log()?;
    let mut bytes = BorrowedBytes::default();
    let (part, text) = (bytes.text(target), bytes.text(&text));
    let start = bytes.borrow(inner);
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
