//! One entry against everything that must hold of it by itself: leaf, signatures, and what it says to the ledger.

use super::Ledger;
use super::fault::LedgerFault;
use super::keys::{KeySet, TrustedKeys, require_log, require_named};
use super::kind::{EntryKind, Signers};
use super::record::{More, Reading};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ecugate_verifier::documents::change::KeyChange;
use ecugate_verifier::documents::envelope::{Envelope, pae};
use ecugate_verifier::documents::founding::Genesis;
use ecugate_verifier::documents::leaf::Leaf;
use ecugate_verifier::syntax::note::VerifierKey;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::keys::PublicKey;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::verified::VerifiedSignatures;
use std::collections::BTreeSet;

/// How much of an entry is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rigour {
    /// Form, digests and keys, without the signature checks.
    Structure,
    /// Everything.
    Signatures,
}

/// An entry that holds by itself.
#[derive(Debug)]
pub(super) struct Examined {
    pub(super) leaf: Leaf,
    pub(super) reading: Reading,
    /// Whose station key signed it.
    pub(super) keys: KeySet,
}

/// What entries are held against: the keys of the site. It reads no row, so many may look at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Examiner<'a> {
    pub(super) trusted: &'a TrustedKeys,
    pub(super) log: &'a VerifierKey,
    pub(super) standby_log: Option<&'a VerifierKey>,
    pub(super) limits: &'a Limits,
    pub(super) signatures: &'a VerifiedSignatures,
}

impl Ledger {
    pub(super) fn examiner(&self) -> Examiner<'_> {
        let (trusted, log, limits) = (&self.trusted, &self.log, &self.limits);
        Examiner { trusted, log, standby_log: self.standby_log.as_ref(), limits, signatures: &self.signatures }
    }
}

impl Examiner<'_> {
    /// The entry that a sealed envelope makes at `seq`, fully verified: what a token answered is not believed.
    pub(super) fn entry_of(&self, seq: u64, envelope: &Envelope) -> Result<Examined, String> {
        let message = pae(envelope.payload_type(), envelope.payload());
        let first = first_signature(envelope)?;
        // The id is a claim: the signature is verified below, once.
        let named = envelope.signatures().first().and_then(|signature| signature.key_id_hint()).unwrap_or_default();
        let station = self.trusted.every_station().map(|(_, key)| key).find(|key| key.id().to_string() == named);
        let station = station.ok_or("its first signature is by no station")?;
        let leaf =
            Leaf::for_envelope(Sha256::of(&message), first, station, self.limits).map_err(|fault| fault.to_string())?;
        self.examine_parsed(seq, leaf, envelope, &message, Rigour::Signatures)
    }

    /// A stored entry.
    pub(super) fn examine(
        &self,
        seq: u64,
        leaf: &[u8],
        envelope: Option<&[u8]>,
        rigour: Rigour,
    ) -> Result<Examined, LedgerFault> {
        let wrong = |why: String| LedgerFault::differs(format!("entry {seq}"), "an entry that holds", why);
        let leaf = Leaf::parse(leaf, self.limits).map_err(|fault| wrong(format!("its leaf {fault}")))?;
        let envelope = envelope.ok_or_else(|| wrong("no envelope; only a mirror may lack it".to_owned()))?;
        let envelope = Envelope::parse(envelope, self.limits).map_err(|fault| wrong(fault.to_string()))?;
        let message = pae(envelope.payload_type(), envelope.payload());
        self.examine_parsed(seq, leaf, &envelope, &message, rigour).map_err(wrong)
    }

    fn examine_parsed(
        &self,
        seq: u64,
        leaf: Leaf,
        envelope: &Envelope,
        message: &[u8],
        rigour: Rigour,
    ) -> Result<Examined, String> {
        let keys = self.trusted.set_of(leaf.key()).ok_or("its leaf names a key that is no station's")?;
        if leaf.digest() != &Sha256::of(message) {
            return Err("its leaf is of another envelope".to_owned());
        }
        if leaf.signature() != first_signature(envelope)? {
            return Err("its leaf holds another signature than its envelope".to_owned());
        }
        if rigour == Rigour::Signatures {
            leaf.verify_among(message, leaf.key(), self.signatures).map_err(|fault| format!("its leaf {fault}"))?;
        }
        require_one_spelling(envelope, leaf.key())?;
        let reading = Reading::of(envelope, self.limits)?;
        if let Reading::Understood(said) = &reading {
            let record = &said.record;
            if record.origin != self.trusted.origin.as_str() || record.seq != seq {
                return Err(format!("it was made as entry {} of {:?}", record.seq, record.origin));
            }
            match &said.more {
                More::Genesis(genesis) => self.require_own_genesis(genesis)?,
                More::KeyChange(change) => self.require_own_change(change)?,
                _ => {}
            }
            self.trusted.require_signers(said.kind, envelope, message, rigour)?;
        }
        Ok(Examined { leaf, reading, keys })
    }

    /// The genesis names the keys that the site trusts: a ledger of other keys is another ledger.
    fn require_own_genesis(&self, genesis: &Genesis) -> Result<(), String> {
        require_log(self.log, &genesis.log_key)?;
        require_named(&self.trusted.stations, &genesis.station_keys)?;
        match (&self.trusted.standby, self.standby_log, &genesis.standby) {
            (None, None, None) => Ok(()),
            (Some(trusted), Some(log), Some(named)) => require_log(log, &named.log_key)
                .and_then(|()| require_named(&trusted.stations, &named.station_keys))
                .map_err(|why| format!("standby: {why}")),
            (None, _, Some(_)) => Err("it names standby keys, and the site trusts none".to_owned()),
            _ => Err("it names no standby keys, and the site trusts some".to_owned()),
        }
    }

    /// A key change is to the keys that the site trusts as standby.
    fn require_own_change(&self, change: &KeyChange) -> Result<(), String> {
        match (&self.trusted.standby, self.standby_log) {
            (Some(trusted), Some(log)) => {
                require_log(log, &change.log_key).and_then(|()| require_named(&trusted.stations, &change.station_keys))
            }
            _ => Err("it changes to standby keys, and the site trusts none".to_owned()),
        }
    }
}

