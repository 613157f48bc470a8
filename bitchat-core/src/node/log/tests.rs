use super::*;
use crate::wire::url::without_path;
use std::cell::Cell;

/// Counts how often it is put into words.
struct Counted<'a>(&'a Cell<u32>);

impl Display for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.set(self.0.get() + 1);
        f.write_str("said")
    }
}

#[test]
fn what_is_not_wanted_is_never_put_into_words_nor_kept() {
    let said = Cell::new(0);
    let mut log = Log::new(LogLevel::Off, 8);
    for level in [LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace] {
        log.add(Timestamp::ZERO, level, "node", Counted(&said));
    }
    assert_eq!((said.get(), log.records.capacity(), log.poll()), (0, 0, None));
    let mut log = Log::new(LogLevel::Info, 8);
    log.add(Timestamp::ZERO, LogLevel::Debug, "node", Counted(&said));
    assert_eq!((said.get(), log.poll()), (0, None));
    log.add(Timestamp::ZERO, LogLevel::Warn, "node", Counted(&said));
    assert_eq!((said.get(), log.poll().map(|record| record.text)), (1, Some("said".to_owned())));
}

#[test]
fn the_oldest_records_are_lost_and_counted() {
    let mut log = Log::new(LogLevel::Trace, 3);
    for number in 0..10 {
        log.add(Timestamp::ZERO, LogLevel::Info, "node", number);
    }
    let mut taken = Vec::new();
    while let Some(record) = log.poll() {
        taken.push((record.text, record.lost));
    }
    assert_eq!(taken, [("7".to_owned(), 7), ("8".to_owned(), 0), ("9".to_owned(), 0)]);
    log.add(Timestamp::ZERO, LogLevel::Info, "node", "more");
    assert_eq!(log.poll().map(|record| record.lost), Some(0));
}

#[test]
fn a_text_is_one_line_of_bounded_length_whoever_wrote_it() {
    let mut log = Log::new(LogLevel::Trace, 3);
    log.add(Timestamp::ZERO, LogLevel::Info, "tracker", "no\r\nroot logged in\u{1b}[2J");
    let text = log.poll().unwrap().text;
    assert_eq!(text, "no\u{fffd}\u{fffd}root logged in\u{fffd}[2J");
    for long in ["x".repeat(5_000), "\n".repeat(5_000), "ü".repeat(5_000)] {
        log.add(Timestamp::ZERO, LogLevel::Info, "tracker", long);
        let len = log.poll().unwrap().text.len();
        assert!((TEXT_LEN - 3..=TEXT_LEN).contains(&len), "{len}");
    }
}

#[test]
fn of_a_tracker_only_the_host_is_said() {
    for (url, said) in [
        ("https://tracker.example/secret/announce?passkey=1", "https://tracker.example"),
        ("udp://[2001:db8::1]:6969", "udp://[2001:db8::1]:6969"),
        ("http://example.org:80?key=1", "http://example.org:80"),
    ] {
        assert_eq!(without_path(url), said);
    }
}
