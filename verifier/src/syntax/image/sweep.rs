//! One walk over the memory image, upwards: digests of segments and ranges, bytes of fields.
//!
//! Ranges that start together share a pass, and those that start with a segment share the pass of the segment: a
//! digest is taken from a copy of the running hash where a range ends.

use super::{
    fault::ImageFault,
    measurement::{MeasuredField, MeasuredRange, Segment},
    plan::{Plan, Span},
};
use crate::values::{
    digest::{Hasher, Sha256},
    limits::Limits,
    reason::Reason,
};
use std::collections::{BTreeMap, BTreeSet};

/// Fill is hashed in blocks of this size.
const FILL_BLOCK: u64 = 16 << 10;

pub(super) struct Sweep {
    /// Everything below was taken.
    position: u64,
    /// Addresses where a range starts or ends, above `position`.
    cuts: BTreeSet<u64>,
    segment: Option<(u64, Hasher)>,
    segments: Vec<Segment>,
    segments_cap: usize,
    /// Passes that have not begun, by start.
    waiting: BTreeMap<u64, Vec<Pass>>,
    running: Vec<Pass>,
    ranges: Vec<MeasuredRange>,
    fields: Fields,
    fill_block: Vec<u8>,
}

/// The hashing of all ranges of one start and fill.
struct Pass {
    fill: Option<u8>,
    /// Ends that were not reached, each with the place of its range in the plan.
    ends: BTreeMap<u64, Vec<usize>>,
    first_gap: Option<u64>,
    state: State,
}

enum State {
    /// The same bytes as the running segment from its start.
    OfSegment,
    Own(Hasher),
    /// A gap without fill: no digest from here on.
    Broken,
}

/// The results of a sweep.
pub(super) struct Swept {
    pub(super) segments: Vec<Segment>,
    pub(super) ranges: Vec<MeasuredRange>,
    pub(super) fields: Vec<MeasuredField>,
}

impl Sweep {
    pub(super) fn new(plan: &Plan, limits: &Limits) -> Self {
        let mut passes: BTreeMap<(u64, Option<u8>), BTreeMap<u64, Vec<usize>>> = BTreeMap::new();
        for (place, ask) in plan.ranges.iter().enumerate() {
            let ends = passes.entry((ask.span.start, ask.fill)).or_default();
            ends.entry(ask.span.end).or_default().push(place);
        }
        let mut waiting: BTreeMap<u64, Vec<Pass>> = BTreeMap::new();
        for ((start, fill), ends) in passes {
            let pass = Pass { fill, ends, first_gap: None, state: State::Broken };
            waiting.entry(start).or_default().push(pass);
        }
        let unmeasured =
            |ask: &super::RangeAsk| MeasuredRange { span: ask.span, fill: ask.fill, sha256: None, first_gap: None };
        Self {
            position: 0,
            cuts: plan.ranges.iter().flat_map(|ask| [ask.span.start, ask.span.end]).filter(|cut| *cut > 0).collect(),
            segment: None,
            segments: Vec::new(),
            segments_cap: limits.image_segments,
            waiting,
            running: Vec::new(),
            ranges: plan.ranges.iter().map(unmeasured).collect(),
            fields: Fields::new(&plan.fields),
            fill_block: Vec::new(),
        }
    }

