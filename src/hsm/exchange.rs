//! What is asked of tokens and what they answer: plain owned values, so that the module can stand in another process.

use super::bytes;
use super::fault::TokenFault;
use super::name::TokenName;
use super::pin::{self, Pin};
use ecugate_verifier::values::digest::Sha256;

/// A kind of key that is made on a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// ECDSA over P-256 with SHA-256 (FIPS 186-5).
    P256,
    /// Pure Ed25519 (RFC 8032).
    Ed25519,
}

/// Whose PIN opens a token: it has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Uses keys (CKU_USER). Writes certificates only to tokens whose officer cannot, as with TPM 2.0.
    User,
    /// Sets the user's PIN and writes certificates (CKU_SO).
    Officer,
}

/// May what is written be taken away again without making the whole token anew?
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permanence {
    /// Whoever may write to the token may remove it.
    Removable,
    /// Where the module can, nobody removes it: only a new start of the token does (`CKA_DESTROYABLE` false).
    UntilTokenIsErased,
}

/// A certificate to be written to a token.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateToWrite {
    /// The label it gets.
    pub label: String,
    /// The certificate in DER.
    #[serde(with = "bytes")]
    pub der: Vec<u8>,
}

/// A data object (`CKO_DATA`) to be written to a token. It is never changed or taken away by us.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataToWrite {
    /// Whose it is (`CKA_APPLICATION`).
    pub application: String,
    /// The label it gets. Others may bear the same one.
    pub label: String,
    /// The value, at most 16 KiB.
    pub value: Vec<u8>,
}

/// One question to a module. PINs in it are not shown by `Debug`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Request {
    /// Which module is this, and which tokens does it show?
    Describe,
    /// The tokens by everything that a URI may name them by.
    ListTokens,
    /// All certificates of a token, in a read-only session without PIN.
    ReadCertificates {
        /// The token.
        token: TokenName,
    },
    /// Opens a token with its user's PIN, once; it stays open as long as the process lives.
    LogIn {
        /// The token.
        token: TokenName,
        /// The PIN. Tried once: a refused one is not given to the token again.
        #[serde(with = "pin::wire")]
        pin: Pin,
    },
    /// The public half of a signing key, after [`Request::LogIn`].
    ReadPublicKey {
        /// The token.
        token: TokenName,
        /// The key's label.
        key: String,
    },
    /// `CKA_ID` of a signing key, after [`Request::LogIn`].
    ReadKeyId {
        /// The token.
        token: TokenName,
        /// The key's label.
        key: String,
    },
    /// A signature, after [`Request::LogIn`].
    Sign {
        /// The token.
        token: TokenName,
        /// The key's label.
        key: String,
        /// The message. For P-256 it is hashed on this side of the module.
        #[serde(with = "bytes")]
        message: Vec<u8>,
    },
    /// Makes a token in an empty slot.
    InitToken {
        /// The new token's label, at most 32 bytes.
        label: String,
        /// The officer's PIN it gets.
        #[serde(with = "pin::wire")]
        officer_pin: Pin,
        /// The user's PIN it gets.
        #[serde(with = "pin::wire")]
        pin: Pin,
    },
    /// Makes a key pair that cannot leave the token, after [`Request::LogIn`].
    GenerateKey {
        /// The token.
        token: TokenName,
        /// The new key's label. A label that is taken is refused.
        key: String,
        /// The kind of key.
        kind: KeyKind,
        /// The `CKA_ID` that both halves get, by which they are known to belong together: drawn at random.
        id: [u8; 16],
    },
    /// Writes certificates.
    WriteCertificates {
        /// The token.
        token: TokenName,
        /// As whom.
        role: Role,
        /// The PIN of that role.
        #[serde(with = "pin::wire")]
        pin: Pin,
        /// What to write.
        certificates: Vec<CertificateToWrite>,
        /// How firmly.
        permanence: Permanence,
    },
    /// Removes every object that holds one of these certificates.
    RemoveCertificates {
        /// The token.
        token: TokenName,
        /// As whom.
        role: Role,
        /// The PIN of that role.
        #[serde(with = "pin::wire")]
        pin: Pin,
        /// SHA-256 of the certificates.
        certificates: Vec<Sha256>,
    },
    /// The data objects of one application and label. After [`Request::LogIn`] private ones too.
    ReadData {
        /// The token.
        token: TokenName,
        /// Whose they are (`CKA_APPLICATION`).
        application: String,
        /// Their label.
        label: String,
    },
    /// Writes a data object beside those that are there, after [`Request::LogIn`].
    WriteData {
        /// The token.
        token: TokenName,
        /// What to write.
        data: DataToWrite,
    },
}

