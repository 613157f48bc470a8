use super::*;

#[test]
fn every_kind_has_the_callback_of_its_name_in_the_order_of_the_header() {
    const WORDS: usize = size_of::<bitchat_callbacks>() / size_of::<usize>();
    let words: [usize; WORDS] = core::array::from_fn(|at| at + 1);
    // SAFETY: equal sizes; all fields are words, and none of the functions is called.
    let callbacks: bitchat_callbacks = unsafe { core::mem::transmute(words) };
    // Before them stand struct_size, max_segments, transmit and set_timer.
    let first_event = 4 + BITCHAT_ACTION_LOAD;
    for kind in BITCHAT_ACTION_BIND_UDP..=BITCHAT_ACTION_LOAD {
        let found = callbacks.of_action(kind).map(|callback| callback as usize);
        assert_eq!(found, Some(4 + kind as usize), "action {kind}");
    }
    for kind in BITCHAT_EVENT_LISTENING..=BITCHAT_EVENT_WALL_TIME_NEEDED {
        let found = callbacks.of_event(kind).map(|callback| callback as usize);
        assert_eq!(found, Some((first_event + kind) as usize), "event {kind}");
    }
    // Behind them stands what came later.
    assert_eq!(callbacks.log.map(|callback| callback as usize), Some(WORDS));
    assert_eq!(first_event + BITCHAT_EVENT_WALL_TIME_NEEDED + 1, WORDS as i32);
    assert!(callbacks.of_action(0).is_none() && callbacks.of_event(99).is_none());
}
