//! Rollback, freeze, scope and delegation.

use crate::pki::{AT, DAY};
use crate::world::{LIMITS, PART, SERIAL, World, judge, label, name, part, signed_payload, time};
use ecugate_verifier::documents::document::payload;
use ecugate_verifier::documents::manifest::Validity;
use ecugate_verifier::documents::record::ReleaseSeen;
use ecugate_verifier::inputs::memory::{Completeness, Memory};
use ecugate_verifier::inputs::trust::authority::Authority;
use ecugate_verifier::judgement::verdict::Ruling;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Manufacturer, PartScope, Serial};
use ecugate_verifier::values::reason::Reason;

/// A world with list and policy in their third version.
fn third_version() -> World {
    World::new().with(|world| {
        let previous = Some(Sha256::of(b"the version before"));
        (world.list.version, world.list.previous) = (3, previous);
        (world.policy.version, world.policy.previous) = (3, previous);
    })
}

fn seen(component: &str, security_version: u64) -> ReleaseSeen {
    ReleaseSeen {
        manufacturer: Manufacturer::new("maker").unwrap(),
        part: part(PART),
        component: name(component),
        security_version,
    }
}

/// Attack class 40: the anchor list.
#[test]
fn attack_40_an_anchor_list_below_the_memory_or_the_pinned_minimum_is_a_hold() {
    let remembering = |version| third_version().with(|world| world.memory.anchor_list_version = version);
    remembering(3).judge().accepted();
    remembering(4).judge().is(Ruling::HoldPerson, Reason::AnchorListRolledBack);
    let pinned = |least| {
        let mut inputs = third_version().inputs();
        inputs.authority = Authority::new(inputs.authority.holders().to_vec(), 2, least, 0, LIMITS).unwrap();
        judge(inputs)
    };
    pinned(3).accepted();
    pinned(4).is(Ruling::HoldPerson, Reason::AnchorListRolledBack);
}

/// Attack class 40: the policy.
#[test]
fn attack_40_a_policy_below_the_memory_or_the_pinned_minimum_is_a_hold() {
    let remembering = |version| third_version().with(|world| world.memory.policy_version = version);
    remembering(3).judge().accepted();
    remembering(4).judge().is(Ruling::HoldPerson, Reason::PolicyRolledBack);
    let pinned = |least| {
        let mut inputs = third_version().inputs();
        inputs.authority = Authority::new(inputs.authority.holders().to_vec(), 2, 0, least, LIMITS).unwrap();
        judge(inputs)
    };
    pinned(3).accepted();
    pinned(4).is(Ruling::HoldPerson, Reason::PolicyRolledBack);
}

/// Attack class 40: genuinely signed, older firmware.
#[test]
fn attack_40_firmware_below_a_security_version_seen_before_is_suspect() {
    let remembering = |seen: &[ReleaseSeen]| World::new().with(|world| world.memory.releases = seen.to_vec()).judge();
    remembering(&[seen("application", 7)]).accepted();
    remembering(&[seen("application", 8)]).is(Ruling::Suspect, Reason::SecurityVersionRolledBack);
    // the highest counts, in whatever order the memory holds them
    remembering(&[seen("application", 6), seen("application", 8)])
        .is(Ruling::Suspect, Reason::SecurityVersionRolledBack);
    let other = ReleaseSeen { part: part("3TN01414BB"), ..seen("application", 8) };
    remembering(&[seen("boot", 8), other]).accepted();
}

/// Attack class 40: a version that no later one could follow, and integers that readers read differently.
#[test]
fn attack_40_a_version_beyond_what_json_can_hold_is_malformed() {
    let world = third_version();
    let officers: Vec<_> = world.officers.iter().map(|officer| (officer, [].as_slice())).collect();
    let list = String::from_utf8(payload(world.list.clone(), LIMITS).unwrap()).unwrap();
    let of_version = |version: u64| {
        let list = list.replace("\"version\":3", &format!("\"version\":{version}"));
        let mut inputs = world.inputs();
        inputs.anchor_list = Some(signed_payload(list.into_bytes(), &officers));
        judge(inputs)
    };
    of_version((1 << 53) - 1).accepted();
    of_version(1 << 53).is(Ruling::HoldPerson, Reason::AnchorListMalformed);
    of_version(u64::MAX).is(Ruling::HoldPerson, Reason::AnchorListMalformed);
}

