//! Opening the site's tokens: the module, and the signing keys held against the pinned ones.

use crate::hsm::{ExpectedKey, Module, Pin, TokenKey, TokenSigner, Tokens};
use crate::site::Site;
use crate::surroundings::Surroundings;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::fs::{File, TryLockError};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How often and after how long a gate tries again while another one opens its tokens: ten seconds in all.
const LOCK_TRIES: u32 = 1_000;
const BETWEEN_LOCK_TRIES: Duration = Duration::from_millis(10);

/// The keys that sign: one for receipts, one for checkpoints.
#[derive(Debug)]
pub(super) struct Signers {
    pub(super) station: TokenSigner,
    pub(super) log: TokenSigner,
}

/// What could be opened: without the module nothing, without the keys the tokens at least.
pub(super) struct Opened {
    pub(super) tokens: Arc<dyn Tokens>,
    pub(super) signers: Result<Signers, Finding>,
}

/// Starts the module of the site and opens the signing keys.
pub(super) fn open(site: &Site, surroundings: &dyn Surroundings) -> Result<Opened, Finding> {
    let opening = one_at_a_time(site, surroundings)?;
    let tokens: Arc<dyn Tokens> = Arc::new(Module::open(&site.text().module).map_err(|fault| fault.finding())?);
    let signers = signers(site, &tokens);
    drop(opening);
    Ok(Opened { tokens, signers })
}

fn signers(site: &Site, tokens: &Arc<dyn Tokens>) -> Result<Signers, Finding> {
    let signer = &site.text().signer;
    let open = |label: &str, expected| {
        let key = TokenKey::new(&signer.token, label);
        let pin = Pin::from_file(&site.pin_file()).map_err(|fault| fault.finding())?;
        TokenSigner::open(Arc::clone(tokens), key, pin, ExpectedKey::Recorded(expected))
            .map_err(|fault| fault.finding())
    };
    let station = open(&signer.station_key.label, site.station_key().id())?;
    let log = open(&signer.log_key.label, site.log_key().id())?;
    Ok(Signers { station, log })
}

/// SoftHSM rewrites a token's file at every login, and a process that looks at that moment sees no token: gates of one
/// site open their tokens one after the other. The lock goes with the file, also when a process dies.
fn one_at_a_time(site: &Site, surroundings: &dyn Surroundings) -> Result<File, Finding> {
    let path = site.folder().join("opening.lock");
    let place = path.display().to_string();
    let unwritten =
        |error: io::Error| Finding::new(Reason::TokenNotWritten, &place, "a file to lock", error.to_string());
    // To read too, so that a pipe in its place is opened at once; and never cut, whatever it is a link to.
    let file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(unwritten)?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => surroundings.pause(BETWEEN_LOCK_TRIES),
            Err(TryLockError::Error(error)) => return Err(unwritten(error)),
        }
    }
    let found = "another gate that has been opening them for ten seconds";
    Err(Finding::new(Reason::TokenFailed, &place, "to open the tokens in its turn", found))
}
