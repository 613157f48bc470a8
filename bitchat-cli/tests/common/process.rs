//! A program that goes on running while a test talks to it.

use super::bitchat;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Patience with anything that should happen on this machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a program has printed so far, line by line.
#[derive(Default)]
struct Printed {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Printed {
    fn follow(self: &Arc<Self>, source: impl Read + Send + 'static) {
        let printed = Arc::clone(self);
        std::thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                printed.lines.lock().unwrap().push(line);
                printed.more.notify_all();
            }
        });
    }

    fn wait_for(&self, what: &str) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.lines.lock().unwrap();
        loop {
            if let Some(line) = lines.iter().find(|line| line.contains(what)) {
                return Some(line.clone());
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            lines = self.more.wait_timeout(lines, left).unwrap().0;
        }
    }
}

pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: Arc<Printed>,
    complaints: Arc<Printed>,
}

impl Process {
    pub(crate) fn start(directory: &Path, arguments: &[&str]) -> Self {
        let mut command = bitchat();
        command.current_dir(directory).args(arguments);
        Self::spawn(command)
    }

    pub(crate) fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (output, complaints) = (Arc::<Printed>::default(), Arc::<Printed>::default());
        output.follow(child.stdout.take().unwrap());
        complaints.follow(child.stderr.take().unwrap());
        let input = child.stdin.take();
        Self { child, input, output, complaints }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The first line printed that contains `what`; waits for it.
    pub(crate) fn prints(&self, what: &str) -> String {
        self.output.wait_for(what).unwrap_or_else(|| panic!("no {what:?}\n{}", self.transcript()))
    }

    /// The same for standard error.
    pub(crate) fn complains(&self, what: &str) -> String {
        let found = self.complaints.wait_for(what);
        found.unwrap_or_else(|| panic!("no complaint {what:?}\n{}", self.transcript()))
    }

    /// How many lines printed so far contain `what`.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.output.lines.lock().unwrap().iter().filter(|line| line.contains(what)).count()
    }

    pub(crate) fn types(&mut self, line: &str) {
        self.types_bytes(format!("{line}\n").as_bytes());
    }

    /// Types what need not be text.
    pub(crate) fn types_bytes(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    /// Closes its standard input.
    pub(crate) fn hang_up(&mut self) {
        self.input = None;
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn ends(mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // The readers may be a moment behind.
                std::thread::sleep(Duration::from_millis(50));
                return (status, self.transcript());
            }
            assert!(Instant::now() < deadline, "it does not end\n{}", self.transcript());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it as a power failure would end it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn transcript(&self) -> String {
        let mut text = String::new();
        for (name, printed) in [("out", &self.output), ("err", &self.complaints)] {
            for line in printed.lines.lock().unwrap().iter() {
                writeln!(text, "{name}: {line}").unwrap();
            }
        }
        text
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
