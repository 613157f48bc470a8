use super::*;

#[test]
fn shards_are_written_read_and_summed() {
    let mut whole = Tally::default();
    let mut halves = [Tally::default(), Tally::default()];
    for seed in 0..4 {
        whole.run(seed).expect("nothing fails");
        halves[usize::from(seed >= 2)].run(seed).expect("nothing fails");
    }
    let mut sum = Tally::default();
    for half in &halves {
        let read = Tally::from_text(&half.to_text()).expect("a shard");
        assert_eq!(&read, half);
        sum.merge(&read);
    }
    assert_eq!(sum, whole);
    assert_eq!(sum.schedules(), 4);
    assert!(Tally::from_text("number\tmany\tschedules").is_none());
    let table = sum.table("abc", "0 to 3");
    assert!(table.contains("| schedules | 4 |") && table.contains("| failed | 0 |"), "{table}");
}
