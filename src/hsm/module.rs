//! A PKCS#11 module loaded into this process: one registry, one lock, no slot kept.
//!
//! Concurrent C_Initialize crashes some modules, and C_Finalize by one user kills the sessions of all others. So a
//! module is loaded once per process and path, every call holds its lock, and it is never finalized.

use super::certificates;
use super::exchange::{Answer, ModuleSeen, Request, Role, TokenName, Tokens};
use super::fault::TokenFault;
use super::keys::OpenToken;
use super::pin::Pin;
use super::rv;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use ecugate_verifier::values::digest::Sha256;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Largest shared object that is taken for a module: 256 MiB. Vendors' modules stay below 50 MiB.
const MODULE_BYTES: u64 = 256 << 20;

/// Every module of this process by canonical path.
static REGISTRY: Mutex<BTreeMap<PathBuf, Arc<Loaded>>> = Mutex::new(BTreeMap::new());

/// A module in this process. Copies share it.
#[derive(Clone)]
pub struct Module {
    loaded: Arc<Loaded>,
}

struct Loaded {
    path: String,
    sha256: Sha256,
    state: Mutex<State>,
}

/// What may be touched by one caller at a time: a session is not to be shared between threads.
pub(super) struct State {
    pub(super) pkcs11: Pkcs11,
    path: String,
    /// Tokens that are logged in: the session is kept, since closing the last one logs out.
    pub(super) open: BTreeMap<TokenName, OpenToken>,
    /// PINs that a token has refused: not given to it again, tokens count wrong tries and lock.
    refused: Vec<(TokenName, Role, Pin)>,
}

/// What a session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// A read-only session.
    Read,
    /// A session that may write to the token.
    Write,
}

impl Module {
    /// Loads and starts the module at an absolute path, or finds the one that is loaded.
    ///
    /// Variables that the module reads must stand in the environment before: see
    /// [`environment`](super::environment).
    ///
    /// # Errors
    /// [`TokenFault::ModuleMissing`] if there is no such file, [`TokenFault::ModuleFailed`] if it does not load or
    /// start.
    pub fn open(path: &Path) -> Result<Self, TokenFault> {
        let canonical = canonical(path)?;
        // Held over C_Initialize, on purpose.
        let mut registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = registry.get(&canonical) {
            return Ok(Self { loaded: Arc::clone(loaded) });
        }
        let loaded = Arc::new(load(&canonical)?);
        registry.insert(canonical, Arc::clone(&loaded));
        Ok(Self { loaded })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.loaded.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn describe_module(&self) -> Result<ModuleSeen, TokenFault> {
        let state = self.state();
        let survey = state.survey()?;
        let library = match state.pkcs11.get_library_info() {
            Ok(library) => {
                format!("{} {} {}", library.manufacturer_id(), library.library_description(), library.library_version())
            }
            Err(error) => rv::words(&error).to_owned(),
        };
        Ok(ModuleSeen {
            path: self.loaded.path.clone(),
            sha256: self.loaded.sha256,
            library,
            tokens: survey.tokens.into_iter().map(|(name, _, _)| name).collect(),
            unreadable: survey.unreadable,
        })
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module").field("path", &self.loaded.path).finish_non_exhaustive()
    }
}

impl Tokens for Module {
    fn ask(&self, request: Request) -> Result<Answer, TokenFault> {
        match request {
            Request::Describe => self.describe_module().map(Answer::Described),
            Request::ReadCertificates { token } => certificates::read(&self.state(), &token).map(Answer::Certificates),
            Request::LogIn { token, pin } => self.state().log_in(&token, pin).map(|()| Answer::LoggedIn),
            Request::ReadPublicKey { token, key } => self.state().public_key(&token, &key).map(Answer::PublicKey),
            Request::Sign { token, key, message } => {
                self.state().sign(&token, &key, &message).map(Answer::UnverifiedSignature)
            }
            Request::InitToken { label, officer_pin, pin } => {
                self.state().init_token(&label, &officer_pin, &pin).map(Answer::Token)
            }
            Request::GenerateKey { token, key, kind } => {
                self.state().generate(&token, &key, kind).map(Answer::PublicKey)
            }
            Request::WriteCertificates { token, role, pin, certificates, permanence } => {
                certificates::write(&mut self.state(), &token, role, pin, &certificates, permanence)
                    .map(Answer::Written)
            }
        }
    }
}

/// What the module shows at this moment.
pub(super) struct Survey {
    pub(super) tokens: Vec<(TokenName, Slot, TokenInfo)>,
    unreadable: Vec<String>,
}

impl State {
    /// Looks at every slot anew. One that cannot be read is a note: it must not hide the others.
    pub(super) fn survey(&self) -> Result<Survey, TokenFault> {
        let slots =
            self.pkcs11.get_slots_with_token().map_err(|error| self.failed("it does not list its slots", &error))?;
        let mut survey = Survey { tokens: Vec::new(), unreadable: Vec::new() };
        for slot in slots {
            match self.pkcs11.get_token_info(slot) {
                Ok(token) if token.token_initialized() => survey.tokens.push((name(&token), slot, token)),
                Ok(_) => {}
                Err(error) => survey.unreadable.push(format!("slot {slot} cannot be read: {}", rv::words(&error))),
            }
        }
        survey.tokens.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        Ok(survey)
    }

