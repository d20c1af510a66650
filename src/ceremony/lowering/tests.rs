//! What is called lowered: everything that demands less of any part, however it is written.

use super::{Effect, differences};
use ecugate_verifier::documents::manifest::assurance::{Firmware, Identity, Minimum};
use ecugate_verifier::documents::policy_text::{Family, GateRule, PolicyText, Waivable, Waiver};
use ecugate_verifier::syntax::label::{BareRule, EndRule, PrefixRule, Rules};
use ecugate_verifier::values::ident::{Name, Part, PartScope};
use ecugate_verifier::values::time::Time;
use proptest::prelude::*;

const STRICT: Minimum = Minimum { identity: Identity::Listed, firmware: Firmware::Measured };
const LOOSE: Minimum = Minimum { identity: Identity::Claimed, firmware: Firmware::NotRead };

fn policy(families: Vec<Family>) -> PolicyText {
    PolicyText {
        site: Name::new("hamburg").unwrap(),
        version: 1,
        issued: Time::from_unix_seconds(0).unwrap(),
        expires: Time::from_unix_seconds(1).unwrap(),
        previous: None,
        minimum: STRICT,
        families,
        labels: Rules::default(),
        waivers: Vec::new(),
    }
}

fn family(name: &str, scopes: &[&str], gate: GateRule, minimum: Minimum) -> Family {
    let parts = scopes.iter().map(|scope| PartScope::parse(scope).unwrap()).collect();
    Family { name: Name::new(name).unwrap(), parts, gate, minimum }
}

fn said(before: &PolicyText, after: &PolicyText) -> Vec<(String, Effect)> {
    differences(before, after).into_iter().map(|one| (one.what, one.effect)).collect()
}

fn lowered(what: &str) -> Vec<(String, Effect)> {
    vec![(what.to_owned(), Effect::Lowered)]
}

#[test]
fn the_same_policy_in_other_families_differs_in_nothing() {
    let one = policy(vec![family("a", &["X1*", "X2"], GateRule::Observed, STRICT)]);
    let other = policy(vec![
        family("b", &["X2"], GateRule::Observed, STRICT),
        family("c", &["X1*"], GateRule::Observed, STRICT),
        family("d", &["Z*"], GateRule::Gated, STRICT),
    ]);
    assert_eq!(said(&one, &other), vec![]);
}

#[test]
fn a_minimum_or_a_gate_that_goes_down_is_lowered_also_where_the_other_axis_goes_up() {
    let before = policy(vec![]);
    for identity in [Identity::Claimed, Identity::DeviceKey] {
        let mut after = before.clone();
        after.minimum = Minimum { identity, firmware: Firmware::MeasuredUnbound };
        assert_eq!(said(&before, &after), lowered("every other part"), "{identity:?}");
    }
    for gate in [GateRule::Observed, GateRule::NotGated] {
        let after = policy(vec![family("a", &["X1*"], gate, STRICT)]);
        assert_eq!(said(&before, &after), lowered("parts X1*"));
        assert_eq!(said(&after, &before), vec![("parts X1*".to_owned(), Effect::Raised)]);
    }
    // What is not judged has no minimum that could have been higher.
    let ungated = policy(vec![family("a", &["X1*"], GateRule::NotGated, STRICT)]);
    let gated = policy(vec![family("a", &["X1*"], GateRule::Gated, LOOSE)]);
    assert_eq!(said(&ungated, &gated), vec![("parts X1*".to_owned(), Effect::Raised)]);
}

#[test]
fn a_family_moved_up_lowers_what_it_takes_from_another_and_says_for_which_parts() {
    let strict = family("strict", &["EDC17C46"], GateRule::Gated, STRICT);
    let loose = family("loose", &["EDC17*"], GateRule::Gated, LOOSE);
    let before = policy(vec![strict.clone(), loose.clone()]);
    let after = policy(vec![loose, strict]);
    assert_eq!(said(&before, &after), lowered("parts EDC17C46"));
    let gone = policy(vec![family("loose", &["EDC17*"], GateRule::Gated, LOOSE)]);
    assert_eq!(said(&before, &gone), lowered("parts EDC17C46"));
    let all = policy(vec![family("all", &["*"], GateRule::NotGated, LOOSE)]);
    assert_eq!(said(&policy(vec![]), &all), lowered("every other part"));
}

