//! The manufacturer's private key in a PEM file: PKCS#8 (RFC 5958) for Ed25519 and P-256, SEC1 (RFC 5915) for P-256.
//!
//! The file holds one key and nothing else. What is nearly a key gets a fault that says what it is.

use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::keys::{KeyFault, PublicKey, Signer};
use ecugate_verifier::values::reason::Reason;
use p256::pkcs8::der::{Decode as _, SecretDocument};
use p256::pkcs8::{EncodePublicKey as _, PrivateKeyInfoRef};
use std::io::Read as _;
use std::path::Path;
use zeroize::Zeroizing;

/// Largest key file: 16 KiB. A P-256 key in PEM has below 400 bytes. Stops a file without end.
const KEY_FILE_BYTES: usize = 16 << 10;

const ED25519: &str = "1.3.101.112";
const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";

/// Why a file gives no key to sign with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrivateKeyFault {
    /// The file cannot be read.
    #[error("the key file {path:?} cannot be read: {found}")]
    File {
        /// `input-missing`, `input-not-regular`, `input-unreadable` or `input-too-large`.
        reason: Reason,
        /// The path as it was given.
        path: String,
        /// What is there.
        found: String,
    },
    /// The text is not one private key in PEM.
    #[error("expected one private key in PEM and nothing else, found {found}")]
    Malformed {
        /// What it is instead.
        found: String,
    },
    /// The key is encrypted with a pass phrase.
    #[error("expected a private key without pass phrase, found an encrypted one")]
    Encrypted,
    /// A key of a kind that documents are not signed with.
    #[error("expected an Ed25519 or P-256 key, found {found}")]
    Unsupported {
        /// The kind.
        found: String,
    },
    /// The public half is no good, as with a key that has been published.
    #[error("a key that nobody may sign with: {0}")]
    Unfit(KeyFault),
    /// The signature could not be computed.
    #[error("the key did not sign")]
    NotSigned,
}

impl From<PrivateKeyFault> for Finding {
    fn from(fault: PrivateKeyFault) -> Self {
        fault.finding()
    }
}

impl PrivateKeyFault {
    /// The reason code.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::File { reason, .. } => *reason,
            Self::Malformed { .. } => Reason::PrivateKeyMalformed,
            Self::Encrypted => Reason::PrivateKeyEncrypted,
            Self::Unsupported { .. } => Reason::PrivateKeyUnsupported,
            Self::Unfit(fault) => fault.reason(),
            Self::NotSigned => Reason::SignerFailed,
        }
    }

    /// The fault as a finding.
    #[must_use]
    pub fn finding(&self) -> Finding {
        let finding = |expected, found: &str| Finding::new(self.reason(), "private key", expected, found);
        match self {
            Self::File { reason, path, found } => Finding::new(*reason, path.clone(), "a key file", found.clone()),
            Self::Malformed { found } => finding("one private key in PEM and nothing else", found),
            Self::Encrypted => finding("a private key without pass phrase", "an encrypted one"),
            Self::Unsupported { found } => finding("an Ed25519 or P-256 key", found),
            Self::Unfit(fault) => finding("", &fault.to_string()),
            Self::NotSigned => finding("a signature", ""),
        }
    }
}

/// Signs with a key from a PEM file. ECDSA is deterministic (RFC 6979) and comes in DER.
pub struct PemSigner {
    secret: Secret,
    public_key: PublicKey,
}

enum Secret {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

impl PemSigner {
    /// Reads a key file.
    ///
    /// # Errors
    /// [`PrivateKeyFault`], for what is no file and for what [`PemSigner::from_pem`] refuses.
    pub fn read(path: &Path) -> Result<Self, PrivateKeyFault> {
        let file = |reason, found: &str| PrivateKeyFault::File {
            reason,
            path: path.display().to_string(),
            found: found.to_owned(),
        };
        let io = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => file(Reason::InputMissing, "no such file"),
            kind => file(Reason::InputUnreadable, &kind.to_string()),
        };
        // Looked at before it is opened: opening a pipe would wait for its other end.
        if !std::fs::metadata(path).map_err(io)?.is_file() {
            return Err(file(Reason::InputNotRegular, "no regular file"));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_FILE_BYTES + 1));
        let opened = std::fs::File::open(path).map_err(io)?;
        opened.take(KEY_FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() > KEY_FILE_BYTES {
            return Err(file(Reason::InputTooLarge, "more than 16 KiB"));
        }
        Self::from_pem(&bytes)
    }

