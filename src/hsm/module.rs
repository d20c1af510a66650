//! A PKCS#11 module loaded into this process: one registry, one lock, no slot kept.
//!
//! Concurrent C_Initialize crashes some modules, and C_Finalize by one user kills the sessions of all others. So a
//! module is loaded once per process and path, every call holds its lock, and it is never finalized. A gate does not
//! load one itself: see [`Guarded`](super::Guarded).

use super::certificates;
use super::data_objects;
use super::exchange::{Answer, ModuleSeen, Request, Tokens};
use super::fault::TokenFault;
use super::rv;
use super::tokens::State;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Function, Pkcs11};
use cryptoki::error::{Error, RvError};
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

impl Module {
    /// Loads and starts the module at an absolute path, or finds the one that is loaded.
    ///
    /// A module reads variables when it is loaded, and may end, hang or spoil the process that loads it: a gate has it
    /// behind [`Guarded`](super::Guarded).
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
            Request::ListTokens => self.state().list().map(Answer::Tokens),
            Request::ReadCertificates { token } => certificates::read(&self.state(), &token).map(Answer::Certificates),
            Request::LogIn { token, pin } => self.state().log_in(&token, pin).map(|()| Answer::LoggedIn),
            Request::ReadPublicKey { token, key } => self.state().public_key(&token, &key).map(Answer::PublicKey),
            Request::ReadKeyId { token, key } => self.state().key_id(&token, &key).map(Answer::KeyId),
            Request::Sign { token, key, message } => {
                self.state().sign(&token, &key, &message).map(Answer::UnverifiedSignature)
            }
            Request::InitToken { label, officer_pin, pin } => {
                self.state().init_token(&label, &officer_pin, &pin).map(Answer::Token)
            }
            Request::GenerateKey { token, key, kind, id } => {
                self.state().generate(&token, &key, kind, id).map(Answer::PublicKey)
            }
            Request::WriteCertificates { token, role, pin, certificates, permanence } => {
                certificates::write(&mut self.state(), &token, role, pin, &certificates, permanence)
                    .map(Answer::Written)
            }
            Request::RemoveCertificates { token, role, pin, certificates } => {
                certificates::remove(&mut self.state(), &token, role, pin, &certificates).map(Answer::Removed)
            }
            Request::ReadData { token, application, label } => {
                data_objects::read(&self.state(), &token, &application, &label).map(Answer::Data)
            }
            Request::WriteData { token, data } => {
                data_objects::write(&self.state(), &token, &data).map(Answer::DataWritten)
            }
        }
    }
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
    let pkcs11 = Pkcs11::new(path).map_err(|error| failed(not_opened(&error).to_owned(), rv::detail(&error)))?;
    match pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        // Somebody else in this process has started it: it is used as it is, and never finalized by us.
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => {
            let found = format!("it does not start (its own configuration is the usual cause): {}", rv::words(&error));
            return Err(failed(found, rv::detail(&error)));
        }
    }
    let state = State::new(pkcs11, name.clone());
    Ok(Loaded { path: name.clone(), sha256: Sha256::of(&contents), state: Mutex::new(state) })
}

fn not_opened(error: &Error) -> &'static str {
    match error {
        // A vendor's module is known for this (Luna 10.5).
        Error::Pkcs11(_, Function::GetInterface) => {
            "it offers C_GetInterface and gives no answer to it: another version of the module may, or p11-kit's proxy"
        }
        error => rv::words(error),
    }
}

fn contents(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    std::fs::File::open(path)?.take(MODULE_BYTES + 1).read_to_end(&mut contents)?;
    if contents.len() as u64 > MODULE_BYTES {
        return Err(std::io::Error::other("more than 256 MiB"));
    }
    Ok(contents)
}
