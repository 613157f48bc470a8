//! The store against the world: processes that die at any moment, directories that refuse.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use bitchat_core::base::ids::RequestId;
use bitchat_core::node::{Change, Record};
use bitchat_net::store::{Answer, Store};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Records of one batch: all of them are there, or none.
const BATCH: u64 = 5;
/// Names the store to a child process; its presence makes a test play the child's part.
const STORE: &str = "BITCHAT_TEST_STORE";
/// The child aborts by itself after so many acknowledged batches.
const ABORT_AFTER: &str = "BITCHAT_TEST_ABORT_AFTER";

fn child(test: &str, store: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(STORE, store);
    command
}

fn record(batch: u64, part: u64) -> Record {
    Record {
        key: format!("{batch:08}/{part}").into_bytes(),
        value: vec![part.to_le_bytes()[0]; 700].into(),
        secret: batch.is_multiple_of(3),
        expires: None,
    }
}

/// Writes batches for ever, several in flight; prints the number of each one that is acknowledged.
async fn write_until_killed(path: &Path, abort_after: Option<u64>) {
    let (store, mut answers) = Store::open(path).await.unwrap();
    let submit = |batch: u64| {
        let changes = (0..BATCH).map(|part| Change::Put(record(batch, part))).collect();
        store.persist(RequestId(batch), changes).unwrap();
    };
    (0..8).for_each(submit);
    for done in 0.. {
        let Some(Answer::Persisted { request: RequestId(batch) }) = answers.recv().await else {
            panic!("a batch failed");
        };
        assert_eq!(batch, done);
        println!("stored {batch}");
        std::io::stdout().flush().unwrap();
        submit(done + 8);
        if abort_after == Some(done) {
            std::process::abort();
        }
    }
}

/// The child's part of the crash tests; by itself it does nothing.
#[tokio::test]
async fn crash_child() {
    if let Ok(path) = std::env::var(STORE) {
        let abort_after = std::env::var(ABORT_AFTER).ok().map(|count| count.parse().unwrap());
        write_until_killed(Path::new(&path), abort_after).await;
    }
}

/// Every acknowledged batch is there, and each batch as a whole or not at all.
async fn check(path: &Path, acknowledged: Option<u64>) -> u64 {
    let (store, mut answers) = Store::open(path).await.unwrap();
    store.load(RequestId(0), vec![], vec![], usize::MAX).unwrap();
    let Some(Answer::Loaded { records, more: false, .. }) = answers.recv().await else {
        panic!("the records");
    };
    let count = records.len() as u64;
    assert_eq!(count % BATCH, 0, "half a batch");
    let expected = (0..count / BATCH).flat_map(|b| (0..BATCH).map(move |part| record(b, part)));
    assert!(records.into_iter().eq(expected), "a gap or a wrong value");
    let acknowledged = acknowledged.map_or(0, |batch| batch + 1);
    assert!(count / BATCH >= acknowledged, "{} of {acknowledged}", count / BATCH);
    store.close().await;
    acknowledged
}

/// BC-11.11, BC-11.12: as far as a living system can show it.
#[tokio::test]
async fn an_aborted_process_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    for (round, abort_after) in [0, 1, 17, 60].into_iter().enumerate() {
        let path = directory.path().join(format!("{round}.db"));
        let output = child("crash_child", &path)
            .env(ABORT_AFTER, abort_after.to_string())
            .stderr(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.signal().is_some(), "it died of its abort: {}", output.status);
        check(&path, Some(abort_after)).await;
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let mut total = 0;
    for round in 0..6 {
        let path = directory.path().join(format!("{round}.db"));
        let mut process = child("crash_child", &path).stdout(Stdio::piped()).spawn().unwrap();
        let output = process.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            lines.filter_map(|line| line.strip_prefix("stored ")?.parse().ok()).last()
        });
        tokio::time::sleep(Duration::from_millis(150 + 37 * round)).await;
        process.kill().unwrap();
        process.wait().unwrap();
        total += check(&path, reader.join().unwrap()).await;
    }
    assert!(total > 0, "nothing was written at all: the test shows nothing");
}

/// The child's part: says how opening went.
#[tokio::test]
async fn open_child() {
    if let Ok(path) = std::env::var(STORE) {
        match Store::open(Path::new(&path)).await {
            Ok(_) => println!("verdict: opened"),
            Err(error) => println!("verdict: {error}"),
        }
    }
}

fn verdict(path: &Path, user: Option<u32>) -> String {
    let mut command = child("open_child", path);
    if let Some(user) = user {
        command.uid(user).gid(user).current_dir("/");
    }
    let output = command.output().expect("the test program can run itself");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .find_map(|line| Some(line.split_once("verdict: ")?.1.to_owned()))
        .unwrap_or_else(|| panic!("no verdict: {output:?}"))
}

/// BC-11.15
#[tokio::test]
async fn another_process_holding_the_store_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let (store, _answers) = Store::open(&path).await.unwrap();
    let text = tokio::task::spawn_blocking({
        let path = path.clone();
        move || verdict(&path, None)
    })
    .await
    .unwrap();
    assert!(text.contains("in use by another running instance"), "{text}");
    store.close().await;
    assert_eq!(verdict(&path, None), "opened");
}

#[test]
fn a_read_only_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let locked: PathBuf = directory.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    for path in [directory.path(), &locked] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o555)).unwrap();
    }
    // Permissions do not bind the superuser: then the child goes as nobody.
    let root = std::fs::metadata(directory.path()).unwrap().uid() == 0;
    let text = verdict(&locked.join("store.db"), root.then_some(65_534));
    assert!(text.contains("cannot open the store"), "{text}");
    assert!(text.contains("check the path and its permissions"), "{text}");
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
}