    /// The one token of this label and serial number.
    pub(super) fn find(&self, wanted: &TokenName) -> Result<(Slot, TokenInfo), TokenFault> {
        let Survey { tokens, unreadable } = self.survey()?;
        let present: Vec<TokenName> = tokens.iter().map(|(name, ..)| name.clone()).collect();
        select(&present, unreadable, wanted)?;
        let found = tokens.into_iter().find(|(name, ..)| name == wanted);
        found.map(|(_, slot, token)| (slot, token)).ok_or_else(|| TokenFault::TokenAbsent {
            wanted: wanted.clone(),
            present,
            unreadable: Vec::new(),
        })
    }

    fn log_in(&mut self, token: &TokenName, pin: Pin) -> Result<(), TokenFault> {
        if self.open.contains_key(token) {
            return Ok(());
        }
        let session = self.authenticated(token, Role::User, pin, Access::Read)?;
        self.open.insert(token.clone(), OpenToken::new(session));
        Ok(())
    }

    /// A session in which `role` is logged in. The PIN is given to the token once, and not at all if that could lock it.
    pub(super) fn authenticated(
        &mut self,
        token: &TokenName,
        role: Role,
        pin: Pin,
        access: Access,
    ) -> Result<Session, TokenFault> {
        let known =
            |(name, whose, refused): &(TokenName, Role, Pin)| name == token && *whose == role && *refused == pin;
        if self.refused.iter().any(known) {
            return Err(TokenFault::PinWrong { token: token.clone() });
        }
        let (slot, seen) = self.find(token)?;
        let (locked, last_try) = match role {
            Role::User => (seen.user_pin_locked(), seen.user_pin_final_try()),
            Role::Officer => (seen.so_pin_locked(), seen.so_pin_final_try()),
        };
        if locked {
            return Err(TokenFault::PinLocked { token: token.clone() });
        }
        if last_try {
            return Err(TokenFault::PinLastTry { token: token.clone() });
        }
        let session = match access {
            Access::Read => self.pkcs11.open_ro_session(slot),
            Access::Write => self.pkcs11.open_rw_session(slot),
        };
        let session = session.map_err(rv::failed(token, "opening a session"))?;
        let user = match role {
            Role::User => UserType::User,
            Role::Officer => UserType::So,
        };
        match session.login(user, Some(&auth(&pin))) {
            // One process, one login: if somebody here has logged in before us, the token is open to us too.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _)) => {
                self.refused.push((token.clone(), role, pin));
                Err(TokenFault::PinWrong { token: token.clone() })
            }
            Err(Error::Pkcs11(RvError::PinLocked | RvError::PinExpired, _)) => {
                Err(TokenFault::PinLocked { token: token.clone() })
            }
            Err(Error::Pkcs11(RvError::UserPinNotInitialized, _)) => Err(TokenFault::PinMissing {
                source_name: format!("the token {token}"),
                found: "no PIN has been set for its user".to_owned(),
            }),
            Err(error) => Err(rv::failed(token, "logging in")(error)),
        }
    }

    /// Is the token that was just read still the one that it was? A token that vanishes answers a search with nothing,
    /// not with an error.
    pub(super) fn still_there(&self, token: &TokenName) -> Result<(), TokenFault> {
        self.find(token).map(|_| ())
    }

    fn failed(&self, found: &str, error: &Error) -> TokenFault {
        TokenFault::ModuleFailed {
            path: self.path.clone(),
            found: format!("{found}: {}", rv::words(error)),
            detail: rv::detail(error),
        }
    }
}

