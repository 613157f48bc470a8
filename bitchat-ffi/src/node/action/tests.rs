use super::*;
use crate::node::bitchat_node_free;
use crate::node::tests::new_node;
use crate::status::BITCHAT_OK;
use bitchat_core::base::ids::{RequestId, StreamId};
use bitchat_core::base::time::UnixMillis;
use bitchat_core::node::Record;
use core::ffi::CStr;
use core::net::SocketAddr;

/// What C sees of an action, while it is lent.
fn seen(action: Action, look: impl FnOnce(bitchat_action)) {
    let node = new_node();
    // SAFETY: the node is live until it is freed.
    unsafe {
        let status = enter(node, |inner| {
            look(lend(inner, action).expect("a known kind"));
            Ok(())
        });
        assert_eq!((status, bitchat_node_free(node)), (BITCHAT_OK, BITCHAT_OK));
    }
}

fn text(text: *const c_char) -> String {
    // SAFETY: text with a zero byte that is lent.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned()
}

fn bytes(start: *const u8, len: usize) -> Vec<u8> {
    // SAFETY: lent.
    unsafe { core::slice::from_raw_parts(start, len) }.to_vec()
}

const REQUEST: RequestId = RequestId(7);
const STREAM: StreamId = StreamId(8);

#[test]
fn actions_of_the_network() {
    seen(Action::BindUdp { request: REQUEST, family: Family::V6, port: 9 }, |action| {
        assert_eq!((action.kind, action.request), (BITCHAT_ACTION_BIND_UDP, 7));
        assert_eq!((action.family, action.port), (BITCHAT_FAMILY_V6, 9));
    });
    seen(Action::Resolve { request: REQUEST, host: "a.example".into() }, |action| {
        assert_eq!((action.kind, action.request), (BITCHAT_ACTION_RESOLVE, 7));
        assert_eq!(text(action.text), "a.example");
    });
    let remote = SocketAddr::from(([1, 2, 3, 4], 5));
    seen(Action::OpenTcp { request: REQUEST, remote, tls: None }, |action| {
        assert_eq!((action.kind, action.address.port), (BITCHAT_ACTION_OPEN_TCP, 5));
        assert!(action.text.is_null());
    });
    seen(Action::OpenTcp { request: REQUEST, remote, tls: Some("b".into()) }, |action| {
        assert_eq!((action.request, text(action.text)), (7, "b".into()));
    });
    seen(Action::Write { stream: STREAM, data: "data".into() }, |action| {
        assert_eq!((action.kind, action.stream), (BITCHAT_ACTION_WRITE, 8));
        assert_eq!(action.request, BITCHAT_NO_REQUEST);
        assert_eq!(bytes(action.data, action.data_len), b"data");
    });
    seen(Action::Close { stream: STREAM }, |action| {
        assert_eq!((action.kind, action.stream), (BITCHAT_ACTION_CLOSE, 8));
        assert_eq!(action.request, BITCHAT_NO_REQUEST);
    });
}

#[test]
fn actions_of_the_store() {
    let (prefix, after) = (b"pre".to_vec(), b"after".to_vec());
    seen(Action::Load { request: REQUEST, prefix, after, limit: usize::MAX }, |action| {
        assert_eq!((action.kind, action.limit), (BITCHAT_ACTION_LOAD, u32::MAX));
        assert_eq!(bytes(action.prefix, action.prefix_len), b"pre");
        assert_eq!(bytes(action.after, action.after_len), b"after");
    });
    let record = Record {
        key: b"key".to_vec(),
        value: "value".into(),
        secret: true,
        expires: Some(UnixMillis(6)),
    };
    let changes = vec![Change::Put(record), Change::Delete(b"old".to_vec())];
    seen(Action::Persist { request: REQUEST, changes }, |action| {
        assert_eq!((action.kind, action.change_count), (BITCHAT_ACTION_PERSIST, 2));
        let get = |index| {
            let mut change = core::mem::MaybeUninit::<bitchat_change>::zeroed();
            // SAFETY: zero bytes are a value, and the list is lent.
            unsafe {
                change.as_mut_ptr().cast::<usize>().write(size_of::<bitchat_change>());
                let status = bitchat_changes_get(action.changes, index, change.as_mut_ptr());
                (status, change.assume_init())
            }
        };
        let (status, put) = get(0);
        assert_eq!((status, put.kind, put.secret), (BITCHAT_OK, BITCHAT_CHANGE_PUT, 1));
        assert_eq!((bytes(put.key, put.key_len), put.expires_ms), (b"key".to_vec(), 6));
        assert_eq!(bytes(put.value, put.value_len), b"value");
        let (status, delete) = get(1);
        assert_eq!((status, delete.kind), (BITCHAT_OK, BITCHAT_CHANGE_DELETE));
        assert_eq!(bytes(delete.key, delete.key_len), b"old");
        assert_eq!(get(2).0, BITCHAT_ERR_UNKNOWN);
    });
}
