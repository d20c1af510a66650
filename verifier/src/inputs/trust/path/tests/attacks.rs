use super::{Ask, Reason, refused, three};
use crate::pki::{AT, DAY, List, Party, RsaKey, Spec, broken, oid, resigned, tlv, utc};
use crate::values::reason::Class;
use rcgen::{BasicConstraints, IsCa, KeyUsagePurpose};

/// Root, CA, leaf with one change to the CA.
fn with_ca(change: impl FnOnce(&mut Spec)) -> (Reason, String) {
    let root = Party::root(Spec::ca("Root"));
    let ca = root.issue(Spec::ca("CA").with(change));
    let leaf = ca.issue(Spec::leaf("Leaf"));
    Ask::new(&leaf, &[&ca], &[&root]).refusal()
}

/// Root and leaf with one change to the leaf.
fn with_leaf(change: impl FnOnce(&mut Spec)) -> (Reason, String) {
    let root = Party::root(Spec::ca("Root"));
    let leaf = root.issue(Spec::leaf("Leaf").with(change));
    Ask::new(&leaf, &[], &[&root]).refusal()
}

/// Root and leaf with one change to the anchor.
fn with_anchor(change: impl FnOnce(&mut Spec)) -> (Reason, String) {
    let root = Party::root(Spec::ca("Root").with(change));
    let ca = root.issue(Spec::ca("CA"));
    let leaf = ca.issue(Spec::leaf("Leaf"));
    Ask::new(&leaf, &[&ca], &[&root]).refusal()
}

/// Attack 17: a chain in which only the signatures are looked at.
#[test]
fn attack_17_an_issuer_without_ca_flag_is_refused() {
    assert_eq!(with_ca(|s| s.is_ca = IsCa::ExplicitNoCa), refused(Reason::CaFlagMissing, "CA"));
    assert_eq!(with_ca(|s| s.is_ca = IsCa::NoCa), refused(Reason::CaFlagMissing, "CA"));
    assert_eq!(with_anchor(|s| s.is_ca = IsCa::ExplicitNoCa), refused(Reason::CaFlagMissing, "Root"));
}

/// Attack 17: keyUsage.
#[test]
fn attack_17_an_issuer_without_certificate_sign_is_refused() {
    assert_eq!(with_ca(|s| s.usages = vec![KeyUsagePurpose::CrlSign]), refused(Reason::KeyUsageWrong, "CA"));
    assert_eq!(with_ca(|s| s.usages = Vec::new()), refused(Reason::KeyUsageWrong, "CA"));
    assert_eq!(with_anchor(|s| s.usages = vec![KeyUsagePurpose::CrlSign]), refused(Reason::KeyUsageWrong, "Root"));
}

/// Attack 17: pathLenConstraint, of the anchor too.
#[test]
fn attack_17_a_path_longer_than_an_issuer_allows_is_refused() {
    let none = IsCa::Ca(BasicConstraints::Constrained(0));
    assert_eq!(with_anchor(|s| s.is_ca = none), refused(Reason::PathLengthExceeded, "CA"));
    let root = Party::root(Spec::ca("Root"));
    let first = root.issue(Spec::ca("CA 1").with(|s| s.is_ca = none));
    let second = first.issue(Spec::ca("CA 2"));
    let leaf = second.issue(Spec::leaf("Leaf"));
    let ask = Ask::new(&leaf, &[&first, &second], &[&root]);
    assert_eq!(ask.refusal(), refused(Reason::PathLengthExceeded, "CA 2"));
}

/// Attack 17: a critical extension that nobody here understands, wherever it stands.
#[test]
fn attack_17_an_unknown_critical_extension_is_refused() {
    let unknown = |s: &mut Spec| s.extensions = vec![(vec![1, 3, 6, 1, 4, 1, 99_999, 1], true, vec![5, 0])];
    assert_eq!(with_ca(unknown), refused(Reason::CriticalExtensionUnknown, "CA"));
    assert_eq!(with_leaf(unknown), refused(Reason::CriticalExtensionUnknown, "Leaf"));
}

/// Attack 17: names. The signature of another CA of the same name does not count.
#[test]
fn attack_17_a_certificate_of_a_namesake_is_refused() {
    let (root, ca, _) = three();
    let namesake = Party::root(Spec::ca("CA"));
    let leaf = namesake.issue(Spec::leaf("Leaf"));
    assert_eq!(Ask::new(&leaf, &[&ca], &[&root]).refusal(), refused(Reason::CertificateSignatureInvalid, "Leaf"));
}

