//! A socket towards the peer, and the clocks.

use bitchat_core::base::time::{Timestamp, UnixMillis};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant, SystemTime};

/// Room for any datagram.
const MAX_DATAGRAM: usize = 65_536;

/// The time since the run began, as the machines of the core count it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(self) -> Timestamp {
        Timestamp::from_nanos(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// The date; the beginning of 1970 on a host whose clock is before it.
    pub(super) fn wall() -> UnixMillis {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A socket that speaks with the peer alone.
#[derive(Debug)]
pub(super) struct Wire {
    socket: UdpSocket,
    buffer: Vec<u8>,
}

impl Wire {
    /// A new socket, so that nothing of an earlier one can come here.
    pub(super) fn open(peer: SocketAddr) -> io::Result<Self> {
        let any: SocketAddr = if peer.is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let socket = UdpSocket::bind(any)?;
        socket.connect(peer)?;
        Ok(Self { socket, buffer: vec![0; MAX_DATAGRAM] })
    }

    /// Where this side is, as it sees it.
    pub(super) fn local(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Sends a datagram. One that the system refuses is lost, as any may be: the peer may have
    /// closed its port, which is found by its silence.
    pub(super) fn send(&self, datagram: &[u8]) {
        let _ = self.socket.send(datagram);
    }

    /// The next datagram of the peer, if one comes within `patience`.
    pub(super) fn receive(&mut self, patience: Duration) -> Option<Vec<u8>> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            // A timeout of zero would mean to wait for ever.
            self.socket.set_read_timeout(Some(left.max(Duration::from_millis(1)))).ok()?;
            match self.socket.recv(&mut self.buffer) {
                Ok(len) => return self.buffer.get(..len).map(<[u8]>::to_vec),
                Err(error) if is_passing(&error) => {}
                Err(_) => return None,
            }
        }
    }
}

/// The time is over (which the loop finds by itself), or the peer's host refused an earlier
/// datagram.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, Interrupted, TimedOut, WouldBlock};
    matches!(
        error.kind(),
        TimedOut | WouldBlock | Interrupted | ConnectionRefused | ConnectionReset
    )
}
