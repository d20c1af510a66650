//! The dossier: every input of one appraisal, content-addressed, stored and replayable.
//!
//! What is stored are bytes and plain values, never conclusions: decoding verifies and reads everything again, so
//! that `appraise(decode(encode(d))) == appraise(d)`, today and in years.

use super::evidence::{Evidence, Presentation, Readout};
use super::memory::Memory;
use super::policy::Policy;
use super::trust::anchors::{Anchors, TokenCertificates};
use super::trust::authority::Authority;
use crate::documents::manifest::shipment::Condition;
use crate::syntax::json;
use crate::values::attempt::Attempt;
pub use crate::values::attempt::Environment;
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::Name;
use crate::values::keys::PublicKey;
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::time::Time;
use crate::values::verified::{Means, VerifiedSignatures};
use std::collections::BTreeMap;

/// The media type of a stored dossier's index.
pub const DOSSIER_MEDIA_TYPE: &str = "application/vnd.ecugate.dossier+json";

/// The mark at the head of a stored dossier.
const FORMAT: &str = "urn:ecugate:dossier:v1";

/// The inputs as bytes and plain values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// The attempt, numbered before anything was judged.
    pub attempt: Attempt,
    /// When it is judged.
    pub now: Time,
    /// Trial or production.
    pub environment: Environment,
    /// The site's id.
    pub site: Name,
    /// The authority pinned at the site.
    pub authority: Authority,
    /// What the trust token held.
    pub token: TokenCertificates,
    /// The signed anchor list.
    pub anchor_list: Option<Vec<u8>>,
    /// The signed policy.
    pub policy: Option<Vec<u8>>,
    /// What came with the box.
    pub presentation: Presentation,
    /// What the ledger knew.
    pub memory: Memory,
}

/// Every input of one appraisal, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dossier {
    inputs: Inputs,
    anchors: Anchors,
    policy: Policy,
    evidence: Evidence,
    signatures: VerifiedSignatures,
}

impl Dossier {
    /// Reads the inputs: resolves anchors and policy, parses the evidence. Nothing here fails: what is wrong becomes
    /// a value that the appraisal reports.
    #[must_use]
    pub fn assemble<'m>(inputs: Inputs, means: impl Into<Means<'m>>) -> Self {
        let means = means.into();
        let (list_seen, policy_seen) = match &inputs.memory {
            Memory::Known(known) => (known.anchor_list_version, known.policy_version),
            Memory::Unavailable(_) => (0, 0),
        };
        let anchors = Anchors::resolve(
            &inputs.token,
            inputs.anchor_list.as_deref(),
            &inputs.authority,
            &inputs.site,
            list_seen,
            inputs.now,
            means,
        );
        let policy =
            Policy::resolve(inputs.policy.as_deref(), &inputs.authority, &inputs.site, policy_seen, inputs.now, means);
        let evidence = inputs.presentation.read(&policy.label_rules(), means.limits);
        Self { inputs, anchors, policy, evidence, signatures: means.signatures.clone() }
    }

    /// Signatures that were found good before.
    pub(crate) const fn signatures(&self) -> &VerifiedSignatures {
        &self.signatures
    }

    /// The inputs as they were given.
    #[must_use]
    pub const fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The anchors.
    #[must_use]
    pub const fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The evidence.
    #[must_use]
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Writes the dossier as an index and content-addressed parts.
    #[must_use]
    pub fn encode(&self) -> Encoded {
        let mut parts = BTreeMap::new();
        let index = Index::of(&self.inputs, &mut parts);
        Encoded { index: serde_json::to_vec(&index).unwrap_or_default(), parts }
    }

    /// Reads a stored dossier back.
    ///
    /// # Errors
    /// [`Reason::DossierMalformed`] where the index is not one, or a part is missing or is not what its digest says.
    pub fn decode(encoded: &Encoded, limits: &Limits) -> Result<Self, Finding> {
        let index: Index = json::read(&encoded.index, limits).map_err(|fault| malformed(fault.finding()))?;
        Ok(Self::assemble(index.inputs(&encoded.parts, limits)?, limits))
    }
}

/// A dossier as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// JSON that names every part by its digest.
    pub index: Vec<u8>,
    /// The parts.
    pub parts: BTreeMap<Sha256, Part>,
}

impl Encoded {
    /// SHA-256 of the index: the subject of the receipt.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        Sha256::of(&self.index)
    }
}

