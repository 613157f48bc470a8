use super::*;

#[test]
fn forks_depend_on_the_name_and_not_on_earlier_draws() {
    let mut one = Dice::new(7);
    let other = Dice::new(7);
    one.u64();
    assert_eq!(one.fork("net").u64(), other.fork("net").u64());
    assert_ne!(one.fork("net").u64(), one.fork("disk").u64());
    assert_ne!(Dice::new(8).fork("net").u64(), other.fork("net").u64());
}

#[test]
fn chance_is_about_as_likely_as_asked() {
    let mut dice = Dice::new(1);
    let hits = (0..10_000).filter(|_| dice.chance(0.2)).count();
    assert!((1_850..2_150).contains(&hits), "{hits}");
    assert!(!dice.chance(0.0) && dice.chance(1.0));
    assert!((0..1_000).all(|_| dice.below(3) < 3));
}

/// The mean is the mean, and of three values one is above 1.1 times it: exp(-1.1).
#[test]
fn exponential_times_have_their_mean_and_their_tail() {
    let mut dice = Dice::new(2);
    let mean = Duration::from_millis(10);
    let times: Vec<_> = (0..30_000).map(|_| dice.exponential(mean)).collect();
    let sum: Duration = times.iter().sum();
    assert!((290..310).contains(&sum.as_secs()), "{sum:?}");
    let longer = times.iter().filter(|time| **time > mean * 11 / 10).count();
    assert!((9_700..10_300).contains(&longer), "{longer}");
    let longest = times.iter().max().copied().unwrap_or_default();
    assert!(longest > mean * 6 && longest < mean * 25, "{longest:?}");
    assert_eq!(dice.exponential(Duration::ZERO), Duration::ZERO);
}
