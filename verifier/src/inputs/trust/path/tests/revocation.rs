use super::{Ask, Reason, Revocation, refused, three};
use crate::pki::{AT, DAY, List, Party, Spec, broken, integer, tlv};
use rcgen::KeyUsagePurpose;

/// Root, CA and leaf; the CA's lists are the ones given, the root's is good.
fn with_lists(lists: &[List]) -> Ask {
    let (root, ca, leaf) = three();
    Ask::new(&leaf, &[&ca], &[&root]).with(|ask| {
        ask.crls = lists.iter().map(|list| ca.crl(list)).chain([root.crl(&List::default())]).collect();
    })
}

fn listed(change: impl FnOnce(&mut List)) -> (Reason, String) {
    with_lists(&[List::default().with(change)]).refusal()
}

fn point(flags: &[u8]) -> impl Fn(&mut List) + use<> {
    let contents = tlv(0x30, flags);
    move |list: &mut List| list.extensions = vec![(vec![2, 5, 29, 28], true, contents.clone())]
}

/// Attack 24 (CVE-2024-56138): every certificate below the anchor is looked up.
#[test]
fn attack_24_a_revoked_leaf_and_a_revoked_issuer_are_two_reasons() {
    let (root, ca, leaf) = three();
    let ask = |ca_list: List, root_list: List| {
        Ask::new(&leaf, &[&ca], &[&root]).with(|ask| {
            ask.crls = vec![ca.crl(&ca_list), root.crl(&root_list)];
        })
    };
    assert!(ask(List::default(), List::default()).find().is_ok());
    assert_eq!(ask(List::revoking(100), List::default()).refusal(), refused(Reason::SignerRevoked, "Leaf"));
    assert_eq!(ask(List::default(), List::revoking(2)).refusal(), refused(Reason::IssuerRevoked, "CA"));
    // The serial of the leaf on the root's list is another certificate's.
    assert!(ask(List::default(), List::revoking(100)).find().is_ok());
}

/// Attack 24: a list that is missing for one certificate of the path.
#[test]
fn attack_24_a_missing_list_anywhere_on_the_path_is_no_answer() {
    let (root, ca, leaf) = three();
    let only =
        |issuer: &Party| Ask::new(&leaf, &[&ca], &[&root]).with(|ask| ask.crls = vec![issuer.crl(&List::default())]);
    assert_eq!(only(&ca).refusal(), refused(Reason::CrlMissing, "CA"));
    assert_eq!(only(&root).refusal(), refused(Reason::CrlMissing, "Leaf"));
    assert!(only(&ca).with(|ask| ask.revocation = Revocation::LeafOnly).find().is_ok());
    assert_eq!(Ask::new(&leaf, &[&ca], &[&root]).with(|ask| ask.crls.clear()).refusal().0, Reason::CrlMissing);
}

/// Attack 24: a certificate that asks not to be looked up (id-pkix-ocsp-nocheck).
#[test]
fn attack_24_a_certificate_cannot_waive_its_own_revocation() {
    let root = Party::root(Spec::ca("Root"));
    let leaf = root.issue(Spec::leaf("Leaf").with(|s| {
        s.purposes.push(vec![1, 3, 6, 1, 5, 5, 7, 3, 9]);
        s.extensions = vec![(vec![1, 3, 6, 1, 5, 5, 7, 48, 1, 5], false, vec![5, 0])];
    }));
    for list in [List::revoking(100), List::default()] {
        let ask = Ask::new(&leaf, &[], &[&root]).with(|ask| ask.crls = vec![root.crl(&list)]);
        assert_eq!(ask.refusal(), refused(Reason::CrlUnusable, "Leaf"));
    }
}

/// Attack 25: an older clean list does not outlive a newer one that revokes, in either order.
#[test]
fn attack_25_the_newest_list_decides_in_every_order() {
    let newer = List::revoking(100);
    let older = List::default().with(|list| (list.this_update, list.number) = (AT - 5 * DAY, Some(6)));
    assert_eq!(with_lists(&[newer.clone(), older.clone()]).refusal(), refused(Reason::SignerRevoked, "Leaf"));
    assert_eq!(with_lists(&[older.clone(), newer]).refusal(), refused(Reason::SignerRevoked, "Leaf"));
    // Of the same second: the one that revokes.
    let clean = List::default().with(|list| list.number = Some(8));
    assert_eq!(with_lists(&[clean.clone(), List::revoking(100)]).refusal().0, Reason::SignerRevoked);
    assert_eq!(with_lists(&[List::revoking(100), clean]).refusal().0, Reason::SignerRevoked);
    // Removed from hold: the newest list is the truth.
    let revoking = List::revoking(100).with(|list| (list.this_update, list.number) = (AT - 5 * DAY, Some(6)));
    let path = with_lists(&[revoking, List::default()]).find().unwrap();
    assert_eq!(path.crls_used()[0].number.as_ref().unwrap().to_string(), "07");
}