#[test]
fn a_waiver_is_lowered_when_it_comes_or_lasts_longer_and_raised_when_it_goes() {
    let until = |seconds| {
        let waiver = Waiver {
            check: Waivable::Revocation,
            why: "x".to_owned(),
            until: Time::from_unix_seconds(seconds).unwrap(),
        };
        PolicyText { waivers: vec![waiver], ..policy(vec![]) }
    };
    assert_eq!(said(&policy(vec![]), &until(5)), lowered("waiver of revocation"));
    assert_eq!(said(&until(5), &until(6)), lowered("waiver of revocation"));
    assert_eq!(said(&until(6), &until(5)), vec![("waiver of revocation".to_owned(), Effect::Raised)]);
    assert_eq!(said(&until(6), &policy(vec![])), vec![("waiver of revocation".to_owned(), Effect::Raised)]);
}

#[test]
fn every_departure_of_labels_from_their_standards_is_lowered() {
    let with = |rules| PolicyText { labels: rules, ..policy(vec![]) };
    for (rules, what) in [
        (Rules { bare: BareRule::SerialOnly, ..Rules::default() }, "labels without identifiers"),
        (Rules { end: EndRule::EotMayBeSwallowed, ..Rules::default() }, "last EOT of a label"),
        (Rules { gs1_prefix: PrefixRule::MayBeMissing, ..Rules::default() }, "prefix of a GS1 label"),
        (Rules { gs_stand_in: Some("^]".to_owned()), ..Rules::default() }, "what stands for GS on a label"),
        (Rules { rs_stand_in: Some("^^".to_owned()), ..Rules::default() }, "what stands for RS on a label"),
        (Rules { eot_stand_in: Some("^D".to_owned()), ..Rules::default() }, "what stands for EOT on a label"),
    ] {
        assert_eq!(said(&policy(vec![]), &with(rules.clone())), lowered(what));
        assert_eq!(said(&with(rules), &policy(vec![])), vec![(what.to_owned(), Effect::Raised)]);
    }
}

fn scope() -> impl Strategy<Value = String> {
    prop_oneof![Just("*".to_owned()), "[AB]{1,3}", "[AB]{1,2}\\*", "A-\\*"]
}

fn any_policy() -> impl Strategy<Value = PolicyText> {
    let gate = prop_oneof![Just(GateRule::Gated), Just(GateRule::Observed), Just(GateRule::NotGated)];
    let minimum = prop_oneof![Just(STRICT), Just(LOOSE)];
    let families = prop::collection::vec((prop::collection::vec(scope(), 1..3), gate, minimum), 0..4);
    families.prop_map(|families| {
        let family = |(n, (scopes, gate, minimum)): (usize, (Vec<String>, GateRule, Minimum))| {
            let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
            family(&format!("f{n}"), &scopes, gate, minimum)
        };
        policy(families.into_iter().enumerate().map(family).collect())
    })
}

proptest! {
    /// Whatever the families: a part of which less is demanded is said, and nothing is said where no part differs.
    #[test]
    fn no_part_is_lowered_unsaid(before in any_policy(), after in any_policy(), parts in prop::collection::vec("[ABZ-]{1,4}", 40)) {
        let found = differences(&before, &after);
        for part in parts {
            let part = Part::new(part).unwrap();
            let effect = super::Rule::of(&before, &part).effect(super::Rule::of(&after, &part));
            if let Some(effect) = effect {
                prop_assert!(found.iter().any(|one| one.effect == effect), "{part}: {found:?}");
            }
        }
    }
}
