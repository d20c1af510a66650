//! Tokens for trial: four SoftHSM tokens in a folder of their own, with PINs and keys made on the spot.
//!
//! SoftHSM reads its configuration when it is loaded. So making them has two steps: [`TrialFolder::lay_out`] writes
//! the configuration, then the module is started with [`TrialFolder::environment`] (see [`Guarded`](super::Guarded)),
//! and [`TrialTokens::create`] is called.

use super::environment::Environment;
use super::exchange::{
    Answer, CertificateToWrite, CertificateWritten, KeyKind, Permanence, Request, Role, Tokens, wrong_answer,
};
use super::fault::TokenFault;
use super::name::{TokenKey, TokenName};
use super::pin::Pin;
use crate::new_file;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::keys::PublicKey;
use std::ffi::OsStr;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Fills bytes at random: [`Surroundings::random`](crate::surroundings::Surroundings::random).
type Random<'a> = dyn Fn(&mut [u8]) -> Result<(), Finding> + 'a;

/// The variable that names SoftHSM's configuration.
const SOFTHSM_CONF: &str = "SOFTHSM2_CONF";

/// Where distributions put SoftHSM, in the order in which it is looked for.
const SOFTHSM_PLACES: [&str; 6] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

/// SoftHSM's module on this machine.
///
/// # Errors
/// [`TokenFault::ModuleMissing`] with the places that were looked at.
pub fn softhsm() -> Result<PathBuf, TokenFault> {
    SOFTHSM_PLACES.iter().map(PathBuf::from).find(|path| path.is_file()).ok_or_else(|| TokenFault::ModuleMissing {
        path: "libsofthsm2.so".to_owned(),
        expected: format!("a file at one of {}", SOFTHSM_PLACES.join(", ")),
        found: "none of them".to_owned(),
    })
}

/// The folder in which trial tokens live: `softhsm2.conf`, `tokens/`, `pins/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialFolder {
    folder: PathBuf,
}

impl TrialFolder {
    /// Makes the folders and the configuration inside `folder`, which must exist. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`TokenFault::NotWritten`], also where another configuration stands there already.
    pub fn lay_out(folder: &Path) -> Result<Self, TokenFault> {
        let not_written = |what: &Path, error: &std::io::Error| TokenFault::NotWritten {
            what: what.display().to_string(),
            found: error.kind().to_string(),
            detail: error.to_string(),
        };
        let folder = std::fs::canonicalize(folder).map_err(|error| not_written(folder, &error))?;
        let laid_out = Self { folder };
        let conf = laid_out.conf();
        let refused = |found: &str| TokenFault::NotWritten {
            what: conf.display().to_string(),
            found: found.to_owned(),
            detail: String::new(),
        };
        let contents = laid_out.contents().ok_or_else(|| {
            refused("the folder's path holds what a SoftHSM configuration cannot say (#, control characters, no UTF-8)")
        })?;
        for name in ["tokens", "pins"] {
            let path = laid_out.folder.join(name);
            let made = DirBuilder::new().mode(0o700).recursive(true).create(&path);
            made.map_err(|error| not_written(&path, &error))?;
        }
        match std::fs::read(&conf) {
            Ok(found) if found == contents.as_bytes() => Ok(laid_out),
            // A folder that was moved has one that names its old place.
            Ok(found) => Err(refused(&format!("another configuration: {:?}", token_folder(&found)))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // Whole or not at all: half of one would be another configuration for ever.
                new_file::write(&conf, contents.as_bytes()).map_err(|fault| refused(&fault.to_string()))?;
                Ok(laid_out)
            }
            Err(error) => Err(not_written(&conf, &error)),
        }
    }

    /// What must stand in the environment of the process that loads the module.
    #[must_use]
    pub fn environment(&self) -> Environment {
        Environment::from([(SOFTHSM_CONF.into(), self.conf().into())])
    }

    fn conf(&self) -> PathBuf {
        self.folder.join("softhsm2.conf")
    }

    fn pins(&self) -> PathBuf {
        self.folder.join("pins")
    }

    /// The configuration, or `None` where the path cannot be written into one.
    fn contents(&self) -> Option<String> {
        let tokens = self.folder.join("tokens");
        let tokens = tokens.to_str()?;
        if tokens.contains('#') || tokens.chars().any(char::is_control) || tokens.trim() != tokens {
            return None;
        }
        Some(format!(
            "directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n"
        ))
    }
}

