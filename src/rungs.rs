//! Rungs: a high-water mark of the ledger that stands on the signing token, where no restore of a disk reaches it.
//!
//! Now and then a signed checkpoint is written to the token as a data object, beside the earlier ones; none is ever
//! changed. Whoever puts an old copy of the ledger back meets the rungs above it.
//!
//! # What they do not establish
//! On several modules anybody may write such an object, and on some anybody may remove one. So what is read here is
//! handed out whole, and believed by nobody before it has verified under the log's key: one without a signature, or of a
//! size beyond all counting, stops nothing. Entries after the last rung are for the other marks to notice.

use crate::hsm::{DataToWrite, SkipReason, TokenData, TokenName, Tokens};
use crate::ledger::mark::{Counts, Mark};
use ecugate_verifier::syntax::note::{VerifiedCheckpoint, VerifierKey};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use std::num::NonZeroU64;
use std::sync::Arc;

/// Whose the data objects are (`CKA_APPLICATION`).
const APPLICATION: &str = "ecugate";

/// The rungs of one log on one token.
pub struct TokenRungs {
    tokens: Arc<dyn Tokens>,
    token: TokenName,
    key: VerifierKey,
    every: NonZeroU64,
    /// Size of the largest rung that verifies, once it is known.
    largest: Option<u64>,
    /// Whether the first one is written where none stands.
    takes_over: bool,
}

impl TokenRungs {
    /// The rungs of the log that `key` signs for, on a token that is logged in; one is written every `every` entries.
    #[must_use]
    pub fn new(tokens: Arc<dyn Tokens>, token: TokenName, key: VerifierKey, every: NonZeroU64) -> Self {
        Self { tokens, token, key, every, largest: None, takes_over: false }
    }

    /// The same on a token that takes over: none of this key can stand there yet, and the first checkpoint that it signs
    /// is the first rung. For officers who change the keys, and nobody else: where rungs stood, none would be missed.
    #[must_use]
    pub fn taking_over(self) -> Self {
        Self { takes_over: true, ..self }
    }

    /// The label of the data objects: one for each log, since several sites may share a token.
    #[must_use]
    pub fn label(&self) -> String {
        format!("ecugate-mark-{}", self.key.name())
    }

    fn stored(&self) -> Result<TokenData, Finding> {
        self.tokens.data(&self.token, APPLICATION, &self.label()).map_err(Finding::from)
    }

    /// Size of a note that verifies under the log's key.
    fn size(&self, note: &[u8]) -> Option<u64> {
        VerifiedCheckpoint::open(note, &self.key, &Limits::STANDARD).ok().map(|checkpoint| checkpoint.size())
    }

    /// The largest rung that verifies: what a stranger wrote there says nothing about what stands.
    fn largest(&self) -> Result<Option<u64>, Finding> {
        Ok(self.stored()?.objects.iter().filter_map(|object| self.size(&object.value)).max())
    }

    fn write(&mut self, size: u64, note: &str) -> Result<(), Finding> {
        if self.size(note.as_bytes()) != Some(size) {
            let expected = format!("a checkpoint of {size} entries by the key of {}", self.key.name());
            return Err(Finding::new(Reason::NoteSignatureInvalid, self.name(), expected, "another note"));
        }
        let (application, label) = (APPLICATION.to_owned(), self.label());
        let data = DataToWrite { application, label, value: note.as_bytes().to_vec() };
        self.tokens.write_data(&self.token, data)?;
        self.largest = Some(size);
        Ok(())
    }

    /// Nothing is written in its place: whoever removed the rungs could put the ledger back.
    fn missing(&self) -> Finding {
        let expected = "a signed checkpoint, as one was written when the site was founded";
        Finding::new(Reason::MarkMissing, self.name(), expected, "none")
    }
}

impl Mark for TokenRungs {
    fn name(&self) -> String {
        format!("the rungs {:?} on the token {}", self.label(), self.token)
    }

    /// The file beside it is the mark that must be there; rungs tell what they can while their token answers.
    fn is_required(&self) -> bool {
        false
    }

    /// Every object of the log's label, as text. What cannot be read as one is there too, as a line that says so, and
    /// does not verify.
    ///
    /// # Errors
    /// [`Reason::MarkMissing`] where there is none at all ([`Mark::begin`]) and the token does not take over. Else what
    /// keeps the token from being read.
    fn read(&self) -> Result<Vec<String>, Finding> {
        let TokenData { objects, skipped } = self.stored()?;
        let mut notes: Vec<String> =
            objects.iter().map(|object| String::from_utf8_lossy(&object.value).into_owned()).collect();
        let unread = skipped.iter().filter(|object| object.why != SkipReason::Copy);
        notes.extend(unread.map(|object| format!("an object that holds no note: {:?}\n", object.why)));
        if notes.is_empty() && !self.takes_over { Err(self.missing()) } else { Ok(notes) }
    }

