use super::{Crl, CrlNumber, crls};
use crate::pki::{AT, List, Party, Spec, pem};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

const LIMITS: Limits = Limits::STANDARD;

fn fault(input: &[u8], limits: &Limits) -> (Reason, String, String) {
    let finding = crls(input, limits).unwrap_err().finding();
    (finding.reason, finding.place, finding.found)
}

#[test]
fn a_list_says_what_it_was_made_with() {
    let root = Party::root(Spec::ca("Root"));
    let list = List { number: Some(0x0123), revoked: vec![1, 2, 3], ..List::default() };
    let crl = Crl::from_der(&root.crl(&list), &LIMITS).unwrap();
    assert_eq!(crl.issuer_text(), "CN=Root");
    assert_eq!(crl.this_update().unix_seconds(), i64::try_from(AT).unwrap() - 86_400);
    assert_eq!(crl.next_update().unwrap().unix_seconds(), i64::try_from(AT).unwrap() + 30 * 86_400);
    assert_eq!(crl.number().unwrap().to_string(), "0123");
    assert_eq!(crl.entries(), 3);
    assert!(!crl.is_delta() && !crl.names_delta());
}

#[test]
fn entries_over_the_cap_are_refused_before_they_are_read() {
    let few = Limits { crl_entries: 2, ..LIMITS };
    let der = Party::root(Spec::ca("Root")).crl(&List { revoked: vec![1, 2, 3], ..List::default() });
    assert_eq!(fault(&der, &few), (Reason::CrlMalformed, "CRL".into(), "more".into()));
    assert_eq!(Crl::from_der(&der, &Limits { crl_entries: 3, ..LIMITS }).unwrap().entries(), 3);
    let short = Limits { crl_bytes: der.len() - 1, ..LIMITS };
    assert_eq!(fault(&der, &short), (Reason::CrlMalformed, "CRL".into(), der.len().to_string()));
}

#[test]
fn bytes_after_the_end_and_files_of_another_kind_are_refused() {
    let root = Party::root(Spec::ca("Root"));
    let mut der = root.crl(&List::default());
    der.push(0);
    assert_eq!(fault(&der, &LIMITS), (Reason::CrlMalformed, "CRL".into(), "1 more bytes".into()));
    assert_eq!(fault(&root.der, &LIMITS), (Reason::CrlMalformed, "CRL".into(), "a certificate".into()));
    let found = "a certificate (\"CERTIFICATE\")";
    assert_eq!(fault(root.pem().as_bytes(), &LIMITS), (Reason::CrlMalformed, "line 1".into(), found.into()));
    assert_eq!(fault(b"", &LIMITS).2, "an empty file");
}

#[test]
fn a_signature_algorithm_that_differs_from_the_signed_one_is_refused() {
    let der = Party::root(Spec::ca("Root")).crl(&List::default());
    let algorithm = super::der::element(&der).unwrap().contents;
    let algorithm = super::der::element(algorithm).unwrap().rest;
    // the last byte of its object identifier: another signature algorithm of the same length
    let at = der.len() - algorithm.len() + 1 + usize::from(algorithm[3]) + 2;
    let mut changed = der.clone();
    changed[at] ^= 1;
    let expected = (Reason::CrlMalformed, "signatureAlgorithm".into(), "two".into());
    assert_eq!(fault(&changed, &LIMITS), expected);
}

#[test]
fn a_file_in_which_no_block_begins_a_line_is_refused_and_not_read_as_none() {
    let indented = pem("X509 CRL", &Party::root(Spec::ca("Root")).crl(&List::default())).replace("-----B", " -----B");
    for text in [indented.as_str(), "see -----BEGIN X509 CRL----- below"] {
        assert_eq!(fault(text.as_bytes(), &LIMITS), (Reason::CrlMalformed, String::new(), "none".into()));
    }
}

#[test]
fn a_file_with_many_lists_is_read_in_order() {
    let root = Party::root(Spec::ca("Root"));
    let (a, b) = (root.crl(&List::default()), root.crl(&List::revoking(5)));
    let read = crls(format!("{}{}", pem("X509 CRL", &a), pem("X509 CRL", &b)).as_bytes(), &LIMITS).unwrap();
    assert_eq!(read.iter().map(Crl::der).collect::<Vec<_>>(), [&a[..], &b[..]]);
}

#[test]
fn crl_numbers_are_compared_as_numbers_and_not_as_text() {
    let number = |text: &str| CrlNumber::from_hex(text).unwrap();
    assert!(number("0100") > number("ff"));
    assert!(number("02") > number("01"));
    assert_eq!(CrlNumber::from_bytes(&[0, 0, 7]), number("07"));
    assert_eq!(CrlNumber::from_bytes(&[0]), number("00"));
    assert_eq!(CrlNumber::from_hex("007f"), None);
    assert_eq!(CrlNumber::from_hex("FF"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = crls(&bytes, &LIMITS);
    }

    #[test]
    fn every_number_reads_back_as_written(octets in proptest::collection::vec(any::<u8>(), 0..20)) {
        let number = CrlNumber::from_bytes(&octets);
        prop_assert_eq!(CrlNumber::from_hex(&number.to_string()), Some(number));
    }
}