/// One trial token and where its PINs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialToken {
    /// Its name.
    pub name: TokenName,
    /// The file with its user's PIN, of mode 0600.
    pub pin_file: PathBuf,
    /// The file with its officer's PIN, of mode 0600.
    pub officer_pin_file: PathBuf,
}

/// One key on a trial token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialKey {
    /// Where it is.
    pub key: TokenKey,
    /// Its public half.
    pub public_key: PublicKey,
}

/// The four tokens of a trial site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialTokens {
    /// Holds the keys of two officers.
    pub authority: TrialToken,
    /// Holds manufacturers' certificates.
    pub trust: TrialToken,
    /// Holds the station key and the log key.
    pub signer: TrialToken,
    /// Holds the keys that officers change to when the signing token is lost.
    pub standby: TrialToken,
    /// The officers' keys `officer-1` and `officer-2`, P-256.
    pub officers: [TrialKey; 2],
    /// The key `station` that signs receipts, P-256.
    pub station: TrialKey,
    /// The key `log` that signs checkpoints, Ed25519.
    pub log: TrialKey,
    /// The key `station` of the standby token, P-256.
    pub standby_station: TrialKey,
    /// The key `log` of the standby token, Ed25519.
    pub standby_log: TrialKey,
    /// What stuck of each certificate, in the order given.
    pub certificates: Vec<CertificateWritten>,
}

impl TrialTokens {
    /// Makes tokens, PINs and keys, and writes `certificates` to the trust token. `environment` is the one that the
    /// module behind `tokens` was loaded with; PINs and ids of keys are drawn from `random`.
    ///
    /// # Errors
    /// [`TokenFault::ModuleFailed`] if `environment` is not [`TrialFolder::environment`], or the module shows tokens
    /// already; else whatever keeps a token from being made.
    pub fn create(
        tokens: &dyn Tokens,
        environment: &Environment,
        folder: &TrialFolder,
        certificates: &[CertificateToWrite],
        random: &Random<'_>,
    ) -> Result<Self, TokenFault> {
        refuse_foreign_tokens(tokens, environment, folder)?;
        let make = |name: &str| make(tokens, folder, name, random);
        let (authority, trust) = (make("authority")?, make("trust")?);
        let (signer, standby) = (make("signer")?, make("standby")?);
        let generate = |token: &TrialToken, label: &str, kind| generate(tokens, token, label, kind, random);
        for token in [&authority, &signer, &standby] {
            tokens.log_in(&token.name, Pin::from_file(&token.pin_file)?)?;
        }
        let officers =
            [generate(&authority, "officer-1", KeyKind::P256)?, generate(&authority, "officer-2", KeyKind::P256)?];
        let station = generate(&signer, "station", KeyKind::P256)?;
        let log = generate(&signer, "log", KeyKind::Ed25519)?;
        let standby_station = generate(&standby, "station", KeyKind::P256)?;
        let standby_log = generate(&standby, "log", KeyKind::Ed25519)?;
        let request = Request::WriteCertificates {
            token: trust.name.clone(),
            role: Role::Officer,
            pin: Pin::from_file(&trust.officer_pin_file)?,
            certificates: certificates.to_vec(),
            permanence: Permanence::Removable,
        };
        let Answer::Written(written) = tokens.ask(request)? else {
            return Err(wrong_answer(&trust.name, "writing certificates"));
        };
        Ok(Self {
            authority,
            trust,
            signer,
            standby,
            officers,
            station,
            log,
            standby_station,
            standby_log,
            certificates: written,
        })
    }
}

/// Nothing is made in a store that is not this folder's: it could be a person's own.
fn refuse_foreign_tokens(
    tokens: &dyn Tokens,
    environment: &Environment,
    folder: &TrialFolder,
) -> Result<(), TokenFault> {
    let seen = tokens.describe()?;
    let failed =
        |found: String| Err(TokenFault::ModuleFailed { path: seen.path.clone(), found, detail: String::new() });
    if *environment != folder.environment() {
        let stated = environment.get(OsStr::new(SOFTHSM_CONF));
        return failed(format!(
            "it was started with {SOFTHSM_CONF} {stated:?} among {} variables, and not with {:?} alone",
            environment.len(),
            folder.conf().display().to_string()
        ));
    }
    if !seen.tokens.is_empty() || !seen.unreadable.is_empty() {
        return failed(format!("it shows {} tokens before any was made", seen.tokens.len() + seen.unreadable.len()));
    }
    Ok(())
}

