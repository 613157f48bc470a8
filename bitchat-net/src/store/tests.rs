use super::*;
use bytes::Bytes;
use std::fs;
use tempfile::TempDir;

fn record(key: &str, value: &[u8]) -> Record {
    Record {
        key: key.as_bytes().to_vec(),
        value: Bytes::copy_from_slice(value),
        secret: false,
        expires: None,
    }
}

fn put(key: &str, value: &[u8]) -> Change {
    Change::Put(record(key, value))
}

fn home() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    (directory, path)
}

fn keys(db: &Db, prefix: &str) -> Vec<String> {
    let (records, more) = db.load(prefix.as_bytes(), b"", 1_000).unwrap();
    assert!(!more);
    records.into_iter().map(|record| String::from_utf8(record.key).unwrap()).collect()
}

#[test]
fn what_was_put_is_there_after_reopening() {
    let (_directory, path) = home();
    let full = Record {
        secret: true,
        expires: Some(UnixMillis(u64::from(u32::MAX) * 1_000_000)),
        ..record("node/key", b"\x00\xffbytes")
    };
    let db = Db::open(&path).unwrap();
    db.apply([&[Change::Put(full.clone()), put("a", b"")][..]]).unwrap();
    db.apply([&[put("a", b"second"), put("b", b"gone")][..], &[Change::Delete(b"b".to_vec())]])
        .unwrap();
    drop(db);
    let db = Db::open(&path).unwrap();
    assert_eq!(db.load(b"", b"", 10).unwrap(), (vec![record("a", b"second"), full], false));
}

/// BC-11.14
#[test]
fn pages_by_prefix_in_order_of_keys() {
    let (_directory, path) = home();
    let db = Db::open(&path).unwrap();
    let changes: Vec<_> =
        ["c/3", "c/1", "c/2", "c", "d/1", "b/9", "c0"].iter().map(|key| put(key, b"x")).collect();
    db.apply([&changes[..]]).unwrap();
    assert_eq!(keys(&db, "c/"), ["c/1", "c/2", "c/3"]);
    assert_eq!(keys(&db, ""), ["b/9", "c", "c/1", "c/2", "c/3", "c0", "d/1"]);
    let page = |after: &[u8], limit| {
        let (records, more) = db.load(b"c/", after, limit).unwrap();
        (records.into_iter().map(|record| record.key).collect::<Vec<_>>(), more)
    };
    assert_eq!(page(b"", 2), (vec![b"c/1".to_vec(), b"c/2".to_vec()], true));
    assert_eq!(page(b"c/2", 2), (vec![b"c/3".to_vec()], false));
    assert_eq!(page(b"c/1", 2), (vec![b"c/2".to_vec(), b"c/3".to_vec()], false));
    assert_eq!(page(b"c/3", 2), (vec![], false));
    assert_eq!(page(b"", 0), (vec![], true));
    assert_eq!(page(b"d", 2), (vec![], false), "behind the prefix there is nothing");
}

#[test]
fn keys_of_high_bytes_page_too() {
    let (_directory, path) = home();
    let db = Db::open(&path).unwrap();
    let key = |bytes: &[u8]| Change::Put(Record { key: bytes.to_vec(), ..record("", b"v") });
    db.apply([&[key(b"\xff\xff\x01"), key(b"\xff\xff"), key(b"\xff\xfe")][..]]).unwrap();
    let (records, more) = db.load(b"\xff\xff", b"", 9).unwrap();
    assert_eq!(
        records.iter().map(|r| &r.key[..]).collect::<Vec<_>>(),
        [&b"\xff\xff"[..], b"\xff\xff\x01"]
    );
    assert!(!more);
}

/// BC-11.25
#[test]
fn expired_records_are_swept() {
    let (_directory, path) = home();
    let db = Db::open(&path).unwrap();
    let until = |key, at| Change::Put(Record { expires: Some(UnixMillis(at)), ..record(key, b"") });
    db.apply([&[until("old", 999), until("now", 1_000), put("ever", b"")][..]]).unwrap();
    assert_eq!(db.expire(UnixMillis(1_000)).unwrap(), 1);
    assert_eq!(keys(&db, ""), ["ever", "now"]);
}

/// BC-11.17
#[cfg(unix)]
#[test]
fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, path) = home();
    let db = Db::open(&path).unwrap();
    db.apply([&[put("a", b"b")][..]]).unwrap();
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
    }
    drop(db);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = Db::open(&path).err().unwrap();
    assert!(matches!(error, StoreError::Exposed { mode: 0o640, .. }));
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