    /// Takes the contents at `address`, which lies at or above everything taken so far.
    pub(super) fn take(&mut self, address: u64, mut bytes: &[u8]) -> Result<(), ImageFault> {
        self.skip_to(address);
        self.fields.take(address, bytes);
        while !bytes.is_empty() {
            let until_cut = self.next_cut().and_then(|cut| usize::try_from(cut.saturating_sub(self.position)).ok());
            let length = until_cut.unwrap_or(usize::MAX).min(bytes.len());
            let (piece, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
            self.step_contents(piece)?;
            bytes = rest;
        }
        Ok(())
    }

    /// Ends the sweep: whatever the plan asks for above is a gap.
    pub(super) fn finish(mut self) -> Swept {
        if let Some(last) = self.cuts.last().copied() {
            self.skip_to(last);
        }
        self.close_segment();
        Swept { segments: self.segments, ranges: self.ranges, fields: self.fields.finish() }
    }

    /// The lowest start or end of a range above the position.
    fn next_cut(&mut self) -> Option<u64> {
        while self.cuts.first().is_some_and(|cut| *cut <= self.position) {
            self.cuts.pop_first();
        }
        self.cuts.first().copied()
    }

    fn skip_to(&mut self, address: u64) {
        while self.position < address {
            let until = self.next_cut().unwrap_or(address).min(address);
            self.step_gap(until);
        }
    }

    /// Contents with no cut inside.
    fn step_contents(&mut self, piece: &[u8]) -> Result<(), ImageFault> {
        if self.segment.is_none() {
            if self.segments.len() >= self.segments_cap {
                let expected = format!("at most {} segments", self.segments_cap);
                let fault = ImageFault::new(Reason::ImageTooManySegments, expected, "more");
                return Err(fault.at_address(self.position));
            }
            self.segment = Some((self.position, Hasher::default()));
        }
        let Some((start, hasher)) = &mut self.segment else { return Ok(()) };
        for mut pass in self.waiting.remove(&self.position).unwrap_or_default() {
            pass.state = if *start == self.position { State::OfSegment } else { State::Own(Hasher::default()) };
            self.running.push(pass);
        }
        hasher.update(piece);
        for pass in &mut self.running {
            if let State::Own(own) = &mut pass.state {
                own.update(piece);
            }
        }
        // cannot wrap: the readers refuse contents beyond the last address
        self.position = self.position.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        self.reach_ends();
        Ok(())
    }

    /// Addresses without contents, with no cut inside.
    fn step_gap(&mut self, until: u64) {
        let length = until.saturating_sub(self.position);
        for mut pass in self.waiting.remove(&self.position).unwrap_or_default() {
            pass.state = State::Own(Hasher::default());
            self.running.push(pass);
        }
        let of_segment = self.close_segment();
        for pass in &mut self.running {
            pass.first_gap = pass.first_gap.or(Some(self.position));
            let state = core::mem::replace(&mut pass.state, State::Broken);
            let hasher = match state {
                State::OfSegment => of_segment.clone(),
                State::Own(own) => Some(own),
                State::Broken => None,
            };
            if let (Some(fill), Some(mut hasher)) = (pass.fill, hasher) {
                hash_fill(&mut hasher, fill, length, &mut self.fill_block);
                pass.state = State::Own(hasher);
            }
        }
        self.position = until;
        self.reach_ends();
    }

    /// Notes the segment that ends here and hands its running hash on.
    fn close_segment(&mut self) -> Option<Hasher> {
        let (start, hasher) = self.segment.take()?;
        let length = self.position.saturating_sub(start);
        self.segments.push(Segment { start, length, sha256: hasher.clone().finish() });
        Some(hasher)
    }

    /// Takes the digests of all ranges that end at the position.
    fn reach_ends(&mut self) {
        if !self.cuts.contains(&self.position) {
            return;
        }
        for pass in &mut self.running {
            let Some(places) = pass.ends.remove(&self.position) else { continue };
            let sha256: Option<Sha256> = match &pass.state {
                State::OfSegment => self.segment.as_ref().map(|(_, hasher)| hasher.clone().finish()),
                State::Own(own) => Some(own.clone().finish()),
                State::Broken => None,
            };
            for place in places {
                if let Some(range) = self.ranges.get_mut(place) {
                    range.sha256 = sha256;
                    range.first_gap = pass.first_gap;
                }
            }
        }
        self.running.retain(|pass| !pass.ends.is_empty());
    }
}

/// Hashes `length` times the byte `fill`.
fn hash_fill(hasher: &mut Hasher, fill: u8, length: u64, block: &mut Vec<u8>) {
    if block.first() != Some(&fill) {
        block.clear();
        block.resize(usize::try_from(FILL_BLOCK).unwrap_or_default(), fill);
    }
    let mut left = length;
    while left > 0 {
        let now = left.min(FILL_BLOCK);
        hasher.update(usize::try_from(now).ok().and_then(|now| block.get(..now)).unwrap_or_default());
        left -= now;
    }
}

/// The fields of the plan, being filled.
struct Fields {
    /// Ascending by start; each with its place in the plan.
    open: Vec<(Span, usize, Vec<u8>)>,
    /// Those before lie wholly below the position.
    first: usize,
}

impl Fields {
    fn new(spans: &[Span]) -> Self {
        let mut open: Vec<_> = spans.iter().enumerate().map(|(place, span)| (*span, place, Vec::new())).collect();
        open.sort_unstable_by_key(|(span, place, _)| (*span, *place));
        Self { open, first: 0 }
    }

    fn take(&mut self, address: u64, bytes: &[u8]) {
        let end = address.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        while self.open.get(self.first).is_some_and(|(span, ..)| span.end <= address) {
            self.first += 1;
        }
        for (span, _, kept) in self.open.get_mut(self.first..).unwrap_or_default() {
            if span.start >= end {
                break;
            }
            let from = usize::try_from(span.start.saturating_sub(address));
            let to = usize::try_from(span.end.min(end).saturating_sub(address));
            if let (Ok(from), Ok(to)) = (from, to) {
                kept.extend_from_slice(bytes.get(from..to).unwrap_or_default());
            }
        }
    }

    fn finish(mut self) -> Vec<MeasuredField> {
        self.open.sort_unstable_by_key(|(_, place, _)| *place);
        let whole = |span: Span, kept: Vec<u8>| (u64::try_from(kept.len()) == Ok(span.length())).then_some(kept);
        self.open.into_iter().map(|(span, _, kept)| MeasuredField { span, bytes: whole(span, kept) }).collect()
    }
}
