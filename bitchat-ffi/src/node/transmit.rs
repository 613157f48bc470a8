//! Datagrams out.

use super::{bitchat_node, enter};
use crate::boundary::write_slice;
use crate::sized_struct::{SizedStruct, check_struct, write_struct};
use crate::status::{BITCHAT_ERR_SHORT, BITCHAT_PENDING};
use crate::values::{BITCHAT_FAMILY_NONE, bitchat_address, ecn_to_c, time};
use bitchat_core::node::{Transmit, TransmitPoll};
use core::net::SocketAddr;
use core::ptr;

const NO_ADDRESS: bitchat_address =
    bitchat_address { family: BITCHAT_FAMILY_NONE, reserved: 0, port: 0, ip: [0; 16] };

/// Datagrams to send: one, or several of equal length behind each other for one destination.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_transmit {
    /// Set to sizeof(bitchat_transmit).
    pub struct_size: usize,
    /// Your name for the socket to send from.
    pub socket: u32,
    /// Where to.
    pub address: bitchat_address,
    /// The bytes: the buffer of `bitchat_node_poll_transmit`, or one of the node's that lives as long
    /// as the callback.
    pub data: *const u8,
    /// How many bytes; with BITCHAT_ERR_SHORT, how large the buffer has to be.
    pub len: usize,
    /// The length of each datagram; the last may be shorter. `len` if it is one. They must not be
    /// fragmented on the way: the node finds out how large they may be.
    pub segment_size: usize,
    /// BITCHAT_ECN_…: mark the IP headers so. A host that cannot does without.
    pub ecn: u32,
    /// The address of this host to send from (its port says nothing): where the peer's datagrams arrive.
    /// BITCHAT_FAMILY_NONE leaves the choice to the system, and so may a program that cannot choose.
    pub local: bitchat_address,
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value.
unsafe impl SizedStruct for bitchat_transmit {
    const FIRST_SIZE: usize = size_of::<Self>();
}

impl bitchat_transmit {
    pub(super) fn new(sent: &Transmit, data: *const u8) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            socket: sent.socket.0,
            address: sent.to.into(),
            data,
            len: sent.len,
            segment_size: sent.segment_size.unwrap_or(sent.len),
            ecn: ecn_to_c(sent.ecn),
            local: sent.local.map_or(NO_ADDRESS, |local| SocketAddr::new(local, 0).into()),
        }
    }
}

/// Fills `buffer` with the next datagram, or with up to `max_segments` of equal length (the last may
/// be shorter) for one destination, as segmentation offload wants them; 0 and 1 mean one. Call it
/// until it says BITCHAT_PENDING. A buffer that is too short gives BITCHAT_ERR_SHORT, and the size
/// needed in `out->len`: `datagram_bytes` of the node's limits. A longer buffer holds more segments.
///
/// If the socket takes nothing now, keep what you have and poll no more transmits until it does; what the
/// node has to send waits in it, paced and in order of importance. What is due then stays due, so
/// `bitchat_node_deadline` may say a time that is past: do not spin, but wait for the socket, or call
/// `bitchat_node_tick` once a millisecond at most. A datagram that is refused for another reason is lost,
/// as any may be.
///
/// # Safety
/// `node` is NULL or a live handle; `buffer` is NULL or valid for reads and writes of `buffer_len`
/// bytes; `out` is NULL or valid for writes, with `struct_size` set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_poll_transmit(
    node: *mut bitchat_node,
    mono_ns: u64,
    wall_ms: u64,
    max_segments: usize,
    buffer: *mut u8,
    buffer_len: usize,
    out: *mut bitchat_transmit,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter(node, |inner| {
            check_struct(out)?;
            let room = write_slice(buffer, buffer_len)?;
            let now = time(mono_ns, wall_ms);
            match inner.node.poll_transmit(now, max_segments.max(1), room) {
                TransmitPoll::Ready(sent) => {
                    write_struct(&bitchat_transmit::new(&sent, buffer), out)
                }
                TransmitPoll::NeedSpace(len) => {
                    write_struct(&needed(len), out)?;
                    Err(BITCHAT_ERR_SHORT)
                }
                TransmitPoll::Pending => Err(BITCHAT_PENDING),
            }
        })
    }
}

const fn needed(len: usize) -> bitchat_transmit {
    bitchat_transmit {
        struct_size: size_of::<bitchat_transmit>(),
        socket: 0,
        address: NO_ADDRESS,
        data: ptr::null(),
        len,
        segment_size: 0,
        ecn: 0,
        local: NO_ADDRESS,
    }
}
