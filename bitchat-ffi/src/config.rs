//! A node's settings, for C.

use crate::boundary::{guard, read_text};
use crate::limits::{bitchat_limits, read_limits};
use crate::log_level::{level_code, level_of};
use crate::sized_struct::{SizedStruct, read_struct_over, write_struct};
use crate::values::bitchat_error;
use bitchat_core::crypto::suite::Backend;
use bitchat_core::node::{ClockKind, Config, DhtMode, Families};
use core::ffi::c_char;
use core::time::Duration;

/// `crypto`: the fastest library that was compiled in.
pub const BITCHAT_CRYPTO_FASTEST: u8 = 0;
/// `crypto`: pure Rust.
pub const BITCHAT_CRYPTO_RUSTCRYPTO: u8 = 1;
/// `crypto`: AWS-LC, unless libbitchat was built without it.
pub const BITCHAT_CRYPTO_AWS_LC: u8 = 2;

/// The only value but 0 that `bitchat_config.insecure_key_log` takes. It is not 1, so that no flag that
/// slipped by a byte can switch the key log on.
pub const BITCHAT_INSECURE_KEY_LOG: u8 = 0xb5;

/// The clock of `mono_ns` stops while the host sleeps, as CLOCK_MONOTONIC of Linux: call
/// `bitchat_node_resumed` when the host wakes up.
pub const BITCHAT_CLOCK_STOPS_IN_SLEEP: u8 = 0;
/// It runs on, as CLOCK_BOOTTIME of Linux: a node that is called ten seconds or more after its deadline
/// takes it that the host slept.
pub const BITCHAT_CLOCK_RUNS_IN_SLEEP: u8 = 1;

/// Settings of a node: set `struct_size`, call `bitchat_config_init`, then change what you need.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_config {
    /// Set to sizeof(bitchat_config).
    pub struct_size: usize,
    /// A link's keys are renewed this long after the first user data under them; 1,000 to 120,000.
    pub rekey_interval_ms: u64,
    /// An idle link says that it lives this often at first; 1,000 to 30,000. It learns how much longer
    /// it may be silent: up to 25 s behind a NAT, up to three quarters of `idle_timeout_ms` without one.
    pub keepalive_ms: u64,
    /// A link on which nothing was heard for this long is dead; more than twice `keepalive_ms`.
    pub idle_timeout_ms: u64,
    /// The UDP port wanted; 0 leaves the choice to the system.
    pub port: u16,
    /// 1: use IPv4.
    pub ipv4: u8,
    /// 1: use IPv6.
    pub ipv6: u8,
    /// 1: allow trackers on loopback and private addresses. 0 keeps a `.chat` file from a stranger
    /// from making the node call upon machines of its own network.
    pub local_trackers: u8,
    /// 1: you answer BITCHAT_ACTION_PERSIST and BITCHAT_ACTION_LOAD. 0: the node forgets everything
    /// at its end, and its device is a new one each time.
    pub store: u8,
    /// BITCHAT_CRYPTO_FASTEST, BITCHAT_CRYPTO_RUSTCRYPTO or BITCHAT_CRYPTO_AWS_LC: which library
    /// computes. A matter of speed: peers see no difference.
    pub crypto: u8,
    /// Dangerous, for debugging only: BITCHAT_INSECURE_KEY_LOG makes the node give away all its
    /// secrets through `bitchat_node_poll_key_log`. 0 leaves it off; anything else is
    /// BITCHAT_ERR_INVALID.
    pub insecure_key_log: u8,
    /// How much `bitchat_node_poll_log` gives: BITCHAT_LOG_...
    pub log: i32,
    /// 1: trace every link for `bitchat_node_poll_qlog`.
    pub qlog: u8,
    /// BITCHAT_CLOCK_...: what the clock of `mono_ns` does while the host sleeps.
    pub clock: u8,
    /// 1: look for members in the DHT as well, as soon as a node of it is known: from a `.chat` file, from
    /// `dht_routers` or from the last run. 0: send nothing there and answer nobody.
    pub dht: u8,
    /// 0.
    pub reserved_2: [u8; 1],
    /// Bounds on what peers can make the node hold; NULL means the defaults. They are copied.
    pub limits: *const bitchat_limits,
    /// Nodes of the DHT that are asked besides those of `.chat` files: HOST:PORT, IPv6 addresses in
    /// brackets, a space between two. NULL: none.
    pub dht_routers: *const c_char,
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value.
unsafe impl SizedStruct for bitchat_config {
    const FIRST_SIZE: usize = core::mem::offset_of!(Self, log);
}