fn make(tokens: &dyn Tokens, folder: &TrialFolder, name: &str, random: &Random<'_>) -> Result<TrialToken, TokenFault> {
    let label = format!("ecugate-{name}");
    let pin_file = folder.pins().join(format!("{name}.pin"));
    let officer_pin_file = folder.pins().join(format!("{name}.officer-pin"));
    let pin = make_pin(&pin_file, random)?;
    let officer_pin = make_pin(&officer_pin_file, random)?;
    match tokens.ask(Request::InitToken { label: label.clone(), officer_pin, pin })? {
        Answer::Token(name) => Ok(TrialToken { name, pin_file, officer_pin_file }),
        _ => Err(wrong_answer(&TokenName::new(label, ""), "making a token")),
    }
}

fn generate(
    tokens: &dyn Tokens,
    token: &TrialToken,
    label: &str,
    kind: KeyKind,
    random: &Random<'_>,
) -> Result<TrialKey, TokenFault> {
    let mut id = [0_u8; 16];
    random(&mut id).map_err(|finding| unmade(format!("the key {label:?}"), finding))?;
    let request = Request::GenerateKey { token: token.name.clone(), key: label.to_owned(), kind, id };
    let Answer::PublicKey(spki) = tokens.ask(request)? else {
        return Err(wrong_answer(&token.name, "making a key"));
    };
    let key = TokenKey::new(&token.name, label);
    match PublicKey::from_spki(&spki) {
        Ok(public_key) => Ok(TrialKey { key, public_key }),
        Err(fault) => Err(TokenFault::KeyUnusable {
            key: Box::new(key),
            expected: "a sound public key".to_owned(),
            found: fault.to_string(),
        }),
    }
}

/// A PIN of 24 hex digits in a new file of mode 0600.
fn make_pin(path: &Path, random: &Random<'_>) -> Result<Pin, TokenFault> {
    let mut bytes = Zeroizing::new([0_u8; 12]);
    random(bytes.as_mut_slice()).map_err(|finding| unmade(path.display().to_string(), finding))?;
    let mut text = Zeroizing::new(String::with_capacity(24));
    for byte in bytes.iter() {
        for digit in [byte >> 4, byte & 0x0f] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    write_new(path, text.as_bytes()).map_err(|error| TokenFault::NotWritten {
        what: path.display().to_string(),
        found: error.kind().to_string(),
        detail: error.to_string(),
    })?;
    Pin::new(text, &path.display().to_string())
}

fn unmade(what: String, finding: Finding) -> TokenFault {
    TokenFault::NotWritten { what, found: "the system has no random bytes".to_owned(), detail: finding.found }
}

/// Where a configuration says that the tokens are.
fn token_folder(contents: &[u8]) -> String {
    String::from_utf8_lossy(contents).lines().next().unwrap_or_default().chars().take(300).collect()
}

fn write_new(path: &Path, contents: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(contents)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::TrialFolder;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn laying_out_twice_changes_nothing_and_another_configuration_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = TrialFolder::lay_out(folder.path()).unwrap();
        assert_eq!(TrialFolder::lay_out(folder.path()).unwrap(), first);
        for private in ["tokens", "pins"] {
            let mode = std::fs::metadata(folder.path().join(private)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        let conf = folder.path().join("softhsm2.conf");
        std::fs::write(&conf, "directories.tokendir = /elsewhere\n").unwrap();
        let fault = TrialFolder::lay_out(folder.path()).unwrap_err();
        assert_eq!(
            (fault.reason().code(), fault.finding().found.as_str()),
            ("token-not-written", "another configuration: \"directories.tokendir = /elsewhere\"")
        );
        assert_eq!(std::fs::read_to_string(&conf).unwrap(), "directories.tokendir = /elsewhere\n");
    }

    #[test]
    fn a_path_that_a_configuration_cannot_say_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        for name in ["a#b", "a\nslots.mechanisms = none"] {
            let folder = outer.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            let fault = TrialFolder::lay_out(&folder).unwrap_err();
            assert!(fault.finding().found.contains("cannot say"), "{fault}");
        }
    }

    #[test]
    fn the_module_is_told_where_its_folder_is_by_an_absolute_path() {
        let folder = tempfile::tempdir().unwrap();
        let laid_out = TrialFolder::lay_out(folder.path()).unwrap();
        let conf = folder.path().canonicalize().unwrap().join("softhsm2.conf");
        assert_eq!(laid_out.environment().get(std::ffi::OsStr::new("SOFTHSM2_CONF")), Some(&conf.clone().into()));
        let tokens = folder.path().canonicalize().unwrap().join("tokens");
        assert!(
            std::fs::read_to_string(conf)
                .unwrap()
                .starts_with(&format!("directories.tokendir = {}\n", tokens.display()))
        );
    }
}