/// The answer to one [`Request`].
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Answer {
    /// To [`Request::Describe`].
    Described(ModuleSeen),
    /// To [`Request::ReadCertificates`].
    Certificates(TokenCertificates),
    /// To [`Request::LogIn`].
    LoggedIn,
    /// To [`Request::ReadPublicKey`] and [`Request::GenerateKey`]: DER SubjectPublicKeyInfo, as the token states it.
    PublicKey(#[serde(with = "bytes")] Vec<u8>),
    /// To [`Request::Sign`], in the form of our documents (ECDSA in DER). Nobody has verified it yet:
    /// [`TokenSigner`](super::TokenSigner) does.
    UnverifiedSignature(#[serde(with = "bytes")] Vec<u8>),
    /// To [`Request::InitToken`].
    Token(TokenName),
    /// To [`Request::WriteCertificates`], in the order asked.
    Written(Vec<CertificateWritten>),
    /// To [`Request::RemoveCertificates`], in the order asked.
    Removed(Vec<CertificateRemoved>),
    /// To [`Request::ListTokens`].
    Tokens(TokensSeen),
    /// To [`Request::ReadKeyId`].
    KeyId(Vec<u8>),
    /// To [`Request::ReadData`].
    Data(TokenData),
    /// To [`Request::WriteData`].
    DataWritten(DataWritten),
}

/// The tokens that a module shows at this moment.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensSeen {
    /// Those that are ready for use.
    pub tokens: Vec<TokenSeen>,
    /// Slots that could not be read, each with the reason.
    pub unreadable: Vec<String>,
}

/// A token as it presents itself. Every text is a claim of the token.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSeen {
    /// Label and serial number.
    pub name: TokenName,
    /// Who made it, without padding.
    pub manufacturer: String,
    /// Its model, without padding.
    pub model: String,
}

/// The data objects of one application and label on a token.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenData {
    /// Every value once, in the order of its bytes.
    pub objects: Vec<StoredData>,
    /// Objects without a value that is taken, and second copies.
    pub skipped: Vec<SkippedObject>,
}

/// One data object. That it is there says nothing: on several modules anybody may write one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredData {
    /// The value, byte for byte.
    pub value: Vec<u8>,
}

/// A module as it presents itself, for the record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleSeen {
    /// Canonical path of the shared object.
    pub path: String,
    /// SHA-256 of the file when it was loaded.
    pub sha256: Sha256,
    /// The library's own description and version: a claim.
    pub library: String,
    /// Tokens that are ready for use.
    pub tokens: Vec<TokenName>,
    /// Slots that could not be read, each with the reason.
    pub unreadable: Vec<String>,
}

/// The certificates of one token.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenCertificates {
    /// Every certificate once, in the order of its bytes. May be empty: that is never a pass, see
    /// `Reason::AnchorsEmpty`.
    pub certificates: Vec<StoredCertificate>,
    /// Objects that are no certificate that can be read, and second copies.
    pub skipped: Vec<SkippedObject>,
}

/// One certificate on a token. That it is there says nothing: on several modules anybody may write one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredCertificate {
    /// The certificate, byte for byte.
    #[serde(with = "bytes")]
    pub der: Vec<u8>,
    /// `CKA_LABEL`. Text from the token.
    pub label: String,
    /// `CKA_ID` in lower-case hex.
    pub id: String,
    /// `CKA_TRUSTED`, if the module states it. Recorded, never relied on: on some modules anybody may set it.
    pub trusted: Option<bool>,
}

/// An object of class certificate that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkippedObject {
    /// `CKA_LABEL`, empty if there is none.
    pub label: String,
    /// `CKA_ID` in lower-case hex, empty if there is none.
    pub id: String,
    /// Why it was not taken.
    pub why: SkipReason,
}

/// Why an object of class certificate was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// It has no value: a remnant of a write that the module refused.
    Empty,
    /// It says of itself that it is no X.509 certificate.
    OtherKind,
    /// Its value is longer than `Limits::certificate_bytes`.
    TooLong,
    /// Its value is no DER certificate that ends where the value ends.
    NotACertificate,
    /// Its value could not be read.
    Unreadable,
    /// Another object holds the same bytes.
    Copy,
}

/// What stuck of a certificate that was written, read back from the token.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateWritten {
    /// The label it has.
    pub label: String,
    /// `CKA_TRUSTED`, if the module states it.
    pub trusted: Option<bool>,
    /// `CKA_MODIFIABLE`, if the module states it.
    pub modifiable: Option<bool>,
    /// `CKA_DESTROYABLE`, if the module states it.
    pub destroyable: Option<bool>,
    /// `CKA_COPYABLE`, if the module states it.
    pub copyable: Option<bool>,
}

/// What became of a certificate that was to be removed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRemoved {
    /// SHA-256 of it.
    pub sha256: Sha256,
    /// Why it is still there, if it is: several modules let nobody remove what was written for good.
    pub still_there: Option<String>,
}

/// What stuck of a data object that was written, read back from the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataWritten {
    /// `CKA_PRIVATE`, if the module states it: only who is logged in sees the object.
    pub private: Option<bool>,
    /// `CKA_MODIFIABLE`, if the module states it.
    pub modifiable: Option<bool>,
    /// `CKA_DESTROYABLE`, if the module states it.
    pub destroyable: Option<bool>,
}

