//! The keys whose signatures count, and from which entry on: the first ones, and after a key change the standby ones.

use super::Ledger;
use super::fault::LedgerFault;
use ecugate_verifier::documents::change::KeyChange;
use ecugate_verifier::documents::founding::Genesis;
use ecugate_verifier::syntax::note::{Origin, VerifiedCheckpoint, VerifierKey};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::keys::PublicKey;
use ecugate_verifier::values::reason::Reason;
use std::collections::BTreeSet;

/// The keys whose signatures count in one ledger. They come from the site's configuration, never from the ledger.
#[derive(Clone, Debug)]
pub struct TrustedKeys {
    /// Name of the log.
    pub origin: Origin,
    /// The log's own key: signs checkpoints.
    pub log: PublicKey,
    /// Station keys: each entry bears the signature of one of them, first in its envelope.
    pub stations: Vec<PublicKey>,
    /// Keys that sign nothing until a *key-change* by officers, and everything from that entry on.
    pub standby: Option<StandbyKeys>,
    /// Officers, with their keys. An officer may have several; only distinct officers count.
    pub officers: Vec<(Name, PublicKey)>,
    /// How many officers an officers' entry needs. Zero lets no such entry in.
    pub officers_needed: usize,
}

/// Keys on a second token.
#[derive(Clone, Debug)]
pub struct StandbyKeys {
    /// Will sign checkpoints.
    pub log: PublicKey,
    /// Will sign entries.
    pub stations: Vec<PublicKey>,
}

/// Which of a site's keys sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeySet {
    /// Those that the ledger began with.
    #[default]
    First,
    /// Those that officers changed to.
    Standby,
}

impl KeySet {
    /// The keys that sign the checkpoint of `size` entries where `change` is the entry of the key change: it is the
    /// first entry that stands under the new ones.
    pub(super) fn at(size: u64, change: Option<u64>) -> Self {
        if change.is_some_and(|change| size > change) { Self::Standby } else { Self::First }
    }
}

impl TrustedKeys {
    /// Every station key that signs at some time.
    pub(super) fn every_station(&self) -> impl Iterator<Item = (KeySet, &PublicKey)> {
        let standby = self.standby.iter().flat_map(|standby| &standby.stations);
        let first = self.stations.iter().map(|key| (KeySet::First, key));
        first.chain(standby.map(|key| (KeySet::Standby, key)))
    }

    /// Whose key this is.
    pub(super) fn set_of(&self, station: &PublicKey) -> Option<KeySet> {
        self.every_station().find(|(_, key)| *key == station).map(|(set, _)| set)
    }
}

impl Ledger {
    /// The keys that verify its checkpoints, to be handed out: that of the first ones, then the standby one.
    #[must_use]
    pub fn verifier_keys(&self) -> Vec<&VerifierKey> {
        std::iter::once(&self.log).chain(&self.standby_log).collect()
    }

    /// Which keys sign from here on. Looked up in the ledger, since officers may change them at any time.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn keys_in_force(&self) -> Result<KeySet, LedgerFault> {
        let transaction = self.reader.unchecked_transaction()?;
        let state = self.state(&transaction)?;
        Ok(state.history.keys())
    }

    /// The log key of a set.
    ///
    /// # Errors
    /// [`LedgerFault`] where the site has no such keys.
    pub fn log_key(&self, set: KeySet) -> Result<&VerifierKey, LedgerFault> {
        match set {
            KeySet::First => Ok(&self.log),
            KeySet::Standby => self.standby_log.as_ref().ok_or_else(no_standby),
        }
    }

    /// The same key under the name with which it signs the index.
    pub(super) fn index_key(&self, set: KeySet) -> Result<&VerifierKey, LedgerFault> {
        match set {
            KeySet::First => Ok(&self.index),
            KeySet::Standby => self.standby_index.as_ref().ok_or_else(no_standby),
        }
    }

    /// Opens a checkpoint of this log that somebody brings along: it must be by the key that was entitled at its size.
    /// Whether the ledger goes on from it is another question.
    ///
    /// # Errors
    /// A finding, also for a note by the other key of this log.
    pub fn own_checkpoint(&self, note: &[u8]) -> Result<VerifiedCheckpoint, Finding> {
        let change = self.key_change(&self.reader)?;
        let open = |key| VerifiedCheckpoint::open(note, key, self.means());
        let entitled = |keys| move |opened: &VerifiedCheckpoint| KeySet::at(opened.size(), change) == keys;
        let first = match open(&self.log) {
            Ok(opened) if entitled(KeySet::First)(&opened) => return Ok(opened),
            first => first,
        };
        match (self.standby_log.as_ref().map(open), first) {
            (Some(Ok(opened)), _) if entitled(KeySet::Standby)(&opened) => Ok(opened),
            (Some(Ok(opened)), _) | (_, Ok(opened)) => Err(retired(&opened)),
            (_, Err(fault)) => Err(fault.into()),
        }
    }
}

fn no_standby() -> LedgerFault {
    let expected = "the standby keys that the ledger changed to, in the configuration of this site";
    LedgerFault::differs("the log key", expected, "none")
}

/// A note by a key of ours that signs nothing at this size.
pub(super) fn retired(opened: &VerifiedCheckpoint) -> Finding {
    let expected = "a note by the key that is entitled at its size";
    let found = format!("states {} entries and is by the other key of this log", opened.size());
    Finding::new(Reason::NoteSignatureMissing, "note", expected, found)
}

/// A key change is to the keys that the genesis named, and to no other.
pub(super) fn require_named_by(genesis: &Genesis, change: &KeyChange) -> Result<(), String> {
    let standby = genesis.standby.as_ref().ok_or("entry 0 names no standby keys")?;
    let named: BTreeSet<&Sha256> = standby.station_keys.iter().collect();
    match change.station_keys.iter().find(|key| !named.contains(key)) {
        Some(key) => Err(format!("entry 0 does not name the standby station key {key}")),
        None if standby.log_key != change.log_key => {
            Err(format!("entry 0 names the standby log key {}, not {}", standby.log_key, change.log_key))
        }
        None => Ok(()),
    }
}

pub(super) fn require_log(trusted: &VerifierKey, named: &str) -> Result<(), String> {
    if named == trusted.to_string() {
        return Ok(());
    }
    Err(format!("it names the log key {named}, the site trusts {trusted}"))
}

pub(super) fn require_named(trusted: &[PublicKey], named: &[Sha256]) -> Result<(), String> {
    match trusted.iter().map(PublicKey::id).find(|id| !named.contains(id)) {
        Some(id) => Err(format!("it does not name the station key {id}, which the site trusts")),
        None => Ok(()),
    }
}