    /// Reads a key from PEM text.
    ///
    /// # Errors
    /// [`PrivateKeyFault`] for anything but one Ed25519 or P-256 private key with nothing before or after it.
    pub fn from_pem(text: &[u8]) -> Result<Self, PrivateKeyFault> {
        let (label, document) = unwrap_pem(text)?;
        let secret = match label {
            "PRIVATE KEY" => pkcs8(document.as_bytes())?,
            _ => p256::SecretKey::from_sec1_der(document.as_bytes())
                .map(|secret| Secret::P256(secret.into()))
                .map_err(|_| malformed("an EC PRIVATE KEY that is no P-256 key of RFC 5915"))?,
        };
        let spki = match &secret {
            Secret::Ed25519(key) => key.verifying_key().to_public_key_der(),
            Secret::P256(key) => key.verifying_key().to_public_key_der(),
        };
        let spki = spki.map_err(|_| PrivateKeyFault::Unfit(KeyFault::Malformed))?;
        let public_key = PublicKey::from_spki(spki.as_bytes()).map_err(PrivateKeyFault::Unfit)?;
        Ok(Self { secret, public_key })
    }
}

impl Signer for PemSigner {
    type Error = PrivateKeyFault;

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PrivateKeyFault> {
        use p256::ecdsa::signature::Signer as _;
        match &self.secret {
            Secret::Ed25519(key) => key
                .try_sign(message)
                .map(|signature| signature.to_bytes().to_vec())
                .map_err(|_| PrivateKeyFault::NotSigned),
            Secret::P256(key) => {
                let signature: p256::ecdsa::DerSignature =
                    key.try_sign(message).map_err(|_| PrivateKeyFault::NotSigned)?;
                Ok(signature.as_bytes().to_vec())
            }
        }
    }
}

impl std::fmt::Debug for PemSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PemSigner").field("public_key", &self.public_key.id()).finish_non_exhaustive()
    }
}

fn malformed(found: impl Into<String>) -> PrivateKeyFault {
    PrivateKeyFault::Malformed { found: found.into() }
}

/// The label and the bytes of the one PEM block (RFC 7468, strict).
fn unwrap_pem(text: &[u8]) -> Result<(&str, SecretDocument), PrivateKeyFault> {
    let text = std::str::from_utf8(text).map_err(|_| malformed("bytes that are no text: DER, perhaps"))?;
    match text.matches("-----BEGIN ").count() {
        0 => return Err(malformed("no PEM")),
        1 => {}
        blocks => return Err(malformed(format!("{blocks} PEM blocks"))),
    }
    let body = text.strip_suffix('\n').unwrap_or(text);
    let body = body.strip_suffix('\r').unwrap_or(body);
    let Some((label, rest)) = body.strip_prefix("-----BEGIN ").and_then(|rest| rest.split_once("-----")) else {
        return Err(malformed("text before the PEM block"));
    };
    match label {
        "PRIVATE KEY" | "EC PRIVATE KEY" => {}
        "ENCRYPTED PRIVATE KEY" => return Err(PrivateKeyFault::Encrypted),
        "RSA PRIVATE KEY" | "DSA PRIVATE KEY" | "OPENSSH PRIVATE KEY" => {
            return Err(PrivateKeyFault::Unsupported { found: label.to_owned() });
        }
        // Text from the file: cut, and quoted against control characters.
        other => {
            let shown: String = other.chars().take(40).collect();
            return Err(malformed(format!("a PEM block {shown:?}")));
        }
    }
    if rest.contains("Proc-Type:") {
        return Err(PrivateKeyFault::Encrypted);
    }
    if !rest.ends_with(&format!("-----END {label}-----")) {
        return Err(malformed("text after the PEM block, or no end of it"));
    }
    let (_, document) = SecretDocument::from_pem(text).map_err(|_| malformed("PEM that breaks RFC 7468"))?;
    Ok((label, document))
}

