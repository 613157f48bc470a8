//! Another path under a session: nothing of the old one tells against it.

use super::{Lane, Pair, contents};
use crate::base::time::Timestamp;
use crate::transport::CongestionControl::{Bbr, Cubic, NewReno};
use crate::transport::{Class, CongestionControl, TransportConfig, TransportStreamId};
use core::time::Duration;

/// The first window: ten packets of 1,200 bytes.
const FIRST_WINDOW: u64 = 12_000;

/// A pair with an upload that never ends.
struct Upload {
    pair: Pair,
    id: TransportStreamId,
    written: u64,
}

impl Upload {
    /// An upload that has run for two seconds.
    fn new(control: CongestionControl, lane: Lane) -> Self {
        Self::over(control, lane, 2_000)
    }

    /// The clock has run for ten minutes; the upload runs for `millis` over `lane`.
    fn over(control: CongestionControl, lane: Lane, millis: u64) -> Self {
        let config = TransportConfig { congestion_control: control, ..TransportConfig::default() };
        let mut pair = Pair::with_config(1, lane, config);
        pair.now = Timestamp::from_millis(600_000);
        let id = pair.ends[0].transport.open_stream(Class::File).expect("a stream");
        let mut upload = Self { pair, id, written: 0 };
        upload.run(millis, |_| ());
        upload
    }

    /// Goes on for `millis`; `look` sees the pair after every step.
    fn run(&mut self, millis: u64, mut look: impl FnMut(&Pair)) {
        let Self { pair, id, written } = self;
        pair.run(Duration::from_millis(millis), |pair| {
            let data = contents(*id, *written..*written + 65_536);
            *written += pair.ends[0].transport.write(*id, data).expect("open") as u64;
            pair.ends[1].read_reported();
            look(pair);
            false
        });
    }

    /// The old path is gone with all that was on it, the last ACK as well. What follows finds a
    /// clean one.
    fn cut(&mut self) {
        self.pair.lanes.iter_mut().for_each(|lane| lane.loss = 1_000);
        self.run(60, |_| ());
        self.pair.cut();
        self.pair.lanes = [Lane::CLEAN; 2];
        let in_flight = self.pair.ends[0].transport.stats().bytes_in_flight;
        assert!(in_flight > 20 * 1_200, "{in_flight} bytes are too few for this test");
    }

    /// Packets leave on another path, of which nothing is known.
    fn move_away(&mut self) {
        self.pair.ends[0].transport.path_changed(self.pair.now, None);
    }
}

/// BC-07.66
#[test]
fn what_is_in_flight_on_the_old_path_leaves_the_new_window_free() {
    for control in [Bbr, Cubic, NewReno] {
        let mut upload = Upload::new(control, Lane::CLEAN);
        upload.cut();
        upload.move_away();
        upload.run(1, |_| ());
        let fresh = upload.pair.ends[0].transport.recovery.in_flight();
        let window = FIRST_WINDOW - 1_200..=FIRST_WINDOW + 2_400;
        assert!(window.contains(&fresh), "{control:?}: {fresh} bytes left");
    }
}

/// BC-07.67
#[test]
fn marks_of_the_old_path_are_no_congestion_on_the_new_one() {
    for control in [Bbr, Cubic, NewReno] {
        let lane = Lane { marks: true, queue: 40_000, ..Lane::CLEAN };
        let mut upload = Upload::new(control, lane);
        assert!(
            upload.pair.ends[0].transport.recovery.path.ecn.marks() > 0,
            "{control:?}: none was set"
        );
        upload.cut();
        upload.move_away();
        upload.run(300, |pair| {
            let window = pair.ends[0].transport.stats().congestion_window;
            assert!(window >= FIRST_WINDOW, "{control:?}: {window} bytes at {:?}", pair.now);
        });
        assert!(upload.pair.ends[0].transport.marks_ecn(), "{control:?}");
    }
}

#[test]
fn the_first_samples_are_those_of_the_new_path() {
    let mut upload = Upload::new(Bbr, Lane::CLEAN);
    upload.cut();
    upload.move_away();
    upload.run(300, |pair| {
        let transport = &pair.ends[0].transport;
        let rate = transport.path_estimate().rate;
        assert!(rate.is_none_or(|rate| rate > 20_000), "{rate:?} bytes a second at {:?}", pair.now);
    });
}

/// BC-07.68
#[test]
fn losses_of_the_old_path_are_not_counted_on_the_new_one() {
    for rebound in [false, true] {
        let mut upload = Upload::new(Bbr, Lane::CLEAN);
        let before = upload.pair.ends[0].transport.path_estimate().loss;
        upload.cut();
        if rebound {
            upload.pair.ends[0].transport.path_rebound();
        } else {
            upload.move_away();
        }
        let lost = upload.pair.ends[0].transport.stats().packets_lost;
        upload.run(300, |_| ());
        assert!(upload.pair.ends[0].transport.stats().packets_lost >= lost + 20, "the old ones");
        let share = upload.pair.ends[0].transport.path_estimate().loss;
        assert!(share <= before, "{share} of 1,000 lost, {before} before");
    }
}

/// What is first acknowledged behind a cut left an hour before: its rate says nothing.
#[test]
fn a_cut_at_the_beginning_does_not_slow_what_follows() {
    let mut upload = Upload::over(Bbr, Lane { loss: 1_000, ..Lane::CLEAN }, 3_600_000);
    upload.pair.lanes = [Lane::CLEAN; 2];
    upload.run(15_000, |_| ());
    let received = upload.pair.ends[1].received[&upload.id].len();
    assert!(
        received > 1_000_000,
        "{received} bytes in 15 s of 10 Mbit/s, of which 10 s may be back-off"
    );
}
