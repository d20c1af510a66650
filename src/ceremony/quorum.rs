//! The officers who sign an entry together: as many different persons as the authority demands.

use super::annex::Annex;
use super::desk::Desk;
use super::officers::{OfficerKey, open_with};
use crate::hsm::{Pin, TokenSigner};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::reason::Reason;
use std::collections::BTreeSet;

/// Enough persons, and why they sign.
pub(super) struct Quorum {
    pub(super) persons: BTreeSet<Name>,
    pub(super) ground: String,
}

impl Quorum {
    /// Those who are named, or every officer of the site where nobody is. Asked before any PIN.
    pub(super) fn of(desk: &Desk, named: &[Name], reason: &str) -> Result<Self, Finding> {
        let ground = Annex::new(reason, Vec::new())?.reason;
        let authority = desk.site.authority();
        let all: BTreeSet<Name> = authority.holders().iter().map(|(person, _)| person.clone()).collect();
        if let Some(stranger) = named.iter().find(|person| !all.contains(*person)) {
            let officers: Vec<&str> = all.iter().map(Name::as_str).collect();
            let expected = format!("an officer of this site: {}", officers.join(", "));
            return Err(Finding::new(Reason::Usage, "officer", expected, stranger.to_string()));
        }
        let persons = if named.is_empty() { all } else { named.iter().cloned().collect() };
        if persons.len() < authority.threshold() {
            let names: Vec<&str> = persons.iter().map(Name::as_str).collect();
            let expected = format!("{} officers", authority.threshold());
            let found = format!("{}: {}", names.len(), names.join(", "));
            return Err(Finding::new(Reason::ThresholdNotMet, "officers", expected, found));
        }
        Ok(Self { persons, ground })
    }

    /// Opens the key of each. All of them before anything is written.
    pub(super) fn open(&self, desk: &Desk, pin: &Pin) -> Result<Vec<TokenSigner>, Finding> {
        let open = |person: &Name| open_with(desk, &OfficerKey::of(person.clone()), pin.clone());
        self.persons.iter().map(open).collect()
    }
}
