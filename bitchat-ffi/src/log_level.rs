//! How much a node says of its work.

use bitchat_core::node::LogLevel;

/// Say nothing; costs nothing.
pub const BITCHAT_LOG_OFF: i32 = 0;
/// What keeps the node from its work and somebody should look at.
pub const BITCHAT_LOG_WARN: i32 = 1;
/// What happened to channels, links and the store. Up to this level no text holds an address.
pub const BITCHAT_LOG_INFO: i32 = 2;
/// Why it happened: every attempt to meet somebody, every tracker, with addresses.
pub const BITCHAT_LOG_DEBUG: i32 = 3;
/// Every datagram of a meeting, every packet that was dropped.
pub const BITCHAT_LOG_TRACE: i32 = 4;

pub(crate) const fn level_code(level: LogLevel) -> i32 {
    match level {
        LogLevel::Off => BITCHAT_LOG_OFF,
        LogLevel::Info => BITCHAT_LOG_INFO,
        LogLevel::Debug => BITCHAT_LOG_DEBUG,
        LogLevel::Trace => BITCHAT_LOG_TRACE,
        _ => BITCHAT_LOG_WARN,
    }
}

/// The level of this code.
pub(crate) const fn level_of(code: i32) -> Option<LogLevel> {
    Some(match code {
        BITCHAT_LOG_OFF => LogLevel::Off,
        BITCHAT_LOG_WARN => LogLevel::Warn,
        BITCHAT_LOG_INFO => LogLevel::Info,
        BITCHAT_LOG_DEBUG => LogLevel::Debug,
        BITCHAT_LOG_TRACE => LogLevel::Trace,
        _ => return None,
    })
}
