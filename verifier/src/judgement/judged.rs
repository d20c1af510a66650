//! One dossier, judged: its appraisal, its verdict, and the receipt that will be signed. They stay together, so that no
//! receipt names one unit's dossier and another's verdict.

use super::appraisal::{Appraisal, appraise};
use super::verdict::Verdict;
use crate::documents::receipt::{Assurance, Receipt, Version, WaivedLine};
use crate::documents::record::{PartRef, Record, Versions};
use crate::inputs::custody::Standing;
use crate::inputs::dossier::{DOSSIER_MEDIA_TYPE, Dossier, Encoded};
use crate::inputs::policy::Policy;
use crate::inputs::trust::anchors::Anchors;

/// A dossier with all that follows from it. Made by [`Judged::of`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    dossier: Dossier,
    encoded: Encoded,
    appraisal: Appraisal,
    verdict: Verdict,
}

impl Judged {
    /// Judges a dossier.
    #[must_use]
    pub fn of(dossier: Dossier) -> Self {
        let appraisal = appraise(&dossier);
        let verdict = Verdict::reach(&appraisal);
        Self { encoded: dossier.encode(), dossier, appraisal, verdict }
    }

    /// What was judged.
    #[must_use]
    pub const fn dossier(&self) -> &Dossier {
        &self.dossier
    }

    /// The same as it is stored.
    #[must_use]
    pub const fn encoded(&self) -> &Encoded {
        &self.encoded
    }

    /// Every answer.
    #[must_use]
    pub const fn appraisal(&self) -> &Appraisal {
        &self.appraisal
    }

    /// What follows from them.
    #[must_use]
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Writes the verdict down, for entry `seq` of the log `origin`.
    #[must_use]
    pub fn receipt(&self, origin: &str, seq: u64) -> Receipt {
        receipt(&self.dossier, &self.encoded, &self.appraisal, &self.verdict, origin, seq)
    }
}

fn receipt(
    dossier: &Dossier,
    encoded: &Encoded,
    appraisal: &Appraisal,
    verdict: &Verdict,
    origin: &str,
    seq: u64,
) -> Receipt {
    let inputs = dossier.inputs();
    let (supersedes, contests) = match &appraisal.standing {
        Standing::New | Standing::Recorded(_) => (Vec::new(), Vec::new()),
        Standing::Supersedes(entries) => (entries.clone(), Vec::new()),
        Standing::Refused { contests, .. } => (Vec::new(), contests.clone()),
    };
    Receipt {
        record: record(dossier, encoded, appraisal, verdict, Record::new(origin, seq, inputs.now)),
        environment: inputs.environment,
        site: inputs.site.clone(),
        unit: appraisal.unit.clone(),
        condition: inputs.presentation.condition,
        operator: inputs.presentation.operator.clone(),
        order: inputs.presentation.order.clone(),
        ruling: verdict.ruling(),
        findings: verdict.findings().to_vec(),
        assurance: Assurance { identity: appraisal.identity, firmware: appraisal.firmware, minimum: appraisal.minimum },
        checks: appraisal.answers.lines().collect(),
        waived: appraisal
            .waived
            .iter()
            .map(|(check, finding)| WaivedLine { check: *check, finding: finding.clone() })
            .collect(),
        supersedes,
        contests,
        anchor_list: match dossier.anchors() {
            Anchors::Listed(set) => Some(Version { version: set.version(), sha256: set.digest() }),
            Anchors::Unavailable(_) => None,
        },
        policy: match dossier.policy() {
            Policy::InForce(policy) => Some(Version { version: policy.version(), sha256: policy.digest() }),
            Policy::Unavailable(_) => None,
        },
        dossier: encoded.digest(),
    }
}

fn record(dossier: &Dossier, encoded: &Encoded, appraisal: &Appraisal, verdict: &Verdict, place: Record) -> Record {
    let inputs = dossier.inputs();
    let mut parts: Vec<PartRef> = encoded
        .parts
        .iter()
        .map(|(sha256, part)| PartRef { sha256: *sha256, media_type: part.media_type.to_owned() })
        .collect();
    parts.push(PartRef { sha256: encoded.digest(), media_type: DOSSIER_MEDIA_TYPE.to_owned() });
    Record {
        attempt: Some(inputs.attempt.clone()),
        evidence: Some(inputs.presentation.digest()),
        state: verdict.ruling().state(),
        keys: appraisal.keys.clone(),
        parts,
        versions: Some(Versions {
            anchor_list: match dossier.anchors() {
                Anchors::Listed(set) => Some(set.version()),
                Anchors::Unavailable(_) => None,
            },
            policy: match dossier.policy() {
                Policy::InForce(policy) => Some(policy.version()),
                Policy::Unavailable(_) => None,
            },
            crls: appraisal.crls.clone(),
            releases: appraisal.releases.clone(),
        }),
        ..place
    }
}
