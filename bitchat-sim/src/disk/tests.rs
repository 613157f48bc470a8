use super::*;

fn put(key: &[u8], value: &[u8]) -> Change {
    Change::Put(Record {
        key: key.to_vec(),
        value: value.to_vec().into(),
        secret: false,
        expires: None,
    })
}

fn disk() -> Disk {
    Disk::new(DiskConfig::default(), Dice::new(3))
}

fn later(disk: &Disk) -> Timestamp {
    disk.next_at().unwrap()
}

#[test]
fn a_batch_is_stored_when_it_is_answered_and_pages_follow_each_other() {
    let mut disk = disk();
    let changes = (0..100u8).map(|n| put(&[b'a', n], &[n])).chain([put(b"b", b"")]).collect();
    disk.persist(Timestamp::ZERO, RequestId(1), changes);
    assert_eq!(disk.poll(Timestamp::ZERO), None);
    let at = later(&disk);
    assert_eq!(disk.poll(at), Some(DiskAnswer::Persisted(RequestId(1))));
    let (mut after, mut seen) = (Vec::new(), Vec::new());
    loop {
        disk.load(at, RequestId(2), b"a".to_vec(), after.clone(), 7);
        let at = later(&disk);
        let Some(DiskAnswer::Loaded(RequestId(2), records, more)) = disk.poll(at) else {
            panic!("no page");
        };
        assert!(records.len() <= 7 && (!more || !records.is_empty()));
        after = records.last().unwrap().key.clone();
        seen.extend(records.iter().map(|record| record.value[0]));
        if !more {
            break;
        }
    }
    assert_eq!(seen, (0..100).collect::<Vec<u8>>());
}

#[test]
fn a_full_disk_refuses_and_keeps_what_it_has() {
    let mut disk = disk();
    disk.config.full = true;
    disk.persist(Timestamp::ZERO, RequestId(1), vec![put(b"a", b"1")]);
    let at = later(&disk);
    assert_eq!(disk.poll(at), Some(DiskAnswer::Refused(RequestId(1))));
    assert_eq!(disk.records().count(), 0);
}

#[test]
fn a_crash_keeps_a_prefix_of_the_unanswered_batches() {
    let mut counts = [0; 4];
    for seed in 0..100 {
        let mut disk = Disk::new(DiskConfig::default(), Dice::new(seed));
        for n in 0..3u8 {
            disk.persist(Timestamp::ZERO, RequestId(n.into()), vec![put(&[n], &[])]);
        }
        disk.crash();
        let kept: Vec<u8> = disk.records().map(|record| record.key[0]).collect();
        assert_eq!(kept, (0..u8::try_from(kept.len()).unwrap()).collect::<Vec<_>>());
        assert_eq!(disk.next_at(), None);
        counts[kept.len()] += 1;
    }
    assert!(counts.iter().all(|count| *count > 5), "{counts:?}");
}

#[test]
fn a_backup_comes_back_as_it_was() {
    let mut disk = disk();
    disk.persist(Timestamp::ZERO, RequestId(1), vec![put(b"a", b"1")]);
    assert!(disk.poll(later(&disk)).is_some());
    let backup = disk.snapshot();
    let key = disk.damage(b"a").unwrap();
    assert_eq!(key, b"a");
    assert_ne!(disk.snapshot(), backup);
    disk.restore(backup.clone());
    assert_eq!(disk.snapshot(), backup);
}
