//! The files: segments `000001.jsonl`, `000002.jsonl`, …, of which only the last one is written and read.

use super::fault::JournalFault;
use super::line::{Begins, FORMAT, Line, Says};
use super::live;
use super::standing::Standing;
use super::tag::Tag;
use crate::new_file::{self, NewFileFault};
use crate::turn;
use ecugate_verifier::values::digest::Sha256;
use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Lines of one segment, those of its head not counted: what opening has to read at most.
pub(super) const LINES: u64 = 4_096;

/// A place in the journal: up to here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    segment: u64,
    offset: u64,
}

/// The last segment, as far as it was read.
#[derive(Debug)]
pub(super) struct Tail {
    position: Position,
    /// The number of its last line, for messages.
    line: u64,
    /// Lines after its head.
    body: u64,
    /// Digest of its last line.
    last: Sha256,
    pub(super) standing: Standing,
}

/// Makes the first segment of a journal, whose first hold gets `next_tag`.
pub(super) fn create(folder: &Path, next_tag: Tag) -> Result<(), JournalFault> {
    let unusable = |error| JournalFault::unusable(folder, &error);
    fs::create_dir_all(folder.join(live::FOLDER)).map_err(unusable)?;
    let _lock = locked(folder, true)?;
    if let Some(segment) = numbers(folder)?.first() {
        let place = path_of(folder, *segment).display().to_string();
        return Err(JournalFault::differs(place, "no journal yet", "a segment of one"));
    }
    let begins = Begins { format: FORMAT.to_owned(), segment: 1, next_tag, carries: 0 };
    let first = Line { before: Sha256::of(FORMAT.as_bytes()), says: vec![Says::Begins(begins)] };
    let mut text = first.encode()?;
    text.push(b'\n');
    write_new(&path_of(folder, 1), &text)?;
    // The folder itself must be found again too.
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent).and_then(|parent| parent.sync_all()),
        _ => Ok(()),
    }
    .map_err(unusable)
}

/// Takes the lock under which everything is read and written. It goes with the file, also when a process dies.
pub(super) fn lock(folder: &Path) -> Result<File, JournalFault> {
    locked(folder, false)
}