/// Attack 18 (CVE-2026-24122): the dates of every certificate count, the anchor's too.
#[test]
fn attack_18_an_issuer_out_of_its_dates_is_named() {
    let expired = |s: &mut Spec| s.not_after = AT - 1;
    let early = |s: &mut Spec| s.not_before = AT + 1;
    assert_eq!(with_ca(expired), refused(Reason::CertificateExpired, "CA"));
    assert_eq!(with_ca(early), refused(Reason::CertificateNotYetValid, "CA"));
    assert_eq!(with_anchor(expired), refused(Reason::CertificateExpired, "Root"));
    assert_eq!(with_anchor(early), refused(Reason::CertificateNotYetValid, "Root"));
}

/// Attack 20: a CA or an anchor is no signer of documents.
#[test]
fn attack_20_a_ca_or_an_anchor_presented_as_leaf_is_refused() {
    let (root, ca, leaf) = three();
    let as_leaf = |leaf: &Party| Ask::new(leaf, &[&ca], &[&root]).refusal();
    assert_eq!(as_leaf(&ca), refused(Reason::LeafIsCa, "CA"));
    assert_eq!(as_leaf(&root), refused(Reason::LeafIsAnchor, "Root"));
    // Another certificate for an anchor's key, made by the anchor's owner or by an attacker who saw the key.
    let disguised = root.certify(Spec::leaf("Disguised"), &root.key);
    assert_eq!(as_leaf(&disguised), refused(Reason::LeafIsAnchor, "Disguised"));
    // An ordinary leaf that was taken for an anchor does not vouch for itself.
    assert_eq!(Ask::new(&leaf, &[&ca], &[&root, &leaf]).refusal(), refused(Reason::LeafIsAnchor, "Leaf"));
    assert_eq!(with_leaf(|s| s.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)), refused(Reason::LeafIsCa, "Leaf"));
    assert_eq!(with_leaf(|s| s.usages.push(KeyUsagePurpose::KeyCertSign)), refused(Reason::KeyUsageWrong, "Leaf"));
}

/// Attack 21: no anchors, no path, whatever the bag holds.
#[test]
fn attack_21_without_anchors_nothing_is_valid() {
    let (root, ca, leaf) = three();
    let ask = Ask::new(&leaf, &[&ca, &root], &[]);
    assert_eq!(ask.refusal(), (Reason::AnchorsEmpty, String::new()));
}

/// Attack 22: a root in the bag is a certificate like any other.
#[test]
fn attack_22_a_root_that_the_document_brings_along_is_not_trusted() {
    let (root, ca, leaf) = three();
    let own = Party::root(Spec::ca("Own root"));
    assert_eq!(Ask::new(&leaf, &[&ca, &root], &[&own]).refusal(), refused(Reason::PathNotFound, "Leaf"));
    let own = Party::root(Spec::ca("Root"));
    let ask = Ask::new(&leaf, &[&ca, &root], &[&own]);
    assert_eq!(ask.refusal(), refused(Reason::CertificateSignatureInvalid, "CA"));
}

/// Attack 23: the private key's own period, apart from the certificate's.
#[test]
fn attack_23_a_key_outside_of_its_own_window_is_refused() {
    let window = |first: Option<u64>, last: Option<u64>| {
        let bound = |tag, seconds: Option<u64>| seconds.map_or(Vec::new(), |at| tlv(tag, utc(at).as_bytes()));
        let contents = tlv(0x30, &[bound(0x80, first), bound(0x81, last)].concat());
        move |s: &mut Spec| s.extensions = vec![(vec![2, 5, 29, 16], false, contents)]
    };
    assert_eq!(with_leaf(window(None, Some(AT - 1))), refused(Reason::CertificateExpired, "Leaf"));
    assert_eq!(with_leaf(window(Some(AT + 1), None)), refused(Reason::CertificateNotYetValid, "Leaf"));
    let root = Party::root(Spec::ca("Root"));
    let leaf = root.issue(Spec::leaf("Leaf").with(window(Some(AT), Some(AT))));
    assert!(Ask::new(&leaf, &[], &[&root]).find().is_ok());
}

/// Attack 26: name constraints of a CA and of the anchor.
#[test]
fn attack_26_a_name_outside_of_the_constraints_is_refused() {
    let only = |names: (&[&str], &[&str])| {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        Some((owned(names.0), owned(names.1)))
    };
    let judged = |on_anchor: bool, constraints: Option<(Vec<String>, Vec<String>)>, name: &str| {
        let (mut top, mut low) = (Spec::ca("Root"), Spec::ca("CA"));
        if on_anchor { &mut top } else { &mut low }.dns_constraints = constraints;
        let root = Party::root(top);
        let ca = root.issue(low);
        let leaf = ca.issue(Spec::leaf("Leaf").with(|s| s.dns_names = vec![name.to_owned()]));
        Ask::new(&leaf, &[&ca], &[&root]).find().map(drop).map_err(|fault| fault.reason())
    };
    for on_anchor in [false, true] {
        let permitted = only((&["maker.example"], &[]));
        let excluded = only((&[], &["evil.example"]));
        assert_eq!(judged(on_anchor, permitted.clone(), "a.maker.example"), Ok(()));
        assert_eq!(judged(on_anchor, permitted, "a.other.example"), Err(Reason::NameConstraintViolated));
        assert_eq!(judged(on_anchor, excluded.clone(), "a.maker.example"), Ok(()));
        assert_eq!(judged(on_anchor, excluded, "a.evil.example"), Err(Reason::NameConstraintViolated));
    }
}

