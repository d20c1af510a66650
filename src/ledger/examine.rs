//! One entry against everything that must hold of it by itself: leaf, signatures, and what it says to the ledger.

use super::fault::LedgerFault;
use super::kind::{EntryKind, Signers};
use super::record::Reading;
use super::{Ledger, TrustedKeys};
use ecugate_verifier::documents::envelope::{Envelope, pae};
use ecugate_verifier::documents::leaf::Leaf;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::keys::PublicKey;
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
}

impl Ledger {
    /// The entry that a sealed envelope makes at `seq`, fully verified: what a token answered is not believed.
    pub(super) fn entry_of(&self, seq: u64, envelope: &Envelope) -> Result<Examined, String> {
        let message = pae(envelope.payload_type(), envelope.payload());
        let first = first_signature(envelope)?;
        let by_station = |key: &&PublicKey| key.verify(&message, first).is_ok();
        let station = self.trusted.stations.iter().find(by_station).ok_or("its first signature is by no station")?;
        let leaf = Leaf::for_envelope(Sha256::of(&message), first, station, &self.limits)
            .map_err(|fault| fault.to_string())?;
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
        let leaf = Leaf::parse(leaf, &self.limits).map_err(|fault| wrong(format!("its leaf {fault}")))?;
        let envelope = envelope.ok_or_else(|| wrong("no envelope; only a mirror may lack it".to_owned()))?;
        let envelope = Envelope::parse(envelope, &self.limits).map_err(|fault| wrong(fault.to_string()))?;
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
        if !self.trusted.stations.contains(leaf.key()) {
            return Err("its leaf names a key that is no station's".to_owned());
        }
        if leaf.digest() != &Sha256::of(message) {
            return Err("its leaf is of another envelope".to_owned());
        }
        if leaf.signature() != first_signature(envelope)? {
            return Err("its leaf holds another signature than its envelope".to_owned());
        }
        if rigour == Rigour::Signatures {
            leaf.verify_against(message, leaf.key()).map_err(|fault| format!("its leaf {fault}"))?;
        }
        let reading = Reading::of(envelope, &self.limits)?;
        if let Reading::Understood(kind, record) = &reading {
            if record.origin != self.trusted.origin.as_str() || record.seq != seq {
                return Err(format!("it was made as entry {} of {:?}", record.seq, record.origin));
            }
            self.trusted.require_signers(*kind, envelope, message, rigour)?;
        }
        Ok(Examined { leaf, reading })
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
                if rigour == Rigour::Structure {
                    return Ok(());
                }
                let mut signed: BTreeSet<&Name> = BTreeSet::new();
                for signature in others {
                    let by = |(_, key): &&(Name, PublicKey)| key.verify(message, signature.signature()).is_ok();
                    let (officer, _) = self.officers.iter().find(by).ok_or("one of its signatures is by no officer")?;
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
