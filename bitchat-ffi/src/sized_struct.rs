//! Structs that grow from version to version: the first field tells how much of one the caller knows.

use crate::status::{BITCHAT_ERR_INVALID, BITCHAT_ERR_NULL};

/// More than any struct of this interface will ever have; a larger `struct_size` is a mistake.
const LARGEST: usize = 4_096;

/// A struct of the interface that only grows.
///
/// # Safety
/// It is `repr(C)`, its first field is `struct_size: usize`, and zero bytes are a value of it.
pub(crate) unsafe trait SizedStruct: Copy {
    /// The size that it had in the first version; less is refused.
    const FIRST_SIZE: usize;
}

/// How much of `value` the caller knows.
///
/// # Safety
/// `value` is NULL or its first field is valid for reads.
unsafe fn size_known<T: SizedStruct>(value: *const T) -> Result<usize, i32> {
    if value.is_null() {
        return Err(BITCHAT_ERR_NULL);
    }
    if !value.is_aligned() {
        return Err(BITCHAT_ERR_INVALID);
    }
    // SAFETY: not NULL and aligned; the first field is a usize that the caller says is valid.
    let size = unsafe { value.cast::<usize>().read() };
    if (T::FIRST_SIZE..=LARGEST).contains(&size) { Ok(size) } else { Err(BITCHAT_ERR_INVALID) }
}

/// The caller's struct; fields that it does not know are zero. Fields of a newer version must be zero.
///
/// # Safety
/// `value` is NULL or valid for reads of its first field and of as many bytes as that says.
pub(crate) unsafe fn read_struct<T: SizedStruct>(value: *const T) -> Result<T, i32> {
    // SAFETY: zero bytes are a `T`; the rest is as the caller says.
    unsafe { read_struct_over(core::mem::zeroed(), value) }
}

/// The caller's struct; fields that it does not know are those of `base`.
///
/// # Safety
/// As for `read_struct`.
pub(crate) unsafe fn read_struct_over<T: SizedStruct>(base: T, value: *const T) -> Result<T, i32> {
    // SAFETY: as the caller says.
    let size = unsafe { size_known(value)? };
    let known = size.min(size_of::<T>());
    // SAFETY: the caller says that `size` bytes are valid.
    let newer = unsafe { core::slice::from_raw_parts(value.cast::<u8>().add(known), size - known) };
    if newer.iter().any(|byte| *byte != 0) {
        return Err(BITCHAT_ERR_INVALID);
    }
    // SAFETY: `known` bytes are valid on both sides.
    Ok(unsafe { overlay(base, value, known) })
}

/// `base`, begun with the first `known` bytes behind `value`.
///
/// # Safety
/// `value` is valid for reads of `known` bytes, of which a `T` has at least as many.
pub(crate) unsafe fn overlay<T: SizedStruct>(mut base: T, value: *const T, known: usize) -> T {
    // SAFETY: as the caller says; what the caller filled in is fields of a `T`.
    unsafe { (&raw mut base).cast::<u8>().copy_from_nonoverlapping(value.cast(), known) };
    base
}

/// Whether `out` can be written to, before something is taken that would be lost otherwise.
///
/// # Safety
/// `out` is NULL or its first field is valid for reads.
pub(crate) unsafe fn check_struct<T: SizedStruct>(out: *const T) -> Result<(), i32> {
    // SAFETY: as the caller says.
    unsafe { size_known(out).map(drop) }
}

/// Writes as much of `value` as the caller knows; `struct_size` stays, fields of a newer version
/// become zero.
///
/// # Safety
/// `out` is NULL or valid for reads of its first field and writes of as many bytes as that says.
pub(crate) unsafe fn write_struct<T: SizedStruct>(value: &T, out: *mut T) -> Result<(), i32> {
    // SAFETY: as the caller says.
    let size = unsafe { size_known(out)? };
    let known = size.min(size_of::<T>());
    // SAFETY: the caller says that `size` bytes are valid for writes; `value` is ours.
    unsafe {
        let bytes = out.cast::<u8>();
        bytes.copy_from_nonoverlapping(core::ptr::from_ref(value).cast(), known);
        bytes.add(known).write_bytes(0, size - known);
        out.cast::<usize>().write(size);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
