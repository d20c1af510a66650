//! Reason codes: one kebab-case word for everything that can keep a unit out.
//!
//! The same word stands in the enum, in JSON, on the screen, as a heading of `docs/reasons.md` and in test names.
//! A reason carries no payload: what was expected and found stands in [`Finding`](super::finding::Finding).

use core::fmt;

/// What a reason says about the unit, and so what becomes of the box.
///
/// The order is the order of severity: the worst class of all findings decides the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The call itself is wrong (exit status 2). Nothing was judged.
    Usage,
    /// Our side could not decide and may be able to by itself later: hold, exit status 20.
    Passing,
    /// Our side could not decide until a person acts: hold, exit status 21.
    Stuck,
    /// An input is not in the form it should have. A seam rejects it (10); in `receive` it is a hold for a person
    /// (21), unless the document check that wraps it says something worse.
    Unreadable,
    /// The supplier's evidence is missing: quarantine, unproven (11). Says nothing bad about the unit.
    Absent,
    /// The evidence contradicts: quarantine, suspect (10).
    Contradicts,
}

impl Class {
    /// The word used in JSON and in `docs/reasons.md`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Passing => "hold-passing",
            Self::Stuck => "hold-person",
            Self::Unreadable => "unreadable",
            Self::Absent => "unproven",
            Self::Contradicts => "suspect",
        }
    }
}

