//! One key, one spelling; no weak, published or malleable thing.

use super::{Algorithm, Encoding, KeyFault, PublicKey};
use crate::values::verified::VerifiedSignatures;
use ed25519_dalek::Signer as _;
use proptest::prelude::{ProptestConfig, any, proptest};
use spki::EncodePublicKey as _;

/// Ed25519 with the parameters field as given (absent: empty).
fn ed25519(parameters: &[u8], point: &[u8; 32]) -> Vec<u8> {
    let algorithm = der(0x30, &[b"\x06\x03\x2b\x65\x70", parameters].concat());
    der(0x30, &[algorithm, der(0x03, &[b"\0".as_slice(), point].concat())].concat())
}

/// RSA with the parameters field, modulus and exponent as given.
fn rsa(parameters: &[u8], modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let algorithm = der(0x30, &[b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", parameters].concat());
    let numbers = der(0x30, &[der(0x02, modulus), der(0x02, exponent)].concat());
    der(0x30, &[algorithm, der(0x03, &[b"\0".as_slice(), &numbers].concat())].concat())
}

fn elliptic(curve: &[u8], point: &[u8]) -> Vec<u8> {
    let algorithm = der(0x30, &[b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", curve].concat());
    der(0x30, &[algorithm, der(0x03, &[b"\0".as_slice(), point].concat())].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head = match content.len() {
        0..=0x7f => vec![tag, length[1]],
        0x80..=0xff => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [head, content.to_vec()].concat()
}

/// A positive DER integer of `bits` bits that is odd.
fn modulus(bits: usize) -> Vec<u8> {
    let mut bytes = vec![0x5a; bits / 8];
    bytes[0] = 0x80;
    bytes[bits / 8 - 1] = 0x01;
    [vec![0], bytes].concat()
}

fn signing_key() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[7; 32])
}

fn p256_point() -> Vec<u8> {
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let spki = key.verifying_key().to_public_key_der().unwrap().into_vec();
    spki[spki.len() - 65..].to_vec()
}

const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const NULL: &[u8] = b"\x05\x00";
const F4: &[u8] = b"\x01\x00\x01";

fn fault(spki: &[u8]) -> KeyFault {
    PublicKey::from_spki(spki).unwrap_err()
}

#[test]
fn a_key_of_each_kind_is_read_and_keeps_its_bytes() {
    let point = signing_key().verifying_key().to_bytes();
    for (spki, algorithm) in [
        (ed25519(b"", &point), Algorithm::Ed25519),
        (elliptic(P256, &p256_point()), Algorithm::EcdsaP256Sha256),
        (rsa(NULL, &modulus(2048), F4), Algorithm::RsaPssSha256),
        (rsa(NULL, &modulus(8192), F4), Algorithm::RsaPssSha256),
    ] {
        let key = PublicKey::from_spki(&spki).unwrap();
        assert_eq!((key.algorithm(), key.spki()), (algorithm, spki.as_slice()));
    }
}

/// Attack class 2: one key under two encodings would be two ids, and count twice.
#[test]
fn attack_02_a_second_spelling_of_a_key_is_malformed() {
    let point = signing_key().verifying_key().to_bytes();
    let uncompressed = p256_point();
    let compressed = [&[2 | uncompressed[64] & 1], &uncompressed[1..33]].concat();
    let hybrid = [&[6 | uncompressed[64] & 1], &uncompressed[1..]].concat();
    let padded = [vec![0], modulus(2048)].concat();
    for (what, spki) in [
        ("Ed25519 with NULL parameters", ed25519(NULL, &point)),
        ("RSA without parameters", rsa(b"", &modulus(2048), F4)),
        ("RSA with an object identifier as parameters", rsa(P256, &modulus(2048), F4)),
        ("a modulus with a leading zero", rsa(NULL, &padded, F4)),
        ("an exponent with a leading zero", rsa(NULL, &modulus(2048), b"\0\x01\0\x01")),
        ("a compressed point", elliptic(P256, &compressed)),
        ("a hybrid point", elliptic(P256, &hybrid)),
        ("a curve without a name", elliptic(NULL, &uncompressed)),
        ("a byte after the key", [ed25519(b"", &point), vec![0]].concat()),
        ("a key cut short", ed25519(b"", &point)[..43].to_vec()),
        ("nothing", Vec::new()),
    ] {
        assert_eq!(fault(&spki), KeyFault::Malformed, "{what}");
    }
}

#[test]
fn a_key_of_another_kind_is_unsupported() {
    let secp256k1 = b"\x06\x05\x2b\x81\x04\x00\x0a";
    assert_eq!(fault(&elliptic(secp256k1, &p256_point())), KeyFault::Unsupported);
    let mut pss_only = rsa(NULL, &modulus(2048), F4);
    let last_arc = pss_only.windows(9).position(|window| window == b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01").unwrap();
    pss_only[last_arc + 8] = 0x0a;
    assert_eq!(fault(&pss_only), KeyFault::Unsupported);
}

#[test]
fn a_weak_rsa_key_is_refused() {
    assert_eq!(fault(&rsa(NULL, &modulus(1024), F4)), KeyFault::TooWeak);
    assert_eq!(fault(&rsa(NULL, &modulus(2040), F4)), KeyFault::TooWeak);
    assert_eq!(fault(&rsa(NULL, &modulus(2048), b"\x03")), KeyFault::TooWeak);
    assert_eq!(fault(&rsa(NULL, &modulus(8200), F4)), KeyFault::Malformed);
    assert_eq!(fault(&rsa(NULL, &modulus(2048), b"\x01\x00\x00")), KeyFault::Malformed);
    assert_eq!(fault(&rsa(NULL, &modulus(2048), b"\x01\0\0\0\0\0\x01\x00\x01")), KeyFault::Malformed);
    let mut even = modulus(2048);
    even[256] = 2;
    assert_eq!(fault(&rsa(NULL, &even, F4)), KeyFault::Malformed);
}

/// Attack class 10: points of small order, and y of p or more (RFC 8032 section 5.1.3).
#[test]
fn attack_10_small_order_and_non_canonical_points_are_refused() {
    let mut reduced = 0;
    for low in 0xed..=0xff_u8 {
        for high in [0x7f, 0xff] {
            let mut point = [0xff; 32];
            (point[0], point[31]) = (low, high);
            assert!(matches!(fault(&ed25519(b"", &point)), KeyFault::Malformed | KeyFault::TooWeak));
            let taken = ed25519_dalek::VerifyingKey::from_bytes(&point);
            reduced += usize::from(taken.is_ok_and(|key| !key.is_weak()));
        }
    }
    assert!(reduced > 0, "the decoder itself refuses them now: the own check can go");
    for small in ["0000000000000000000000000000000000000000000000000000000000000000", ORDER_8] {
        let point = crate::values::digest::hex::decode(small).unwrap().try_into().unwrap();
        assert_eq!(fault(&ed25519(b"", &point)), KeyFault::TooWeak);
    }
}

const ORDER_8: &str = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";

/// Attack class 30. The key is test 1 of RFC 8032 section 7.1.
#[test]
fn attack_30_a_key_whose_private_half_is_published_is_refused() {
    let point = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let point = crate::values::digest::hex::decode(point).unwrap().try_into().unwrap();
    let spki = ed25519(b"", &point);
    assert_eq!(fault(&spki), KeyFault::PubliclyKnown);

    let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
    let signature = crate::values::digest::hex::decode(signature).unwrap();
    let verify = |message| super::verify_untrusted(&spki, Algorithm::Ed25519, Encoding::Der, message, &signature);
    assert_eq!((verify(b""), verify(b"x")), (Ok(()), Err(KeyFault::SignatureInvalid)));
}

/// Attack class 6.
#[test]
fn attack_06_an_algorithm_that_the_key_cannot_do_is_refused() {
    let key = PublicKey::from_spki(&ed25519(b"", &signing_key().verifying_key().to_bytes())).unwrap();
    let signature = signing_key().sign(b"message").to_bytes();
    assert_eq!(key.verify(b"message", &signature), Ok(()));
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| *algorithm != Algorithm::Ed25519) {
        let answer = key.verify_as(algorithm, Encoding::Der, b"message", &signature);
        assert_eq!(answer, Err(KeyFault::WrongAlgorithm), "{}", algorithm.name());
    }
}

/// Attack class 10: S + L is the same S for a reader that does not look (RFC 8032 section 5.1.7).
#[test]
fn attack_10_a_signature_with_s_of_l_or_more_is_refused() {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let key = PublicKey::from_spki(&ed25519(b"", &signing_key().verifying_key().to_bytes())).unwrap();
    let mut signature = signing_key().sign(b"message").to_bytes();
    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(key.verify(b"message", &signature), Err(KeyFault::SignatureInvalid));
    assert_eq!(key.verify(b"message", &signature[..63]), Err(KeyFault::SignatureMalformed));
}

#[test]
fn an_ecdsa_signature_in_the_other_encoding_is_malformed() {
    use p256::ecdsa::signature::Signer as _;
    let key = PublicKey::from_spki(&elliptic(P256, &p256_point())).unwrap();
    let signer = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let signature: p256::ecdsa::Signature = signer.sign(b"message");
    let raw = signature.to_bytes();
    let verify = |encoding, bytes: &[u8]| key.verify_as(Algorithm::EcdsaP256Sha256, encoding, b"message", bytes);
    assert_eq!(key.verify(b"message", signature.to_der().as_bytes()), Ok(()));
    assert_eq!(verify(Encoding::P1363, &raw), Ok(()));
    assert_eq!(verify(Encoding::Der, &raw), Err(KeyFault::SignatureMalformed));
    assert_eq!(verify(Encoding::P1363, signature.to_der().as_bytes()), Err(KeyFault::SignatureMalformed));
    assert_eq!(verify(Encoding::P1363, &[0; 64]), Err(KeyFault::SignatureMalformed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn arbitrary_bytes_are_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..300, flip in 1_u8..) {
        let _ = PublicKey::from_spki(&bytes);
        let mut spki = rsa(NULL, &modulus(2048), F4);
        if let Some(byte) = spki.get_mut(at) {
            *byte ^= flip;
        }
        if let Ok(key) = PublicKey::from_spki(&spki) {
            assert_eq!(key.spki(), spki);
            assert!(key.verify(b"", &bytes).is_err());
            assert!(key.verify(b"", &[0x11; 256]).is_err());
        }
    }
}

/// A key, and its signature over a message.
fn signed(seed: u8, message: &[u8]) -> (PublicKey, Vec<u8>) {
    let pen = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
    let key = PublicKey::from_spki(pen.verifying_key().to_public_key_der().unwrap().as_bytes()).unwrap();
    (key, pen.sign(message).to_bytes().to_vec())
}

#[test]
fn a_good_signature_is_kept_and_a_bad_one_is_bad_each_time() {
    let signatures = VerifiedSignatures::up_to(8);
    let (key, signature) = signed(1, b"list 1");
    for _ in 0..2 {
        let bad = Err(KeyFault::SignatureInvalid);
        assert_eq!(key.verify_among(b"list 1", &signature, &signatures), Ok(()));
        assert_eq!(key.verify_among(b"list 2", &signature, &signatures), bad);
        assert_eq!(signed(2, b"").0.verify_among(b"list 1", &signature, &signatures), bad);
        assert_eq!(key.verify_among(b"list 1", &signature[1..], &signatures), Err(KeyFault::SignatureMalformed));
        assert_eq!(signatures.count(), 1);
    }
}

/// What is kept is believed: so nothing may be found by a name that is not wholly its own.
#[test]
fn a_byte_moved_between_signature_and_message_is_another_signature() {
    let signatures = VerifiedSignatures::up_to(8);
    let (key, signature) = signed(1, b"message");
    key.verify_among(b"message", &signature, &signatures).unwrap();
    let whole = [signature.as_slice(), b"message"].concat();
    for end in (0..=whole.len()).filter(|end| *end != signature.len()) {
        let (signature, message) = whole.split_at(end);
        assert!(key.verify_among(message, signature, &signatures).is_err(), "{end}");
    }
    assert_eq!(signatures.count(), 1);
}
