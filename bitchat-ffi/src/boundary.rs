//! Crossing the border: panics stop here, and lengths are checked here.

use crate::status::{
    BITCHAT_ERR_ENTROPY, BITCHAT_ERR_INVALID, BITCHAT_ERR_NULL, BITCHAT_ERR_PANIC,
    BITCHAT_ERR_SHORT, BITCHAT_OK,
};
use bitchat_core::base::rng::Seed;
use core::ffi::{CStr, c_char};
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

/// The text behind `text`.
///
/// # Safety
/// `text` is NULL or text with a zero byte that outlives `'a`.
pub(crate) unsafe fn read_text<'a>(text: *const c_char) -> Result<&'a str, i32> {
    if text.is_null() {
        return Err(BITCHAT_ERR_NULL);
    }
    // SAFETY: not NULL, and the caller says that it is text with a zero byte.
    unsafe { CStr::from_ptr(text) }.to_str().map_err(|_| BITCHAT_ERR_INVALID)
}

/// The `len` items behind `items`; NULL is fine where `len` is 0.
///
/// # Safety
/// `items` is NULL or valid for reads of `len` items for all of `'a`.
pub(crate) unsafe fn read_slice<'a, T>(items: *const T, len: usize) -> Result<&'a [T], i32> {
    check_slice(items, len)?;
    if len == 0 {
        return Ok(&[]);
    }
    // SAFETY: not NULL, aligned, not too long; the caller says that it is valid.
    Ok(unsafe { core::slice::from_raw_parts(items, len) })
}

/// The `len` bytes behind `bytes`, to write to; NULL is fine where `len` is 0.
///
/// # Safety
/// `bytes` is NULL or valid for reads and writes of `len` bytes for all of `'a`, and nobody else
/// uses them.
pub(crate) unsafe fn write_slice<'a>(bytes: *mut u8, len: usize) -> Result<&'a mut [u8], i32> {
    check_slice(bytes, len)?;
    if len == 0 {
        return Ok(&mut []);
    }
    // SAFETY: not NULL, not too long; the caller says that it is valid and its own.
    Ok(unsafe { core::slice::from_raw_parts_mut(bytes, len) })
}

fn check_slice<T>(items: *const T, len: usize) -> Result<(), i32> {
    if len == 0 {
        return Ok(());
    }
    if items.is_null() {
        return Err(BITCHAT_ERR_NULL);
    }
    let bytes = len.checked_mul(size_of::<T>()).filter(|bytes| isize::try_from(*bytes).is_ok());
    if bytes.is_none() || !items.is_aligned() {
        return Err(BITCHAT_ERR_INVALID);
    }
    Ok(())
}

/// Copies `bytes` to `out`, and writes how many they are to `len`, which holds the room.
///
/// # Safety
/// `len` is NULL or valid for reads and writes; `out` is NULL or valid for writes of `*len` bytes.
pub(crate) unsafe fn write_bytes(bytes: &[u8], out: *mut u8, len: *mut usize) -> Result<(), i32> {
    if len.is_null() {
        return Err(BITCHAT_ERR_NULL);
    }
    // SAFETY: not NULL, and the caller says that it is valid.
    if unsafe { len.replace(bytes.len()) } < bytes.len() {
        return Err(BITCHAT_ERR_SHORT);
    }
    if out.is_null() {
        return Err(BITCHAT_ERR_NULL);
    }
    // SAFETY: `out` has room for all of `bytes`, which are ours and cannot overlap it.
    unsafe { out.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    Ok(())
}

/// Writes `value` to `out`.
///
/// # Safety
/// `out` is NULL or valid for writes.
pub(crate) unsafe fn write_value<T>(value: T, out: *mut T) -> Result<(), i32> {
    if out.is_null() {
        return Err(BITCHAT_ERR_NULL);
    }
    // SAFETY: not NULL, and the caller says that it is valid.
    unsafe { out.write(value) };
    Ok(())
}

/// The 32 bytes behind `seed`, or fresh ones of the operating system where it is NULL.
///
/// # Safety
/// `seed` is NULL or valid for reads of 32 bytes.
pub(crate) unsafe fn read_seed(seed: *const u8) -> Result<Seed, i32> {
    let mut out = Seed([0; 32]);
    if seed.is_null() {
        getrandom::fill(&mut out.0).map_err(|_| BITCHAT_ERR_ENTROPY)?;
    } else {
        // SAFETY: as the caller says.
        out.0 = unsafe { read_32(seed)? };
    }
    Ok(out)
}
