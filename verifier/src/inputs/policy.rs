//! The policy in force: what the authority signed for this site, or why nothing is in force.

use super::trust::authority::{Authority, DocumentReasons, Signed, Standing};
use crate::documents::manifest::assurance::Minimum;
use crate::documents::policy_text::{GateRule, PolicyText, Waivable, Waiver};
use crate::syntax::label::Rules;
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::{Name, Part};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::time::Time;
use crate::values::verified::Means;

const REASONS: DocumentReasons = DocumentReasons {
    document: "policy",
    missing: Reason::PolicyMissing,
    malformed: Reason::PolicyMalformed,
    threshold: Reason::PolicyThreshold,
    origin: Reason::PolicyOrigin,
    not_yet: Reason::PolicyNotYetValid,
    expired: Reason::PolicyExpired,
    rolled_back: Reason::PolicyRolledBack,
};

/// The policy, or why there is none. No policy is never "no demands".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Signed, for this site, in its dates, not rolled back.
    InForce(Box<InForce>),
    /// A hold.
    Unavailable(Finding),
}

/// A policy that counts. Made by [`Policy::resolve`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    text: PolicyText,
    digest: Sha256,
}

impl Policy {
    /// Resolves the signed text into a policy in force.
    ///
    /// `version_seen` is the highest version of the policy that a recorded verdict used (0: none).
    #[must_use]
    pub fn resolve<'m>(
        bytes: Option<&[u8]>,
        authority: &Authority,
        site: &Name,
        version_seen: u64,
        now: Time,
        means: impl Into<Means<'m>>,
    ) -> Self {
        let resolved = authority.open::<PolicyText>(bytes, &REASONS, means.into()).and_then(|signed| {
            let (text, digest) = (signed.document(), signed.digest());
            let standing =
                Standing { site: &text.site, version: text.version, issued: text.issued, expires: text.expires };
            REASONS.check(&standing, site, now, authority.policy_version_least().max(version_seen))?;
            Ok(InForce { text: signed.into_document(), digest })
        });
        match resolved {
            Ok(policy) => Self::InForce(Box::new(policy)),
            Err(finding) => Self::Unavailable(finding),
        }
    }

    /// How labels are read: strictly, where no policy is in force.
    #[must_use]
    pub fn label_rules(&self) -> Rules {
        match self {
            Self::InForce(policy) => policy.text.labels.clone(),
            Self::Unavailable(_) => Rules::default(),
        }
    }
}

/// A policy that enough officers of this site signed, for those who make the next one. What its dates and version are
/// worth is for [`Policy::resolve`], the one question that a gate asks.
///
/// # Errors
/// The reasons of a missing, malformed, too little signed or foreign policy.
pub fn signed_policy(
    bytes: Option<&[u8]>,
    authority: &Authority,
    site: &Name,
    limits: &Limits,
) -> Result<Signed<PolicyText>, Finding> {
    let signed = authority.open::<PolicyText>(bytes, &REASONS, limits.into())?;
    REASONS.check_site(&signed.document().site, site)?;
    Ok(signed)
}

impl InForce {
    /// Version of the policy.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.text.version
    }

    /// SHA-256 of the policy's envelope.
    #[must_use]
    pub const fn digest(&self) -> Sha256 {
        self.digest
    }

    /// The site, which shipment manifests must name as consignee.
    #[must_use]
    pub const fn site(&self) -> &Name {
        &self.text.site
    }

    /// Whether the gate applies to `part`. Unknown parts are gated.
    #[must_use]
    pub fn gate(&self, part: &Part) -> GateRule {
        self.text.family(part).map_or(GateRule::Gated, |family| family.gate)
    }

    /// The least assurance for `part`.
    #[must_use]
    pub fn minimum(&self, part: &Part) -> Minimum {
        self.text.family(part).map_or(self.text.minimum, |family| family.minimum)
    }

    /// The least assurance for a part that no family names.
    #[must_use]
    pub(crate) const fn minimum_of_unknown(&self) -> Minimum {
        self.text.minimum
    }

    /// The waiver of `check`, if one is in force at `now`.
    #[must_use]
    pub fn waiver(&self, check: Waivable, now: Time) -> Option<&Waiver> {
        self.text.waivers.iter().find(|waiver| waiver.check == check && now <= waiver.until)
    }
}