/// One stored part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    format: String,
    attempt: Attempt,
    now: Time,
    environment: Environment,
    site: Name,
    authority: AuthorityText,
    token: TokenText,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    anchor_list: Option<Sha256>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<Sha256>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<Sha256>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    housing_label: Option<Sha256>,
    manifests: Vec<Sha256>,
    untrusted: Vec<Sha256>,
    crls: Vec<Sha256>,
    readouts: Vec<Sha256>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device_proof: Option<Sha256>,
    condition: Condition,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operator: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<Name>,
    memory: Memory,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorityText {
    holders: Vec<HolderText>,
    threshold: u64,
    list_version_least: u64,
    policy_version_least: u64,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct HolderText {
    person: Name,
    key: Sha256,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TokenText {
    Read(Vec<Sha256>),
    Unavailable(Finding),
}

impl Index {
    fn of(inputs: &Inputs, parts: &mut BTreeMap<Sha256, Part>) -> Self {
        let mut put = |media_type: &'static str, bytes: &[u8]| {
            let digest = Sha256::of(bytes);
            parts.entry(digest).or_insert_with(|| Part { media_type, bytes: bytes.to_vec() });
            digest
        };
        let presented = &inputs.presentation;
        let holders = inputs.authority.holders().iter();
        let holders = holders
            .map(|(person, key)| HolderText { person: person.clone(), key: put("application/pkix-spki", key.spki()) });
        let authority = AuthorityText {
            holders: holders.collect(),
            threshold: inputs.authority.threshold() as u64,
            list_version_least: inputs.authority.list_version_least(),
            policy_version_least: inputs.authority.policy_version_least(),
        };
        let token = match &inputs.token {
            TokenCertificates::Read(held) => {
                TokenText::Read(held.iter().map(|der| put("application/pkix-cert", der)).collect())
            }
            TokenCertificates::Unavailable(finding) => TokenText::Unavailable(finding.clone()),
        };
        let mut maybe = |media_type, bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| put(media_type, bytes));
        let anchor_list = maybe("application/vnd.dsse+json", &inputs.anchor_list);
        let policy = maybe("application/vnd.dsse+json", &inputs.policy);
        let label = maybe("application/octet-stream", &presented.label);
        let housing_label = maybe("application/octet-stream", &presented.housing_label);
        let device_proof = maybe("application/octet-stream", &presented.device_proof);
        let readouts = presented.readouts.iter().map(|readout| {
            let text = serde_json::to_vec(readout).unwrap_or_default();
            put("application/json", &text)
        });
        let readouts = readouts.collect();
        let mut all = |media_type, list: &[Vec<u8>]| list.iter().map(|bytes| put(media_type, bytes)).collect();
        Self {
            format: FORMAT.to_owned(),
            attempt: inputs.attempt.clone(),
            now: inputs.now,
            environment: inputs.environment,
            site: inputs.site.clone(),
            authority,
            token,
            anchor_list,
            policy,
            label,
            housing_label,
            manifests: all("application/vnd.dsse+json", &presented.manifests),
            untrusted: all("application/pkix-cert", &presented.untrusted),
            crls: all("application/pkix-crl", &presented.crls),
            readouts,
            device_proof,
            condition: presented.condition,
            operator: presented.operator.clone(),
            order: presented.order.clone(),
            memory: inputs.memory.clone(),
        }
    }

    fn inputs(self, parts: &BTreeMap<Sha256, Part>, limits: &Limits) -> Result<Inputs, Finding> {
        if self.format != FORMAT {
            return Err(Finding::new(Reason::DossierMalformed, "dossier format", FORMAT, self.format));
        }
        let take = |digest: &Sha256| -> Result<Vec<u8>, Finding> {
            let part = parts
                .get(digest)
                .ok_or_else(|| Finding::new(Reason::DossierMalformed, "dossier part", digest.to_string(), "none"))?;
            let found = Sha256::of(&part.bytes);
            if found == *digest {
                Ok(part.bytes.clone())
            } else {
                Err(Finding::new(Reason::DossierMalformed, "dossier part", digest.to_string(), found.to_string()))
            }
        };
        let maybe = |digest: &Option<Sha256>| digest.as_ref().map(take).transpose();
        let all = |digests: &[Sha256]| digests.iter().map(take).collect::<Result<Vec<_>, _>>();
        let mut holders = Vec::new();
        for holder in &self.authority.holders {
            let key = PublicKey::from_spki(&take(&holder.key)?)
                .map_err(|fault| Finding::new(Reason::DossierMalformed, "authority key", "a key", fault.to_string()))?;
            holders.push((holder.person.clone(), key));
        }
        let authority = Authority::new(
            holders,
            usize::try_from(self.authority.threshold).unwrap_or(usize::MAX),
            self.authority.list_version_least,
            self.authority.policy_version_least,
            limits,
        )
        .map_err(malformed)?;
        let token = match &self.token {
            TokenText::Read(held) => TokenCertificates::Read(all(held)?),
            TokenText::Unavailable(finding) => TokenCertificates::Unavailable(finding.clone()),
        };
        Ok(Inputs {
            attempt: self.attempt,
            now: self.now,
            environment: self.environment,
            site: self.site,
            authority,
            token,
            anchor_list: maybe(&self.anchor_list)?,
            policy: maybe(&self.policy)?,
            presentation: Presentation {
                label: maybe(&self.label)?,
                housing_label: maybe(&self.housing_label)?,
                manifests: all(&self.manifests)?,
                untrusted: all(&self.untrusted)?,
                crls: all(&self.crls)?,
                readouts: all(&self.readouts)?.iter().map(|text| readout(text, limits)).collect::<Result<_, _>>()?,
                device_proof: maybe(&self.device_proof)?,
                condition: self.condition,
                operator: self.operator,
                order: self.order,
            },
            memory: self.memory,
        })
    }
}

/// A measurement stands in a part of its own: its map may be as long as a document may be.
fn readout(text: &[u8], limits: &Limits) -> Result<Readout, Finding> {
    json::read(text, limits).map_err(|fault| malformed(fault.finding()))
}

fn malformed(finding: Finding) -> Finding {
    Finding { reason: Reason::DossierMalformed, ..finding }.within("dossier")
}
