use super::{Kind, sign};
use crate::maker::key::PemSigner;
use crate::pki::{AT, DAY, Party, Spec};
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::manifest::Validity;
use ecugate_verifier::documents::manifest::shipment::{Condition, Shipment, Unit};
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Hardware, Manufacturer, Name, Part, Serial};
use ecugate_verifier::values::keys::Signer as _;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use rcgen::{BasicConstraints, IsCa, KeyUsagePurpose};

const LIMITS: &Limits = &Limits::STANDARD;

/// The arcs of the purpose of shipment manifests: those of release manifests but for the last.
fn shipment_purpose() -> Vec<u64> {
    let mut arcs = crate::pki::RELEASE.to_vec();
    *arcs.last_mut().unwrap() = 2;
    arcs
}

fn time(seconds: u64) -> Time {
    Time::from_unix_seconds(i64::try_from(seconds).unwrap()).unwrap()
}

fn shipment() -> Shipment {
    let name = |text: &str| Name::new(text).unwrap();
    let unit = Unit {
        part: Part::new("P").unwrap(),
        serial: Serial::new("S1").unwrap(),
        hardware: Hardware::new("A").unwrap(),
        hardware_id: None,
        device_certificate: None,
        device_key: None,
        release: name("R"),
        condition: Condition::New,
    };
    Shipment {
        manufacturer: Manufacturer::new("ACME").unwrap(),
        shipment: name("SH-1"),
        consignee: name("site-1"),
        issued: time(AT),
        valid: Validity { from: time(AT - DAY), until: time(AT + DAY) },
        units: vec![unit],
    }
}

/// Root, issuing CA and the signer, whose certificate is changed by the test.
fn parties(change: impl FnOnce(&mut Spec)) -> [Party; 3] {
    let root = Party::root(Spec::ca("Root"));
    let issuing = root.issue(Spec::ca("Issuing"));
    let spec = Spec::leaf("Signer").with(|spec| spec.purposes = vec![shipment_purpose()]).with(change);
    let leaf = issuing.issue(spec);
    [leaf, issuing, root]
}

fn signed_by(party: &Party, payload: Vec<u8>, chain: &[&Party]) -> Result<super::Signed, Finding> {
    let signer = PemSigner::from_pem(party.key.serialize_pem().as_bytes()).unwrap();
    let chain: Vec<_> = chain.iter().map(|party| Certificate::from_der(&party.der, LIMITS).unwrap()).collect();
    sign(payload, &signer, &chain, time(AT)).map_err(|fault| fault.finding())
}

fn payload() -> Vec<u8> {
    document::payload(shipment(), LIMITS).unwrap()
}

fn reason_of(change: impl FnOnce(&mut Spec)) -> Reason {
    let [leaf, issuing, _] = parties(change);
    let alone = signed_by(&leaf, payload(), &[&leaf]).unwrap_err().reason;
    assert_eq!(signed_by(&leaf, payload(), &[&leaf, &issuing]).unwrap_err().reason, alone);
    alone
}

#[test]
fn the_verifier_reads_what_was_signed_and_finds_the_chain() {
    let [leaf, issuing, _] = parties(|_| {});
    let signed = signed_by(&leaf, payload(), &[&leaf, &issuing]).unwrap();
    assert_eq!((signed.summary.kind, signed.summary.id.as_str()), (Kind::Shipment, "SH-1"));
    assert_eq!(signed.notes, Vec::<String>::new());
    let envelope = Envelope::parse(signed.envelope.bytes(), LIMITS).unwrap();
    assert_eq!(envelope.signatures()[0].chain(), [leaf.der.clone(), issuing.der.clone()]);
    let signer = PemSigner::from_pem(leaf.key.serialize_pem().as_bytes()).unwrap();
    let read: Shipment = document::read(&envelope.verify_with(signer.public_key()).unwrap(), LIMITS).unwrap();
    assert_eq!(read, shipment());
}

#[test]
fn a_leaf_that_no_site_would_take_is_refused_with_its_chain_and_without() {
    assert_eq!(reason_of(|leaf| leaf.purposes = vec![crate::pki::RELEASE.to_vec()]), Reason::PurposeMissing);
    assert_eq!(reason_of(|leaf| leaf.purposes = Vec::new()), Reason::PurposeMissing);
    assert_eq!(reason_of(|leaf| leaf.usages = vec![KeyUsagePurpose::KeyEncipherment]), Reason::KeyUsageWrong);
    assert_eq!(reason_of(|leaf| leaf.usages.push(KeyUsagePurpose::KeyCertSign)), Reason::KeyUsageWrong);
    assert_eq!(reason_of(|leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)), Reason::LeafIsCa);
    assert_eq!(reason_of(|leaf| leaf.not_after = AT - 1), Reason::CertificateExpired);
    assert_eq!(reason_of(|leaf| leaf.not_before = AT + 1), Reason::CertificateNotYetValid);
}

