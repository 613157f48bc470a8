//! Who somebody is, for C.

use crate::boundary::{guard, read_32, read_text, write_32, write_text};
use crate::status::{BITCHAT_ERR_ENTROPY, BITCHAT_ERR_NULL};
use crate::values::bitchat_error;
use bitchat_core::base::ids::PeerId;
use bitchat_core::crypto::identity::{Identity, fingerprint, parse_peer_link, peer_link};
use bitchat_core::crypto::suite::Secret;
use core::ffi::c_char;

/// A person's secret key.
#[expect(non_camel_case_types, reason = "the name in C")]
pub struct bitchat_identity(pub(crate) Identity);

/// Makes a new identity from the operating system's entropy and writes the handle to `out`.
/// Free it with `bitchat_identity_free`.
///
/// # Safety
/// `out` is NULL or valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_identity_generate(out: *mut *mut bitchat_identity) -> i32 {
    guard(|| {
        let mut secret = Secret([0; 32]);
        getrandom::fill(&mut secret.0).map_err(|_| BITCHAT_ERR_ENTROPY)?;
        // SAFETY: as the caller says.
        unsafe { write_handle(&secret, out) }
    })
}

/// Restores an identity from the 32 bytes that `bitchat_identity_secret` gave, and writes the handle
/// to `out`. Free it with `bitchat_identity_free`.
///
/// # Safety
/// `secret` is NULL or valid for reads of 32 bytes; `out` is NULL or valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_identity_from_secret(
    secret: *const u8,
    out: *mut *mut bitchat_identity,
) -> i32 {
    guard(|| {
        // SAFETY: as the caller says.
        unsafe { write_handle(&Secret(read_32(secret)?), out) }
    })
}

/// # Safety
/// `out` is NULL or valid for writes.
unsafe fn write_handle(secret: &Secret, out: *mut *mut bitchat_identity) -> Result<(), i32> {
    if out.is_null() {
        return Err(BITCHAT_ERR_NULL);
    }
    let identity = Box::new(bitchat_identity(Identity::from_bytes(secret)));
    // SAFETY: not NULL, and the caller says that it is valid.
    unsafe { out.write(Box::into_raw(identity)) };
    Ok(())
}

/// Writes the identity's 32 secret bytes to `secret`. Whoever has them is this person: store them
/// where only this user can read, and erase the copy.
///
/// # Safety
/// `identity` is NULL or a live handle; `secret` is NULL or valid for writes of 32 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_identity_secret(
    identity: *const bitchat_identity,
    secret: *mut u8,
) -> i32 {
    guard(|| {
        // SAFETY: as the caller says.
        let identity = unsafe { identity.as_ref() }.ok_or(BITCHAT_ERR_NULL)?;
        // SAFETY: as the caller says.
        unsafe { write_32(&identity.0.to_bytes().0, secret) }
    })
}

/// Writes the identity's 32-byte peer id, its public key, to `peer_id`.
///
/// # Safety
/// `identity` is NULL or a live handle; `peer_id` is NULL or valid for writes of 32 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_identity_peer_id(
    identity: *const bitchat_identity,
    peer_id: *mut u8,
) -> i32 {
    guard(|| {
        // SAFETY: as the caller says.
        let identity = unsafe { identity.as_ref() }.ok_or(BITCHAT_ERR_NULL)?;
        // SAFETY: as the caller says.
        unsafe { write_32(&identity.0.peer_id().0, peer_id) }
    })
}

/// Erases and frees an identity. NULL is fine.
///
/// # Safety
/// `identity` is NULL or a live handle, which is dead afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_identity_free(identity: *mut bitchat_identity) {
    if !identity.is_null() {
        let _ = guard(|| {
            // SAFETY: it came out of `Box::into_raw`, and the caller gives it up.
            drop(unsafe { Box::from_raw(identity) });
            Ok(())
        });
    }
}

/// Writes the fingerprint of a peer id, short enough to be read aloud, as text with a zero byte.
/// `*len` is the room in `out`, and becomes the size needed.
///
/// # Safety
/// `peer_id` is NULL or valid for reads of 32 bytes; `len` is NULL or valid for reads and writes;
/// `out` is NULL or valid for writes of `*len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_peer_fingerprint(
    peer_id: *const u8,
    out: *mut c_char,
    len: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: as the caller says.
        unsafe { write_text(&fingerprint(&PeerId(read_32(peer_id)?)), out, len) }
    })
}

/// Writes the `dotchat:peer/` link of a peer id as text with a zero byte. `*len` is the room in
/// `out`, and becomes the size needed.
///
/// # Safety
/// As for `bitchat_peer_fingerprint`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_peer_link(
    peer_id: *const u8,
    out: *mut c_char,
    len: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: as the caller says.
        unsafe { write_text(&peer_link(&PeerId(read_32(peer_id)?)), out, len) }
    })
}

/// Reads a `dotchat:peer/` link and writes the 32-byte peer id to `peer_id`.
/// `BITCHAT_ERR_INVALID` if it is none or has a typing error; `why` then says what is wrong.
///
/// # Safety
/// `link` is NULL or text with a zero byte; `peer_id` is NULL or valid for writes of 32 bytes; `why` is
/// NULL or valid for reads and writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_peer_link_parse(
    link: *const c_char,
    peer_id: *mut u8,
    why: *mut bitchat_error,
) -> i32 {
    guard(|| {
        // SAFETY: as the caller says.
        unsafe {
            bitchat_error::check(why)?;
            let peer = parse_peer_link(read_text(link)?)
                .map_err(|reason| bitchat_error::say(why, reason))?;
            write_32(&peer.0, peer_id)
        }
    })
}
