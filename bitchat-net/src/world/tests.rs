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
    let addresses = local_addresses().unwrap();
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

/// BC-11.54
#[tokio::test]
async fn addresses_that_cannot_be_read_are_what_they_were() {
    let mut world = World::new(None, Tls::platform());
    let here: Vec<IpAddr> = vec!["192.168.1.5".parse().unwrap()];
    assert!(world.on_interfaces(Ok(here.clone())));
    let out_of_descriptors = || io::Error::from_raw_os_error(24);
    for _ in 0..2 {
        assert!(!world.on_interfaces(Err(out_of_descriptors())), "no news");
        assert_eq!(world.interfaces(), here);
    }
    assert!(!world.on_interfaces(Ok(here)));
    assert!(world.on_interfaces(Ok(Vec::new())), "all networks may be gone");
    assert!(world.interfaces().is_empty());
}

/// BC-11.55
#[tokio::test]
async fn a_flood_over_one_family_does_not_silence_the_other() {
    let mut world = World::new(None, Tls::platform());
    let sender = [Family::V4, Family::V6].map(|family| {
        let bind = Action::BindUdp { request: REQUEST, family, port: 0 };
        let Some(Input::Bound { local, .. }) = world.act(bind) else { panic!("a socket") };
        let loopback: IpAddr = match family {
            Family::V4 => Ipv4Addr::LOCALHOST.into(),
            Family::V6 => Ipv6Addr::LOCALHOST.into(),
        };
        let sender = std::net::UdpSocket::bind((loopback, 0)).unwrap();
        sender.connect((loopback, local.port())).unwrap();
        sender
    });
    for sender in &sender {
        sender.send(b"junk").unwrap();
    }
    // Nothing is taken out: both stay readable, the first as under a flood.
    let mut served = [0; 2];
    while served.iter().sum::<usize>() < 10 {
        if let News::Datagrams(index) = world.next(None).await {
            served[index] += 1;
        }
    }
    assert!(served.iter().all(|&turns| turns >= 3), "{served:?}");
}

/// BC-11.07
#[tokio::test]
async fn a_store_that_dies_leaves_no_question_open() {
    let mut world = World::new(Some(Store::that_dies_after(1)), Tls::platform());
    let record = Record { key: b"k".to_vec(), value: Bytes::new(), secret: false, expires: None };
    let persist =
        |id| Action::Persist { request: RequestId(id), changes: vec![Change::Put(record.clone())] };
    let mut failed = Vec::new();
    for id in 1..=3 {
        match world.act(persist(id)) {
            None => {}
            Some(Input::Failed { request, .. }) => failed.push(request),
            Some(other) => panic!("{other:?}"),
        }
    }
    while failed.len() < 3 {
        if let News::Store(Answer::Failed { request, error: StoreError::Closed }) =
            world.next(None).await
        {
            failed.push(request);
        }
    }
    failed.sort_unstable();
    assert_eq!(failed, [1, 2, 3].map(RequestId));
    // There is nothing to be told twice, and nothing to spin for.
    while let Ok(news) = timeout(Duration::from_millis(50), world.next(None)).await {
        assert!(!matches!(news, News::Store(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_does_not_answer_does_not_hold_up_the_end() {
    let world = World::new(Some(Store::that_never_closes()), Tls::platform());
    let start = tokio::time::Instant::now();
    world.close().await;
    let took = start.elapsed();
    assert!(took >= CLOSE_TIME && took < 2 * CLOSE_TIME, "{took:?}");
}
