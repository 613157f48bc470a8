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
