//! What every call answers.

use core::ffi::{CStr, c_char};

/// Success.
pub const BITCHAT_OK: i32 = 0;
/// A pointer that must not be NULL was.
pub const BITCHAT_ERR_NULL: i32 = -1;
/// The output buffer is too short; the needed size was written.
pub const BITCHAT_ERR_SHORT: i32 = -2;
/// An argument is outside its range or malformed.
pub const BITCHAT_ERR_INVALID: i32 = -3;
/// The operating system gave no entropy.
pub const BITCHAT_ERR_ENTROPY: i32 = -4;
/// The library failed inside. Statuses from here down to -1099 are fatal: free the handle.
pub const BITCHAT_ERR_PANIC: i32 = -1000;

macro_rules! table {
    ($($name:ident: $text:literal,)*) => {
        /// Every status with its name and meaning.
        const STATUSES: &[(i32, &CStr, &CStr)] =
            &[$(($name, c_str(concat!(stringify!($name), "\0")), c_str(concat!($text, "\0"))),)*];
    };
}

const fn c_str(bytes: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(bytes.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a status text with a zero byte inside"),
    }
}

table! {
    BITCHAT_OK: "success",
    BITCHAT_ERR_NULL: "a pointer that must not be NULL was NULL",
    BITCHAT_ERR_SHORT: "the output buffer is too short; call again with the size that was written",
    BITCHAT_ERR_INVALID: "an argument is outside its range or malformed",
    BITCHAT_ERR_ENTROPY: "the operating system gave no entropy; try again when it does",
    BITCHAT_ERR_PANIC: "the library failed inside; this is a bug: free the handle and report it",
}

/// The name of a status, such as "BITCHAT_ERR_NULL": valid for ever, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn bitchat_status_name(status: i32) -> *const c_char {
    find(status).map_or(c"BITCHAT_UNKNOWN".as_ptr(), |(_, name, _)| name.as_ptr())
}

/// What a status means, in English: valid for ever, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn bitchat_status_text(status: i32) -> *const c_char {
    find(status).map_or(c"not a status of this library".as_ptr(), |(_, _, text)| text.as_ptr())
}

fn find(status: i32) -> Option<&'static (i32, &'static CStr, &'static CStr)> {
    STATUSES.iter().find(|(value, ..)| *value == status)
}