/// BC-11.15
#[test]
fn a_held_store_is_refused() {
    let (_directory, path) = home();
    let first = Db::open(&path).unwrap();
    let error = Db::open(&path).err().unwrap();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    drop(first);
    Db::open(&path).unwrap();
}

/// BC-11.20
#[test]
fn garbage_is_refused_and_left_alone() {
    let (_directory, path) = home();
    let garbage: Vec<u8> = (0..20_000_u32).map(|n| n.wrapping_mul(37).to_le_bytes()[0]).collect();
    fs::write(&path, &garbage).unwrap();
    own(&path);
    let error = Db::open(&path).err().unwrap();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), garbage);
}

#[test]
fn another_programs_database_is_refused() {
    let (_directory, path) = home();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE bookmark (url TEXT)").unwrap();
    drop(other);
    own(&path);
    let error = Db::open(&path).err().unwrap();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
}

/// BC-11.20
#[test]
fn a_newer_layout_is_refused() {
    let (_directory, path) = home();
    drop(Db::open(&path).unwrap());
    let other = rusqlite::Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 7).unwrap();
    drop(other);
    let error = Db::open(&path).err().unwrap();
    assert!(matches!(error, StoreError::Newer { version: 7, .. }), "{error}");
}

/// BC-11.20
#[test]
fn a_truncated_file_is_refused() {
    let (_directory, path) = home();
    let db = Db::open(&path).unwrap();
    let changes: Vec<_> = (0..500).map(|n| put(&format!("{n:04}"), &[7; 500])).collect();
    db.apply([&changes[..]]).unwrap();
    drop(db);
    let whole = fs::read(&path).unwrap();
    for keep in [whole.len() / 2, 5_000, 60] {
        fs::write(&path, &whole[..keep]).unwrap();
        let error = Db::open(&path).err().unwrap();
        assert!(
            matches!(error, StoreError::Corrupt { .. } | StoreError::Foreign { .. }),
            "{keep}: {error}"
        );
        assert!(error.to_string().contains("move"), "says what to do: {error}");
    }
}

#[test]
fn a_damaged_page_is_found_at_opening() {
    let (_directory, path) = home();
    let db = Db::open(&path).unwrap();
    let changes: Vec<_> = (0..500).map(|n| put(&format!("{n:04}"), &[7; 500])).collect();
    db.apply([&changes[..]]).unwrap();
    drop(db);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 64].fill(0xee);
    fs::write(&path, bytes).unwrap();
    let error = Db::open(&path).err().unwrap();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

/// BC-11.16
#[test]
fn a_full_disk_keeps_the_old_state_and_works_again_later() {
    let (_directory, path) = home();
    let db = Db::open(&path).unwrap();
    db.apply([&[put("before", b"1")][..]]).unwrap();
    db.limit_pages(8);
    let big: Vec<_> = (0..100).map(|n| put(&format!("big{n}"), &[1; 4_000])).collect();
    let error = db.apply([&big[..]]).unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(error.to_string().contains("free some space"), "{error}");
    assert_eq!(keys(&db, ""), ["before"], "nothing of the batch remains");
    db.limit_pages(10_000);
    db.apply([&big[..]]).unwrap();
    assert_eq!(keys(&db, "").len(), 101);
}

/// Gives a file that a test wrote the mode that the store insists on.
fn own(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// BC-11.19
#[test]
fn replaced_secrets_leave_no_trace() {
    let (directory, path) = home();
    let db = Db::open(&path).unwrap();
    let secret = |value: &[u8]| Change::Put(Record { secret: true, ..record("key", value) });
    db.apply([&[secret(b"the-first-secret-of-all-of-them!")][..]]).unwrap();
    db.apply([&[secret(b"its-successor-which-is-as-secret")][..]]).unwrap();
    db.apply([&[Change::Delete(b"key".to_vec())][..]]).unwrap();
    holds_none_of(directory.path(), &[b"the-first-secret", b"its-successor"]);
}

/// No file in `directory` holds any of `traces`.
fn holds_none_of(directory: &Path, traces: &[&[u8]]) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        for &trace in traces {
            let found = bytes.windows(trace.len()).any(|window| window == trace);
            assert!(!found, "{} in {}", trace.escape_ascii(), path.display());
        }
    }
}

