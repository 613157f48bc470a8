use super::*;

#[test]
fn a_full_queue_hands_the_item_back_and_keeps_its_order() {
    let mut queue = BoundedQueue::new(2);
    assert_eq!(queue.push(1), Ok(()));
    assert_eq!(queue.push(2), Ok(()));
    assert_eq!(queue.push(3), Err(Full(3)));
    assert_eq!(queue.front(), Some(&1));
    assert_eq!((queue.pop(), queue.len()), (Some(1), 1));
    assert_eq!(queue.push(3), Ok(()));
    assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some(2), Some(3), None));
    assert!(queue.is_empty());
}
