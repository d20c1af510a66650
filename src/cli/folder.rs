//! The folder that `verify unit` reads: what each entry of it is. An entry of another name is refused, so that a
//! misspelled one is never taken for one that is not there.

use super::inputs::{Input, World};
use super::papers;
use ecugate_verifier::inputs::trust::anchors::TokenCertificates;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::{Class, Reason};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The entries that have one name each.
const ENTRIES: [&str; 9] =
    ["label", "manifests", "chain", "crls", "anchors", "anchor-list", "policy", "proof", "memory"];

/// One unit's folder. What is missing is absent; what is there is read in full or refused.
pub(crate) struct Folder {
    path: PathBuf,
    names: Vec<String>,
    images: Vec<(Option<Name>, PathBuf)>,
}

impl Folder {
    /// Looks at the names in the folder.
    pub(crate) fn open(world: &World, path: &Path) -> Result<Self, Finding> {
        let entries = world
            .entries(path)?
            .ok_or_else(|| Finding::new(Reason::InputMissing, papers::shown(path), "a folder", "nothing"))?;
        let mut folder = Self { path: path.to_owned(), names: Vec::new(), images: Vec::new() };
        for entry in entries {
            match entry.file_name().and_then(OsStr::to_str) {
                Some(name) if ENTRIES.contains(&name) => folder.names.push(name.to_owned()),
                Some(name) => match component_of(name) {
                    Some(component) => {
                        let component = component.map_err(|finding| finding.within(&papers::shown(&entry)))?;
                        folder.images.push((component, entry));
                    }
                    None => return Err(unknown(&entry)),
                },
                None => return Err(unknown(&entry)),
            }
        }
        Ok(folder)
    }

    /// What the scanner read.
    pub(crate) fn label(&self, world: &World) -> Result<Option<Vec<u8>>, Finding> {
        self.file(world, "label", Limits::STANDARD.document_bytes)
    }

    /// The signed anchor list.
    pub(crate) fn anchor_list(&self, world: &World) -> Result<Option<Vec<u8>>, Finding> {
        self.file(world, "anchor-list", Limits::STANDARD.document_bytes)
    }

    /// The signed policy.
    pub(crate) fn policy(&self, world: &World) -> Result<Option<Vec<u8>>, Finding> {
        self.file(world, "policy", Limits::STANDARD.document_bytes)
    }

    /// The device's answer to a challenge, which nothing reads yet.
    pub(crate) fn proof(&self, world: &World) -> Result<Option<Vec<u8>>, Finding> {
        self.file(world, "proof", Limits::STANDARD.document_bytes)
    }

    /// What the ledger knew.
    pub(crate) fn memory(&self, world: &World) -> Result<Option<Vec<u8>>, Finding> {
        self.file(world, "memory", Limits::STANDARD.document_bytes)
    }

    /// The manifests, by file name.
    pub(crate) fn manifests(&self, world: &World, limits: &Limits) -> Result<Vec<Vec<u8>>, Finding> {
        self.files(world, "manifests", limits.document_bytes, limits.manifests)
    }

    /// Certificates from which paths may be built.
    pub(crate) fn chain(&self, world: &World, limits: &Limits) -> Result<Vec<Vec<u8>>, Finding> {
        self.files(world, "chain", limits.document_bytes, limits.bag_certificates)
    }

    /// Certificate revocation lists.
    pub(crate) fn crls(&self, world: &World, limits: &Limits) -> Result<Vec<Vec<u8>>, Finding> {
        self.files(world, "crls", papers::list_file_bytes(), limits.crls)
    }

    /// The certificates that stand for those of the trust token. A file that is none makes them unavailable: which
    /// anchor it was to be, nobody can say.
    pub(crate) fn anchors(&self, world: &World, limits: &Limits) -> Result<TokenCertificates, Finding> {
        let paths = self.paths(world, "anchors")?;
        if paths.len() > limits.anchors {
            return Err(self.too_many("anchors", limits.anchors, paths.len()));
        }
        Ok(match papers::all_certificates(world, &paths) {
            Ok(read) => TokenCertificates::Read(read.iter().map(|certificate| certificate.der().to_vec()).collect()),
            Err(finding) if finding.reason.class() == Class::Usage => {
                return Err(finding);
            }
            Err(finding) => TokenCertificates::Unavailable(finding),
        })
    }

    /// The images with the component that each is of, opened.
    pub(crate) fn images(&self, world: &World, limits: &Limits) -> Result<Vec<(Option<Name>, Input)>, Finding> {
        if self.images.len() > limits.readouts {
            return Err(self.too_many("images", limits.readouts, self.images.len()));
        }
        self.images
            .iter()
            .map(|(component, path)| Ok((component.clone(), world.open(path)?.at_most(limits.image_file_bytes)?)))
            .collect()
    }

    fn file(&self, world: &World, name: &str, cap: usize) -> Result<Option<Vec<u8>>, Finding> {
        if !self.names.iter().any(|known| known == name) {
            return Ok(None);
        }
        world.open(&self.path.join(name))?.bytes(cap).map(Some)
    }

    fn files(&self, world: &World, name: &str, cap: usize, most: usize) -> Result<Vec<Vec<u8>>, Finding> {
        let paths = self.paths(world, name)?;
        if paths.len() > most {
            return Err(self.too_many(name, most, paths.len()));
        }
        paths.iter().map(|path| world.open(path)?.bytes(cap)).collect()
    }

    fn paths(&self, world: &World, name: &str) -> Result<Vec<PathBuf>, Finding> {
        Ok(world.entries(&self.path.join(name))?.unwrap_or_default())
    }

    fn too_many(&self, name: &str, most: usize, found: usize) -> Finding {
        let place = papers::shown(&self.path.join(name));
        Finding::new(Reason::InputTooLarge, place, format!("at most {most} files"), found.to_string())
    }
}

/// The component of `image-<component>[.ext]`, none of `image[.ext]`; `None` for a file of another name.
fn component_of(name: &str) -> Option<Result<Option<Name>, Finding>> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if stem == "image" {
        return Some(Ok(None));
    }
    let component = stem.strip_prefix("image-")?;
    Some(match Name::new(component) {
        Ok(component) => Ok(Some(component)),
        Err(fault) => {
            let expected = "a component after image-";
            Err(Finding::new(Reason::Usage, "", expected, format!("{component:?}, which {fault}")))
        }
    })
}

fn unknown(entry: &Path) -> Finding {
    let expected = format!("{}, image[.ext] or image-COMPONENT[.ext]", ENTRIES.join(", "));
    Finding::new(Reason::Usage, papers::shown(entry), expected, "an entry of another name")
}

#[cfg(test)]
mod tests {
    use super::{Reason, component_of};

    #[test]
    fn an_image_says_its_component_between_image_and_the_last_dot() {
        let component = |name: &str| {
            component_of(name)
                .map(|read| read.map(|name| name.map(|name| name.to_string())).map_err(|finding| finding.reason))
        };
        let named = |text: &str| Some(Ok(Some(text.to_owned())));
        assert_eq!(component("image"), Some(Ok(None)));
        assert_eq!(component("image.hex"), Some(Ok(None)));
        assert_eq!(component("image-boot.hex"), named("boot"));
        assert_eq!(component("image-boot"), named("boot"));
        assert_eq!(component("image-boot.v2.hex"), named("boot.v2"));
        assert_eq!(component("image-.hex"), Some(Err(Reason::Usage)));
        assert_eq!(component("image-b\u{f6}t.hex"), Some(Err(Reason::Usage)));
        assert_eq!(component("images"), None);
        assert_eq!(component("Image.hex"), None);
    }
}
