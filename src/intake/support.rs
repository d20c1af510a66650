//! The certificates and revocation lists that the signers of manifests need, as far as they are stored.

use super::documents::Documents;
use super::index::Index;
use super::key::Key;
use super::paper::Paper;
use super::store::Intake;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::syntax::certificate::{Certificate, certificates};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use std::collections::BTreeSet;

/// Certificate files that are taken for one name: its certificates by several issuers, and of several suppliers.
const OF_SUBJECT: usize = 4;

/// CRL files that are taken for one issuer, the newest of each supplier first. More than one, since an issuer may have
/// lists of several scopes.
const OF_ISSUER: usize = 6;

/// Certificates that are added to what the manifests carry: far more than any path has.
const CERTIFICATES: usize = 256;

/// Names that are followed upwards: far more than the paths of one box have.
const NAMES: usize = 256;

/// Certificates and CRLs of the store for some manifests. They give no trust.
#[derive(Clone, Debug, Default)]
pub struct Support {
    /// Files of certificates.
    pub untrusted: Vec<Vec<u8>>,
    /// Files of CRLs, the newest of each issuer.
    pub crls: Vec<Vec<u8>>,
    /// What was found and is not among them, and why.
    pub left_out: Vec<String>,
}

impl Intake {
    /// Finds what the signers of these manifests need: the certificates above those that the manifests carry, and the
    /// newest lists of every issuer. What a manifest does not say readably asks for nothing.
    ///
    /// # Errors
    /// What keeps ledger or index from answering.
    pub fn support(&self, manifests: &[&[u8]], documents: &dyn Documents, limits: &Limits) -> Result<Support, Finding> {
        let index = self.index(documents)?;
        let mut search =
            Search { index: &index, documents, limits, taken: BTreeSet::new(), support: Support::default() };
        let mut held: Vec<Certificate> = Vec::new();
        for manifest in manifests {
            held.extend(carried(manifest, limits));
        }
        let issuers = search.certificates(held)?;
        search.crls(&issuers)?;
        Ok(search.support)
    }
}

/// The certificates that a manifest carries.
fn carried(manifest: &[u8], limits: &Limits) -> Vec<Certificate> {
    let Ok(envelope) = Envelope::parse(manifest, limits) else { return Vec::new() };
    let chains = envelope.signatures().iter().flat_map(|signature| signature.chain());
    chains.filter_map(|der| Certificate::from_der(der, limits).ok()).collect()
}

struct Search<'a> {
    index: &'a Index,
    documents: &'a dyn Documents,
    limits: &'a Limits,
    taken: BTreeSet<Sha256>,
    support: Support,
}

impl Search<'_> {
    /// Takes the certificates above those at hand, name by name, and answers the names of all issuers.
    fn certificates(&mut self, held: Vec<Certificate>) -> Result<BTreeSet<Vec<u8>>, Finding> {
        let mut subjects: BTreeSet<Vec<u8>> = held.iter().map(|one| one.subject_key().to_vec()).collect();
        let mut issuers: BTreeSet<Vec<u8>> = held.iter().map(|one| one.issuer_key().to_vec()).collect();
        let mut wanted: Vec<Vec<u8>> = issuers.difference(&subjects).cloned().collect();
        let mut added = 0;
        while let Some(name) = wanted.pop() {
            if issuers.len() > NAMES {
                self.support.left_out.push("certificates: too many names to follow".to_owned());
                break;
            }
            for bytes in self.files(&Key::subject(&name), OF_SUBJECT)? {
                let Ok(read) = certificates(&bytes, self.limits) else { continue };
                if read.iter().all(|one| one.subject_key() != name) {
                    continue;
                }
                added += read.len();
                if added > CERTIFICATES {
                    self.support.left_out.push(format!("certificates: more than {CERTIFICATES}"));
                    return Ok(issuers);
                }
                subjects.extend(read.iter().map(|one| one.subject_key().to_vec()));
                for one in &read {
                    let issuer = one.issuer_key().to_vec();
                    if issuers.insert(issuer.clone()) && !subjects.contains(&issuer) {
                        wanted.push(issuer);
                    }
                }
                self.support.untrusted.push(bytes);
            }
        }
        Ok(issuers)
    }

    fn crls(&mut self, issuers: &BTreeSet<Vec<u8>>) -> Result<(), Finding> {
        let (mut bytes, mut lists) = (0_usize, 0_usize);
        for issuer in issuers {
            let key = Key::crls_of(issuer);
            for file in self.files(&key, OF_ISSUER)? {
                let length = bytes.saturating_add(file.len());
                let Ok(paper) = Paper::read(file, self.limits) else { continue };
                if paper.marks.iter().all(|mark| mark.key != key) {
                    continue;
                }
                let number = lists.saturating_add(paper.marks.len());
                if length > self.limits.crls_bytes || number > self.limits.crls {
                    self.support.left_out.push("revocation lists: more than are looked at for one box".to_owned());
                    return Ok(());
                }
                (bytes, lists) = (length, number);
                self.support.crls.push(paper.bytes);
            }
        }
        Ok(())
    }

    /// The first `most` files under a key, each once in all.
    fn files(&mut self, key: &Key, most: usize) -> Result<Vec<Vec<u8>>, Finding> {
        let mut files = Vec::new();
        for record in self.index.find(&key.0)?.records.into_iter().take(most) {
            let Some(entry) = self.documents.entry(record.seq)? else { continue };
            if !self.taken.insert(entry.seen.document) {
                continue;
            }
            files.extend(self.documents.bytes(&entry.seen.document)?);
        }
        Ok(files)
    }
}
