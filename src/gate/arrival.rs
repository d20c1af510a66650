//! One box at the dock: what came with it, before anything is believed.

use crate::journal::Digests;
use ecugate_verifier::documents::manifest::shipment::Condition;
use ecugate_verifier::inputs::evidence::{Evidence, Measured, Presentation, Readout};
use ecugate_verifier::syntax::image::measure;
use ecugate_verifier::syntax::label::Rules;
use ecugate_verifier::values::attempt::Attempt;
use ecugate_verifier::values::digest::{Hasher, Sha256};
use ecugate_verifier::values::ident::{Name, UnitKey};
use ecugate_verifier::values::limits::Limits;
use std::fmt;
use std::io::{ErrorKind, Read};

/// One box.
#[derive(Debug)]
pub struct Arrival<'a> {
    /// Its number, where the caller numbers boxes: the same number with the same evidence is the same box, and is
    /// answered with its own record. `None`: the gate draws one, or goes on with an attempt of this station for which the
    /// same was presented and that a crash cut short.
    pub attempt: Option<Attempt>,
    /// The station, where it is not the site's and no `attempt` names one.
    pub station: Option<Name>,
    /// What the scanner read.
    pub label: Option<Vec<u8>>,
    /// The label on the housing, where it was scanned too.
    pub housing_label: Option<Vec<u8>>,
    /// Envelopes of manifests.
    pub manifests: Vec<Vec<u8>>,
    /// Images of the unit's memory.
    pub images: Vec<ImageSource<'a>>,
    /// Certificates from which paths may be built.
    pub untrusted: Vec<Vec<u8>>,
    /// Certificate revocation lists.
    pub crls: Vec<Vec<u8>>,
    /// The device's answer to our challenge.
    pub device_proof: Option<Vec<u8>>,
    /// New, or come back.
    pub condition: Condition,
    /// Who holds the box: a claim.
    pub operator: Option<Name>,
    /// The order that it belongs to: a claim.
    pub order: Option<Name>,
    /// What did not come with the box, and is judged with it.
    pub stored: Stored,
}

/// What a store of papers adds to a box. It may be more the next time, and the box is the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Envelopes of manifests.
    pub manifests: Vec<Vec<u8>>,
    /// Certificates from which paths may be built.
    pub untrusted: Vec<Vec<u8>>,
    /// Certificate revocation lists: as many as a dossier takes together with those that came with the box.
    pub crls: Vec<Vec<u8>>,
}

/// One image, read once from begin to end.
pub struct ImageSource<'a> {
    /// The component that it is of; none where the release has one.
    pub component: Option<Name>,
    /// Where its bytes come from.
    pub reader: Box<dyn Read + 'a>,
}

impl fmt::Debug for ImageSource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageSource").field("component", &self.component).finish_non_exhaustive()
    }
}

impl Arrival<'_> {
    /// Reads everything once, and measures the images by what the presented, unverified releases name. Papers that came
    /// with the box stand before those that a store added.
    pub(super) fn present(self, rules: &Rules, limits: &Limits) -> Presented {
        let mut presentation = Presentation {
            label: self.label,
            housing_label: self.housing_label,
            manifests: self.manifests,
            untrusted: self.untrusted,
            crls: self.crls,
            readouts: Vec::new(),
            device_proof: self.device_proof,
            condition: self.condition,
            operator: self.operator,
            order: self.order,
        };
        let mut presented = Hasher::default();
        presented.update(presentation.digest().as_bytes());
        presentation.manifests.extend(self.stored.manifests);
        join(&mut presentation.untrusted, self.stored.untrusted, usize::MAX, usize::MAX);
        join(&mut presentation.crls, self.stored.crls, limits.crls, limits.crls_bytes);
        let evidence = presentation.read(rules, limits);
        for image in self.images {
            let (readout, file) = read_out(&evidence, image, limits);
            // Of the component's name and the bytes. Where these could not be read to their end, of what came instead.
            presented.update(&serde_json::to_vec(&(&readout.component, file)).unwrap_or_default());
            if file.is_none() {
                presented.update(&serde_json::to_vec(&readout).unwrap_or_default());
            }
            presentation.readouts.push(readout);
        }
        let keys = evidence.candidate_keys(&presentation.readouts);
        let digests = Digests { presented: presented.finish(), evidence: presentation.digest() };
        Presented { presentation, digests, keys }
    }
}

/// Adds what is not there yet, as long as both caps hold.
fn join(presented: &mut Vec<Vec<u8>>, stored: Vec<Vec<u8>>, most: usize, most_bytes: usize) {
    let mut bytes: usize = presented.iter().map(Vec::len).sum();
    for one in stored {
        if presented.len() < most && bytes.saturating_add(one.len()) <= most_bytes && !presented.contains(&one) {
            bytes = bytes.saturating_add(one.len());
            presented.push(one);
        }
    }
}

/// Measures one image, reading it once, and answers the digest of the file too, be it measured or not: which manifests
/// are at hand decides what is measured, and not which file it is.
fn read_out(evidence: &Evidence, image: ImageSource<'_>, limits: &Limits) -> (Readout, Option<Sha256>) {
    let ImageSource { component, mut reader } = image;
    let (file, result) = match evidence.plan(component.as_ref(), limits) {
        Err(finding) => (digest_of(&mut reader, limits), Measured::Failed(finding)),
        Ok(plan) => match measure(&mut reader, &plan, limits) {
            Ok(measurement) => (Some(measurement.file_sha256), Measured::Done(Box::new(measurement))),
            Err(fault) => {
                let is_unread = fault.file_length == 0;
                let file = fault.file_sha256.or_else(|| is_unread.then(|| digest_of(&mut reader, limits)).flatten());
                (file, Measured::Failed(fault.into()))
            }
        },
    };
    (Readout { component, result }, file)
}

