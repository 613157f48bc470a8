//! `examples/c/README.md`, word by word: its commands build the C program and bring it into a
//! conversation with the Rust one, in both directions, and both survive being restarted.

#![cfg(target_os = "linux")]

mod common;

use common::{fresh, root};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(90);

/// The commands of each `sh` block of the README.
fn blocks(readme: &str) -> Vec<Vec<String>> {
    let lines = |block: &str| block.lines().skip(1).map(str::to_owned).collect();
    readme.split("```").skip(1).step_by(2).filter(|b| b.starts_with("sh\n")).map(lines).collect()
}

/// A program in a terminal of its own.
struct Terminal {
    name: &'static str,
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
    seen: Vec<String>,
}

impl Terminal {
    fn open(name: &'static str, command: &str, directory: &Path) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", &format!("exec {command}")])
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh runs");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (lines, output) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Self { name, child, input, output, seen: Vec::new() }
    }

    fn type_line(&mut self, text: &str) {
        let input = self.input.as_mut().expect("not quitting");
        writeln!(input, "{text}").expect("it reads");
    }

    /// Reads on until a line holds `text`.
    fn wait_for(&mut self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.output.recv_timeout(left) else {
                panic!("{} never said {text:?}, only {:#?}", self.name, self.seen)
            };
            self.seen.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Ends it as a power cut does.
    fn crash(self) {
        drop(self);
    }

    /// Ends it as Ctrl-D does, and checks that it ends well.
    fn quit(mut self) {
        self.input = None;
        assert!(self.child.wait().expect("it was started").success(), "{}", self.name);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn succeed(command: &str, directory: &Path) {
    let mut shell = Command::new("sh");
    let status = fresh(shell.args(["-c", command]).current_dir(directory)).status();
    assert!(status.expect("sh runs").success(), "{command}");
}

/// A directory that looks like the repository to the commands, with `target` for what they write.
fn workplace(root: &Path) -> PathBuf {
    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("inside target");
    let work = Path::new(env!("CARGO_TARGET_TMPDIR")).join("example");
    let _ = std::fs::remove_dir_all(&work);
    std::fs::create_dir_all(work.join("target")).expect("writable");
    for (from, to) in [
        (root.join("include"), work.join("include")),
        (root.join("examples"), work.join("examples")),
        (target_dir.join("debug"), work.join("target/debug")),
    ] {
        std::os::unix::fs::symlink(from, to).expect("a fresh directory");
    }
    work
}

/// The values of secret records in the example's store, in the order of writing, by key.
fn secrets(store: &[u8]) -> BTreeMap<Vec<u8>, Vec<Vec<u8>>> {
    let number = |at: usize| {
        let bytes = store[at..].first_chunk().expect("a number is whole");
        usize::try_from(u64::from_le_bytes(*bytes)).expect("it fits")
    };
    let (mut found, mut at) = (BTreeMap::<_, Vec<_>>::new(), 0);
    while at < store.len() {
        let end = at + 16 + number(at);
        at += 16;
        while at < end {
            let (key_len, value_len) = (number(at), number(at + 8));
            let (secret, key) = (store[at + 28], at + 32);
            let value = key + key_len;
            at = value + value_len;
            if secret == 1 {
                found
                    .entry(store[key..value].to_vec())
                    .or_default()
                    .push(store[value..at].to_vec());
            }
        }
    }
    found
}

/// BC-11.19: of a secret record that was replaced nothing is in the store any more.
fn no_old_secrets(directory: &Path) {
    let store = std::fs::read(directory.join("store")).expect("it is there");
    let secrets = secrets(&store);
    assert!(secrets.len() >= 3, "a device, a log key and a session: {:?}", secrets.keys());
    for (key, mut values) in secrets {
        let last = values.pop();
        let old = |value: &&Vec<u8>| Some(*value) != last.as_ref();
        let key = String::from_utf8_lossy(&key).into_owned();
        assert_eq!(values.iter().filter(old).count(), 0, "old values of {key}");
    }
    assert!(!directory.join("store.new").exists());
}

#[test]
fn the_c_example_and_the_rust_program_talk_as_its_readme_says() {
    let root = root().canonicalize().expect("it is there");
    let readme = std::fs::read_to_string(root.join("examples/c/README.md")).expect("it is there");
    // A free port instead of the README's, which somebody may use.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let readme = readme.replace("6969", &free.expect("a free port").port().to_string());
    let [_tools, build, tracker, from_c, from_rust, _install] = &blocks(&readme)[..] else {
        panic!("the README has other blocks than this test expects: {:?}", blocks(&readme))
    };
    let work = workplace(&root);
    let [cargo, cc] = &build[..] else { panic!("{build:?}") };
    succeed(cargo, &root);
    succeed(cc, &work);
    let mut tracker = Terminal::open("tracker", &tracker[0], &work);
    tracker.wait_for("tracker at");
    succeed(&from_c[0], &work);
    converse(&from_c[1], &from_rust[0], &work);
}

fn converse(alice_command: &str, bob_command: &str, work: &Path) {
    let alice_starts = || Terminal::open("chat.c", alice_command, work);
    let bob_starts = || Terminal::open("bitchat join", bob_command, work);

    // A first start that a power cut ended in the midst of a file leaves nothing that matters.
    let directory = work.join("target/alice");
    std::fs::DirBuilder::new().mode(0o700).create(&directory).expect("a fresh directory");
    std::fs::write(directory.join("identity.new"), "cut").expect("writable");
    let mut alice = alice_starts();
    alice.wait_for("ready, 0 messages");
    assert!(!directory.join("identity.new").exists());
    let mut bob = bob_starts();
    alice.wait_for("is here");
    bob.wait_for("is here");
    alice.type_line("hello from C");
    bob.wait_for("hello from C");
    alice.wait_for("stored by");
    bob.type_line("hello from Rust");
    alice.wait_for("hello from Rust");

    // The C program goes, misses something, and comes back.
    alice.quit();
    bob.wait_for("is gone");
    bob.type_line("alone with Rust");
    bob.wait_for("alone with Rust");
    let mut alice = alice_starts();
    assert!(alice.wait_for("hello from C").starts_with("you: "));
    alice.wait_for("hello from Rust");
    alice.wait_for("alone with Rust");
    alice.type_line("C is back");
    bob.wait_for("C is back");

    // So does the Rust program.
    bob.quit();
    alice.wait_for("is gone");
    alice.type_line("alone with C");
    let mut bob = bob_starts();
    bob.wait_for("C is back");
    bob.wait_for("alone with C");
    bob.type_line("Rust is back");
    alice.wait_for("Rust is back");

    // And both at once.
    alice.quit();
    bob.quit();
    let (mut alice, mut bob) = (alice_starts(), bob_starts());
    alice.wait_for("ready, 6 messages");
    bob.wait_for("ready; 6 messages");
    alice.type_line("good-bye from C");
    bob.type_line("good-bye from Rust");
    bob.wait_for("good-bye from C");
    alice.wait_for("good-bye from Rust");

    // A crash loses nothing, not even with half a batch at the end of the store.
    alice.crash();
    let store = work.join("target/alice/store");
    let mut store = OpenOptions::new().append(true).open(store).expect("it is there");
    store.write_all(&[7; 40]).expect("writable");
    let mut alice = alice_starts();
    alice.wait_for("ready, 8 messages");
    alice.wait_for("is here");
    alice.type_line("C survived");
    bob.wait_for("C survived");
    bob.type_line("so I see");
    alice.wait_for("so I see");
    no_old_secrets(&directory);
    alice.quit();
    bob.quit();
    no_old_secrets(&directory);

    // BC-11.17
    let store = directory.join("store");
    std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o644)).expect("ours");
    let mut alice = alice_starts();
    assert!(!alice.child.wait().expect("it was started").success());
}
