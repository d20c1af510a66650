//! The only way into inventory: an admission for an accepted unit, its redemption, and the consumer's confirmation.
//!
//! Each act is one entry of the ledger, whose rules hold it against what stands there under the write lock; what is
//! looked up here before makes the answer clear, and is looked up again where another writer was first. Asked again
//! with the same words, each act answers with its own record: a caller that crashed asks again.

use super::admission::{AcceptRecord, Admission, Confirmation, Consumer, Redemption, Unconfirmed};
use super::open::{Gate, GateError};
use super::records::{Cut, Stored, in_turns};
use crate::ledger::{Ledger, Passage};
use ecugate_verifier::documents::admission::{Admitted, Redeemed, RedemptionConfirmed};
use ecugate_verifier::documents::receipt::Receipt;
use ecugate_verifier::documents::record::{Record, State};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::reason::Reason;

impl Gate {
    /// Leave for an accepted unit to enter the inventory of `consumer`. Each unit gets one admission, ever: the same
    /// consumer that asks again gets the same one, so that a crash loses nothing.
    ///
    /// # Errors
    /// - [`Reason::AdmissionNoAccept`]: the record is no accept.
    /// - [`Reason::AdmissionBlocked`]: the unit was contested or voided since, and must not move.
    /// - [`Reason::AdmissionTaken`]: the admission is another consumer's.
    /// - [`Reason::AdmissionRedeemed`]: it was used; the finding says by which reference and when.
    /// - [`Reason::NotConfirmed`]: recorded, and its checkpoint was not read back: ask again.
    /// - What keeps the gate from reading, signing or writing.
    pub fn admission_for(&self, record: impl Into<AcceptRecord>, consumer: &Name) -> Result<Admission, GateError> {
        self.admit_for(&record.into(), consumer)
    }

    /// Uses an admission: the unit stands in inventory from here on. Atomic, once, and only while the unit still
    /// stands accepted. The same consumer that asks again with the same `reference` gets the same redemption.
    ///
    /// # Errors
    /// - [`Reason::AdmissionEnvironment`]: consumer, admission and gate are not all of one environment.
    /// - [`Reason::AdmissionUnknown`], or the exact fault of its proof: it is not this ledger's own entry.
    /// - [`Reason::AdmissionTaken`]: it is another consumer's.
    /// - [`Reason::AdmissionBlocked`]: the unit was contested or voided, be it after it was redeemed.
    /// - [`Reason::AdmissionRedeemed`]: it was used under another reference; the finding says which and when.
    /// - [`Reason::NotConfirmed`]: recorded, and its checkpoint was not read back: ask again, with the same reference.
    /// - What keeps the gate from reading, signing or writing.
    pub fn redeem(
        &self,
        admission: &Admission,
        consumer: &Consumer,
        reference: &Name,
    ) -> Result<Redemption, GateError> {
        self.redeem_for(admission, consumer, reference)
    }

    /// Records the consumer's word that the unit is booked. It changes no custody: a contested unit stays contested,
    /// and the answer says so. The same word again is the same confirmation.
    ///
    /// # Errors
    /// - [`Reason::RedemptionConfirmed`]: confirmed already, under another number.
    /// - [`Reason::AdmissionUnknown`]: the redemption is of another site.
    /// - [`Reason::NotConfirmed`]: recorded, and its checkpoint was not read back: ask again.
    /// - What keeps the gate from reading, signing or writing.
    pub fn confirm(&self, redemption: &Redemption, booked_as: &Name) -> Result<Confirmation, GateError> {
        self.confirm_for(redemption, booked_as)
    }

    /// A redemption of this consumer, read back: for a caller that crashed and knows its entry.
    ///
    /// # Errors
    /// [`Reason::AdmissionUnknown`] where that entry is no redemption, [`Reason::AdmissionTaken`] where it is another
    /// consumer's; what keeps the gate from reading.
    pub fn redemption(&self, entry: u64, consumer: &Name) -> Result<Redemption, GateError> {
        self.redemption_of(entry, consumer)
    }

