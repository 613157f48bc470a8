use super::*;

const fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[test]
fn a_dirty_item_is_asked_and_a_settled_one_is_not() {
    let mut agenda = Agenda::default();
    let mut places = [Place::default(), Place::default()];
    for (item, place) in places.iter_mut().enumerate() {
        agenda.touch(item);
        agenda.settle(item, place, Some((at(10 + item as u64), "noted")));
    }
    assert_eq!(agenda.dirty(), None);
    assert_eq!(agenda.next(|_| panic!("nothing is dirty")), Some((at(10), "noted")));
    agenda.touch(0);
    assert_eq!(agenda.dirty(), Some(0));
    assert_eq!(agenda.next(|_| Some((at(30), "asked"))), Some((at(11), "noted")));
    assert_eq!(agenda.next(|_| None), Some((at(11), "noted")), "what was noted of it is forgotten");
    assert_eq!(agenda.due(at(9), |_| Some((at(9), "asked"))), [0].into());
    assert_eq!(agenda.due(at(11), |_| Some((at(12), "asked"))), [1].into());
    assert_eq!(agenda.dirty_due(at(11), |_| Some((at(11), "asked"))), [0].into());
    assert_eq!(agenda.due(at(11), |_| Some((at(11), "asked"))), [0, 1].into());
}

#[test]
fn nothing_stays_of_an_item_that_is_gone_or_has_no_deadline() {
    let mut agenda = Agenda::default();
    let mut places = [Place::default(), Place::default()];
    agenda.settle(0, &mut places[0], Some((at(1), "one")));
    agenda.settle(1, &mut places[1], Some((at(2), "two")));
    agenda.settle(0, &mut places[0], None);
    assert_eq!(agenda.next(|_| None), Some((at(2), "two")));
    agenda.touch(1);
    agenda.remove(1, &places[1]);
    assert_eq!((agenda.next(|_| Some((at(0), "asked"))), agenda.dirty()), (None, None));
    assert!(agenda.noted.is_empty());
}