    /// Writes the first rung, for a new ledger.
    ///
    /// # Errors
    /// [`Reason::LedgerExists`] where one stands already that verifies; [`Reason::NoteSignatureInvalid`] for a note that
    /// is no checkpoint of this size by the log's key; else what keeps the token from being read or written.
    fn begin(&mut self, size: u64, note: &str) -> Result<(), Finding> {
        match self.largest()? {
            None => self.write(size, note),
            Some(standing) => {
                let found = format!("one of {standing} entries");
                Err(Finding::new(Reason::LedgerExists, self.name(), "no rung of this log", found))
            }
        }
    }

    /// Writes a rung where `size` is at least the configured number of entries above the largest one that verifies.
    ///
    /// # Errors
    /// [`Reason::MarkMissing`] where no rung verifies; [`Reason::NoteSignatureInvalid`] for a note that is no
    /// checkpoint of this size by the log's key: such a rung would guard nothing. Else what keeps the token from being
    /// read or written, a full one too.
    fn raise(&mut self, size: u64, note: &str, _counts: Counts<'_>) -> Result<(), Finding> {
        let largest = match self.largest {
            Some(largest) => largest,
            None => match self.largest()? {
                Some(largest) => largest,
                None if self.takes_over => return self.write(size, note),
                None => return Err(self.missing()),
            },
        };
        self.largest = Some(largest);
        if size < largest.saturating_add(self.every.get()) { Ok(()) } else { self.write(size, note) }
    }
}

