//! What goes wrong is said in one line, with what to do.

#![allow(clippy::unwrap_used)]

mod common;

use common::process::Process;
use common::story::{Place, quits};
use common::{fail, succeed};
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

fn channel(trackers: &[&str]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut arguments = vec!["new", "-o", "talk.chat"];
    trackers.iter().for_each(|url| arguments.extend(["--tracker", url]));
    succeed(directory.path(), &arguments);
    directory
}

fn own(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

const JOIN: [&str; 4] = ["join", "talk.chat", "--dir", "me"];

#[test]
fn a_port_in_use() {
    let directory = channel(&[]);
    let taken = UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let complaint = fail(directory.path(), &[&JOIN[..], &["--port", &port]].concat());
    assert!(complaint.contains(&format!("UDP port {port}")), "{complaint}");
    assert!(complaint.contains("is in use by another program; choose another"), "{complaint}");
}

#[test]
fn a_store_in_use() {
    let directory = channel(&[]);
    let first = Process::start(directory.path(), &JOIN);
    first.prints("* ready");
    let complaint = fail(directory.path(), &JOIN);
    assert!(complaint.contains("in use by another running instance; stop that one"), "{complaint}");
}

#[test]
fn a_store_that_is_none() {
    let directory = channel(&[]);
    let home = directory.path().join("me");
    fs::create_dir(&home).unwrap();
    let store = home.join("store.db");
    fs::write(&store, "once upon a time there was no database in this file").unwrap();
    own(&store);
    let complaint = fail(directory.path(), &JOIN);
    assert!(complaint.contains("is not a Bit Chat store; move that file away"), "{complaint}");
}

#[test]
fn a_damaged_store() {
    let directory = channel(&[]);
    let mut first = Process::start(directory.path(), &JOIN);
    first.prints("* ready");
    first.types("/quit");
    assert!(first.ends().0.success());
    let store = directory.path().join("me").join("store.db");
    let whole = fs::read(&store).unwrap();
    fs::write(&store, &whole[..whole.len() - 4_096]).unwrap();
    let complaint = fail(directory.path(), &JOIN);
    assert!(complaint.contains("is damaged"), "{complaint}");
    assert!(complaint.contains("move it away and start again"), "{complaint}");
}

#[test]
fn a_file_that_points_into_this_network() {
    for url in ["http://127.0.0.1:6969/announce", "udp://192.168.1.1:80", "http://[::1]:1/a"] {
        let directory = channel(&[url]);
        let complaint = fail(directory.path(), &JOIN);
        assert!(complaint.contains("not on the public Internet"), "{complaint}");
        assert!(complaint.contains("bitchat join --local"), "{complaint}");
    }
}

#[test]
fn a_tracker_that_cannot_be_reached() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{closed}/passkey-1234/announce?key=5678");
    let directory = channel(&[&url]);
    let member = Process::start(directory.path(), &[&JOIN[..], &["--local"]].concat());
    let complaint = member.complains("tried again");
    assert!(complaint.contains(&format!("tracker http://{closed}: ")), "{complaint}");
    // Whoever looks over a shoulder, or is given a log, does not get the key.
    assert_eq!(member.count("1234") + member.count("5678"), 0);
}

/// Two files of one tracker whose keys differ: neither learns anything, and both are told why that
/// may be.
#[test]
fn another_key_is_another_channel() {
    let one = channel(&[]);
    let other = channel(&[]);
    let member = Process::start(one.path(), &[&JOIN[..], &["--local"]].concat());
    let listening = member.prints("* listening on 0.0.0.0:");
    let port = listening.rsplit(':').next().unwrap().to_owned();
    let peer = format!("127.0.0.1:{port}");
    let stranger = [&JOIN[..], &["--local", "--peer", &peer]].concat();
    let stranger = Process::start(other.path(), &stranger);
    let complaint = stranger.complains("nobody has answered yet");
    assert!(complaint.contains("another one"), "{complaint}");
}

#[test]
fn a_tracker_on_a_port_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let complaint = fail(directory.path(), &["tracker", "--bind", &address]);
    assert!(complaint.contains(&address) && complaint.contains("--bind"), "{complaint}");
}

#[test]
fn what_cannot_be_said_is_said() {
    let directory = channel(&[]);
    let mut member = Process::start(directory.path(), &JOIN);
    member.prints("* ready");
    member.types("/dance");
    member.complains("unknown command");
    member.types("//dance");
    assert!(member.prints("you #").ends_with(": /dance"));
    member.types(&"x".repeat(70_000));
    member.complains("not sent: ");
    member.types("still here");
    member.prints(": still here");
}

