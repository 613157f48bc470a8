//! Files: made, shown, refused with a line that says what to do.

#![allow(clippy::unwrap_used)]

mod common;

use common::{fail, run, succeed};
use std::fs;

/// The value of a line `name  value`.
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    text.lines()
        .find_map(|line| line.strip_prefix(name).filter(|rest| rest.starts_with(' ')))
        .unwrap_or_else(|| panic!("no {name} in {text}"))
        .trim()
}

#[test]
fn what_new_makes_show_shows() {
    let directory = tempfile::tempdir().unwrap();
    let trackers = ["udp://tracker.example:6969", "http://tracker.example/announce"];
    let said = succeed(
        directory.path(),
        &[
            "new",
            "--name",
            "The lake",
            "--rotate",
            "--tracker",
            trackers[0],
            "--tracker",
            trackers[1],
            "-o",
            "lake.chat",
        ],
    );
    let shown = succeed(directory.path(), &["show", "lake.chat"]);
    assert_eq!(value(&shown, "name"), "The lake");
    let channel = value(&shown, "channel").split(' ').next().unwrap();
    assert_eq!(channel.len(), 40);
    assert_eq!(said.trim_end(), format!("lake.chat is channel {channel}"));
    assert!(value(&shown, "channel").contains("keyed, rotating"), "{shown}");
    for (tier, url) in trackers.iter().enumerate() {
        assert!(shown.contains(&format!("{url} (tier {})", tier + 1)), "{shown}");
    }
    assert!(value(&shown, "link").starts_with("dotchat:join/"), "{shown}");
    assert!(value(&shown, "made by").starts_with("bitchat "), "{shown}");
    assert_eq!(value(&shown, "infohash").len(), 40);
    assert_ne!(value(&shown, "infohash"), channel, "a keyed channel is not announced by its name");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(directory.path().join("lake.chat")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "the file holds the key");
    }
}

#[test]
fn a_public_channel_is_called_public() {
    let directory = tempfile::tempdir().unwrap();
    succeed(directory.path(), &["new", "--public", "--name", "Square", "-o", "square.chat"]);
    let shown = succeed(directory.path(), &["show", "square.chat"]);
    let channel = value(&shown, "channel").split(' ').next().unwrap();
    assert!(value(&shown, "channel").contains("public"), "{shown}");
    assert_eq!(value(&shown, "infohash"), channel);
    assert!(value(&shown, "link").starts_with("magnet:?xt=urn:btih:"), "{shown}");
}

#[test]
fn two_files_are_two_channels() {
    let directory = tempfile::tempdir().unwrap();
    let one = succeed(directory.path(), &["new", "-o", "a.chat"]);
    let two = succeed(directory.path(), &["new", "-o", "b.chat"]);
    assert_ne!(one.split(' ').next_back(), two.split(' ').next_back());
}

#[test]
fn an_identity_is_made_once() {
    let directory = tempfile::tempdir().unwrap();
    let first = succeed(directory.path(), &["id", "--dir", "me"]);
    assert_eq!(succeed(directory.path(), &["id", "--dir", "me"]), first);
    assert!(value(&first, "link").starts_with("dotchat:peer/"));
    assert_eq!(value(&first, "fingerprint").len(), 19);
    let other = succeed(directory.path(), &["id", "--dir", "other"]);
    assert_ne!(value(&other, "link"), value(&first, "link"));
}

#[test]
fn the_data_directory_follows_the_environment() {
    let directory = tempfile::tempdir().unwrap();
    for (variable, path) in
        [("XDG_DATA_HOME", "bitchat/identity"), ("HOME", ".local/share/bitchat/identity")]
    {
        let home = directory.path().join(variable);
        let output = common::bitchat().env(variable, &home).arg("id").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(home.join(path).exists(), "{variable}");
    }
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    fs::write(here.join("notes.txt"), "milk, bread, eggs").unwrap();
    succeed(here, &["new", "-o", "good.chat"]);
    let good = fs::read(here.join("good.chat")).unwrap();
    fs::write(here.join("cut.chat"), &good[..good.len() / 2]).unwrap();
    let huge = [b"999999:".as_slice(), &vec![b'x'; 999_999]].concat();
    fs::write(here.join("huge.chat"), huge).unwrap();

    for (arguments, what, remedy) in [
        (&["show", "missing.chat"][..], "cannot read missing.chat", "check the name"),
        (&["show", "notes.txt"], "not a .chat file", ""),
        (&["show", "cut.chat"], "damaged", ""),
        (&["show", "huge.chat"], "not a .chat file", ""),
        (&["show", "."], "cannot read .", "check the name"),
        (&["new", "-o", "good.chat"], "exists already", "choose another name"),
        (&["new", "-o", "no/such/dir.chat"], "cannot write no/such/dir.chat", "check"),
        (&["new", "--tracker", "ftp://x/", "-o", "x.chat"], "ftp://x/", "must start with"),
        (&["new", "--name", "", "-o", "x.chat"], "info.name", "must not be empty"),
        (&["new", "--name", "a\u{7}b", "-o", "x.chat"], "control character", ""),
        (&["id", "--dir", "notes.txt"], "cannot write notes.txt", "check the directory"),
    ] {
        let complaint = fail(here, arguments);
        assert!(complaint.contains(what), "{arguments:?}: {complaint}");
        assert!(complaint.contains(remedy), "{arguments:?}: {complaint}");
    }
    assert_eq!(fs::read(here.join("good.chat")).unwrap(), good, "nothing was overwritten");
    assert!(!here.join("x.chat").exists());
}

#[test]
fn a_damaged_or_foreign_identity_is_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    succeed(here, &["id", "--dir", "me"]);
    let path = here.join("me").join("identity");
    let mut bytes = fs::read(&path).unwrap();
    bytes[30] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert!(fail(here, &["id", "--dir", "me"]).contains("is damaged; restore it"));
    fs::write(&path, "not a key").unwrap();
    assert!(fail(here, &["id", "--dir", "me"]).contains("is not an identity file"));
    assert_eq!(fs::read(&path).unwrap(), b"not a key");
}

#[cfg(unix)]
#[test]
fn an_identity_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    succeed(here, &["id", "--dir", "me"]);
    let path = here.join("me").join("identity");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let complaint = fail(here, &["id", "--dir", "me"]);
    assert!(complaint.contains("mode 644") && complaint.contains("chmod 600"), "{complaint}");
}

#[test]
fn contradictions_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(directory.path(), &["new", "--public", "--rotate", "-o", "x.chat"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be used with"));
}
