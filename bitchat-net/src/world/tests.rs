use super::*;
use bitchat_core::node::{Change, Record};
use bytes::Bytes;
use std::net::{Ipv4Addr, Ipv6Addr};

const REQUEST: RequestId = RequestId(3);

#[tokio::test]
async fn names_are_looked_up() {
    let mut world = World::new(None, Tls::platform());
    for (host, expected) in
        [("127.0.0.1", IpAddr::V4(Ipv4Addr::LOCALHOST)), ("::1", Ipv6Addr::LOCALHOST.into())]
    {
        assert!(world.act(Action::Resolve { request: REQUEST, host: host.into() }).is_none());
        let found = loop {
            if let News::Lookup((REQUEST, found)) = world.next(None).await {
                break found.unwrap();
            }
        };
        assert_eq!(found, [expected]);
    }
    let found = resolve("localhost").await.unwrap();
    assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    assert!(resolve("no-such-host.invalid").await.is_err());
}

#[tokio::test]
async fn without_a_store_nothing_is_kept() {
    let mut world = World::new(None, Tls::platform());
    let record = Record { key: b"k".to_vec(), value: Bytes::new(), secret: false, expires: None };
    for action in [
        Action::Persist { request: REQUEST, changes: vec![Change::Put(record)] },
        Action::Load { request: REQUEST, prefix: vec![], after: vec![], limit: 1 },
    ] {
        assert!(matches!(
            world.act(action),
            Some(Input::Failed { request: REQUEST, failure: Failure::Unsupported })
        ));
    }
}

#[tokio::test]
async fn sockets_are_named_and_conflicts_reported() {
    let mut world = World::new(None, Tls::platform());
    let bind = |port| Action::BindUdp { request: REQUEST, family: Family::V4, port };
    let Some(Input::Bound { request: REQUEST, socket, local }) = world.act(bind(0)) else {
        panic!("a socket");
    };
    assert_eq!(world.socket(socket).unwrap().local(), local);
    let Some(Input::Failed { failure: Failure::Other(text), .. }) = world.act(bind(local.port()))
    else {
        panic!("a conflict");
    };
    assert!(text.contains("in use"), "{text}");
    let (errors, any) = world.bind_errors();
    assert!(matches!(errors[..], [BindError::InUse { .. }]) && any);
    assert!(world.bind_errors().0.is_empty());
}

/// BC-11.24
#[test]
fn own_addresses_are_those_that_others_can_reach() {
    let addresses = local_addresses();
    assert!(addresses.iter().all(reachable), "{addresses:?}");
    for address in ["127.0.0.1", "::1", "fe80::1", "169.254.1.1", "0.0.0.0", "ff02::1"] {
        assert!(!reachable(&address.parse().unwrap()), "{address}");
    }
    for address in ["192.168.1.5", "fd00::5", "2001:db8::1", "10.0.0.1"] {
        assert!(reachable(&address.parse().unwrap()), "{address}");
    }
}

/// BC-11.29
#[tokio::test]
async fn both_families_get_one_port() {
    for families in [[Family::V4, Family::V6], [Family::V6, Family::V4]] {
        for _ in 0..20 {
            let mut world = World::new(None, Tls::platform());
            let ports = families.map(|family| {
                let bind = Action::BindUdp { request: REQUEST, family, port: 0 };
                let Some(Input::Bound { local, .. }) = world.act(bind) else { panic!("a socket") };
                assert_eq!(Family::of(&local), family);
                local.port()
            });
            assert_eq!(ports[0], ports[1]);
        }
    }
}
