//! Judging one box: what the site trusts at this moment, what the ledger remembers, and what follows.

use super::arrival::Presented;
use super::open::Inner;
use super::outcome::Judgement;
use crate::hsm::Tokens;
use crate::ledger::{Append, Blob};
use ecugate_verifier::documents::receipt::{Receipt, Ruling};
use ecugate_verifier::inputs::dossier::{DOSSIER_MEDIA_TYPE, Dossier, Inputs};
use ecugate_verifier::inputs::memory::Memory;
use ecugate_verifier::inputs::policy::Policy;
use ecugate_verifier::inputs::trust::anchors::TokenCertificates;
use ecugate_verifier::judgement::judged::Judged;
use ecugate_verifier::syntax::label::Rules;
use ecugate_verifier::values::attempt::Attempt;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::UnitKey;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use ecugate_verifier::values::verified::Means;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// A clock that stands up to so far behind the last entry is waited for: the spread of two stations that agree.
const CLOCK_SLACK_MILLIS: i64 = 2_000;
/// How often it is looked at again.
const CLOCK_LOOKS: u32 = 3;

/// The signed documents of the site, as they stand in its folder.
pub(super) struct Papers {
    pub(super) anchor_list: Option<Vec<u8>>,
    pub(super) policy: Option<Vec<u8>>,
}

/// One judgement, with everything that recording it takes.
pub(super) struct Recordable {
    judged: Judged,
    keys: Vec<UnitKey>,
    memory_size: u64,
}

impl Inner {
    /// The time, if the clock shows one.
    pub(super) fn now(&self) -> Result<Time, Finding> {
        let none = || Finding::new(Reason::ClockBehind, "clock", "a time from 1970 to 9999", "none");
        self.surroundings.now().ok_or_else(none)
    }

    /// The time, once it has come up to `last` where it stands no more than the slack behind. A clock that stays behind
    /// is told as it is: the appraisal judges it.
    pub(super) fn now_after(&self, last: Option<Time>) -> Result<Time, Finding> {
        for _ in 0..CLOCK_LOOKS {
            let now = self.now()?;
            let behind = last.map_or(0, |last| last.unix_millis().saturating_sub(now.unix_millis()));
            match u64::try_from(behind) {
                Ok(millis) if millis > 0 && behind <= CLOCK_SLACK_MILLIS => {
                    self.surroundings.pause(Duration::from_millis(millis));
                }
                _ => return Ok(now),
            }
        }
        self.now()
    }

    /// Reads the signed documents. What cannot be read is a hold in the verdict, and never "nothing to check".
    ///
    /// The list before the token, and the token before the memory, in the order in which officers bring a new list into
    /// force the other way round (`docs/decisions/0012`): else a box could meet a new list and a token from before it.
    pub(super) fn papers(&self) -> Papers {
        let limits = &Limits::STANDARD;
        Papers {
            anchor_list: signed_file(&self.site.anchor_list(), limits),
            policy: signed_file(&self.site.policy(), limits),
        }
    }

    /// By what documents are read: boxes of one delivery have list, policy, chains and manifests in common.
    pub(super) const fn means(&self) -> Means<'_> {
        Means { limits: &Limits::STANDARD, signatures: &self.signatures }
    }

    /// The rules by which labels are read.
    pub(super) fn label_rules(&self, papers: &Papers, now: Time) -> Rules {
        let (authority, site) = (self.site.authority(), &self.site.text().site);
        Policy::resolve(papers.policy.as_deref(), authority, site, 0, now, self.means()).label_rules()
    }

    /// Reads the trust token, in a read-only session without PIN.
    pub(super) fn certificates(&self, tokens: &dyn Tokens) -> TokenCertificates {
        match tokens.certificates(&self.site.text().trust_token) {
            Ok(found) => TokenCertificates::Read(found.certificates.into_iter().map(|stored| stored.der).collect()),
            Err(fault) => TokenCertificates::Unavailable(fault.finding()),
        }
    }

    /// Judges a box with what is remembered of it.
    pub(super) fn judge(
        &self,
        attempt: &Attempt,
        presented: &Presented,
        papers: &Papers,
        token: &TokenCertificates,
        memory: Memory,
    ) -> Result<Recordable, Finding> {
        let (last, memory_size) = match &memory {
            Memory::Known(known) => (known.last, known.size),
            Memory::Unavailable(_) => (None, 0),
        };
        let inputs = Inputs {
            attempt: attempt.clone(),
            now: self.now_after(last)?,
            environment: self.site.text().environment,
            site: self.site.text().site.clone(),
            authority: self.site.authority().clone(),
            token: token.clone(),
            anchor_list: papers.anchor_list.clone(),
            policy: papers.policy.clone(),
            presentation: presented.presentation.clone(),
            memory,
        };
        let judged = Judged::of(Dossier::assemble(inputs, self.means()));
        let keys: BTreeSet<UnitKey> = presented.keys.iter().chain(judged.appraisal().keys()).cloned().collect();
        Ok(Recordable { judged, keys: keys.into_iter().collect(), memory_size })
    }
}

impl Recordable {
    pub(super) const fn ruling(&self) -> Ruling {
        self.judged.verdict().ruling()
    }

    pub(super) fn receipt(&self, origin: &str, seq: u64) -> Receipt {
        self.judged.receipt(origin, seq)
    }

    /// The verdict as it would have been recorded next.
    pub(super) fn judgement(&self, origin: &str) -> Box<Judgement> {
        Box::new(Judgement { receipt: self.receipt(origin, self.memory_size) })
    }

    pub(super) fn append(&self) -> Append {
        let parts = self.judged.encoded().parts.values();
        let mut blobs: Vec<Blob> =
            parts.map(|part| Blob { media_type: part.media_type.to_owned(), bytes: part.bytes.clone() }).collect();
        blobs.push(Blob { media_type: DOSSIER_MEDIA_TYPE.to_owned(), bytes: self.judged.encoded().index.clone() });
        Append { keys: self.keys.clone(), memory_size: self.memory_size, blobs }
    }
}

/// A signed document of the site. A file that cannot be read, or is larger than any document, is no document.
fn signed_file(path: &Path, limits: &Limits) -> Option<Vec<u8>> {
    let about = fs::metadata(path).ok()?;
    let fits = about.is_file() && usize::try_from(about.len()).is_ok_and(|length| length <= limits.document_bytes);
    fits.then(|| fs::read(path).ok()).flatten()
}
