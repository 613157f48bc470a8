//! Small values that cross the border as they are.

use crate::sized_struct::{SizedStruct, check_struct, write_struct};
use crate::status::BITCHAT_ERR_INVALID;
use bitchat_core::base::ids::{Device, DeviceId, PeerId};
use bitchat_core::base::time::{Now, Timestamp, UnixMillis};
use bitchat_core::node::Ecn;
use core::ffi::c_char;
use core::fmt::Display;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// No address; only where an address may be left out.
pub const BITCHAT_FAMILY_NONE: u8 = 0;
/// IPv4.
pub const BITCHAT_FAMILY_V4: u8 = 4;
/// IPv6.
pub const BITCHAT_FAMILY_V6: u8 = 6;

/// No ECN mark (RFC 3168), or it is not known. The values are those of the two bits in the IP header.
pub const BITCHAT_ECN_NONE: u32 = 0;
/// ECT(1).
pub const BITCHAT_ECN_ECT1: u32 = 1;
/// ECT(0): what the node asks for.
pub const BITCHAT_ECN_ECT0: u32 = 2;
/// A router on the way is congested.
pub const BITCHAT_ECN_CE: u32 = 3;

pub(crate) const fn ecn_to_c(ecn: Option<Ecn>) -> u32 {
    match ecn {
        None => BITCHAT_ECN_NONE,
        Some(Ecn::Ect1) => BITCHAT_ECN_ECT1,
        Some(Ecn::Ect0) => BITCHAT_ECN_ECT0,
        Some(Ecn::Ce) => BITCHAT_ECN_CE,
    }
}

pub(crate) const fn ecn_from_c(ecn: u32) -> Result<Option<Ecn>, i32> {
    match ecn {
        BITCHAT_ECN_NONE => Ok(None),
        BITCHAT_ECN_ECT1 => Ok(Some(Ecn::Ect1)),
        BITCHAT_ECN_ECT0 => Ok(Some(Ecn::Ect0)),
        BITCHAT_ECN_CE => Ok(Some(Ecn::Ce)),
        _ => Err(BITCHAT_ERR_INVALID),
    }
}

/// An IP address and a port. This struct never grows.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct bitchat_address {
    /// BITCHAT_FAMILY_V4 or BITCHAT_FAMILY_V6.
    pub family: u8,
    /// 0.
    pub reserved: u8,
    /// In the byte order of the machine.
    pub port: u16,
    /// The address as it is sent; of IPv4 the first 4 bytes.
    pub ip: [u8; 16],
}

impl From<SocketAddr> for bitchat_address {
    fn from(address: SocketAddr) -> Self {
        let mut ip = [0; 16];
        let family = match address.ip() {
            IpAddr::V4(v4) => {
                ip[..4].copy_from_slice(&v4.octets());
                BITCHAT_FAMILY_V4
            }
            IpAddr::V6(v6) => {
                ip = v6.octets();
                BITCHAT_FAMILY_V6
            }
        };
        Self { family, reserved: 0, port: address.port(), ip }
    }
}

impl bitchat_address {
    pub(crate) fn ip(&self) -> Result<IpAddr, i32> {
        let [a, b, c, d, ..] = self.ip;
        match self.family {
            BITCHAT_FAMILY_V4 => Ok(Ipv4Addr::new(a, b, c, d).into()),
            BITCHAT_FAMILY_V6 => Ok(Ipv6Addr::from(self.ip).into()),
            _ => Err(BITCHAT_ERR_INVALID),
        }
    }

    pub(crate) fn socket(&self) -> Result<SocketAddr, i32> {
        Ok(SocketAddr::new(self.ip()?, self.port))
    }
}

/// Somebody's device. This struct never grows.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct bitchat_device {
    /// The person's public key.
    pub peer_id: [u8; 32],
    /// Which of the person's devices.
    pub device_id: [u8; 16],
}

impl From<Device> for bitchat_device {
    fn from(device: Device) -> Self {
        let (PeerId(peer_id), DeviceId(device_id)) = (device.peer, device.id);
        Self { peer_id, device_id }
    }
}

/// What was wrong, in English, for people: more than `bitchat_status_text` can say, where a function
/// takes one. NULL is fine. Set everything to zero, then `struct_size`; where `text` is empty after an
/// error, the status says all.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_error {
    /// Set to sizeof(bitchat_error).
    pub struct_size: usize,
    /// Text with a zero byte; cut if it is longer.
    pub text: [c_char; 256],
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value.
unsafe impl SizedStruct for bitchat_error {
    const FIRST_SIZE: usize = size_of::<Self>();
}

impl bitchat_error {
    /// Whether `why` can be written to.
    ///
    /// # Safety
    /// `why` is NULL or valid for reads and writes.
    pub(crate) unsafe fn check(why: *mut Self) -> Result<(), i32> {
        // SAFETY: as the caller says.
        if why.is_null() { Ok(()) } else { unsafe { check_struct(why) } }
    }

    /// Writes `reason` to `why` and gives back BITCHAT_ERR_INVALID.
    ///
    /// # Safety
    /// `why` is NULL or valid for reads and writes.
    pub(crate) unsafe fn say(why: *mut Self, reason: impl Display) -> i32 {
        // SAFETY: as the caller says.
        unsafe { Self::say_as(BITCHAT_ERR_INVALID, why, reason) }
    }

    /// Writes `reason` to `why` and gives back `status`.
    ///
    /// # Safety
    /// `why` is NULL or valid for reads and writes.
    pub(crate) unsafe fn say_as(status: i32, why: *mut Self, reason: impl Display) -> i32 {
        if !why.is_null() {
            let reason = reason.to_string();
            let mut value = Self { struct_size: 0, text: [0; 256] };
            let mut last = reason.len().min(value.text.len() - 1);
            while !reason.is_char_boundary(last) {
                last -= 1;
            }
            for (to, from) in value.text.iter_mut().zip(&reason.as_bytes()[..last]) {
                *to = *from as c_char;
            }
            // SAFETY: as the caller says. It was checked at the start of the call.
            let _ = unsafe { write_struct(&value, why) };
        }
        status
    }
}

/// The two clocks of a call; a wall clock of 0 is unknown.
pub(crate) fn time(mono_ns: u64, wall_ms: u64) -> Now {
    let wall = (wall_ms != 0).then_some(UnixMillis(wall_ms));
    Now { mono: Timestamp::from_nanos(mono_ns), wall }
}