/// Attack 28: nothing in the certificates moves the time; the caller's alone decides.
#[test]
fn attack_28_the_time_is_the_callers_and_no_documents() {
    let (root, ca, leaf) = three();
    let at = |at| Ask::new(&leaf, &[&ca], &[&root]).with(|ask| ask.at = at);
    assert!(at(AT).find().is_ok());
    // A fresh list made after the end of the leaf does not bring it back.
    let later = leaf.spec.not_after + DAY;
    let fresh = |list: &mut List| (list.this_update, list.next_update) = (later, Some(later + DAY));
    let crls = vec![ca.crl(&List::default().with(fresh)), root.crl(&List::default().with(fresh))];
    let ask = at(later).with(|ask| ask.crls = crls);
    assert_eq!(ask.refusal(), refused(Reason::CertificateExpired, "Leaf"));
}

/// Attack 29: years on the shelf are no forgery, and a forgery does not pass for years on the shelf.
#[test]
fn attack_29_expired_and_forged_are_two_answers_of_two_classes() {
    let (root, ca, leaf) = three();
    let years = AT + 2_000 * DAY;
    let ask = Ask::new(&leaf, &[&ca], &[&root]).with(|ask| ask.at = years);
    assert_eq!(ask.refusal(), refused(Reason::CertificateExpired, "Leaf"));
    assert_eq!(Reason::CertificateExpired.class(), Class::Stuck);
    let forged = Ask::new(&leaf, &[&ca], &[&root]).with(|ask| {
        ask.at = years;
        ask.leaf = broken(&leaf.der);
    });
    assert_eq!(forged.refusal(), refused(Reason::CertificateSignatureInvalid, "Leaf"));
    assert_eq!(Reason::CertificateSignatureInvalid.class(), Class::Contradicts);
    let no_ca = root.issue(Spec::ca("CA").with(|s| s.is_ca = IsCa::ExplicitNoCa));
    let leaf = no_ca.issue(Spec::leaf("Leaf"));
    let ask = Ask::new(&leaf, &[&no_ca], &[&root]).with(|ask| ask.at = years);
    assert_eq!(ask.refusal(), refused(Reason::CaFlagMissing, "CA"));
    let revoked = Ask::new(&three().2, &[], &[&root]);
    assert_eq!(revoked.refusal().0, Reason::PathNotFound);
}

/// Attack 29: a revoked signer is revoked, also when his certificate has run out since.
#[test]
fn attack_29_revoked_is_told_before_expired() {
    let (root, ca, leaf) = three();
    let years = AT + 2_000 * DAY;
    let fresh = |list: &mut List| (list.this_update, list.next_update) = (years, Some(years + DAY));
    let ask = Ask::new(&leaf, &[&ca], &[&root]).with(|ask| {
        ask.at = years;
        ask.crls = vec![ca.crl(&List::revoking(100).with(fresh)), root.crl(&List::default().with(fresh))];
    });
    assert_eq!(ask.refusal(), refused(Reason::SignerRevoked, "Leaf"));
}

/// Attack 30: RSA below 2,048 bits, for the leaf and for a CA; 2,048 bits are enough.
#[test]
fn attack_30_a_short_rsa_key_is_refused() {
    let root = Party::root(Spec::ca("Root"));
    let leaf = |bits| {
        Ask::new(&root, &[], &[&root]).with(|ask| {
            ask.leaf = root.certify_key(&Spec::leaf("Leaf"), &RsaKey::of_bits(bits));
        })
    };
    assert_eq!(leaf(1_024).refusal(), refused(Reason::CertificateWeakKey, "Leaf"));
    assert_eq!(leaf(2_040).refusal(), refused(Reason::CertificateWeakKey, "Leaf"));
    assert!(leaf(2_048).find().is_ok());
}

