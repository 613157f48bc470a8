//! What every call answers.

use core::ffi::{CStr, c_char};

/// Success.
pub const BITCHAT_OK: i32 = 0;
/// Nothing now; ask again after the next call that hands something in.
pub const BITCHAT_PENDING: i32 = 1;
/// A pointer that must not be NULL was.
pub const BITCHAT_ERR_NULL: i32 = -1;
/// The output buffer is too short; the needed size was written.
pub const BITCHAT_ERR_SHORT: i32 = -2;
/// An argument is outside its range or malformed.
pub const BITCHAT_ERR_INVALID: i32 = -3;
/// The operating system gave no entropy.
pub const BITCHAT_ERR_ENTROPY: i32 = -4;
/// The node is in another call: of another thread, or the one that this callback runs in.
pub const BITCHAT_ERR_BUSY: i32 = -5;
/// There is no such channel, or no element of this index.
pub const BITCHAT_ERR_UNKNOWN: i32 = -6;
/// The channel is still being read back: wait for BITCHAT_EVENT_CHANNEL_READY.
pub const BITCHAT_ERR_NOT_READY: i32 = -7;
/// Too much waits for the store: try again when messages have been stored.
pub const BITCHAT_ERR_STORE_BUSY: i32 = -8;
/// The node is in the channel already.
pub const BITCHAT_ERR_JOINED: i32 = -9;
/// As many of these exist as may.
pub const BITCHAT_ERR_TOO_MANY: i32 = -10;
/// The channel admits invited members only, and this version knows no invitations.
pub const BITCHAT_ERR_INVITE_ONLY: i32 = -11;
/// The node is shutting down.
pub const BITCHAT_ERR_SHUTTING_DOWN: i32 = -12;
/// The channel's log is as large as it may be.
pub const BITCHAT_ERR_LOG_FULL: i32 = -13;
/// The library failed inside. Statuses from here down to -1099 are fatal: free the handle.
pub const BITCHAT_ERR_PANIC: i32 = -1000;
/// An earlier call on this handle answered BITCHAT_ERR_PANIC: it can only be freed.
pub const BITCHAT_ERR_POISONED: i32 = -1001;

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
    BITCHAT_PENDING: "nothing now; ask again after the next input, command or tick",
    BITCHAT_ERR_NULL: "a pointer that must not be NULL was NULL",
    BITCHAT_ERR_SHORT: "the output buffer is too short; call again with the size that was written",
    BITCHAT_ERR_INVALID: "an argument is outside its range or malformed",
    BITCHAT_ERR_ENTROPY: "the operating system gave no entropy; try again when it does",
    BITCHAT_ERR_BUSY: "the node is in another call; make this one after it",
    BITCHAT_ERR_UNKNOWN: "no such channel or element: it never was, or it is gone",
    BITCHAT_ERR_NOT_READY: "the channel is still being read back; wait for the event that it is ready",
    BITCHAT_ERR_STORE_BUSY: "the store is behind; try again when messages have been stored",
    BITCHAT_ERR_JOINED: "this node is in the channel already",
    BITCHAT_ERR_TOO_MANY: "as many exist as may; end one first",
    BITCHAT_ERR_INVITE_ONLY: "the channel is invite-only; this version can join open channels only",
    BITCHAT_ERR_SHUTTING_DOWN: "the node is shutting down",
    BITCHAT_ERR_LOG_FULL: "the channel's log is full",
    BITCHAT_ERR_PANIC: "the library failed inside; this is a bug: free the handle and report it",
    BITCHAT_ERR_POISONED: "an earlier call failed inside; free the handle",
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
