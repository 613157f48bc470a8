//! UDP sockets with segmentation offload: many datagrams per system call.

use bitchat_core::node::{Ecn, Family, Transmit};
use quinn_udp::{EcnCodepoint, RecvMeta, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Bytes of one receive buffer: the largest UDP payload, and the most that GRO puts together.
const SLOT: usize = 65_536;
/// Receive buffers filled by one system call.
const SLOTS: usize = 8;
/// Socket buffers wanted from the system: one fast peer's bytes of about 20 ms at 1 Gbit/s.
const SOCKET_BUFFER: usize = 2 * 1024 * 1024;

/// Why a socket could not be opened, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The port is taken.
    #[error(
        "UDP port {port} ({family:?}) is in use by another program; choose another port, or 0 for any"
    )]
    InUse {
        /// Which family.
        family: Family,
        /// The port.
        port: u16,
    },
    /// The port needs rights that this program lacks.
    #[error(
        "UDP port {port} may not be used by this program; choose a port above 1023, or 0 for any"
    )]
    Denied {
        /// The port.
        port: u16,
    },
    /// The family does not exist here, or something else is wrong.
    #[error("no UDP socket for {family:?}: {source}")]
    Io {
        /// Which family.
        family: Family,
        /// What the system says.
        source: io::Error,
    },
}

/// A UDP socket on all addresses of one family.
#[derive(Debug)]
pub(crate) struct Udp {
    io: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    /// The interface in use cuts no batches.
    no_gso: bool,
}

/// Datagrams of equal length from one sender.
pub(crate) struct Batch<'a> {
    pub(crate) from: SocketAddr,
    /// The address of this host that they were sent to, if the system says so.
    pub(crate) local: Option<IpAddr>,
    pub(crate) ecn: Option<Ecn>,
    /// The length of each.
    pub(crate) stride: usize,
    pub(crate) data: &'a mut [u8],
}

/// Buffers for one batch of received datagrams, used again for each.
pub(crate) struct ReceiveBuffers {
    bytes: Box<[u8]>,
    meta: [RecvMeta; SLOTS],
}

impl ReceiveBuffers {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; SLOT * SLOTS].into(), meta: [RecvMeta::default(); SLOTS] }
    }

    /// The first `filled` buffers. Nobody can be answered at port 0 (BC-11.51).
    pub(crate) fn batches(&mut self, filled: usize) -> impl Iterator<Item = Batch<'_>> {
        self.bytes.chunks_exact_mut(SLOT).zip(&self.meta).take(filled).filter_map(|(slot, meta)| {
            let data = slot.get_mut(..meta.len).filter(|_| meta.addr.port() != 0)?;
            let ecn = meta.ecn.map(|ecn| match ecn {
                EcnCodepoint::Ect0 => Ecn::Ect0,
                EcnCodepoint::Ect1 => Ecn::Ect1,
                EcnCodepoint::Ce => Ecn::Ce,
            });
            let stride = meta.stride.clamp(1, meta.len.max(1));
            Some(Batch { from: meta.addr, local: meta.dst_ip, ecn, stride, data })
        })
    }
}

