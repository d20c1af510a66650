//! The file, read once: counted, capped and hashed on the way.

use super::fault::ImageFault;
use crate::values::{
    digest::{Hasher, Sha256},
    limits::Limits,
    reason::Reason,
};
use std::io::{ErrorKind, Read};

/// Size of the reused read buffers: within the second-level cache, large enough that system calls do not show.
pub(super) const BUFFER: usize = 128 << 10;

pub(super) struct Source<'a> {
    reader: &'a mut dyn Read,
    cap: u64,
    length: u64,
    hasher: Hasher,
    hashed: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Ended,
    Failed,
}

impl<'a> Source<'a> {
    pub(super) fn new(reader: &'a mut dyn Read, limits: &Limits) -> Self {
        let cap = limits.image_file_bytes;
        Self { reader, cap, length: 0, hasher: Hasher::default(), hashed: true, state: State::Open }
    }

    /// Fills `buffer` as far as there are bytes: a shorter answer means that the file has ended.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ImageFault> {
        let count = self.fill_unhashed(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }

    /// The same for a caller that hashes every byte itself. [`Self::digest`] has no answer afterwards.
    pub(super) fn fill_raw(&mut self, buffer: &mut [u8]) -> Result<usize, ImageFault> {
        let count = self.fill_unhashed(buffer)?;
        self.hashed &= count == 0;
        Ok(count)
    }

    /// Reads to the end after a fault, for the digest of the file. What fails here is only that digest.
    pub(super) fn drain(&mut self) {
        let mut buffer = vec![0; BUFFER];
        while self.hashed && self.state == State::Open && self.fill(&mut buffer).is_ok() {}
    }

    /// The digest of the file, once it was read to its end.
    pub(super) fn digest(&self) -> Option<Sha256> {
        (self.hashed && self.state == State::Ended).then(|| self.hasher.clone().finish())
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    fn fill_unhashed(&mut self, buffer: &mut [u8]) -> Result<usize, ImageFault> {
        let mut filled = 0;
        while self.state == State::Open && filled < buffer.len() {
            let room = buffer.get_mut(filled..).unwrap_or_default();
            let count = match self.reader.read(room) {
                Ok(0) => {
                    self.state = State::Ended;
                    break;
                }
                Ok(count) if count <= room.len() => count,
                Ok(count) => return Err(self.fail(format!("{count} bytes where {} were asked for", room.len()))),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.fail(error.to_string())),
            };
            filled += count;
            self.length = self.length.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            if self.length > self.cap {
                self.state = State::Failed;
                let expected = format!("at most {} bytes", self.cap);
                return Err(ImageFault::new(Reason::ImageTooLarge, expected, "more").at_offset(self.cap));
            }
        }
        Ok(filled)
    }

    fn fail(&mut self, found: String) -> ImageFault {
        self.state = State::Failed;
        ImageFault::new(Reason::ImageReadFailed, "the next bytes of the file", found).at_offset(self.length)
    }
}