/// Attack 25: a newer list that cannot prove anything good is no reason to believe an older one.
#[test]
fn attack_25_an_older_clean_list_does_not_stand_in_for_a_newer_one_that_is_incomplete() {
    let older = List::default().with(|list| (list.this_update, list.number) = (AT - 5 * DAY, Some(6)));
    let names = tlv(0x30, &tlv(0x30, &tlv(0xa0, &tlv(0xa0, &tlv(0x86, b"http://crl.example/delta")))));
    let unknown = (vec![1, 3, 6, 1, 4, 1, 99_999, 1], true, vec![5, 0]);
    let endless = |list: &mut List| list.next_update = None;
    let freshest = |list: &mut List| list.extensions = vec![(vec![2, 5, 29, 46], false, names.clone())];
    let strange = |list: &mut List| list.extensions = vec![unknown.clone()];
    let judged = |newer: List| with_lists(&[newer, older.clone()]).refusal().0;
    assert_eq!(judged(List::revoking(100).with(endless)), Reason::SignerRevoked);
    assert_eq!(judged(List::revoking(100).with(freshest)), Reason::SignerRevoked);
    assert_eq!(judged(List::revoking(100).with(strange)), Reason::CrlUnusable);
    assert_eq!(judged(List::default().with(endless)), Reason::CrlUnusable);
    assert_eq!(judged(List::default().with(freshest)), Reason::CrlUnusable);
    // Neither does one that the issuer did not sign.
    let (root, ca, leaf) = three();
    let forged = Party::root(Spec::ca("CA")).crl(&List::default().with(strange));
    let ask = Ask::new(&leaf, &[&ca], &[&root]).with(|ask| ask.crls.push(forged));
    assert!(ask.find().is_ok());
    // One that is about other certificates takes nothing away.
    let cas = List::default().with(point(&tlv(0x82, &[0xff])));
    assert!(with_lists(&[cas, older.clone()]).find().is_ok());
}

/// Attack 25: each way of having no usable list has its own reason.
#[test]
fn attack_25_stale_future_and_endless_lists_do_not_count() {
    let stale = |list: &mut List| list.next_update = Some(AT - 1);
    let future = |list: &mut List| list.this_update = AT + 1;
    assert_eq!(listed(stale), refused(Reason::CrlStale, "Leaf"));
    assert_eq!(listed(future), refused(Reason::CrlNotYetValid, "Leaf"));
    assert_eq!(listed(|list| list.next_update = None), refused(Reason::CrlUnusable, "Leaf"));
    let both = with_lists(&[List::default().with(stale), List::default().with(future)]);
    assert_eq!(both.refusal(), refused(Reason::CrlStale, "Leaf"));
    let edge = with_lists(&[List::default().with(|list| (list.this_update, list.next_update) = (AT, Some(AT)))]);
    assert!(edge.find().is_ok());
    // A stale list still tells who was revoked, and no older list takes its place.
    assert_eq!(with_lists(&[List::revoking(100).with(stale)]).refusal(), refused(Reason::SignerRevoked, "Leaf"));
    let older = List::default().with(|list| list.this_update = AT - 5 * DAY);
    assert_eq!(with_lists(&[List::default().with(stale), older]).refusal(), refused(Reason::CrlStale, "Leaf"));
    // A list from the future is no cover for an older one that is valid and revokes.
    let revoking = with_lists(&[List::default().with(future), List::revoking(100)]);
    assert_eq!(revoking.refusal(), refused(Reason::SignerRevoked, "Leaf"));
}

/// Attack 25: a list under a broken or foreign signature.
#[test]
fn attack_25_a_list_that_its_issuer_did_not_sign_does_not_count() {
    let (root, ca, leaf) = three();
    let with = |list: Vec<u8>| {
        Ask::new(&leaf, &[&ca], &[&root]).with(|ask| {
            ask.crls = vec![list, root.crl(&List::default())];
        })
    };
    assert_eq!(with(broken(&ca.crl(&List::default()))).refusal(), refused(Reason::CrlUnusable, "Leaf"));
    let namesake = Party::root(Spec::ca("CA"));
    assert_eq!(with(namesake.crl(&List::default())).refusal(), refused(Reason::CrlUnusable, "Leaf"));
    assert_eq!(with(root.crl(&List::revoking(100))).refusal(), refused(Reason::CrlMissing, "Leaf"));
    // A forged list that revokes takes nobody down while a genuine one is there.
    let genuine = with(namesake.crl(&List::revoking(100).with(|list| list.this_update = AT)))
        .with(|ask| ask.crls.push(ca.crl(&List::default())));
    assert!(genuine.find().is_ok());
}

