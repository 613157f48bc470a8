//! `.chat` files, for C.

use crate::boundary::{
    guard, read_seed, read_slice, read_text, write_bytes, write_text, write_value,
};
use crate::identity::bitchat_identity;
use crate::sized_struct::{SizedStruct, read_struct};
use crate::status::{BITCHAT_ERR_INVALID, BITCHAT_ERR_NULL};
use crate::values::bitchat_error;
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::Rng;
use bitchat_core::base::target::TargetPolicy;
use bitchat_core::chatfile::{Access, ChatFile, Draft, History, JoinLink, Outside};
use bitchat_core::wire::url::TrackerUrl;
use core::ffi::c_char;

/// A `.chat` file: it names a channel and lets whoever has it join.
#[expect(non_camel_case_types, reason = "the name in C")]
pub struct bitchat_chatfile(pub(crate) ChatFile);

/// Whoever has the file can join: it holds a random key.
pub const BITCHAT_ACCESS_KEYED: i32 = 0;
/// Whoever knows the infohash can join, so also every tracker.
pub const BITCHAT_ACCESS_PUBLIC: i32 = 1;
/// Whoever the owner invited can join.
pub const BITCHAT_ACCESS_INVITE_ONLY: i32 = 2;

/// A late joiner is given everything.
pub const BITCHAT_HISTORY_ALL: i32 = 0;
/// A late joiner is given nothing of the past.
pub const BITCHAT_HISTORY_NONE: i32 = 1;
/// A late joiner is given the latest `history_amount` messages of each author.
pub const BITCHAT_HISTORY_MESSAGES: i32 = 2;
/// A late joiner is given the messages of the last `history_amount` days.
pub const BITCHAT_HISTORY_DAYS: i32 = 3;

/// A channel to be. Set everything to zero, then `struct_size`, `name` and what else matters.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_draft {
    /// Set to sizeof(bitchat_draft).
    pub struct_size: usize,
    /// The channel's name, for people: text with a zero byte.
    pub name: *const c_char,
    /// `tracker_count` URLs, each text with a zero byte, in the order in which to try them.
    pub trackers: *const *const c_char,
    /// How many trackers there are.
    pub tracker_count: usize,
    /// A line for people, or NULL.
    pub comment: *const c_char,
    /// BITCHAT_ACCESS_...
    pub access: i32,
    /// BITCHAT_HISTORY_...
    pub history: i32,
    /// How many messages or days.
    pub history_amount: u32,
    /// 1: announce under another hash every day; members need a wall clock.
    pub rotate: u32,
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value.
unsafe impl SizedStruct for bitchat_draft {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Reads the bytes of a `.chat` file and writes the handle to `out`. `allow_local` is 0, or 1 to
/// accept trackers and peers on loopback and private addresses. BITCHAT_ERR_INVALID if something is
/// wrong with the file; `why` then says what. Free it with `bitchat_chatfile_free`.
///
/// # Safety
/// `data` is NULL or valid for reads of `len` bytes; `out` is NULL or valid for writes; `why` is NULL
/// or valid for reads and writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_chatfile_parse(
    data: *const u8,
    len: usize,
    allow_local: i32,
    out: *mut *mut bitchat_chatfile,
    why: *mut bitchat_error,
) -> i32 {
    guard(|| {
        let policy = target_policy(allow_local)?;
        // SAFETY: as the caller says.
        unsafe {
            bitchat_error::check(why)?;
            let data = read_slice(data, len)?;
            let file = ChatFile::parse(data, &Limits::default(), policy)
                .map_err(|reason| bitchat_error::say(why, reason))?;
            write_handle(file, out)
        }
    })
}

/// Makes the file of a new channel and writes the handle to `out`. `owner` signs it, or is NULL.
/// `seed` is 32 bytes of fresh entropy, or NULL for the operating system's. BITCHAT_ERR_INVALID if
/// something is wrong with the draft; `why` then says what. Free it with `bitchat_chatfile_free`.
///
/// # Safety
/// `draft` is NULL or valid for reads, with what it points to; `owner` is NULL or a live handle;
/// `seed` is NULL or valid for reads of 32 bytes; `out` is NULL or valid for writes; `why` is NULL or
/// valid for reads and writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_chatfile_create(
    draft: *const bitchat_draft,
    owner: *const bitchat_identity,
    seed: *const u8,
    out: *mut *mut bitchat_chatfile,
    why: *mut bitchat_error,
) -> i32 {
    guard(|| {
        // SAFETY: as the caller says.
        unsafe {
            bitchat_error::check(why)?;
            let draft = read_draft(&read_struct(draft)?, why)?;
            let owner = owner.as_ref().map(|owner| &owner.0);
            let mut rng = Rng::new(&read_seed(seed)?);
            let file = draft
                .create(owner, &mut rng.secret, &Limits::default())
                .map_err(|reason| bitchat_error::say(why, reason))?;
            write_handle(file, out)
        }
    })
}

