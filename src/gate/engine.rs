//! What the gate needs to record anything: tokens, signing keys, ledger. It opens with the first box, and again with the
//! next one after it failed; while it is away every box is held.

use super::writer::Writer;
use crate::hsm::{TokenSigner, Tokens};
use crate::ledger::{AppendFault, KeySet, Ledger};
use crate::opening::{self, Opened, Signers};
use crate::site::Site;
use crate::surroundings::Surroundings;
use ecugate_verifier::values::finding::Finding;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Open tokens, keys and ledger.
pub(super) struct Engine {
    pub(super) tokens: Arc<dyn Tokens>,
    pub(super) station: TokenSigner,
    pub(super) writer: Writer,
    keys: KeySet,
    reader: Mutex<Ledger>,
}

/// What is there while something else is missing.
#[derive(Clone)]
pub(super) struct Away {
    /// What is missing.
    pub(super) finding: Finding,
    /// The tokens, where they are not it: a box that is held is judged as far as it goes.
    pub(super) tokens: Option<Arc<dyn Tokens>>,
}

/// The engine of a gate, or the place for it.
#[derive(Default)]
pub(super) struct Slot {
    state: Mutex<State>,
    /// How often opening was tried.
    tries: AtomicU64,
}

#[derive(Default)]
struct State {
    engine: Option<Arc<Engine>>,
    last_failure: Option<Away>,
    /// The last failure is told once more in place of another try.
    told_again: bool,
}

impl Slot {
    /// The engine; opened if it is not.
    pub(super) fn engine(&self, site: &Site, surroundings: &dyn Surroundings) -> Result<Arc<Engine>, Away> {
        let tries = self.tries.load(Ordering::SeqCst);
        // A panic in another thread left at most the place empty.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = &state.engine {
            return Ok(Arc::clone(engine));
        }
        if std::mem::take(&mut state.told_again)
            && let Some(away) = &state.last_failure
        {
            return Err(away.clone());
        }
        // Whoever waited while another box tried in vain does not try again: a queue of boxes would stand for minutes.
        match &state.last_failure {
            Some(away) if self.tries.load(Ordering::SeqCst) != tries => return Err(away.clone()),
            _ => {}
        }
        let opened = Engine::open(site, surroundings).map(Arc::new);
        self.tries.fetch_add(1, Ordering::SeqCst);
        state.engine = opened.as_ref().ok().map(Arc::clone);
        state.last_failure = opened.as_ref().err().cloned();
        opened
    }

    /// Tells the last failure once more to whoever asks next. What a box needs before it is received and when it is
    /// received is one opening: a person is asked for a PIN once, and a token is given a wrong one once.
    pub(super) fn tell_again(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).told_again = true;
    }

    /// Gives an engine up that failed. The next box opens another one; those who use this one end with it.
    pub(super) fn give_up(&self, failed: &Arc<Engine>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.engine.as_ref().is_some_and(|engine| Arc::ptr_eq(engine, failed)) {
            state.engine = None;
        }
    }
}

impl Engine {
    fn open(site: &Site, surroundings: &dyn Surroundings) -> Result<Self, Away> {
        let Opened { tokens, signers } =
            opening::open(site, surroundings).map_err(|finding| Away { finding, tokens: None })?;
        signers
            .and_then(|signers| Self::with(site, Arc::clone(&tokens), signers))
            .map_err(|finding| Away { finding, tokens: Some(tokens) })
    }

    fn with(site: &Site, tokens: Arc<dyn Tokens>, Signers { keys, station, log }: Signers) -> Result<Self, Finding> {
        let mut ledger = Ledger::open(&site.ledger(), site.trusted_keys(), opening::marks(site, &tokens, keys))?;
        // What a crash left uncovered is covered before anything is built on it.
        ledger.settle(&log).map_err(unsettled)?;
        // Held against the marks a moment ago; without them it can only be read.
        let signatures = ledger.signatures().clone();
        let (station, log) = (station.keeping(&signatures), log.keeping(&signatures));
        let reader = Ledger::open_among(&site.ledger(), site.trusted_keys(), Vec::new(), signatures)?;
        let writer = Writer::start((ledger, log))?;
        Ok(Self { tokens, station, writer, keys, reader: Mutex::new(reader) })
    }

    /// Whether officers have changed the keys since it opened: its own sign nothing any more.
    pub(super) fn is_retired(&self) -> bool {
        self.read(Ledger::keys_in_force).is_ok_and(|keys| keys != self.keys)
    }

    /// Reads the ledger, over a connection that writes nothing. Short: every box of this gate waits for it.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Ledger) -> T) -> T {
        read(&self.reader.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// What keeps an earlier entry uncovered keeps this box out. Nothing of this box is unconfirmed.
pub(super) fn unsettled(fault: AppendFault) -> Finding {
    match fault {
        AppendFault::Pending { cause, .. } => cause,
        other => other.into(),
    }
}
