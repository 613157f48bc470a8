//! The floors of the house: a room imports from lower floors only, never from a neighbour.
//!
//! The table below is the plan. Moving a room, or adding one, means changing the table, with a
//! reason for whoever reviews it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// From the ground up. Rooms in one row may not import each other.
const FLOORS: &[(&str, &[&str])] = &[
    ("0a", &["base::addr", "base::ids", "base::time"]),
    (
        "0b",
        &[
            "base::agenda",
            "base::limits",
            "base::queue",
            "base::rangeset",
            "base::rng",
            "base::target",
            "base::via",
        ],
    ),
    ("1a", &["wire::varint"]),
    ("1b", &["wire::base32", "wire::bencode", "wire::reader", "wire::url", "wire::writer"]),
    ("1c", &["wire::frame", "wire::packet"]),
    ("2a", &["crypto::suite"]),
    ("2b", &["crypto::channel_keys", "crypto::identity", "crypto::noise", "crypto::packet_key"]),
    // The gate is made of a channel's keys, the key log shows all kinds.
    ("2c", &["crypto::gate", "crypto::key_log"]),
    ("3", &["chatfile", "dht", "handshake", "log", "tracker", "transport"]),
    ("4", &["link"]),
    ("5", &["channel"]),
    ("6", &["node"]),
];

/// Houses whose first level of modules are the rooms; elsewhere the top module is the room.
const HALLS: &[&str] = &["base", "wire", "crypto"];

/// The same inside one room, for its modules. What stands in the room's own `mod.rs`, and in modules
/// of `top`, may import all of them.
const INSIDE: &[Inside] = &[
    Inside {
        room: "transport",
        top: &["info", "observe", "outcome", "receive", "send"],
        floors: &[
            ("a", &["config", "error"]),
            ("b", &["rtt", "stream_id"]),
            ("c", &["congestion", "packet", "sink"]),
            ("d", &["ack", "streams"]),
            ("e", &["recovery"]),
        ],
    },
    Inside {
        room: "node",
        // These hold all of `impl Node`; the owners below never see the node.
        top: &["commands", "drain", "input", "loading", "peer_streams", "route", "timers"],
        floors: &[
            ("a", &["log"]),
            ("b", &["api"]),
            ("c", &["config"]),
            ("d", &["outbox"]),
            ("e", &["fx", "store"]),
            ("f", &["own_device", "sessions"]),
            ("g", &["channels"]),
            ("h", &["discovery"]),
        ],
    },
    Inside {
        room: "link",
        // These hold all of `impl Link`; the owners below never see the link.
        top: &[
            "byte_streams",
            "moving",
            "qlog",
            "qlog_off",
            "reading",
            "receive",
            "rekeying",
            "send",
            "timers",
        ],
        floors: &[
            ("a", &["size"]),
            ("b", &["control"]),
            ("c", &["slots"]),
            ("d", &["carried", "event"]),
            ("e", &["paths", "session", "streams"]),
        ],
    },
    Inside {
        room: "log",
        top: &["restore", "take", "write"],
        floors: &[
            ("a", &["entry", "pending"]),
            ("b", &["chains", "record", "waiting"]),
            ("c", &["own", "sink"]),
        ],
    },
    Inside {
        room: "dht",
        top: &["answering", "upkeep"],
        floors: &[
            ("a", &["announces", "id", "observed"]),
            ("b", &["krpc", "serving"]),
            ("c", &["table"]),
            ("d", &["search"]),
            ("e", &["running"]),
            ("f", &["queries"]),
        ],
    },
    Inside {
        room: "channel",
        top: &["outlet", "receive", "restore"],
        floors: &[("a", &["delivery", "fault", "info", "pex"]), ("b", &["sink"]), ("c", &["sync"])],
    },
];

/// The floors inside one room.
struct Inside {
    room: &'static str,
    /// The modules that put the others together.
    top: &'static [&'static str],
    floors: &'static [(&'static str, &'static [&'static str])],
}

