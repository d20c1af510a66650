//! Moving files out of the watched folders: never over another, never one that changed, never the only copy away.

use super::fault::unusable;
use super::reading::{Identity, Links, look};
use crate::new_file;
use ecugate_verifier::judgement::words;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::shown::{file_name, visible};
use ecugate_verifier::values::time::Time;
use serde_json::json;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Largest file that is copied where it cannot be moved: more than any document has.
const COPIED: u64 = 16 << 20;

/// Bytes of a file's own name that are kept: with day, digest and ending it stays a name that file systems take.
const NAME: usize = 120;

/// What is known of a file that is moved.
pub(super) struct Moved<'a> {
    /// Where it is.
    pub(super) path: &'a Path,
    /// By whose way it came.
    pub(super) source: &'a Name,
    /// SHA-256 of its bytes, where they were read.
    pub(super) digest: Option<Sha256>,
    /// What was read; `None` for what is no regular file.
    pub(super) identity: Option<Identity>,
    /// Today.
    pub(super) now: Time,
}

impl Moved<'_> {
    /// Moves the file into `folder`, and says where it is now.
    ///
    /// # Errors
    /// `Ok(None)` where it is not the file any more that was read: it stays. Else what the file system says; it stays.
    pub(super) fn away(&self, folder: &Path) -> io::Result<Option<PathBuf>> {
        fs::create_dir_all(folder)?;
        self.to(&free(folder, &self.stem(), ""))
    }

    /// Moves a refused file into `folder`, with its reason beside it.
    ///
    /// # Errors
    /// As [`Moved::away`], as a finding.
    pub(super) fn aside(&self, folder: &Path, finding: &Finding) -> Result<Option<PathBuf>, Finding> {
        let failed = |error: &io::Error| unusable(folder, error);
        fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        let target = free(folder, &self.stem(), ".reason.json");
        let reason = beside(&target);
        // The reason first: a file that lies there without one would be a riddle.
        new_file::write(&reason, self.reason(finding).as_bytes()).map_err(|fault| fault.finding())?;
        let moved = self.to(&target);
        if !matches!(moved, Ok(Some(_))) {
            // A reason without its file says nothing to anybody.
            let _ = fs::remove_file(&reason);
        }
        moved.map_err(|error| failed(&error))
    }

    fn to(&self, target: &Path) -> io::Result<Option<PathBuf>> {
        if !self.is_at(self.path) {
            return Ok(None);
        }
        match fs::rename(self.path, target) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => return self.copy(target),
            Err(error) => return Err(error),
        }
        if !self.is_at(target) {
            // Exchanged or written to at the last moment: back with it, for the next run.
            if self.path.symlink_metadata().is_err() {
                fs::rename(target, self.path)?;
            }
            return Ok(None);
        }
        sync(target)?;
        Ok(Some(target.to_owned()))
    }

    /// A watched folder may be a share of another machine: copied, made durable, and only then removed.
    fn copy(&self, target: &Path) -> io::Result<Option<PathBuf>> {
        if self.identity.is_none_or(|identity| identity.length() > COPIED) {
            return Err(io::Error::other("it is on another file system, and is no file of the size of a document"));
        }
        let bytes = fs::read(self.path)?;
        if !self.is_at(self.path) || self.digest.is_some_and(|digest| digest != Sha256::of(&bytes)) {
            return Ok(None);
        }
        new_file::write(target, &bytes).map_err(|fault| io::Error::other(fault.to_string()))?;
        fs::remove_file(self.path)?;
        Ok(Some(target.to_owned()))
    }

    fn is_at(&self, path: &Path) -> bool {
        match self.identity {
            Some(identity) => look(path, Links::Refused).is_ok_and(|about| Identity::of(&about) == identity),
            None => path.symlink_metadata().is_ok_and(|about| !about.is_file() && !about.is_dir()),
        }
    }

    /// Day, begin of the digest, and the file's own name, which is never taken for a path.
    fn stem(&self) -> String {
        let day = self.now.to_string();
        let digest = self.digest.map(|digest| digest.to_string());
        let digest = digest.as_deref().and_then(|digits| digits.get(..8)).unwrap_or("unread");
        let name = self.path.file_name().and_then(|name| file_name(&name.to_string_lossy()));
        let name = name.unwrap_or_else(|| "unnamed".to_owned());
        let name = name.get(..NAME).unwrap_or(&name);
        format!("{}-{digest}-{name}", day.get(..10).unwrap_or_default())
    }

    fn reason(&self, finding: &Finding) -> String {
        let told = words::of(finding.reason);
        let name = self.path.file_name().map(|name| visible(&name.to_string_lossy()));
        let text = json!({
            "file": name,
            "supplier": self.source.as_str(),
            "sha256": self.digest,
            "at": self.now.to_string(),
            "reason": finding.reason,
            "where": finding.place,
            "expected": finding.expected,
            "found": finding.found,
            "what": told.what,
            "do": told.fix,
        });
        format!("{text:#}\n")
    }
}

/// A name in `folder` that is free, and so is the one with `ending`.
fn free(folder: &Path, stem: &str, ending: &str) -> PathBuf {
    let taken = |path: &Path| path.symlink_metadata().is_ok();
    let numbered = (2_u32..).map(|n| format!("{stem}-{n}"));
    std::iter::once(stem.to_owned())
        .chain(numbered)
        .map(|name| folder.join(name))
        .find(|path| !taken(path) && (ending.is_empty() || !taken(&beside(path))))
        .unwrap_or_else(|| folder.join(stem))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".reason.json");
    PathBuf::from(name)
}

fn sync(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
