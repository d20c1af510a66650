//! The blobs that an entry commits to: those that it names, the index of its dossier, and those that the index names.

use super::fault::LedgerFault;
use super::record::Effects;
use ecugate_verifier::inputs::dossier::Encoded;
use ecugate_verifier::syntax::json::{self, Json};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::limits::Limits;
use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Media type of the index of a dossier.
pub const DOSSIER_MEDIA_TYPE: &str = "application/vnd.ecugate.dossier+json";

/// The members of a dossier's index that name parts, in the order in which the dossier stores them: where one part
/// stands under two names, the first says what it is.
const MEMBERS: [(&str, &str); 10] = [
    ("authority", "application/pkix-spki"),
    ("token", "application/pkix-cert"),
    ("anchor_list", "application/vnd.dsse+json"),
    ("policy", "application/vnd.dsse+json"),
    ("label", "application/octet-stream"),
    ("housing_label", "application/octet-stream"),
    ("device_proof", "application/octet-stream"),
    ("manifests", "application/vnd.dsse+json"),
    ("untrusted", "application/pkix-cert"),
    ("crls", "application/pkix-crl"),
];

/// A blob by its digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartRef {
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// What it is.
    pub media_type: String,
}

/// Bytes kept under their digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// What it is.
    pub media_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Blob {
    /// The blobs of a dossier: its index and its parts.
    #[must_use]
    pub fn of_dossier(dossier: &Encoded) -> Vec<Self> {
        let index = Self { media_type: DOSSIER_MEDIA_TYPE.to_owned(), bytes: dossier.index.clone() };
        let parts = dossier.parts.values();
        let parts = parts.map(|part| Self { media_type: part.media_type.to_owned(), bytes: part.bytes.clone() });
        std::iter::once(index).chain(parts).collect()
    }

    /// Reads a stored blob. What does not have this digest is not handed out.
    pub(super) fn stored(connection: &Connection, sha256: &Sha256) -> Result<Option<Self>, LedgerFault> {
        let blob = connection
            .prepare_cached("SELECT media_type, bytes FROM blob WHERE sha256 = ?")?
            .query_row([sha256.as_bytes()], |row| Ok(Self { media_type: row.get(0)?, bytes: row.get(1)? }))
            .optional()?;
        match blob {
            Some(blob) if Sha256::of(&blob.bytes) != *sha256 => {
                let found = Sha256::of(&blob.bytes).to_string();
                Err(LedgerFault::differs(format!("blob {sha256}"), sha256.to_string(), found))
            }
            blob => Ok(blob),
        }
    }
}

/// Every part of an entry, each once. `index` answers the bytes of a dossier's index.
pub(super) fn parts_of(
    effects: &Effects,
    limits: &Limits,
    index: impl FnOnce(&Sha256) -> Result<Vec<u8>, String>,
) -> Result<Vec<PartRef>, String> {
    let mut parts = effects.parts.clone();
    if let Some(digest) = &effects.dossier {
        parts.push(PartRef { sha256: *digest, media_type: DOSSIER_MEDIA_TYPE.to_owned() });
        let text = json::parse(&index(digest)?, limits).map_err(|fault| format!("its dossier: {fault}"))?;
        let mut named: BTreeMap<Sha256, &str> = BTreeMap::new();
        for (member, media_type) in MEMBERS {
            if let Some(value) = text.member(member) {
                collect(value, media_type, &mut named);
            }
        }
        named.remove(digest);
        parts.extend(
            named.into_iter().map(|(sha256, media_type)| PartRef { sha256, media_type: media_type.to_owned() }),
        );
    }
    Ok(parts)
}

/// Every digest in a value: parts are the only digests that these members hold.
fn collect<'m>(value: &Json, media_type: &'m str, named: &mut BTreeMap<Sha256, &'m str>) {
    match value {
        Json::String(text) => {
            if let Some(digest) = Sha256::from_hex(text) {
                named.entry(digest).or_insert(media_type);
            }
        }
        Json::Array(values) => values.iter().for_each(|value| collect(value, media_type, named)),
        Json::Object(members) => members.iter().for_each(|(_, value)| collect(value, media_type, named)),
        Json::Null | Json::Bool(_) | Json::Integer(_) => {}
    }
}