#[test]
fn imports_go_strictly_down() {
    let mut breaches = Vec::new();
    let mut checked = 0;
    for file in sources(&src()) {
        let module = module_path(&file);
        let text = without_comments(&fs::read_to_string(&file).expect("a source file"));
        let imports = imports(&text, &module);
        checked += imports.len();
        breaches.extend(imports.iter().filter_map(|path| breach(&module, path)));
    }
    breaches.sort();
    breaches.dedup();
    assert!(checked > 20, "the scanner finds imports, it found {checked}");
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

#[test]
fn imports_inside_rooms_go_strictly_down() {
    for inside in INSIDE {
        let mut breaches = Vec::new();
        let mut checked = 0;
        for file in sources(&src().join(inside.room)) {
            let module = module_path(&file);
            let text = without_comments(&fs::read_to_string(&file).expect("a source file"));
            let imports = imports(&text, &module);
            checked += imports.len();
            breaches.extend(imports.iter().filter_map(|path| inside.breach(&module, path)));
        }
        breaches.sort();
        breaches.dedup();
        assert!(checked > 20, "the scanner finds imports, it found {checked}");
        assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
    }
}

impl Inside {
    /// What is wrong with `module` of this room importing `path`, if anything.
    fn breach(&self, module: &[String], path: &[String]) -> Option<String> {
        let from = module.get(1)?.as_str();
        if self.top.contains(&from) || path.first()?.as_str() != self.room {
            return None;
        }
        let to = path.get(1)?.as_str();
        if from == to {
            return None;
        }
        let floor = |name: &str| self.floors.iter().position(|(_, row)| row.contains(&name));
        let Some(upper) = floor(from) else {
            return Some(format!(
                "{}::{from} is in no row of INSIDE in tests/floors.rs",
                self.room
            ));
        };
        // No row has a name of the room's own `mod.rs`, so that importing one is a breach.
        let below = floor(to).is_some_and(|lower| lower < upper);
        let name = self.floors[upper].0;
        (!below).then(|| format!("{}::{from} (floor {name}) imports {to}", self.room))
    }
}

#[test]
fn the_table_names_existing_rooms_once() {
    let mut all: Vec<_> = FLOORS.iter().flat_map(|(_, rooms)| *rooms).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), FLOORS.iter().map(|(_, rooms)| rooms.len()).sum::<usize>());
}

#[test]
fn the_scanner_sees_every_way_to_import() {
    let module = ["crypto", "gate", "inner"].map(String::from);
    let found = |text: &str| imports(text, &module).iter().map(|path| path.join("::")).collect();
    let cases: [(&str, &[&str]); 7] = [
        ("use crate::base::ids::ChannelId;", &["base::ids::ChannelId"]),
        ("use crate::base::{ids::A, time};", &["base::ids::A", "base::time"]),
        ("use crate::{link, base::{ids,\n rng::*}};", &["link", "base::ids", "base::rng"]),
        ("let x = crate::link::Link::new();", &["link::Link::new"]),
        ("use super::super::suite::{hash, prf};", &["crypto::suite::hash", "crypto::suite::prf"]),
        ("use super::own; use self::deeper;", &["crypto::gate::own"]),
        ("$crate::a; my_crate::b; x_super::c", &["a"]),
    ];
    for (text, expected) in cases {
        let found: Vec<String> = found(text);
        assert_eq!(found, expected, "{text}");
    }
    let module = ["wire".to_owned(), "reader".to_owned()];
    let path = ["crypto", "suite"].map(String::from);
    assert!(breach(&module, &path).is_some(), "upwards");
    assert!(breach(&module, &["wire", "url"].map(String::from)).is_some(), "sideways");
    assert!(breach(&module, &["wire", "varint"].map(String::from)).is_none(), "downwards");
    assert!(breach(&module, &["wire", "reader"].map(String::from)).is_none(), "within");
}

