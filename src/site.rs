//! A site: one folder with its configuration, and the paths and keys that follow from it.
//!
//! What is here is a *trial* site, owned by whoever calls: its log's origin begins `trial.`, and everything it says
//! says TRIAL. An installed site reads the same text from a place that only root can write.

use crate::hsm::{PinSource, TokenName};
use crate::ledger::{FileMark, KeySet, Mark, StandbyKeys, TRIAL_ORIGIN, TrustedKeys};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ecugate_verifier::inputs::trust::authority::Authority;
use ecugate_verifier::syntax::note::Origin;
use ecugate_verifier::values::attempt::Environment;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::keys::PublicKey;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

/// The name of the configuration in a site folder.
pub const CONFIGURATION: &str = "site.toml";

/// Bytes of a configuration: far above any real one.
const CONFIGURATION_BYTES: u64 = 64 << 10;

/// A site, read and checked.
#[derive(Clone, Debug)]
pub struct Site {
    folder: PathBuf,
    text: SiteText,
    authority: Authority,
    origin: Origin,
    station_key: PublicKey,
    log_key: PublicKey,
    standby: Option<StandbyKeys>,
}

/// What signs: a token, and the pinned keys on it.
#[derive(Clone, Copy, Debug)]
pub struct Signing<'a> {
    /// The token, its PIN, and the labels of its keys.
    pub text: &'a SignerText,
    /// The pinned public half of the station key.
    pub station: &'a PublicKey,
    /// The pinned public half of the log key.
    pub log: &'a PublicKey,
}

/// The configuration as it is written. Unknown fields are refused.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteText {
    /// The site's id, which shipment manifests name as consignee.
    pub site: Name,
    /// Trial or production.
    pub environment: Environment,
    /// The station at this dock.
    pub station: Name,
    /// The log's origin.
    pub origin: String,
    /// The PKCS#11 module, by absolute path.
    pub module: PathBuf,
    /// How long the module may take for one answer, in seconds; then its process is ended.
    #[serde(default = "module_seconds")]
    pub module_seconds: u32,
    /// Where the gate keeps what must outlive a crash.
    #[serde(default)]
    pub state: StateText,
    /// The token with the manufacturers' certificates.
    pub trust_token: TokenName,
    /// The token that signs.
    pub signer: SignerText,
    /// The token whose keys officers may change to when the first one is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standby: Option<SignerText>,
    /// Where a trial keeps what its officers work with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceremony: Option<CeremonyText>,
    /// The authority. It stands last: without its end, a file that was cut is no configuration.
    pub authority: AuthorityText,
}

/// What the officers of a trial work with: their keys on one token, and two PINs. In production an officer brings a
/// token of his own, and his PIN stands nowhere.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CeremonyText {
    /// The token with the officers' keys, each labelled with its person.
    pub authority_token: TokenName,
    /// Where the PIN of its user is, as for a signing token.
    pub authority_pin: PinSource,
    /// Where the PIN of the trust token's security officer is, who writes certificates to it.
    pub trust_pin: PinSource,
}

/// Where the gate keeps what must outlive a crash. Relative paths start at the site folder.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StateText {
    /// The folder of the journal of attempts.
    pub journal: PathBuf,
    /// The folder of the high-water mark: on another disk than the ledger, it notices that the ledger was put back.
    pub mark: PathBuf,
    /// The folder of the intake store.
    pub intake: PathBuf,
    /// After how many entries a signed checkpoint is written to the signing token; 0: never.
    pub rung_every: u64,
}

/// A thousand entries are an hour of a busy dock, and a million of them fill a token with a thousand small objects.
const RUNG_EVERY: u64 = 1_000;

impl Default for StateText {
    fn default() -> Self {
        Self {
            journal: PathBuf::from("journal"),
            mark: PathBuf::from("mark"),
            intake: PathBuf::from("intake"),
            rung_every: RUNG_EVERY,
        }
    }
}

/// Far above what any token takes to open or to sign, far below what a person at a dock waits.
const fn module_seconds() -> u32 {
    10
}

/// A signing token.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignerText {
    /// Its name.
    pub token: TokenName,
    /// Where its PIN is: `file:` and a path (a relative one starts at the site folder), `env:` and the name of a
    /// variable, or `prompt`.
    pub pin: PinSource,
    /// The key that signs receipts.
    pub station_key: KeyText,
    /// The key that signs checkpoints.
    pub log_key: KeyText,
}