impl Udp {
    /// Opens a socket on all addresses of `family`; IPv6 sockets leave IPv4 to the other one
    /// (BC-11.18).
    pub(crate) fn bind(family: Family, port: u16) -> Result<Self, BindError> {
        Self::open(family, port).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse { family, port },
            io::ErrorKind::PermissionDenied => BindError::Denied { port },
            _ => BindError::Io { family, source },
        })
    }

    fn open(family: Family, port: u16) -> io::Result<Self> {
        let (domain, address): (_, SocketAddr) = match family {
            Family::V4 => (Domain::IPV4, (Ipv4Addr::UNSPECIFIED, port).into()),
            Family::V6 => (Domain::IPV6, (Ipv6Addr::UNSPECIFIED, port).into()),
        };
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        if family == Family::V6 {
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        let state = UdpSocketState::new((&socket).into())?;
        // The system may grant less than what is asked for; that costs speed and nothing else.
        let _ = state.set_recv_buffer_size((&socket).into(), SOCKET_BUFFER);
        let _ = state.set_send_buffer_size((&socket).into(), SOCKET_BUFFER);
        let io = UdpSocket::from_std(socket.into())?;
        let local = io.local_addr()?;
        Ok(Self { io, state, local, no_gso: false })
    }

    /// The address that the socket is bound to.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Whether the system may cut datagrams on the way.
    #[cfg(test)]
    pub(crate) fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }

    /// How many datagrams one call of [`Udp::send`] may carry now.
    pub(crate) fn max_segments(&self) -> usize {
        if self.no_gso { 1 } else { self.state.max_gso_segments().max(1) }
    }

    /// Datagrams leave by another interface, perhaps one that cuts batches.
    pub(crate) fn on_new_routes(&mut self) {
        self.no_gso = false;
    }

    /// Waits until there is something to receive.
    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_recv_ready(cx)
    }

    /// Waits until the system takes datagrams again.
    pub(crate) fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_send_ready(cx)
    }

    /// Receives what is there: how many of the buffers were filled, 0 if nothing is there.
    pub(crate) fn receive(&self, buffers: &mut ReceiveBuffers) -> usize {
        let mut slots = buffers.bytes.chunks_exact_mut(SLOT);
        let mut slots: [IoSliceMut<'_>; SLOTS] =
            std::array::from_fn(|_| IoSliceMut::new(slots.next().unwrap_or_default()));
        let received = self.io.try_io(Interest::READABLE, || {
            self.state.recv((&self.io).into(), &mut slots, &mut buffers.meta)
        });
        received.unwrap_or_else(|error| {
            // An error here is late news of an earlier datagram (an ICMP message): nothing to do.
            if error.kind() != io::ErrorKind::WouldBlock {
                tracing::debug!(%error, local = %self.local, "receive");
            }
            0
        })
    }

    /// Sends `data`, cut into datagrams of `segment_size` bytes (BC-11.10), marked with `ecn`, from the
    /// address `local` while this host has it, and never fragmented (BC-11.60). False if the system takes nothing now:
    /// wait with [`Udp::poll_writable`] and send again. Whatever cannot be sent at all is lost, as
    /// any datagram may be: one that is too long for the interface above all, or for port 0
    /// (BC-11.51).
    pub(crate) fn send(&mut self, transmit: &Transmit, data: &[u8]) -> bool {
        let Transmit { to, segment_size: segment, .. } = *transmit;
        if to.port() == 0 {
            return true;
        }
        let mut result = self.try_send(transmit, data, segment);
        if transmit.local.is_some() && is_refused(&result) {
            // Perhaps for the address, which this host may not have any more.
            self.forget_error();
            let anywhere = Transmit { local: None, ..*transmit };
            result = self.try_send(&anywhere, data, segment);
        }
        let Err(error) = result else { return true };
        if error.kind() == io::ErrorKind::WouldBlock {
            return false;
        }
        tracing::debug!(%error, %to, bytes = data.len(), "not sent");
        // quinn-udp takes EINVAL and EIO for a system without GSO and without marks, for good; a route
        // that refuses one address says EINVAL as well.
        if error.kind() == io::ErrorKind::InvalidInput || self.state.max_gso_segments() <= 1 {
            self.forget_error();
            if let Some(size) = segment.filter(|&size| size > 0) {
                self.no_gso |= self.send_singly(transmit, data, size);
                self.forget_error();
            }
        }
        true
    }

    /// One address does not decide how datagrams to others are sent (BC-11.56).
    fn forget_error(&mut self) {
        if let Ok(state) = UdpSocketState::new((&self.io).into()) {
            self.state = state;
        }
    }

    /// Whether any of the datagrams goes that did not go together: then it was the batch.
    fn send_singly(&self, transmit: &Transmit, data: &[u8], size: usize) -> bool {
        let transmit = Transmit { local: None, ..*transmit };
        data.chunks(size)
            .map(|datagram| self.try_send(&transmit, datagram, None))
            .fold(false, |any, sent| any | sent.is_ok())
    }

    fn try_send(&self, transmit: &Transmit, data: &[u8], segment: Option<usize>) -> io::Result<()> {
        let transmit = quinn_udp::Transmit {
            destination: transmit.to,
            ecn: transmit.ecn.map(|ecn| match ecn {
                Ecn::Ect0 => EcnCodepoint::Ect0,
                Ecn::Ect1 => EcnCodepoint::Ect1,
                Ecn::Ce => EcnCodepoint::Ce,
            }),
            contents: data,
            segment_size: segment,
            src_ip: transmit.local,
        };
        self.io.try_io(Interest::WRITABLE, || self.state.try_send((&self.io).into(), &transmit))
    }
}

/// It failed, and not because the socket takes nothing now.
fn is_refused(result: &io::Result<()>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests;