/// Attack class 41: nothing is kept from one judgement to the next, whatever was presented before.
#[test]
fn attack_41_a_refused_dossier_leaves_nothing_behind() {
    let good = World::new();
    let bad = good.clone().with(|world| world.release_signer.der = crate::pki::broken(&world.release_signer.der));
    let (before, refused) = (good.judge(), bad.judge());
    refused.is(Ruling::Suspect, Reason::CertificateSignatureInvalid);
    assert_eq!(refused.appraisal.releases(), []);
    for (world, first) in [(&good, &before), (&bad, &refused), (&good, &before)] {
        assert_eq!(world.judge().appraisal, first.appraisal);
    }
}

/// Attack class 41: what an unverified manifest claims is measured and never believed: not its parts, not its keys,
/// not its minimum, not its security version.
#[test]
fn attack_41_an_unverified_release_lowers_no_minimum_and_teaches_nothing() {
    let world = World::new();
    let mut inputs = world.inputs();
    let forger = crate::pki::Party::root(crate::pki::Spec::leaf("Release Signer"));
    inputs.presentation.manifests[0] = crate::world::signed(world.release.clone(), &[(&forger, &[&forger])]);
    let judged = judge(inputs);
    judged.is(Ruling::Suspect, Reason::PathNotFound);
    assert_eq!(
        (judged.appraisal.releases(), judged.appraisal.unit().part.as_ref()),
        ([].as_slice(), Some(&part(PART)))
    );
}

/// Attack class 42: the delegate's documents are held to the same dates as the top.
#[test]
fn attack_42_a_manifest_outside_of_its_own_dates_is_a_hold() {
    let span = |from: u64, until: u64| Validity { from: time(from), until: time(until) };
    let late = span(AT - 30 * DAY, AT - DAY);
    let early = span(AT + DAY, AT + 30 * DAY);
    World::new().with(|world| world.release.valid = late).judge().is(Ruling::HoldPerson, Reason::ManifestExpired);
    World::new().with(|world| world.release.valid = early).judge().is(Ruling::HoldPerson, Reason::ManifestNotYetValid);
    World::new().with(|world| world.shipment.valid = late).judge().is(Ruling::HoldPerson, Reason::ManifestExpired);
    World::new().with(|world| world.shipment.valid = early).judge().is(Ruling::HoldPerson, Reason::ManifestNotYetValid);
    let tomorrow = time(AT + DAY);
    let world = World::new().with(|world| world.release.issued = tomorrow);
    world.judge().is(Ruling::HoldPerson, Reason::ManifestNotYetValid);
    let world = World::new().with(|world| world.shipment.issued = tomorrow);
    world.judge().is(Ruling::HoldPerson, Reason::ManifestNotYetValid);
}

/// Attack class 43: identifiers that look alike, on the label.
#[test]
fn attack_43_a_serial_or_part_that_only_looks_alike_is_another() {
    for serial in ["alclb4923fa8", "ALCLB4923FA", "0ALCLB4923FA8", "ALCLB4923FA80", "ALCLB 4923FA8", "A1CLB4923FA8"] {
        let world = World::new().with(|world| world.label = label(PART, serial));
        world.judge().is(Ruling::Suspect, Reason::SerialNotListed);
    }
    for other in ["3tn01414ba", "03TN01414BA", "3TN01414B", "3TN01414BA0", "3TNO1414BA", "3TN 01414BA", "3TN01414BA/."]
    {
        let world = World::new().with(|world| world.label = label(other, SERIAL));
        world.judge().is(Ruling::Suspect, Reason::PartDiffers);
    }
    let cyrillic = World::new().with(|world| world.label = label(PART, "\u{410}LCLB4923FA8"));
    assert_eq!(cyrillic.judge().ruling(), Ruling::HoldPerson);
}

/// Attack class 43: identifiers that look alike, in the shipment. Leading zeros are digits.
#[test]
fn attack_43_an_entry_that_only_looks_alike_lists_another_unit() {
    let numbered = |listed: &str, labelled: &str| {
        World::new().with(|world| {
            world.shipment.units[0].serial = Serial::new(listed).unwrap();
            world.label = label(PART, labelled);
        })
    };
    numbered("00123", "00123").judge().accepted();
    for labelled in ["123", "0123", "000123"] {
        numbered("00123", labelled).judge().is(Ruling::Suspect, Reason::SerialNotListed);
    }
}

/// Attack class 43: scopes that look alike.
#[test]
fn attack_43_a_scope_covers_no_part_that_only_looks_alike() {
    let scoped =
        |scope: &str| World::new().with(|world| world.list.anchors[0].parts = vec![PartScope::parse(scope).unwrap()]);
    for scope in ["*", PART, "3TN*", "3TN01414BA*"] {
        scoped(scope).judge().accepted();
    }
    for scope in ["3tn*", "3TN01414B", "3TN01414BB*", "TN01414BA", "03TN*"] {
        scoped(scope).judge().is(Ruling::Suspect, Reason::PartOutsideScope);
    }
    let dotted = scoped("3TN*").with(|world| {
        world.release.parts = vec![part("3TN/../X")];
        world.shipment.units[0].part = part("3TN/../X");
        world.label = label("3TN/../X", SERIAL);
    });
    dotted.judge().is(Ruling::Suspect, Reason::PartOutsideScope);
}

