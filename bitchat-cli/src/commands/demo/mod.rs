//! `bitchat demo`: five members meet, talk, renew their keys, lose one of them and find it again,
//! over real sockets and real files. Every promise on the way is checked.

mod member;
mod story;

use crate::error::CliError;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The whole story takes at most so long.
const TIME: Duration = Duration::from_secs(9);
/// And so much longer to find the words for what is missing.
const GRACE: Duration = Duration::from_millis(500);

/// Which promise was broken.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct DemoError(String);

/// Turns any error into a broken promise, with the words of what was being done.
trait Doing<T> {
    fn doing(self, what: &str) -> Result<T, DemoError>;
}

impl<T, E: std::fmt::Display> Doing<T> for Result<T, E> {
    fn doing(self, what: &str) -> Result<T, DemoError> {
        self.map_err(|error| DemoError(format!("{what}: {error}")))
    }
}

/// Fails with `why` unless `holds`.
fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), DemoError> {
    if holds { Ok(()) } else { Err(DemoError(why())) }
}

/// Tells what happens, with the time since the start.
#[derive(Clone, Copy)]
struct Narrator(Instant);

impl Narrator {
    /// When the story must be over.
    fn deadline(self) -> Instant {
        self.0 + TIME
    }

    /// Whoever does not listen still learns from the exit status how it went.
    fn say(self, text: &str) {
        let elapsed = self.0.elapsed().as_millis();
        crate::screen::report(&format!("[{elapsed:>5} ms] {text}"));
    }
}

pub(crate) async fn run() -> Result<(), CliError> {
    let narrator = Narrator(Instant::now());
    // Whoever waits for something says at the deadline what it was; this is for the rest.
    let told = timeout(TIME + GRACE, story::tell(narrator)).await;
    let told = told.unwrap_or_else(|_| Err(DemoError("not finished in time".into())));
    told.map_err(|DemoError(why)| CliError::Demo(why))
}
