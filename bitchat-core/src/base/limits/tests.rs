use super::*;

#[test]
fn the_defaults_are_in_range_and_what_is_not_is_named_with_its_range() {
    assert_eq!(Limits::default().check(), Ok(()));
    let none = Limits { links: 0, ..Limits::default() };
    assert_eq!(none.check(), Err("limits.links: choose 1 to 65_536"));
    let most = Limits { links: 65_536, ..Limits::default() };
    assert_eq!(most.check(), Ok(()));
    let more = Limits { receive_window: 1_073_741_825, ..Limits::default() };
    assert_eq!(more.check(), Err("limits.receive_window: choose 16_384 to 1_073_741_824"));
}