/// A key on the signing token.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyText {
    /// Its label.
    pub label: String,
    /// Its public half: SubjectPublicKeyInfo, DER, base64.
    pub public: String,
}

/// The authority's keys.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityText {
    /// How many persons must sign.
    pub threshold: usize,
    /// Lowest version of the anchor list that counts.
    pub list_version_least: u64,
    /// Lowest version of the policy that counts.
    pub policy_version_least: u64,
    /// The persons.
    pub holders: Vec<HolderText>,
}

/// One person of the authority.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolderText {
    /// The person.
    pub person: Name,
    /// The public key: SubjectPublicKeyInfo, DER, base64.
    pub key: String,
}

impl Site {
    /// Reads the configuration of the site in `folder`.
    ///
    /// # Errors
    /// [`Reason::SiteMissing`] where there is none, [`Reason::InputUnreadable`] where this account may not read it,
    /// [`Reason::SiteMalformed`] with the line where it is not sound.
    pub fn open(folder: &Path) -> Result<Self, Finding> {
        let folder = fs::canonicalize(folder).map_err(|error| unread(folder, &error))?;
        let path = folder.join(CONFIGURATION);
        let about = fs::metadata(&path).map_err(|error| unread(&path, &error))?;
        let malformed = |expected: &str, found: &str| {
            Finding::new(Reason::SiteMalformed, path.display().to_string(), expected, found)
        };
        if !about.is_file() {
            return Err(malformed("a regular file", "another kind of file"));
        }
        if about.len() > CONFIGURATION_BYTES {
            return Err(malformed("at most 64 KiB", &format!("{} bytes", about.len())));
        }
        let bytes = fs::read(&path).map_err(|error| unread(&path, &error))?;
        let bytes = String::from_utf8(bytes).map_err(|error| malformed("UTF-8", &error.to_string()))?;
        let text: SiteText = toml::from_str(&bytes).map_err(|error| malformed_at(&path, &bytes, &error))?;
        Self::check(folder, text)
    }

    /// Checks a configuration and takes the keys out of it.
    ///
    /// # Errors
    /// [`Reason::SiteMalformed`] with the field.
    pub fn check(folder: PathBuf, text: SiteText) -> Result<Self, Finding> {
        let wrong = |field: &str, expected: &str, found: String| {
            Finding::new(Reason::SiteMalformed, format!("{CONFIGURATION} {field}"), expected, found)
        };
        // Production configuration is root-owned and has its own layout; nothing found in a caller's folder counts.
        if text.environment != Environment::Trial {
            return Err(wrong(
                "environment",
                "trial: a site folder is never a production site",
                "production".to_owned(),
            ));
        }
        if !text.origin.starts_with(TRIAL_ORIGIN) {
            return Err(wrong("origin", "a trial origin: it begins \"trial.\"", text.origin));
        }
        if !text.module.is_absolute() {
            return Err(wrong("module", "an absolute path", text.module.display().to_string()));
        }
        if !(1..=120).contains(&text.module_seconds) {
            return Err(wrong("module_seconds", "1 to 120", text.module_seconds.to_string()));
        }
        let origin = Origin::new(&text.origin)
            .ok_or_else(|| wrong("origin", "a bare host-like name, lower case", text.origin.clone()))?;
        let key = |field: &str, encoded: &str| {
            let der = STANDARD.decode(encoded).map_err(|error| wrong(field, "base64", error.to_string()))?;
            PublicKey::from_spki(&der).map_err(|fault| wrong(field, "a public key", fault.to_string()))
        };
        let mut holders = Vec::new();
        for holder in &text.authority.holders {
            holders.push((holder.person.clone(), key("authority.holders", &holder.key)?));
        }
        let authority = Authority::new(
            holders,
            text.authority.threshold,
            text.authority.list_version_least,
            text.authority.policy_version_least,
            &Limits::STANDARD,
        )
        .map_err(|finding| Finding { reason: Reason::SiteMalformed, ..finding }.within(CONFIGURATION))?;
        let station_key = key("signer.station_key", &text.signer.station_key.public)?;
        let log_key = key("signer.log_key", &text.signer.log_key.public)?;
        let standby = match &text.standby {
            None => None,
            Some(signer) => {
                let station = key("standby.station_key", &signer.station_key.public)?;
                let log = key("standby.log_key", &signer.log_key.public)?;
                for (field, standby, first) in [("station_key", &station, &station_key), ("log_key", &log, &log_key)] {
                    if standby == first {
                        let expected = "another key than that of the signer: it takes over when that one is lost";
                        return Err(wrong(&format!("standby.{field}"), expected, "the same key".to_owned()));
                    }
                }
                Some(StandbyKeys { log, stations: vec![station] })
            }
        };
        Ok(Self { folder, text, authority, origin, station_key, log_key, standby })
    }

