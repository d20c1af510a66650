//! Reading a file that somebody else put there: only a regular one, once, never more than a cap, and known again.

use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// `O_NONBLOCK` of Linux on x86 and ARM (asm-generic/fcntl.h): a pipe put in the place of a file does not block.
const O_NONBLOCK: i32 = 0o4000;

/// By what a file is known again: another one under its name, or one that was written to since, differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl Identity {
    pub(super) fn of(about: &Metadata) -> Self {
        Self {
            device: about.dev(),
            inode: about.ino(),
            length: about.len(),
            modified: (about.mtime(), about.mtime_nsec()),
        }
    }

    /// Milliseconds since 1970 at which it was written to last.
    pub(super) const fn modified_millis(&self) -> i64 {
        self.modified.0.saturating_mul(1_000).saturating_add(self.modified.1 / 1_000_000)
    }

    pub(super) const fn length(&self) -> u64 {
        self.length
    }
}

/// Whether a link is followed: an operator may name one, a supplier may not plant one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    Followed,
    Refused,
}

/// Why a file was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is none that can be read, now or later.
    Refused(Finding),
    /// It was written to while it was read.
    Changing,
}

/// Looks at what stands at `path`, without opening it.
pub(super) fn look(path: &Path, links: Links) -> Result<Metadata, Finding> {
    let about = match links {
        Links::Followed => path.metadata(),
        Links::Refused => path.symlink_metadata(),
    };
    let about = about.map_err(|error| unread(&error))?;
    match kind_of(about.file_type()) {
        None => Ok(about),
        Some(found) => Err(Finding::new(Reason::InputNotRegular, "", "a regular file", found)),
    }
}

/// Reads a file of at most the bytes of the largest document.
pub(super) fn read(path: &Path, links: Links, limits: &Limits) -> Result<(Vec<u8>, Identity), Unread> {
    let refused = |error: io::Error| Unread::Refused(unread(&error));
    let before = Identity::of(&look(path, links).map_err(Unread::Refused)?);
    let most = limits.document_bytes.max(limits.crl_bytes);
    let too_large = |found: String| {
        Unread::Refused(Finding::new(Reason::InputTooLarge, "", format!("at most {most} bytes"), found))
    };
    if before.length > most as u64 {
        return Err(too_large(format!("{} bytes", before.length)));
    }
    let file = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(path).map_err(refused)?;
    // What was opened must be what was looked at: a link or pipe may have taken its place.
    if Identity::of(&file.metadata().map_err(refused)?) != before {
        return Err(Unread::Changing);
    }
    let mut bytes = Vec::new();
    (&file).take(most as u64 + 1).read_to_end(&mut bytes).map_err(refused)?;
    if bytes.len() > most {
        return Err(too_large("more".to_owned()));
    }
    if still(&file, &before) { Ok((bytes, before)) } else { Err(Unread::Changing) }
}

fn still(file: &File, before: &Identity) -> bool {
    file.metadata().is_ok_and(|about| Identity::of(&about) == *before)
}

/// What something is that is no regular file.
fn kind_of(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some("a folder"),
        kind if kind.is_symlink() => Some("a link"),
        kind if kind.is_fifo() => Some("a pipe"),
        kind if kind.is_socket() => Some("a socket"),
        _ => Some("a device"),
    }
}

fn unread(error: &io::Error) -> Finding {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            Finding::new(Reason::InputMissing, "", "a file", "nothing")
        }
        _ => Finding::new(Reason::InputUnreadable, "", "a file that can be read", error.to_string()),
    }
}
