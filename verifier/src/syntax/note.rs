//! Signed notes (C2SP signed-note) and the checkpoints of a log (C2SP tlog-checkpoint).
//!
//! Three steps, three types: bytes → [`Note`] (parsed, believed by nobody) → [`VerifiedNote`] (signed by one named key)
//! → [`VerifiedCheckpoint`] (says size and root of the log whose name the key bears).
//!
//! Of the signature types only Ed25519 (0x01) is known here, as the specification advises to support no more than is
//! needed. Our checkpoints are narrower than the specification: the origin is a bare host-like name, which is also the
//! name of the log's key, and there are no extension lines.

use crate::values::digest::{Sha256, hex};
use crate::values::finding::Finding;
use crate::values::keys::{Algorithm, KeyFault, PublicKey, Signer};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::verified::{Means, VerifiedSignatures};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use core::fmt;

/// Type byte of an Ed25519 note signature (C2SP signed-note, "Signature types").
const ED25519: u8 = 0x01;
/// What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410 section 4).
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// Begin of a signature line: em dash and space.
const LINE: &str = "\u{2014} ";

/// Why a note, a verifier key or a checkpoint is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteFault {
    /// Over `Limits::note_bytes`.
    #[error("has {found} bytes, more than {most}")]
    TooLarge {
        /// Bytes of the note.
        found: usize,
        /// The cap.
        most: usize,
    },
    /// Over `Limits::note_signatures`.
    #[error("has more than {most} signature lines")]
    TooManySignatures {
        /// The cap.
        most: usize,
    },
    /// The bytes are no UTF-8.
    #[error("byte {offset} is not part of UTF-8 text")]
    NotUtf8 {
        /// The first wrong byte, counted from 0.
        offset: usize,
    },
    /// A control character other than the newline.
    #[error("byte {offset} is a control character")]
    Control {
        /// The byte, counted from 0.
        offset: usize,
    },
    /// No blank line between text and signatures, or no newline at the end.
    #[error("is not text, a blank line, and signature lines, each ended by a newline")]
    Frame,
    /// A line after the last blank line is no signature line.
    #[error("signature line {line} is not an em dash, a key name and base64 of at least five bytes")]
    SignatureLine {
        /// Which signature line, counted from 1.
        line: usize,
    },
    /// A key name that is empty or holds a space or a plus.
    #[error("{found:?} is no key name")]
    KeyName {
        /// The name.
        found: String,
    },
    /// No verifier key in text form.
    #[error("is not a verifier key: name, key id in 8 hex digits and base64 of the key, joined by plus signs")]
    VerifierKey,
    /// The key id of a verifier key is not the one of its name and key.
    #[error("states key id {stated:08x}, but name and key give {computed:08x}")]
    KeyId {
        /// As written.
        stated: u32,
        /// As computed.
        computed: u32,
    },
    /// The key is not Ed25519.
    #[error("is a key of another kind than Ed25519")]
    KeyKind,
    /// The key itself is not usable.
    #[error("has {0}")]
    Key(#[from] KeyFault),
    /// No line is by the key asked for.
    #[error("has no signature by {key}")]
    SignatureMissing {
        /// Name and id of the key.
        key: String,
    },
    /// Two lines are by the key asked for.
    #[error("has more than one signature by {key}")]
    SignatureRepeated {
        /// Name and id of the key.
        key: String,
    },
    /// A line bears name and id of the key asked for, and is not its signature.
    #[error("has a signature line of {key} that this key did not make")]
    SignatureInvalid {
        /// Name and id of the key.
        key: String,
    },
    /// The text is no checkpoint of ours.
    #[error("line {line} of the checkpoint is not {expected}")]
    Checkpoint {
        /// Which line, counted from 1.
        line: usize,
        /// What it should be.
        expected: &'static str,
    },
    /// The checkpoint is of another log than the key.
    #[error("is a checkpoint of {found:?}, signed by the key of {expected:?}")]
    Origin {
        /// Name of the key.
        expected: String,
        /// Origin of the checkpoint.
        found: String,
    },
}