/// Attack 30: a signature over SHA-1 or MD5 is refused before it is looked at.
#[test]
fn attack_30_a_signature_over_sha_1_or_md5_is_refused() {
    let (root, ca, leaf) = three();
    let null = vec![5, 0];
    for algorithm in [
        [oid(&[1, 2, 840, 113_549, 1, 1, 5]), null.clone()].concat(),
        [oid(&[1, 2, 840, 113_549, 1, 1, 4]), null].concat(),
        oid(&[1, 2, 840, 10_045, 4, 1]),
        // RSASSA-PSS with default parameters: SHA-1 (RFC 4055 section 3.1).
        [oid(&[1, 2, 840, 113_549, 1, 1, 10]), tlv(0x30, &[])].concat(),
    ] {
        let weak = resigned(&leaf.der, &tlv(0x30, &algorithm), |_| vec![1; 256]);
        let ask = Ask::new(&leaf, &[&ca], &[&root]).with(|ask| ask.leaf = weak);
        assert_eq!(ask.refusal(), refused(Reason::CertificateWeakSignature, "Leaf"), "{algorithm:02x?}");
    }
}

/// Attack 31, as far as paths go: a key certified for one kind of document does not sign another.
#[test]
fn attack_31_a_certificate_for_another_purpose_is_refused() {
    let other = |last: u64| {
        let mut purpose = crate::pki::RELEASE.to_vec();
        *purpose.last_mut().unwrap() = last;
        purpose
    };
    for purposes in
        [vec![], vec![other(2)], vec![other(3)], vec![vec![2, 5, 29, 37, 0]], vec![vec![1, 3, 6, 1, 5, 5, 7, 3, 3]]]
    {
        assert_eq!(with_leaf(|s| s.purposes = purposes), refused(Reason::PurposeMissing, "Leaf"));
    }
    let both = vec![other(2), crate::pki::RELEASE.to_vec()];
    let judged = |on_anchor: bool, purposes: Vec<Vec<u64>>| {
        let (mut top, mut low) = (Spec::ca("Root"), Spec::ca("CA"));
        if on_anchor { &mut top } else { &mut low }.purposes = purposes;
        let root = Party::root(top);
        let ca = root.issue(low);
        let leaf = ca.issue(Spec::leaf("Leaf").with(|s| s.purposes = both.clone()));
        Ask::new(&leaf, &[&ca], &[&root]).find().map(drop).map_err(|fault| fault.reason())
    };
    for on_anchor in [false, true] {
        // A CA for shipments cannot make a release signer by adding its own purpose to the leaf.
        assert_eq!(judged(on_anchor, vec![other(2)]), Err(Reason::PurposeMissing));
        assert_eq!(judged(on_anchor, vec![vec![2, 5, 29, 37, 0]]), Ok(()));
        assert_eq!(judged(on_anchor, both.clone()), Ok(()));
    }
}

#[test]
fn a_leaf_without_digital_signature_is_refused() {
    assert_eq!(with_leaf(|s| s.usages = Vec::new()), refused(Reason::KeyUsageWrong, "Leaf"));
    assert_eq!(with_leaf(|s| s.usages = vec![KeyUsagePurpose::KeyAgreement]), refused(Reason::KeyUsageWrong, "Leaf"));
}

#[test]
fn a_purpose_with_an_arc_of_33_bits_has_its_own_reason() {
    let large = |s: &mut Spec| s.purposes.push(vec![2, 25, 1 << 40]);
    assert_eq!(with_leaf(large), refused(Reason::PurposeArcTooLarge, "Leaf"));
    assert_eq!(with_ca(large), refused(Reason::PurposeArcTooLarge, "CA"));
}

#[test]
fn an_extension_that_the_path_library_cannot_read_is_not_taken_for_absent() {
    // certificatePolicies with an arc that it cannot hold: dropped silently, a constraint would be lost.
    let policies = tlv(0x30, &tlv(0x30, &oid(&[2, 25, 1 << 40])));
    let reason = with_ca(|s| s.extensions = vec![(vec![2, 5, 29, 32], false, policies)]);
    assert_eq!(reason, refused(Reason::CertificateMalformed, "CA"));
}

/// Every byte of the leaf, of its issuer and of both lists counts.
#[test]
fn a_path_with_any_byte_changed_is_refused() {
    let (root, ca, leaf) = three();
    let good = Ask::new(&leaf, &[&ca], &[&root]);
    assert!(good.find().is_ok());
    let parts: [fn(&mut Ask) -> &mut Vec<u8>; 4] =
        [|ask| &mut ask.leaf, |ask| &mut ask.bag[0], |ask| &mut ask.crls[0], |ask| &mut ask.crls[1]];
    for (number, part) in parts.into_iter().enumerate() {
        let length = part(&mut Ask::new(&leaf, &[&ca], &[&root]).with(|ask| ask.crls.clone_from(&good.crls))).len();
        for at in 0..length {
            let mut changed = Ask::new(&leaf, &[&ca], &[&root]).with(|ask| ask.crls.clone_from(&good.crls));
            part(&mut changed)[at] ^= 1 << (at % 8);
            assert!(!changed.is_accepted(), "part {number}, byte {at}");
        }
    }
}
