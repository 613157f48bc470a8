//! C gets everything that Rust gets: the node's methods, inputs, actions and events are compared with
//! what is exported, and nothing else leaves the shared library.

mod common;

use common::{library, output, root};
use std::collections::BTreeSet;
use std::process::Command;

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect("the file is there")
}

fn header() -> String {
    read("include/bitchat.h")
}

/// The functions that the header declares.
fn declared() -> BTreeSet<String> {
    let header = header();
    let names = header.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let after = |name: &str| header.contains(&format!("{name}("));
    names.filter(|n| n.starts_with("bitchat_") && after(n)).map(str::to_owned).collect()
}

/// `pub fn` names in the `impl Node` blocks of the node.
fn methods() -> BTreeSet<String> {
    let directory = root().join("bitchat-core/src/node");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(directory).expect("the room is there") {
        let path = entry.expect("readable").path();
        if path.extension().is_none_or(|end| end != "rs") {
            continue;
        }
        let source = std::fs::read_to_string(path).expect("readable");
        for block in source.split("\nimpl Node {\n").skip(1) {
            let block = block.split("\n}\n").next().unwrap_or_default();
            let lines = block.lines().filter_map(|line| line.strip_prefix("    pub fn "));
            found.extend(lines.filter_map(|line| line.split('(').next()).map(str::to_owned));
        }
    }
    found
}

/// The variants of an enum in a file of `node/api`, as C writes them.
fn variants(file: &str, name: &str) -> Vec<String> {
    let source = read(&format!("bitchat-core/src/node/api/{file}.rs"));
    let start = source.find(&format!("pub enum {name}")).expect("the enum is there");
    let body = source[start..].split("\n}\n").next().unwrap_or_default();
    let words = body.lines().filter_map(|line| line.strip_prefix("    "));
    let names = words.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let ends = |c: char| !c.is_alphanumeric();
    names.map(|line| screaming(line.split(ends).next().unwrap_or_default())).collect()
}

fn screaming(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}

/// What C does not have yet: the byte streams of applications. Whoever exports them takes this away.
const NOT_IN_C: [&str; 7] = [
    "accept_stream",
    "finish_stream",
    "open_stream",
    "read_stream",
    "refuse_stream",
    "reset_stream",
    "write_stream",
];

#[test]
fn what_c_lacks_is_there_in_rust_and_not_in_c() {
    let (methods, declared) = (methods(), declared());
    for method in NOT_IN_C {
        assert!(methods.contains(method), "{method} is gone");
        assert!(!declared.contains(&format!("bitchat_node_{method}")), "{method} has an export");
    }
}

#[test]
fn every_method_of_the_node_has_an_export() {
    let (methods, declared) = (methods(), declared());
    assert!(methods.len() >= 15, "{methods:?}");
    for method in methods.iter().filter(|method| !NOT_IN_C.contains(&method.as_str())) {
        let name = match method.as_str() {
            // One export for each kind of input, see below.
            "handle_input" => continue,
            "handle_timeout" => "tick",
            "poll_timeout" => "deadline",
            same => same,
        };
        assert!(declared.contains(&format!("bitchat_node_{name}")), "{method} has no export");
    }
}

#[test]
fn every_input_has_an_export() {
    let (inputs, declared) = (variants("input", "Input"), declared());
    assert!(inputs.len() >= 10, "{inputs:?}");
    for input in inputs {
        let name = format!("bitchat_node_{}", input.to_lowercase());
        assert!(declared.contains(&name), "Input::{input} has no export");
    }
}

/// The values of the constants of a family, each with its name.
fn constants(prefix: &str) -> Vec<(String, i64)> {
    let header = header();
    let lines = header.lines().filter_map(|line| line.strip_prefix("#define "));
    let pairs = lines.filter_map(|line| line.strip_prefix(prefix)?.split_once(' '));
    pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
}

