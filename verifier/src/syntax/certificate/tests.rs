use super::{Certificate, certificates};
use crate::pki::{AT, List, Party, Spec, integer, oid, pem, tlv};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use proptest::prelude::{ProptestConfig, any, proptest};

const LIMITS: Limits = Limits::STANDARD;

fn read(der: &[u8]) -> Result<Certificate, (Reason, String, String)> {
    Certificate::from_der(der, &LIMITS).map_err(|fault| {
        let finding = fault.finding();
        (fault.reason(), finding.place, finding.found)
    })
}

fn fault(input: &[u8]) -> (Reason, String, String) {
    let finding = certificates(input, &LIMITS).unwrap_err().finding();
    (finding.reason, finding.place, finding.found)
}

#[test]
fn a_certificate_says_what_it_was_made_with() {
    let root = Party::root(Spec::ca("Root").with(|s| s.organization = "Müller, AG".to_owned()));
    let leaf = read(&root.issue(Spec::leaf("Release 1")).der).unwrap();
    assert_eq!(leaf.subject_text(), "CN=Release 1");
    assert_eq!(leaf.issuer_text(), "CN=Root,O=Müller\\, AG");
    assert_eq!(leaf.serial_text(), "64");
    assert_eq!(leaf.purposes(), [crate::values::ident::purpose::RELEASE]);
    assert_eq!(leaf.not_before().unix_seconds(), i64::try_from(AT).unwrap() - 100 * 86_400);
    assert!(!leaf.is_ca() && leaf.may_sign_documents() && !leaf.may_sign_certificates() && !leaf.may_sign_crls());
    let root = read(&root.der).unwrap();
    assert!(root.is_ca() && !root.may_sign_documents() && root.may_sign_certificates() && root.may_sign_crls());
    assert_eq!(root.public_key().unwrap().spki(), root.spki());
}

#[test]
fn bytes_after_the_end_are_refused() {
    let mut der = Party::root(Spec::ca("Root")).der;
    der.push(0);
    assert_eq!(read(&der).unwrap_err(), (Reason::CertificateMalformed, "certificate".into(), "1 more bytes".into()));
}

#[test]
fn an_extension_that_stands_twice_is_refused() {
    let twice = Spec::leaf("Leaf").with(|s| {
        s.extensions = vec![(vec![1, 2, 3, 4], false, vec![5, 0]), (vec![1, 2, 3, 4], false, vec![5, 0])];
    });
    let der = Party::root(Spec::ca("Root")).issue(twice).der;
    assert_eq!(read(&der).unwrap_err(), (Reason::CertificateMalformed, "extension 1.2.3.4".into(), "twice".into()));
}

#[test]
fn a_known_extension_that_cannot_be_read_is_refused() {
    for (oid, contents) in
        [(vec![2, 5, 29, 30], vec![0x30, 1]), (vec![2, 5, 29, 16], vec![0x30, 0]), (vec![2, 5, 29, 36], vec![0x04, 0])]
    {
        let der = Party::root(Spec::ca("Root"))
            .issue(Spec::leaf("Leaf").with(|s| s.extensions = vec![(oid.clone(), false, contents)]))
            .der;
        assert_eq!(read(&der).unwrap_err().0, Reason::CertificateMalformed, "{oid:?}");
    }
}

#[test]
fn a_negative_serial_is_refused() {
    let der = Party::root(Spec::ca("Root").with(|s| s.serial = 0x55)).der;
    let at = der.windows(3).position(|window| window == [2, 1, 0x55]).unwrap();
    let mut negative = der;
    negative[at + 2] = 0xd5;
    assert_eq!(read(&negative).unwrap_err(), (Reason::CertificateMalformed, "serialNumber".into(), "d5".into()));
}

#[test]
fn a_signature_algorithm_that_differs_from_the_signed_one_is_refused() {
    let der = Party::root(Spec::ca("Root")).der;
    let outer = super::der::element(&der).unwrap().contents;
    let tbs = &outer[..outer.len() - super::der::element(outer).unwrap().rest.len()];
    let algorithm = tlv(0x30, &oid(&[1, 2, 840, 10_045, 4, 3, 2]));
    let changed = tlv(0x30, &[tbs, &algorithm, &tlv(0x03, &[0; 65])].concat());
    assert_eq!(read(&changed).unwrap_err(), (Reason::CertificateMalformed, "signatureAlgorithm".into(), "two".into()));
}

#[test]
fn a_certificate_over_the_cap_is_refused_before_it_is_read() {
    let der = vec![0x30; LIMITS.certificate_bytes + 1];
    assert_eq!(read(&der).unwrap_err(), (Reason::InputTooLarge, "certificate".into(), "65537 bytes".into()));
}

