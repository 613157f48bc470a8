use super::*;
use bitchat_core::base::ids::ConnectionId;
use bitchat_core::crypto::key_log::{Direction, SessionIds};
use bitchat_core::crypto::suite::Secret;

fn line() -> KeyLogLine {
    let ids = SessionIds { to_responder: ConnectionId([1; 8]), to_initiator: ConnectionId([2; 8]) };
    KeyLogLine::mask(ids, Direction::ToResponder, &Secret([3; 32]))
}

#[test]
fn lines_are_appended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    for _ in 0..2 {
        KeyLogFile::open(&path).unwrap().write(&line());
    }
    let expected = format!("{0}\n{0}\n", line().as_str());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
}

/// BC-13.02
#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    drop(KeyLogFile::open(&path).unwrap());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    for exposed in [0o640, 0o604, 0o620, 0o666] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(exposed)).unwrap();
        match KeyLogFile::open(&path) {
            Err(error @ KeyLogError::Exposed { mode, .. }) => {
                assert_eq!(mode, exposed);
                assert!(error.to_string().contains("chmod 600"), "{error}");
            }
            other => panic!("{:?}", other.map(drop)),
        }
    }
    assert_eq!(std::fs::read(&path).unwrap(), b"", "nothing was written");
    let directory = KeyLogFile::open(folder.path());
    assert!(matches!(directory, Err(KeyLogError::NotAFile { .. })));
    let device = KeyLogFile::open(Path::new("/dev/null"));
    assert!(matches!(device, Err(KeyLogError::NotAFile { .. })));
}

/// To open a pipe would wait until somebody reads it.
#[cfg(unix)]
#[test]
fn a_pipe_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let (told, answer) = std::sync::mpsc::channel();
    std::thread::spawn(move || told.send(KeyLogFile::open(&path).map(drop)));
    let answer = answer.recv_timeout(std::time::Duration::from_secs(10)).expect("it waits");
    assert!(matches!(answer, Err(KeyLogError::NotAFile { .. })), "{answer:?}");
}
