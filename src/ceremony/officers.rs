//! Signing by one officer after the other, each with a key of his own.

use super::desk::{Desk, ceremony_of};
use super::succession::Successive;
use crate::hsm::{ExpectedKey, Pin, PinSource, TokenKey, TokenSigner};
use crate::sealing::unsealed;
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
    /// Where the PIN is, where it is not where the site says.
    pub pin: Option<PinSource>,
}

impl OfficerKey {
    /// The key that is labelled with the person, opened with the PIN of the site.
    #[must_use]
    pub const fn of(person: Name) -> Self {
        Self { person, label: None, pin: None }
    }
}

/// Opens the key of an officer and holds it against those that are pinned for the person.
///
/// # Errors
/// [`Reason::Usage`] for a person who is no officer, [`Reason::TokenKeyUnusable`] for a key that is none of the
/// person's, or the finding of token or PIN.
pub fn open_officer(desk: &Desk, officer: &OfficerKey) -> Result<TokenSigner, Finding> {
    require_officer(desk, &officer.person)?;
    let ceremony = ceremony_of(&desk.site)?;
    let source = officer.pin.as_ref().unwrap_or(&ceremony.authority_pin);
    open_with(desk, officer, desk.pin(source, &ceremony.authority_token)?)
}

/// Whether the site has pinned a key of this person. Asked before any PIN.
fn require_officer(desk: &Desk, person: &Name) -> Result<Sha256, Finding> {
    let authority = desk.site.authority();
    keys_of(person, authority).map(PublicKey::id).next().ok_or_else(|| {
        let all: BTreeSet<&str> = authority.holders().iter().map(|(person, _)| person.as_str()).collect();
        let expected = format!("an officer of this site: {}", all.into_iter().collect::<Vec<_>>().join(", "));
        Finding::new(Reason::Usage, "officer", expected, person.to_string())
    })
}

/// [`open_officer`] with a PIN that is at hand.
pub(super) fn open_with(desk: &Desk, officer: &OfficerKey, pin: Pin) -> Result<TokenSigner, Finding> {
    let first = require_officer(desk, &officer.person)?;
    let pinned: Vec<Sha256> = keys_of(&officer.person, desk.site.authority()).map(PublicKey::id).collect();
    let tokens = &desk.tokens;
    let label = officer.label.as_deref().unwrap_or(officer.person.as_str());
    let key = TokenKey::new(&ceremony_of(&desk.site)?.authority_token, label);
    // A person may have several keys; which one is on this token is seen by the token, and pinned all the same.
    tokens.log_in(&key.token, pin.clone()).map_err(|fault| fault.finding())?;
    let stated = tokens.public_key(&key.token, &key.label).map_err(|fault| fault.finding())?;
    let stated = Sha256::of(&stated);
    let expected = pinned.iter().find(|id| **id == stated).unwrap_or(&first);
    TokenSigner::open(Arc::clone(tokens), key, pin, ExpectedKey::Recorded(*expected)).map_err(|fault| fault.finding())
}

fn keys_of<'a>(person: &'a Name, authority: &'a Authority) -> impl Iterator<Item = &'a PublicKey> {
    authority.holders().iter().filter(move |(holder, _)| holder == person).map(|(_, key)| key)
}
