use super::*;
use std::fs;

fn written(directory: &Path) -> NamedTempFile {
    let mut file = NamedTempFile::new_in(directory).unwrap();
    file.write_all(b"whole").unwrap();
    file
}

/// BC-11.27, where the file system knows no other way.
#[test]
fn a_name_is_claimed_and_never_taken_from_another() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    claim_and_replace(written(directory.path()), &path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"whole");
    assert_eq!(exposed_mode(&path).unwrap(), None);
    let error = claim_and_replace(written(directory.path()), &path).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file stays");
}

#[test]
fn a_claim_that_comes_to_nothing_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let file = written(directory.path());
    fs::remove_file(file.path()).unwrap();
    assert_eq!(claim_and_replace(file, &path).unwrap_err().kind(), io::ErrorKind::NotFound);
    assert!(!path.exists());
}
