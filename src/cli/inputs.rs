//! The one way in for inputs: regular files under a base folder, or standard input, never more than a cap.

use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::cell::Cell;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What a seam sees of the outside: files, standard input, the clock.
pub(crate) struct World {
    base: PathBuf,
    standard_input: Cell<StandardInput>,
}

/// Whether an input may be `-`.
#[derive(Clone, Copy)]
enum StandardInput {
    /// `-` reads standard input.
    Free,
    /// An input was `-` already; a second one would find nothing left.
    Read,
    /// Standard input may carry the cases of a batch, and no case knows whether it does.
    Cases,
}

/// One opened input.
pub(crate) struct Input {
    place: String,
    source: Source,
}

enum Source {
    File { file: File, length: u64 },
    StandardInput(io::Stdin),
}

impl World {
    /// Paths are relative to the working folder.
    pub(crate) fn here() -> Self {
        Self { base: PathBuf::new(), standard_input: Cell::new(StandardInput::Free) }
    }

    /// Paths are relative to `base`; standard input is not to be had.
    pub(crate) fn of_cases(base: &Path) -> Self {
        Self { base: base.to_owned(), standard_input: Cell::new(StandardInput::Cases) }
    }

    /// Opens `path`, which must name a regular file, or be `-` for standard input.
    pub(crate) fn open(&self, path: &Path) -> Result<Input, Finding> {
        if path.as_os_str() == "-" {
            return self.standard_input();
        }
        let place = path.display().to_string();
        let full = self.base.join(path);
        // A look before the opening: to open a device can do something, to open a FIFO waits for a writer.
        regular(&place, &full.metadata().map_err(|error| unopened(&place, &error))?)?;
        let file = open_without_waiting(&full).map_err(|error| unopened(&place, &error))?;
        // And one after it, at what was really opened.
        let metadata = file.metadata().map_err(|error| unopened(&place, &error))?;
        regular(&place, &metadata)?;
        Ok(Input { place, source: Source::File { file, length: metadata.len() } })
    }

    /// Opens standard input.
    pub(crate) fn standard_input(&self) -> Result<Input, Finding> {
        let place = "standard input".to_owned();
        let expected = match self.standard_input.get() {
            StandardInput::Free => {
                self.standard_input.set(StandardInput::Read);
                return Ok(Input { place, source: Source::StandardInput(io::stdin()) });
            }
            StandardInput::Read => "one input from there",
            StandardInput::Cases => "a file named in the case",
        };
        Err(Finding::new(Reason::Usage, place, expected, "-"))
    }

    /// All of a file that may not be empty and may have at most `cap` bytes.
    pub(crate) fn bytes(&self, path: &Path, cap: usize) -> Result<Vec<u8>, Finding> {
        let input = self.open(path)?;
        let place = input.place.clone();
        let bytes = input.bytes(cap)?;
        if bytes.is_empty() { Err(Finding::bare(Reason::InputEmpty).within(&place)) } else { Ok(bytes) }
    }

