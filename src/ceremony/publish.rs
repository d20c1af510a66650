//! Putting a new version in force: recorded first, then in its place, and the same however often it is begun.

use super::desk::{Desk, Pins, signed_file};
use super::officers::{OfficerKey, open_with};
use super::succession::{Position, Standing, Successive, require_current};
use crate::hsm::TokenSigner;
use crate::ledger::{Append, Blob, PartRef, Record};
use crate::new_file;
use crate::sealing::seal_by;
use crate::site::Site;
use ecugate_verifier::inputs::trust::authority::Signed;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::fs;
use std::path::{Path, PathBuf};

/// What an envelope is.
const ENVELOPE: &str = "application/vnd.dsse+json";

/// Whether a step was done in this run, or found done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Done now.
    Now,
    /// An earlier run has done it.
    Before,
    /// There was nothing to do: the first version is part of the founding.
    None,
}

/// A version that is in force.
#[derive(Clone, Debug)]
pub(super) struct InForce {
    pub(super) entry: Option<u64>,
    pub(super) size: u64,
    pub(super) recorded: Step,
    pub(super) replaced: Step,
}

/// What is still to be done for a version that enough officers signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Everything: it is the next one.
    All,
    /// It stands in its place and in no entry: a hand has put it there, and a gate takes it.
    Entry,
    /// It is recorded as this entry: an earlier run came so far.
    Place(u64),
    /// Nothing: the site was founded with it.
    Nothing,
}

/// The keys that sign the entry.
pub(super) struct Keys {
    station: TokenSigner,
    pub(super) log: TokenSigner,
    officers: Vec<TokenSigner>,
}

impl Keys {
    /// Opens them all before anything is written: a wrong PIN must not leave half of it done.
    pub(super) fn open<D>(desk: &Desk, signed: &Signed<D>, pins: &Pins) -> Result<Self, Finding> {
        let (station, log) = desk.site_keys(pins)?;
        let officers = signed
            .persons()
            .iter()
            .map(|person| open_with(desk, &OfficerKey::of(person.clone()), pins.officers.clone()))
            .collect::<Result<_, _>>()?;
        Ok(Self { station, log, officers })
    }
}

/// Where the version stands between proposal and force, or why it never can be.
pub(super) fn due<D: Successive>(desk: &Desk, signed: &Signed<D>, now: Time) -> Result<Due, Finding> {
    require_current(signed.document(), &desk.site.text().site, now)?;
    let Standing { version, .. } = signed.document().standing();
    if let Some(entry) = desk.ledger.entry_with(D::KIND, &signed.digest()).map_err(Finding::from)? {
        let used = D::used(&desk.ledger.memory(&[]).map_err(Finding::from)?);
        let placed = D::open(signed_file(&D::file(&desk.site)).as_deref(), &desk.site);
        let placed = placed.map_or(0, |placed| placed.document().standing().version);
        let highest = used.max(placed);
        if version < highest {
            let expected = format!("{highest} or higher");
            return Err(Finding::new(D::ROLLED_BACK, format!("{} version", D::WORD), expected, version.to_string()));
        }
        return Ok(Due::Place(entry));
    }
    let position = Position::<D>::of(&desk.site, &desk.ledger)?;
    if position.in_force().digest() == signed.digest() {
        return Ok(if version == 1 { Due::Nothing } else { Due::Entry });
    }
    position.require_next(signed.document())?;
    Ok(Due::All)
}

/// Records the version and puts it in its place, as far as that is due. The entry first: between the two a gate finds
/// an older version than the ledger names, and holds.
pub(super) fn put_in_force<D: Successive>(
    desk: &mut Desk,
    signed: &Signed<D>,
    envelope: &[u8],
    due: Due,
    keys: &Keys,
    ground: &str,
    now: Time,
) -> Result<InForce, Finding> {
    let path = D::file(&desk.site);
    keep_old::<D>(&desk.site, &path, signed.digest())?;
    let (entry, recorded) = match due {
        Due::Nothing => (None, Step::None),
        Due::Place(entry) => (Some(entry), Step::Before),
        Due::All | Due::Entry => (Some(record(desk, signed, envelope, keys, ground, now)?), Step::Now),
    };
    let size = desk.ledger.head().map_err(Finding::from)?.0;
    let replaced = if signed_file(&path).is_some_and(|bytes| bytes == envelope) {
        Step::Before
    } else {
        new_file::replace(&path, envelope).map_err(not_written)?;
        Step::Now
    };
    Ok(InForce { entry, size, recorded, replaced })
}

/// The entry: signed by the station and by every officer who signed the document.
fn record<D: Successive>(
    desk: &mut Desk,
    signed: &Signed<D>,
    envelope: &[u8],
    keys: &Keys,
    ground: &str,
    now: Time,
) -> Result<u64, Finding> {
    let blob = Blob { media_type: ENVELOPE.to_owned(), bytes: envelope.to_vec() };
    let append = Append { blobs: vec![blob], ..Append::default() };
    let site = desk.site.text().site.clone();
    let recorded = desk.ledger.append(
        &append,
        |place| {
            let record = Record {
                parts: vec![PartRef { sha256: signed.digest(), media_type: ENVELOPE.to_owned() }],
                versions: Some(D::versions(signed.document().standing().version)),
                ..Record::new(place.origin.as_str(), place.seq, now)
            };
            let entry = D::entry(record, site, signed.digest(), ground.to_owned());
            let signers: Vec<&TokenSigner> = std::iter::once(&keys.station).chain(&keys.officers).collect();
            Ok(vec![seal_by(entry, &signers)?])
        },
        &keys.log,
    );
    recorded.map(|recorded| recorded.seq).map_err(Finding::from)
}

/// Keeps what stands in the place of the new version, whatever it is: as `anchor-list.v1.json` by its version, or under
/// its digest where it is no version of this site.
fn keep_old<D: Successive>(site: &Site, path: &Path, new: Sha256) -> Result<(), Finding> {
    let Some(bytes) = signed_file(path) else {
        return match path.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            _ => {
                let (place, expected) = (path.display().to_string(), "a file that can be read and kept, or none");
                Err(Finding::new(Reason::SiteNotWritten, place, expected, "something else"))
            }
        };
    };
    let digest = Sha256::of(&bytes);
    if digest == new {
        return Ok(());
    }
    let by_digest = digest.to_string().chars().take(16).collect::<String>();
    let names = match D::open(Some(&bytes), site) {
        Ok(old) => {
            let version = old.document().standing().version;
            vec![format!("v{version}"), format!("v{version}-{by_digest}")]
        }
        Err(_) => vec![format!("set-aside-{by_digest}")],
    };
    let mut last = Ok(());
    for name in names {
        let kept = kept_as(path, &name);
        match new_file::write(&kept, &bytes) {
            Err(new_file::NewFileFault::Exists { .. }) if fs::read(&kept).is_ok_and(|found| found == bytes) => {
                return Ok(());
            }
            Err(fault @ new_file::NewFileFault::Exists { .. }) => last = Err(not_written(fault)),
            written => return written.map_err(not_written),
        }
    }
    last
}

/// `anchor-list.v1.json` beside `anchor-list.json`.
pub(super) fn kept_as(path: &Path, name: &str) -> PathBuf {
    path.with_extension(format!("{name}.json"))
}

fn not_written(fault: new_file::NewFileFault) -> Finding {
    Finding { reason: Reason::SiteNotWritten, ..fault.finding() }
}