    /// Redemptions that their consumers have not confirmed: units that an inventory system took and may never have
    /// booked. In the order of the log.
    ///
    /// # Errors
    /// What keeps the gate from reading.
    pub fn unconfirmed(&self) -> Result<Vec<Unconfirmed>, GateError> {
        self.all_unconfirmed()
    }
}

impl Gate {
    fn admit_for(&self, record: &AcceptRecord, consumer: &Name) -> Result<Admission, GateError> {
        let unit = self.unit_of(record)?;
        in_turns(|| {
            let passage = self.passage(unit)?;
            self.require_accepted(unit, &passage)?;
            let seq = match passage.admitted {
                Some(seq) => seq,
                None => self.admit(unit, &passage, consumer)?,
            };
            let Stored { document: admitted, envelope, recorded } = self.stored::<Admitted>(seq)?;
            require_consumer(seq, &admitted.consumer, consumer)?;
            Ok(Admission { envelope, admitted, inclusion: recorded.inclusion, checkpoint: recorded.checkpoint })
        })
    }

    fn admit(&self, unit: u64, passage: &Passage, consumer: &Name) -> Result<u64, Cut> {
        let Stored { document: receipt, envelope, .. } = self.stored::<Receipt>(unit)?;
        let Receipt { record: Record { keys, .. }, environment, site, unit: name, .. } = receipt;
        let (consumer, receipt) = (consumer.clone(), envelope.digest());
        self.write(&keys, passage, move |record| Admitted {
            record: Record { unit: Some(unit), ..record },
            environment,
            site,
            consumer,
            unit: name,
            receipt,
        })
    }

    fn redeem_for(
        &self,
        admission: &Admission,
        consumer: &Consumer,
        reference: &Name,
    ) -> Result<Redemption, GateError> {
        let admitted = self.own(admission, consumer)?;
        require_consumer(admitted.record.seq, &admitted.consumer, &consumer.id)?;
        let unit = accept_of(&admitted)?;
        in_turns(|| {
            let passage = self.passage(unit)?;
            let seq = match passage.redeemed {
                Some(seq) => seq,
                None => {
                    self.require_accepted(unit, &passage)?;
                    self.take_in(unit, &passage, &admitted, reference)?
                }
            };
            let redemption = self.redemption_at(seq)?;
            if redemption.redeemed.reference != *reference {
                return Err(redeemed_already(&redemption).into());
            }
            // Asked again: what was contested since must not be booked now.
            match passage.standing {
                Some((State::Accepted | State::Redeemed, _)) => Ok(redemption),
                other => Err(blocked(unit, State::Redeemed, other).into()),
            }
        })
    }

    fn take_in(&self, unit: u64, passage: &Passage, admitted: &Admitted, reference: &Name) -> Result<u64, Cut> {
        let receipt = self.stored::<Receipt>(unit)?.document;
        let Admitted { record: Record { seq: admission, .. }, site, consumer, .. } = admitted.clone();
        let reference = reference.clone();
        self.write(&receipt.record.keys, passage, move |record| Redeemed {
            record: Record { unit: Some(unit), state: Some(State::Redeemed), ..record },
            site,
            consumer,
            admission,
            reference,
        })
    }

