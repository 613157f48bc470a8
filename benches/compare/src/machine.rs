//! Where and with what the figures were taken.

use std::process::Command;
use time::OffsetDateTime;
use time::macros::format_description;

/// Facts for the head of a result file.
#[derive(Debug)]
pub struct Machine {
    pub date: String,
    /// As part of a file name.
    pub short: String,
    pub lines: Vec<String>,
}

const CRATES: [&str; 17] = [
    "quinn-proto",
    "quinn",
    "snow",
    "boringtun",
    "kcp",
    "rusty_enet",
    "librqbit-utp",
    "quinn-udp",
    "tokio",
    "rustls",
    "ring",
    "aws-lc-rs",
    "chacha20poly1305",
    "poly1305",
    "x25519-dalek",
    "ed25519-dalek",
    "ml-kem",
];

impl Machine {
    pub fn here() -> Self {
        let now = OffsetDateTime::now_utc();
        let date = now.format(format_description!("[year]-[month]-[day]")).unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let arch = std::env::consts::ARCH;
        let os = rustix::system::uname();
        let lines = vec![
            commit(),
            format!("{} cores of {}, {arch}", cores, cpu_model()),
            format!("{} {}", os.sysname().to_string_lossy(), os.release().to_string_lossy()),
            compiler(),
            format!("target features beyond the baseline: {}", features()),
            versions(),
        ];
        Self { date, short: format!("{arch}-{cores}core"), lines }
    }
}

fn cpu_model() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find(|line| line.starts_with("model name"));
    let name = name.and_then(|line| line.split(':').nth(1)).map(str::trim);
    name.unwrap_or("unknown processor").to_owned()
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|_| "unknown compiler".to_owned())
}

/// The commit that was measured, if it can be told.
fn commit() -> String {
    let here = env!("CARGO_MANIFEST_DIR");
    let output = Command::new("git").args(["-C", here, "describe", "--always", "--dirty"]).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    format!("Bit Chat at {}", text.unwrap_or_else(|_| "an unknown commit".to_owned()))
}

fn features() -> &'static str {
    if cfg!(target_feature = "avx2") { "avx2" } else { "none" }
}

/// The versions in the lock file of this workspace.
fn versions() -> String {
    let lock = include_str!("../../Cargo.lock");
    let version = |name: &str| {
        let found = lock
            .split("[[package]]")
            .filter(|entry| entry.lines().any(|line| line == format!("name = \"{name}\"")))
            .filter_map(|entry| entry.lines().find_map(|line| line.strip_prefix("version = ")))
            .map(|version| version.trim_matches('"'))
            .collect::<Vec<_>>();
        format!("{name} {}", found.join(" and "))
    };
    CRATES.map(version).join(", ")
}