/// BC-11.19
#[test]
fn expired_secrets_leave_no_trace() {
    let (directory, path) = home();
    let db = Db::open(&path).unwrap();
    let ticket = Record {
        secret: true,
        expires: Some(UnixMillis(999)),
        ..record("ticket", b"good-for-a-day-and-secret")
    };
    db.apply([&[Change::Put(ticket)][..]]).unwrap();
    db.apply([&[put("a", b"what nobody hides")][..]]).unwrap();
    assert_eq!(db.expire(UnixMillis(1_000)).unwrap(), 1);
    assert_eq!(keys(&db, ""), ["a"]);
    holds_none_of(directory.path(), &[b"good-for-a-day"]);
}

/// BC-11.19: the process dies after a batch and before its log is emptied.
#[test]
fn secrets_replaced_before_a_crash_are_gone_after_it() {
    let (directory, path) = home();
    let secret = |value: &[u8]| Change::Put(Record { secret: true, ..record("key", value) });
    Db::open(&path).unwrap().apply([&[secret(b"the-first-secret-of-all-of-them!")][..]]).unwrap();
    let crashed = tempfile::tempdir().unwrap();
    {
        let dying = rusqlite::Connection::open(&path).unwrap();
        dying.pragma_update(None, "secure_delete", true).unwrap();
        dying.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        for value in ["its-successor-which-is-as-secret", "the-last-one"] {
            let update = "UPDATE record SET value = CAST(?1 AS BLOB)";
            assert_eq!(dying.execute(update, [value]).unwrap(), 1);
        }
        for name in ["store.db", "store.db-wal"] {
            fs::copy(directory.path().join(name), crashed.path().join(name)).unwrap();
        }
    }
    let path = crashed.path().join("store.db");
    own(&path);
    let db = Db::open(&path).unwrap();
    assert_eq!(&db.load(b"", b"", 1).unwrap().0[0].value[..], b"the-last-one");
    holds_none_of(crashed.path(), &[b"the-first-secret", b"its-successor"]);
}

/// BC-11.13
#[tokio::test]
async fn the_thread_answers_in_order() {
    let (_directory, path) = home();
    let (store, mut answers) = Store::open(&path).await.unwrap();
    for n in 0..200 {
        store.persist(RequestId(n), vec![put(&format!("{n:03}"), b"v")]).unwrap();
    }
    store.load(RequestId(200), b"1".to_vec(), vec![], 10).unwrap();
    store.persist(RequestId(201), vec![Change::Delete(b"100".to_vec())]).unwrap();
    for n in 0..200 {
        let answer = answers.recv().await.unwrap();
        assert!(matches!(answer, Answer::Persisted { request } if request.0 == n), "{answer:?}");
    }
    let Some(Answer::Loaded { request: RequestId(200), records, more: true }) =
        answers.recv().await
    else {
        panic!("a page");
    };
    assert_eq!(records.first().unwrap().key, b"100", "the later deletion came later");
    assert!(matches!(answers.recv().await, Some(Answer::Persisted { request: RequestId(201) })));
    store.close().await;
    assert!(answers.recv().await.is_none());
    Db::open(&path).expect("closing lets go of the lock");
}

#[tokio::test]
async fn dropping_the_handle_still_writes_what_was_asked() {
    let (_directory, path) = home();
    let (store, mut answers) = Store::open(&path).await.unwrap();
    store.persist(RequestId(1), vec![put("a", b"v")]).unwrap();
    drop(store);
    while answers.recv().await.is_some() {}
    assert_eq!(keys(&Db::open(&path).unwrap(), ""), ["a"]);
}

#[tokio::test]
async fn opening_reports_what_is_wrong() {
    let (directory, path) = home();
    let held = Db::open(&path).unwrap();
    assert!(matches!(Store::open(&path).await, Err(StoreError::Locked { .. })));
    drop(held);
    let nowhere = directory.path().join("missing").join("store.db");
    let error = Store::open(&nowhere).await.unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
}

impl Store {
    /// A store whose thread takes `jobs` jobs, answers none and dies.
    pub(crate) fn that_dies_after(jobs: usize) -> Opened {
        let (sender, work) = channel::<Job>();
        let (answers, answered) = mpsc::unbounded_channel();
        let (closing, closed) = oneshot::channel();
        thread::spawn(move || {
            work.iter().take(jobs).for_each(drop);
            drop((work, answers, closing));
        });
        (Self { jobs: sender, closed }, answered)
    }

    /// A store that waits for its disk for ever.
    pub(crate) fn that_never_closes() -> Opened {
        let (jobs, work) = channel();
        let (answers, answered) = mpsc::unbounded_channel();
        let (closing, closed) = oneshot::channel();
        std::mem::forget((work, answers, closing));
        (Self { jobs, closed }, answered)
    }
}
