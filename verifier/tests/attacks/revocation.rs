//! Revocation, as far as it reaches into a whole dossier: each link, the newest list, the age that the authority allows.

use crate::pki::{AT, DAY, List, Party, Spec, integer};
use crate::world::{LIMITS, World, time};
use ecugate_verifier::inputs::memory::CrlSeen;
use ecugate_verifier::judgement::verdict::Ruling;
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::reason::Reason;

/// Attack class 24 (CVE-2024-56138).
#[test]
fn attack_24_revocation_is_asked_for_every_link_of_the_path() {
    let of_root = |list: List| World::new().with(|world| world.crls[0] = world.root.crl(&list)).judge();
    of_root(List::revoking(2)).is(Ruling::Suspect, Reason::IssuerRevoked);
    World::new().with(|world| drop(world.crls.remove(0))).judge().is(Ruling::HoldPerson, Reason::CrlMissing);
    World::new().with(|world| drop(world.crls.remove(1))).judge().is(Ruling::HoldPerson, Reason::CrlMissing);
    let of_leaf = |serial| World::new().with(|world| world.crls[1] = world.issuing.crl(&List::revoking(serial)));
    of_leaf(100).judge().is(Ruling::Suspect, Reason::SignerRevoked);
    of_leaf(101).judge().is(Ruling::Suspect, Reason::SignerRevoked);
    of_leaf(102).judge().accepted();
}

/// Attack class 25.
#[test]
fn attack_25_an_older_clean_list_beside_a_newer_revoking_one_does_not_help() {
    let world = World::new();
    let older = world.issuing.crl(&List::default().with(|list| list.this_update = AT - 3 * DAY));
    let newer = world.issuing.crl(&List::revoking(100));
    for lists in [[&older, &newer], [&newer, &older]] {
        let world = world.clone().with(|world| {
            drop(world.crls.pop());
            world.crls.extend(lists.map(Clone::clone));
        });
        world.judge().is(Ruling::Suspect, Reason::SignerRevoked);
    }
}

/// Attack class 25: lists that say nothing about this path are no lists.
#[test]
fn attack_25_a_list_that_does_not_count_is_a_hold() {
    let of = |list: List| World::new().with(|world| world.crls[1] = world.issuing.crl(&list)).judge();
    of(List::default().with(|list| list.next_update = None)).is(Ruling::HoldPerson, Reason::CrlUnusable);
    of(List::default().with(|list| list.next_update = Some(AT - DAY / 2))).is(Ruling::HoldPerson, Reason::CrlStale);
    of(List::default().with(|list| list.this_update = AT + DAY)).is(Ruling::HoldPerson, Reason::CrlNotYetValid);
    let delta = vec![(vec![2, 5, 29, 27], true, integer(1))];
    of(List::default().with(|list| list.extensions = delta)).is(Ruling::HoldPerson, Reason::CrlUnusable);
    let stranger = Party::root(Spec::ca("Maker Issuing CA"));
    let forged = World::new().with(|world| world.crls[1] = stranger.crl(&List::default()));
    forged.judge().is(Ruling::HoldPerson, Reason::CrlUnusable);
    let elsewhere = World::new().with(|world| world.crls[1] = world.root.crl(&List::default()));
    elsewhere.judge().is(Ruling::HoldPerson, Reason::CrlMissing);
}

/// Attack classes 25 and 45: valid by its own dates, older than the authority allows.
#[test]
fn attack_25_a_list_older_than_the_anchor_list_allows_is_a_hold() {
    let aged = |hours: u64| {
        World::new().with(|world| {
            world.list.anchors[0].crl_hours = 48;
            let list = List::default().with(|list| list.this_update = AT - hours * 3_600);
            world.crls[1] = world.issuing.crl(&list);
        })
    };
    aged(48).judge().accepted();
    aged(49).judge().is(Ruling::HoldPerson, Reason::CrlTooOld);
}

/// Attack classes 25 and 40: an older list than one that was used before, whatever else the memory holds.
#[test]
fn attack_25_a_list_older_than_one_seen_before_is_a_hold() {
    let world = World::new();
    let issuer_key = Sha256::of(Certificate::from_der(&world.issuing.der, LIMITS).unwrap().spki());
    let seen = |at: u64| CrlSeen { issuer_key, this_update: time(at) };
    let remembering = |seen: &[CrlSeen]| world.clone().with(|world| world.memory.crls = seen.to_vec()).judge();
    remembering(&[seen(AT - DAY)]).accepted();
    remembering(&[seen(AT - DAY + 1)]).is(Ruling::HoldPerson, Reason::CrlRolledBack);
    remembering(&[seen(AT - 9 * DAY), seen(AT - DAY + 1)]).is(Ruling::HoldPerson, Reason::CrlRolledBack);
    let other = CrlSeen { issuer_key: Sha256::of(b"another issuer"), this_update: time(AT) };
    remembering(&[other]).accepted();
}
