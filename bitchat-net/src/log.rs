//! What the node says of its work becomes `tracing` events under the target `bitchat`.

use bitchat_core::node::{LogLevel, LogRecord};
use tracing::{Level, enabled};

/// How much the subscriber wants to know.
pub(crate) fn wanted() -> LogLevel {
    if enabled!(target: "bitchat", Level::TRACE) {
        LogLevel::Trace
    } else if enabled!(target: "bitchat", Level::DEBUG) {
        LogLevel::Debug
    } else if enabled!(target: "bitchat", Level::INFO) {
        LogLevel::Info
    } else if enabled!(target: "bitchat", Level::WARN) {
        LogLevel::Warn
    } else {
        LogLevel::Off
    }
}

/// Hands a record to the subscriber.
pub(crate) fn trace(record: &LogRecord) {
    let LogRecord { target: part, text, lost, .. } = record;
    if *lost > 0 {
        tracing::warn!(target: "bitchat", lost, "earlier records");
    }
    match record.level {
        LogLevel::Trace => tracing::trace!(target: "bitchat", part, "{text}"),
        LogLevel::Debug => tracing::debug!(target: "bitchat", part, "{text}"),
        LogLevel::Info => tracing::info!(target: "bitchat", part, "{text}"),
        _ => tracing::warn!(target: "bitchat", part, "{text}"),
    }
}

#[cfg(test)]
mod tests;