    /// The configuration.
    #[must_use]
    pub const fn text(&self) -> &SiteText {
        &self.text
    }

    /// The site's folder, canonical.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The pinned authority.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The log's origin.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The pinned public half of the station key.
    #[must_use]
    pub const fn station_key(&self) -> &PublicKey {
        &self.station_key
    }

    /// The pinned public half of the log key.
    #[must_use]
    pub const fn log_key(&self) -> &PublicKey {
        &self.log_key
    }

    /// The token and keys of a set. Which set signs is what the ledger says ([`crate::ledger::Ledger::keys_in_force`]).
    ///
    /// # Errors
    /// [`Reason::StandbyMissing`] where the site has no standby keys.
    pub fn signing(&self, keys: KeySet) -> Result<Signing<'_>, Finding> {
        let first = Signing { text: &self.text.signer, station: &self.station_key, log: &self.log_key };
        if keys == KeySet::First {
            return Ok(first);
        }
        let standby = self.text.standby.as_ref().zip(self.standby.as_ref());
        standby
            .and_then(|(text, keys)| Some(Signing { text, station: keys.stations.first()?, log: &keys.log }))
            .ok_or_else(|| {
                let expected = "a section [standby]: the token whose keys take over";
                Finding::new(Reason::StandbyMissing, CONFIGURATION, expected, "none")
            })
    }

    /// The keys that count in the site's ledger: from its configuration, never from the ledger.
    #[must_use]
    pub fn trusted_keys(&self) -> TrustedKeys {
        TrustedKeys {
            origin: self.origin.clone(),
            log: self.log_key.clone(),
            stations: vec![self.station_key.clone()],
            standby: self.standby.clone(),
            officers: self.authority.holders().to_vec(),
            officers_needed: self.authority.threshold(),
        }
    }

    /// Where the ledger is.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.folder.join("ledger.db")
    }

    /// The folder of the journal of attempts.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.folder.join(&self.text.state.journal)
    }

    /// The folder of the high-water mark.
    #[must_use]
    pub fn mark(&self) -> PathBuf {
        self.folder.join(&self.text.state.mark)
    }

    /// The marks that the ledger is held against: without them it is opened only to be read.
    #[must_use]
    pub fn marks(&self) -> Vec<Box<dyn Mark>> {
        vec![Box::new(FileMark::at(self.mark()))]
    }

    /// The folder of the intake store.
    #[must_use]
    pub fn intake(&self) -> PathBuf {
        self.folder.join(&self.text.state.intake)
    }

    /// Where the signed anchor list is.
    #[must_use]
    pub fn anchor_list(&self) -> PathBuf {
        self.folder.join("anchor-list.json")
    }

    /// Where the signed policy is.
    #[must_use]
    pub fn policy(&self) -> PathBuf {
        self.folder.join("policy.json")
    }

    /// Where the PIN of a signing token of this site is; a relative file starts at the site folder.
    #[must_use]
    pub fn pin_source(&self, signer: &SignerText) -> PinSource {
        signer.pin.from_folder(&self.folder)
    }

    /// After how many entries a rung is written to the signing token, if any is.
    #[must_use]
    pub const fn rung_every(&self) -> Option<NonZeroU64> {
        NonZeroU64::new(self.text.state.rung_every)
    }
}

fn unread(what: &Path, error: &std::io::Error) -> Finding {
    let place = what.display().to_string();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            Finding::new(Reason::SiteMissing, place, "a site folder made by `ecugate init`", "nothing of this name")
        }
        _ => Finding::new(Reason::InputUnreadable, place, "a file that this account may read", error.to_string()),
    }
}

fn malformed_at(path: &Path, text: &str, error: &toml::de::Error) -> Finding {
    let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
    let place = format!("{} line {line}", path.display());
    Finding::new(Reason::SiteMalformed, place, "the configuration of a site", error.message())
}
