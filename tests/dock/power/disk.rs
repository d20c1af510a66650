//! A disk that loses what nobody waited for: which contents a power cut can leave behind.
//!
//! What was written to a file is durable after an fsync of that file; a name that was made, moved or removed is durable
//! after an fsync of its folder. Until then each write may be kept, lost, or torn at a sector; names are lost from some
//! point on, as a file system that keeps a journal of names does.

use super::trace::Call;
use crate::dice::Dice;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Bytes that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// One change of contents.
#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Cut(usize),
}

/// One file, whatever its names are.
#[derive(Clone, Debug, Default)]
struct Contents {
    durable: Vec<u8>,
    pending: Vec<Change>,
    /// Length as programs see it.
    length: usize,
}

/// One change of names.
#[derive(Clone, Debug)]
enum Naming {
    Made(PathBuf, usize),
    Gone(PathBuf),
}

/// The disk below one folder.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    /// Where the program saw it.
    base: PathBuf,
    files: Vec<Contents>,
    /// Names as programs see them.
    names: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    pending: Vec<Naming>,
    folders: BTreeSet<PathBuf>,
    /// Files whose fsync is a lie: the twin that must be found.
    deaf: fn(&Path) -> bool,
}

impl Disk {
    /// The disk as it stood in the folder `copy`, everything durable, with the paths that it had below `base`.
    pub(crate) fn at(copy: &Path, base: &Path, deaf: fn(&Path) -> bool) -> Self {
        let mut disk = Self {
            base: base.to_owned(),
            files: Vec::new(),
            names: BTreeMap::new(),
            durable: BTreeMap::new(),
            pending: Vec::new(),
            folders: BTreeSet::new(),
            deaf,
        };
        disk.take(copy, copy);
        disk.durable = disk.names.clone();
        disk
    }

    fn take(&mut self, copy: &Path, folder: &Path) {
        let of_base = |disk: &Self, path: &Path| disk.base.join(path.strip_prefix(copy).unwrap());
        self.folders.insert(of_base(self, folder).components().collect());
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                self.take(copy, &entry.path());
            } else {
                let bytes = std::fs::read(entry.path()).unwrap();
                self.names.insert(of_base(self, &entry.path()), self.files.len());
                self.files.push(Contents { length: bytes.len(), durable: bytes, pending: Vec::new() });
            }
        }
    }

    /// Applies a call.
    pub(crate) fn apply(&mut self, call: &Call) {
        match call {
            Call::Open { path, cut } if self.is_ours(path) => {
                let known = self.names.get(path).copied();
                let file = known.unwrap_or_else(|| {
                    self.files.push(Contents::default());
                    self.name(path, self.files.len() - 1);
                    self.files.len() - 1
                });
                if *cut {
                    self.change(file, Change::Cut(0));
                }
            }
            Call::Write { path, at, bytes } => {
                let Some(file) = self.names.get(path).copied() else { return };
                let at = at.unwrap_or(self.files[file].length);
                self.change(file, Change::Write { at, bytes: bytes.clone() });
            }
            Call::Cut { path, length } => {
                let Some(file) = self.names.get(path).copied() else { return };
                self.change(file, Change::Cut(*length));
            }
            Call::Sync { path } if self.folders.contains(path) => {
                for naming in std::mem::take(&mut self.pending) {
                    let name = match &naming {
                        Naming::Made(name, _) | Naming::Gone(name) => name,
                    };
                    if name.parent() == Some(path) {
                        settle(&mut self.durable, &naming);
                    } else {
                        self.pending.push(naming);
                    }
                }
            }
            Call::Sync { path } => {
                let Some(file) = self.names.get(path).copied() else { return };
                if !(self.deaf)(path) {
                    let contents = &mut self.files[file];
                    for change in std::mem::take(&mut contents.pending) {
                        write(&mut contents.durable, &change);
                    }
                }
            }
            Call::Rename { from, to } => {
                let Some(file) = self.names.remove(from) else { return };
                self.pending.push(Naming::Gone(from.clone()));
                self.name(to, file);
            }
            Call::Link { from, to } => {
                let Some(file) = self.names.get(from).copied() else { return };
                self.name(to, file);
            }
            Call::Unlink { path } => {
                if self.names.remove(path).is_some() {
                    self.pending.push(Naming::Gone(path.clone()));
                }
            }
            Call::Folder { path } if self.is_ours(path) => {
                self.folders.insert(path.clone());
            }
            Call::Open { .. } | Call::Folder { .. } | Call::Said(_) => {}
        }
    }

    /// Whether it lies in a folder that is looked at.
    fn is_ours(&self, path: &Path) -> bool {
        path.parent().is_some_and(|folder| self.folders.contains(folder))
    }

    fn name(&mut self, path: &Path, file: usize) {
        self.names.insert(path.to_owned(), file);
        self.pending.push(Naming::Made(path.to_owned(), file));
    }

    fn change(&mut self, file: usize, change: Change) {
        let contents = &mut self.files[file];
        contents.length = match &change {
            Change::Write { at, bytes } => contents.length.max(at + bytes.len()),
            Change::Cut(length) => *length,
        };
        contents.pending.push(change);
    }

    /// One of the states that a power cut at this moment can leave, written into `folder`.
    pub(crate) fn cut(&self, dice: &mut Dice, folder: &Path) {
        let mut names = self.durable.clone();
        let kept = dice.below(self.pending.len() + 1);
        for naming in &self.pending[..kept] {
            settle(&mut names, naming);
        }
        for made in &self.folders {
            std::fs::create_dir_all(folder.join(made.strip_prefix(&self.base).unwrap())).unwrap();
        }
        for (name, file) in names {
            let target = folder.join(name.strip_prefix(&self.base).unwrap());
            std::fs::write(target, self.files[file].torn(dice)).unwrap();
        }
    }
}

impl Contents {
    fn torn(&self, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        // A third of the cuts lose everything that was not waited for, a third nothing, a third some of it.
        let luck = dice.below(3);
        for change in &self.pending {
            let fate = if luck == 2 { dice.below(3) } else { luck };
            match (fate, change) {
                (0, _) => {}
                (1, change) => write(&mut bytes, change),
                (_, Change::Cut(_)) => write(&mut bytes, change),
                (_, Change::Write { at, bytes: new }) => {
                    let sectors = new.len().div_ceil(SECTOR);
                    let kept = (dice.below(sectors + 1) * SECTOR).min(new.len());
                    write(&mut bytes, &Change::Write { at: *at, bytes: new[..kept].to_vec() });
                }
            }
        }
        bytes
    }
}

fn settle(names: &mut BTreeMap<PathBuf, usize>, naming: &Naming) {
    match naming {
        Naming::Made(name, file) => names.insert(name.clone(), *file),
        Naming::Gone(name) => names.remove(name),
    };
}

fn write(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Cut(length) => bytes.resize(*length, 0),
        Change::Write { at, bytes: new } => {
            let end = at + new.len();
            if new.is_empty() {
                return;
            }
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*at..end].copy_from_slice(new);
        }
    }
}