impl TrustedKeys {
    /// The signatures after the station's: none, or those of enough distinct officers.
    fn require_signers(
        &self,
        kind: EntryKind,
        envelope: &Envelope,
        message: &[u8],
        rigour: Rigour,
    ) -> Result<(), String> {
        let others = envelope.signatures().get(1..).unwrap_or_default();
        match kind.signers() {
            Signers::Station if others.is_empty() => Ok(()),
            Signers::Station => Err(format!("{} is signed by the station alone", kind.word())),
            Signers::TwoPersons => Err(format!("{} needs persons, and none can be enrolled yet", kind.word())),
            Signers::Officers => {
                let needed = self.officers_needed;
                if needed == 0 || others.len() < needed {
                    return Err(format!("{} needs {needed} officers beside the station", kind.word()));
                }
                let mut signed: BTreeSet<&Name> = BTreeSet::new();
                for signature in others {
                    let named = |(_, key): &&(Name, PublicKey)| {
                        signature.key_id_hint().is_some_and(|id| id == key.id().to_string())
                    };
                    let (officer, key) =
                        self.officers.iter().find(named).ok_or("one of its signatures is by no officer")?;
                    if rigour == Rigour::Signatures {
                        key.verify(message, signature.signature())
                            .map_err(|fault| format!("the signature of {officer} is {fault}"))?;
                    }
                    signed.insert(officer);
                }
                if signed.len() < needed {
                    return Err(format!("{} of the {needed} officers that it needs signed it", signed.len()));
                }
                Ok(())
            }
        }
    }
}

fn first_signature(envelope: &Envelope) -> Result<&[u8], String> {
    envelope.signatures().first().map(|first| first.signature()).ok_or_else(|| "it has no signature".to_owned())
}

/// The bytes of an envelope that no signature covers have one spelling: compact, fields in their order, each key id the
/// id of the key, no chain. So a leaf decides every byte of its envelope.
fn require_one_spelling(envelope: &Envelope, station: &PublicKey) -> Result<(), String> {
    let station = station.id().to_string();
    let mut signatures = Vec::new();
    for (signature, place) in envelope.signatures().iter().zip(0..) {
        let id = signature.key_id_hint().unwrap_or_default();
        if place == 0 && id != station {
            return Err(format!("its envelope names the station key {id:?}, not {station}"));
        }
        signatures.push(format!(r#"{{"keyid":"{id}","sig":"{}"}}"#, BASE64.encode(signature.signature())));
    }
    let spelling = format!(
        r#"{{"payload":"{}","payloadType":"{}","signatures":[{}]}}"#,
        BASE64.encode(envelope.payload()),
        envelope.payload_type(),
        signatures.join(",")
    );
    if spelling.as_bytes() == envelope.bytes() {
        Ok(())
    } else {
        Err("its envelope is not in the one spelling that the ledger keeps".to_owned())
    }
}
