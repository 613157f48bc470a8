//! How large packets are that every path carries.

/// Bytes of a packet that every path carries (RFC 9000 §14). Larger ones leave where the path is
/// known to carry them.
pub const PACKET_LEN: usize = 1_200;
