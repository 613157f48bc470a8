//! The key log, for debugging.

use super::{Borrow, bitchat_node, enter};
use crate::boundary::write_value;
use crate::status::BITCHAT_PENDING;
use core::ffi::c_char;
use zeroize::Zeroizing;

/// Writes the next line of the key log to `line`, with a line feed and a zero byte at its end;
/// BITCHAT_PENDING if there is none, as ever without BITCHAT_INSECURE_KEY_LOG in the config.
///
/// A line is a secret. Poll before `bitchat_node_poll_transmit` and `bitchat_node_dispatch`, write it
/// to a file that nobody else can read (`fputs`), and keep it nowhere else. It lives, and is erased
/// then, until the next call on the node. At most 1,024 lines wait.
///
/// # Safety
/// `node` is NULL or a live handle; `line` is NULL or valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_poll_key_log(
    node: *mut bitchat_node,
    line: *mut *const c_char,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter(node, |inner| {
            write_value(core::ptr::null(), line)?;
            let next = inner.node.poll_key_log().ok_or(BITCHAT_PENDING)?;
            let text = next.as_str().as_bytes();
            // Of its full size at once: growing would leave a copy behind.
            let mut lent = Zeroizing::new(Vec::with_capacity(text.len() + 2));
            lent.extend_from_slice(text);
            lent.extend_from_slice(b"\n\0");
            let start = lent.as_ptr();
            inner.borrow = Borrow::KeyLog(lent);
            write_value(start.cast(), line)
        })
    }
}