fn pkcs8(der: &[u8]) -> Result<Secret, PrivateKeyFault> {
    let info = PrivateKeyInfoRef::from_der(der).map_err(|_| malformed("a PRIVATE KEY that is no PKCS#8"))?;
    let unsupported = |oid: String| PrivateKeyFault::Unsupported { found: format!("a key of kind {oid}") };
    match info.algorithm.oid.to_string().as_str() {
        ED25519 => ed25519_dalek::SigningKey::try_from(info)
            .map(Secret::Ed25519)
            .map_err(|_| malformed("an Ed25519 key that breaks RFC 8410")),
        EC_PUBLIC_KEY => {
            let curve = info.algorithm.parameters_oid().map_err(|_| malformed("an EC key without named curve"))?;
            if curve.to_string() != P256 {
                return Err(PrivateKeyFault::Unsupported { found: format!("a key on the curve {curve}") });
            }
            let secret = p256::SecretKey::try_from(info).map_err(|_| malformed("a P-256 key that breaks RFC 5915"))?;
            Ok(Secret::P256(secret.into()))
        }
        other => Err(unsupported(other.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{PemSigner, PrivateKeyFault, Signer};
    use ecugate_verifier::values::keys::Algorithm;
    use ed25519_dalek::pkcs8::EncodePrivateKey as _;
    use proptest::prelude::*;

    fn p256_pkcs8() -> String {
        p256::SecretKey::from_slice(&[3; 32]).unwrap().to_pkcs8_pem(Default::default()).unwrap().to_string()
    }

    fn p256_sec1() -> String {
        p256::SecretKey::from_slice(&[3; 32]).unwrap().to_sec1_pem(Default::default()).unwrap().to_string()
    }

    fn ed25519() -> String {
        let key = ed25519_dalek::SigningKey::from_bytes(&[3; 32]);
        key.to_pkcs8_pem(Default::default()).unwrap().to_string()
    }

    fn found(text: &str) -> String {
        let fault = PemSigner::from_pem(text.as_bytes()).unwrap_err();
        assert_eq!(fault.reason().code(), "private-key-malformed", "{fault}");
        fault.finding().found
    }

    #[test]
    fn both_kinds_sign_and_both_forms_of_p256_are_one_key() {
        for (text, algorithm) in [
            (p256_pkcs8(), Algorithm::EcdsaP256Sha256),
            (p256_sec1(), Algorithm::EcdsaP256Sha256),
            (ed25519(), Algorithm::Ed25519),
        ] {
            let signer = PemSigner::from_pem(text.as_bytes()).unwrap();
            assert_eq!(signer.public_key().algorithm(), algorithm);
            let signature = signer.sign(b"a manifest").unwrap();
            assert_eq!(signer.public_key().verify(b"a manifest", &signature), Ok(()));
            assert_eq!(signer.sign(b"a manifest").unwrap(), signature, "RFC 6979 and RFC 8032 use no random bytes");
            assert!(signer.public_key().verify(b"another", &signature).is_err());
        }
        let keys = [p256_pkcs8(), p256_sec1()].map(|text| PemSigner::from_pem(text.as_bytes()).unwrap());
        assert_eq!(keys[0].public_key(), keys[1].public_key());
    }

    /// RFC 6979 appendix A.2.5, SHA-256, message "sample".
    #[test]
    fn a_p256_signature_is_the_one_of_rfc_6979() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let secret = hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
        let pem = p256::SecretKey::from_slice(&secret).unwrap().to_pkcs8_pem(Default::default()).unwrap();
        let signature = PemSigner::from_pem(pem.as_bytes()).unwrap().sign(b"sample").unwrap();
        let expected = hex(concat!(
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
            "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
        ));
        assert_eq!(p256::ecdsa::Signature::from_der(&signature).unwrap().to_bytes().to_vec(), expected);
    }

    #[test]
    fn what_is_nearly_a_key_is_told_what_it_is() {
        let one = ed25519();
        let block = |label: &str| one.replace("PRIVATE KEY", label);
        assert_eq!(found(&block("CERTIFICATE")), "a PEM block \"CERTIFICATE\"");
        assert_eq!(found(&block("PUBLIC KEY")), "a PEM block \"PUBLIC KEY\"");
        assert_eq!(found(&format!("{one}{one}")), "2 PEM blocks");
        assert_eq!(found(&format!("# my key\n{one}")), "text before the PEM block");
        assert_eq!(found(&format!("{one}# my key\n")), "text after the PEM block, or no end of it");
        assert_eq!(found("hello"), "no PEM");
        assert_eq!(found(""), "no PEM");
        assert_eq!(found(&one.replace("\nM", "\n!")), "PEM that breaks RFC 7468");
        assert_eq!(found(&block("EC PRIVATE KEY")), "an EC PRIVATE KEY that is no P-256 key of RFC 5915");
        let fault = PemSigner::from_pem(&[0x30, 0xff]).unwrap_err();
        assert_eq!(fault.finding().found, "bytes that are no text: DER, perhaps");
    }

    #[test]
    fn an_encrypted_key_is_named_in_either_form() {
        let new = p256_pkcs8().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        let begin = "-----BEGIN EC PRIVATE KEY-----\n";
        let old = p256_sec1().replace(begin, &format!("{begin}Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n"));
        for text in [new, old] {
            assert_eq!(PemSigner::from_pem(text.as_bytes()).unwrap_err(), PrivateKeyFault::Encrypted);
        }
    }

    #[test]
    fn a_key_on_another_curve_or_of_another_kind_is_unsupported() {
        let pem = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem();
        let fault = PemSigner::from_pem(pem.as_bytes()).unwrap_err();
        assert_eq!(fault.reason().code(), "private-key-unsupported");
        assert_eq!(fault.finding().found, "a key on the curve 1.3.132.0.34");
        let rsa = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        assert_eq!(
            PemSigner::from_pem(rsa.as_bytes()).unwrap_err(),
            PrivateKeyFault::Unsupported { found: "RSA PRIVATE KEY".to_owned() }
        );
    }

    #[test]
    fn what_is_no_file_of_a_keys_size_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let reason = |name: &str| PemSigner::read(&folder.path().join(name)).unwrap_err().reason().code();
        std::fs::write(folder.path().join("long"), vec![b'-'; 20_000]).unwrap();
        std::fs::write(folder.path().join("key"), ed25519()).unwrap();
        assert_eq!(
            (reason("none"), reason(""), reason("long")),
            ("input-missing", "input-not-regular", "input-too-large")
        );
        assert!(PemSigner::read(&folder.path().join("key")).is_ok());
    }

    #[test]
    fn the_secret_is_in_no_debug_text() {
        let signer = PemSigner::from_pem(p256_pkcs8().as_bytes()).unwrap();
        let text = format!("{signer:?}");
        assert!(text.starts_with("PemSigner { public_key: sha256:") && !text.contains("secret"), "{text}");
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_key_or_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = PemSigner::from_pem(&bytes);
        }

        #[test]
        fn a_key_with_one_byte_changed_is_refused_or_is_another_key(
            at in 0_usize..241, byte in 0x20_u8..0x7f,
        ) {
            let text = p256_pkcs8();
            let whole = PemSigner::from_pem(text.as_bytes()).unwrap();
            let mut bytes = text.into_bytes();
            let at = at % bytes.len();
            let changed = bytes[at] != byte;
            bytes[at] = byte;
            if let Ok(signer) = PemSigner::from_pem(&bytes) {
                // The line end is the one byte that carries nothing.
                let last = at + 1 == bytes.len();
                prop_assert!(!changed || last || signer.public_key() != whole.public_key());
            }
        }
    }
}