    fn confirm_for(&self, redemption: &Redemption, booked_as: &Name) -> Result<Confirmation, GateError> {
        let (entry, unit) = (redemption.entry(), accept_of(&redemption.admitted)?);
        in_turns(|| {
            let mut passage = self.passage(unit)?;
            let place = format!("ledger entry {entry}");
            let own = passage.redeemed == Some(entry) && self.redemption_at(entry)? == *redemption;
            if !own {
                let found = "another entry, or none";
                return Err(Finding::new(Reason::AdmissionUnknown, place, "this redemption", found).into());
            }
            let seq = match passage.confirmed {
                Some(seq) => seq,
                None => {
                    let seq = self.book(unit, &passage, &redemption.redeemed, booked_as)?;
                    passage = self.passage(unit)?;
                    seq
                }
            };
            let RedemptionConfirmed { record, booked_as: booked, .. } = self.stored(seq)?.document;
            if booked != *booked_as {
                let (expected, found) = (format!("confirmed as {booked_as}"), format!("as {booked} in entry {seq}"));
                return Err(Finding::new(Reason::RedemptionConfirmed, place, expected, found).into());
            }
            let standing = passage.standing.map_or(State::Redeemed, |(state, _)| state);
            Ok(Confirmation { entry: seq, at: record.time, standing })
        })
    }

    fn book(&self, unit: u64, passage: &Passage, redeemed: &Redeemed, booked_as: &Name) -> Result<u64, Cut> {
        let Redeemed { record: Record { seq: redemption, .. }, site, consumer, .. } = redeemed.clone();
        let booked_as = booked_as.clone();
        // A word about the books: a second box that comes at this moment is no reason not to record it.
        self.write(&[], passage, move |record| RedemptionConfirmed {
            record: Record { unit: Some(unit), ..record },
            site,
            consumer,
            redemption,
            booked_as,
        })
    }

    fn redemption_of(&self, entry: u64, consumer: &Name) -> Result<Redemption, GateError> {
        self.settle()?;
        let unknown = |found: String| {
            Finding::new(Reason::AdmissionUnknown, format!("ledger entry {entry}"), "a redemption", found)
        };
        let redemption = self.redemption_at(entry).map_err(|error| match error.finding().reason {
            Reason::PredicateTypeWrong | Reason::AdmissionUnknown => unknown(error.finding().found.clone()).into(),
            _ => error,
        })?;
        require_consumer(entry, redemption.consumer(), consumer)?;
        Ok(redemption)
    }

    fn all_unconfirmed(&self) -> Result<Vec<Unconfirmed>, GateError> {
        let mut unconfirmed = Vec::new();
        self.settle()?;
        for seq in self.read(Ledger::unconfirmed)? {
            let redemption = self.redemption_at(seq)?;
            let passage = self.passage(accept_of(&redemption.admitted)?)?;
            // Confirmed while this list was made.
            if passage.confirmed.is_none() {
                let standing = passage.standing.map_or(State::Redeemed, |(state, _)| state);
                unconfirmed.push(Unconfirmed { redemption, standing });
            }
        }
        Ok(unconfirmed)
    }
}

/// What the acts ask of the ledger.
impl Gate {
    /// The verdict that the record names. An attempt may have been used for more than one box.
    fn unit_of(&self, record: &AcceptRecord) -> Result<u64, GateError> {
        let attempt = match record {
            AcceptRecord::Entry(seq) => return Ok(*seq),
            AcceptRecord::Attempt(attempt) => attempt,
        };
        let verdicts = self.read(|ledger| ledger.verdicts_of_attempt(attempt))?;
        let mut accepts = verdicts.iter().filter(|(_, state)| *state == State::Accepted);
        if let (Some((seq, _)), None) = (accepts.next(), accepts.next()) {
            return Ok(*seq);
        }
        let found = match verdicts.as_slice() {
            [] => "none".to_owned(),
            some => {
                let each: Vec<_> = some.iter().map(|(seq, state)| format!("entry {seq} {}", state.word())).collect();
                each.join(", ")
            }
        };
        let place = format!("attempt {attempt}");
        Err(Finding::new(Reason::AdmissionNoAccept, place, "one accept of this attempt", found).into())
    }