/// # Safety
/// What `draft` points to is NULL or valid for reads; `why` is NULL or valid for reads and writes.
unsafe fn read_draft(draft: &bitchat_draft, why: *mut bitchat_error) -> Result<Draft, i32> {
    // SAFETY: as the caller says.
    let (name, urls) =
        unsafe { (read_text(draft.name)?, read_slice(draft.trackers, draft.tracker_count)?) };
    let mut trackers = Vec::new();
    for url in urls {
        // SAFETY: as the caller says.
        let url: Result<TrackerUrl, _> = unsafe { read_text(*url)? }.parse();
        // SAFETY: as the caller says.
        trackers.push(vec![url.map_err(|reason| unsafe { bitchat_error::say(why, reason) })?]);
    }
    let comment = if draft.comment.is_null() {
        None
    } else {
        // SAFETY: as the caller says.
        Some(unsafe { read_text(draft.comment)? }.to_owned())
    };
    let access = match draft.access {
        BITCHAT_ACCESS_KEYED => Access::Keyed,
        BITCHAT_ACCESS_PUBLIC => Access::Public,
        BITCHAT_ACCESS_INVITE_ONLY => Access::InviteOnly,
        _ => return Err(BITCHAT_ERR_INVALID),
    };
    let history = match draft.history {
        BITCHAT_HISTORY_ALL => History::All,
        BITCHAT_HISTORY_NONE => History::None,
        BITCHAT_HISTORY_MESSAGES => History::Messages(draft.history_amount),
        BITCHAT_HISTORY_DAYS => History::Days(draft.history_amount),
        _ => return Err(BITCHAT_ERR_INVALID),
    };
    let rotate = match draft.rotate {
        0 => false,
        1 => true,
        _ => return Err(BITCHAT_ERR_INVALID),
    };
    let outside = Outside { trackers, comment, ..Outside::default() };
    Ok(Draft { name: name.to_owned(), access, history, rotate, outside })
}

/// What `allow_local` says of trackers and peers.
pub(crate) const fn target_policy(allow_local: i32) -> Result<TargetPolicy, i32> {
    match allow_local {
        0 => Ok(TargetPolicy::PublicOnly),
        1 => Ok(TargetPolicy::AllowLocal),
        _ => Err(BITCHAT_ERR_INVALID),
    }
}

/// # Safety
/// `out` is NULL or valid for writes.
pub(crate) unsafe fn write_handle(
    file: ChatFile,
    out: *mut *mut bitchat_chatfile,
) -> Result<(), i32> {
    if out.is_null() {
        return Err(BITCHAT_ERR_NULL);
    }
    // SAFETY: not NULL, and the caller says that it is valid.
    unsafe { write_value(Box::into_raw(Box::new(bitchat_chatfile(file))), out) }
}

/// Writes the file's bytes. `*len` is the room in `out`, and becomes the size needed. Whoever has
/// the bytes can join, so they are a secret unless the channel is public.
///
/// # Safety
/// `file` is NULL or a live handle; `len` is NULL or valid for reads and writes; `out` is NULL or
/// valid for writes of `*len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_chatfile_encode(
    file: *const bitchat_chatfile,
    out: *mut u8,
    len: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: as the caller says.
        let file = unsafe { file.as_ref() }.ok_or(BITCHAT_ERR_NULL)?;
        // SAFETY: as the caller says.
        unsafe { write_bytes(&file.0.encode(), out, len) }
    })
}

/// Writes the channel's name, for people, as text with a zero byte. `*len` is the room in `out`, and
/// becomes the size needed.
///
/// # Safety
/// `file` is NULL or a live handle; `len` is NULL or valid for reads and writes; `out` is NULL or
/// valid for writes of `*len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_chatfile_name(
    file: *const bitchat_chatfile,
    out: *mut c_char,
    len: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: as the caller says.
        let file = unsafe { file.as_ref() }.ok_or(BITCHAT_ERR_NULL)?;
        // SAFETY: as the caller says.
        unsafe { write_text(&file.0.info().name, out, len) }
    })
}

/// Writes the channel's link, `magnet:` if it is public and `dotchat:join/` if not, as text with a
/// zero byte. `*len` is the room in `out`, and becomes the size needed.
///
/// # Safety
/// As for `bitchat_chatfile_name`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_chatfile_link(
    file: *const bitchat_chatfile,
    out: *mut c_char,
    len: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: as the caller says.
        let file = unsafe { file.as_ref() }.ok_or(BITCHAT_ERR_NULL)?;
        // SAFETY: as the caller says.
        unsafe { write_text(&JoinLink::from(&file.0).to_text(), out, len) }
    })
}

/// Writes the channel's 20-byte id to `channel_id`.
///
/// # Safety
/// `file` is NULL or a live handle; `channel_id` is NULL or valid for writes of 20 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_chatfile_channel_id(
    file: *const bitchat_chatfile,
    channel_id: *mut u8,
) -> i32 {
    guard(|| {
        // SAFETY: as the caller says.
        let file = unsafe { file.as_ref() }.ok_or(BITCHAT_ERR_NULL)?;
        // SAFETY: as the caller says; bytes need no alignment.
        unsafe { write_value(file.0.channel_id().0, channel_id.cast()) }
    })
}

/// Frees a file's handle. NULL is fine.
///
/// # Safety
/// `file` is NULL or a live handle, which is dead afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_chatfile_free(file: *mut bitchat_chatfile) {
    if !file.is_null() {
        let _ = guard(|| {
            // SAFETY: it came out of `Box::into_raw`, and the caller gives it up.
            drop(unsafe { Box::from_raw(file) });
            Ok(())
        });
    }
}