/// The digest of a file that nothing was read of yet; none where it is too large or cannot be read.
fn digest_of(reader: &mut dyn Read, limits: &Limits) -> Option<Sha256> {
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; BUFFER];
    let mut rest = limits.image_file_bytes;
    loop {
        let count = match reader.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            count => count.ok()?,
        };
        if count == 0 {
            return Some(hasher.finish());
        }
        rest = rest.checked_sub(u64::try_from(count).ok()?)?;
        hasher.update(buffer.get(..count)?);
    }
}

/// Bytes that are read at once.
const BUFFER: usize = 128 << 10;

/// What came, byte for byte and measured, and the keys to ask the memory for.
pub(super) struct Presented {
    pub(super) presentation: Presentation,
    pub(super) digests: Digests,
    pub(super) keys: Vec<UnitKey>,
}

#[cfg(test)]
mod tests {
    use super::{Arrival, Digests, ImageSource, Stored};
    use ecugate_verifier::documents::manifest::shipment::Condition;
    use ecugate_verifier::syntax::image::Form;
    use ecugate_verifier::syntax::label::Rules;
    use ecugate_verifier::values::ident::Name;
    use ecugate_verifier::values::limits::Limits;
    use std::io::{self, Read};

    const IMAGE: &[u8] = b":00000001FF\n and what follows the end";

    fn arrival<'a>(image: impl Read + 'a) -> Arrival<'a> {
        Arrival {
            attempt: None,
            station: None,
            label: Some(b"label".to_vec()),
            housing_label: None,
            manifests: Vec::new(),
            images: vec![ImageSource { component: None, reader: Box::new(image) }],
            untrusted: vec![b"certificate".to_vec()],
            crls: Vec::new(),
            device_proof: None,
            condition: Condition::New,
            operator: None,
            order: None,
            stored: Stored::default(),
        }
    }

    fn digests(arrival: Arrival<'_>) -> Digests {
        arrival.present(&Rules::default(), &Limits::STANDARD).digests
    }

    /// With a release by which the image is read in this form.
    fn stored(form: Form) -> Stored {
        let one = |text: &str| vec![text.as_bytes().to_vec()];
        let mut world = crate::world::World::new();
        let component = &mut world.release.components[0];
        component.form = form;
        component.base = component.base.filter(|_| form == Form::Raw);
        Stored { manifests: vec![world.release_envelope()], untrusted: one("another"), crls: one("list") }
    }

    #[test]
    fn papers_of_a_store_change_what_a_box_is_judged_by_and_not_which_box_it_is() {
        let bare = digests(arrival(IMAGE));
        // Not measured at all, measured, and refused in the middle for what follows its end.
        for form in [Form::Raw, Form::IntelHex] {
            let by_store = digests(Arrival { stored: stored(form), ..arrival(IMAGE) });
            assert_eq!(bare.presented, by_store.presented, "{form:?}");
            assert_ne!(bare.evidence, by_store.evidence);
        }
    }

    #[test]
    fn whatever_came_with_a_box_makes_it_another_one() {
        let other_image = [IMAGE, b"."].concat();
        let name = |text: &str| Name::new(text).unwrap();
        let others = [
            Arrival { label: Some(b"other".to_vec()), ..arrival(IMAGE) },
            Arrival { housing_label: Some(b"label".to_vec()), ..arrival(IMAGE) },
            Arrival { manifests: stored(Form::Raw).manifests, ..arrival(IMAGE) },
            Arrival { untrusted: Vec::new(), ..arrival(IMAGE) },
            Arrival { crls: stored(Form::Raw).crls, ..arrival(IMAGE) },
            Arrival { device_proof: Some(b"proof".to_vec()), ..arrival(IMAGE) },
            Arrival { condition: Condition::Returned, ..arrival(IMAGE) },
            arrival(other_image.as_slice()),
            arrival(&b""[..]),
            Arrival { images: Vec::new(), ..arrival(IMAGE) },
            Arrival {
                images: vec![ImageSource { component: Some(name("application")), reader: Box::new(IMAGE) }],
                ..arrival(IMAGE)
            },
        ];
        let mut all = vec![digests(arrival(IMAGE)).presented];
        for other in others {
            let presented = digests(other).presented;
            assert!(!all.contains(&presented), "{all:?}");
            all.push(presented);
        }
    }

    /// Gives some bytes and then none any more.
    struct Broken(&'static [u8]);

    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("gone")),
                count => Ok(count),
            }
        }
    }

    #[test]
    fn an_image_that_cannot_be_read_to_its_end_is_no_image_that_can() {
        for stored in [Stored::default(), stored(Form::Raw), stored(Form::IntelHex)] {
            let whole = digests(Arrival { stored: stored.clone(), ..arrival(IMAGE) });
            let broken = digests(Arrival { stored, ..arrival(Broken(IMAGE)) });
            assert_ne!(whole.presented, broken.presented);
        }
    }
}