/// Not even the end of the line comes: that costs no memory, and is told before.
#[test]
fn a_line_without_an_end_is_not_kept() {
    let directory = channel(&[]);
    let mut member = Process::start(directory.path(), &JOIN);
    member.prints("* ready");
    for _ in 0..40 {
        member.types_bytes(&vec![b'x'; 1 << 20]);
    }
    member.complains("not sent: the line is longer than a message may be");
    #[cfg(target_os = "linux")]
    {
        let status = fs::read_to_string(format!("/proc/{}/status", member.id())).unwrap();
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let most: u32 = most.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(most < 40 << 10, "{most} KiB");
    }
    member.types("\nstill here");
    member.prints("you #1: still here");
    quits(member);
}

/// What cannot be told changes nothing: not what is done, nor the exit status that says so.
#[cfg(target_os = "linux")]
#[test]
fn complaints_that_nobody_can_hear() {
    let directory = tempfile::tempdir().unwrap();
    let script = |script: &str| {
        let mut command = Command::new("sh");
        command.current_dir(directory.path()).env("HOME", "/nonexistent").env("RUST_LOG", "debug");
        command.args(["-c", script, env!("CARGO_BIN_EXE_bitchat")]).output().unwrap()
    };
    let made = script("$0 new --tracker udp://127.0.0.1:9 -o talk.chat 2>/dev/full");
    assert_eq!(made.status.code(), Some(0), "it is made");
    let made = script("$0 new -o unseen.chat >/dev/full 2>/dev/full");
    assert_eq!(made.status.code(), Some(0), "it is made");
    assert!(directory.path().join("unseen.chat").exists());
    for command in ["id --dir /proc/nowhere", "show talk.chat >/dev/full", "show missing.chat"] {
        let failed = script(&format!("$0 {command} 2>/dev/full"));
        assert_eq!(failed.status.code(), Some(1), "{command}");
    }
    let typed = "(echo one; echo /nonsense; echo two) |";
    let gone = "{ $0 join --local --dir gone talk.chat 2>&1 >&3; echo $? >&4; } | true";
    for (join, name) in [
        ("$0 join --local --dir full talk.chat 2>/dev/full", "full"),
        ("$0 join --local --dir closed talk.chat 2>&-", "closed"),
    ] {
        let talked = script(&format!("{typed} {join}"));
        let said = String::from_utf8_lossy(&talked.stdout);
        assert_eq!(talked.status.code(), Some(0), "{name}: {said}");
        assert!(said.contains("you #1: one") && said.contains("you #2: two"), "{name}: {said}");
    }
    let talked = script(&format!("{{ {typed} {gone}; }} 3>&1 4>status"));
    let said = String::from_utf8_lossy(&talked.stdout);
    assert!(said.contains("you #1: one") && said.contains("you #2: two"), "{said}");
    let status = fs::read_to_string(directory.path().join("status")).unwrap();
    assert_eq!(status, "0\n");
}

/// Who no longer reads has left: what was typed before is kept, and the others are told.
#[cfg(target_os = "linux")]
#[test]
fn a_conversation_that_nobody_reads() {
    let place = Place::new("127.0.0.1:0", "http://");
    let ada = place.join("ada");
    let script = "$0 join --local --dir ben talk.chat | head -n 6";
    let mut command = Command::new("sh");
    command.current_dir(place.path()).args(["-c", script, env!("CARGO_BIN_EXE_bitchat")]);
    let mut ben = Process::spawn(command);
    ben.types("one");
    ada.prints("is here");
    ada.prints("is gone");
    let (_, transcript) = ben.ends();
    assert!(transcript.contains("nothing more can be printed"), "{transcript}");
    let ben = place.join("ben");
    ben.prints("you #1: one");
    quits(ben);
    quits(ada);
}

/// Shared folders of virtual machines, some FUSE and 9p mounts: played by strace.
#[cfg(target_os = "linux")]
#[test]
fn a_file_system_without_hard_links() {
    let directory = tempfile::tempdir().unwrap();
    let poor = |arguments: &[&str]| {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=link,linkat,renameat2"]);
        command.args([
            "-e",
            "inject=link,linkat:error=EPERM",
            "-e",
            "inject=renameat2:error=EINVAL",
        ]);
        command.arg(env!("CARGO_BIN_EXE_bitchat")).args(arguments).current_dir(directory.path());
        command.output()
    };
    if !poor(&["--version"]).is_ok_and(|output| output.status.success()) {
        println!("FOREIGN TEST SKIPPED: strace (apt-get install strace)");
        return;
    }
    for arguments in [&["new", "-o", "talk.chat"][..], &["id", "--dir", "me"]] {
        let output = poor(arguments).unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let again = poor(&["new", "-o", "talk.chat"]).unwrap();
    assert!(String::from_utf8_lossy(&again.stderr).contains("exists already"), "{again:?}");
    let first = succeed(directory.path(), &["id", "--dir", "me"]);
    assert_eq!(String::from_utf8(poor(&["id", "--dir", "me"]).unwrap().stdout).unwrap(), first);
    succeed(directory.path(), &["show", "talk.chat"]);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "no temporary file stays");
    println!("FOREIGN TEST RAN: strace");
}

