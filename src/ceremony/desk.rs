//! The desk at which a change is published: site, tokens, ledger, and the keys that sign the entry.

use crate::hsm::{Pin, PinSource, TokenName, TokenSigner, Tokens};
use crate::ledger::{AppendFault, KeySet, Ledger};
use crate::opening::{self, Signers};
use crate::site::{CONFIGURATION, CeremonyText, Site};
use crate::surroundings::Surroundings;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A clock that stands up to so far behind the last entry is waited for: the spread of two stations that agree.
const CLOCK_SLACK_MILLIS: u64 = 2_000;

/// Site, tokens and ledger, open.
pub struct Desk {
    pub(super) site: Site,
    pub(super) tokens: Arc<dyn Tokens>,
    pub(super) ledger: Ledger,
    surroundings: Box<dyn Surroundings>,
}

/// The PINs of one publication, all of them asked for before anybody is kept waiting.
pub(super) struct Pins {
    keys: KeySet,
    signer: Pin,
    pub(super) officers: Pin,
    pub(super) trust: Pin,
}

impl Desk {
    /// Opens the module and the ledger of a site. Nobody logs in yet.
    ///
    /// # Errors
    /// The finding of the module or of the ledger.
    pub fn open(site: Site, surroundings: Box<dyn Surroundings>) -> Result<Self, Finding> {
        let tokens = opening::module(&site, surroundings.as_ref())?;
        Self::with(site, tokens, surroundings)
    }

    /// Opens the ledger of a site beside tokens that are open.
    ///
    /// # Errors
    /// The finding of the ledger.
    pub fn with(site: Site, tokens: Arc<dyn Tokens>, surroundings: Box<dyn Surroundings>) -> Result<Self, Finding> {
        let ledger = open_ledger(&site)?;
        Ok(Self { site, tokens, ledger, surroundings })
    }

    /// The site.
    #[must_use]
    pub const fn site(&self) -> &Site {
        &self.site
    }

    /// The tokens.
    #[must_use]
    pub const fn tokens(&self) -> &Arc<dyn Tokens> {
        &self.tokens
    }

    /// The ledger.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// One change at a time, and no gate that opens its tokens meanwhile: the turn ends with the file that is held.
    pub(super) fn take_turn(&self) -> Result<File, Finding> {
        opening::in_turn(&self.site)
    }

    /// The time, held against the ledger. A clock that stands a little behind the last entry is waited for: another desk
    /// or dock wrote it a moment ago. Asked when the turn has come, since that may have taken a while.
    ///
    /// # Errors
    /// [`Reason::ClockBehind`] for a clock that shows none, or stays behind.
    pub(super) fn now(&self) -> Result<Time, Finding> {
        let look = || {
            let none = || Finding::new(Reason::ClockBehind, "clock", "a time from 1970 to 9999", "none");
            self.surroundings.now().ok_or_else(none)
        };
        let (now, last) = (look()?, self.ledger.last_time().map_err(Finding::from)?);
        let Some(last) = last.filter(|last| now < *last) else { return Ok(now) };
        let behind = last.unix_millis().saturating_sub(now.unix_millis());
        if let Some(millis) = u64::try_from(behind).ok().filter(|millis| *millis <= CLOCK_SLACK_MILLIS) {
            self.surroundings.pause(Duration::from_millis(millis));
        }
        let now = look()?;
        if now < last {
            return Err(Finding::new(Reason::ClockBehind, "clock", format!("{last} or later"), now.to_string()));
        }
        Ok(now)
    }

    /// A PIN, from a file that its owner alone can read, a variable, or the person at the desk.
    pub(super) fn pin(&self, source: &PinSource, token: &TokenName) -> Result<Pin, Finding> {
        self.surroundings.pin(&source.from_folder(self.site.folder()), token)
    }

    /// What a publication needs.
    pub(super) fn pins(&self) -> Result<Pins, Finding> {
        let ceremony = ceremony_of(&self.site)?;
        let keys = self.ledger.keys_in_force().map_err(Finding::from)?;
        Ok(Pins {
            keys,
            signer: self.signing_pin(keys)?,
            officers: self.officers_pin()?,
            trust: self.pin(&ceremony.trust_pin, &self.site.text().trust_token)?,
        })
    }

    /// The PIN of the token that has a set of keys.
    pub(super) fn signing_pin(&self, keys: KeySet) -> Result<Pin, Finding> {
        let signer = self.site.signing(keys)?.text;
        self.pin(&signer.pin, &signer.token)
    }

    /// The PIN of the officers' token.
    pub(super) fn officers_pin(&self) -> Result<Pin, Finding> {
        let ceremony = ceremony_of(&self.site)?;
        self.pin(&ceremony.authority_pin, &ceremony.authority_token)
    }

    /// The station's key and the log's, each held against the pinned one.
    pub(super) fn site_keys(&self, pins: &Pins) -> Result<(TokenSigner, TokenSigner), Finding> {
        let Signers { station, log, .. } = self.signers(pins.keys, &pins.signer)?;
        Ok((station, log))
    }

    /// The keys of a set.
    pub(super) fn signers(&self, keys: KeySet, pin: &Pin) -> Result<Signers, Finding> {
        opening::signers(&self.site, &self.tokens, keys, pin)
    }

    /// Covers by a checkpoint what a crash has left uncovered.
    pub(super) fn settle(&mut self, log: &TokenSigner) -> Result<(), Finding> {
        match self.ledger.settle(log) {
            Ok(_) => Ok(()),
            Err(AppendFault::Pending { cause, .. }) => Err(cause),
            Err(fault) => Err(fault.into()),
        }
    }
}

/// The ledger of a site.
pub(super) fn open_ledger(site: &Site) -> Result<Ledger, Finding> {
    Ledger::open(&site.ledger(), site.trusted_keys(), site.marks()).map_err(Finding::from)
}

/// What the officers of this site work with.
pub(super) fn ceremony_of(site: &Site) -> Result<&CeremonyText, Finding> {
    site.text().ceremony.as_ref().ok_or_else(|| {
        let expected = "a section [ceremony]: where the officers' token and the PINs are";
        Finding::new(Reason::SiteMalformed, CONFIGURATION, expected, "none")
    })
}

/// A signed document of the site. A file that cannot be read, or is larger than any document, is no document.
pub(super) fn signed_file(path: &Path) -> Option<Vec<u8>> {
    let about = fs::metadata(path).ok()?;
    let most = Limits::STANDARD.document_bytes;
    let fits = about.is_file() && usize::try_from(about.len()).is_ok_and(|length| length <= most);
    fits.then(|| fs::read(path).ok()).flatten()
}
