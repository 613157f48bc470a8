//! Two members and what happens to them.

use super::process::Process;
use super::succeed;
use std::path::Path;
use tempfile::TempDir;

/// A tracker on loopback and a channel that names it.
pub(crate) struct Place {
    directory: TempDir,
    /// Ours, if it is not somebody else's.
    _tracker: Option<Process>,
}

impl Place {
    pub(crate) fn new(bind: &str, scheme: &str) -> Self {
        Self::with_access(bind, scheme, &[])
    }

    /// A channel named tea, made with `more` arguments.
    pub(crate) fn with_access(bind: &str, scheme: &str, more: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let tracker = Process::start(directory.path(), &["tracker", "--bind", bind]);
        let line = tracker.prints("tracker at ");
        let url = line.split(' ').find(|word| word.starts_with(scheme)).unwrap();
        let made = ["new", "--name", "tea", "--tracker", url, "-o", "talk.chat"];
        succeed(directory.path(), &[&made[..], more].concat());
        Self { directory, _tracker: Some(tracker) }
    }

    /// A channel that names somebody else's tracker.
    pub(crate) fn with_tracker(url: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        succeed(directory.path(), &["new", "--tracker", url, "-o", "talk.chat"]);
        Self { directory, _tracker: None }
    }

    /// A channel without a tracker that names nodes of the DHT.
    pub(crate) fn with_nodes<'a>(nodes: impl IntoIterator<Item = &'a str>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let nodes = nodes.into_iter().flat_map(|node| ["--node", node]);
        let made: Vec<&str> = ["new", "-o", "talk.chat"].into_iter().chain(nodes).collect();
        succeed(directory.path(), &made);
        Self { directory, _tracker: None }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Joins as somebody; returns once the channel is live.
    pub(crate) fn join(&self, who: &str) -> Process {
        let member = Process::start(self.path(), &["join", "talk.chat", "--dir", who, "--local"]);
        member.prints("* ready");
        member
    }
}

pub(crate) fn quits(mut member: Process) {
    member.types("/quit");
    let (status, transcript) = member.ends();
    assert!(status.success(), "{transcript}");
}

/// Two members talk both ways, one leaves and returns, one is killed and returns.
pub(crate) fn story(place: &Place) {
    let mut ada = place.join("ada");
    let mut ben = place.join("ben");
    ada.prints("is here");
    ben.prints("is here");
    ada.types("hello Ben");
    ben.prints(": hello Ben");
    ada.prints("stored by 1 of 1");
    ben.types("hello Ada");
    ada.prints(": hello Ada");
    ben.prints("stored by 1 of 1");
    ada.types("/who");
    ada.prints("1 here besides you");

    quits(ada);
    ben.prints("is gone");
    ben.types("while you were away");
    ben.prints("you #");
    let mut ada = place.join("ada");
    ada.prints(": hello Ada");
    ada.prints(": while you were away");
    assert_eq!(ada.count("hello Ben"), 1, "history is shown once");

    ben.types("keep this");
    ada.prints(": keep this");
    ada.types("and this");
    ben.prints(": and this");
    ben.kill();
    ada.types("are you there?");
    let ben = place.join("ben");
    for text in ["hello Ben", "hello Ada", "while you were away", "keep this", "and this"] {
        ben.prints(&format!(": {text}"));
        assert_eq!(ben.count(&format!(": {text}")), 1, "{text}");
    }
    ben.prints(": are you there?");
    quits(ben);
    quits(ada);
}
