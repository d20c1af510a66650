//! A document that came in before its boxes: the honest *first seen*. It is a record of arrival and no word of trust:
//! every receipt verifies its documents again.

use super::document::Document;
use super::record::Record;
use super::statement::Predicate;
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::Name;
use crate::values::limits::Limits;
use crate::values::reason::Reason;

/// What kind of document came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeenKind {
    /// A release manifest.
    Release,
    /// A shipment manifest.
    Shipment,
    /// One or more certificates from which paths may be built.
    Certificates,
    /// A certificate revocation list.
    Crl,
}

impl SeenKind {
    /// The word in records, JSON and on screens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Shipment => "shipment",
            Self::Certificates => "certificates",
            Self::Crl => "crl",
        }
    }
}

/// The predicate of a document entry.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentSeen {
    /// Its place. Its one part is the document, byte for byte as it came.
    pub record: Record,
    /// The site's id.
    pub site: Name,
    /// What it is, by its form. Its signatures count when a box is judged by it.
    pub kind: SeenKind,
    /// SHA-256 of its bytes.
    pub document: Sha256,
    /// By what way it came: the supplier's folder, or the operator's word.
    pub source: Name,
    /// What it calls itself: the release or shipment id. A claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
}

impl Predicate for DocumentSeen {
    const TYPE: &'static str = "urn:ecugate:document:v1";
}

impl Document for DocumentSeen {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        vec![("document".to_owned(), self.document)]
    }

    fn fault(&self, _limits: &Limits) -> Option<Finding> {
        let own = self.record.parts.iter().map(|part| part.sha256).eq([self.document]);
        let place = "predicate.record.parts";
        (!own).then(|| Finding::new(Reason::JsonValue, place, "the document and nothing else", "other parts or none"))
    }
}