/// SQLite reads some names as addresses with options.
#[test]
fn odd_names_are_names() {
    let directory = channel(&[]);
    for name in ["file:me?mode=memory", ":memory:", "a?b#c%41", "file:%6de#x"] {
        let join = ["join", "talk.chat", "--dir", name];
        let mut member = Process::start(directory.path(), &join);
        member.prints("* ready");
        member.types("keep this");
        member.prints("you #1: keep this");
        quits(member);
        assert!(directory.path().join(name).join("store.db").is_file(), "{name}");
        let member = Process::start(directory.path(), &join);
        member.prints("you #1: keep this");
        quits(member);
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 5, "nothing beside them");
}

/// A shell script in a mount namespace of its own, where a disk of `size` bytes can be mounted and
/// filled; `None` where the system does not allow that.
#[cfg(target_os = "linux")]
fn on_full_disk(directory: &Path, size: u32, room: u32, script: &str) -> Option<Command> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
        command.current_dir(directory);
        command
    };
    if !unshare("mount -t tmpfs tmpfs /tmp").status().is_ok_and(|status| status.success()) {
        eprintln!("not tested: this system gives no mount namespaces to its users");
        return None;
    }
    fs::create_dir(directory.join("disk")).unwrap();
    let program = env!("CARGO_BIN_EXE_bitchat");
    let fill = size - room;
    Some(unshare(&format!(
        "mount -t tmpfs -o size={size} tmpfs disk && head -c {fill} /dev/zero > disk/fill && \
         bitchat='{program}' && {script}"
    )))
}

/// Frees the disk of `member`.
#[cfg(target_os = "linux")]
fn make_room(member: &Process) {
    fs::remove_file(format!("/proc/{}/cwd/disk/fill", member.id())).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let directory = channel(&[]);
    let script = "exec $bitchat join talk.chat --dir disk";
    let Some(command) = on_full_disk(directory.path(), 2 << 20, 1_000_000, script) else { return };
    let mut member = Process::spawn(command);
    member.prints("* ready");
    for _ in 0..30 {
        member.types(&"x".repeat(60_000));
    }
    let complaint = member.complains("store: ");
    assert!(complaint.contains("no room left on the disk"), "{complaint}");
    assert!(complaint.contains("free some space"), "{complaint}");
    make_room(&member);
    member.complains("store: it works again");
    member.types("after all");
    member.prints(": after all");
    assert_eq!(member.count("you #"), 31, "what was typed meanwhile is there as well");
}

/// The disk is full of what others wrote, and more of it waits than the node holds: no own message is
/// on its way whose storing would say that there is room again.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_while_others_history_arrives() {
    let place = Place::new("127.0.0.1:0", "http://");
    let script = "exec $bitchat join talk.chat --dir disk --local";
    let Some(command) = on_full_disk(place.path(), 40 << 20, 1_000_000, script) else { return };
    let mut ada = place.join("ada");
    for _ in 0..160 {
        ada.types(&"x".repeat(60_000));
    }
    ada.prints("you #160:");
    let mut ben = Process::spawn(command);
    ben.prints("is here");
    ben.complains("no room left on the disk");
    // Time for the rest of the history to come as far as the node lets it.
    std::thread::sleep(Duration::from_secs(3));
    ben.types("among all this");
    ben.types("/who");
    ben.prints("1 here besides you");
    make_room(&ben);
    ben.complains("store: it works again");
    ben.prints("you #1: among all this");
    quits(ben);
}

/// A file that is cut off could not be joined with, and would be in the way of a whole one.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_gets_no_part_of_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let script = "! $bitchat new -o disk/talk.chat && ls -A disk && rm disk/fill &&
        $bitchat new -o disk/talk.chat && $bitchat show disk/talk.chat";
    let Some(mut command) = on_full_disk(directory.path(), 1 << 20, 0, script) else { return };
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("cannot write disk/talk.chat: No space left"), "{complaint}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.starts_with("fill\ndisk/talk.chat is channel "), "{printed}");
}