#[test]
fn breaches_inside_a_room_are_seen() {
    let inside = &INSIDE[0];
    let breach = |from: &str, to: &str| {
        let path = |name: &str| ["transport", name].map(String::from);
        inside.breach(&path(from), &path(to)).is_some()
    };
    assert!(breach("ack", "recovery"), "upwards");
    assert!(breach("ack", "streams"), "sideways");
    assert!(breach("ack", "Transport"), "to the top");
    assert!(breach("ack", "send"), "to the top");
    assert!(!breach("ack", "packet") && !breach("ack", "ack") && !breach("send", "ack"));
}

/// What is wrong with `module` importing `path`, if anything.
fn breach(module: &[String], path: &[String]) -> Option<String> {
    let (from, to) = (room(module), room(path));
    if from == to || (module.len() == 1 && HALLS.contains(&module[0].as_str())) {
        return None;
    }
    let floors: BTreeMap<&str, usize> = FLOORS
        .iter()
        .enumerate()
        .flat_map(|(floor, (_, rooms))| rooms.iter().map(move |room| (*room, floor)))
        .collect();
    let unknown = |room: &str| Some(format!("{room} is in no row of the table in tests/floors.rs"));
    let Some(&lower) = floors.get(to.as_str()) else { return unknown(&to) };
    let Some(&upper) = floors.get(from.as_str()) else { return unknown(&from) };
    let name = |floor: usize| FLOORS[floor].0;
    (lower >= upper)
        .then(|| format!("{from} (floor {}) imports {to} (floor {})", name(upper), name(lower)))
}

fn room(path: &[String]) -> String {
    let len = if HALLS.contains(&path[0].as_str()) { 2 } else { 1 };
    path[..len.min(path.len())].join("::")
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All source files but tests, which may look wherever they like, and the crate's root.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if stem == "tests" || stem == "lib" {
            continue;
        } else if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn module_path(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix(src()).expect("below src").with_extension("");
    let mut path: Vec<String> =
        inside.iter().map(|part| part.to_str().expect("UTF-8").to_owned()).collect();
    if path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    path
}

fn without_comments(text: &str) -> String {
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

/// Every path in `text` that starts with `crate::` or `super::`, from the crate's root on.
fn imports(text: &str, module: &[String]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        if starts_a_path(text, at) {
            use_tree(&text[at + "crate::".len()..], &[], &mut paths);
        }
    }
    for (at, _) in text.match_indices("super::") {
        if !starts_a_path(text, at) || text[..at].ends_with("super::") {
            continue;
        }
        let mut rest = &text[at..];
        let mut base = module;
        while let Some(after) = rest.strip_prefix("super::") {
            base = base.split_last().map_or(base, |(_, outer)| outer);
            rest = after;
        }
        use_tree(rest, base, &mut paths);
    }
    paths.retain(|path| !path.is_empty());
    paths
}

fn starts_a_path(text: &str, at: usize) -> bool {
    !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
}

/// Reads one tree of a `use` item and gives what follows it.
fn use_tree<'a>(text: &'a str, prefix: &[String], paths: &mut Vec<Vec<String>>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = use_tree(rest, prefix, paths).trim_start();
            match rest.strip_prefix(',') {
                Some(after) => rest = after,
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = text.find(|end: char| !end.is_alphanumeric() && end != '_').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let mut path = prefix.to_vec();
    if !word.is_empty() && word != "self" {
        path.push(word.to_owned());
    }
    match rest.strip_prefix("::") {
        Some(rest) => use_tree(rest, &path, paths),
        None if word.is_empty() && !rest.starts_with('*') => rest,
        None => {
            paths.push(path);
            let rest = rest.strip_prefix('*').unwrap_or(rest).trim_start();
            let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
            rest.strip_prefix("as ").map_or(rest, |name| name.trim_start_matches(is_word))
        }
    }
}
