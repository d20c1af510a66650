//! The public key of a token's key pair as SubjectPublicKeyInfo.
//!
//! PKCS#11 3.1 section 6.3.3 has `CKA_EC_POINT` as a DER OCTET STRING around the point; modules also give the bare
//! point, and for Ed25519 one and the same module does both, by how the key came in.

use super::exchange::KeyKind;

/// DER of `OBJECT IDENTIFIER 1.2.840.10045.3.1.7` (RFC 5480 section 2.1.1.1).
pub(super) const P256_PARAMETERS: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// DER of `OBJECT IDENTIFIER 1.3.101.112` (RFC 8410 section 3).
const ED25519_PARAMETERS: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
/// DER of `PrintableString "edwards25519"` (PKCS#11 3.1 section 6.3.8).
pub(super) const ED25519_NAME: [u8; 14] = *b"\x13\x0cedwards25519";

/// SubjectPublicKeyInfo up to the point, with the empty count of unused bits (RFC 5480 section 2).
const P256_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// The same for Ed25519 (RFC 8410 section 4).
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The kind of key that `CKA_EC_PARAMS` names, if it is one of ours.
pub(super) fn kind(parameters: &[u8]) -> Option<KeyKind> {
    if parameters == P256_PARAMETERS {
        Some(KeyKind::P256)
    } else if parameters == ED25519_PARAMETERS || parameters == ED25519_NAME {
        Some(KeyKind::Ed25519)
    } else {
        None
    }
}

/// DER SubjectPublicKeyInfo of a point, bare or in its OCTET STRING; `None` for any other length or form.
///
/// Whether the point lies on its curve is for whoever reads the key.
pub(super) fn spki(kind: KeyKind, ec_point: &[u8]) -> Option<Vec<u8>> {
    let (head, point) = match (kind, ec_point) {
        (KeyKind::P256, [0x04, 0x41, point @ ..]) if point.len() == 65 => (&P256_SPKI[..], point),
        (KeyKind::P256, point) if point.len() == 65 => (&P256_SPKI[..], point),
        (KeyKind::Ed25519, [0x04, 0x20, point @ ..]) if point.len() == 32 => (&ED25519_SPKI[..], point),
        (KeyKind::Ed25519, point) if point.len() == 32 => (&ED25519_SPKI[..], point),
        _ => return None,
    };
    if matches!(kind, KeyKind::P256) && point.first() != Some(&0x04) {
        return None;
    }
    Some([head, point].concat())
}

#[cfg(test)]
mod tests {
    use super::{ED25519_NAME, ED25519_PARAMETERS, KeyKind, P256_PARAMETERS, kind, spki};
    use ecugate_verifier::values::keys::{Algorithm, PublicKey};
    use p256::elliptic_curve::sec1::ToSec1Point as _;
    use proptest::prelude::*;

    #[test]
    fn the_bare_point_and_the_point_in_its_octet_string_are_one_key() {
        let secret = p256::SecretKey::from_slice(&[7; 32]).unwrap();
        let bare = secret.public_key().to_sec1_point(false).as_bytes().to_vec();
        let wrapped = [&[0x04, 0x41][..], &bare].concat();
        let key = PublicKey::from_spki(&spki(KeyKind::P256, &bare).unwrap()).unwrap();
        assert_eq!(key.algorithm(), Algorithm::EcdsaP256Sha256);
        assert_eq!(spki(KeyKind::P256, &wrapped).as_deref(), Some(key.spki()));

        let bare = ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes().to_vec();
        let wrapped = [&[0x04, 0x20][..], &bare].concat();
        let key = PublicKey::from_spki(&spki(KeyKind::Ed25519, &bare).unwrap()).unwrap();
        assert_eq!(key.algorithm(), Algorithm::Ed25519);
        assert_eq!(spki(KeyKind::Ed25519, &wrapped).as_deref(), Some(key.spki()));
    }

    #[test]
    fn a_compressed_point_and_a_point_of_another_curve_are_refused() {
        let secret = p256::SecretKey::from_slice(&[7; 32]).unwrap();
        let compressed = secret.public_key().to_sec1_point(true).as_bytes().to_vec();
        assert_eq!(spki(KeyKind::P256, &compressed), None);
        assert_eq!(spki(KeyKind::Ed25519, &[1; 57]), None);
        assert_eq!(spki(KeyKind::P256, &[0x02; 65]), None);
        assert_eq!(spki(KeyKind::P256, &[]), None);
    }

    #[test]
    fn curves_are_known_by_identifier_and_edwards25519_also_by_name() {
        assert_eq!(kind(&P256_PARAMETERS), Some(KeyKind::P256));
        assert_eq!(kind(&ED25519_PARAMETERS), Some(KeyKind::Ed25519));
        assert_eq!(kind(&ED25519_NAME), Some(KeyKind::Ed25519));
        let p384 = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
        assert_eq!(kind(&p384), None);
        assert_eq!(kind(&[]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_of_a_token_give_a_key_or_nothing(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            for kind in [KeyKind::P256, KeyKind::Ed25519] {
                if let Some(spki) = spki(kind, &bytes) {
                    let _ = PublicKey::from_spki(&spki);
                    prop_assert!([32, 34, 65, 67].contains(&bytes.len()));
                }
            }
        }
    }
}
