//! People chat through trackers that others wrote.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use common::process::Process;
use common::story::{Place, story};
use common::succeed;
use std::fs::{self, Permissions};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Where a program is; says that the test is skipped if it is nowhere.
fn program(name: &str, how: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
    match found {
        Some(_) => eprintln!("FOREIGN TEST RAN: chat through {name}"),
        None => eprintln!("FOREIGN TEST SKIPPED: chat through {name} is not installed ({how})"),
    }
    found
}

fn free_port(address: &str) -> u16 {
    UdpSocket::bind((address, 0)).unwrap().local_addr().unwrap().port()
}

/// A configuration file that a daemon without privileges can read, too.
fn configure(place: &Place, name: &str, text: &str) -> PathBuf {
    fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
    let path = place.path().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    path
}

fn start(binary: &Path, flag: &str, config: &Path) -> Process {
    let mut command = Command::new(binary);
    command.arg(flag).arg(config);
    let process = Process::spawn(command);
    std::thread::sleep(Duration::from_secs(1));
    process
}

/// The story, and how long the second member took to be heard.
fn tell(place: &Place, url: &str) {
    let first = place.join("early");
    let begin = Instant::now();
    let mut second = place.join("late");
    second.types("I am here");
    first.prints(": I am here");
    eprintln!("{url}: heard {} ms after the second start", begin.elapsed().as_millis());
    common::story::quits(second);
    common::story::quits(first);
    story(place);
}

fn through_opentracker(scheme: &str) {
    let Some(binary) = program("opentracker", "Debian: opentracker") else { return };
    let port = free_port("127.0.0.1");
    let url = format!("{scheme}://127.0.0.1:{port}/announce");
    let place = Place::with_tracker(&url);
    let shown = succeed(place.path(), &["show", "talk.chat"]);
    let infohash = shown.lines().find_map(|line| line.strip_prefix("infohash")).unwrap().trim();
    let list = configure(&place, "whitelist", &format!("{infohash}\n"));
    let text = format!("listen.tcp_udp 127.0.0.1:{port}\naccess.whitelist {}\n", list.display());
    let config = configure(&place, "opentracker.conf", &text);
    let _tracker = start(&binary, "-f", &config);
    tell(&place, &url);
}

fn through_aquatic(name: &str, scheme: &str) {
    let how = format!("cargo install --locked --no-default-features {name}");
    let Some(binary) = program(name, &how) else { return };
    let port = free_port("::1");
    let url = format!("{scheme}://[::1]:{port}/announce");
    let place = Place::with_tracker(&url);
    let text = format!("[network]\naddress = \"[::1]:{port}\"\nonly_ipv6 = true\n");
    let config = configure(&place, "aquatic.toml", &text);
    let _tracker = start(&binary, "-c", &config);
    tell(&place, &url);
}

#[test]
fn opentracker_over_udp() {
    through_opentracker("udp");
}

#[test]
fn opentracker_over_http() {
    through_opentracker("http");
}

#[test]
fn aquatic_over_udp_and_ipv6() {
    through_aquatic("aquatic_udp", "udp");
}

#[test]
fn aquatic_over_http_and_ipv6() {
    through_aquatic("aquatic_http", "http");
}
