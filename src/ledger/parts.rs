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

#[cfg(test)]
mod tests {
    use super::{Blob, DOSSIER_MEDIA_TYPE, parts_of};
    use crate::ledger::record::{Act, Effects};
    use ecugate_verifier::documents::manifest::shipment::Condition;
    use ecugate_verifier::inputs::dossier::{Dossier, Inputs};
    use ecugate_verifier::inputs::evidence::Presentation;
    use ecugate_verifier::inputs::memory::{Known, Memory};
    use ecugate_verifier::inputs::trust::anchors::TokenCertificates;
    use ecugate_verifier::inputs::trust::authority::Authority;
    use ecugate_verifier::values::attempt::{Attempt, Environment, Nonce};
    use ecugate_verifier::values::digest::Sha256;
    use ecugate_verifier::values::ident::Name;
    use ecugate_verifier::values::keys::PublicKey;
    use ecugate_verifier::values::limits::Limits;
    use ecugate_verifier::values::time::Time;
    use p256::pkcs8::EncodePublicKey as _;
    use std::collections::BTreeMap;

    fn key(seed: u8) -> PublicKey {
        let secret = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
        PublicKey::from_spki(secret.verifying_key().to_public_key_der().unwrap().as_bytes()).unwrap()
    }

    /// A dossier in which every member that can name a part names one, and two members name the same bytes.
    fn full_dossier() -> Dossier {
        let name = |text: &str| Name::new(text).unwrap();
        let some = |text: &[u8]| Some(text.to_vec());
        let holders = vec![(name("anna"), key(1)), (name("boris"), key(2))];
        let now = Time::from_unix_seconds(1_795_498_278).unwrap();
        let inputs = Inputs {
            attempt: Attempt { station: name("dock-1"), nonce: Nonce::from_bytes([7; 16]) },
            now,
            environment: Environment::Trial,
            site: name("dock"),
            authority: Authority::new(holders, 2, 0, 0, &Limits::STANDARD).unwrap(),
            token: TokenCertificates::Read(vec![b"certificate".to_vec()]),
            anchor_list: some(b"list"),
            policy: some(b"policy"),
            presentation: Presentation {
                label: some(b"label"),
                housing_label: some(b"housing label"),
                manifests: vec![b"release".to_vec(), b"shipment".to_vec(), b"label".to_vec()],
                untrusted: vec![b"issuing".to_vec(), b"certificate".to_vec()],
                crls: vec![b"crl".to_vec()],
                readouts: Vec::new(),
                device_proof: some(b"proof"),
                condition: Condition::New,
                operator: Some(name("an operator")),
                order: Some(name("an order")),
            },
            memory: Memory::Known(Box::new(Known::empty())),
        };
        Dossier::assemble(inputs, &Limits::STANDARD)
    }

    #[test]
    fn the_parts_that_an_index_names_are_those_that_its_dossier_stores() {
        let encoded = full_dossier().encode();
        let mut effects = Effects::of_act(Act::new("trial.dock.example", 1, Time::from_unix_seconds(0).unwrap()));
        effects.dossier = Some(encoded.digest());
        let named = parts_of(&effects, &Limits::STANDARD, |digest| {
            assert_eq!(*digest, encoded.digest());
            Ok(encoded.index.clone())
        });
        let named: BTreeMap<Sha256, String> =
            named.unwrap().into_iter().map(|part| (part.sha256, part.media_type)).collect();
        let stored: BTreeMap<Sha256, String> =
            Blob::of_dossier(&encoded).into_iter().map(|blob| (Sha256::of(&blob.bytes), blob.media_type)).collect();
        assert_eq!(named, stored);
        assert_eq!(named.len(), 1 + encoded.parts.len());
        assert_eq!(named.get(&encoded.digest()).map(String::as_str), Some(DOSSIER_MEDIA_TYPE));
    }
}