macro_rules! reasons {
    ($( $(#[doc = $section:literal])? $variant:ident = $code:literal, $class:ident; )*) => {
        /// Why a unit, a document or an input was not taken. Non-exhaustive: treat an unknown word as a refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[allow(missing_docs)] // each is described in docs/reasons.md, held equal by a test
        pub enum Reason { $( $variant, )* }

        impl Reason {
            /// Every reason, in the order of `docs/reasons.md`.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )* ];

            /// The kebab-case word: stable, public.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $( Self::$variant => $code, )* }
            }

            /// The one class of this reason.
            #[must_use]
            pub const fn class(self) -> Class {
                match self { $( Self::$variant => Class::$class, )* }
            }
        }
    };
}

reasons! {
    // the call and its inputs
    Usage = "usage", Usage;
    InputMissing = "input-missing", Usage;
    InputNotRegular = "input-not-regular", Usage;
    InputUnreadable = "input-unreadable", Usage;
    InputEmpty = "input-empty", Unreadable;
    InputTooLarge = "input-too-large", Unreadable;
    TextNotUtf8 = "text-not-utf8", Unreadable;

    // strict JSON
    JsonByteOrderMark = "json-byte-order-mark", Unreadable;
    JsonSyntax = "json-syntax", Unreadable;
    JsonTrailingData = "json-trailing-data", Unreadable;
    JsonDuplicateKey = "json-duplicate-key", Unreadable;
    JsonCaseVariantKey = "json-case-variant-key", Unreadable;
    JsonNumber = "json-number", Unreadable;
    JsonTooDeep = "json-too-deep", Unreadable;
    JsonTooLarge = "json-too-large", Unreadable;
    JsonUnknownField = "json-unknown-field", Unreadable;
    JsonMissingField = "json-missing-field", Unreadable;
    JsonWrongType = "json-wrong-type", Unreadable;
    JsonValue = "json-value", Unreadable;

    // keys and signatures
    KeyMalformed = "key-malformed", Unreadable;
    KeyUnsupported = "key-unsupported", Contradicts;
    KeyTooWeak = "key-too-weak", Contradicts;
    KeyPubliclyKnown = "key-publicly-known", Contradicts;
    AlgorithmNotForKey = "algorithm-not-for-key", Contradicts;
    SignatureMalformed = "signature-malformed", Contradicts;
    SignatureInvalid = "signature-invalid", Contradicts;
    SignatureRepeated = "signature-repeated", Contradicts;
    PrivateKeyMalformed = "private-key-malformed", Usage;
    PrivateKeyEncrypted = "private-key-encrypted", Usage;
    PrivateKeyUnsupported = "private-key-unsupported", Usage;

    // envelopes and statements
    EnvelopeMalformed = "envelope-malformed", Unreadable;
    EnvelopeSignatureCount = "envelope-signature-count", Contradicts;
    PayloadTypeWrong = "payload-type-wrong", Contradicts;
    StatementTypeWrong = "statement-type-wrong", Contradicts;
    PredicateTypeWrong = "predicate-type-wrong", Contradicts;
    SubjectMismatch = "subject-mismatch", Contradicts;
    DocumentUnknown = "document-unknown", Unreadable;

    // certificates, paths, revocation
    CertificateMalformed = "certificate-malformed", Unreadable;
    CertificateMissing = "certificate-missing", Contradicts;
    CertificateExpired = "certificate-expired", Stuck;
    CertificateNotYetValid = "certificate-not-yet-valid", Stuck;
    CertificateWeakKey = "certificate-weak-key", Contradicts;
    CertificateWeakSignature = "certificate-weak-signature", Contradicts;
    CertificateSignatureInvalid = "certificate-signature-invalid", Contradicts;
    PathNotFound = "path-not-found", Contradicts;
    PathLimit = "path-limit", Contradicts;
    PathLengthExceeded = "path-length-exceeded", Contradicts;
    PathInvalid = "path-invalid", Contradicts;
    CaFlagMissing = "ca-flag-missing", Contradicts;
    KeyUsageWrong = "key-usage-wrong", Contradicts;
    NameConstraintViolated = "name-constraint-violated", Contradicts;
    CriticalExtensionUnknown = "critical-extension-unknown", Contradicts;
    PurposeMissing = "purpose-missing", Contradicts;
    PurposeArcTooLarge = "purpose-arc-too-large", Contradicts;
    LeafIsCa = "leaf-is-ca", Contradicts;
    LeafIsAnchor = "leaf-is-anchor", Contradicts;
    SignerRevoked = "signer-revoked", Contradicts;
    IssuerRevoked = "issuer-revoked", Contradicts;
    CrlMissing = "crl-missing", Stuck;
    CrlStale = "crl-stale", Stuck;
    CrlNotYetValid = "crl-not-yet-valid", Stuck;
    CrlUnusable = "crl-unusable", Stuck;
    CrlMalformed = "crl-malformed", Stuck;
    CrlTooOld = "crl-too-old", Stuck;
    CrlRolledBack = "crl-rolled-back", Stuck;

    // our trust: anchors, their list, policy
    AnchorsEmpty = "anchors-empty", Stuck;
    AnchorListMissing = "anchor-list-missing", Stuck;
    AnchorListMalformed = "anchor-list-malformed", Stuck;
    AnchorListThreshold = "anchor-list-threshold", Stuck;
    AnchorListExpired = "anchor-list-expired", Stuck;
    AnchorListNotYetValid = "anchor-list-not-yet-valid", Stuck;
    AnchorListRolledBack = "anchor-list-rolled-back", Stuck;
    AnchorListOrigin = "anchor-list-origin", Stuck;
    AnchorListNotNext = "anchor-list-not-next", Stuck;
    PolicyMissing = "policy-missing", Stuck;
    PolicyMalformed = "policy-malformed", Stuck;
    PolicyThreshold = "policy-threshold", Stuck;
    PolicyExpired = "policy-expired", Stuck;
    PolicyNotYetValid = "policy-not-yet-valid", Stuck;
    PolicyRolledBack = "policy-rolled-back", Stuck;
    PolicyOrigin = "policy-origin", Stuck;
    PolicyNotNext = "policy-not-next", Stuck;
    PartNotGated = "part-not-gated", Usage;
    PartObserved = "part-observed", Stuck;
    ThresholdZero = "threshold-zero", Stuck;
    ThresholdNotMet = "threshold-not-met", Stuck;
    AuthorityKeyShared = "authority-key-shared", Stuck;
    OfficerSignedAlready = "officer-signed-already", Usage;

    // what a signer may say
    RoleNotListed = "role-not-listed", Contradicts;
    PartOutsideScope = "part-outside-scope", Contradicts;
    SerialsNotPermitted = "serials-not-permitted", Contradicts;
    AnchorNotInDates = "anchor-not-in-dates", Stuck;
    ManufacturerMismatch = "manufacturer-mismatch", Contradicts;

    // labels
    LabelMissing = "label-missing", Unreadable;
    LabelTooLong = "label-too-long", Unreadable;
    LabelHeaderWrong = "label-header-wrong", Unreadable;
    LabelFormatUnknown = "label-format-unknown", Unreadable;
    LabelTrailerMissing = "label-trailer-missing", Unreadable;
    LabelSeparatorLost = "label-separator-lost", Unreadable;
    LabelMangled = "label-mangled", Unreadable;
    LabelFieldMalformed = "label-field-malformed", Unreadable;
    LabelCheckDigit = "label-check-digit", Unreadable;
    LabelBareRefused = "label-bare-refused", Unreadable;
    LabelNoSerial = "label-no-serial", Unreadable;
    LabelTwoSerials = "label-two-serials", Unreadable;
    LabelQuantity = "label-quantity", Unreadable;
    LabelAmbiguous = "label-ambiguous", Unreadable;
    LabelsDisagree = "labels-disagree", Contradicts;

    // firmware images
    ImageEmpty = "image-empty", Unreadable;
    ImageByteOrderMark = "image-byte-order-mark", Unreadable;
    ImageFormUnknown = "image-form-unknown", Unreadable;
    ImageFormMixed = "image-form-mixed", Unreadable;
    ImageRecordMalformed = "image-record-malformed", Unreadable;
    ImageRecordLength = "image-record-length", Unreadable;
    ImageRecordType = "image-record-type", Unreadable;
    ImageRecordCount = "image-record-count", Unreadable;
    ImageChecksum = "image-checksum", Unreadable;
    ImageOverlap = "image-overlap", Unreadable;
    ImageAddressWrap = "image-address-wrap", Unreadable;
    ImageEndMissing = "image-end-missing", Unreadable;
    ImageDataAfterEnd = "image-data-after-end", Unreadable;
    ImageElfMalformed = "image-elf-malformed", Unreadable;
    ImageTooLarge = "image-too-large", Unreadable;
    ImageTooManySegments = "image-too-many-segments", Unreadable;
    ImageRangeMalformed = "image-range-malformed", Unreadable;
    ImageRangeLimit = "image-range-limit", Unreadable;
    ImageReadFailed = "image-read-failed", Stuck;

    // manifests against the unit
    ManifestAbsent = "manifest-absent", Absent;
    ManifestMalformed = "manifest-malformed", Absent;
    ShipmentAbsent = "shipment-absent", Absent;
    ReleaseAbsent = "release-absent", Absent;
    ManifestExpired = "manifest-expired", Stuck;
    ManifestNotYetValid = "manifest-not-yet-valid", Stuck;
    ManifestAmbiguous = "manifest-ambiguous", Contradicts;
    ConsigneeDiffers = "consignee-differs", Contradicts;
    SerialNotListed = "serial-not-listed", Contradicts;
    SerialListedTwice = "serial-listed-twice", Contradicts;
    PartDiffers = "part-differs", Contradicts;
    HardwareDiffers = "hardware-differs", Contradicts;
    ReleaseDiffers = "release-differs", Contradicts;
    ConditionDiffers = "condition-differs", Contradicts;
    DevelopmentImage = "development-image", Contradicts;
    SecurityVersionRolledBack = "security-version-rolled-back", Contradicts;

    // the firmware in the unit
    FirmwareDiffers = "firmware-differs", Contradicts;
    FirmwareNotRead = "firmware-not-read", Stuck;
    ComponentUnknown = "component-unknown", Stuck;
    ComponentNotRead = "component-not-read", Stuck;
    IdentityFieldDiffers = "identity-field-differs", Contradicts;
    BindingNotEstablished = "binding-not-established", Stuck;
    UniqueAreaReused = "unique-area-reused", Contradicts;
    ReadoutReused = "readout-reused", Contradicts;

    // the identity of the unit
    IdentityBelowMinimum = "identity-below-minimum", Passing;
    DeviceProofMissing = "device-proof-missing", Absent;
    DeviceProofUnsupported = "device-proof-unsupported", Stuck;
    IdentitySeenBefore = "identity-seen-before", Contradicts;
    IdentitySuspectBefore = "identity-suspect-before", Contradicts;
    IdentityVoided = "identity-voided", Contradicts;
    IdentityShipped = "identity-shipped", Contradicts;
    IdentityReturnUnknown = "identity-return-unknown", Absent;
    IdentityLegacy = "identity-legacy", Contradicts;
    IdentityLeased = "identity-leased", Contradicts;
    KeyNotTheSame = "key-not-the-same", Contradicts;
    AttemptReused = "attempt-reused", Contradicts;
    SightingsLimit = "sightings-limit", Contradicts;

    // memory and clock
    MemoryIncomplete = "memory-incomplete", Stuck;
    MemoryMalformed = "memory-malformed", Stuck;
    MemoryMoved = "memory-moved", Passing;
    ClockBehind = "clock-behind", Stuck;
    ClockAhead = "clock-ahead", Stuck;
    DossierMalformed = "dossier-malformed", Stuck;
    CheckNotRun = "check-not-run", Passing;

    // Merkle proofs, notes, leaves
    ProofMalformed = "proof-malformed", Unreadable;
    ProofWrong = "proof-wrong", Contradicts;
    NoteMalformed = "note-malformed", Unreadable;
    NoteSignatureMissing = "note-signature-missing", Contradicts;
    NoteSignatureInvalid = "note-signature-invalid", Contradicts;
    CheckpointMalformed = "checkpoint-malformed", Unreadable;
    CheckpointOrigin = "checkpoint-origin", Contradicts;
    LeafMalformed = "leaf-malformed", Unreadable;
    LeafDiffers = "leaf-differs", Contradicts;

    // the manufacturer's side
    DescriptionMalformed = "description-malformed", Unreadable;
    ImageRangeGap = "image-range-gap", Unreadable;
    SigningKeyDiffers = "signing-key-differs", Contradicts;
    OutputExists = "output-exists", Usage;
    OutputUnwritable = "output-unwritable", Usage;

    // the token
    ModuleMissing = "module-missing", Stuck;
    ModuleFailed = "module-failed", Stuck;
    TokenAbsent = "token-absent", Stuck;
    TokenAmbiguous = "token-ambiguous", Stuck;
    TokenWrongSerial = "token-wrong-serial", Stuck;
    PinMissing = "pin-missing", Stuck;
    PinWrong = "pin-wrong", Stuck;
    PinLocked = "pin-locked", Stuck;
    PinLastTry = "pin-last-try", Stuck;
    PinExposed = "pin-exposed", Stuck;
    TokenFailed = "token-failed", Passing;
    TokenNotWritten = "token-not-written", Stuck;
    TokenKeyMissing = "token-key-missing", Stuck;
    TokenKeyUnusable = "token-key-unusable", Stuck;
    StandbyMissing = "standby-missing", Stuck;
    SignerFailed = "signer-failed", Passing;
    SignerLied = "signer-lied", Stuck;

    // the ledger and the site
    SiteMissing = "site-missing", Usage;
    SiteMalformed = "site-malformed", Usage;
    SiteExists = "site-exists", Usage;
    SiteNotWritten = "site-not-written", Usage;
    LedgerMissing = "ledger-missing", Stuck;
    LedgerExists = "ledger-exists", Usage;
    LedgerNewer = "ledger-newer", Stuck;
    LedgerBusy = "ledger-busy", Passing;
    LedgerFailed = "ledger-failed", Passing;
    LedgerUnusable = "ledger-unusable", Stuck;
    LedgerDiffers = "ledger-differs", Stuck;
    LedgerRolledBack = "ledger-rolled-back", Stuck;
    LedgerForked = "ledger-forked", Stuck;
    MarkMissing = "mark-missing", Stuck;
    LedgerEntryMissing = "ledger-entry-missing", Stuck;
    LedgerEntryUnfit = "ledger-entry-unfit", Stuck;
    NotConfirmed = "not-confirmed", Stuck;

    // documents that come in
    IntakeBusy = "intake-busy", Passing;
    IntakeUnusable = "intake-unusable", Stuck;

    // the journal of attempts
    JournalMissing = "journal-missing", Stuck;
    JournalUnusable = "journal-unusable", Stuck;
    JournalBusy = "journal-busy", Passing;
    JournalDiffers = "journal-differs", Stuck;
    AttemptInProgress = "attempt-in-progress", Passing;

    // the way into inventory
    AdmissionNoAccept = "admission-no-accept", Contradicts;
    AdmissionBlocked = "admission-blocked", Contradicts;
    AdmissionTaken = "admission-taken", Contradicts;
    AdmissionUnknown = "admission-unknown", Contradicts;
    AdmissionEnvironment = "admission-environment", Contradicts;
    AdmissionRedeemed = "admission-redeemed", Contradicts;
    RedemptionConfirmed = "redemption-confirmed", Contradicts;
}

impl Reason {
    /// The reason of this word, if there is one.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl serde::Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Reason {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::from_code(&code).ok_or_else(|| serde::de::Error::custom(format!("unknown reason {code:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, Reason};

    #[test]
    fn every_code_is_one_kebab_case_word_and_stands_once() {
        let mut seen = std::collections::BTreeSet::new();
        for reason in Reason::ALL {
            let code = reason.code();
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{code}");
            assert!(!code.starts_with('-') && !code.ends_with('-'), "{code}");
            assert!(seen.insert(code), "{code} stands twice");
            assert_eq!(Reason::from_code(code), Some(*reason));
        }
        assert_eq!(Reason::from_code("fine"), None);
    }

    #[test]
    fn absent_or_stale_revocation_and_a_signer_expired_on_the_shelf_are_holds_and_never_suspect() {
        for reason in
            [Reason::CrlMissing, Reason::CrlStale, Reason::CrlTooOld, Reason::CertificateExpired, Reason::AnchorsEmpty]
        {
            assert_eq!(reason.class(), Class::Stuck, "{reason}");
        }
        assert!(Class::Contradicts > Class::Absent && Class::Absent > Class::Stuck && Class::Stuck > Class::Passing);
    }
}