/// Attack 25: an issuer that may not sign lists.
#[test]
fn attack_25_a_list_of_an_issuer_without_crl_sign_does_not_count() {
    for usages in
        [vec![KeyUsagePurpose::KeyCertSign], vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature]]
    {
        let root = Party::root(Spec::ca("Root"));
        let ca = root.issue(Spec::ca("CA").with(|s| s.usages = usages.clone()));
        let leaf = ca.issue(Spec::leaf("Leaf"));
        assert_eq!(Ask::new(&leaf, &[&ca], &[&root]).refusal(), refused(Reason::CrlUnusable, "Leaf"));
        let root = Party::root(Spec::ca("Root").with(|s| s.usages = usages));
        let leaf = root.issue(Spec::leaf("Leaf"));
        assert_eq!(Ask::new(&leaf, &[], &[&root]).refusal(), refused(Reason::CrlUnusable, "Leaf"));
    }
    // An anchor that says nothing about the use of its key may sign lists.
    let root = Party::root(Spec::ca("Root").with(|s| s.usages = Vec::new()));
    let leaf = root.issue(Spec::leaf("Leaf"));
    assert!(Ask::new(&leaf, &[], &[&root]).find().is_ok());
}

/// Attack 25: lists of another scope: other certificates, other distribution points, reasons, other issuers.
#[test]
fn attack_25_a_list_of_another_scope_does_not_count() {
    let yes = [0xff_u8];
    let uri = tlv(0xa0, &tlv(0xa0, &tlv(0x86, b"http://crl.example/other")));
    for (what, flags) in [
        ("CA certificates only", tlv(0x82, &yes)),
        ("attribute certificates only", tlv(0x85, &yes)),
        ("some reasons only", tlv(0x83, &[6, 0x40])),
        ("indirect", tlv(0x84, &yes)),
        ("another distribution point", uri),
    ] {
        let judged =
            with_lists(&[List::default().with(point(&flags))]).find().map(drop).map_err(|fault| fault.reason());
        assert_eq!(judged, Err(Reason::CrlUnusable), "{what}");
    }
    assert!(with_lists(&[List::default().with(point(&tlv(0x81, &yes)))]).find().is_ok(), "end entities only");
}

/// Attack 25: a delta list is no complete list, and what it may have changed counts.
#[test]
fn attack_25_a_delta_list_neither_answers_nor_is_overlooked() {
    let delta = |list: &mut List| list.extensions = vec![(vec![2, 5, 29, 27], true, integer(6))];
    assert_eq!(listed(delta), refused(Reason::CrlUnusable, "Leaf"));
    let both = with_lists(&[List::default(), List::revoking(100).with(delta)]);
    assert_eq!(both.refusal(), refused(Reason::CrlUnusable, "Leaf"));
    let names = tlv(0x30, &tlv(0x30, &tlv(0xa0, &tlv(0xa0, &tlv(0x86, b"http://crl.example/delta")))));
    let freshest = listed(|list| list.extensions = vec![(vec![2, 5, 29, 46], false, names)]);
    assert_eq!(freshest, refused(Reason::CrlUnusable, "Leaf"));
}

/// Attack 25: critical extensions that nobody here understands, of the list and of one entry.
#[test]
fn attack_25_a_list_with_an_unknown_critical_extension_does_not_count() {
    let unknown = vec![1, 3, 6, 1, 4, 1, 99_999, 1];
    let of_list = listed(|list| list.extensions = vec![(unknown.clone(), true, vec![5, 0])]);
    assert_eq!(of_list, refused(Reason::CrlUnusable, "Leaf"));
    // The entry is of another certificate: the list as a whole cannot be understood (RFC 5280 section 5.3).
    for entry in [(unknown, true), (vec![2, 5, 29, 29], true)] {
        let of_entry = listed(|list| (list.revoked, list.entry_extension) = (vec![55], Some(entry.clone())));
        assert_eq!(of_entry, refused(Reason::CrlUnusable, "Leaf"), "{entry:?}");
    }
}

#[test]
fn a_list_without_a_number_answers_and_says_so() {
    let path = with_lists(&[List::default().with(|list| list.number = None)]).find().unwrap();
    assert_eq!(path.crls_used()[0].number, None);
}

#[test]
fn a_ca_revoked_at_one_root_is_good_at_the_other() {
    let (root, ca, leaf) = three();
    let other = Party::root(Spec::ca("Other root"));
    let cross = other.certify(Spec::ca("CA").with(|s| s.serial = 3), &ca.key);
    let ask = |anchors: &[&Party]| {
        Ask::new(&leaf, &[&ca, &cross], anchors).with(|ask| {
            ask.crls = vec![ca.crl(&List::default()), root.crl(&List::revoking(2)), other.crl(&List::default())];
        })
    };
    assert_eq!(ask(&[&root, &other]).find().unwrap().anchor().der(), other.der);
    assert_eq!(ask(&[&root]).refusal(), refused(Reason::IssuerRevoked, "CA"));
}