fn compare(prefix: &str, wanted: impl IntoIterator<Item = String>) {
    let kinds = constants(prefix);
    let names: BTreeSet<_> = kinds.iter().map(|(name, _)| name.clone()).collect();
    let values: BTreeSet<_> = kinds.iter().map(|(_, value)| *value).collect();
    assert_eq!(names, wanted.into_iter().collect(), "{prefix}... differ");
    assert_eq!(values.len(), kinds.len(), "a value of {prefix}... stands for two kinds");
}

#[test]
fn every_action_has_a_kind_in_the_block_of_its_area() {
    compare("BITCHAT_ACTION_", variants("action", "Action"));
    for (name, value) in constants("BITCHAT_ACTION_") {
        let block = match &*name {
            "BIND_UDP" | "RESOLVE" => 1,
            "OPEN_TCP" | "WRITE" | "CLOSE" => 2,
            "PERSIST" | "LOAD" => 3,
            other => panic!("{other} belongs to no area: give it one"),
        };
        assert_eq!(value / 100, block, "{name}");
    }
}

#[test]
fn every_event_has_a_kind_in_the_block_of_its_area() {
    let areas = variants("event/mod", "Event");
    assert!(areas.len() >= 5, "{areas:?}");
    let mut wanted = Vec::new();
    for (block, area) in (1..).zip(["NODE", "STORE", "LINK", "CHANNEL"]) {
        let lower = area.to_lowercase();
        let update = format!("{}Update", capital(&lower));
        let kinds = variants(&format!("event/{lower}"), &update).into_iter();
        let names: Vec<_> = kinds.map(|kind| format!("{area}_{kind}")).collect();
        for (name, value) in constants("BITCHAT_EVENT_") {
            assert_eq!(names.contains(&name), value / 100 == block, "{name}");
        }
        wanted.extend(names);
    }
    // The only kind of its area.
    wanted.push("TRACKER".to_owned());
    assert!(constants("BITCHAT_EVENT_").contains(&("TRACKER".to_owned(), 501)));
    compare("BITCHAT_EVENT_", wanted);
    // STREAM is of what C does not have yet, see `NOT_IN_C`.
    let known = ["NODE", "STORE", "LINK", "CHANNEL", "TRACKER", "STREAM"];
    assert!(areas.iter().all(|area| known.contains(&area.as_str())), "a new area: {areas:?}");
}

#[test]
fn every_reason_and_state_has_a_value() {
    compare("BITCHAT_CLOSE_", variants("event/link", "CloseReason"));
    compare("BITCHAT_TRACKER_", variants("event/tracker", "TrackerState"));
}

#[test]
fn every_status_has_a_name_and_a_text() {
    let statuses = constants("BITCHAT_ERR_");
    assert!(statuses.len() >= 10);
    for (name, value) in statuses {
        let status = i32::try_from(value).expect("an int32_t");
        // SAFETY: the name is text with a zero byte, valid for ever.
        let said = unsafe { std::ffi::CStr::from_ptr(bitchat::bitchat_status_name(status)) };
        assert_eq!(said.to_str(), Ok(format!("BITCHAT_ERR_{name}").as_str()));
    }
}

#[test]
fn the_wrapper_for_cpp_sets_every_callback() {
    let wrapper = read("include/bitchat.hpp");
    let mut members = of_header("bitchat_callbacks");
    assert!(members.remove("struct_size") && members.remove("max_segments"), "{members:?}");
    for member in ["datagram", "action", "event", "timer", "log"] {
        assert!(members.remove(member), "{member}");
        let set = format!("all.{member} = detail::bitchat_hpp_{member};");
        assert!(wrapper.contains(&set), "missing: {set}");
    }
    assert!(members.is_empty(), "not set by the wrapper: {members:?}");
}

#[test]
fn every_struct_that_grows_begins_with_its_size() {
    let header = header();
    let fixed = ["bitchat_address", "bitchat_device"];
    let structs = structs(&header);
    assert!(structs.len() >= 14, "{structs:?}");
    for (name, fields) in structs.iter().filter(|(name, _)| !fixed.contains(name)) {
        assert_eq!(fields.first(), Some(&"size_t struct_size;"), "{name}");
    }
}

