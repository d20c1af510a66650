//! Release manifests: a description and the images it names become the document, measured by the verifier's own code.

use super::description::{Faults, Files, Moment, Source, ValidityText};
use ecugate_verifier::documents::manifest::assurance::Minimum;
use ecugate_verifier::documents::manifest::release::{
    Component, FileDigest, IdentityField, Range, Release, Track, UniqueArea,
};
use ecugate_verifier::syntax::image::{Form, Measurement, Plan, RangeAsk, Span, measure};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Hardware, Manufacturer, Name, Part};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use std::path::PathBuf;
use toml::Spanned;

/// Makes a release manifest from the text of a description, called `place` in faults. Images are opened by `files`.
///
/// # Errors
/// [`Faults`]: the first place at which the text is no description; or everything that is wrong with its components
/// and their images.
pub fn describe(bytes: &[u8], place: &str, files: &mut Files<'_>, limits: &Limits) -> Result<Release, Faults> {
    let source = Source::new(bytes, place)?;
    let text: ReleaseText = source.read()?;
    let mut faults = Vec::new();
    let mut components = Vec::new();
    for component in text.components {
        match component.measure(source, files, limits) {
            Ok(component) => components.push(component),
            Err(found) => faults.extend(found),
        }
    }
    Faults::none_of(faults)?;
    let release = Release {
        manufacturer: text.manufacturer,
        release: text.release,
        issued: text.issued.0,
        valid: text.valid.into(),
        track: text.track,
        parts: text.parts,
        aliases: text.aliases,
        hardware: text.hardware,
        minimum: text.minimum,
        components,
    };
    source.require_sound(&release, limits)?;
    Ok(release)
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseText {
    manufacturer: Manufacturer,
    release: Name,
    issued: Moment,
    valid: ValidityText,
    track: Track,
    parts: Vec<Part>,
    #[serde(default)]
    aliases: Vec<Part>,
    hardware: Vec<Hardware>,
    minimum: Minimum,
    components: Vec<ComponentText>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ComponentText {
    name: Name,
    version: Name,
    security_version: u64,
    form: Form,
    image: Spanned<PathBuf>,
    base: Option<u64>,
    #[serde(default)]
    record_types: Vec<u8>,
    file: Option<Spanned<bool>>,
    #[serde(default)]
    ranges: Vec<Spanned<RangeText>>,
    #[serde(default)]
    identity_fields: Vec<Spanned<IdentityField>>,
    #[serde(default)]
    unique_areas: Vec<Spanned<UniqueArea>>,
}

/// A range whose digest is still to be measured.
#[derive(Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RangeText {
    name: Name,
    start: u64,
    end: u64,
    fill: Option<u8>,
}

impl ComponentText {
    fn measure(self, source: Source<'_>, files: &mut Files<'_>, limits: &Limits) -> Result<Component, Vec<Finding>> {
        let contradictions = self.contradictions(source);
        if !contradictions.is_empty() {
            return Err(contradictions);
        }
        let path = self.image.get_ref();
        let shown = path.display().to_string();
        let at = source.at(&self.image.span());
        let measured = files(path)
            .and_then(|mut image| {
                measure(&mut image, &self.plan(), limits).map_err(|f| Finding::from(f).within(&shown))
            })
            .map_err(|finding| vec![finding.within(&at)])?;
        let faults = self.gaps(source, &measured);
        if faults.is_empty() { Ok(self.with_digests(&measured)) } else { Err(faults) }
    }

    /// What no unit could fulfil, whatever the image holds.
    fn contradictions(&self, source: Source<'_>) -> Vec<Finding> {
        let mut faults = Vec::new();
        let ranges: Vec<_> = self.ranges.iter().map(|range| (range.span(), span_of(range.get_ref()))).collect();
        let areas = self.unique_areas.iter().map(|area| {
            let UniqueArea { start, end, .. } = area.get_ref();
            (area.span(), Span { start: *start, end: *end }, "a unique area")
        });
        let fields =
            self.identity_fields.iter().map(|field| (field.span(), field_span(field.get_ref()), "an identity field"));
        let own: Vec<_> = areas.chain(fields).collect();
        let all = ranges.iter().map(|(at, span)| (at, span)).chain(own.iter().map(|(at, span, _)| (at, span)));
        for (at, span) in all.filter(|(_, span)| span.start >= span.end) {
            faults.push(source.fault(at, "a start before the end", span.to_string()));
        }
        for (at, span, what) in &own {
            for (_, range) in ranges.iter().filter(|(_, range)| range.start < span.end && span.start < range.end) {
                let expected = format!("{what} outside of what must be equal in every unit");
                faults.push(source.fault(at, expected, format!("{span} in the range {range}")));
            }
        }
        // The digest of the whole file would have to be equal in units that hold different serials.
        if self.names_file()
            && let Some((at, _, what)) = own.first()
        {
            let expected = format!("file = false beside {what}: its bytes differ from unit to unit");
            let found = if self.file.is_some() {
                "file = true"
            } else {
                "the digest of the whole file (file = true is the default)"
            };
            faults.push(source.fault(at, expected, found));
        }
        if !self.names_file() && self.ranges.is_empty() {
            let at = self.file.as_ref().map_or(0..0, Spanned::span);
            faults.push(source.fault(&at, "the digest of the file, or ranges", "neither"));
        }
        faults
    }

    /// Addresses that are asked for and have no contents.
    fn gaps(&self, source: Source<'_>, measured: &Measurement) -> Vec<Finding> {
        let image = self.image.get_ref().display();
        let mut faults = Vec::new();
        for (range, read) in self.ranges.iter().zip(&measured.ranges) {
            if read.sha256.is_none() {
                let gap = read.first_gap.unwrap_or(read.span.start);
                let place = format!("{}: range {} {}", source.at(&range.span()), range.get_ref().name, read.span);
                let expected = "contents at every address, or the byte that stands in gaps (fill = 0xFF), or an end before the gap";
                let found = format!("nothing at {gap:#x} in {image}");
                faults.push(Finding::new(Reason::ImageRangeGap, place, expected, found));
            }
        }
        for (field, read) in self.identity_fields.iter().zip(&measured.fields) {
            if read.bytes.is_none() {
                let place = format!("{}: identity field {}", source.at(&field.span()), read.span);
                let found = format!("an address without contents in {image}");
                faults.push(Finding::new(Reason::ImageRangeGap, place, "a field inside the image", found));
            }
        }
        faults
    }

    fn plan(&self) -> Plan {
        let ask = |range: &RangeText| RangeAsk { span: span_of(range), fill: range.fill };
        Plan {
            form: self.form,
            base: self.base.unwrap_or(0),
            ranges: self.ranges.iter().map(|range| ask(range.get_ref())).collect(),
            fields: self.identity_fields.iter().map(|field| field_span(field.get_ref())).collect(),
            allowed_record_types: self.record_types.clone(),
        }
    }

    /// Ranges of the measurement stand in the order of the plan.
    fn with_digests(self, measured: &Measurement) -> Component {
        let file =
            self.names_file().then_some(FileDigest { sha256: measured.file_sha256, length: measured.file_length });
        let ranges = self.ranges.into_iter().map(Spanned::into_inner).zip(&measured.ranges);
        let ranges = ranges.filter_map(|(range, read)| {
            let RangeText { name, start, end, fill } = range;
            read.sha256.map(|sha256| Range { name, start, end, fill, sha256 })
        });
        Component {
            name: self.name,
            version: self.version,
            security_version: self.security_version,
            form: self.form,
            base: self.base,
            record_types: self.record_types,
            file,
            ranges: ranges.collect(),
            identity_fields: self.identity_fields.into_iter().map(Spanned::into_inner).collect(),
            unique_areas: self.unique_areas.into_iter().map(Spanned::into_inner).collect(),
        }
    }

    fn names_file(&self) -> bool {
        self.file.as_ref().is_none_or(|file| *file.get_ref())
    }
}

const fn span_of(range: &RangeText) -> Span {
    Span { start: range.start, end: range.end }
}

const fn field_span(field: &IdentityField) -> Span {
    Span { start: field.start, end: field.start.saturating_add(field.length) }
}

#[cfg(test)]
mod tests;
