//! Output files: whole or not there, and never in the place of another unless that is asked for.

use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Numbers that are tried for a name. More files than that are what something left that dies again and again.
const NUMBERS: u32 = 10_000;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum NewFileFault {
    /// Something has that name.
    #[error("{path:?} exists already")]
    Exists {
        /// The path as it was given.
        path: String,
    },
    /// The file system said no.
    #[error("{path:?} cannot be written: {error}")]
    Unwritable {
        /// The path as it was given.
        path: String,
        /// Its reason.
        error: io::Error,
    },
}

impl NewFileFault {
    /// The reason code.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Exists { .. } => Reason::OutputExists,
            Self::Unwritable { .. } => Reason::OutputUnwritable,
        }
    }

    /// The fault as a finding.
    #[must_use]
    pub fn finding(&self) -> Finding {
        match self {
            Self::Exists { path } => Finding::new(self.reason(), path, "a name that is free", "a file of that name"),
            Self::Unwritable { path, error } => {
                Finding::new(self.reason(), path, "a place for a file", error.to_string())
            }
        }
    }

    fn of(path: &Path, error: io::Error) -> Self {
        let path = path.display().to_string();
        match error.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists { path },
            _ => Self::Unwritable { path, error },
        }
    }
}

/// Refuses a path at which something stands: to be asked before work that takes long.
///
/// # Errors
/// [`NewFileFault::Exists`], also for a link that leads nowhere.
pub fn refuse_existing(path: &Path) -> Result<(), NewFileFault> {
    match path.symlink_metadata() {
        Ok(_) => Err(NewFileFault::Exists { path: path.display().to_string() }),
        Err(_) => Ok(()),
    }
}

/// Writes `bytes` to a new file at `path`: all of them, on disk, or no file, at whatever moment the process dies.
///
/// # Errors
/// [`NewFileFault`] where something stands at `path` already, or the file system fails.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), NewFileFault> {
    let fault = |error| NewFileFault::of(path, error);
    let (beside, file) = file_beside(path).map_err(fault)?;
    let written = write_through(file, bytes).and_then(|()| publish(&beside, path));
    // After a link the name beside is one too many; after a fault it holds nothing that anybody waits for.
    let _ = std::fs::remove_file(&beside);
    written.and_then(|()| sync_folder(path)).map_err(fault)
}

/// Puts `bytes` in the place of whatever file `path` names: at every moment, also if the process dies, the old file or
/// the new one stands there, whole. The rights of the old one are kept.
///
/// # Errors
/// [`NewFileFault::Unwritable`] where the file system fails.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), NewFileFault> {
    let fault = |error: io::Error| NewFileFault::Unwritable { path: path.display().to_string(), error };
    let (beside, file) = file_beside(path).map_err(fault)?;
    let rights = std::fs::metadata(path).map(|about| about.permissions());
    let replaced = write_through(file, bytes)
        .and_then(|()| rights.map_or(Ok(()), |rights| std::fs::set_permissions(&beside, rights)))
        .and_then(|()| std::fs::rename(&beside, path));
    if replaced.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    replaced.and_then(|()| sync_folder(path)).map_err(fault)
}

/// Gives the finished file its name. A link never takes the place of another file, and a rename would.
fn publish(beside: &Path, path: &Path) -> io::Result<()> {
    match std::fs::hard_link(beside, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            // A file system without links: the name is taken first, and the file put in its place.
            File::create_new(path)?;
            std::fs::rename(beside, path).inspect_err(|_| drop(std::fs::remove_file(path)))
        }
        linked => linked,
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// A file of its own in the same folder, and so on the same file system.
fn file_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no file name"));
    };
    numbered(|n| {
        let mut beside = std::ffi::OsString::from(".");
        beside.push(name);
        beside.push(format!(".{n}.part"));
        path.with_file_name(beside)
    })
}

/// Makes a file under the first name that is free of those that `name` gives for 0, 1, …: it is the caller's alone, also
/// among processes, and what another one left when it died is in nobody's way.
pub(crate) fn numbered(name: impl Fn(u32) -> PathBuf) -> io::Result<(PathBuf, File)> {
    first_free(name, |path| File::create_new(path))
}

/// Gives a finished file the first name that is free of those that `name` gives for 0, 1, ….
pub(crate) fn publish_numbered(beside: &Path, name: impl Fn(u32) -> PathBuf) -> io::Result<PathBuf> {
    first_free(name, |path| publish(beside, path)).map(|(path, ())| path)
}

fn first_free<T>(name: impl Fn(u32) -> PathBuf, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    for n in 0..NUMBERS {
        let path = name(n);
        match make(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|made| (path, made)),
        }
    }
    Err(io::Error::other(format!("{NUMBERS} files of its numbered names")))
}

fn write_through(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::{refuse_existing, replace, write};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_a_folder_and_a_dangling_link_are_left_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "before").unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("link")).unwrap();
        for name in ["file", "folder", "link"] {
            assert_eq!(write(&at(name), b"after").unwrap_err().reason().code(), "output-exists", "{name}");
            assert_eq!(refuse_existing(&at(name)).unwrap_err().reason().code(), "output-exists", "{name}");
        }
        assert_eq!(std::fs::read(at("file")).unwrap(), b"before");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_new_file_is_whole_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("new"), b"all of it").unwrap();
        assert_eq!(std::fs::read(folder.path().join("new")).unwrap(), b"all of it");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_writers_left_that_died_is_in_nobodys_way_and_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".new.0.part"), "half of").unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join(".new.1.part")).unwrap();
        write(&folder.path().join("new"), b"all of it").unwrap();
        replace(&folder.path().join("new"), b"all of another").unwrap();
        assert_eq!(std::fs::read(folder.path().join("new")).unwrap(), b"all of another");
        assert_eq!(std::fs::read(folder.path().join(".new.0.part")).unwrap(), b"half of");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn of_many_writers_of_one_name_one_makes_it_and_its_bytes_are_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        let writer = |n: u8| (n, write(&path, &[n; 5_000]).is_ok());
        let made: Vec<u8> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..16).map(|n| scope.spawn(move || writer(n))).collect();
            let done = writers.into_iter().map(|writer| writer.join().unwrap());
            done.filter(|(_, is_made)| *is_made).map(|(n, _)| n).collect()
        });
        assert_eq!(std::fs::read(&path).unwrap(), [made[0]; 5_000]);
        assert_eq!((made.len(), std::fs::read_dir(folder.path()).unwrap().count()), (1, 1));
    }

    #[test]
    fn a_replaced_file_is_whole_alone_and_has_the_rights_that_it_had() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        replace(&path, b"first").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        replace(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        assert_eq!(replace(&folder.path().join("folder"), b"x").unwrap_err().reason().code(), "output-unwritable");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_folder_that_is_not_there_and_a_path_without_name_are_unwritable() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("none/new"), folder.path().join("..")] {
            assert_eq!(write(&path, b"x").unwrap_err().reason().code(), "output-unwritable");
        }
    }
}