impl NoteFault {
    /// The reason code.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::TooLarge { .. } => Reason::InputTooLarge,
            Self::NotUtf8 { .. } => Reason::TextNotUtf8,
            Self::TooManySignatures { .. }
            | Self::Control { .. }
            | Self::Frame
            | Self::SignatureLine { .. }
            | Self::SignatureRepeated { .. } => Reason::NoteMalformed,
            Self::KeyName { .. } | Self::VerifierKey | Self::KeyId { .. } => Reason::KeyMalformed,
            Self::KeyKind => Reason::KeyUnsupported,
            Self::Key(fault) => fault.reason(),
            Self::SignatureMissing { .. } => Reason::NoteSignatureMissing,
            Self::SignatureInvalid { .. } => Reason::NoteSignatureInvalid,
            Self::Checkpoint { .. } => Reason::CheckpointMalformed,
            Self::Origin { .. } => Reason::CheckpointOrigin,
        }
    }
}

impl From<NoteFault> for Finding {
    fn from(fault: NoteFault) -> Self {
        let (place, expected) = match fault.reason() {
            Reason::KeyMalformed | Reason::KeyUnsupported => ("verifier key", "an Ed25519 key in text form"),
            Reason::CheckpointMalformed | Reason::CheckpointOrigin => ("checkpoint", "a checkpoint of this log"),
            _ => ("note", "a note signed by this key"),
        };
        Self::new(fault.reason(), place, expected, fault.to_string())
    }
}

/// A note as read: text and signature lines. **Nothing in it is believed** until [`Note::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    name: String,
    id: u32,
    signature: Vec<u8>,
}

impl Note {
    /// Reads a note. Text and signatures part at the *last* blank line.
    ///
    /// # Errors
    /// [`NoteFault`] for anything but one whole note.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, NoteFault> {
        if bytes.len() > limits.note_bytes {
            return Err(NoteFault::TooLarge { found: bytes.len(), most: limits.note_bytes });
        }
        let note = core::str::from_utf8(bytes).map_err(|error| NoteFault::NotUtf8 { offset: error.valid_up_to() })?;
        if let Some(offset) = note.bytes().position(|byte| byte < 0x20 && byte != b'\n') {
            return Err(NoteFault::Control { offset });
        }
        let blank = note.rfind("\n\n").ok_or(NoteFault::Frame)?;
        let (text, lines) = note.split_at_checked(blank + 1).ok_or(NoteFault::Frame)?;
        let lines = lines.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n')).ok_or(NoteFault::Frame)?;
        let mut signatures = Vec::new();
        for (line, number) in lines.split('\n').zip(1..) {
            if signatures.len() == limits.note_signatures {
                return Err(NoteFault::TooManySignatures { most: limits.note_signatures });
            }
            signatures.push(Line::parse(line).ok_or(NoteFault::SignatureLine { line: number })?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Verifies that `key` signed the text. Lines of other keys are ignored, as the specification demands. A line with
    /// name and id of `key` must verify, and there must be exactly one.
    ///
    /// # Errors
    /// [`NoteFault::SignatureMissing`], [`NoteFault::SignatureRepeated`], [`NoteFault::SignatureInvalid`].
    pub fn verify(self, key: &VerifierKey) -> Result<VerifiedNote, NoteFault> {
        self.verify_among(key, VerifiedSignatures::NONE)
    }

    /// The same, with the signatures that were found good before.
    ///
    /// # Errors
    /// As [`Note::verify`].
    pub fn verify_among(self, key: &VerifierKey, signatures: &VerifiedSignatures) -> Result<VerifiedNote, NoteFault> {
        let mut ours = self.signatures.iter().filter(|line| line.name == key.name && line.id == key.id);
        let line = ours.next().ok_or_else(|| NoteFault::SignatureMissing { key: key.hint() })?;
        if ours.next().is_some() {
            return Err(NoteFault::SignatureRepeated { key: key.hint() });
        }
        key.key
            .verify_among(self.text.as_bytes(), &line.signature, signatures)
            .map_err(|_| NoteFault::SignatureInvalid { key: key.hint() })?;
        Ok(VerifiedNote { text: self.text, signer: key.name.clone() })
    }
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let (name, signature) = line.strip_prefix(LINE)?.split_once(' ')?;
        check_name(name).ok()?;
        let bytes = BASE64.decode(signature).ok()?;
        let (id, signature) = bytes.split_first_chunk::<4>()?;
        if signature.is_empty() {
            return None;
        }
        Some(Self { name: name.to_owned(), id: u32::from_be_bytes(*id), signature: signature.to_vec() })
    }
}

/// A note whose text one named key has signed. Made by [`Note::verify`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedNote {
    text: String,
    signer: String,
}

