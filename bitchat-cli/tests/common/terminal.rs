//! A terminal with somebody in front of it: what is typed, and what is seen.

use super::bitchat;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);
const COLUMNS: u16 = 80;

pub(crate) struct Terminal {
    child: Child,
    keyboard: Option<File>,
    /// Kept open: a terminal that nobody has open forgets its modes.
    line: Option<File>,
    printed: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Runs the program in it; its complaints go elsewhere.
    pub(crate) fn start(directory: &Path, arguments: &[&str]) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let path = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes())).to_owned();
        let line = File::options().read(true).write(true).open(path).unwrap();
        let size = Winsize { ws_row: 24, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&line, size).unwrap();
        let mut command = bitchat();
        command.current_dir(directory).args(arguments).env("TERM", "xterm").stderr(Stdio::null());
        command.stdin(line.try_clone().unwrap()).stdout(line.try_clone().unwrap());
        let child = command.spawn().unwrap();
        let keyboard = File::from(keyboard);
        let printed = Arc::<Mutex<Vec<u8>>>::default();
        let (mut source, sink) = (keyboard.try_clone().unwrap(), Arc::clone(&printed));
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(length @ 1..) = source.read(&mut bytes) {
                sink.lock().unwrap().extend_from_slice(&bytes[..length]);
            }
        });
        Self { child, keyboard: Some(keyboard), line: Some(line), printed }
    }

    pub(crate) fn types(&mut self, text: &str) {
        self.keyboard.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Whether it edits lines by itself, and shows what is typed.
    pub(crate) fn edits(&self) -> bool {
        let modes = tcgetattr(self.line.as_ref().unwrap()).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Waits until a row is as `wanted`, and gives all rows.
    pub(crate) fn shows(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let rows = rows(&String::from_utf8_lossy(&self.printed.lock().unwrap()));
            if rows.iter().any(|row| wanted(row)) {
                return rows;
            }
            assert!(Instant::now() < deadline, "only {rows:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Closes the window.
    pub(crate) fn close(&mut self) {
        // Whoever reads has a copy, and so the far end is hung up by hand.
        self.line = None;
        self.keyboard = None;
        let pid = self.child.id().to_string();
        assert!(
            std::process::Command::new("kill").args(["-HUP", &pid]).status().unwrap().success()
        );
    }

    /// Waits for the end of the program.
    pub(crate) fn ends(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a terminal shows of `printed`.
fn rows(printed: &str) -> Vec<String> {
    let mut rows = vec![Vec::new()];
    let mut column = 0;
    let mut letters = printed.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' => column = 0,
            '\n' => rows.push(Vec::new()),
            // Bold, and no more of it.
            '\x1b' => drop(letters.by_ref().find(|letter| *letter == 'm')),
            _ => {
                if column == usize::from(COLUMNS) {
                    rows.push(Vec::new());
                    column = 0;
                }
                let row = rows.last_mut().unwrap();
                if row.len() <= column {
                    row.resize(column + 1, ' ');
                }
                row[column] = letter;
                column += 1;
            }
        }
    }
    rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned()).collect()
}
