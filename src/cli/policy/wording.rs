//! A policy in words.

use crate::cli::desk::with_days_left;
use crate::cli::seam::Answer;
use ecugate::ceremony::{Difference, Effect, Rule};
use ecugate_verifier::documents::manifest::assurance::Minimum;
use ecugate_verifier::documents::policy_text::{GateRule, PolicyText};
use ecugate_verifier::syntax::label::{BareRule, EndRule, PrefixRule, Rules};
use ecugate_verifier::values::time::Time;
use serde_json::{Value, json};

/// What no policy can go under. The code has no way to say otherwise.
const FLOORS: [&str; 4] = [
    "the signature of a listed manufacturer, its scope, and every sighting of the unit before",
    "a revoked signer refuses the unit, also where revocation is waived",
    "a part of no family is gated",
    "an observed part is never admitted, and what is not gated is never judged",
];

/// What a policy demands.
pub(super) fn demands(mut answer: Answer, policy: &PolicyText) -> Answer {
    for family in &policy.families {
        let parts: Vec<String> = family.parts.iter().map(ToString::to_string).collect();
        let rule = Rule { gate: family.gate, minimum: family.minimum };
        answer = answer
            .line(format!("family    {}: parts {}", family.name, parts.join(", ")))
            .line(format!("          {}", rule.words()));
    }
    let other = Rule { gate: GateRule::Gated, minimum: policy.minimum };
    answer = answer.line("family    every other part").line(format!("          {}", other.words()));
    for waiver in &policy.waivers {
        let (check, until) = (waiver.check.word(), waiver.until);
        answer = answer.line(format!("WAIVED    {check} until {until}: {}", waiver.why));
    }
    for line in labels(&policy.labels) {
        answer = answer.line(format!("labels    {line}"));
    }
    for floor in FLOORS {
        answer = answer.line(format!("always    {floor}"));
    }
    answer.with("demands", as_json(policy)).with("floors", FLOORS.map(Value::from).to_vec())
}

/// Version and dates of a policy that is on its way.
pub(super) fn dates(answer: Answer, policy: &PolicyText, now: Time) -> Answer {
    answer
        .line(format!("policy    version {}", policy.version))
        .line(format!("issued    {}", policy.issued))
        .line(format!("expires   {}", with_days_left(policy.expires, now)))
        .with("version", policy.version)
        .with("issued", policy.issued.to_string())
        .with("expires", policy.expires.to_string())
}

/// What a policy changes, the lowered first.
pub(super) fn changes(mut answer: Answer, differences: &[Difference]) -> Answer {
    let lowered = differences.iter().filter(|one| one.effect == Effect::Lowered).count();
    let mut sorted: Vec<&Difference> = differences.iter().collect();
    sorted.sort_by_key(|one| one.effect != Effect::Lowered);
    for Difference { what, before, after, effect } in &sorted {
        let mark = match effect {
            Effect::Lowered => "LOWERED",
            Effect::Raised => "raised",
        };
        answer = answer
            .line(format!("{mark:<9} {what}"))
            .line(format!("          before: {before}"))
            .line(format!("          after:  {after}"));
    }
    let said = match (lowered, differences.len()) {
        (_, 0) => "nothing against the policy in force but its dates".to_owned(),
        (0, all) => format!("{all} things, none of them lowered"),
        (lowered, all) => format!("{all} things, {lowered} of them LOWERED"),
    };
    let list: Vec<Value> = sorted
        .iter()
        .map(|one| json!({"what": one.what, "before": one.before, "after": one.after, "effect": one.effect.word()}))
        .collect();
    answer.line(format!("changes   {said}")).with("changes", list).with("lowered", lowered)
}

fn labels(rules: &Rules) -> Vec<String> {
    let mut lines = Vec::new();
    if rules.bare == BareRule::SerialOnly {
        lines.push("a text without identifiers is the serial".to_owned());
    }
    for (what, typed) in [("GS", &rules.gs_stand_in), ("RS", &rules.rs_stand_in), ("EOT", &rules.eot_stand_in)] {
        if let Some(typed) = typed {
            lines.push(format!("{typed:?} stands for {what}"));
        }
    }
    if rules.end == EndRule::EotMayBeSwallowed {
        lines.push("the last EOT may be missing".to_owned());
    }
    if rules.gs1_prefix == PrefixRule::MayBeMissing {
        lines.push("a GS1 label needs no prefix".to_owned());
    }
    if lines.is_empty() {
        lines.push("as the standards have them".to_owned());
    }
    lines
}

fn as_json(policy: &PolicyText) -> Value {
    let minimum = |minimum: &Minimum| json!({"identity": minimum.identity.word(), "firmware": minimum.firmware.word()});
    let families: Vec<Value> = policy
        .families
        .iter()
        .map(|family| {
            json!({
                "name": family.name.as_str(),
                "parts": family.parts.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "gate": family.gate,
                "minimum": minimum(&family.minimum),
            })
        })
        .collect();
    json!({
        "minimum": minimum(&policy.minimum),
        "families": families,
        "labels": policy.labels,
        "waivers": policy.waivers,
    })
}
