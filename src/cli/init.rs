//! `ecugate init --trial DIR`: founds a trial site with real tokens, keys, list, policy and ledger.

use super::inputs::World;
use super::seam::{Answer, Seam};
use super::system::System;
use ecugate::ceremony::{AnchorGiven, Founding, found_trial, origin};
use ecugate::hsm::softhsm;
use ecugate::site::CONFIGURATION;
use ecugate_verifier::documents::anchor_list::Role;
use ecugate_verifier::syntax::certificate::certificates;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Manufacturer, Name, PartScope};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use std::fs;
use std::path::{Path, PathBuf};

/// A trial site.
#[derive(clap::Args)]
pub(crate) struct Init {
    /// The folder of the trial site: new or empty
    #[arg(long, value_name = "DIR")]
    trial: PathBuf,

    /// A manufacturer certificate to list: CERT[:roles[:parts]]. Roles are release, shipment and device (default
    /// release,shipment); parts are part numbers, `BEGINNING*` or `*` (default *)
    #[arg(long, value_name = "CERT[:ROLES[:PARTS]]", required = true)]
    anchor: Vec<String>,

    /// The manufacturer id of each --anchor, in order (default: the file's name without its ending)
    #[arg(long, value_name = "ID")]
    manufacturer: Vec<String>,

    /// The site's id, which shipment manifests must name as consignee
    #[arg(long, value_name = "ID", default_value = "dock.example")]
    site: String,

    /// The station at this dock
    #[arg(long, value_name = "ID", default_value = "dock-1")]
    station: String,

    /// The SoftHSM module (default: where distributions put it)
    #[arg(long, value_name = "FILE")]
    module: Option<PathBuf>,
}

impl Seam for Init {
    const COMMAND: &'static str = "init";

    fn decide(&self, world: &World) -> Result<Answer, Finding> {
        let usage = |place: &str, expected: &str, found: String| Finding::new(Reason::Usage, place, expected, found);
        if self.manufacturer.len() > self.anchor.len() {
            let found = format!("{} for {}", self.manufacturer.len(), self.anchor.len());
            return Err(usage("--manufacturer", "at most one for each --anchor", found));
        }
        let name = |flag: &str, text: &str| {
            Name::new(text).map_err(|fault| usage(flag, "a name", format!("{text:?} {fault}")))
        };
        let founding = Founding {
            site: name("--site", &self.site)?,
            station: name("--station", &self.station)?,
            anchors: self.anchors(world)?,
            now: world.system_time()?,
        };
        let module = match &self.module {
            Some(path) => path.clone(),
            None => softhsm().map_err(|fault| fault.finding())?,
        };
        // Before anything is made: what a failing init has begun must be removed by hand.
        origin(&founding.site)?;
        require_free(&self.trial)?;
        fs::create_dir_all(&self.trial).map_err(|error| {
            Finding::new(Reason::SiteNotWritten, self.trial.display().to_string(), "a folder", error.to_string())
        })?;
        let founded = found_trial(&module, &self.trial, &founding, &System)?;
        Ok(said(&self.trial, &founding, &founded))
    }
}

impl Init {
    fn anchors(&self, world: &World) -> Result<Vec<AnchorGiven>, Finding> {
        let mut anchors = Vec::new();
        for (n, text) in self.anchor.iter().enumerate() {
            let given = anchor("--anchor", text, self.manufacturer.get(n).map(String::as_str), world)?;
            if anchors.iter().any(|known: &AnchorGiven| known.certificate.digest() == given.certificate.digest()) {
                return Err(Finding::new(Reason::Usage, "--anchor", "each certificate once", text.as_str()));
            }
            anchors.push(given);
        }
        Ok(anchors)
    }
}

/// Reads `CERT[:roles[:parts]]`, the value of `flag`.
pub(super) fn anchor(
    flag: &str,
    text: &str,
    manufacturer: Option<&str>,
    world: &World,
) -> Result<AnchorGiven, Finding> {
    let limits = Limits::STANDARD;
    let usage = |expected: &str, found: &str| Finding::new(Reason::Usage, format!("{flag} {text}"), expected, found);
    let mut pieces = text.splitn(3, ':');
    let path = Path::new(pieces.next().unwrap_or_default());
    let roles = pieces.next().filter(|roles| !roles.is_empty()).unwrap_or("release,shipment");
    let parts = pieces.next().filter(|parts| !parts.is_empty()).unwrap_or("*");
    let mut listed = Vec::new();
    for word in roles.split(',') {
        let role = Role::from_word(word).ok_or_else(|| usage("roles among release, shipment, device", word))?;
        if !listed.contains(&role) {
            listed.push(role);
        }
    }
    let scopes = parts
        .split(',')
        .map(|scope| PartScope::parse(scope).map_err(|fault| usage("part numbers", &format!("{scope:?} {fault}"))))
        .collect::<Result<Vec<_>, _>>()?;
    let bytes = world.bytes(path, limits.certificate_bytes)?;
    let place = path.display().to_string();
    let mut read = certificates(&bytes, &limits).map_err(|fault| fault.finding().within(&place))?;
    let (Some(certificate), None) = (read.pop(), read.pop()) else {
        return Err(Finding::new(Reason::CertificateMalformed, place, "one certificate", "more"));
    };
    if !certificate.is_ca() {
        let found = certificate.subject_text();
        return Err(Finding::new(Reason::CaFlagMissing, place, "a certificate authority of the manufacturer", found));
    }
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let id = manufacturer.map_or(stem, str::to_owned);
    let manufacturer =
        Manufacturer::new(id.as_str()).map_err(|fault| usage("a manufacturer id", &format!("{id:?} {fault}")))?;
    Ok(AnchorGiven { certificate, manufacturer, roles: listed, parts: scopes })
}