/// Attack class 43: consignee and site are compared byte for byte.
#[test]
fn attack_43_a_site_that_only_looks_alike_is_another() {
    for site in ["Dock.example", "dock.example.", "dock.examp1e"] {
        let world = World::new().with(|world| world.shipment.consignee = name(site));
        world.judge().is(Ruling::Suspect, Reason::ConsigneeDiffers);
        let world = World::new().with(|world| world.list.site = name(site));
        world.judge().is(Ruling::HoldPerson, Reason::AnchorListOrigin);
        let world = World::new().with(|world| world.policy.site = name(site));
        world.judge().is(Ruling::HoldPerson, Reason::PolicyOrigin);
    }
}

/// Attack class 45: good signatures, old data.
#[test]
fn attack_45_a_list_or_policy_past_its_end_or_before_its_begin_is_a_hold() {
    let (past, future) = (time(AT - DAY), time(AT + DAY));
    World::new().with(|world| world.list.expires = past).judge().is(Ruling::HoldPerson, Reason::AnchorListExpired);
    World::new().with(|world| world.policy.expires = past).judge().is(Ruling::HoldPerson, Reason::PolicyExpired);
    World::new().with(|world| world.list.issued = future).judge().is(Ruling::HoldPerson, Reason::AnchorListNotYetValid);
    World::new().with(|world| world.policy.issued = future).judge().is(Ruling::HoldPerson, Reason::PolicyNotYetValid);
}

/// Attack class 45: a clock set back makes old data young again.
#[test]
fn attack_45_a_clock_behind_the_last_entry_is_a_hold() {
    let at = |last: i64| {
        World::new().with(|world| {
            let millis = world.now.unix_millis() + last;
            world.memory.last = ecugate_verifier::values::time::Time::from_unix_millis(millis);
        })
    };
    at(0).judge().accepted();
    at(2_000).judge().accepted();
    at(2_001).judge().is(Ruling::HoldPerson, Reason::ClockBehind);
}

/// Attack class 45: a clock set back behind a list of revocations makes the time before it come again.
#[test]
fn attack_45_a_clock_behind_the_newest_crl_that_was_used_is_a_hold() {
    let seen = |later: u64| {
        World::new().with(|world| {
            let issuer_key = ecugate_verifier::values::digest::Sha256::of(b"another issuer");
            let this_update = time(AT + later);
            world.memory.last = Some(time(AT));
            world.memory.crls = vec![ecugate_verifier::inputs::memory::CrlSeen { issuer_key, this_update }];
        })
    };
    seen(2).judge().accepted();
    seen(3).judge().is(Ruling::HoldPerson, Reason::ClockBehind);
}

/// Attack class 45: a clock set forward dates entries that make the true time *behind* for ever.
#[test]
fn attack_45_a_clock_more_than_a_day_ahead_of_the_last_entry_is_a_hold() {
    let since = |seconds: u64| World::new().with(|world| world.memory.last = Some(time(AT - seconds)));
    since(DAY).judge().accepted();
    since(DAY + 1).judge().is(Ruling::HoldPerson, Reason::ClockAhead);
}

/// Attack class 67: a ledger that may have forgotten.
#[test]
fn attack_67_an_incomplete_memory_lists_nobody() {
    let judged = World::new().with(|world| world.memory.completeness = Completeness::Incomplete).judge();
    judged.is(Ruling::HoldPerson, Reason::MemoryIncomplete);
    assert_eq!(judged.appraisal.identity(), ecugate_verifier::documents::manifest::assurance::Identity::Claimed);
    let mut inputs = World::new().inputs();
    inputs.memory = Memory::Unavailable(Finding::bare(Reason::LedgerFailed));
    judge(inputs).is(Ruling::HoldPassing, Reason::LedgerFailed);
}

/// Attack class 67: more sightings than are looked at is a finding, not a shortcut.
#[test]
fn attack_67_more_sightings_than_are_looked_at_is_suspect() {
    use crate::world::seen as sighting;
    use ecugate_verifier::inputs::custody::State;
    use ecugate_verifier::values::ident::UnitKey;
    let key = UnitKey::serial(&Serial::new("another").unwrap());
    let world = World::new().with(|world| world.memory.sightings = vec![sighting(State::Held, vec![key]); 4_097]);
    world.judge().is(Ruling::Suspect, Reason::SightingsLimit);
}
