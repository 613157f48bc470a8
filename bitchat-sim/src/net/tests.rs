use super::*;
use core::time::Duration;

fn ip(last: u8) -> IpAddr {
    IpAddr::from([80, 0, 0, last])
}

fn two(config: LinkConfig) -> (Network, HostId, HostId) {
    let mut net = Network::new(Dice::new(5), config);
    let one = net.add_host(&[ip(1)]);
    let other = net.add_host(&[ip(2), "2a00::2".parse().unwrap()]);
    (net, one, other)
}

fn all(net: &mut Network) -> Vec<(Timestamp, Arrival)> {
    let mut seen = Vec::new();
    while let Some(now) = net.next_at() {
        while let Some(arrival) = net.poll(now) {
            seen.push((now, arrival));
        }
    }
    seen
}

#[test]
fn a_datagram_arrives_after_the_delay_where_a_port_is_bound() {
    let (mut net, one, other) = two(LinkConfig::default());
    let local = net.bind(other, Family::V4, 7_000).unwrap();
    assert_eq!(local, "0.0.0.0:7000".parse().unwrap());
    assert_eq!(net.bind(other, Family::V4, 7_000), Err(BindError::InUse));
    assert_eq!(net.bind(one, Family::V6, 0), Err(BindError::NoAddress));
    let to = SocketAddr::new(ip(2), 7_000);
    net.send(Timestamp::ZERO, one, 9, to, b"hello".to_vec());
    net.send(Timestamp::ZERO, one, 9, SocketAddr::new(ip(2), 7_001), b"nobody".to_vec());
    net.send(Timestamp::ZERO, one, 9, SocketAddr::new(ip(3), 7_000), b"nowhere".to_vec());
    net.send(Timestamp::ZERO, one, 9, "[2a00::2]:7000".parse().unwrap(), b"no v6".to_vec());
    let from = SocketAddr::new(ip(1), 9);
    let data = b"hello".to_vec();
    let arrival = Arrival::Datagram { host: other, from, to, ecn: None, data };
    assert_eq!(all(&mut net), [(Timestamp::from_millis(10), arrival)]);
    assert_eq!(net.unroutable(), 3);
}

#[test]
fn an_access_line_is_shared_by_all_peers() {
    let (mut net, one, other) = two(LinkConfig::ideal());
    let third = net.add_host(&[ip(3)]);
    let slow = LinkConfig { rate: Some(8 * 128), ..LinkConfig::ideal() };
    net.set_access(one, slow, LinkConfig::ideal());
    for (host, last) in [(other, 2), (third, 3)] {
        net.bind(host, Family::V4, 1).unwrap();
        net.send(Timestamp::ZERO, one, 1, SocketAddr::new(ip(last), 1), vec![0; 100]);
    }
    let times: Vec<_> = all(&mut net).into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, [Timestamp::from_millis(1_000), Timestamp::from_millis(2_000)]);
}

#[test]
fn a_partition_loses_what_is_on_the_way_and_healing_ends_it() {
    let (mut net, one, other) = two(LinkConfig::default());
    net.bind(other, Family::V4, 1).unwrap();
    let to = SocketAddr::new(ip(2), 1);
    net.send(Timestamp::ZERO, one, 1, to, vec![1]);
    net.partition(&[&[one], &[other]]);
    net.send(Timestamp::ZERO, one, 1, to, vec![2]);
    assert_eq!(all(&mut net), []);
    net.heal();
    net.send(Timestamp::ZERO, one, 1, to, vec![3]);
    assert_eq!(all(&mut net).len(), 1);
    net.set_unreachable(other, true);
    net.send(Timestamp::ZERO, one, 1, to, vec![4]);
    assert_eq!(all(&mut net), []);
}

fn text(arrivals: &[(Timestamp, Arrival)], end: StreamId) -> Vec<u8> {
    let read = |arrival: &(Timestamp, Arrival)| match &arrival.1 {
        Arrival::Readable { stream, data, .. } if *stream == end => Some(data.clone()),
        _ => None,
    };
    arrivals.iter().filter_map(read).flatten().collect()
}

#[test]
fn a_stream_is_complete_and_in_order_over_a_bad_line() {
    let bad = LinkConfig {
        loss: Loss::Random(0.2),
        reorder: 0.5,
        duplicate: 0.2,
        corrupt: 0.1,
        ..LinkConfig::default()
    };
    let (mut net, one, other) = two(bad);
    net.listen(other, 80);
    let client = net.connect(Timestamp::ZERO, one, SocketAddr::new(ip(2), 80));
    let mut server = None;
    let mut seen = Vec::new();
    let request: Vec<u8> = (0..20_000u32).map(|n| (n % 251) as u8).collect();
    while let Some(now) = net.next_at() {
        while let Some(arrival) = net.poll(now) {
            match &arrival {
                Arrival::Connected { stream, .. } => {
                    net.write(now, *stream, &request);
                    net.close(now, *stream);
                }
                Arrival::Accepted { stream, .. } => server = Some(*stream),
                _ => {}
            }
            seen.push((now, arrival));
        }
    }
    let server = server.unwrap();
    assert_eq!(text(&seen, server), request);
    assert!(matches!(seen.last(), Some((_, Arrival::Closed { stream, .. })) if *stream == server));
    assert!(seen.iter().any(|(_, a)| *a == Arrival::Connected { host: one, stream: client }));
}

#[test]
fn streams_are_refused_time_out_and_break() {
    let (mut net, one, other) = two(LinkConfig::default());
    let there = SocketAddr::new(ip(2), 80);
    let reason = |net: &mut Network| match all(net).pop() {
        Some((at, Arrival::Refused { reason, .. })) => (at, reason),
        seen => panic!("{seen:?}"),
    };
    net.connect(Timestamp::ZERO, one, there);
    assert_eq!(reason(&mut net), (Timestamp::from_millis(20), "refused"));
    net.connect(Timestamp::ZERO, one, SocketAddr::new(ip(9), 80));
    assert_eq!(reason(&mut net).1, "no route");
    net.set_unreachable(other, true);
    net.connect(Timestamp::ZERO, one, there);
    let (at, why) = reason(&mut net);
    assert!(why == "timed out" && at > Timestamp::ZERO + Duration::from_secs(10));
    net.set_unreachable(other, false);
    net.listen(other, 80);
    let now = Timestamp::from_millis(60_000);
    let client = net.connect(now, one, there);
    all(&mut net);
    net.reset_host(now, other);
    let closed = Arrival::Closed { host: one, stream: client };
    assert_eq!(all(&mut net).pop().map(|(_, arrival)| arrival), Some(closed));
}