/// Something that answers requests about tokens: a module in this process, or one in a process of its own.
pub trait Tokens: Send + Sync {
    /// Answers one request.
    ///
    /// # Errors
    /// [`TokenFault`].
    fn ask(&self, request: Request) -> Result<Answer, TokenFault>;

    /// Module and tokens as they present themselves.
    ///
    /// # Errors
    /// [`TokenFault`].
    fn describe(&self) -> Result<ModuleSeen, TokenFault> {
        match self.ask(Request::Describe)? {
            Answer::Described(seen) => Ok(seen),
            _ => Err(wrong_answer(&TokenName::new("", ""), "describing the module")),
        }
    }

    /// All certificates of a token, in a read-only session without PIN. None at all is an answer too, and the caller's
    /// to refuse.
    ///
    /// # Errors
    /// [`TokenFault`].
    fn certificates(&self, token: &TokenName) -> Result<TokenCertificates, TokenFault> {
        match self.ask(Request::ReadCertificates { token: token.clone() })? {
            Answer::Certificates(certificates) => Ok(certificates),
            _ => Err(wrong_answer(token, "reading certificates")),
        }
    }

    /// Opens a token with its user's PIN.
    ///
    /// # Errors
    /// [`TokenFault::PinWrong`], [`TokenFault::PinLocked`], [`TokenFault::PinLastTry`], or another.
    fn log_in(&self, token: &TokenName, pin: Pin) -> Result<(), TokenFault> {
        match self.ask(Request::LogIn { token: token.clone(), pin })? {
            Answer::LoggedIn => Ok(()),
            _ => Err(wrong_answer(token, "logging in")),
        }
    }

    /// The public half of a signing key as DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`TokenFault::KeyMissing`], [`TokenFault::KeyUnusable`], or another.
    fn public_key(&self, token: &TokenName, key: &str) -> Result<Vec<u8>, TokenFault> {
        match self.ask(Request::ReadPublicKey { token: token.clone(), key: key.to_owned() })? {
            Answer::PublicKey(spki) => Ok(spki),
            _ => Err(wrong_answer(token, "reading a public key")),
        }
    }

    /// The tokens by everything that a URI may name them by.
    ///
    /// # Errors
    /// [`TokenFault`].
    fn list(&self) -> Result<TokensSeen, TokenFault> {
        match self.ask(Request::ListTokens)? {
            Answer::Tokens(seen) => Ok(seen),
            _ => Err(wrong_answer(&TokenName::new("", ""), "listing the tokens")),
        }
    }

    /// `CKA_ID` of a signing key.
    ///
    /// # Errors
    /// [`TokenFault::KeyMissing`], [`TokenFault::KeyUnusable`], or another.
    fn key_id(&self, token: &TokenName, key: &str) -> Result<Vec<u8>, TokenFault> {
        match self.ask(Request::ReadKeyId { token: token.clone(), key: key.to_owned() })? {
            Answer::KeyId(id) => Ok(id),
            _ => Err(wrong_answer(token, "reading the id of a key")),
        }
    }

    /// The data objects of one application and label.
    ///
    /// # Errors
    /// [`TokenFault`].
    fn data(&self, token: &TokenName, application: &str, label: &str) -> Result<TokenData, TokenFault> {
        let (application, label) = (application.to_owned(), label.to_owned());
        match self.ask(Request::ReadData { token: token.clone(), application, label })? {
            Answer::Data(data) => Ok(data),
            _ => Err(wrong_answer(token, "reading data objects")),
        }
    }

    /// Writes a data object, and answers what stuck of it.
    ///
    /// # Errors
    /// [`TokenFault::NotWritten`], or another.
    fn write_data(&self, token: &TokenName, data: DataToWrite) -> Result<DataWritten, TokenFault> {
        match self.ask(Request::WriteData { token: token.clone(), data })? {
            Answer::DataWritten(written) => Ok(written),
            _ => Err(wrong_answer(token, "writing a data object")),
        }
    }
}

pub(super) fn wrong_answer(token: &TokenName, doing: &str) -> TokenFault {
    TokenFault::TokenFailed {
        token: Box::new(token.clone()),
        doing: doing.to_owned(),
        found: "the answer belongs to another question".to_owned(),
        detail: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Pin, Request, SkipReason, SkippedObject, TokenCertificates, TokenName};
    use zeroize::Zeroizing;

    #[test]
    fn a_request_crosses_a_pipe_with_its_pin_and_never_shows_it() {
        let pin = Pin::new(Zeroizing::new("s3cr3t-4711".to_owned()), "a test").unwrap();
        let request = Request::LogIn { token: TokenName::new("ecugate-signer", "1"), pin };
        assert!(!format!("{request:?} {request:#?}").contains("s3cr3t"));
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request);
    }

    #[test]
    fn an_answer_crosses_a_pipe_unchanged() {
        let skipped = SkippedObject { label: "\u{1b}[2J".to_owned(), id: "00".to_owned(), why: SkipReason::Empty };
        let answer = Answer::Certificates(TokenCertificates { certificates: Vec::new(), skipped: vec![skipped] });
        let text = serde_json::to_string(&answer).unwrap();
        assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), answer);
    }
}