impl std::fmt::Debug for TokenRungs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenRungs").field("token", &self.token).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{APPLICATION, TokenRungs};
    use crate::hsm::{Answer, DataWritten, Request, SkipReason, SkippedObject, StoredData, TokenData, TokenFault};
    use crate::hsm::{TokenName, Tokens};
    use crate::ledger::mark::{Counts, Mark as _};
    use crate::maker::key::PemSigner;
    use ecugate_verifier::syntax::note::{Checkpoint, Origin, VerifierKey};
    use ecugate_verifier::values::digest::Sha256;
    use ecugate_verifier::values::keys::Signer as _;
    use std::num::NonZeroU64;
    use std::sync::{Arc, Mutex};

    const ORIGIN: &str = "trial.site-1.example";

    /// Rungs are held against the key of their log.
    const UNASKED: Counts<'_> = &|_| None;

    /// A token that keeps data objects, refuses to write when it is full, and skips what it is told to.
    #[derive(Default)]
    struct Shelf {
        values: Mutex<Vec<Vec<u8>>>,
        skipped: Vec<SkippedObject>,
        full: bool,
    }

    impl Tokens for Shelf {
        fn ask(&self, request: Request) -> Result<Answer, TokenFault> {
            match request {
                Request::ReadData { application, label, .. } => {
                    assert_eq!((application.as_str(), label), (APPLICATION, format!("ecugate-mark-{ORIGIN}")));
                    let values = self.values.lock().unwrap().clone();
                    let objects = values.into_iter().map(|value| StoredData { value }).collect();
                    Ok(Answer::Data(TokenData { objects, skipped: self.skipped.clone() }))
                }
                Request::WriteData { .. } if self.full => Err(TokenFault::NotWritten {
                    what: "a rung".to_owned(),
                    found: "memory is used up".to_owned(),
                    detail: String::new(),
                }),
                Request::WriteData { data, .. } => {
                    self.values.lock().unwrap().push(data.value);
                    Ok(Answer::DataWritten(DataWritten { private: None, modifiable: None, destroyable: None }))
                }
                other => panic!("not asked here: {other:?}"),
            }
        }
    }

    fn log_key(seed: u8) -> PemSigner {
        use ed25519_dalek::pkcs8::EncodePrivateKey as _;
        let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        let pem = key.to_pkcs8_pem(ed25519_dalek::pkcs8::spki::der::pem::LineEnding::LF).unwrap();
        PemSigner::from_pem(pem.as_bytes()).unwrap()
    }

    fn note_by(seed: u8, size: u64) -> String {
        let checkpoint = Checkpoint { origin: Origin::new(ORIGIN).unwrap(), size, root: Sha256::of(b"root") };
        checkpoint.sign(&log_key(seed)).map(|signed| signed.note).unwrap_or_else(|_| panic!("it signs"))
    }

    fn rungs(shelf: &Arc<Shelf>, every: u64) -> TokenRungs {
        let key = VerifierKey::new(ORIGIN, log_key(1).public_key().clone()).unwrap();
        let tokens = Arc::clone(shelf) as Arc<dyn Tokens>;
        TokenRungs::new(tokens, TokenName::new("signer", "1"), key, NonZeroU64::new(every).unwrap())
    }

    fn written(shelf: &Shelf) -> usize {
        shelf.values.lock().unwrap().len()
    }

    #[test]
    fn the_first_rung_is_written_once_and_each_further_one_after_so_many_entries() {
        let shelf = Arc::new(Shelf::default());
        let mut first = rungs(&shelf, 10);
        first.begin(2, &note_by(1, 2)).unwrap();
        for mut again in [rungs(&shelf, 10), rungs(&shelf, 5)] {
            assert_eq!(again.begin(3, &note_by(1, 3)).unwrap_err().reason.code(), "ledger-exists");
        }
        for (size, rungs) in [(3, 1), (11, 1), (12, 2), (13, 2), (30, 3)] {
            first.raise(size, &note_by(1, size), UNASKED).unwrap();
            assert_eq!(written(&shelf), rungs, "at {size}");
        }
        // Another process finds what stands there, and a size that went back writes nothing.
        let mut second = rungs(&shelf, 10);
        for size in [39, 5] {
            second.raise(size, &note_by(1, size), UNASKED).unwrap();
            assert_eq!(written(&shelf), 3);
        }
        second.raise(40, &note_by(1, 40), UNASKED).unwrap();
        assert_eq!(second.read().unwrap(), [2, 12, 30, 40].map(|size| note_by(1, size)));
    }

    /// Attack class 68: an unsigned or huge rung that stops the site.
    #[test]
    fn attack_68_a_strangers_huge_malformed_or_unreadable_rung_is_handed_out_and_stops_no_writing() {
        let huge = note_by(2, 1 << 60);
        let skipped = SkippedObject { label: String::new(), id: String::new(), why: SkipReason::TooLong };
        let shelf = Arc::new(Shelf { skipped: vec![skipped], ..Shelf::default() });
        for value in [huge.as_bytes(), b"no note", &[0xff, 0xfe]] {
            shelf.values.lock().unwrap().push(value.to_vec());
        }
        let mut rungs = rungs(&shelf, 10);
        // Theirs do not stand in for a first one, and do not keep it from being written.
        assert_eq!(rungs.raise(2, &note_by(1, 2), UNASKED).unwrap_err().reason.code(), "mark-missing");
        rungs.begin(2, &note_by(1, 2)).unwrap();
        rungs.raise(12, &note_by(1, 12), UNASKED).unwrap();
        let said = rungs.read().unwrap();
        assert_eq!(said[..3], [huge, "no note".to_owned(), "\u{fffd}\u{fffd}".to_owned()]);
        assert_eq!(said[3..5], [note_by(1, 2), note_by(1, 12)]);
        assert_eq!(said[5..], ["an object that holds no note: TooLong\n"]);
    }

    #[test]
    fn a_token_without_any_rung_and_one_that_takes_none_are_findings() {
        let shelf = Arc::new(Shelf::default());
        assert_eq!(rungs(&shelf, 10).read().unwrap_err().reason.code(), "mark-missing");
        assert_eq!(rungs(&shelf, 10).raise(99, &note_by(1, 99), UNASKED).unwrap_err().reason.code(), "mark-missing");
        assert_eq!(written(&shelf), 0, "whoever removed the rungs gets no new ones");
        let full = Arc::new(Shelf { full: true, ..Shelf::default() });
        assert_eq!(rungs(&full, 10).begin(1, &note_by(1, 1)).unwrap_err().reason.code(), "token-not-written");
        full.values.lock().unwrap().push(note_by(1, 1).into_bytes());
        assert_eq!(
            rungs(&full, 10).raise(11, &note_by(1, 11), UNASKED).unwrap_err().reason.code(),
            "token-not-written"
        );
        assert_eq!(rungs(&full, 10).raise(10, &note_by(1, 10), UNASKED), Ok(()));
    }

    #[test]
    fn a_token_that_takes_over_gets_its_first_rung_with_the_first_checkpoint_of_its_key() {
        let shelf = Arc::new(Shelf::default());
        shelf.values.lock().unwrap().push(note_by(2, 4).into_bytes());
        // What the token before had is none of this one's.
        let mut taking_over = rungs(&shelf, 10).taking_over();
        assert_eq!(taking_over.read().unwrap(), [note_by(2, 4)]);
        taking_over.raise(5, &note_by(1, 5), UNASKED).unwrap();
        assert_eq!(shelf.values.lock().unwrap().last().unwrap(), note_by(1, 5).as_bytes());
        // A run that was cut off before it stored the checkpoint is begun again.
        rungs(&shelf, 10).taking_over().raise(5, &note_by(1, 5), UNASKED).unwrap();
        rungs(&shelf, 10).raise(14, &note_by(1, 14), UNASKED).unwrap();
        assert_eq!(written(&shelf), 2);
        assert_eq!(rungs(&Arc::default(), 10).taking_over().read().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_note_of_another_key_or_size_becomes_no_rung() {
        let shelf = Arc::new(Shelf::default());
        for (size, note) in [(7, note_by(2, 7)), (7, note_by(1, 8)), (7, "no note".to_owned())] {
            assert_eq!(rungs(&shelf, 10).begin(size, &note).unwrap_err().reason.code(), "note-signature-invalid");
        }
        assert_eq!(written(&shelf), 0);
        rungs(&shelf, 1).begin(1, &note_by(1, 1)).unwrap();
        assert_eq!(
            rungs(&shelf, 1).raise(7, &note_by(1, 8), UNASKED).unwrap_err().reason.code(),
            "note-signature-invalid"
        );
        assert_eq!(written(&shelf), 1);
    }
}
