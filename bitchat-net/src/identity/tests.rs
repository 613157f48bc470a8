use super::*;
use std::fs;

#[test]
fn the_file_holds_one_person_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("identity");
    let first = load_or_create(&path).unwrap();
    assert_eq!(load_or_create(&path).unwrap().peer_id(), first.peer_id());
    assert_eq!(load(&path).unwrap().peer_id(), first.peer_id());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file stays");
    let other = load_or_create(&directory.path().join("other")).unwrap();
    assert_ne!(other.peer_id(), first.peer_id());
}

#[test]
fn the_layout_is_fixed() {
    let bytes = encode(&Identity::from_bytes(&Secret([7; 32])));
    assert_eq!(bytes.len(), 57);
    assert_eq!(&bytes[..17], b"bitchat-identity\x01");
    assert_eq!(&bytes[17..49], &[7; 32]);
    assert_eq!(&bytes[49..], &hash(&[&bytes[..49]])[..8]);
}

/// BC-11.26
#[test]
fn every_changed_byte_is_noticed() {
    let bytes = encode(&Identity::from_bytes(&Secret([7; 32])));
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 0x10;
        let expected = match at {
            0..16 => Flaw::Foreign,
            16 => Flaw::Newer(0x11),
            _ => Flaw::Damaged,
        };
        assert_eq!(decode(&changed).err(), Some(expected), "byte {at}");
    }
    for len in 0..bytes.len() {
        let expected = if len < 16 { Flaw::Foreign } else { Flaw::Damaged };
        assert_eq!(decode(&bytes[..len]).err(), Some(expected), "{len} bytes");
    }
    assert_eq!(decode(&[&bytes[..], b"x"].concat()).err(), Some(Flaw::Damaged));
}

/// BC-11.27
#[test]
fn an_existing_file_is_never_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("identity");
    fs::write(&path, b"my shopping list").unwrap();
    private_mode(&path);
    let error = load_or_create(&path).unwrap_err();
    assert!(matches!(error, IdentityError::Foreign { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"my shopping list");
    assert_eq!(write_new(&path, b"x").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"my shopping list");
}

/// BC-11.28
#[cfg(unix)]
#[test]
fn a_readable_file_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("identity");
    load_or_create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for mode in [0o640, 0o604, 0o620, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = load_or_create(&path).unwrap_err();
        assert!(matches!(error, IdentityError::Exposed { mode: found, .. } if found == mode));
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}

/// On a poor file system the name is there a moment before the bytes.
#[test]
fn what_another_process_is_writing_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("identity");
    private::create(&path).unwrap();
    let bytes = encode(&Identity::from_bytes(&Secret([7; 32])));
    let (of_another, whole) = (path.clone(), directory.path().join("whole"));
    let other = std::thread::spawn(move || {
        write_new(&whole, &bytes).unwrap();
        std::thread::sleep(Duration::from_millis(30));
        fs::rename(whole, of_another).unwrap();
    });
    let found = load_or_create(&path).unwrap().peer_id();
    assert_eq!(found, Identity::from_bytes(&Secret([7; 32])).peer_id());
    other.join().unwrap();
}

#[test]
fn a_missing_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("missing").join("identity");
    let error = load_or_create(&path).unwrap_err().to_string();
    assert!(error.contains("cannot create the identity file"), "{error}");
    assert!(error.contains("missing"), "{error}");
}

fn private_mode(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// BC-11.03
#[test]
fn seeds_are_fresh() {
    let seeds: std::collections::BTreeSet<_> = (0..100).map(|_| fresh_seed().unwrap().0).collect();
    assert_eq!(seeds.len(), 100);
}