    fn require_accepted(&self, unit: u64, passage: &Passage) -> Result<(), GateError> {
        let place = format!("ledger entry {unit}");
        if passage.verdict != Some(State::Accepted) {
            let found = match passage.verdict {
                Some(state) => state.word(),
                None if unit < passage.size => "an entry that is no verdict",
                None => "no such entry",
            };
            return Err(Finding::new(Reason::AdmissionNoAccept, place, State::Accepted.word(), found).into());
        }
        match (passage.standing, passage.redeemed) {
            (Some((State::Accepted, _)), None) => Ok(()),
            (Some((State::Redeemed, _)), Some(seq)) => Err(redeemed_already(&self.redemption_at(seq)?).into()),
            (other, _) => Err(blocked(unit, State::Accepted, other).into()),
        }
    }

    /// What the ledger itself holds in the place of this admission, if it is the same byte for byte.
    fn own(&self, admission: &Admission, consumer: &Consumer) -> Result<Admitted, GateError> {
        let (claimed, site) = (&admission.admitted, self.inner.site.text().environment);
        let others = [("consumer", consumer.environment), ("admission", claimed.environment)];
        if let Some((place, other)) = others.into_iter().find(|(_, environment)| *environment != site) {
            return Err(Finding::new(Reason::AdmissionEnvironment, place, site.word(), other.word()).into());
        }
        let unknown = |place: String, expected: String, found: String| {
            Err(Finding::new(Reason::AdmissionUnknown, place, expected, found).into())
        };
        if claimed.record.origin != self.inner.site.origin().as_str() {
            let (expected, found) = (self.inner.site.origin().to_string(), claimed.record.origin.clone());
            return unknown("admission: origin".to_owned(), expected, found);
        }
        let seq = claimed.record.seq;
        let stored = self.read(|ledger| ledger.entry(seq))?.and_then(|entry| entry.envelope);
        if stored.as_deref() != Some(admission.envelope.bytes()) {
            let found = stored.map_or_else(|| "no such entry".to_owned(), |bytes| named(&bytes));
            return unknown(format!("ledger entry {seq}"), named(admission.envelope.bytes()), found);
        }
        let own = self.stored::<Admitted>(seq)?;
        self.read_ledger(|ledger| ledger.require_own_proof(seq, &admission.checkpoint, &admission.inclusion))?
            .map_err(|finding| finding.within("admission"))?;
        Ok(own.document)
    }

    fn redemption_at(&self, seq: u64) -> Result<Redemption, GateError> {
        let redeemed = self.stored::<Redeemed>(seq)?.document;
        let admitted = self.stored::<Admitted>(redeemed.admission)?.document;
        Ok(Redemption { redeemed, admitted })
    }
}

fn require_consumer(seq: u64, holder: &Name, asking: &Name) -> Result<(), Finding> {
    if holder == asking {
        return Ok(());
    }
    Err(Finding::new(
        Reason::AdmissionTaken,
        format!("ledger entry {seq}"),
        format!("of {asking}"),
        format!("of {holder}"),
    ))
}

fn accept_of(admitted: &Admitted) -> Result<u64, Finding> {
    let none =
        || Finding::new(Reason::LedgerDiffers, format!("ledger entry {}", admitted.record.seq), "a unit", "none");
    admitted.record.unit.ok_or_else(none)
}

fn named(envelope: &[u8]) -> String {
    format!("the envelope of SHA-256 {}", Sha256::of(envelope))
}

fn redeemed_already(redemption: &Redemption) -> Finding {
    let Redeemed { record, consumer, reference, .. } = &redemption.redeemed;
    let found = format!("redeemed by {consumer} under {reference} at {} in entry {}", record.time, record.seq);
    let place = format!("ledger entry {}", redemption.admission());
    Finding::new(Reason::AdmissionRedeemed, place, "an admission that was not used", found)
}

fn blocked(unit: u64, expected: State, standing: Option<(State, u64)>) -> Finding {
    let found = match standing {
        Some((state, from)) => format!("{} since entry {from}", state.word()),
        None => "nothing".to_owned(),
    };
    Finding::new(Reason::AdmissionBlocked, format!("ledger entry {unit}"), expected.word(), found)
}