/// Is there exactly one token of the wanted label and serial number? The first of several is never taken.
fn select(present: &[TokenName], unreadable: Vec<String>, wanted: &TokenName) -> Result<(), TokenFault> {
    match present.iter().filter(|name| *name == wanted).count() {
        1 => return Ok(()),
        0 => {}
        count => return Err(TokenFault::TokenAmbiguous { wanted: wanted.clone(), count }),
    }
    let found: Vec<String> =
        present.iter().filter(|name| name.label == wanted.label).map(|name| name.serial.clone()).collect();
    if found.is_empty() {
        return Err(TokenFault::TokenAbsent { wanted: wanted.clone(), present: present.to_vec(), unreadable });
    }
    Err(TokenFault::TokenWrongSerial { wanted: wanted.clone(), found })
}

/// The name by which a token is known: its texts without padding (some modules pad with zeros).
fn name(token: &TokenInfo) -> TokenName {
    let trim = |text: &str| text.trim_end_matches([' ', '\0']).to_owned();
    TokenName::new(trim(token.label()), trim(token.serial_number()))
}

/// The PIN in the form that the module's wrapper takes; wiped there too.
pub(super) fn auth(pin: &Pin) -> AuthPin {
    AuthPin::from(pin.expose())
}

fn canonical(path: &Path) -> Result<PathBuf, TokenFault> {
    let missing = |expected: &str, found: &str| TokenFault::ModuleMissing {
        path: path.display().to_string(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    };
    if !path.is_absolute() {
        // A bare name would be searched for along LD_LIBRARY_PATH, and an empty one loads this very program.
        return Err(missing("an absolute path", "a relative path"));
    }
    let canonical = std::fs::canonicalize(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => missing("a shared object", "no such file"),
        kind => missing("a shared object", &kind.to_string()),
    })?;
    let file = std::fs::metadata(&canonical).map_err(|error| missing("a shared object", &error.kind().to_string()))?;
    if file.is_dir() {
        return Err(missing("a shared object", "a folder"));
    }
    if !file.is_file() {
        return Err(missing("a shared object", "no regular file"));
    }
    Ok(canonical)
}

fn load(path: &Path) -> Result<Loaded, TokenFault> {
    let name = path.display().to_string();
    let failed = |found: String, detail: String| TokenFault::ModuleFailed { path: name.clone(), found, detail };
    let contents = contents(path).map_err(|error| failed("it cannot be read".to_owned(), error.to_string()))?;
    if !contents.starts_with(b"\x7fELF") {
        return Err(failed("the file is no ELF shared object".to_owned(), String::new()));
    }
    let pkcs11 = Pkcs11::new(path).map_err(|error| failed(rv::words(&error).to_owned(), rv::detail(&error)))?;
    match pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        // Somebody else in this process has started it: it is used as it is, and never finalized by us.
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => {
            let found = format!("it does not start (its own configuration is the usual cause): {}", rv::words(&error));
            return Err(failed(found, rv::detail(&error)));
        }
    }
    let state = State { pkcs11, path: name.clone(), open: BTreeMap::new(), refused: Vec::new() };
    Ok(Loaded { path: name.clone(), sha256: Sha256::of(&contents), state: Mutex::new(state) })
}

fn contents(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    std::fs::File::open(path)?.take(MODULE_BYTES + 1).read_to_end(&mut contents)?;
    if contents.len() as u64 > MODULE_BYTES {
        return Err(std::io::Error::other("more than 256 MiB"));
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::{TokenFault, TokenName, select};

    /// Attack class 32: two tokens with one label. SoftHSM itself aborts over two tokens with one serial number.
    #[test]
    fn attack_32_two_tokens_of_one_label_and_serial_are_ambiguous() {
        let trust = |serial: &str| TokenName::new("ecugate-trust", serial);
        let present = [trust("1"), trust("2"), trust("2"), TokenName::new("payroll", "3")];
        assert_eq!(select(&present, Vec::new(), &trust("1")), Ok(()));
        let ambiguous = TokenFault::TokenAmbiguous { wanted: trust("2"), count: 2 };
        assert_eq!(select(&present, Vec::new(), &trust("2")), Err(ambiguous));
    }

    /// Attack class 33: the first token taken.
    #[test]
    fn attack_33_the_only_token_is_not_taken_for_another() {
        let present = [TokenName::new("ecugate-trust", "1")];
        let wanted = TokenName::new("ecugate-trust", "9");
        let wrong = TokenFault::TokenWrongSerial { wanted: wanted.clone(), found: vec!["1".to_owned()] };
        assert_eq!(select(&present, Vec::new(), &wanted), Err(wrong));
        let wanted = TokenName::new("ecugate-signer", "1");
        let notes = vec!["slot 2 cannot be read: the token is gone".to_owned()];
        let absent =
            TokenFault::TokenAbsent { wanted: wanted.clone(), present: present.to_vec(), unreadable: notes.clone() };
        assert_eq!(select(&present, notes, &wanted), Err(absent));
    }
}