#[test]
fn a_certificate_of_another_key_is_refused_and_the_right_one_in_another_place_is_named() {
    let [leaf, issuing, root] = parties(|_| {});
    let [other, ..] = parties(|_| {});
    let finding = signed_by(&leaf, payload(), &[&other]).unwrap_err();
    assert_eq!(finding.reason, Reason::SigningKeyDiffers);
    let finding = signed_by(&leaf, payload(), &[&root, &issuing, &leaf]).unwrap_err();
    assert_eq!(finding.reason, Reason::SigningKeyDiffers);
    assert_eq!(finding.found, "one of another key; certificate 3 is of the signing key");
    assert_eq!(signed_by(&leaf, payload(), &[]).unwrap_err().reason, Reason::CertificateMissing);
}

#[test]
fn certificates_that_do_not_lead_upwards_are_refused() {
    let [leaf, ..] = parties(|_| {});
    let [_, stranger, _] = parties(|_| {});
    // Of the same name: only its signature tells that it is another CA.
    assert_eq!(
        signed_by(&leaf, payload(), &[&leaf, &stranger]).unwrap_err().reason,
        Reason::CertificateSignatureInvalid
    );
    let root = Party::root(Spec::ca("Root"));
    let expired = root.issue(Spec::ca("Issuing").with(|ca| ca.not_after = AT - 1));
    let leaf = expired.issue(Spec::leaf("Signer").with(|spec| spec.purposes = vec![shipment_purpose()]));
    assert_eq!(signed_by(&leaf, payload(), &[&leaf, &expired]).unwrap_err().reason, Reason::CertificateExpired);
    let selfsigned = Party::root(Spec::leaf("Signer").with(|spec| spec.purposes = vec![shipment_purpose()]));
    assert_eq!(signed_by(&selfsigned, payload(), &[&selfsigned]).unwrap_err().reason, Reason::LeafIsAnchor);
}

#[test]
fn a_root_and_a_certificate_beside_the_path_go_along_and_are_noted() {
    let [leaf, issuing, root] = parties(|_| {});
    let beside = root.issue(Spec::ca("Beside"));
    let signed = signed_by(&leaf, payload(), &[&leaf, &issuing, &beside, &root]).unwrap();
    assert_eq!(
        signed.notes,
        [
            "certificate 3 (CN=Beside) is not on the path of the signer",
            "certificate 4 (CN=Root) is self-signed: it goes along, and no site takes it from here",
        ]
    );
    assert_eq!(signed.envelope.signatures()[0].chain().len(), 4);
    let signed = signed_by(&leaf, payload(), &[&leaf]).unwrap();
    assert_eq!(signed.notes, ["only the signer's certificate goes along; its issuer is CN=Issuing"]);
}

#[test]
fn a_payload_of_another_kind_an_envelope_and_a_changed_subject_are_refused() {
    let [leaf, issuing, _] = parties(|_| {});
    let refused = |payload: Vec<u8>| signed_by(&leaf, payload, &[&leaf, &issuing]).unwrap_err();
    let signed = signed_by(&leaf, payload(), &[&leaf, &issuing]).unwrap();
    let finding = refused(signed.envelope.bytes().to_vec());
    assert_eq!(finding.reason, Reason::PredicateTypeWrong);
    assert_eq!(finding.found, "an envelope: what is in it was signed already");
    let text = String::from_utf8(payload()).unwrap();
    let change = |from: &str, to: &str| refused(text.replacen(from, to, 1).into_bytes()).reason;
    assert_eq!(change("urn:ecugate:shipment:v1", "urn:ecugate:receipt:v1"), Reason::PredicateTypeWrong);
    assert_eq!(change("urn:ecugate:shipment:v1", "urn:ecugate:release:v1"), Reason::PurposeMissing);
    assert_eq!(change("\"serial\":\"S1\"", "\"serial\":\"S2\""), Reason::SubjectMismatch);
    assert_eq!(change("\"condition\"", "\"colour\""), Reason::JsonUnknownField);
    assert_eq!(refused(b"hello".to_vec()).reason, Reason::JsonSyntax);
    assert_eq!(refused(b"[]".to_vec()).reason, Reason::PredicateTypeWrong);
}

#[test]
fn a_document_whose_validity_is_over_is_refused() {
    let [leaf, issuing, _] = parties(|_| {});
    let valid = Validity { from: time(AT - 9 * DAY), until: time(AT - DAY) };
    let over = document::payload(Shipment { valid, ..shipment() }, LIMITS).unwrap();
    assert_eq!(signed_by(&leaf, over, &[&leaf, &issuing]).unwrap_err().reason, Reason::ManifestExpired);
}
