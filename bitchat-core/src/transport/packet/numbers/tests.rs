use super::*;

/// BC-07.11
#[test]
fn numbers_grow_and_some_are_left_out() {
    let mut numbers = PacketNumbers::new([3; 16]);
    let taken: Vec<_> = (0..10_000).map(|_| numbers.take()).collect();
    assert!(taken.windows(2).all(|pair| pair[1] == pair[0] + 1 || pair[1] == pair[0] + 2));
    let left_out = taken.windows(2).filter(|pair| pair[1] == pair[0] + 2).count();
    assert!((10_000 / 576..=10_000 / 64).contains(&left_out), "{left_out}");
    let other = PacketNumbers::new([4; 16]);
    assert_ne!(other.skip_at, PacketNumbers::new([3; 16]).skip_at, "depends on the seed");
}

/// BC-07.10
#[test]
fn only_numbers_that_were_taken_are_plausible() {
    let mut numbers = PacketNumbers::new([3; 16]);
    assert!(!numbers.plausible(&(0..1)));
    let mut last = numbers.take();
    assert!(numbers.plausible(&(0..1)) && !numbers.plausible(&(0..2)));
    loop {
        let next = numbers.take();
        if next == last + 2 {
            break;
        }
        last = next;
    }
    assert!(numbers.plausible(&(0..last + 1)));
    assert!(!numbers.plausible(&(0..last + 2)) && !numbers.plausible(&(last + 1..last + 2)));
    assert!(numbers.plausible(&(last + 2..last + 3)));
}
