//! Signing by one officer after the other, each with a key of his own.

use super::desk::{ceremony_of, read_pin};
use super::succession::Successive;
use crate::hsm::{ExpectedKey, TokenKey, TokenSigner, Tokens};
use crate::sealing::unsealed;
use crate::site::Site;
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::envelope::{Envelope, countersign, seal};
use ecugate_verifier::inputs::trust::authority::Authority;
use ecugate_verifier::syntax::json;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::keys::{PublicKey, Signer as _};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// A document on its way from the proposal to the last signature: a payload that nobody has signed, or an envelope in
/// which every signature is good and by an officer of the site.
#[derive(Clone, Debug)]
pub struct Sheet<D> {
    payload: Vec<u8>,
    document: D,
    envelope: Option<Envelope>,
    persons: BTreeSet<Name>,
}

impl<D: Successive> Sheet<D> {
    /// Reads a payload or an envelope; which of the two is seen by content.
    ///
    /// # Errors
    /// *malformed* where it is neither, *threshold* where a signature in it is by no officer of the site or not good.
    pub fn read(bytes: &[u8], authority: &Authority) -> Result<Self, Finding> {
        let limits = &Limits::STANDARD;
        let because = |reason: Reason| {
            move |finding: Finding| Finding {
                reason,
                place: D::WORD.to_owned(),
                found: format!("{} ({} {})", finding.found, finding.reason, finding.place).trim().to_owned(),
                ..finding
            }
        };
        let malformed = because(D::MALFORMED);
        let json = json::parse(bytes, limits).map_err(|fault| malformed(fault.finding()))?;
        if json.member("payload").is_none() {
            let document = document::read_unsigned(bytes, limits).map_err(|fault| malformed(fault.finding()))?;
            return Ok(Self { payload: bytes.to_vec(), document, envelope: None, persons: BTreeSet::new() });
        }
        let envelope = Envelope::parse(bytes, limits).map_err(|fault| malformed(fault.finding()))?;
        // One is enough here: how many it takes is asked when it is published.
        let verified = envelope
            .verify_threshold(authority.holders(), 1)
            .map_err(|fault| because(D::THRESHOLD)(fault.finding()))?;
        let document = document::read(&verified, limits).map_err(|fault| malformed(fault.finding()))?;
        let persons = verified.persons().clone();
        Ok(Self { payload: envelope.payload().to_vec(), document, envelope: Some(envelope), persons })
    }

    /// What it says.
    #[must_use]
    pub const fn document(&self) -> &D {
        &self.document
    }

    /// SHA-256 of the bytes that every officer signs: the same on every desk, so it is what they compare.
    #[must_use]
    pub fn payload_digest(&self) -> Sha256 {
        Sha256::of(&self.payload)
    }

    /// Who has signed.
    #[must_use]
    pub const fn persons(&self) -> &BTreeSet<Name> {
        &self.persons
    }

    /// The bytes of its file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.envelope.as_ref().map_or(&self.payload, Envelope::bytes)
    }

    /// Refuses an officer who has signed: two signatures of one person are one.
    ///
    /// # Errors
    /// [`Reason::OfficerSignedAlready`].
    pub fn require_unsigned_by(&self, person: &Name) -> Result<(), Finding> {
        if !self.persons.contains(person) {
            return Ok(());
        }
        let expected = "an officer who has not signed yet";
        Err(Finding::new(Reason::OfficerSignedAlready, D::WORD, expected, format!("{person}, who has")))
    }

    /// Adds the signature of one officer, with the key that [`open_officer`] opened.
    ///
    /// # Errors
    /// [`Reason::OfficerSignedAlready`], *threshold* for a key that is none of this person, or the token's finding.
    pub fn sign(self, person: &Name, signer: &TokenSigner, authority: &Authority) -> Result<Self, Finding> {
        self.require_unsigned_by(person)?;
        if !keys_of(person, authority).any(|key| key == signer.public_key()) {
            let expected = format!("a key of {person} that is pinned at this site");
            return Err(Finding::new(D::THRESHOLD, D::WORD, expected, format!("key {}", signer.public_key().id())));
        }
        let signed = match &self.envelope {
            None => seal(self.payload, &[(signer, &[])]),
            Some(envelope) => countersign(envelope, signer),
        };
        Self::read(signed.map_err(unsealed)?.bytes(), authority)
    }
}

/// Whose key, and what opens it.
#[derive(Clone, Debug)]
pub struct OfficerKey {
    /// The person.
    pub person: Name,
    /// The key's label on the officers' token, where it is not the person's name.
    pub label: Option<String>,
    /// The file with the PIN, where it is not the site's own.
    pub pin_file: Option<PathBuf>,
}

impl OfficerKey {
    /// The key that is labelled with the person, opened with the PIN of the site.
    #[must_use]
    pub const fn of(person: Name) -> Self {
        Self { person, label: None, pin_file: None }
    }
}

/// Opens the key of an officer and holds it against those that are pinned for the person.
///
/// # Errors
/// [`Reason::Usage`] for a person who is no officer, [`Reason::TokenKeyUnusable`] for a key that is none of the
/// person's, or the finding of token or PIN.
pub fn open_officer(site: &Site, tokens: &Arc<dyn Tokens>, officer: &OfficerKey) -> Result<TokenSigner, Finding> {
    let pinned: Vec<Sha256> = keys_of(&officer.person, site.authority()).map(PublicKey::id).collect();
    let Some(first) = pinned.first() else {
        let all: BTreeSet<&str> = site.authority().holders().iter().map(|(person, _)| person.as_str()).collect();
        let expected = format!("an officer of this site: {}", all.into_iter().collect::<Vec<_>>().join(", "));
        return Err(Finding::new(Reason::Usage, "officer", expected, officer.person.to_string()));
    };
    let ceremony = ceremony_of(site)?;
    let pin_file = match &officer.pin_file {
        Some(path) => path.clone(),
        None => site.folder().join(&ceremony.authority_pin_file),
    };
    let pin = read_pin(&pin_file)?;
    let label = officer.label.as_deref().unwrap_or(officer.person.as_str());
    let key = TokenKey::new(&ceremony.authority_token, label);
    // A person may have several keys; which one is on this token is seen by the token, and pinned all the same.
    tokens.log_in(&key.token, pin.clone()).map_err(|fault| fault.finding())?;
    let stated = tokens.public_key(&key.token, &key.label).map_err(|fault| fault.finding())?;
    let stated = Sha256::of(&stated);
    let expected = pinned.iter().find(|id| **id == stated).unwrap_or(first);
    TokenSigner::open(Arc::clone(tokens), key, pin, ExpectedKey::Recorded(*expected)).map_err(|fault| fault.finding())
}

fn keys_of<'a>(person: &'a Name, authority: &'a Authority) -> impl Iterator<Item = &'a PublicKey> {
    authority.holders().iter().filter(move |(holder, _)| holder == person).map(|(_, key)| key)
}
