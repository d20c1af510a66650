//! Waiting in turn for the lock of a file that another process holds.
//!
//! The system waits without end or not at all, and no dock may stand still because one process hangs: so the lock is tried
//! again and again. It goes with the file, also when a process dies.

use std::fs::{File, TryLockError};
use std::time::Duration;

/// How often and after how long it is tried again: ten seconds in all. It is held for the time of a write.
const TRIES: u32 = 5_000;
const BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// Takes the lock of a file.
///
/// # Errors
/// [`TryLockError::WouldBlock`] where another process has held it for ten seconds.
pub(crate) fn take(file: &File) -> Result<(), TryLockError> {
    take_by(file, std::thread::sleep)
}

/// The same for whoever is told how to wait.
pub(crate) fn take_by(file: &File, pause: impl Fn(Duration)) -> Result<(), TryLockError> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => pause(BETWEEN_TRIES),
            taken => return taken,
        }
    }
    file.try_lock()
}

#[cfg(test)]
mod tests {
    use super::{take, take_by};
    use std::cell::Cell;
    use std::fs::{File, TryLockError};
    use std::time::Duration;

    #[test]
    fn a_lock_that_is_held_is_waited_for_for_ten_seconds_and_taken_at_once_when_it_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let other = File::create(&path).unwrap();
        take(&other).unwrap();
        let (held, file) = (Cell::new(Some(other)), File::open(&path).unwrap());
        let waited = Cell::new(Duration::ZERO);
        let pause = |time| waited.set(waited.get() + time);
        assert!(matches!(take_by(&file, pause), Err(TryLockError::WouldBlock)));
        assert_eq!(waited.replace(Duration::ZERO), Duration::from_secs(10));
        let let_go = |time| {
            pause(time);
            if waited.get() >= Duration::from_millis(100) {
                drop(held.take());
            }
        };
        take_by(&file, let_go).unwrap();
        assert_eq!(waited.get(), Duration::from_millis(100));
    }
}
