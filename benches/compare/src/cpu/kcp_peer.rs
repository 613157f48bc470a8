//! KCP in its fast mode, told to send and to acknowledge at once. No encryption.

use super::pair::{ONE_WAY, Pair};
use kcp::Kcp;
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

/// Segments in flight.
const WINDOW: u16 = 1_024;

/// Datagrams one behind the other, and where each ends.
#[derive(Default)]
struct Wire {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

#[derive(Clone, Default)]
struct Output(Rc<RefCell<Wire>>);

impl Write for Output {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let mut wire = self.0.borrow_mut();
        wire.bytes.extend_from_slice(data);
        let end = wire.bytes.len();
        wire.ends.push(end);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Both ends.
pub struct Conversation {
    now: Duration,
    ends: [Option<Kcp<Output>>; 2],
    outputs: [Output; 2],
    plain: Vec<u8>,
    received: u64,
}

impl Conversation {
    /// A conversation in datagrams of `mtu` bytes.
    pub fn new(mtu: usize) -> Self {
        let outputs = [Output::default(), Output::default()];
        let ends = [0, 1].map(|of| {
            let mut kcp = Kcp::new_stream(7, outputs[of].clone());
            kcp.set_mtu(mtu).expect("a size that it can use");
            kcp.set_nodelay(true, 10, 2, true);
            kcp.set_wndsize(WINDOW, WINDOW);
            kcp.update(0).expect("the output takes everything");
            Some(kcp)
        });
        let plain = vec![0; 64 * 1024];
        Self { now: Duration::ZERO, ends, outputs, plain, received: 0 }
    }

    /// Lets go of one end.
    pub fn drop_end(&mut self) {
        self.ends[1] = None;
    }

    fn end(&mut self, of: usize) -> &mut Kcp<Output> {
        self.ends[of].as_mut().expect("the end is there")
    }
}

impl Pair for Conversation {
    fn send(&mut self, message: &[u8]) -> bool {
        let kcp = self.end(0);
        kcp.wait_snd() < usize::from(WINDOW) && kcp.send(message).is_ok()
    }

    fn flush(&mut self, from: usize) -> u64 {
        let now = u32::try_from(self.now.as_millis()).expect("a short run");
        let kcp = self.end(from);
        kcp.update(now).expect("the output takes everything");
        kcp.flush().expect("the output takes everything");
        self.now += ONE_WAY;
        let wire = std::mem::take(&mut *self.outputs[from].0.borrow_mut());
        let kcp = self.ends[1 - from].as_mut().expect("the end is there");
        let mut start = 0;
        for end in &wire.ends {
            kcp.input(&wire.bytes[start..*end]).expect("its own");
            start = *end;
            while let Ok(len) = kcp.recv(&mut self.plain) {
                self.received += len as u64;
            }
        }
        let packets = wire.ends.len() as u64;
        // The room is used again.
        let Wire { mut bytes, mut ends } = wire;
        bytes.clear();
        ends.clear();
        *self.outputs[from].0.borrow_mut() = Wire { bytes, ends };
        packets
    }

    fn sleep(&mut self) {
        self.now += Duration::from_millis(1);
    }

    fn received(&self) -> u64 {
        self.received
    }
}
