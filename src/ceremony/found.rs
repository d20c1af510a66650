//! Founding a trial site: tokens, keys, a first anchor list and policy signed by two officers, and the first entries of
//! the ledger.
//!
//! In a trial one caller holds the keys of both officers; in production they are two persons with a token each.

use crate::hsm::{
    CertificateToWrite, CertificateWritten, ExpectedKey, Guarded, HelperStart, Pin, PinSource, TokenSigner, Tokens,
    TrialFolder, TrialKey, TrialToken, TrialTokens,
};
use crate::journal::Journal;
use crate::ledger::{KeySet, Ledger, Recorded, TRIAL_ORIGIN};
use crate::new_file;
use crate::opening;
use crate::sealing::seal_by;
use crate::site::{
    AuthorityText, CONFIGURATION, CeremonyText, HolderText, KeyText, SignerText, Site, SiteText, StateText,
};
use crate::surroundings::Surroundings;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ecugate_verifier::documents::anchor_list::{AnchorList, Listing, Role, Serials};
use ecugate_verifier::documents::document::Document;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::founding::{Genesis, MemoryComplete, Officer, Standby};
use ecugate_verifier::documents::manifest::Validity;
use ecugate_verifier::documents::manifest::assurance::{Firmware, Identity, Minimum};
use ecugate_verifier::documents::policy_text::PolicyText;
use ecugate_verifier::documents::record::Record;
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::syntax::label::Rules;
use ecugate_verifier::syntax::note::{Origin, VerifierKey};
use ecugate_verifier::values::attempt::Environment;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Manufacturer, Name, PartScope};
use ecugate_verifier::values::keys::PublicKey;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;
/// How long a trial's anchor list and policy count.
const TRIAL_DAYS: i64 = 90;
/// How long the module may take for one answer.
const MODULE_SECONDS: u32 = 10;
/// Oldest CRL that a trial takes: 31 days, the longest period in common use.
pub(super) const TRIAL_CRL_HOURS: u32 = 24 * 31;

/// What a trial site is founded with.
#[derive(Clone, Debug)]
pub struct Founding {
    /// The site's id, which shipment manifests must name as consignee. Host-like: it is also part of the log's origin.
    pub site: Name,
    /// The station at this dock.
    pub station: Name,
    /// The manufacturer certificates that count.
    pub anchors: Vec<AnchorGiven>,
    /// Now.
    pub now: Time,
}

/// One manufacturer certificate that the founders list.
#[derive(Clone, Debug)]
pub struct AnchorGiven {
    /// The certificate.
    pub certificate: Certificate,
    /// The id under which everything that it signs is filed.
    pub manufacturer: Manufacturer,
    /// What signers below it may sign.
    pub roles: Vec<Role>,
    /// For which parts.
    pub parts: Vec<PartScope>,
}

/// A founded site.
#[derive(Debug)]
pub struct Founded {
    /// The site.
    pub site: Site,
    /// What stuck of each certificate on the trust token.
    pub certificates: Vec<CertificateWritten>,
    /// The checkpoint over genesis and memory-complete.
    pub recorded: Recorded,
}

/// Founds a trial site in `folder`, which must exist. The module runs in a process of its own.
///
/// # Errors
/// The finding of the first step that fails. `site.toml` is written last: without it there is no site.
pub fn found_trial(
    module: &Path,
    folder: &Path,
    founding: &Founding,
    surroundings: &dyn Surroundings,
) -> Result<Founded, Finding> {
    let layout = TrialFolder::lay_out(folder).map_err(|fault| fault.finding())?;
    let folder = fs::canonicalize(folder).map_err(|error| not_written(folder, &error))?;
    let guarded = Guarded::start(HelperStart {
        program: surroundings.helper()?,
        module: module.to_owned(),
        environment: layout.environment(),
        deadline: Duration::from_secs(MODULE_SECONDS.into()),
    })?;
    let certificates: Vec<CertificateToWrite> = founding.anchors.iter().map(to_write).collect();
    let random = |bytes: &mut [u8]| surroundings.random(bytes);
    let made = TrialTokens::create(&guarded, guarded.environment(), &layout, &certificates, &random)?;
    let tokens: Arc<dyn Tokens> = Arc::new(guarded);
    let text = configuration(module, &folder, founding, &made)?;
    let site = Site::check(folder, text)?;
    let keys = Keys::open(&tokens, &made)?;

    let list = anchor_list(founding);
    write_new(&site.anchor_list(), keys.by_officers(list)?.bytes())?;
    write_new(&site.policy(), keys.by_officers(policy(founding))?.bytes())?;
    Journal::create(&site.journal(), None).map_err(Finding::from)?;
    let recorded = first_entries(&site, founding, &tokens, &keys)?;
    let text = toml::to_string(site.text())
        .map_err(|error| Finding::new(Reason::SiteMalformed, CONFIGURATION, "a writable site", error.to_string()))?;
    write_new(&site.folder().join(CONFIGURATION), text.as_bytes())?;
    Ok(Founded { site, certificates: made.certificates, recorded })
}

