//! Opening the tokens of a site: its module in a process of its own, and the signing keys held against the pinned ones.
//!
//! Which keys sign is what the ledger says: the first ones, or the standby ones from the officers' key change on. Whoever
//! opens keys that sign does it here.

use crate::hsm::{ExpectedKey, Guarded, HelperStart, Pin, TokenKey, TokenSigner, Tokens, TrialFolder};
use crate::ledger::{KeySet, Ledger, Mark};
use crate::rungs::TokenRungs;
use crate::site::{Signing, Site};
use crate::surroundings::Surroundings;
use crate::turn;
use ecugate_verifier::syntax::note::VerifierKey;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::fs::{File, TryLockError};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// The keys that sign: one for receipts, one for checkpoints.
#[derive(Debug)]
pub(crate) struct Signers {
    pub(crate) keys: KeySet,
    pub(crate) station: TokenSigner,
    pub(crate) log: TokenSigner,
}

/// What could be opened: without the module nothing, without the keys the tokens at least.
pub(crate) struct Opened {
    pub(crate) tokens: Arc<dyn Tokens>,
    pub(crate) signers: Result<Signers, Finding>,
}

/// Starts the module of the site and opens the signing keys that are in force.
pub(crate) fn open(site: &Site, surroundings: &dyn Surroundings) -> Result<Opened, Finding> {
    // Before the others are kept waiting: a person may have to type it.
    let pin = keys_in_force(site).and_then(|keys| {
        let signer = site.signing(keys)?.text;
        Ok((keys, surroundings.pin(&site.pin_source(signer), &signer.token)?))
    });
    let turn = in_turn(site)?;
    let tokens = module(site, surroundings)?;
    let signers = pin.and_then(|(keys, pin)| signers(site, &tokens, keys, &pin));
    drop(turn);
    Ok(Opened { tokens, signers })
}

/// Which keys sign. The ledger is held against its marks, so that one that was put back does not call the token back that
/// was given up.
fn keys_in_force(site: &Site) -> Result<KeySet, Finding> {
    if site.text().standby.is_none() {
        return Ok(KeySet::First);
    }
    let ledger = Ledger::open(&site.ledger(), site.trusted_keys(), site.marks())?;
    Ok(ledger.keys_in_force()?)
}

/// Starts the module of a site with the environment that the site states, and nothing of the caller's.
pub(crate) fn module(site: &Site, surroundings: &dyn Surroundings) -> Result<Arc<dyn Tokens>, Finding> {
    let environment = TrialFolder::lay_out(site.folder())?.environment();
    let guarded = Guarded::start(HelperStart {
        program: surroundings.helper()?,
        module: site.text().module.clone(),
        environment,
        deadline: Duration::from_secs(site.text().module_seconds.into()),
    })?;
    Ok(Arc::new(guarded))
}

/// The station's key and the log's of a set, each held against the pinned one.
pub(crate) fn signers(site: &Site, tokens: &Arc<dyn Tokens>, keys: KeySet, pin: &Pin) -> Result<Signers, Finding> {
    let Signing { text, station, log } = site.signing(keys)?;
    let open = |label: &str, expected| {
        let key = TokenKey::new(&text.token, label);
        TokenSigner::open(Arc::clone(tokens), key, pin.clone(), ExpectedKey::Recorded(expected))
            .map_err(|fault| fault.finding())
    };
    let station = open(&text.station_key.label, station.id())?;
    let log = open(&text.log_key.label, log.id())?;
    Ok(Signers { keys, station, log })
}

/// What the ledger of a site is held against once its signing token is open: the file of its mark, and the rungs on the
/// token, which no restore of a disk reaches.
pub(crate) fn marks(site: &Site, tokens: &Arc<dyn Tokens>, keys: KeySet) -> Vec<Box<dyn Mark>> {
    with_rungs(site, rungs(site, tokens, keys))
}

/// The same for officers who change the keys: rungs begin on the token that takes over.
pub(crate) fn marks_taking_over(site: &Site, tokens: &Arc<dyn Tokens>) -> Vec<Box<dyn Mark>> {
    with_rungs(site, rungs(site, tokens, KeySet::Standby).map(TokenRungs::taking_over))
}

fn with_rungs(site: &Site, rungs: Option<TokenRungs>) -> Vec<Box<dyn Mark>> {
    let mut marks = site.marks();
    marks.extend(rungs.map(|rungs| Box::new(rungs) as Box<dyn Mark>));
    marks
}

/// Those of the token that has a set of keys, under the log key on it; none where the site wants none.
fn rungs(site: &Site, tokens: &Arc<dyn Tokens>, keys: KeySet) -> Option<TokenRungs> {
    let (every, Signing { text, log, .. }) = (site.rung_every()?, site.signing(keys).ok()?);
    let key = VerifierKey::new(site.origin().as_str(), log.clone()).ok()?;
    Some(TokenRungs::new(Arc::clone(tokens), text.token.clone(), key, every))
}

/// SoftHSM rewrites a token's file at every login, and a process that looks at that moment sees no token: gates of one
/// site open their tokens one after the other. The lock goes with the file, also when a process dies.
pub(crate) fn in_turn(site: &Site) -> Result<File, Finding> {
    let path = site.folder().join("opening.lock");
    let place = path.display().to_string();
    let unwritten =
        |error: io::Error| Finding::new(Reason::TokenNotWritten, &place, "a file to lock", error.to_string());
    // To read too, so that a pipe in its place is opened at once; and never cut, whatever it is a link to.
    let file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(unwritten)?;
    match turn::take(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::Error(error)) => Err(unwritten(error)),
        Err(TryLockError::WouldBlock) => {
            let found = "another gate that has been opening them for ten seconds";
            Err(Finding::new(Reason::TokenFailed, &place, "to open the tokens in its turn", found))
        }
    }
}
