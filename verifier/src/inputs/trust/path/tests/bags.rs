use super::{Ask, Reason, refused, three};
use crate::pki::{AT, Party, Spec};
use rcgen::{BasicConstraints, IsCa};
use std::sync::Arc;

/// All orders of up to five things.
fn orders<T: Clone>(things: &[T]) -> Vec<Vec<T>> {
    if things.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for at in 0..things.len() {
        let mut rest = things.to_vec();
        let first = rest.remove(at);
        all.extend(orders(&rest).into_iter().map(|mut order| {
            order.insert(0, first.clone());
            order
        }));
    }
    all
}

/// Attack 19 (CVE-2026-39984): the key that is used is the one whose certificate was verified, in every order of a
/// bag in which an attacker has certificates of the same names.
#[test]
fn attack_19_the_key_is_of_the_leaf_that_was_verified_in_every_order_of_the_bag() {
    let (root, ca, leaf) = three();
    let evil_root = Party::root(Spec::ca("Root"));
    let evil_ca = evil_root.issue(Spec::ca("CA").with(|s| s.serial = 2));
    let evil_leaf = evil_ca.issue(Spec::leaf("Leaf"));
    for bag in orders(&[&ca, &evil_root, &evil_ca, &evil_leaf]) {
        let path = Ask::new(&leaf, &bag, &[&root]).find().unwrap();
        assert_eq!(path.leaf().der(), leaf.der);
        assert_eq!(path.leaf_key().spki(), path.leaf().spki());
        assert_eq!(path.intermediates()[0].der(), ca.der);
        assert_eq!(path.anchor().der(), root.der);
        // The attacker's leaf does not become valid by the company of a good one.
        let bag: Vec<&Party> = bag.into_iter().chain([&leaf]).collect();
        let ask = Ask::new(&evil_leaf, &bag, &[&root]);
        assert_eq!(ask.refusal().0, Reason::CertificateSignatureInvalid);
    }
}

#[test]
fn decoys_of_the_same_name_and_key_id_do_not_hide_the_good_path() {
    let (root, ca, leaf) = three();
    let no_ca = root.certify(Spec::ca("CA").with(|s| s.is_ca = IsCa::ExplicitNoCa), &ca.key);
    let expired = root.certify(Spec::ca("CA").with(|s| s.not_after = AT - 1), &ca.key);
    let self_signed = ca.certify(Spec::ca("CA"), &ca.key);
    let same_id = Party::root(Spec::ca("CA").with(|s| s.key_id = Some(ca.key_id())));
    for bag in orders(&[&ca, &no_ca, &expired, &self_signed, &same_id]) {
        assert_eq!(Ask::new(&leaf, &bag, &[&root]).find().unwrap().intermediates()[0].der(), ca.der);
    }
}

#[test]
fn a_cross_signed_ca_is_found_over_either_root() {
    let (root, ca, leaf) = three();
    let other = Party::root(Spec::ca("Other root"));
    let cross = other.certify(Spec::ca("CA").with(|s| s.serial = 3), &ca.key);
    for anchor in [&root, &other] {
        for bag in orders(&[&ca, &cross]) {
            assert_eq!(Ask::new(&leaf, &bag, &[anchor]).find().unwrap().anchor().der(), anchor.der);
        }
    }
}

#[test]
fn names_that_differ_in_case_and_blanks_only_are_the_same_name() {
    let root = Party::root(Spec::ca("Root  of Trust"));
    let spelt = Party { spec: Spec::ca("root of TRUST"), ..root.clone() };
    let leaf = spelt.issue(Spec::leaf("Leaf"));
    assert!(Ask::new(&leaf, &[], &[&root]).find().is_ok());
}

/// CAs that have all certified each other, none of them by `root` unless told; the leaf is of the first.
fn mesh(count: usize, root: &Party, by_root: Option<(usize, IsCa)>) -> (Party, Vec<Party>) {
    let roots: Vec<Party> = (0..count).map(|number| Party::root(Spec::ca(&format!("CA {number}")))).collect();
    let mut bag = Vec::new();
    for issuer in &roots {
        for subject in roots.iter().filter(|subject| subject.spec.name != issuer.spec.name) {
            bag.push(issuer.certify(subject.spec.clone(), &Arc::clone(&subject.key)));
        }
    }
    if let Some((number, flag)) = by_root {
        bag.push(root.certify(roots[number].spec.clone().with(|s| s.is_ca = flag), &roots[number].key));
    }
    (roots[0].issue(Spec::leaf("Leaf")), bag)
}

fn ask(leaf: &Party, bag: &[Party], root: &Party) -> Ask {
    let mut ask = Ask::new(leaf, &[], &[root]);
    ask.bag = bag.iter().map(|party| party.der.clone()).collect();
    ask.revocation = super::Revocation::Off;
    ask
}

/// Attack 27 (RUSTSEC-2023-0052): ten CAs that have all certified each other, one of them certified by the root.
#[test]
fn attack_27_a_mesh_of_ten_cas_of_which_one_reaches_the_root_is_a_path() {
    let root = Party::root(Spec::ca("Root"));
    for reaching in [0, 5, 9] {
        let (leaf, bag) = mesh(10, &root, Some((reaching, IsCa::Ca(BasicConstraints::Unconstrained))));
        let path = ask(&leaf, &bag, &root).find().unwrap();
        assert_eq!(path.intermediates().len(), if reaching == 0 { 1 } else { 2 });
    }
}