/// The name that the log of a trial site will have.
///
/// # Errors
/// [`Reason::Usage`] where the site's id can be no part of one.
pub fn origin(site: &Name) -> Result<Origin, Finding> {
    Origin::new(&format!("{TRIAL_ORIGIN}{site}")).ok_or_else(|| {
        let expected = "a host-like name in lower case: it is part of the name of the log";
        Finding::new(Reason::Usage, "site id", expected, site.to_string())
    })
}

/// The signing keys of a trial, opened once.
struct Keys {
    station: TokenSigner,
    log: TokenSigner,
    officers: Vec<TokenSigner>,
}

impl Keys {
    fn open(tokens: &Arc<dyn Tokens>, made: &TrialTokens) -> Result<Self, Finding> {
        let open = |token: &TrialToken, key: &TrialKey| {
            let pin = Pin::from_file(&token.pin_file).map_err(|fault| fault.finding())?;
            let expected = ExpectedKey::Recorded(key.public_key.id());
            TokenSigner::open(Arc::clone(tokens), key.key.clone(), pin, expected).map_err(|fault| fault.finding())
        };
        let officers = made.officers.iter().map(|key| open(&made.authority, key)).collect::<Result<_, _>>()?;
        Ok(Self { station: open(&made.signer, &made.station)?, log: open(&made.signer, &made.log)?, officers })
    }

    /// Signs a document of the authority: both officers.
    fn by_officers<D: Document>(&self, document: D) -> Result<Envelope, Finding> {
        seal_by(document, &self.officers.iter().collect::<Vec<_>>())
    }
}

fn to_write(anchor: &AnchorGiven) -> CertificateToWrite {
    CertificateToWrite { label: anchor.manufacturer.to_string(), der: anchor.certificate.der().to_vec() }
}

fn configuration(module: &Path, folder: &Path, founding: &Founding, made: &TrialTokens) -> Result<SiteText, Finding> {
    let encode = |key: &PublicKey| STANDARD.encode(key.spki());
    let mut holders = Vec::new();
    for key in &made.officers {
        let person = Name::new(key.key.label.as_str())
            .map_err(|fault| Finding::new(Reason::SiteMalformed, "officer", "a name", fault.to_string()))?;
        holders.push(HolderText { person, key: encode(&key.public_key) });
    }
    let within = |path: &Path| PinSource::File(path.strip_prefix(folder).unwrap_or(path).to_owned());
    let key = |made: &TrialKey| KeyText { label: made.key.label.clone(), public: encode(&made.public_key) };
    let signing = |token: &TrialToken, station: &TrialKey, log: &TrialKey| SignerText {
        token: token.name.clone(),
        pin: within(&token.pin_file),
        station_key: key(station),
        log_key: key(log),
    };
    Ok(SiteText {
        site: founding.site.clone(),
        environment: Environment::Trial,
        station: founding.station.clone(),
        origin: origin(&founding.site)?.to_string(),
        module: module.to_owned(),
        module_seconds: MODULE_SECONDS,
        state: StateText::default(),
        trust_token: made.trust.name.clone(),
        signer: signing(&made.signer, &made.station, &made.log),
        standby: Some(signing(&made.standby, &made.standby_station, &made.standby_log)),
        ceremony: Some(CeremonyText {
            authority_token: made.authority.name.clone(),
            authority_pin: within(&made.authority.pin_file),
            trust_pin: within(&made.trust.officer_pin_file),
        }),
        authority: AuthorityText { threshold: 2, list_version_least: 1, policy_version_least: 1, holders },
    })
}

