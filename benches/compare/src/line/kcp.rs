//! KCP in its fast mode: clock of 10 ms, no back-off, resent after two later acknowledgements, no
//! congestion control. Its window is set by hand to fit the line. It neither encrypts nor has
//! streams; messages have a conversation of their own, so that they need not queue behind bulk data.

use super::{End, MESSAGE, PIECE, Taken, message};
use bitchat_core::base::time::Timestamp;
use kcp::{Kcp, get_conv};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

const BULK: u32 = 1;
const MESSAGES: u32 = 2;
/// Its clock. `Kcp::check` is no help: it asks for calls that then do nothing.
const TICK: Duration = Duration::from_millis(10);

/// Where a conversation writes its datagrams.
#[derive(Clone, Default)]
struct Output(Rc<RefCell<VecDeque<Vec<u8>>>>);

impl Write for Output {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().push_back(data.to_vec());
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Conversations {
    output: Output,
    bulk: Kcp<Output>,
    messages: Kcp<Output>,
    /// The next tick of their clock.
    tick: Timestamp,
    taken: Taken,
    piece: Vec<u8>,
    /// Segments that are kept ready to send.
    ahead: usize,
    buffer: Vec<u8>,
}

/// Both ends, with a window of about so many bytes.
pub fn ends(now: Timestamp, window: u64) -> [Box<dyn End>; 2] {
    [(); 2].map(|()| {
        let output = Output::default();
        let conversation = |id, stream| {
            let mut kcp = match stream {
                true => Kcp::new_stream(id, output.clone()),
                false => Kcp::new(id, output.clone()),
            };
            kcp.set_nodelay(true, 10, 2, true);
            let segments = (window / kcp.mss() as u64).clamp(128, 32_768);
            let segments = u16::try_from(segments).unwrap_or(u16::MAX);
            kcp.set_wndsize(segments, segments);
            kcp.update(millis(now)).expect("the output takes everything");
            kcp
        };
        let (bulk, messages) = (conversation(BULK, true), conversation(MESSAGES, false));
        let ahead = usize::from(bulk.snd_wnd()) * 2;
        let end: Box<dyn End> = Box::new(Conversations {
            output,
            bulk,
            messages,
            tick: now + TICK,
            taken: Taken::default(),
            piece: vec![7; PIECE],
            ahead,
            buffer: vec![0; 2 * PIECE],
        });
        end
    })
}

fn millis(now: Timestamp) -> u32 {
    u32::try_from(now.as_nanos() / 1_000_000).expect("a run is shorter than 49 days")
}

impl Conversations {
    fn read(&mut self) {
        while let Ok(len) = self.bulk.recv(&mut self.buffer) {
            self.taken.bulk += len as u64;
        }
        while let Ok(len) = self.messages.recv(&mut self.buffer) {
            assert_eq!(len, MESSAGE);
            self.taken.message(&self.buffer[..len]);
        }
    }

    fn update(&mut self, now: Timestamp) {
        for kcp in [&mut self.bulk, &mut self.messages] {
            kcp.update(millis(now)).expect("the output takes everything");
        }
    }
}

impl End for Conversations {
    fn poll_transmit(&mut self, _: Timestamp) -> Option<Vec<u8>> {
        self.output.0.borrow_mut().pop_front()
    }

    fn handle_datagram(&mut self, now: Timestamp, data: Vec<u8>) {
        self.update(now);
        let kcp = if get_conv(&data) == BULK { &mut self.bulk } else { &mut self.messages };
        let _ = kcp.input(&data);
        self.read();
    }

    fn poll_timeout(&mut self) -> Option<Timestamp> {
        Some(self.tick)
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.tick = now + TICK;
        self.update(now);
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn fill(&mut self, _: Timestamp) {
        while self.bulk.wait_snd() < self.ahead && self.bulk.send(&self.piece).is_ok() {}
    }

    fn send(&mut self, now: Timestamp) {
        self.update(now);
        self.messages.send(&message(now)).expect("a message fits");
        self.messages.flush().expect("the output takes everything");
    }

    fn take(&mut self, taken: &mut Taken) {
        taken.bulk += std::mem::take(&mut self.taken.bulk);
        taken.messages.append(&mut self.taken.messages);
    }

    fn is_dead(&self) -> bool {
        self.bulk.is_dead_link() || self.messages.is_dead_link()
    }
}
