//! Being asked to stop.

use std::io;

/// What the program is asked to do.
pub(crate) enum Asked {
    /// End.
    Stop,
    /// Go on after it was stopped: another program may have had the terminal.
    Resume,
}

/// Ctrl-C; and where there are such signals, the one to terminate and the hang-up of the terminal.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: unix::Signal,
    #[cfg(unix)]
    terminate: unix::Signal,
    #[cfg(unix)]
    hang_up: Option<unix::Signal>,
    #[cfg(unix)]
    resume: unix::Signal,
}

#[cfg(unix)]
use tokio::signal::unix::{self, SignalKind, signal};

#[cfg(unix)]
impl Signals {
    /// From now on they no longer end the program by themselves.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            // `nohup` means that the program goes on.
            hang_up: if ignores_hang_up() { None } else { Some(signal(SignalKind::hangup())?) },
            resume: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Asked {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.terminate.recv() => Asked::Stop,
            _ = hang_up => Asked::Stop,
            _ = self.resume.recv() => Asked::Resume,
        }
    }
}

/// Whether the signal was set aside before the program began. Only Linux tells.
#[cfg(unix)]
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & 1 != 0)
}

#[cfg(not(unix))]
impl Signals {
    /// From now on they no longer end the program by themselves.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Asked {
        let _ = tokio::signal::ctrl_c().await;
        Asked::Stop
    }
}