fn anchor_list(founding: &Founding) -> AnchorList {
    let listing = |anchor: &AnchorGiven| Listing {
        sha256: anchor.certificate.digest(),
        manufacturer: anchor.manufacturer.clone(),
        roles: anchor.roles.clone(),
        parts: anchor.parts.clone(),
        serials: Serials::MayList,
        valid: Validity { from: founding.now, until: founding.now.plus_seconds(TRIAL_DAYS * DAY) },
        crl_hours: TRIAL_CRL_HOURS,
    };
    AnchorList {
        site: founding.site.clone(),
        version: 1,
        issued: founding.now,
        expires: founding.now.plus_seconds(TRIAL_DAYS * DAY),
        previous: None,
        anchors: founding.anchors.iter().map(listing).collect(),
    }
}

/// The policy of a trial: every part gated, on a shipment and read out. Stricter than many sites will begin with;
/// nothing looser should be a default.
fn policy(founding: &Founding) -> PolicyText {
    PolicyText {
        site: founding.site.clone(),
        version: 1,
        issued: founding.now,
        expires: founding.now.plus_seconds(TRIAL_DAYS * DAY),
        previous: None,
        minimum: Minimum { identity: Identity::Listed, firmware: Firmware::MeasuredUnbound },
        families: Vec::new(),
        labels: Rules::default(),
        waivers: Vec::new(),
    }
}

/// Genesis, and the officers' word that nothing was received before.
fn first_entries(site: &Site, founding: &Founding, tokens: &Arc<dyn Tokens>, keys: &Keys) -> Result<Recorded, Finding> {
    let trusted = site.trusted_keys();
    let vkey = |key: &PublicKey| {
        VerifierKey::new(site.origin().as_str(), key.clone())
            .map(|key| key.to_string())
            .map_err(|fault| Finding::new(Reason::TokenKeyUnusable, "log key", "an Ed25519 key", fault.to_string()))
    };
    let log_key = vkey(site.log_key())?;
    let standby = match &trusted.standby {
        None => None,
        Some(standby) => Some(Standby {
            log_key: vkey(&standby.log)?,
            station_keys: standby.stations.iter().map(PublicKey::id).collect(),
        }),
    };
    let (_, recorded) = Ledger::create(
        &site.ledger(),
        trusted,
        opening::marks(site, tokens, KeySet::First),
        |place| {
            let record = |offset| Record::new(place.origin.as_str(), place.seq + offset, founding.now);
            let genesis = Genesis {
                record: record(0),
                site: founding.site.clone(),
                environment: Environment::Trial,
                log_key,
                station_keys: vec![site.station_key().id()],
                standby,
                officers: site
                    .authority()
                    .holders()
                    .iter()
                    .map(|(person, key)| Officer { person: person.clone(), key: key.id() })
                    .collect(),
                threshold: site.authority().threshold() as u64,
            };
            let complete = MemoryComplete {
                record: record(1),
                site: founding.site.clone(),
                ground: "a new trial site: nothing was received before".to_owned(),
            };
            let signers: Vec<&TokenSigner> = std::iter::once(&keys.station).chain(&keys.officers).collect();
            Ok(vec![seal_by(genesis, &[&keys.station])?, seal_by(complete, &signers)?])
        },
        &keys.log,
    )
    .map_err(Finding::from)?;
    Ok(recorded)
}

/// Writes a file of the site: whole, durable, and never in the place of another.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Finding> {
    new_file::write(path, bytes).map_err(|fault| Finding { reason: Reason::SiteNotWritten, ..fault.finding() })
}

fn not_written(path: &Path, error: &std::io::Error) -> Finding {
    let place = PathBuf::from(path).display().to_string();
    Finding::new(Reason::SiteNotWritten, place, "a file that can be written", error.to_string())
}