/// Attack 27: the same, and nothing reaches the root, or only what may not.
#[test]
fn attack_27_a_mesh_that_leads_nowhere_is_refused_without_walking_it() {
    let root = Party::root(Spec::ca("Root"));
    for (count, by_root, reason) in [
        (10, None, Reason::PathNotFound),
        (30, None, Reason::PathNotFound),
        (10, Some((9, IsCa::ExplicitNoCa)), Reason::CaFlagMissing),
        (10, Some((9, IsCa::Ca(BasicConstraints::Constrained(0)))), Reason::PathLengthExceeded),
    ] {
        let (leaf, bag) = mesh(count, &root, by_root);
        assert_eq!(ask(&leaf, &bag, &root).refusal().0, reason, "{count} {by_root:?}");
    }
}

/// Attack 27: the same, where names lead to the root and its signature does not: an impostor has its name.
#[test]
fn attack_27_a_mesh_that_leads_to_an_impostor_of_the_root_is_refused_within_the_caps() {
    let (root, impostor) = (Party::root(Spec::ca("Root")), Party::root(Spec::ca("Root")));
    for count in [10, 30] {
        let (leaf, bag) = mesh(count, &impostor, Some((9, IsCa::Ca(BasicConstraints::Unconstrained))));
        let reason = ask(&leaf, &bag, &root).refusal().0;
        assert!(matches!(reason, Reason::CertificateSignatureInvalid | Reason::PathLimit), "{count} {reason}");
    }
}

/// Attack 27: a cycle.
#[test]
fn attack_27_two_cas_that_have_certified_each_other_are_no_path() {
    let root = Party::root(Spec::ca("Root"));
    let (leaf, bag) = mesh(2, &root, None);
    assert_eq!(ask(&leaf, &bag, &root).refusal(), refused(Reason::PathNotFound, "Leaf"));
}

/// Attack 27: many certificates of one name and one key.
#[test]
fn attack_27_a_thousand_renewals_of_one_ca_are_tried_within_the_caps() {
    let (root, ca, leaf) = three();
    let stranger = Party::root(Spec::ca("Elsewhere"));
    let elsewhere: Vec<Party> =
        (0..1_000).map(|serial| stranger.certify(Spec::ca("CA").with(|s| s.serial = serial), &ca.key)).collect();
    assert_eq!(ask(&leaf, &elsewhere, &root).refusal().0, Reason::PathNotFound);
    let other = Party::root(root.spec.clone());
    let renewals: Vec<Party> =
        (0..1_000).map(|serial| other.certify(Spec::ca("CA").with(|s| s.serial = serial), &ca.key)).collect();
    assert_eq!(ask(&leaf, &renewals, &root).refusal().0, Reason::PathLimit);
}

#[test]
fn a_bag_over_its_cap_is_refused_and_not_cut_short() {
    let (root, ca, leaf) = three();
    let small = |ask: &mut Ask| (ask.limits.bag_certificates, ask.limits.crls) = (1, 2);
    assert!(Ask::new(&leaf, &[&ca], &[&root]).with(small).find().is_ok());
    let bag = Ask::new(&leaf, &[&ca, &ca], &[&root]).with(small);
    assert_eq!(bag.refusal().0, Reason::PathLimit);
    let lists =
        Ask::new(&leaf, &[&ca], &[&root]).with(small).with(|ask| ask.crls.push(ca.crl(&crate::pki::List::default())));
    assert_eq!(lists.refusal().0, Reason::CrlUnusable);
    let anchors = Ask::new(&leaf, &[&ca], &[&root, &root]).with(|ask| ask.limits.anchors = 1);
    assert_eq!(anchors.refusal().0, Reason::PathLimit);
}

#[test]
fn every_cap_of_the_search_ends_it() {
    let (root, ca, leaf) = three();
    let expected = |change: fn(&mut Ask)| {
        let fault = Ask::new(&leaf, &[&ca], &[&root]).with(change).find().unwrap_err();
        (fault.reason(), fault.finding().expected)
    };
    let checks = expected(|ask| ask.limits.path_signature_checks = 1);
    assert_eq!(checks, (Reason::PathLimit, "a path within 1 signature checks".to_owned()));
    let steps = expected(|ask| ask.limits.path_steps = 1);
    assert_eq!(steps, (Reason::PathLimit, "a path within 1 steps".to_owned()));
    let candidates = expected(|ask| ask.limits.path_candidates = 0);
    assert_eq!(candidates, (Reason::PathLimit, "a path within 0 candidate paths".to_owned()));
    let depth = expected(|ask| ask.limits.path_depth = 2);
    assert_eq!(depth, (Reason::PathLimit, "a path with at most 0 intermediates".to_owned()));
}

#[test]
fn an_expired_twin_of_an_anchor_costs_a_candidate_and_no_more() {
    let root = Party::root(Spec::ca("Root"));
    let expired = root.certify(Spec::ca("Root").with(|s| s.not_after = AT - 1), &root.key);
    let leaf = root.issue(Spec::leaf("Leaf"));
    let ask = |candidates| Ask::new(&leaf, &[], &[&expired, &root]).with(|ask| ask.limits.path_candidates = candidates);
    assert!(ask(2).find().is_ok());
    assert_eq!(ask(1).refusal(), refused(Reason::CertificateExpired, "Root"));
}
