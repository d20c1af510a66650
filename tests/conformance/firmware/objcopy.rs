//! GNU `objcopy` as second opinion: the flat file that it makes of an image holds the bytes that are measured here.

use super::{RealImage, expect, ranges_of, run};
use ecugate_verifier::{
    syntax::image::{Form, RangeAsk, Span},
    values::digest::Sha256,
};
use libtest_mimic::Failed;
use std::path::Path;

/// Images whose flat file is not made, each with the reason; their sections are compared one by one.
const NOT_FLAT: &[(&str, &str)] = &[
    ("micro:bit micropython", "256 MiB of zeros between flash and UICR"),
    ("micro:bit by srec_cat", "256 MiB of zeros between flash and UICR"),
];

/// More than this between the first and the last byte is not made flat.
const FLAT: u64 = 64 << 20;

pub(super) fn agrees(image: &RealImage) -> Result<(), Failed> {
    let bytes = std::fs::read(&image.path)?;
    let folder = tempfile::tempdir()?;
    let flat = folder.path().join("flat.bin");
    if image.form == Form::Raw {
        return expect("flat file", &(flatten(image, None, &flat)? == bytes), &true);
    }
    let sections = sections(image)?;
    let (Some(start), Some(end)) =
        (sections.iter().map(|(_, span)| span.start).min(), sections.iter().map(|(_, span)| span.end).max())
    else {
        return Err("objdump lists no section with contents".into());
    };
    let listed = NOT_FLAT.iter().any(|(name, _)| *name == image.name);
    expect("spread too wide", &(end - start > FLAT), &listed)?;
    let parts = if listed {
        sections.iter().map(|(name, span)| (Some(name.as_str()), *span)).collect()
    } else {
        vec![(None, Span { start, end })]
    };
    for (section, span) in parts {
        let theirs = flatten(image, section, &flat)?;
        expect("length", &(theirs.len() as u64), &span.length())?;
        let [ours] = ranges_of(image, &bytes, &[RangeAsk { span, fill: Some(0) }])?;
        expect(&format!("{span} {section:?}"), &ours.sha256, &Some(Sha256::of(&theirs)))?;
    }
    Ok(())
}

/// Name and load addresses of every section with contents that are loaded.
fn sections(image: &RealImage) -> Result<Vec<(String, Span)>, Failed> {
    let mut arguments = vec!["-h", "-w"];
    if let Some(target) = target(image.form) {
        arguments.extend(["-b", target]);
    }
    arguments.push(image.path.to_str().unwrap());
    let listing = String::from_utf8(run("objdump", &arguments)?)?;
    let mut sections = Vec::new();
    for line in listing.lines().filter(|line| line.contains("CONTENTS") && line.contains("LOAD")) {
        let words: Vec<_> = line.split_whitespace().collect();
        let (length, start) = (u64::from_str_radix(words[2], 16)?, u64::from_str_radix(words[4], 16)?);
        if length > 0 {
            sections.push((words[1].to_owned(), Span { start, end: start + length }));
        }
    }
    Ok(sections)
}

/// What `objcopy -O binary` makes of the file, or of one section of it.
pub(super) fn flatten(image: &RealImage, section: Option<&str>, flat: &Path) -> Result<Vec<u8>, Failed> {
    let mut arguments = vec!["-O", "binary"];
    arguments.extend(target(image.form).into_iter().flat_map(|target| ["-I", target]));
    arguments.extend(section.into_iter().flat_map(|section| ["-j", section]));
    arguments.extend([image.path.to_str().unwrap(), flat.to_str().unwrap()]);
    run("objcopy", &arguments)?;
    Ok(std::fs::read(flat)?)
}

/// The name of a form that `objcopy` cannot see for itself.
const fn target(form: Form) -> Option<&'static str> {
    match form {
        Form::Raw => Some("binary"),
        Form::IntelHex => Some("ihex"),
        Form::SRecord => Some("srec"),
        Form::Elf => None,
    }
}
