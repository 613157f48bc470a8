//! Crossing the border: panics stop here, and lengths are checked here.

use crate::status::{BITCHAT_ERR_NULL, BITCHAT_ERR_PANIC, BITCHAT_ERR_SHORT, BITCHAT_OK};
use core::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `body`; a panic in it becomes a status instead of crossing into C.
pub(crate) fn guard(body: impl FnOnce() -> Result<(), i32>) -> i32 {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => BITCHAT_OK,
        Ok(Err(status)) => status,
        Err(_) => BITCHAT_ERR_PANIC,
    }
}

/// Copies `text` and a zero byte to `out`, and writes the size needed, zero byte included, to `len`.
///
/// # Safety
/// `len` is NULL or valid for reads and writes; `out` is NULL or valid for writes of `*len` bytes.
pub(crate) unsafe fn write_text(text: &str, out: *mut c_char, len: *mut usize) -> Result<(), i32> {
    if len.is_null() {
        return Err(BITCHAT_ERR_NULL);
    }
    let needed = text.len() + 1;
    // SAFETY: not NULL, and the caller says that it is valid.
    let room = unsafe { len.replace(needed) };
    if room < needed {
        return Err(BITCHAT_ERR_SHORT);
    }
    if out.is_null() {
        return Err(BITCHAT_ERR_NULL);
    }
    // SAFETY: `out` has room for `room >= needed` bytes, and a fresh `&str` cannot overlap it.
    unsafe {
        out.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), text.len());
        out.add(text.len()).write(0);
    }
    Ok(())
}

/// The 32 bytes behind `bytes`.
///
/// # Safety
/// `bytes` is NULL or valid for reads of 32 bytes.
pub(crate) unsafe fn read_32(bytes: *const u8) -> Result<[u8; 32], i32> {
    if bytes.is_null() {
        return Err(BITCHAT_ERR_NULL);
    }
    // SAFETY: not NULL, the caller says that 32 bytes are valid, and u8 needs no alignment.
    Ok(unsafe { bytes.cast::<[u8; 32]>().read_unaligned() })
}

/// Writes 32 bytes to `out`.
///
/// # Safety
/// `out` is NULL or valid for writes of 32 bytes.
pub(crate) unsafe fn write_32(bytes: &[u8; 32], out: *mut u8) -> Result<(), i32> {
    if out.is_null() {
        return Err(BITCHAT_ERR_NULL);
    }
    // SAFETY: not NULL, and the caller says that 32 bytes are valid.
    unsafe { out.cast::<[u8; 32]>().write_unaligned(*bytes) };
    Ok(())
}
