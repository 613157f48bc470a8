use super::*;
use bitchat_core::base::time::Timestamp;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber, subscriber};

/// Keeps what it is told of the target `bitchat`, up to a level.
#[derive(Clone)]
struct Ear(Level, Arc<Mutex<Vec<String>>>);

impl Visit for &Ear {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.1.lock().expect("not poisoned").push(format!("{field}={value:?}"));
    }
}

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "bitchat" && *metadata.level() <= self.0
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        self.1.lock().expect("not poisoned").push(event.metadata().level().to_string());
        event.record(&mut &*self);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn the_subscriber_decides_how_much_and_gets_it() {
    assert_eq!(wanted(), LogLevel::Off);
    for (level, wants) in [
        (Level::ERROR, LogLevel::Off),
        (Level::WARN, LogLevel::Warn),
        (Level::INFO, LogLevel::Info),
        (Level::DEBUG, LogLevel::Debug),
        (Level::TRACE, LogLevel::Trace),
    ] {
        let ear = Ear(level, Arc::default());
        subscriber::with_default(ear.clone(), || {
            assert_eq!(wanted(), wants);
            for level in [LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace] {
                let at = Timestamp::ZERO;
                let record = LogRecord { at, level, target: "link", text: "up".into(), lost: 0 };
                trace(&record);
            }
        });
        let heard = ear.1.lock().expect("not poisoned").clone();
        let said: Vec<&str> = heard.iter().map(String::as_str).collect();
        let mut expected = Vec::new();
        for name in ["WARN", "INFO", "DEBUG", "TRACE"] {
            if name.parse::<Level>().expect("a level") <= level {
                expected.extend([name, "message=up", "part=\"link\""]);
            }
        }
        assert_eq!(said, expected);
    }
}
