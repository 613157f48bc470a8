use super::*;

#[test]
fn what_is_written_is_read_back_and_what_is_damaged_is_an_error() {
    for previous in [None, Some(Secret([2; 32]))] {
        let secrets = [Some(Secret([1; 32])), previous];
        let record = resumption(&DhPublic([7; 32]), &secrets, Some(UnixMillis(5)));
        assert!(record.secret);
        assert_eq!(read_resumption(&record), Ok((DhPublic([7; 32]), secrets)));
        let short = Record { value: record.value.slice(..record.value.len() - 1), ..record };
        assert!(read_resumption(&short).is_err());
    }
}