/// What an init that was interrupted may have left. Only where there is nothing else may somebody be told to remove it.
const BEGUN: &[&str] = &[
    "softhsm2.conf",
    "tokens",
    "pins",
    "anchor-list.json",
    "policy.json",
    "journal",
    "mark",
    "opening.lock",
    CONFIGURATION,
    "ledger.db",
    "ledger.db-journal",
    "ledger.db-wal",
    "ledger.db-shm",
];

/// Whether an init makes a file or folder of this name, or the file beside it that is not whole yet.
fn is_of_an_init(name: &str) -> bool {
    let unfinished = name.strip_prefix('.').and_then(|name| name.strip_suffix(".part"));
    let whole = unfinished.and_then(|name| name.rsplit_once('.')).map_or(name, |(name, _)| name);
    BEGUN.contains(&whole)
}

/// A folder that is not there, is empty, or was laid out by an init that then made nothing.
fn require_free(folder: &Path) -> Result<(), Finding> {
    let place = folder.display().to_string();
    if folder.join(CONFIGURATION).exists() {
        return Err(Finding::new(Reason::SiteExists, place, "a new or empty folder", "a site"));
    }
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    let mut begun = None;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !is_of_an_init(&name) {
            let found = format!("{name}, which is not of a site");
            return Err(Finding::new(Reason::SiteExists, place, "a new or empty folder", found));
        }
        let untouched =
            name == "softhsm2.conf" || fs::read_dir(entry.path()).is_ok_and(|mut inner| inner.next().is_none());
        if !untouched {
            begun = Some(name);
        }
    }
    match begun {
        None => Ok(()),
        Some(name) => {
            let found = format!("{name}, left by an interrupted init: remove the folder");
            Err(Finding::new(Reason::SiteExists, place, "a new or empty folder", found))
        }
    }
}

fn said(folder: &Path, founding: &Founding, founded: &ecugate::ceremony::Founded) -> Answer {
    let text = founded.site.text();
    let mut answer = Answer::accept()
        .with("site", founding.site.as_str())
        .with("origin", text.origin.as_str())
        .with("environment", text.environment.word())
        .with("size", founded.recorded.size)
        .with("checkpoint", founded.recorded.checkpoint.as_str())
        .line(format!("TRIAL site {} in {}", founding.site, folder.display()))
        .line(format!("origin    {}", text.origin))
        .line(format!("tokens    {} (certificates), {} (keys)", text.trust_token, text.signer.token));
    if let Some(standby) = &text.standby {
        answer = answer.line(format!("standby   {} (keys that take over when the others are lost)", standby.token));
    }
    for anchor in &founding.anchors {
        let roles: Vec<_> = anchor.roles.iter().map(|role| role.word()).collect();
        let parts: Vec<_> = anchor.parts.iter().map(ToString::to_string).collect();
        answer = answer.line(format!(
            "anchor    {}: {} ({}; parts {})",
            anchor.manufacturer,
            anchor.certificate.subject_text(),
            roles.join(", "),
            parts.join(", ")
        ));
    }
    answer.line(format!("ledger    {} entries under a checkpoint", founded.recorded.size))
}

#[cfg(test)]
mod tests {
    use super::is_of_an_init;

    #[test]
    fn what_an_init_that_was_killed_leaves_behind_is_known_and_nothing_else_is_taken_for_it() {
        for name in ["mark", "pins", "site.toml", ".anchor-list.json.472dc166db7494fe.part", ".softhsm2.conf.00.part"] {
            assert!(is_of_an_init(name), "{name}");
        }
        for name in ["notes.txt", ".notes.txt.00.part", ".part", "marks", ".mark", "..part", "mark.part"] {
            assert!(!is_of_an_init(name), "{name}");
        }
    }
}
