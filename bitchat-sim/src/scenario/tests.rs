use super::*;
use bitchat_core::base::time::Timestamp;
use std::cell::Cell;

fn run(wrong: bool) {
    let count = Cell::new(0);
    assert_replays(0..3, |seed, text| {
        count.set(count.get() + 1);
        let mut trace = Trace::new(text);
        trace.line(Timestamp::ZERO, format_args!("{seed} {}", if wrong { count.get() } else { 0 }));
        trace
    });
}

#[test]
fn equal_runs_pass() {
    run(false);
}

#[test]
#[should_panic(expected = "two runs of seed 0 differ")]
fn runs_that_differ_are_found() {
    run(true);
}
