//! Real firmware through the whole verifier: a signed release whose digests come from `sha256sum`, `srec_cat` and
//! `readelf`, a signed shipment, anchors, lists, policy and CRLs, measured by plan as the gate does, to the verdict.

use super::change::{Place, places};
use super::{RealImage, by_other_tool, expect, images, measured, sha256sum};
use crate::corpus::{Row, trial};
use crate::oracle::pki;
use ecugate_verifier::documents::manifest::release::{FileDigest, Range};
use ecugate_verifier::judgement::verdict::Ruling;
use ecugate_verifier::syntax::image::{Form, Span};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::reason::Reason;
use libtest_mimic::{Failed, Trial};
use std::time::{Duration, Instant};
use world::World;

#[path = "../../support/world.rs"]
pub(super) mod world;

pub(super) fn trials() -> Vec<Trial> {
    let sets = [
        (Form::Raw, "real raw images, to the verdict"),
        (Form::IntelHex, "real Intel HEX images, to the verdict"),
        (Form::SRecord, "real S-record images, to the verdict"),
        (Form::Elf, "real ELF images, to the verdict"),
    ];
    let name =
        |form: Form| format!("firmware: a real {form} image is accepted as released and not with one byte changed");
    let of = |form: Form| Ok::<_, String>(images()?.into_iter().filter(|image| image.form == form).collect::<Vec<_>>());
    sets.map(|(form, set)| trial(&name(form), of(form), move |images| judge_all(set, &images))).into()
}

/// A file that is presented as an image, and the verdict that is due.
pub(super) struct Case {
    pub(super) what: String,
    pub(super) image: Vec<u8>,
    pub(super) due: Due,
}

/// Ruling, and every finding as reason and place.
#[derive(Debug, PartialEq)]
pub(super) struct Due {
    pub(super) ruling: Ruling,
    pub(super) findings: Vec<(Reason, String)>,
}

/// Addresses from here on cannot stand in a manifest, whose numbers every JSON reader must read alike (RFC 8259
/// section 6).
const NAMEABLE: u64 = 1 << 53;

/// Images that lie up there, linked to sign-extended addresses: released by their file digest alone.
const FILE_DIGEST_ALONE: &[&str] = &["u-boot mips64 el"];

/// The unit that a manufacturer would release with this image: the whole file, and of each segment the whole, an inner
/// part, and its last byte with what lies behind it filled up.
pub(super) fn released(image: &RealImage, bytes: &[u8]) -> Result<World, Failed> {
    let mut ranges = Vec::new();
    for (number, segment) in (1..).zip(measured(image, bytes, &[])?.segments) {
        let (start, length) = (segment.start, segment.length);
        let Some(end) = start.checked_add(length).filter(|end| *end + 100 < NAMEABLE) else { continue };
        let spans = [
            ("whole", Span { start, end }, None),
            ("inner", Span { start: start + length / 3, end: end - length / 5 }, None),
            ("tail", Span { start: end - 1, end: end + 100 }, Some(0xff)),
        ];
        for (what, span, fill) in spans {
            let Span { start, end } = span;
            let sha256 = Sha256::of(&by_other_tool(image, bytes, span, fill.unwrap_or(0))?);
            ranges.push(Range { name: world::name(&format!("{what}-{number}")), start, end, fill, sha256 });
        }
    }
    expect("no range is named", &ranges.is_empty(), &FILE_DIGEST_ALONE.contains(&image.name))?;
    let sha256 = Sha256::from_hex(&sha256sum(&image.path)?).ok_or("sha256sum writes no digest")?;
    let file = Some(FileDigest { sha256, length: std::fs::metadata(&image.path)?.len() });
    Ok(World::new().with(|world| {
        world.image = bytes.to_vec();
        let [component] = world.release.components.as_mut_slice() else { unreachable!("one component") };
        component.form = image.form;
        component.base = (image.form == Form::Raw).then_some(image.base);
        (component.file, component.ranges) = (file, ranges);
    }))
}

