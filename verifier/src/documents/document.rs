//! What every kind of document of ours keeps beyond a statement: rules across its fields, and subjects that are
//! exactly the digests that its predicate names.

use super::envelope::{Envelope, Verified};
use super::statement::{Claimed, Predicate, Statement, StatementFault, Subject};
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::Name;
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind of document.
pub trait Document: Predicate + Serialize + DeserializeOwned {
    /// The subjects that follow from the predicate: name and digest, in order. A statement with others is refused, so
    /// that a tool which reads subjects alone and one which reads the predicate alone see the same thing.
    fn subjects(&self) -> Vec<(String, Sha256)>;

    /// What is wrong across fields, if anything.
    fn fault(&self, limits: &Limits) -> Option<Finding>;
}

/// Reads a document whose signatures were verified.
///
/// # Errors
/// [`DocumentFault`].
pub fn read<D: Document>(verified: &Verified<'_>, limits: &Limits) -> Result<D, DocumentFault> {
    checked(Statement::read(verified, limits)?, limits)
}

/// Reads what an envelope claims, its signature not looked at.
///
/// # Errors
/// [`DocumentFault`].
pub fn read_unverified<D: Document + Clone>(envelope: &Envelope, limits: &Limits) -> Result<D, DocumentFault> {
    let claimed: Claimed<Statement<D>> = Statement::read_unverified(envelope, limits)?;
    checked(claimed.unproven().clone(), limits)
}

/// Reads a payload that nobody has signed yet: what somebody is about to sign.
///
/// # Errors
/// [`DocumentFault`].
pub fn read_unsigned<D: Document + Clone>(payload: &[u8], limits: &Limits) -> Result<D, DocumentFault> {
    let claimed: Claimed<Statement<D>> = Statement::read_unsigned(payload, limits)?;
    checked(claimed.unproven().clone(), limits)
}

/// Writes the payload of a document: the statement that [`read`] will accept.
///
/// # Errors
/// [`DocumentFault`] where `read` would refuse it.
pub fn payload<D: Document>(document: D, limits: &Limits) -> Result<Vec<u8>, DocumentFault> {
    if let Some(finding) = document.fault(limits) {
        return Err(DocumentFault::Rule(finding));
    }
    let mut subject = Vec::new();
    for (name, digest) in document.subjects() {
        let name = Name::new(name.as_str()).map_err(|fault| {
            DocumentFault::Rule(Finding::new(Reason::JsonValue, "subject", "a name", format!("{name:?} {fault}")))
        })?;
        subject.push(Subject { name, digest });
    }
    Ok(Statement { subject, predicate: document }.to_payload()?)
}

fn checked<D: Document>(statement: Statement<D>, limits: &Limits) -> Result<D, DocumentFault> {
    if let Some(finding) = statement.predicate.fault(limits) {
        return Err(DocumentFault::Rule(finding));
    }
    let named = statement.predicate.subjects();
    let differs = || {
        let stated = statement.subject.iter().map(|subject| (subject.name.as_str(), subject.digest));
        let named = named.iter().map(|(name, digest)| (name.as_str(), *digest));
        !stated.eq(named)
    };
    if differs() {
        let first = named
            .iter()
            .zip(&statement.subject)
            .find(|((name, digest), stated)| *name != stated.name.as_str() || *digest != stated.digest);
        let (expected, found) = match first {
            Some(((name, digest), stated)) => {
                (format!("{name} {digest}"), format!("{} {}", stated.name, stated.digest))
            }
            None => (format!("{} subjects", named.len()), format!("{} subjects", statement.subject.len())),
        };
        return Err(DocumentFault::Rule(Finding::new(Reason::SubjectMismatch, "subject", expected, found)));
    }
    Ok(statement.predicate)
}

/// Why a statement is not the document that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentFault {
    /// No such statement.
    #[error(transparent)]
    Statement(#[from] StatementFault),
    /// A rule across its fields is broken.
    #[error("{}: expected {}, found {}", .0.place, .0.expected, .0.found)]
    Rule(Finding),
}

impl DocumentFault {
    /// The reason code.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Statement(fault) => fault.reason(),
            Self::Rule(finding) => finding.reason,
        }
    }

    /// The finding: place, expected, found.
    #[must_use]
    pub fn finding(&self) -> Finding {
        match self {
            Self::Statement(fault) => fault.finding(),
            Self::Rule(finding) => finding.clone(),
        }
    }
}
