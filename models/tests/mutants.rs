//! Rules that look as good as ours are found out.

use bitchat_models::net::Budget;
use bitchat_models::{check, close, rekey, sessions};

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
        (Rule::NoPrevious, reads),
        (Rule::BothStart, "no honest message is out of turn"),
        (Rule::StartWhilePending, "no honest message is out of turn"),
    ] {
        let found = renewal(rule);
        assert!(found.contains(&expected), "{rule:?}: {found:?}");
    }
}

#[test]
fn wrong_rules_for_several_sessions_are_found_out() {
    use sessions::Rule;
    let (wronged, heals, rest) = (
        "no living session is closed for a dead one",
        "once the line is good, one session stays",
        "at rest there is one session, neither none nor two",
    );
    let found = |rule| {
        let hashes = [6, 5, 4, 3, 2, 1];
        let budget = Budget { copies: 0, ..BUDGET };
        let model = sessions::Sessions { rule, dials: 1, restarts: 1, hashes, budget };
        broken(&check("mutant", model, 1))
    };
    assert_eq!(found(Rule::Ours), [""; 0]);
    for (rule, expected) in [
        (Rule::OneByOne, wronged),
        (Rule::CloseBeginners, wronged),
        (Rule::KeepFirst, wronged),
        (Rule::KeepLast, wronged),
        (Rule::IgnoreBoots, wronged),
        (Rule::NeverClose, heals),
        (Rule::NeverClose, rest),
    ] {
        let found = found(rule);
        assert!(found.contains(&expected), "{rule:?}: {found:?}");
    }
}

#[test]
fn wrong_rules_of_closing_are_found_out() {
    use close::Rule;
    let found = |rule| {
        // Who answers always is found out where there is much to answer.
        let (renewals, data) = if rule == Rule::AnswerAlways { (0, 5) } else { (1, 1) };
        let model = close::Close { rule, renewals, data, restarts: 0, budget: BUDGET };
        broken(&check("mutant", model, 1))
    };
    assert_eq!(found(Rule::Ours), [""; 0]);
    for (rule, expected) in [
        (Rule::AnswerAlways, "a closed side answers three times at most"),
        (Rule::AnswerClose, "who hears a CLOSE says nothing more"),
        (Rule::AnswerCloseWithClose, "a CLOSE is never answered"),
        (Rule::AnswerCloseWithClose, "who hears a CLOSE says nothing more"),
        (Rule::NoSilence, "at rest, both sides are over"),
        (Rule::NoSilence, "both sides are over"),
        (Rule::NewestKeys, "a CLOSE that arrives is understood"),
    ] {
        let found = found(rule);
        assert!(found.contains(&expected), "{rule:?}: {found:?}");
    }
}
