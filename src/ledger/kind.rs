//! The kinds of entry: every word is reserved from the first version on, so that no later one means something else.

/// What kind of thing an entry records. The word is the middle of its predicate type, `urn:ecugate:<kind>:v1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // each is described in docs/ledger.md
pub enum EntryKind {
    Genesis,
    Document,
    Verdict,
    LateHold,
    Supersede,
    Admitted,
    Redeemed,
    RedemptionConfirmed,
    Contested,
    RePresentation,
    QuarantineConfirmed,
    Disposition,
    Waiver,
    Void,
    CustodyLeft,
    ReturnAuthorised,
    Returned,
    Reinspection,
    Recall,
    LegacyDeclared,
    StockCount,
    Lease,
    ClaimResult,
    SiteCheckpoint,
    TrustChange,
    PolicyChange,
    KeyChange,
    PersonChange,
    ClockStep,
    RestoreDeclared,
    MemoryComplete,
    Redaction,
    OutsideMark,
    TestPiece,
    Incident,
}

/// Who signs a kind of entry, beside the station whose signature every entry bears first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signers {
    /// The station alone.
    Station,
    /// Two persons.
    TwoPersons,
    /// As many officers as the authority demands.
    Officers,
}

impl EntryKind {
    /// Every kind.
    pub const ALL: [Self; 35] = [
        Self::Genesis,
        Self::Document,
        Self::Verdict,
        Self::LateHold,
        Self::Supersede,
        Self::Admitted,
        Self::Redeemed,
        Self::RedemptionConfirmed,
        Self::Contested,
        Self::RePresentation,
        Self::QuarantineConfirmed,
        Self::Disposition,
        Self::Waiver,
        Self::Void,
        Self::CustodyLeft,
        Self::ReturnAuthorised,
        Self::Returned,
        Self::Reinspection,
        Self::Recall,
        Self::LegacyDeclared,
        Self::StockCount,
        Self::Lease,
        Self::ClaimResult,
        Self::SiteCheckpoint,
        Self::TrustChange,
        Self::PolicyChange,
        Self::KeyChange,
        Self::PersonChange,
        Self::ClockStep,
        Self::RestoreDeclared,
        Self::MemoryComplete,
        Self::Redaction,
        Self::OutsideMark,
        Self::TestPiece,
        Self::Incident,
    ];

    /// The word of this kind.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Genesis => "genesis",
            Self::Document => "document",
            Self::Verdict => "verdict",
            Self::LateHold => "late-hold",
            Self::Supersede => "supersede",
            Self::Admitted => "admitted",
            Self::Redeemed => "redeemed",
            Self::RedemptionConfirmed => "redemption-confirmed",
            Self::Contested => "contested",
            Self::RePresentation => "re-presentation",
            Self::QuarantineConfirmed => "quarantine-confirmed",
            Self::Disposition => "disposition",
            Self::Waiver => "waiver",
            Self::Void => "void",
            Self::CustodyLeft => "custody-left",
            Self::ReturnAuthorised => "return-authorised",
            Self::Returned => "returned",
            Self::Reinspection => "reinspection",
            Self::Recall => "recall",
            Self::LegacyDeclared => "legacy-declared",
            Self::StockCount => "stock-count",
            Self::Lease => "lease",
            Self::ClaimResult => "claim-result",
            Self::SiteCheckpoint => "site-checkpoint",
            Self::TrustChange => "trust-change",
            Self::PolicyChange => "policy-change",
            Self::KeyChange => "key-change",
            Self::PersonChange => "person-change",
            Self::ClockStep => "clock-step",
            Self::RestoreDeclared => "restore-declared",
            Self::MemoryComplete => "memory-complete",
            Self::Redaction => "redaction",
            Self::OutsideMark => "outside-mark",
            Self::TestPiece => "test-piece",
            Self::Incident => "incident",
        }
    }

    /// The kind of this word, if there is one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The predicate type of this kind's statement.
    #[must_use]
    pub fn predicate_type(self) -> String {
        format!("urn:ecugate:{}:v1", self.word())
    }

    /// The kind whose predicate type this is, if there is one.
    #[must_use]
    pub fn of_predicate_type(text: &str) -> Option<Self> {
        Self::from_word(text.strip_prefix("urn:ecugate:")?.strip_suffix(":v1")?)
    }

    /// Who must sign it.
    #[must_use]
    pub const fn signers(self) -> Signers {
        match self {
            Self::Disposition | Self::Waiver | Self::RePresentation => Signers::TwoPersons,
            Self::TrustChange
            | Self::PolicyChange
            | Self::KeyChange
            | Self::PersonChange
            | Self::RestoreDeclared
            | Self::Redaction
            | Self::ClockStep
            | Self::LegacyDeclared
            | Self::MemoryComplete => Signers::Officers,
            _ => Signers::Station,
        }
    }

    /// Whether this version writes and understands the kind. The others are words kept free: an entry of one is
    /// counted in the tree, is called "not understood", and is never covered by a checkpoint of this version. (A
    /// version whose new kinds change the memory raises the number of the schema, and this one does not open it.)
    #[must_use]
    pub const fn is_understood(self) -> bool {
        matches!(
            self,
            Self::Genesis
                | Self::Document
                | Self::Verdict
                | Self::LateHold
                | Self::Admitted
                | Self::Redeemed
                | Self::RedemptionConfirmed
                | Self::Contested
                | Self::TrustChange
                | Self::PolicyChange
                | Self::KeyChange
                | Self::ClockStep
                | Self::MemoryComplete
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{EntryKind, Signers};

    #[test]
    fn every_reserved_word_names_one_kind_and_reads_back() {
        let mut words: Vec<&str> = EntryKind::ALL.iter().map(|kind| kind.word()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), EntryKind::ALL.len());
        for kind in EntryKind::ALL {
            assert_eq!(EntryKind::of_predicate_type(&kind.predicate_type()), Some(kind));
        }
        for text in ["urn:ecugate:verdict:v2", "urn:ecugate::v1", "verdict", "urn:ecugate:Verdict:v1", ""] {
            assert_eq!(EntryKind::of_predicate_type(text), None, "{text}");
        }
        // No kind that needs persons is written before persons can be enrolled.
        let persons = |kind: &EntryKind| kind.signers() == Signers::TwoPersons;
        assert!(!EntryKind::ALL.iter().filter(|kind| persons(kind)).any(|kind| kind.is_understood()));
    }
}
