//! What is offered to intake: files that an operator names, and files that lie in the suppliers' watched folders.

use super::fault::unusable;
use super::reading::{Identity, Links, look};
use super::store::Intake;
use crate::surroundings::Surroundings;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::shown::file_name;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a watched file must have been left alone before it is taken.
const AT_REST: Duration = Duration::from_secs(2);

/// Characters of a supplier's id.
const SUPPLIER: usize = 64;

/// By whose way a file comes that an operator names without a supplier.
const OPERATOR: &str = "operator";

/// One file offered to intake, not opened yet.
#[derive(Clone, Debug)]
pub struct Offered {
    pub(super) path: PathBuf,
    pub(super) source: Name,
    pub(super) way: Way,
    pub(super) fault: Option<OfferedFault>,
}

/// Where an offered file lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Where an operator named it: it stays there.
    Named,
    /// In a watched folder: it is moved on.
    Watched,
}

/// Why an offered file is not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfferedFault {
    /// It is none that could ever be taken.
    Refused(Finding),
    /// It is left for the next run.
    Waits(String),
}

impl Offered {
    pub(super) const fn links(&self) -> Links {
        match self.way {
            Way::Named => Links::Followed,
            Way::Watched => Links::Refused,
        }
    }

    /// The files that an operator names, and those directly in folders that he names, by the way of `supplier`.
    ///
    /// # Errors
    /// [`Reason::Usage`] where the supplier's id cannot be one; a folder that cannot be read.
    pub fn named(paths: &[PathBuf], supplier: Option<&str>) -> Result<Vec<Self>, Finding> {
        let source = supplier_id("--supplier", supplier.unwrap_or(OPERATOR))?;
        let mut offered = Vec::new();
        for path in paths {
            let files = if path.is_dir() { entries(path)? } else { vec![path.clone()] };
            offered.extend(files.into_iter().map(|path| Self {
                path,
                source: source.clone(),
                way: Way::Named,
                fault: None,
            }));
        }
        Ok(offered)
    }
}

impl Intake {
    /// The files that lie in the watched folders, one folder for each supplier, by their names. A file that is younger
    /// than two seconds is looked at again after two: one that is still written to waits for the next run.
    ///
    /// # Errors
    /// [`Reason::IntakeUnusable`].
    pub fn waiting(&self, surroundings: &dyn Surroundings) -> Result<Vec<Offered>, Finding> {
        self.lay_out()?;
        let mut offered = Vec::new();
        for folder in entries(&self.incoming())? {
            self.offer(&folder, &mut offered)?;
        }
        let now = surroundings.now().map_or(i64::MIN, |now| now.unix_millis());
        let looked: Vec<Option<Identity>> = offered.iter().map(identity).collect();
        let rests = i64::try_from(AT_REST.as_millis()).unwrap_or(i64::MAX);
        let at_rest = |seen: &Identity| (rests..).contains(&now.saturating_sub(seen.modified_millis()));
        if looked.iter().flatten().all(at_rest) {
            return Ok(offered);
        }
        surroundings.pause(AT_REST);
        for (one, first) in offered.iter_mut().zip(looked) {
            if first.is_some() && identity(one) != first {
                one.fault = Some(OfferedFault::Waits("it is still being written".to_owned()));
            }
        }
        Ok(offered)
    }

    /// What lies in one supplier's folder.
    fn offer(&self, folder: &Path, offered: &mut Vec<Offered>) -> Result<(), Finding> {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let unnamed = Name::new(OPERATOR).map_err(|fault| Finding::new(Reason::Usage, "", "", fault.to_string()))?;
        let mut push = |path: PathBuf, source: &Name, fault| {
            offered.push(Offered { path, source: source.clone(), way: Way::Watched, fault });
        };
        let is_folder = folder.symlink_metadata().is_ok_and(|about| about.is_dir());
        if !is_folder {
            let found = look(folder, Links::Refused).map_or_else(|finding| finding.found, |_| "a file".to_owned());
            let finding = Finding::new(Reason::InputNotRegular, "", "a folder named by a supplier's id", found);
            push(folder.to_owned(), &unnamed, Some(OfferedFault::Refused(finding)));
            return Ok(());
        }
        let source = match supplier_id("", &name) {
            Ok(source) => source,
            Err(finding) => {
                push(folder.to_owned(), &unnamed, Some(OfferedFault::Refused(finding)));
                return Ok(());
            }
        };
        for path in entries(folder)? {
            let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            let fault =
                hidden.then(|| OfferedFault::Waits("its name begins with a dot, as of a copy under way".into()));
            push(path, &source, fault);
        }
        Ok(())
    }
}

fn identity(offered: &Offered) -> Option<Identity> {
    look(&offered.path, Links::Refused).ok().map(|about| Identity::of(&about))
}

/// The entries of a folder, by their names.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Finding> {
    let listed = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>());
    let mut paths = listed.map_err(|error| unusable(folder, &error))?;
    paths.sort();
    Ok(paths)
}

/// A supplier's id: also the name of a folder, so it is one that can be nothing but a name (attack class 44).
fn supplier_id(place: &str, text: &str) -> Result<Name, Finding> {
    let expected = "a supplier's id: 1 to 64 letters, digits, - _ and inner dots";
    let wrong = || Finding::new(Reason::Usage, place, expected, text);
    if text.len() > SUPPLIER || file_name(text).as_deref() != Some(text) {
        return Err(wrong());
    }
    Name::new(text).map_err(|_| wrong())
}
