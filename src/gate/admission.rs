//! Leave for one accepted unit to enter one inventory, as it travels from the gate to the inventory system and back:
//! kept by whoever asked, believed by nobody, and held against the ledger when it is redeemed.

use super::open::GateError;
use super::outcome::RecordedVerdict;
use ecugate_verifier::documents::admission::{Admitted, Redeemed};
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::receipt::UnitName;
use ecugate_verifier::documents::record::State;
use ecugate_verifier::syntax::json;
use ecugate_verifier::syntax::note::Note;
use ecugate_verifier::values::attempt::{Attempt, Environment};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;

/// An inventory system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Its id.
    pub id: Name,
    /// What its books are: trial or production. Stated by the system itself, so that no trial fills its real books.
    pub environment: Environment,
}

/// The record of an accept, as whoever asks for an admission knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcceptRecord {
    /// The number of its entry.
    Entry(u64),
    /// The attempt that came to it: for a caller that crashed before it read the number.
    Attempt(Attempt),
}

/// Leave for one unit to enter one inventory, once.
///
/// What it holds is **not believed** before [`Gate::redeem`](super::Gate::redeem): anybody can write such a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    pub(super) envelope: Envelope,
    pub(super) admitted: Admitted,
    pub(super) inclusion: Vec<Sha256>,
    pub(super) checkpoint: String,
}

/// The use of an admission: from here on the unit stands in inventory. Made by the gate alone, after it was recorded
/// under a checkpoint and read back: whoever holds one may book the unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemption {
    pub(super) redeemed: Redeemed,
    pub(super) admitted: Admitted,
}

/// The consumer's word that the unit is booked, recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Confirmation {
    pub(super) entry: u64,
    pub(super) at: Time,
    pub(super) standing: State,
}

/// A redemption whose consumer has not said yet that the unit is booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unconfirmed {
    /// The redemption.
    pub redemption: Redemption,
    /// Where the unit stands now: *redeemed*, or *contested* where a second one like it came since.
    pub standing: State,
}

/// The words that begin the file of an admission, so that whoever opens it sees what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Kind {
    #[serde(rename = "TRIAL admission")]
    Trial,
    #[serde(rename = "admission")]
    Production,
}

/// The form of an admission outside of the gate.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct AdmissionText {
    kind: Kind,
    entry: u64,
    /// The signed envelope, as text: DSSE in its one spelling.
    envelope: String,
    /// From the entry up to the root, in hex.
    inclusion: Vec<Sha256>,
    /// A signed note.
    checkpoint: String,
}

impl Admission {
    /// Reads an admission that was kept as a file or in a data base. Nothing of it is verified here.
    ///
    /// # Errors
    /// [`GateError`] where the bytes are not one admission, whole and in its form.
    pub fn read(bytes: &[u8]) -> Result<Self, GateError> {
        Ok(Self::parse(bytes, &Limits::STANDARD).map_err(|finding| finding.within("admission"))?)
    }

    fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Finding> {
        let wrong =
            |place: &str, expected: String, found: String| Err(Finding::new(Reason::JsonValue, place, expected, found));
        let text: AdmissionText = json::read(bytes, limits).map_err(|fault| fault.finding())?;
        let envelope = Envelope::parse(text.envelope.as_bytes(), limits).map_err(|fault| fault.finding())?;
        let admitted: Admitted = document::read_unverified(&envelope, limits).map_err(|fault| fault.finding())?;
        if text.kind != Kind::of(admitted.environment) {
            let expected = format!("the kind of an admission of {}", admitted.environment.word());
            return wrong("kind", expected, Kind::word(text.kind).to_owned());
        }
        if text.entry != admitted.record.seq {
            return wrong("entry", admitted.record.seq.to_string(), text.entry.to_string());
        }
        if text.inclusion.len() > limits.proof_hashes {
            let expected = format!("at most {} hashes", limits.proof_hashes);
            return Err(Finding::new(Reason::ProofMalformed, "inclusion", expected, text.inclusion.len().to_string()));
        }
        Note::parse(text.checkpoint.as_bytes(), limits)?;
        Ok(Self { envelope, admitted, inclusion: text.inclusion, checkpoint: text.checkpoint })
    }

    /// The admission as one JSON object, to be kept until it is redeemed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let text = AdmissionText {
            kind: Kind::of(self.admitted.environment),
            entry: self.admitted.record.seq,
            // Made from text, by `Envelope::parse`.
            envelope: String::from_utf8_lossy(self.envelope.bytes()).into_owned(),
            inclusion: self.inclusion.clone(),
            checkpoint: self.checkpoint.clone(),
        };
        // A struct of texts, numbers and lists has nothing that JSON cannot hold.
        serde_json::to_vec(&text).unwrap_or_default()
    }

    /// What it states: its unit, its consumer, its environment, its entry. Unverified where it was read from bytes.
    #[must_use]
    pub const fn states(&self) -> &Admitted {
        &self.admitted
    }
}

impl Kind {
    const fn of(environment: Environment) -> Self {
        match environment {
            Environment::Trial => Self::Trial,
            Environment::Production => Self::Production,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Trial => "TRIAL admission",
            Self::Production => "admission",
        }
    }
}

impl Redemption {
    /// Its entry in the ledger.
    #[must_use]
    pub const fn entry(&self) -> u64 {
        self.redeemed.record.seq
    }

    /// When it was recorded.
    #[must_use]
    pub const fn at(&self) -> Time {
        self.redeemed.record.time
    }

    /// The unit.
    #[must_use]
    pub const fn unit(&self) -> &UnitName {
        &self.admitted.unit
    }

    /// The entry of its accept.
    #[must_use]
    pub const fn accept(&self) -> Option<u64> {
        self.redeemed.record.unit
    }

