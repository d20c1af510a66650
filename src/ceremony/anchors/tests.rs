//! The arithmetic of lists: what may follow on what, and what is said of the difference.

use super::{Addition, Change, Proposal, changes, propose};
use crate::ceremony::found::AnchorGiven;
use crate::pki::{AT, DAY, Kind, Party, Spec};
use ecugate_verifier::documents::anchor_list::{AnchorList, Role, Serials};
use ecugate_verifier::documents::document;
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Manufacturer, Name, PartScope};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::time::Time;

const LIMITS: &Limits = &Limits::STANDARD;

fn time(seconds: u64) -> Time {
    Time::from_unix_seconds(i64::try_from(seconds).unwrap()).unwrap()
}

fn certificate(spec: Spec) -> Certificate {
    Certificate::from_der(&Party::root(spec).der, LIMITS).unwrap()
}

fn addition(certificate: &Certificate, manufacturer: &str) -> Addition {
    let given = AnchorGiven {
        certificate: certificate.clone(),
        manufacturer: Manufacturer::new(manufacturer).unwrap(),
        roles: vec![Role::Release, Role::Shipment],
        parts: vec![PartScope::parse("X100*").unwrap()],
    };
    Addition { given, serials: Serials::MayList, valid_until: None, crl_hours: None }
}

fn adding(certificates: &[(&Certificate, &str)]) -> Proposal {
    let additions = certificates.iter().map(|(certificate, maker)| addition(certificate, maker)).collect();
    Proposal { additions, ..Proposal::default() }
}

/// A list of one certificate, version 1.
fn first(certificate: &Certificate) -> AnchorList {
    let anchors = vec![addition(certificate, "maker").listing(time(AT)).unwrap()];
    let (issued, expires) = (time(AT), time(AT + 90 * DAY));
    AnchorList { site: Name::new("dock.example").unwrap(), version: 1, issued, expires, previous: None, anchors }
}

fn next(before: &AnchorList, proposal: &Proposal) -> Result<AnchorList, Finding> {
    propose(before, Sha256::of(b"before"), before.version + 1, proposal, time(AT + DAY))
}

fn refused(before: &AnchorList, proposal: &Proposal) -> (&'static str, String) {
    let finding = next(before, proposal).unwrap_err();
    (finding.reason.code(), finding.found)
}