    /// The entries of a folder, by name; `None` where there is no such folder.
    pub(crate) fn entries(&self, folder: &Path) -> Result<Option<Vec<PathBuf>>, Finding> {
        let place = folder.display().to_string();
        let full = self.base.join(folder);
        match full.metadata() {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(Finding::new(Reason::InputNotRegular, place, "a folder", "another kind of file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unopened(&place, &error)),
        }
        let entries = full.read_dir().and_then(|entries| {
            entries.map(|entry| Ok(folder.join(entry?.file_name()))).collect::<io::Result<Vec<PathBuf>>>()
        });
        let mut entries = entries.map_err(|error| unopened(&place, &error))?;
        entries.sort();
        Ok(Some(entries))
    }

    /// The time to judge at: `at`, else `ECUGATE_NOW`, else the clock of the system.
    ///
    /// Only commands under `verify` may ask: the time of a receipt is the system's, guarded by the ledger.
    pub(crate) fn time(&self, at: Option<Time>) -> Result<Time, Finding> {
        if let Some(at) = at {
            return Ok(at);
        }
        if let Some(text) = std::env::var_os("ECUGATE_NOW") {
            return text.to_str().and_then(Time::parse).ok_or_else(|| {
                Finding::new(Reason::Usage, "ECUGATE_NOW", "a time like 2026-11-24T05:31:18Z", text.to_string_lossy())
            });
        }
        self.system_time()
    }

    /// The clock of the system, whatever `ECUGATE_NOW` says.
    pub(crate) fn system_time(&self) -> Result<Time, Finding> {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .ok()
            .and_then(|since| Time::from_unix_millis(i64::try_from(since.as_millis()).ok()?))
            .ok_or_else(|| Finding::new(Reason::Usage, "system clock", "a time from 1970 to 9999", "another"))
    }
}

impl Input {
    /// The same input, refused now and unread where it is a file of more than `cap` bytes; for what is streamed.
    pub(crate) fn at_most(self, cap: u64) -> Result<Self, Finding> {
        match self.source {
            Source::File { length, .. } if length > cap => Err(self.too_large(cap, &format!("{length} bytes"))),
            _ => Ok(self),
        }
    }

    /// Everything, at most `cap` bytes; one more is a refusal, never a cut.
    pub(crate) fn bytes(mut self, cap: usize) -> Result<Vec<u8>, Finding> {
        let cap_u64 = u64::try_from(cap).unwrap_or(u64::MAX);
        self = self.at_most(cap_u64)?;
        let mut bytes = Vec::new();
        match (&mut self).take(cap_u64.saturating_add(1)).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() > cap => Err(self.too_large(cap_u64, "more")),
            Ok(_) => Ok(bytes),
            Err(error) => Err(unopened(&self.place, &error)),
        }
    }

    fn too_large(&self, cap: u64, found: &str) -> Finding {
        Finding::new(Reason::InputTooLarge, self.place.as_str(), format!("at most {cap} bytes"), found)
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.source {
            Source::File { file, .. } => file.read(buffer),
            Source::StandardInput(standard_input) => standard_input.read(buffer),
        }
    }
}

/// Opens for reading so that a FIFO put in the place of a file a moment ago does not block.
fn open_without_waiting(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(target_os = "linux")]
    {
        /// `O_NONBLOCK` of Linux on x86 and ARM (asm-generic/fcntl.h); without effect on regular files.
        const O_NONBLOCK: i32 = 0o4000;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, O_NONBLOCK);
    }
    options.open(path)
}

fn regular(place: &str, metadata: &Metadata) -> Result<(), Finding> {
    if metadata.is_file() {
        return Ok(());
    }
    let found = if metadata.is_dir() { "a folder" } else { "a device, pipe or socket" };
    Err(Finding::new(Reason::InputNotRegular, place, "a regular file", found))
}

fn unopened(place: &str, error: &io::Error) -> Finding {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            Finding::new(Reason::InputMissing, place, "a file", "nothing")
        }
        _ => Finding::new(Reason::InputUnreadable, place, "a file that can be read", error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::World;
    use ecugate_verifier::values::reason::Reason;
    use ecugate_verifier::values::time::Time;
    use std::path::Path;

    fn reason_for(world: &World, path: &str, cap: usize) -> Option<Reason> {
        world.bytes(Path::new(path), cap).err().map(|finding| finding.reason)
    }

    #[test]
    fn a_file_of_exactly_the_cap_is_read_and_one_byte_more_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("four"), b"1234").unwrap();
        let world = World::of_cases(folder.path());
        assert_eq!(world.bytes(Path::new("four"), 4).unwrap(), b"1234");
        assert_eq!(reason_for(&world, "four", 3), Some(Reason::InputTooLarge));
    }

    #[test]
    fn a_file_that_tells_no_length_is_refused_at_the_cap_all_the_same() {
        // Files of /proc say that they have 0 bytes.
        if Path::new("/proc/self/status").exists() {
            assert_eq!(reason_for(&World::here(), "/proc/self/status", 16), Some(Reason::InputTooLarge));
        }
    }

    #[test]
    fn a_path_through_a_file_a_name_with_a_zero_byte_and_one_too_long_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), b"x").unwrap();
        let world = World::of_cases(folder.path());
        assert_eq!(reason_for(&world, "file/below", 9), Some(Reason::InputMissing));
        assert_eq!(reason_for(&world, "zero\0byte", 9), Some(Reason::InputUnreadable));
        assert_eq!(reason_for(&world, &"n".repeat(5_000), 9), Some(Reason::InputUnreadable));
    }

    #[test]
    fn a_case_of_a_batch_cannot_read_the_standard_input_that_carries_the_cases() {
        assert_eq!(reason_for(&World::of_cases(Path::new("")), "-", 9), Some(Reason::Usage));
    }

    #[test]
    fn two_inputs_cannot_both_be_standard_input() {
        let world = World::here();
        let first = world.open(Path::new("-"));
        assert!(first.is_ok());
        assert_eq!(world.open(Path::new("-")).err().map(|finding| finding.reason), Some(Reason::Usage));
    }

    #[test]
    fn a_time_that_was_given_wins_over_the_clock() {
        let at = Time::from_unix_seconds(7).unwrap();
        assert_eq!(World::here().time(Some(at)), Ok(at));
        assert!(World::here().time(None).unwrap() > at);
    }
}
