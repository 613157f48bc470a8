use super::*;
use crate::identity::{bitchat_identity_free, bitchat_identity_from_secret};
use core::ptr;

pub(in crate::node) fn new_node() -> *mut bitchat_node {
    let (mut identity, mut node) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: all pointers are to locals.
    unsafe {
        assert_eq!(bitchat_identity_from_secret([7; 32].as_ptr(), &raw mut identity), BITCHAT_OK);
        let status = bitchat_node_new(
            ptr::null(),
            identity,
            [8; 32].as_ptr(),
            1,
            1,
            &raw mut node,
            ptr::null_mut(),
        );
        assert_eq!(status, BITCHAT_OK);
        bitchat_identity_free(identity);
    }
    node
}

#[test]
fn a_panic_poisons_its_node_and_no_other() {
    let (hurt, well) = (new_node(), new_node());
    // SAFETY: both are live until they are freed.
    unsafe {
        assert_eq!(enter(hurt, |_| panic!("on purpose")), BITCHAT_ERR_PANIC);
        assert_eq!(bitchat_node_tick(hurt, 2, 2), BITCHAT_ERR_POISONED);
        assert_eq!(bitchat_node_is_drained(hurt), BITCHAT_ERR_POISONED);
        assert_eq!(bitchat_node_tick(well, 2, 2), BITCHAT_OK);
        assert_eq!(bitchat_node_free(hurt), BITCHAT_OK);
        assert_eq!(bitchat_node_free(well), BITCHAT_OK);
    }
}

#[test]
fn a_call_within_a_call_is_refused_and_so_is_freeing() {
    let node = new_node();
    // SAFETY: it is live until it is freed.
    unsafe {
        let status = enter(node, |_| {
            assert_eq!(bitchat_node_tick(node, 2, 2), BITCHAT_ERR_BUSY);
            assert_eq!(bitchat_node_free(node), BITCHAT_ERR_BUSY);
            Ok(())
        });
        assert_eq!(status, BITCHAT_OK);
        assert_eq!(bitchat_node_tick(node, 2, 2), BITCHAT_OK);
        assert_eq!(bitchat_node_free(node), BITCHAT_OK);
    }
}

#[test]
fn two_threads_in_one_node_find_it_busy() {
    struct Shared(*mut bitchat_node);
    // SAFETY: the library promises that any thread may call at any time.
    unsafe impl Sync for Shared {}
    let node = Shared(new_node());
    let node = &node;
    let inside = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // SAFETY: it is live.
            let status = unsafe {
                enter(node.0, |_| {
                    inside.wait();
                    inside.wait();
                    Ok(())
                })
            };
            assert_eq!(status, BITCHAT_OK);
        });
        inside.wait();
        // SAFETY: it is live.
        assert_eq!(unsafe { bitchat_node_tick(node.0, 2, 2) }, BITCHAT_ERR_BUSY);
        inside.wait();
    });
    // SAFETY: it is live, and nobody uses it any more.
    assert_eq!(unsafe { bitchat_node_free(node.0) }, BITCHAT_OK);
}