impl VerifiedNote {
    /// The signed text, final newline included.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reads the text as a checkpoint of the log whose name the signing key bears.
    ///
    /// # Errors
    /// [`NoteFault::Checkpoint`] and [`NoteFault::Origin`].
    pub fn checkpoint(&self) -> Result<VerifiedCheckpoint, NoteFault> {
        let checkpoint = Checkpoint::parse(&self.text)?;
        if checkpoint.origin.as_str() != self.signer {
            let (expected, found) = (self.signer.clone(), checkpoint.origin.to_string());
            return Err(NoteFault::Origin { expected, found });
        }
        Ok(VerifiedCheckpoint(checkpoint))
    }
}

/// The name of a log: labels of lower-case letters, digits and inner hyphens, joined by dots, at least two.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

impl Origin {
    /// Takes a bare host-like name. No scheme, port, path, upper case, trailing dot or letter that only looks Latin.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let fits = text.len() <= Limits::STANDARD.identifier_bytes && text.contains('.') && text.split('.').all(label);
        fits.then(|| Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a log says of itself at one size. Made up by anybody; see [`VerifiedCheckpoint`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: Origin,
    /// Leaves of its tree.
    pub size: u64,
    /// Root of its tree.
    pub root: Sha256,
}

impl Checkpoint {
    /// Reads the three lines of a checkpoint: origin, size in canonical decimal, root in canonical base64.
    ///
    /// # Errors
    /// [`NoteFault::Checkpoint`] for anything else, extension lines too.
    pub fn parse(text: &str) -> Result<Self, NoteFault> {
        let wrong = |line, expected| NoteFault::Checkpoint { line, expected };
        let mut lines = text.split('\n');
        let mut next = |line, expected| lines.next().ok_or(wrong(line, expected));
        let what = "a bare host-like name";
        let origin = Origin::new(next(1, what)?).ok_or(wrong(1, what))?;
        let what = "a tree size in decimal without leading zeros";
        let size = decimal(next(2, what)?).ok_or(wrong(2, what))?;
        let what = "a root of 32 bytes in base64";
        let root = BASE64.decode(next(3, what)?).ok().and_then(|root| root.try_into().ok()).ok_or(wrong(3, what))?;
        let what = "the end (a newline, and no extension lines)";
        match (next(4, what)?, lines.next()) {
            ("", None) => Ok(Self { origin, size, root: Sha256::from_bytes(root) }),
            _ => Err(wrong(4, what)),
        }
    }

    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root.as_bytes()))
    }

    /// Signs it with the log's key and reads the result back, so that nothing goes out which does not verify.
    ///
    /// # Errors
    /// [`SignFault::Signer`] where the signer fails, [`SignFault::Lied`] where what it answers does not verify.
    pub fn sign<S: Signer>(&self, signer: &S) -> Result<SignedCheckpoint, SignFault<S::Error>> {
        let key = VerifierKey::new(self.origin.as_str(), signer.public_key().clone()).map_err(SignFault::Key)?;
        let text = self.text();
        let signature = signer.sign(text.as_bytes()).map_err(SignFault::Signer)?;
        let line = BASE64.encode([key.id.to_be_bytes().as_slice(), &signature].concat());
        let note = format!("{text}\n{LINE}{} {line}\n", key.name);
        let means = Means { limits: &Limits::STANDARD, signatures: signer.verified() };
        let checkpoint = VerifiedCheckpoint::open(note.as_bytes(), &key, means).map_err(SignFault::Lied)?;
        Ok(SignedCheckpoint { note, checkpoint })
    }
}

/// Why a checkpoint was not signed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignFault<E> {
    /// The signer's key cannot sign notes.
    #[error("the log key {0}")]
    Key(NoteFault),
    /// The signer failed.
    #[error("the signer failed: {0}")]
    Signer(E),
    /// The signer answered something that is not its signature.
    #[error("the signer's answer {0}")]
    Lied(NoteFault),
}