#[test]
fn an_added_certificate_counts_from_now_to_its_own_end_and_the_others_keep_their_terms() {
    let (old, new) = (certificate(Spec::ca("Old")), certificate(Spec::ca("New")));
    let before = first(&old);
    let list = next(&before, &adding(&[(&new, "other")])).unwrap();
    assert_eq!((list.version, list.previous), (2, Some(Sha256::of(b"before"))));
    assert_eq!((list.issued, list.expires), (time(AT + DAY), time(AT + 91 * DAY)));
    assert_eq!(list.anchors[0], before.anchors[0]);
    let added = &list.anchors[1];
    assert_eq!((added.sha256, added.manufacturer.as_str(), added.crl_hours), (new.digest(), "other", 744));
    assert_eq!((added.valid.from, added.valid.until), (time(AT + DAY), new.not_after()));
    // What is proposed is what a gate reads.
    let payload = document::payload(list.clone(), LIMITS).unwrap();
    assert_eq!(document::read_unsigned::<AnchorList>(&payload, LIMITS), Ok(list.clone()));
    match changes(&before, &list, std::slice::from_ref(&new)).as_slice() {
        [Change::Added(one)] => {
            assert_eq!((&one.listing, one.certificate.as_ref()), (added, Some(&new)));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_retired_certificate_is_gone_and_its_change_is_said_also_where_it_is_not_at_hand() {
    let (old, new) = (certificate(Spec::ca("Old")), certificate(Spec::ca("New")));
    let both = next(&first(&old), &adding(&[(&new, "other")])).unwrap();
    let list = next(&both, &Proposal { retire: vec![old.digest()], ..Proposal::default() }).unwrap();
    assert_eq!(list.anchors, both.anchors[1..]);
    match changes(&both, &list, &[]).as_slice() {
        [Change::Retired(one)] => assert_eq!((one.listing.sha256, &one.certificate), (old.digest(), &None)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_certificate_gets_other_terms_only_where_it_is_retired_and_added_in_one_list() {
    let old = certificate(Spec::ca("Old"));
    let before = first(&old);
    assert_eq!(refused(&before, &adding(&[(&old, "other")])).0, "usage");
    let mut both = adding(&[(&old, "maker")]);
    both.retire = vec![old.digest()];
    both.additions[0].serials = Serials::MayNotList;
    let list = next(&before, &both).unwrap();
    match changes(&before, &list, std::slice::from_ref(&old)).as_slice() {
        [Change::Altered { before: terms, after }] => {
            assert_eq!((terms.serials, after.listing.serials), (Serials::MayList, Serials::MayNotList));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_list_that_changes_nothing_that_holds_nobody_or_that_names_a_stranger_is_refused() {
    let (old, new) = (certificate(Spec::ca("Old")), certificate(Spec::ca("New")));
    let before = first(&old);
    assert_eq!(refused(&before, &Proposal::default()).0, "usage");
    let renewed = next(&before, &Proposal { renew: true, ..Proposal::default() }).unwrap();
    assert_eq!((renewed.anchors.as_slice(), changes(&before, &renewed, &[])), (before.anchors.as_slice(), vec![]));
    let nobody = Proposal { retire: vec![old.digest()], ..Proposal::default() };
    assert_eq!(refused(&before, &nobody).0, "anchors-empty");
    let stranger = Proposal { retire: vec![new.digest()], ..Proposal::default() };
    assert_eq!(refused(&before, &stranger), ("usage", new.digest().to_string()));
    let twice = Proposal { retire: vec![old.digest(); 2], ..Proposal::default() };
    assert_eq!(refused(&before, &twice).0, "usage");
    assert_eq!(refused(&before, &adding(&[(&new, "a"), (&new, "b")])).0, "usage");
}

#[test]
fn what_could_be_no_anchor_of_a_gate_is_not_listed() {
    let before = first(&certificate(Spec::ca("Old")));
    let leaf = certificate(Spec::leaf("Signer"));
    let no_signing = certificate(Spec::ca("x").with(|spec| spec.usages = vec![rcgen::KeyUsagePurpose::CrlSign]));
    let over = certificate(Spec::ca("x").with(|spec| spec.not_after = AT));
    let to_come = certificate(Spec::ca("x").with(|spec| spec.not_before = AT + 2 * DAY));
    for (bad, reason) in [
        (&leaf, "ca-flag-missing"),
        (&no_signing, "key-usage-wrong"),
        (&over, "certificate-expired"),
        (&to_come, "certificate-not-yet-valid"),
    ] {
        assert_eq!(refused(&before, &adding(&[(bad, "maker")])).0, reason);
    }
    let weak = Party::root(Spec::ca("root")).certify_key(&Spec::ca("weak"), &crate::pki::RsaKey::of_bits(1_024));
    let weak = Certificate::from_der(&weak, LIMITS).unwrap();
    assert_eq!(refused(&before, &adding(&[(&weak, "maker")])).0, "certificate-weak-key");
    let p384 = certificate(Spec::ca("x").with(|spec| spec.kind = Kind::P384));
    assert!(next(&before, &adding(&[(&p384, "maker")])).is_ok());
}

#[test]
fn dates_of_a_list_or_a_line_that_could_not_be_are_refused() {
    let (old, new) = (certificate(Spec::ca("Old")), certificate(Spec::ca("New")));
    let before = first(&old);
    for expires in [AT, AT + DAY] {
        let mut proposal = adding(&[(&new, "other")]);
        proposal.expires = Some(time(expires));
        assert_eq!(refused(&before, &proposal), ("usage", time(expires).to_string()));
    }
    for until in [AT, AT + 5_001 * DAY] {
        let mut proposal = adding(&[(&new, "other")]);
        proposal.additions[0].valid_until = Some(time(until));
        assert_eq!(refused(&before, &proposal), ("usage", time(until).to_string()));
    }
    let mut proposal = adding(&[(&new, "other")]);
    proposal.additions[0].valid_until = Some(time(AT + 30 * DAY));
    assert_eq!(next(&before, &proposal).unwrap().anchors[1].valid.until, time(AT + 30 * DAY));
}