fn locked(folder: &Path, may_make: bool) -> Result<File, JournalFault> {
    let path = folder.join("lock");
    let unusable = |error| JournalFault::unusable(&path, &error);
    let mut options = File::options();
    // To read too, so that a pipe in its place is opened at once.
    let file = options.read(true).write(true).create(may_make).truncate(false).open(&path).map_err(unusable)?;
    match turn::take(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalFault::Busy),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

impl Tail {
    /// Reads the last segment. A line without its end was never acknowledged: it is cut off.
    pub(super) fn read(folder: &Path) -> Result<Self, JournalFault> {
        let segment = *numbers(folder)?
            .last()
            .ok_or_else(|| JournalFault::Missing { place: path_of(folder, 1).display().to_string() })?;
        Self::of(folder, segment, None)
    }

    /// Reads one segment, whose first line must name `before`.
    fn of(folder: &Path, segment: u64, before: Option<Sha256>) -> Result<Self, JournalFault> {
        let path = path_of(folder, segment);
        let text = fs::read(&path).map_err(|error| JournalFault::unusable(&path, &error))?;
        let place = || format!("{} line 1", path.display());
        let end = text.iter().position(|byte| *byte == b'\n');
        let head = end
            .and_then(|end| text.get(..end))
            .ok_or_else(|| JournalFault::differs(place(), "the head of a segment", "no line"))?;
        let line = Line::decode(head).map_err(|why| JournalFault::differs(place(), "a line of the journal", why))?;
        let [Says::Begins(begins)] = line.says.as_slice() else {
            return Err(JournalFault::differs(place(), "the head of a segment", "another line"));
        };
        if begins.format != FORMAT || begins.segment != segment {
            let found = format!("{} segment {}", begins.format, begins.segment);
            return Err(JournalFault::differs(place(), format!("{FORMAT} segment {segment}"), found));
        }
        let first = (segment == 1).then(|| Sha256::of(FORMAT.as_bytes()));
        if let Some(before) = before.or(first).filter(|before| *before != line.before) {
            return Err(JournalFault::differs(place(), before.to_string(), line.before.to_string()));
        }
        let offset = u64::try_from(head.len()).unwrap_or(u64::MAX).saturating_add(1);
        let mut tail = Self {
            position: Position { segment, offset },
            line: 1,
            body: 0,
            last: Sha256::of(head),
            standing: Standing::begin(begins),
        };
        tail.take(&path, text.get(head.len() + 1..).unwrap_or_default())?;
        if !tail.standing.is_whole() {
            return Err(JournalFault::differs(place(), "as many lines after it as it says", "fewer"));
        }
        Ok(tail)
    }

    /// Takes what others wrote since.
    pub(super) fn catch_up(mut self, folder: &Path) -> Result<Self, JournalFault> {
        let path = path_of(folder, self.position.segment);
        let unusable = |error| JournalFault::unusable(&path, &error);
        let mut file = File::open(&path).map_err(unusable)?;
        let length = file.metadata().map_err(unusable)?.len();
        if length < self.position.offset {
            let expected = format!("at least {} bytes", self.position.offset);
            return Err(JournalFault::differs(path.display().to_string(), expected, format!("{length} bytes")));
        }
        if length > self.position.offset {
            let mut text = Vec::new();
            file.seek(SeekFrom::Start(self.position.offset)).map_err(unusable)?;
            file.read_to_end(&mut text).map_err(unusable)?;
            self.take(&path, &text)?;
        }
        let next = self.position.segment.saturating_add(1);
        if path_of(folder, next).exists() {
            return Self::of(folder, next, Some(self.last))?.catch_up(folder);
        }
        Ok(self)
    }

    /// Takes lines, and cuts off what was never acknowledged: the last one, where it has no end, or a hole. A power cut
    /// can keep a part of a write and lose another, which then reads as zeros; no line of ours holds one. Every write is
    /// one line, and on the disk before the next begins: whatever else is wrong, somebody changed it.
    fn take(&mut self, path: &Path, text: &[u8]) -> Result<(), JournalFault> {
        let mut lines = text.split_inclusive(|byte| *byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            let is_last = lines.peek().is_none();
            match line.strip_suffix(b"\n") {
                Some(line) if !(is_last && line.contains(&0)) => self.take_line(path, line)?,
                _ => return cut(path, self.position.offset),
            }
        }
        Ok(())
    }

    fn take_line(&mut self, path: &Path, line: &[u8]) -> Result<(), JournalFault> {
        self.line = self.line.saturating_add(1);
        let differs = |expected: String, found: String| {
            JournalFault::differs(format!("{} line {}", path.display(), self.line), expected, found)
        };
        let read = Line::decode(line).map_err(|why| differs("a line of the journal".to_owned(), why))?;
        if read.before != self.last {
            return Err(differs(format!("after {}", self.last), format!("after {}", read.before)));
        }
        let is_body = self.standing.is_whole();
        for says in &read.says {
            self.standing.take(says).map_err(|(expected, found)| differs(expected.to_owned(), found))?;
        }
        self.end_line(line, is_body);
        Ok(())
    }

    /// Goes on behind a line whose statements were taken.
    fn end_line(&mut self, line: &[u8], is_body: bool) {
        self.last = Sha256::of(line);
        self.standing.end_line(self.last);
        self.body += u64::from(is_body);
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX).saturating_add(1);
        self.position.offset = self.position.offset.saturating_add(length);
    }

    /// Whether the next line belongs into a new segment.
    pub(super) const fn is_full(&self, lines: u64) -> bool {
        self.body >= lines
    }

    /// Writes one line at the end, of statements that were taken: on the disk when this returns.
    pub(super) fn write(&mut self, folder: &Path, says: Vec<Says>) -> Result<(), WriteFault> {
        let path = path_of(folder, self.position.segment);
        let fault = |is_doubtful, error| WriteFault { is_doubtful, fault: JournalFault::unusable(&path, &error) };
        let line = Line { before: self.last, says }.encode();
        let mut text = line.map_err(|fault| WriteFault { is_doubtful: false, fault: fault.into() })?;
        text.push(b'\n');
        let file = File::options().write(true).open(&path).map_err(|error| fault(false, error))?;
        let begin = self.position.offset;
        if let Err(error) = file.write_all_at(&text, begin) {
            // Where even this fails, what was cut short has no end and is cut off by the next writer.
            let _ = file.set_len(begin);
            return Err(fault(false, error));
        }
        if let Err(error) = file.sync_data() {
            let _ = file.set_len(begin);
            return Err(fault(true, error));
        }
        text.pop();
        self.line = self.line.saturating_add(1);
        self.end_line(&text, true);
        Ok(())
    }

    /// Begins the next segment with what is still open. On the disk when this returns.
    pub(super) fn begin_next(&mut self, folder: &Path) -> Result<(), JournalFault> {
        let segment = self.position.segment.saturating_add(1);
        write_new(&path_of(folder, segment), &head(self.last, &self.standing, segment)?)?;
        *self = Self::of(folder, segment, Some(self.last))?;
        Ok(())
    }
}

