//! What one policy changes against another, and what of it demands less. Two texts may say the same thing in other
//! families, and one family moved up may change what counts for another: so what is compared is not the texts but what
//! they say of parts.

use ecugate_verifier::documents::manifest::assurance::{Firmware, Identity, Minimum};
use ecugate_verifier::documents::policy_text::{GateRule, PolicyText, Waivable};
use ecugate_verifier::syntax::label::{BareRule, EndRule, PrefixRule, Rules};
use ecugate_verifier::values::ident::{Part, PartScope};
use std::collections::BTreeSet;

/// Whether a change demands less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Something is demanded no more.
    Lowered,
    /// Something is demanded that was not, and nothing less.
    Raised,
}

impl Effect {
    /// The word on screens and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lowered => "lowered",
            Self::Raised => "raised",
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Of what.
    pub what: String,
    /// What counts now.
    pub before: String,
    /// What would count.
    pub after: String,
    /// Whether that is less.
    pub effect: Effect,
}

/// What counts for a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whether the gate applies.
    pub gate: GateRule,
    /// The least assurance.
    pub minimum: Minimum,
}

impl Rule {
    /// What `policy` says of `part`.
    #[must_use]
    pub fn of(policy: &PolicyText, part: &Part) -> Self {
        match policy.family(part) {
            Some(family) => Self { gate: family.gate, minimum: family.minimum },
            None => Self { gate: GateRule::Gated, minimum: policy.minimum },
        }
    }

    /// In words: `gated, at least listed · measured`.
    #[must_use]
    pub fn words(self) -> String {
        let gate = match self.gate {
            GateRule::Gated => "gated",
            GateRule::Observed => "observed (judged and recorded, never admitted)",
            GateRule::NotGated => return "not gated (not judged)".to_owned(),
        };
        format!("{gate}, at least {} · {}", self.minimum.identity.word(), self.minimum.firmware.word())
    }

    /// How much it demands, on three scales. Where nothing is judged no minimum counts.
    const fn demands(self) -> (u8, Identity, Firmware) {
        match self.gate {
            GateRule::Gated => (2, self.minimum.identity, self.minimum.firmware),
            GateRule::Observed => (1, self.minimum.identity, self.minimum.firmware),
            GateRule::NotGated => (0, Identity::Claimed, Firmware::NotRead),
        }
    }

    /// What changes from `self` to `after`. What is lower on any scale is lower, whatever rises on another.
    fn effect(self, after: Self) -> Option<Effect> {
        let (before, after) = (self.demands(), after.demands());
        if before == after {
            None
        } else if after.0 < before.0 || after.1 < before.1 || after.2 < before.2 {
            Some(Effect::Lowered)
        } else {
            Some(Effect::Raised)
        }
    }
}

/// What `after` changes against `before`: part families first, then labels, then waivers.
#[must_use]
pub fn differences(before: &PolicyText, after: &PolicyText) -> Vec<Difference> {
    let mut found = Vec::new();
    for (what, part) in kinds_of_part(before, after) {
        let (old, new) = (Rule::of(before, &part), Rule::of(after, &part));
        if let Some(effect) = old.effect(new) {
            found.push(Difference { what, before: old.words(), after: new.words(), effect });
        }
    }
    labels(&before.labels, &after.labels, &mut found);
    waivers(before, after, &mut found);
    found
}

