//! Traces of links, for tools that draw them.

use super::{BorrowedBytes, bitchat_node, enter};
use crate::sized_struct::{SizedStruct, check_struct, write_struct};
use crate::status::BITCHAT_PENDING;
use bitchat_core::node::QlogRecord;
use core::ffi::c_char;

/// One record of the trace of a link: a JSON text. A file `<trace>.sqlog` has a byte 0x1e before each
/// record and a line feed behind it. Pointers live until the next call on the node.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_qlog {
    /// Set to sizeof(bitchat_qlog).
    pub struct_size: usize,
    /// Which link.
    pub link: u64,
    /// Records behind this one that were lost, because nobody took them in time.
    pub lost: u64,
    /// The name of the trace, fit for a file: text with a zero byte.
    pub trace: *const c_char,
    /// The record: text with a zero byte.
    pub text: *const c_char,
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value.
unsafe impl SizedStruct for bitchat_qlog {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Writes the next record of a trace to `out`, in order for each link; BITCHAT_PENDING if there is
/// none, as ever without `bitchat_config.qlog`. Whoever does not poll loses records and nothing else:
/// at most 4 MiB wait for each link.
///
/// Records show who talks to whom, when, how much and from where. They hold no key and nothing that
/// anybody said.
///
/// # Safety
/// `node` is NULL or a live handle; `out` is NULL or valid for reads and writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_poll_qlog(
    node: *mut bitchat_node,
    out: *mut bitchat_qlog,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter(node, |inner| {
            check_struct(out)?;
            let record = inner.node.poll_qlog().ok_or(BITCHAT_PENDING)?;
            let QlogRecord { link, trace, text, lost } = record;
            let mut bytes = BorrowedBytes::default();
            let (trace, text) = (bytes.text(&trace), bytes.text(&text));
            let start = bytes.borrow(inner);
            let out_record = bitchat_qlog {
                struct_size: 0,
                link: link.0,
                lost,
                trace: start.wrapping_add(trace).cast(),
                text: start.wrapping_add(text).cast(),
            };
            write_struct(&out_record, out)
        })
    }
}
