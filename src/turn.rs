//! Waiting in turn for the lock of a file that another process holds.
//!
//! The system waits without end or not at all, and no dock may stand still because one process hangs. So a thread of its
//! own waits with the system, which lets those who wait in by turns and at once, and it is left behind after a while.
//! (Asking again and again costs those who write the processor that they need, and luck decides who is let in.) The
//! lock goes with the file, also when a process dies.

use std::fs::{File, TryLockError};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// How long is waited. A lock is held for the time of a write.
const PATIENCE: Duration = Duration::from_secs(10);

/// Threads that wait for a lock which nobody of this process waits for any more: they end when it is let go. With so many
/// of them some process has long been hanging, and who comes now is told so at once.
static LEFT_BEHIND: AtomicUsize = AtomicUsize::new(0);
const MOST_LEFT_BEHIND: usize = 64;

/// Takes the lock of a file. After an error the file is to be closed: it may get the lock later.
///
/// # Errors
/// [`TryLockError::WouldBlock`] where others have held it for ten seconds.
pub(crate) fn take(file: &File) -> Result<(), TryLockError> {
    take_within(file, PATIENCE)
}

fn take_within(file: &File, patience: Duration) -> Result<(), TryLockError> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {}
        taken => return taken,
    }
    if LEFT_BEHIND.load(Ordering::Relaxed) >= MOST_LEFT_BEHIND {
        return Err(TryLockError::WouldBlock);
    }
    // Both are one open file, and so is their lock: it is let go when the last of them is closed.
    let waiting = file.try_clone().map_err(TryLockError::Error)?;
    let (says, hears) = mpsc::channel();
    // Set by the one who is through with it first: the thread that waits, or whoever waits for that.
    let is_over = Arc::new(AtomicBool::new(false));
    let wait = {
        let is_over = Arc::clone(&is_over);
        move || {
            let locked = lock(&waiting);
            drop(waiting);
            let _ = says.send(locked);
            if is_over.swap(true, Ordering::AcqRel) {
                LEFT_BEHIND.fetch_sub(1, Ordering::Relaxed);
            }
        }
    };
    thread::Builder::new().name("waits for a lock".to_owned()).spawn(wait).map_err(TryLockError::Error)?;
    if let Ok(locked) = hears.recv_timeout(patience) {
        return locked.map_err(TryLockError::Error);
    }
    LEFT_BEHIND.fetch_add(1, Ordering::Relaxed);
    if !is_over.swap(true, Ordering::AcqRel) {
        return Err(TryLockError::WouldBlock);
    }
    LEFT_BEHIND.fetch_sub(1, Ordering::Relaxed);
    hears.try_recv().map_or(Err(TryLockError::WouldBlock), |locked| locked.map_err(TryLockError::Error))
}

/// A signal to this thread is no answer.
fn lock(file: &File) -> io::Result<()> {
    loop {
        match file.lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            locked => return locked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LEFT_BEHIND, MOST_LEFT_BEHIND, take, take_within};
    use std::fs::{File, TryLockError};
    use std::os::unix::fs::MetadataExt as _;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    /// Whether the system says that somebody waits for the lock of this file.
    fn is_waited_for(file: &File) -> bool {
        let inode = format!(":{} ", file.metadata().unwrap().ino());
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains("->") && line.contains(&inode))
    }

    fn until(holds: impl Fn() -> bool) {
        while !holds() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn who_waits_for_a_lock_has_it_once_it_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let holder = File::create(&path).unwrap();
        take(&holder).unwrap();
        let waits = std::thread::spawn({
            let file = File::open(&path).unwrap();
            move || take(&file).map(|()| file)
        });
        until(|| is_waited_for(&holder));
        holder.unlock().unwrap();
        let _next = waits.join().unwrap().unwrap();
        assert!(matches!(holder.try_lock(), Err(TryLockError::WouldBlock)));
    }

    #[test]
    fn who_gives_up_has_no_lock_later_and_those_who_do_pile_up_only_so_high() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let holder = File::create(&path).unwrap();
        take(&holder).unwrap();
        for _ in 0..MOST_LEFT_BEHIND + 8 {
            let file = File::open(&path).unwrap();
            assert!(matches!(take_within(&file, Duration::ZERO), Err(TryLockError::WouldBlock)));
        }
        assert_eq!(LEFT_BEHIND.load(Ordering::Relaxed), MOST_LEFT_BEHIND);
        assert!(is_waited_for(&holder));
        drop(holder);
        until(|| LEFT_BEHIND.load(Ordering::Relaxed) == 0);
        assert!(File::open(&path).unwrap().try_lock().is_ok());
    }
}