/// The image as released, and every way in which one byte of it is changed; and another real image of the form.
pub(super) fn cases(image: &RealImage, other: &RealImage, bytes: &[u8], world: &World) -> Result<Vec<Case>, Failed> {
    let accepted = Due { ruling: Ruling::Accept, findings: Vec::new() };
    let mut cases = vec![Case { what: "as released".to_owned(), image: bytes.to_vec(), due: accepted }];
    for place in places(image, bytes)? {
        let (what, image) = (format!("contents at {:#x} changed", place.address), place.contents_changed(bytes));
        cases.push(Case { what, image, due: differs(world, Some(&place)) });
        if let Some(line) = place.line() {
            let findings = vec![(Reason::ImageChecksum, format!("image: line {line}"))];
            let due = Due { ruling: Ruling::HoldPerson, findings };
            cases.push(Case {
                what: format!("a digit of line {line} changed"),
                image: place.digit_changed(bytes),
                due,
            });
        }
    }
    if image.form == Form::Elf {
        // behind everything that is loaded: no range holds it, the file digest does
        let mut image = bytes.to_vec();
        if let Some(last) = image.last_mut() {
            *last ^= 1;
        }
        cases.push(Case { what: "the last byte of the file changed".to_owned(), image, due: differs(world, None) });
    }
    let what = format!("{} in its place", other.name);
    let due = Due { ruling: Ruling::Suspect, findings: all_differ(world, |_| true) };
    cases.push(Case { what, image: std::fs::read(&other.path)?, due });
    Ok(cases)
}

/// The file digest differs, and the digest of every range that holds the place.
fn differs(world: &World, place: Option<&Place>) -> Due {
    let holds = |range: &Range| place.is_some_and(|place| (range.start..range.end).contains(&place.address));
    Due { ruling: Ruling::Suspect, findings: all_differ(world, holds) }
}

fn all_differ(world: &World, differs: impl Fn(&Range) -> bool) -> Vec<(Reason, String)> {
    let place = |range: &Range| format!("component application {} {:#x} to {:#x}", range.name, range.start, range.end);
    let ranges = world.release.components[0].ranges.iter().filter(|range| differs(range)).map(place);
    let file = std::iter::once("component application file".to_owned());
    file.chain(ranges).map(|place| (Reason::FirmwareDiffers, place)).collect()
}

fn judge_all(set: &'static str, images: &[RealImage]) -> Result<(), Failed> {
    let mut row = Row { set, cases: 0, right: 0, false_accepts: 0, false_refusals: 0, worst: Duration::ZERO };
    let mut faults = Vec::new();
    for (number, image) in images.iter().enumerate() {
        let other = &images[(number + 1) % images.len()];
        let bytes = std::fs::read(&image.path)?;
        let mut world = released(image, &bytes)?;
        for Case { what, image: changed, due } in cases(image, other, &bytes, &world)? {
            world.image = changed;
            let (reached, time) = judge(&world);
            row.cases += 1;
            row.worst = row.worst.max(time);
            match expect(&what, &reached, &due) {
                Ok(()) => row.right += 1,
                Err(fault) => {
                    row.false_accepts += usize::from(reached.ruling == Ruling::Accept);
                    row.false_refusals += usize::from(due.ruling == Ruling::Accept);
                    faults.push(format!("{}: {}", image.name, fault.message().unwrap_or_default()));
                }
            }
        }
    }
    row.print();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

/// The verdict, and the time from the bytes to it.
fn judge(world: &World) -> (Due, Duration) {
    let mut inputs = world.inputs();
    let begun = Instant::now();
    inputs.presentation.readouts = world.readouts(&inputs.presentation);
    let judged = world::judge(inputs);
    let time = begun.elapsed();
    let found = judged.verdict.findings().iter();
    // what could not be asked because of what was found says nothing of its own
    let found = found.filter(|finding| finding.reason != Reason::CheckNotRun);
    let findings = found.map(|finding| (finding.reason, finding.place.clone())).collect();
    (Due { ruling: judged.ruling(), findings }, time)
}
