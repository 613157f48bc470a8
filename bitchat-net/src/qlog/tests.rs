use super::{MAX_OPEN, TraceFiles};
use bitchat_core::base::ids::LinkId;
use bitchat_core::node::QlogRecord;

fn record(trace: &str, text: &str) -> QlogRecord {
    QlogRecord { link: LinkId(1), trace: trace.into(), text: text.to_owned(), lost: 0 }
}

#[test]
fn each_trace_has_a_file_and_each_record_its_frame() {
    let home = tempfile::tempdir().expect("a directory");
    let directory = home.path().join("not/yet/there");
    let mut files = TraceFiles::open(directory.clone()).expect("it is made");
    files.write(&record("a-client", "{}"));
    files.write(&record("b-server", "{\"other\":1}"));
    files.write(&record("a-client", "{\"time\":1}"));
    let read = |name: &str| std::fs::read_to_string(directory.join(name)).expect("it is there");
    assert_eq!(read("a-client.sqlog"), "\u{1e}{}\n\u{1e}{\"time\":1}\n");
    assert_eq!(read("b-server.sqlog"), "\u{1e}{\"other\":1}\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = directory.join("a-client.sqlog").metadata().expect("it is there").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }
}

#[test]
fn many_links_do_not_keep_many_files_open() {
    let home = tempfile::tempdir().expect("a directory");
    let mut files = TraceFiles::open(home.path().to_owned()).expect("it is there");
    for round in 0..2 {
        for link in 0..MAX_OPEN * 2 {
            files.write(&record(&format!("{link:04}-client"), &round.to_string()));
            assert!(files.open.len() <= MAX_OPEN);
        }
    }
    let first =
        std::fs::read_to_string(home.path().join("0000-client.sqlog")).expect("it is there");
    assert_eq!(first, "\u{1e}0\n\u{1e}1\n");
}

#[test]
fn a_file_in_the_place_of_the_directory_is_an_error_that_names_it() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = TraceFiles::open(file.path().to_owned()).err().expect("it is refused");
    assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
}