/// Why a line was not written.
pub(super) struct WriteFault {
    /// Whether it may stand on the disk or not, and nobody can tell.
    pub(super) is_doubtful: bool,
    pub(super) fault: JournalFault,
}

/// Cuts a segment off where it is not acknowledged.
fn cut(path: &Path, length: u64) -> Result<(), JournalFault> {
    let file = File::options().write(true).open(path);
    file.and_then(|file| file.set_len(length)).map_err(|error| JournalFault::unusable(path, &error))
}

/// Reads every segment there is, from the first one on. Answers their number, that of their lines, and the last one.
pub(super) fn audit(folder: &Path) -> Result<(u64, u64, Tail), JournalFault> {
    let (mut segments, mut lines) = (0, 0);
    let mut before: Option<Tail> = None;
    for segment in numbers(folder)? {
        if let Some(before) = before.as_ref().filter(|before| before.position.segment + 1 != segment) {
            let place = path_of(folder, before.position.segment + 1).display().to_string();
            return Err(JournalFault::differs(place, "a segment", "none, and later ones"));
        }
        let tail = Tail::of(folder, segment, before.as_ref().map(|before| before.last))?;
        if let Some(before) = &before {
            let expected = head(before.last, &before.standing, segment)?;
            let path = path_of(folder, segment);
            let text = fs::read(&path).map_err(|error| JournalFault::unusable(&path, &error))?;
            if !text.starts_with(&expected) {
                let place = format!("{} line 1", path.display());
                return Err(JournalFault::differs(place, "what the segment before left open", "something else"));
            }
        }
        segments += 1;
        lines += tail.line;
        before = Some(tail);
    }
    match before {
        Some(last) => Ok((segments, lines, last)),
        None => Err(JournalFault::Missing { place: path_of(folder, 1).display().to_string() }),
    }
}

/// The head of a segment, after the line of this digest: one statement a line.
fn head(mut before: Sha256, standing: &Standing, segment: u64) -> Result<Vec<u8>, JournalFault> {
    let mut text = Vec::new();
    for says in standing.head(FORMAT, segment) {
        let line = Line { before, says: vec![says] }.encode()?;
        before = Sha256::of(&line);
        text.extend(line);
        text.push(b'\n');
    }
    Ok(text)
}

/// Writes a new file, whole and durable, or none.
fn write_new(path: &Path, text: &[u8]) -> Result<(), JournalFault> {
    new_file::write(path, text).map_err(|fault| match fault {
        NewFileFault::Exists { path } => JournalFault::differs(path, "no segment of this number yet", "one"),
        NewFileFault::Unwritable { error, .. } => JournalFault::unusable(path, &error),
    })
}

/// The numbers of the segments there are, in order.
fn numbers(folder: &Path) -> Result<Vec<u64>, JournalFault> {
    let unusable = |error| JournalFault::unusable(folder, &error);
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).map_err(unusable)? {
        let name = entry.map_err(unusable)?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".jsonl")).and_then(|name| name.parse().ok());
        numbers.extend(number.filter(|number| path_of(folder, *number).file_name() == Some(name.as_os_str())));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn path_of(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:06}.jsonl"))
}