/// The fields of a struct of Rust.
fn of_rust(source: &str, name: &str) -> BTreeSet<String> {
    let at = source.find(&format!("pub struct {name} {{")).expect("the struct is there");
    let body = source[at..].split("\n}").next().unwrap_or_default();
    let fields = body.lines().filter_map(|line| line.strip_prefix("    pub ")?.split(':').next());
    fields.map(str::to_owned).collect()
}

/// The structs of the header whose fields are known, each with the lines that declare them.
fn structs(header: &str) -> Vec<(&str, Vec<&str>)> {
    let parts = header.split("\ntypedef struct {\n").skip(1);
    let whole = parts.filter_map(|part| {
        let (body, rest) = part.split_once("\n} ")?;
        let lines = body.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
        Some((rest.split(';').next()?, lines.collect()))
    });
    whole.collect()
}

fn of_header(name: &str) -> BTreeSet<String> {
    let header = header();
    let found = structs(&header).into_iter().find(|(found, _)| *found == name);
    let (_, lines) = found.expect("the struct is there");
    let names = lines.iter().filter_map(|line| match line.split_once("(*") {
        Some((_, callback)) => callback.split(')').next(),
        None => line.strip_suffix(';')?.rsplit([' ', '*']).next(),
    });
    names.filter_map(|name| name.split('[').next()).map(str::to_owned).collect()
}

#[test]
fn every_setting_and_every_limit_can_be_set() {
    let mut limits = of_header("bitchat_limits");
    assert!(limits.remove("struct_size") && limits.len() >= 25, "{limits:?}");
    let mut in_rust = BTreeSet::new();
    for group in ["node", "link", "channel", "tracker", "file"] {
        let source = read(&format!("bitchat-core/src/base/limits/{group}.rs"));
        in_rust.extend(of_rust(&source, &format!("{}Limits", capital(group))));
    }
    // Of what C does not have yet, see `NOT_IN_C`.
    assert!(in_rust.remove("byte_streams"));
    assert_eq!(limits, in_rust);
    let settings = of_rust(&read("bitchat-core/src/node/config.rs"), "Config");
    assert!(settings.len() >= 9, "{settings:?}");
    let config = of_header("bitchat_config");
    for setting in settings {
        let found = match &*setting {
            "families" => config.contains("ipv4") && config.contains("ipv6"),
            name => config.contains(name) || config.contains(&format!("{name}_ms")),
        };
        assert!(found, "Config::{setting} cannot be set from C");
    }
}

#[test]
fn every_log_level_has_a_value() {
    let source = read("bitchat-core/src/node/log.rs");
    let at = source.find("pub enum LogLevel").expect("the enum is there");
    let body = source[at..].split("\n}").next().unwrap_or_default();
    let names = body.lines().filter_map(|line| line.strip_prefix("    ")?.strip_suffix(','));
    let levels: BTreeSet<_> = names.map(screaming).collect();
    assert!(levels.len() >= 5, "{levels:?}");
    let values = constants("BITCHAT_LOG_").into_iter().map(|(name, _)| name).collect();
    assert_eq!(levels, values);
}

#[cfg(target_os = "linux")]
#[test]
fn only_declared_names_leave_the_shared_library() {
    let path = library("cdylib", "libbitchat.so");
    let symbols = output(Command::new("nm").args(["-D", "--defined-only"]).arg(path));
    let found: BTreeSet<String> =
        symbols.lines().filter_map(|line| line.rsplit(' ').next()).map(str::to_owned).collect();
    assert_eq!(found, declared());
}

#[cfg(target_os = "linux")]
#[test]
fn the_shared_library_is_named_after_its_interface() {
    let path = library("cdylib", "libbitchat.so");
    let said = output(Command::new("objdump").arg("-p").arg(path));
    let mut words = said.split_whitespace().skip_while(|word| *word != "SONAME").skip(1);
    let (major, minor) = (bitchat::BITCHAT_VERSION_MAJOR, bitchat::BITCHAT_VERSION_MINOR);
    let abi = if major == 0 { format!("0.{minor}") } else { major.to_string() };
    assert_eq!(words.next(), Some(format!("libbitchat.so.{abi}").as_str()));
}