#[test]
fn a_purpose_with_an_arc_of_33_bits_is_kept_and_marked() {
    let large = vec![2, 25, 1 << 32];
    let der = Party::root(Spec::ca("Root")).issue(Spec::leaf("Leaf").with(|s| s.purposes = vec![large])).der;
    let leaf = read(&der).unwrap();
    assert_eq!(leaf.purposes(), ["2.25.4294967296"]);
    assert_eq!(leaf.large_arc(), Some("2.25.4294967296"));
}

#[test]
fn a_file_with_many_certificates_is_read_in_order_and_text_between_them_is_skipped() {
    let root = Party::root(Spec::ca("Root"));
    let leaf = root.issue(Spec::leaf("Leaf"));
    let file = format!("subject=CN = Root\n{}\r\n\n# the leaf\n{}", root.pem().replace('\n', "\r\n"), leaf.pem());
    let read = certificates(file.as_bytes(), &LIMITS).unwrap();
    assert_eq!(read.iter().map(Certificate::der).collect::<Vec<_>>(), [&root.der[..], &leaf.der[..]]);
    assert_eq!(certificates(&leaf.der, &LIMITS).unwrap()[0].digest(), read[1].digest());
}

#[test]
fn a_file_that_is_something_else_is_named() {
    let root = Party::root(Spec::ca("Root"));
    let key = root.key.serialize_der();
    let list = root.crl(&List::default());
    let request = pem("CERTIFICATE REQUEST", &[0x30, 0]);
    let spki = tlv(0x30, &[tlv(0x30, &oid(&[1, 3, 101, 112])), tlv(0x03, &[0; 33])].concat());
    let legacy_key = tlv(0x30, &[integer(0), integer(9), integer(3)].concat());
    for (input, found) in [
        (&key[..], "a private key or PKCS#12 file"),
        (&legacy_key, "a private key or PKCS#12 file"),
        (&spki, "a public key"),
        (&list, "a CRL"),
        (b" {\"payload\":1}", "JSON"),
        (b":00000001FF\n", "a firmware image (Intel HEX)"),
        (b"S00600004844521B\n", "a firmware image (S-record)"),
        (b"\x7fELF\x02", "a firmware image (ELF)"),
        (b"serial;part\n", "text of another kind"),
        (&[0, 1, 2], "bytes of another kind"),
    ] {
        assert_eq!(fault(input), (Reason::CertificateMalformed, "certificate".into(), found.into()));
    }
    for (input, found) in [
        (root.key.serialize_pem(), "a private key (\"PRIVATE KEY\")"),
        (pem("X509 CRL", &list), "a CRL (\"X509 CRL\")"),
        (request, "a certificate request (\"CERTIFICATE REQUEST\")"),
    ] {
        assert_eq!(fault(input.as_bytes()), (Reason::CertificateMalformed, "line 1".into(), found.into()));
    }
    assert_eq!(fault(b"").0, Reason::InputEmpty);
}

#[test]
fn a_private_key_behind_a_certificate_is_refused_and_not_skipped() {
    let root = Party::root(Spec::ca("Root"));
    let file = format!("{}{}", root.pem(), root.key.serialize_pem());
    assert_eq!(fault(file.as_bytes()).0, Reason::CertificateMalformed);
}

#[test]
fn a_pem_block_that_is_cut_off_nested_or_not_base64_is_refused_with_its_line() {
    let whole = Party::root(Spec::ca("Root")).pem();
    let cut = whole.replace("-----END CERTIFICATE-----\n", "");
    let nested = format!("{cut}{whole}");
    let spoilt = whole.replacen("\nMI", "\nM!", 1);
    assert_eq!(fault(cut.as_bytes()), (Reason::CertificateMalformed, "line 1".into(), "none".into()));
    assert_eq!(fault(nested.as_bytes()), (Reason::CertificateMalformed, "line 1".into(), "none".into()));
    assert_eq!(fault(spoilt.as_bytes()).1, "block of line 1");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = certificates(&bytes, &LIMITS);
    }

    #[test]
    fn a_changed_byte_never_panics_and_never_reads_as_the_same_certificate(at in 0_usize..10_000, bit in 0_u8..8) {
        let mut der = sample().to_vec();
        let at = at % der.len();
        der[at] ^= 1 << bit;
        if let Ok(read) = Certificate::from_der(&der, &LIMITS) {
            assert_ne!(read.digest(), Certificate::from_der(sample(), &LIMITS).unwrap().digest());
        }
    }
}

fn sample() -> &'static [u8] {
    static SAMPLE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    SAMPLE.get_or_init(|| Party::root(Spec::ca("Root")).issue(Spec::leaf("Leaf")).der)
}