    /// The entry of its admission.
    #[must_use]
    pub const fn admission(&self) -> u64 {
        self.redeemed.admission
    }

    /// Whose inventory it stands in.
    #[must_use]
    pub const fn consumer(&self) -> &Name {
        &self.redeemed.consumer
    }

    /// The consumer's own number for this booking.
    #[must_use]
    pub const fn reference(&self) -> &Name {
        &self.redeemed.reference
    }

    /// Trial or production.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.admitted.environment
    }
}

impl Confirmation {
    /// Its entry in the ledger.
    #[must_use]
    pub const fn entry(&self) -> u64 {
        self.entry
    }

    /// When it was recorded.
    #[must_use]
    pub const fn at(&self) -> Time {
        self.at
    }

    /// Where the unit stands now. *Contested* means that a second one like it came since the redemption: it stays in
    /// the books, and must not move.
    #[must_use]
    pub const fn standing(&self) -> State {
        self.standing
    }
}

impl From<u64> for AcceptRecord {
    fn from(entry: u64) -> Self {
        Self::Entry(entry)
    }
}

impl From<Attempt> for AcceptRecord {
    fn from(attempt: Attempt) -> Self {
        Self::Attempt(attempt)
    }
}

impl From<&RecordedVerdict> for AcceptRecord {
    fn from(verdict: &RecordedVerdict) -> Self {
        Self::Entry(verdict.recorded().seq)
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, Kind};
    use ecugate_verifier::documents::admission::Admitted;
    use ecugate_verifier::documents::document;
    use ecugate_verifier::documents::envelope::seal;
    use ecugate_verifier::documents::receipt::UnitName;
    use ecugate_verifier::documents::record::Record;
    use ecugate_verifier::syntax::note::{Checkpoint, Origin};
    use ecugate_verifier::values::attempt::Environment;
    use ecugate_verifier::values::digest::Sha256;
    use ecugate_verifier::values::ident::{Name, Serial};
    use ecugate_verifier::values::keys::{PublicKey, Signer};
    use ecugate_verifier::values::limits::Limits;
    use ecugate_verifier::values::time::Time;
    use proptest::prelude::{ProptestConfig, any, proptest};
    use std::convert::Infallible;

    /// An Ed25519 key in memory: it signs the note as a log does, and the envelope, which nobody verifies here.
    struct Key(ed25519_dalek::SigningKey, PublicKey);

    impl Key {
        fn new() -> Self {
            use ed25519_dalek::pkcs8::EncodePublicKey as _;
            let secret = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
            let spki = secret.verifying_key().to_public_key_der().unwrap();
            let public = PublicKey::from_spki(spki.as_bytes()).unwrap();
            Self(secret, public)
        }
    }

    impl Signer for Key {
        type Error = Infallible;

        fn public_key(&self) -> &PublicKey {
            &self.1
        }

        fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Infallible> {
            use ed25519_dalek::Signer as _;
            Ok(self.0.sign(message).to_bytes().to_vec())
        }
    }

    fn admission(environment: Environment, seq: u64, hashes: usize) -> Admission {
        let time = Time::from_unix_seconds(1_795_498_278).unwrap();
        let admitted = Admitted {
            record: Record { unit: Some(seq - 1), ..Record::new("trial.dock.example", seq, time) },
            environment,
            site: Name::new("dock").unwrap(),
            consumer: Name::new("erp").unwrap(),
            unit: UnitName { serial: Some(Serial::new("S1").unwrap()), ..UnitName::default() },
            receipt: Sha256::of(b"receipt"),
        };
        let payload = document::payload(admitted.clone(), &Limits::STANDARD).unwrap();
        let key = Key::new();
        let origin = Origin::new("trial.dock.example").unwrap();
        let checkpoint = Checkpoint { origin, size: seq + 1, root: Sha256::of(b"root") }.sign(&key).unwrap().note;
        let envelope = seal(payload, &[(&key, [].as_slice())]).unwrap();
        Admission { envelope, admitted, inclusion: vec![Sha256::of(b"node"); hashes], checkpoint }
    }

    #[test]
    fn attack_70_what_is_kept_of_a_trials_admission_says_so_in_its_first_words() {
        let text = |environment| String::from_utf8(admission(environment, 3, 2).to_bytes()).unwrap();
        assert!(text(Environment::Trial).starts_with(r#"{"kind":"TRIAL admission","entry":3,"envelope":""#));
        assert!(text(Environment::Production).starts_with(r#"{"kind":"admission","entry":3,"envelope":""#));
        assert_eq!(Kind::word(Kind::Trial), "TRIAL admission");
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_a_kept_admission_is_refused_or_another_admission() {
        let whole = admission(Environment::Trial, 3, 2);
        let bytes = whole.to_bytes();
        assert_eq!(Admission::read(&bytes).unwrap(), whole);
        assert_eq!(
            Admission::read(&[bytes.as_slice(), b"\n"].concat()).unwrap(),
            whole,
            "a final newline is none of it"
        );
        for place in 0..bytes.len() {
            assert!(Admission::read(&bytes[..place]).is_err(), "cut at {place}");
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[place] ^= 1 << bit;
                if let Ok(other) = Admission::read(&changed) {
                    assert_ne!(other, whole, "bit {bit} of byte {place}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn an_admission_reads_back_as_it_was_kept(seq in 1..1_u64 << 52, hashes in 0..64_usize, trial in any::<bool>()) {
            let environment = if trial { Environment::Trial } else { Environment::Production };
            let whole = admission(environment, seq, hashes);
            assert_eq!(Admission::read(&whole.to_bytes()).unwrap(), whole);
        }

        #[test]
        fn bytes_of_any_kind_are_no_admission(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            assert!(Admission::read(&bytes).is_err());
        }
    }
}
