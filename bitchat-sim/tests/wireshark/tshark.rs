//! Running tshark with the dissector.

use crate::recording::{Datagram, pcap};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) struct Tshark {
    scripts: PathBuf,
    room: tempfile::TempDir,
}

impl Tshark {
    /// `None`, and a word about it, where there is no tshark.
    pub(crate) fn find(test: &str) -> Option<Self> {
        if Command::new("tshark").arg("--version").output().is_err() {
            eprintln!(
                "FOREIGN TEST SKIPPED: {test}: tshark is not installed (apt-get install tshark)"
            );
            return None;
        }
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bindings/wireshark");
        Some(Self { scripts, room: tempfile::tempdir().expect("a directory") })
    }

    /// The values of `columns` for every datagram.
    pub(crate) fn fields(
        &self,
        datagrams: &[Datagram],
        key_log: Option<&str>,
        columns: &[&str],
    ) -> Vec<Vec<String>> {
        let mut command = self.command("bitchat.lua", datagrams);
        if let Some(key_log) = key_log {
            let path = self.room.path().join("keys");
            std::fs::write(&path, key_log).expect("written");
            command.arg("-o").arg(format!("bitchat.keylog:{}", path.display()));
        }
        // Two passes, as in the window: what was seen first is shown again.
        command.args(["-2", "-T", "fields", "-E", "separator=|", "-E", "aggregator=,"]);
        command.args(columns.iter().flat_map(|column| ["-e", column]));
        let said = run(&mut command);
        let row = |line: &str| line.split('|').map(str::to_owned).collect::<Vec<_>>();
        let rows: Vec<_> = said.lines().map(row).collect();
        assert!(rows.iter().all(|row| row.len() == columns.len()), "columns are missing");
        rows
    }

    /// What a script of the bindings prints.
    pub(crate) fn script(&self, name: &str, argument: &str) -> String {
        let path = self.room.path().join("argument.lua");
        std::fs::write(&path, argument).expect("written");
        let mut command = self.command(name, &[]);
        run(command.arg("-X").arg(format!("lua_script1:{}", path.display())))
    }

    fn command(&self, script: &str, datagrams: &[Datagram]) -> Command {
        let path = self.room.path().join("recording.pcap");
        std::fs::write(&path, pcap(datagrams)).expect("written");
        let mut command = Command::new("tshark");
        command.env_remove("BITCHATKEYLOGFILE").env("HOME", self.room.path()).arg("-r").arg(path);
        command.arg("-X").arg(format!("lua_script:{}", self.scripts.join(script).display()));
        command
    }
}

/// What it prints; an error of Lua's or tshark's fails the test.
fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("tshark runs");
    let (said, errors) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{status}: {errors}");
    for text in [&said, &errors] {
        let lower = text.to_lowercase();
        assert!(!lower.contains("lua error") && !lower.contains("lua:"), "{errors}\n{said}");
    }
    said.into_owned()
}
