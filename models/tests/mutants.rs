//! Rules that look as good as ours are found out.

use bitchat_models::net::Budget;
use bitchat_models::{check, rekey};

const BUDGET: Budget = Budget { room: 3, losses: 1, copies: 1, repeats: 0 };

/// What breaks, by name.
fn broken(report: &bitchat_models::Report) -> Vec<&'static str> {
    report.broken.iter().map(|(what, _)| *what).collect()
}

fn renewal(rule: rekey::Rule) -> Vec<&'static str> {
    broken(&check("mutant", rekey::Rekey { rule, renewals: 2, asks: 1, budget: BUDGET }, 1))
}

#[test]
fn wrong_rules_of_renewal_are_found_out() {
    use rekey::Rule;
    let (reads, heals, rest) = (
        "what a side sends now, the other can read",
        "once the line is good, all renewals complete",
        "at rest, all renewals are complete",
    );
    assert_eq!(renewal(Rule::Ours), [""; 0]);
    for (rule, expected) in [
        (Rule::EraseByClock, reads),
        (Rule::ResponderSwitchesAtOnce, reads),
        (Rule::ResponderSwitchesAtOnce, heals),
        (Rule::NoConfirmation, rest),
    ] {
        let found = renewal(rule);
        assert!(found.contains(&expected), "{rule:?}: {found:?}");
    }
}
