//! Drafts: what a person writes, read strictly, with the line of the fault.

use super::PolicyDraft;
use ecugate_verifier::documents::manifest::assurance::{Firmware, Identity, Minimum};
use ecugate_verifier::documents::policy_text::GateRule;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::time::Time;

const WHOLE: &str = r#"
expires = 2027-01-01T00:00:00Z
minimum = { identity = "listed", firmware = "measured" }

[[families]]
name = "cables"
parts = ["C9*"]
gate = "not-gated"
minimum = { identity = "claimed", firmware = "not-read" }

[labels]
gs_stand_in = "^]"

[[waivers]]
check = "revocation"
why = "CRL server moves"
until = "2026-12-01T00:00:00Z"
"#;

fn fault(text: &str) -> (String, String, String) {
    let finding = PolicyDraft::read(text.as_bytes(), "policy.toml").err().unwrap();
    (finding.reason.code().to_owned(), finding.place, finding.found)
}

#[test]
fn what_the_draft_leaves_out_comes_from_the_site_and_what_it_states_stays() {
    let draft = PolicyDraft::read(WHOLE.as_bytes(), "policy.toml").unwrap();
    let (site, now) = (Name::new("hamburg").unwrap(), Time::parse("2026-11-24T00:00:00Z").unwrap());
    let policy = draft.document(&site, 7, Some(Sha256::of(b"before")), now);
    assert_eq!((&policy.site, policy.version, policy.previous), (&site, 7, Some(Sha256::of(b"before"))));
    assert_eq!((policy.issued, policy.expires), (now, Time::parse("2027-01-01T00:00:00Z").unwrap()));
    assert_eq!(policy.minimum, Minimum { identity: Identity::Listed, firmware: Firmware::Measured });
    assert_eq!((policy.families[0].gate, policy.labels.gs_stand_in.as_deref()), (GateRule::NotGated, Some("^]")));
    assert_eq!(policy.waivers[0].until, Time::parse("2026-12-01T00:00:00Z").unwrap());
    let stated = format!("site = \"bremen\"\nversion = 3\n{WHOLE}");
    let policy = PolicyDraft::read(stated.as_bytes(), "policy.toml").unwrap().document(&site, 7, None, now);
    assert_eq!((policy.site.as_str(), policy.version), ("bremen", 3));
}

#[test]
fn a_misspelt_or_missing_field_is_named_with_its_line() {
    let changed = |from: &str, to: &str| {
        assert_eq!(WHOLE.matches(from).count(), 1, "{from}");
        fault(&WHOLE.replace(from, to))
    };
    for (from, to, line, found) in [
        ("gate = \"not-gated\"", "gate = \"open\"", 8, "unknown variant `open`"),
        ("parts = [\"C9*\"]", "parts = [\"C*9\"]", 7, "holds '*'"),
        ("parts = [\"C9*\"]", "part = [\"C9*\"]", 7, "unknown field `part`"),
        ("check = \"revocation\"", "check = \"signature\"", 15, "unknown variant `signature`"),
        ("firmware = \"measured\"", "firmware = \"read\"", 3, "unknown variant `read`"),
        ("until = \"2026-12-01T00:00:00Z\"", "until = \"tomorrow\"", 17, "expected a time like"),
        ("gs_stand_in", "skip_signatures", 12, "unknown field `skip_signatures`"),
    ] {
        let (reason, place, said) = changed(from, to);
        assert_eq!((reason.as_str(), place), ("description-malformed", format!("policy.toml line {line}")), "{to}");
        assert!(said.contains(found), "{to}: {said}");
    }
    assert!(fault("expires = 2027-01-01T00:00:00Z").2.contains("missing field `minimum`"));
}

#[test]
fn rules_across_fields_are_told_before_anybody_signs() {
    for (from, to, place) in [
        ("why = \"CRL server moves\"", "why = \" \"", "policy.toml: waivers"),
        ("gs_stand_in = \"^]\"", "gs_stand_in = \"29\"", "policy.toml: labels"),
        ("parts = [\"C9*\"]", "parts = []", "policy.toml: families"),
    ] {
        let (reason, found, _) = fault(&WHOLE.replace(from, to));
        assert_eq!((reason.as_str(), found.as_str()), ("description-malformed", place));
    }
}