/// A checkpoint that the log's key has signed. Made by verifying only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCheckpoint(Checkpoint);

impl VerifiedCheckpoint {
    /// Reads and verifies a note, and reads its text as a checkpoint of the log whose name `key` bears.
    ///
    /// # Errors
    /// [`NoteFault`].
    pub fn open<'m>(note: &[u8], key: &VerifierKey, means: impl Into<Means<'m>>) -> Result<Self, NoteFault> {
        let Means { limits, signatures } = means.into();
        Note::parse(note, limits)?.verify_among(key, signatures)?.checkpoint()
    }

    /// Name of the log.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// Leaves of its tree.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.0.size
    }

    /// Root of its tree.
    #[must_use]
    pub const fn root(&self) -> &Sha256 {
        &self.0.root
    }
}

/// A checkpoint just signed, with the note to store and hand out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// The note: text, blank line, signature line.
    pub note: String,
    /// What it says.
    pub checkpoint: VerifiedCheckpoint,
}

/// A key that verifies notes, with the name and id that its signature lines bear: the `vkey` of the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    raw: [u8; 32],
    key: PublicKey,
}

impl VerifierKey {
    /// The verifier key of an Ed25519 key under `name`.
    ///
    /// # Errors
    /// [`NoteFault::KeyName`] and [`NoteFault::KeyKind`].
    pub fn new(name: &str, key: PublicKey) -> Result<Self, NoteFault> {
        check_name(name)?;
        let raw = match (key.algorithm(), key.spki().strip_prefix(&ED25519_SPKI)) {
            (Algorithm::Ed25519, Some(raw)) => raw.try_into().map_err(|_| NoteFault::KeyKind)?,
            _ => return Err(NoteFault::KeyKind),
        };
        let id = key_id(name, &raw);
        Ok(Self { name: name.to_owned(), id, raw, key })
    }

    /// Reads `name+0123abcd+base64`, where the base64 holds the type byte 0x01 and the 32 bytes of the key.
    ///
    /// # Errors
    /// [`NoteFault`]: another form, another kind of key, a weak key, a key id that does not follow from name and key.
    pub fn parse(text: &str) -> Result<Self, NoteFault> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteFault::VerifierKey);
        };
        let digits = id.len() == 8 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let id = hex::decode(id).filter(|_| digits).and_then(|id| id.try_into().ok());
        let stated = u32::from_be_bytes(id.ok_or(NoteFault::VerifierKey)?);
        let key = BASE64.decode(key).map_err(|_| NoteFault::VerifierKey)?;
        let raw = match key.split_first() {
            Some((&ED25519, raw)) => raw,
            Some(_) => return Err(NoteFault::KeyKind),
            None => return Err(NoteFault::VerifierKey),
        };
        if raw.len() != 32 {
            return Err(NoteFault::VerifierKey);
        }
        let read = Self::new(name, PublicKey::from_spki(&[ED25519_SPKI.as_slice(), raw].concat())?)?;
        if read.id == stated { Ok(read) } else { Err(NoteFault::KeyId { stated, computed: read.id }) }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    fn hint(&self) -> String {
        format!("{}+{:08x}", self.name, self.id)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = BASE64.encode([[ED25519].as_slice(), &self.raw].concat());
        write!(f, "{}+{:08x}+{key}", self.name, self.id)
    }
}

/// First four bytes of SHA-256 of name, newline, type byte and key (C2SP signed-note, "Signatures").
fn key_id(name: &str, raw: &[u8; 32]) -> u32 {
    let digest = Sha256::of(&[name.as_bytes(), b"\n", &[ED25519], raw].concat());
    let [a, b, c, d, ..] = *digest.as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

fn check_name(name: &str) -> Result<(), NoteFault> {
    let wrong = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.contains(wrong) { Err(NoteFault::KeyName { found: name.to_owned() }) } else { Ok(()) }
}

/// Decimal digits in the one spelling that a number has.
fn decimal(text: &str) -> Option<u64> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| canonical)
}

#[cfg(test)]
mod tests;
