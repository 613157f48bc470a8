use super::*;

fn link(config: LinkConfig) -> Link {
    Link::new(config, Dice::new(1))
}

#[test]
fn a_rate_spaces_packets_and_a_full_queue_drops_the_tail() {
    let config = LinkConfig { rate: Some(8_000), queue: 2_000, ..LinkConfig::default() };
    let mut link = link(config);
    let exits: Vec<_> =
        (0..3).map(|_| link.offer(Timestamp::ZERO, 1_000)[0].map(|exit| exit.at)).collect();
    assert_eq!(
        exits,
        [Some(Timestamp::from_millis(1_010)), Some(Timestamp::from_millis(2_010)), None]
    );
    assert_eq!(link.stats.overflowed, 1);
    // A second later one packet has left, so that there is room for another.
    let later = link.offer(Timestamp::from_millis(1_000), 1_000)[0].unwrap();
    assert_eq!(later.at, Timestamp::from_millis(3_010));
}

#[test]
fn bursts_lose_in_runs() {
    let ms = Duration::from_millis;
    let loss = Loss::Bursts { good_for: ms(100), bad_for: ms(5), good: 0.0, bad: 1.0 };
    let mut link = link(LinkConfig { loss, ..LinkConfig::default() });
    let fates: Vec<bool> =
        (0..50_000).map(|at| link.offer(Timestamp::from_millis(at), 100)[0].is_none()).collect();
    let lost = fates.iter().filter(|lost| **lost).count();
    let runs = fates.windows(2).filter(|pair| !pair[0] && pair[1]).count();
    // 5 of 105 packets are lost, in runs of 1 / (1 - exp(-1/5)) = 5.5 of those seen at all.
    assert!((1_900..2_900).contains(&lost), "{lost}");
    assert!((4..=7).contains(&(lost / runs)), "{lost} in {runs} runs");
}

/// Whoever waits in a burst is out of it when it is over, and one that was not watched for long is as
/// likely as any.
#[test]
fn bursts_end_while_nobody_sends() {
    let ms = Duration::from_millis;
    let loss = Loss::Bursts { good_for: ms(100), bad_for: ms(5), good: 0.0, bad: 1.0 };
    for pause in [50, 1_000, 100_000] {
        let mut link = link(LinkConfig { loss, ..LinkConfig::default() });
        let (mut bursts, mut still, mut now) = (0, 0, Timestamp::ZERO);
        while bursts < 300 {
            now += ms(1);
            if link.offer(now, 100)[0].is_some() {
                continue;
            }
            bursts += 1;
            now += ms(pause);
            still += u32::from(link.offer(now, 100)[0].is_none());
        }
        // 1 in 21 by the averages: 14.
        assert!((4..30).contains(&still), "{still} of {bursts} after {pause} ms");
    }
}

#[test]
fn copies_delays_and_flips_happen_when_asked() {
    let config = LinkConfig {
        duplicate: 1.0,
        reorder: 1.0,
        corrupt: 1.0,
        mtu: 1_000,
        ..LinkConfig::default()
    };
    let mut link = link(config);
    let [first, copy] = link.offer(Timestamp::ZERO, 1_000).map(Option::unwrap);
    assert_ne!(first.at, copy.at);
    assert!(first.flip.is_some() && copy.flip.is_some());
    assert_eq!(link.offer(Timestamp::ZERO, 1_001), [None; 2]);
    assert_eq!(link.stats.too_big, 1);
}
