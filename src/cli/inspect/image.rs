//! `ecugate inspect image`: a firmware image measured as the gate measures it. The form may be guessed here, and here
//! alone: for the gate the release names it.

use crate::cli::flag;
use crate::cli::inputs::World;
use crate::cli::seam::{Answer, Seam};
use ecugate_verifier::syntax::image::{
    self, Form, ImageFault, MeasuredRange, Measurement, Peek, Plan, RangeAsk, Segment, Span,
};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The first integer that the JSON readers of the world do not keep exact (RFC 8259 section 6).
const INEXACT: u64 = 1 << 53;

/// A firmware image.
#[derive(clap::Args)]
pub(crate) struct Image {
    /// The image (`-`: standard input)
    file: PathBuf,

    /// The form of the file; `auto` guesses it from the contents
    #[arg(long, value_name = "FORM", default_value = "auto")]
    format: Format,

    /// Address of the first byte of a raw image
    #[arg(long, value_name = "ADDR", value_parser = flag::address)]
    base: Option<u64>,

    /// A range to hash; END is the address after the last
    #[arg(long, value_name = "START..END", value_parser = flag::span)]
    range: Vec<Span>,

    /// The byte that stands in the gaps of every range; without it a range with a gap has no digest
    #[arg(long, value_name = "BYTE", value_parser = flag::byte)]
    fill: Option<u8>,

    /// A record type outside the standard whose records are passed over
    #[arg(long, value_name = "N", value_parser = flag::byte)]
    allow_record_type: Vec<u8>,
}

/// The form of an image file.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Auto,
    Raw,
    Ihex,
    Srec,
    Elf,
}

impl Seam for Image {
    const COMMAND: &'static str = "inspect image";

    fn decide(&self, world: &World) -> Result<Answer, Finding> {
        let limits = &Limits::STANDARD;
        let mut input = world.open(&self.file)?.at_most(limits.image_file_bytes)?;
        let mut reader = match Peek::new(&mut input) {
            Ok(reader) => reader,
            Err(fault) => return Ok(refused(fault, None)),
        };
        let form = match self.form(&reader) {
            Ok(form) => form,
            Err(fault) => {
                // Read on for the digest of the file.
                let (sha256, length) = match image::measure(&mut reader, &Plan::of(Form::Raw), limits) {
                    Ok(measured) => (Some(measured.file_sha256), measured.file_length),
                    Err(unread) => (unread.file_sha256, unread.file_length),
                };
                let answer = place(Answer::refuse(fault.clone().into()), &fault);
                let answer = file(answer, sha256.map(|digest| digest.to_string()), length);
                return Ok(answer.with("format", Value::Null));
            }
        };
        if self.base.is_some() && form != Form::Raw {
            return Err(Finding::new(
                Reason::Usage,
                "--base",
                "a raw image: the other forms state addresses",
                form.word(),
            ));
        }
        Ok(match image::measure(&mut reader, &self.plan(form), limits) {
            Ok(measured) => told(&measured),
            Err(fault) => refused(fault, Some(form)),
        })
    }
}

impl Image {
    fn form(&self, reader: &Peek<'_>) -> Result<Form, ImageFault> {
        match self.format {
            Format::Auto => image::guess(reader.first_bytes()),
            Format::Raw => Ok(Form::Raw),
            Format::Ihex => Ok(Form::IntelHex),
            Format::Srec => Ok(Form::SRecord),
            Format::Elf => Ok(Form::Elf),
        }
    }

    fn plan(&self, form: Form) -> Plan {
        Plan {
            base: self.base.unwrap_or(0),
            ranges: self.range.iter().map(|span| RangeAsk { span: *span, fill: self.fill }).collect(),
            allowed_record_types: self.allow_record_type.clone(),
            ..Plan::of(form)
        }
    }
}

fn refused(fault: ImageFault, form: Option<Form>) -> Answer {
    let (sha256, length) = (fault.file_sha256.map(|digest| digest.to_string()), fault.file_length);
    let answer = place(Answer::refuse(fault.clone().into()), &fault);
    file(answer, sha256, length).with("format", form.map(Form::word))
}

/// Where in the file the fault is, for programs.
fn place(answer: Answer, fault: &ImageFault) -> Answer {
    answer.with("line", fault.line).with("offset", fault.offset).with("address", fault.address.map(address))
}

/// The digest of the file; none where it could not be read to its end.
fn file(answer: Answer, sha256: Option<String>, length: u64) -> Answer {
    let shown = sha256.as_deref().unwrap_or("not known: the file was not read to its end").to_owned();
    answer.with("sha256", sha256).with("length", length).line(format!("sha256    {shown}"))
}

fn told(measured: &Measurement) -> Answer {
    let Measurement { file_sha256, file_length, form, segments, ranges, .. } = measured;
    let mut answer = file(Answer::accept(), Some(file_sha256.to_string()), *file_length)
        .with("format", form.word())
        .with("segments", segments.iter().map(segment).collect::<Vec<Value>>())
        .with("ranges", ranges.iter().map(range).collect::<Vec<Value>>())
        .line(format!("format    {form}"));
    for Segment { start, length, sha256 } in segments {
        answer = answer.line(format!("segment   {start:#010x} {length:>9} bytes sha256 {sha256}"));
    }
    for MeasuredRange { span, sha256, first_gap, .. } in ranges {
        let found = match (sha256, first_gap) {
            (Some(sha256), None) => format!("sha256 {sha256}"),
            (Some(sha256), Some(gap)) => format!("sha256 {sha256}, filled from {gap:#x} on"),
            (None, Some(gap)) => format!("no digest: nothing at {gap:#x}, and no --fill"),
            (None, None) => "no digest".to_owned(),
        };
        answer = answer.line(format!("range     {span} {found}"));
    }
    answer
}

fn segment(segment: &Segment) -> Value {
    json!({"start": address(segment.start), "length": segment.length, "sha256": segment.sha256.to_string()})
}

fn range(range: &MeasuredRange) -> Value {
    json!({
        "start": address(range.span.start),
        "end": address(range.span.end),
        "fill": range.fill,
        "sha256": range.sha256.map(|digest| digest.to_string()),
        "first_gap": range.first_gap.map(address),
    })
}

/// A number where JSON keeps it exact, else hex text: as in documents.
fn address(address: u64) -> Value {
    if address < INEXACT { address.into() } else { format!("{address:#x}").into() }
}