/// Fills a config with the defaults.
///
/// # Safety
/// `config` is NULL or valid for writes, with `struct_size` set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_config_init(config: *mut bitchat_config) -> i32 {
    // SAFETY: as the caller says.
    guard(|| unsafe { write_struct(&bitchat_config::default(), config) })
}

impl Default for bitchat_config {
    fn default() -> Self {
        let defaults = Config::default();
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            struct_size: 0,
            rekey_interval_ms: millis(defaults.rekey_interval),
            keepalive_ms: millis(defaults.keepalive),
            idle_timeout_ms: millis(defaults.idle_timeout),
            port: defaults.port,
            ipv4: defaults.families.v4.into(),
            ipv6: defaults.families.v6.into(),
            local_trackers: defaults.local_trackers.into(),
            store: defaults.store.into(),
            crypto: BITCHAT_CRYPTO_FASTEST,
            insecure_key_log: if defaults.insecure_key_log { BITCHAT_INSECURE_KEY_LOG } else { 0 },
            log: level_code(defaults.log),
            qlog: defaults.qlog.into(),
            clock: BITCHAT_CLOCK_STOPS_IN_SLEEP,
            dht: (defaults.dht == DhtMode::On).into(),
            reserved_2: [0; 1],
            limits: core::ptr::null(),
            dht_routers: core::ptr::null(),
        }
    }
}

/// The settings behind `config`; the defaults where it is NULL.
///
/// # Safety
/// `config` is NULL or valid for reads, and so are its limits and its texts; `why` is NULL or valid for reads and
/// writes.
pub(crate) unsafe fn read_config(
    config: *const bitchat_config,
    why: *mut bitchat_error,
) -> Result<Config, i32> {
    let mut out = Config::default();
    if config.is_null() {
        return Ok(out);
    }
    // SAFETY: as the caller says.
    let config = unsafe { read_struct_over(bitchat_config::default(), config)? };
    // SAFETY: as the caller says.
    let refuse = |reason: &str| unsafe { bitchat_error::say(why, reason) };
    let flag = |name: &str, value: u8| match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(refuse(&format!("{name}: choose 0 or 1"))),
    };
    if config.reserved_2 != [0; 1] {
        return Err(refuse("reserved: leave it 0"));
    }
    let level = level_of(config.log).ok_or_else(|| refuse("log: choose one of BITCHAT_LOG_..."))?;
    // SAFETY: as the caller says.
    out.limits = unsafe { read_limits(config.limits, why)? };
    out.log = level;
    out.crypto = match config.crypto {
        BITCHAT_CRYPTO_FASTEST => Backend::fastest(),
        BITCHAT_CRYPTO_RUSTCRYPTO => Backend::RustCrypto,
        BITCHAT_CRYPTO_AWS_LC => Backend::AwsLc,
        _ => return Err(refuse("crypto: choose one of BITCHAT_CRYPTO_...")),
    };
    // BC-13.01
    out.insecure_key_log = match config.insecure_key_log {
        0 => false,
        BITCHAT_INSECURE_KEY_LOG => true,
        _ => return Err(refuse("insecure_key_log: choose 0 or BITCHAT_INSECURE_KEY_LOG")),
    };
    out.clock = match config.clock {
        BITCHAT_CLOCK_STOPS_IN_SLEEP => ClockKind::StopsInSleep,
        BITCHAT_CLOCK_RUNS_IN_SLEEP => ClockKind::RunsInSleep,
        _ => return Err(refuse("clock: choose one of BITCHAT_CLOCK_...")),
    };
    out.port = config.port;
    out.families = Families { v4: flag("ipv4", config.ipv4)?, v6: flag("ipv6", config.ipv6)? };
    out.local_trackers = flag("local_trackers", config.local_trackers)?;
    out.store = flag("store", config.store)?;
    out.qlog = flag("qlog", config.qlog)?;
    out.dht = if flag("dht", config.dht)? { DhtMode::On } else { DhtMode::Off };
    if !config.dht_routers.is_null() {
        // SAFETY: as the caller says.
        let routers = unsafe { read_text(config.dht_routers)? };
        let parsed = routers.split_ascii_whitespace().map(str::parse);
        let parsed = parsed.collect::<Result<_, _>>();
        out.dht_routers = parsed.map_err(|_| refuse("dht_routers: write HOST:PORT"))?;
    }
    out.rekey_interval = Duration::from_millis(config.rekey_interval_ms);
    out.keepalive = Duration::from_millis(config.keepalive_ms);
    out.idle_timeout = Duration::from_millis(config.idle_timeout_ms);
    Ok(out)
}