/// Every kind of part that either policy tells from others, each with one part of that kind: a part that its scope
/// covers and no narrower one does. All parts of a kind are covered by the same scopes.
fn kinds_of_part(before: &PolicyText, after: &PolicyText) -> Vec<(String, Part)> {
    let mut scopes: Vec<&PartScope> = Vec::new();
    for scope in before.families.iter().chain(&after.families).flat_map(|family| &family.parts) {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    let narrower = |scope: &PartScope, than: &str| match scope {
        PartScope::All => false,
        PartScope::Exact(_) => true,
        PartScope::Beginning(beginning) => beginning.as_str().len() > than.len(),
    };
    let mut kinds = Vec::new();
    for scope in &scopes {
        let part = match scope {
            PartScope::All => continue,
            PartScope::Exact(part) => Some(part.clone()),
            PartScope::Beginning(beginning) => endings().find_map(|ending| {
                let part = Part::new(format!("{beginning}{ending}")).ok()?;
                let free = !scopes.iter().any(|other| narrower(other, beginning.as_str()) && other.covers(&part));
                free.then_some(part)
            }),
        };
        kinds.extend(part.map(|part| (format!("parts {scope}"), part)));
    }
    // No scope but `*` reaches a part of separators alone, unless it names it.
    let other = (1..=128).map(|length| Part::new("~".repeat(length))).find_map(|part| {
        let part = part.ok()?;
        let named = scopes.iter().any(|scope| **scope != PartScope::All && scope.covers(&part));
        (!named).then_some(part)
    });
    kinds.extend(other.map(|part| ("every other part".to_owned(), part)));
    kinds
}

/// Endings of letters and digits, the shortest first: none, then one, then two characters.
fn endings() -> impl Iterator<Item = String> {
    let characters = || ('0'..='9').chain('A'..='Z').chain('a'..='z');
    let one = characters().map(String::from);
    let two = characters().flat_map(move |first| characters().map(move |second| format!("{first}{second}")));
    std::iter::once(String::new()).chain(one).chain(two)
}

fn labels(before: &Rules, after: &Rules, found: &mut Vec<Difference>) {
    let mut differs = |what: &str, before: String, after: String, lowered: bool| {
        if before != after {
            let effect = if lowered { Effect::Lowered } else { Effect::Raised };
            found.push(Difference { what: what.to_owned(), before, after, effect });
        }
    };
    let bare = |rules: &Rules| match rules.bare {
        BareRule::Refused => "refused",
        BareRule::SerialOnly => "taken for a serial",
    };
    let serial_only = after.bare == BareRule::SerialOnly;
    differs("labels without identifiers", bare(before).to_owned(), bare(after).to_owned(), serial_only);
    let end = |rules: &Rules| match rules.end {
        EndRule::RsEot => "needed",
        EndRule::EotMayBeSwallowed => "may be missing",
    };
    let swallowed = after.end == EndRule::EotMayBeSwallowed;
    differs("last EOT of a label", end(before).to_owned(), end(after).to_owned(), swallowed);
    let prefix = |rules: &Rules| match rules.gs1_prefix {
        PrefixRule::Required => "needed",
        PrefixRule::MayBeMissing => "may be missing",
    };
    let missing = after.gs1_prefix == PrefixRule::MayBeMissing;
    differs("prefix of a GS1 label", prefix(before).to_owned(), prefix(after).to_owned(), missing);
    for (what, before, after) in [
        ("what stands for GS on a label", &before.gs_stand_in, &after.gs_stand_in),
        ("what stands for RS on a label", &before.rs_stand_in, &after.rs_stand_in),
        ("what stands for EOT on a label", &before.eot_stand_in, &after.eot_stand_in),
    ] {
        let words = |text: &Option<String>| text.as_ref().map_or("nothing".to_owned(), |text| format!("{text:?}"));
        // A stand-in that is new or another departs from the standards in a way in which nothing did before.
        differs(what, words(before), words(after), after.is_some());
    }
}

fn waivers(before: &PolicyText, after: &PolicyText, found: &mut Vec<Difference>) {
    let checks: BTreeSet<Waivable> = before.waivers.iter().chain(&after.waivers).map(|waiver| waiver.check).collect();
    for check in checks {
        let until =
            |policy: &PolicyText| policy.waivers.iter().find(|waiver| waiver.check == check).map(|waiver| waiver.until);
        let (old, new) = (until(before), until(after));
        if old != new {
            let words = |until: Option<_>| until.map_or("none".to_owned(), |until| format!("until {until}"));
            let effect = if new > old { Effect::Lowered } else { Effect::Raised };
            let what = format!("waiver of {}", check.word());
            found.push(Difference { what, before: words(old), after: words(new), effect });
        }
    }
}

#[cfg(test)]
mod tests;
