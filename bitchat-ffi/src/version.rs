//! Which library this is.

use core::ffi::c_char;

/// Major version of the interface that this header describes.
pub const BITCHAT_VERSION_MAJOR: u32 = 0;
/// Minor version of the interface that this header describes.
pub const BITCHAT_VERSION_MINOR: u32 = 1;
/// Patch version of the interface that this header describes.
pub const BITCHAT_VERSION_PATCH: u32 = 0;

/// The version of the library that was linked, as `major << 16 | minor << 8 | patch`: compare it
/// with the BITCHAT_VERSION_ macros of the header that was compiled against.
#[unsafe(no_mangle)]
pub extern "C" fn bitchat_version() -> u32 {
    BITCHAT_VERSION_MAJOR << 16 | BITCHAT_VERSION_MINOR << 8 | BITCHAT_VERSION_PATCH
}

/// The same as text, for people: valid for ever, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn bitchat_version_text() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
