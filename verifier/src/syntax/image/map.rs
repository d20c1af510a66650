//! A sparse memory image: contents as they come, never flattened, no address twice.

use super::{
    fault::ImageFault,
    measurement::Measurement,
    plan::Plan,
    source::{BUFFER, Source},
    sweep::Sweep,
};
use crate::values::{limits::Limits, reason::Reason};
use std::collections::BTreeMap;

/// What one run costs beside its contents, so that a file of a million runs is refused as too large too.
const RUN_COST: usize = 64;

pub(super) struct SparseMap {
    /// All contents, in the order of the file.
    bytes: Vec<u8>,
    /// Closed runs by first address.
    runs: BTreeMap<u64, Run>,
    /// The run that the next record most likely continues.
    current: Option<(u64, Run)>,
    /// The address after the current run.
    next: u64,
    /// The first address above the current run that is taken.
    ceiling: u64,
    cap: usize,
    room: usize,
}

/// Where in `bytes` the contents of a run stand.
#[derive(Clone, Copy)]
struct Run {
    at: usize,
    length: usize,
}

impl SparseMap {
    pub(super) fn new(limits: &Limits) -> Self {
        let cap = limits.image_memory;
        let (runs, current) = (BTreeMap::new(), None);
        Self { bytes: Vec::new(), runs, current, next: 0, ceiling: u64::MAX, cap, room: cap }
    }

    /// Puts `contents` at `address`. The caller has made sure that they end at or below 2^64 - 1.
    #[inline]
    pub(super) fn put(&mut self, address: u64, contents: &[u8]) -> Result<(), ImageFault> {
        if contents.is_empty() {
            return Ok(());
        }
        if address != self.next || self.current.is_none() {
            self.begin_run(address)?;
        }
        let end = address.saturating_add(u64::try_from(contents.len()).unwrap_or(u64::MAX));
        if end > self.ceiling {
            return Err(overlap(self.ceiling));
        }
        self.room = self.room.checked_sub(contents.len()).ok_or_else(|| self.full())?;
        self.bytes.extend_from_slice(contents);
        if let Some((_, run)) = &mut self.current {
            run.length += contents.len();
        }
        self.next = end;
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Measures the contents of a file that was read to its end.
    pub(super) fn measure(self, source: &Source<'_>, plan: &Plan, limits: &Limits) -> Result<Measurement, ImageFault> {
        let mut sweep = Sweep::new(plan, limits);
        self.sweep(&mut sweep)?;
        let swept = sweep.finish();
        let Some(file_sha256) = source.digest() else {
            return Err(ImageFault::new(Reason::ImageReadFailed, "the file to its end", "a part of it"));
        };
        Ok(Measurement {
            file_sha256,
            file_length: source.length(),
            form: plan.form,
            segments: swept.segments,
            ranges: swept.ranges,
            fields: swept.fields,
        })
    }

    /// Walks `sweep` over the contents, upwards.
    fn sweep(mut self, sweep: &mut Sweep) -> Result<(), ImageFault> {
        self.close_run();
        let mut staged = Vec::with_capacity(BUFFER);
        let mut staged_at = 0;
        for (start, run) in &self.runs {
            let contents = self.bytes.get(run.at..run.at.saturating_add(run.length)).unwrap_or_default();
            let staged_end = u64::try_from(staged.len()).map_or(u64::MAX, |length| length.saturating_add(staged_at));
            if staged_end != *start || staged.len().saturating_add(contents.len()) > BUFFER {
                sweep.take(staged_at, &staged)?;
                staged.clear();
                staged_at = *start;
            }
            // short runs that touch are hashed together: a file in falling order is all short runs
            if contents.len() > BUFFER {
                sweep.take(*start, contents)?;
            } else {
                staged.extend_from_slice(contents);
            }
        }
        if staged.is_empty() { Ok(()) } else { sweep.take(staged_at, &staged) }
    }

    fn begin_run(&mut self, address: u64) -> Result<(), ImageFault> {
        self.close_run();
        self.room = self.room.checked_sub(RUN_COST).ok_or_else(|| self.full())?;
        if let Some((start, run)) = self.runs.range(..=address).next_back() {
            let length = u64::try_from(run.length).unwrap_or(u64::MAX);
            if address.saturating_sub(*start) < length {
                return Err(overlap(address));
            }
        }
        self.ceiling = self.runs.range(address..).next().map_or(u64::MAX, |(start, _)| *start);
        self.current = Some((address, Run { at: self.bytes.len(), length: 0 }));
        Ok(())
    }

    fn close_run(&mut self) {
        self.runs.extend(self.current.take());
    }

    fn full(&self) -> ImageFault {
        let expected = format!("at most {} bytes of contents and map", self.cap);
        ImageFault::new(Reason::ImageTooLarge, expected, "more")
    }
}

fn overlap(address: u64) -> ImageFault {
    ImageFault::new(Reason::ImageOverlap, "each address once", "an address that has contents").at_address(address)
}
