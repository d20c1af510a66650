//! The process of a module as the gate sees it: started with the site's environment alone, asked with a deadline,
//! ended with everything that it started.

use super::environment::{self, Environment};
use super::exchange::Answer;
use super::fault::TokenFault;
use super::wire::{self, FrameFault, Greeting};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use serde::de::DeserializeOwned;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a process may take to end by itself once nobody asks it any more.
const GRACE: Duration = Duration::from_millis(500);
/// How long to wait for a process that was killed. One that sticks in its driver is left to the system.
const DYING: Duration = Duration::from_secs(1);
/// Between two looks whether a process has ended.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// What the process of a module is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelperStart {
    /// The program `ecugate`, by absolute path. It is called as `token-helper -- MODULE`.
    pub program: PathBuf,
    /// The PKCS#11 module, by absolute path.
    pub module: PathBuf,
    /// All variables that the module sees.
    pub environment: Environment,
    /// How long it may take to start, and for each answer.
    pub deadline: Duration,
}

/// A process that has loaded its module.
pub(super) struct Running {
    child: Option<Child>,
    stream: UnixStream,
    deadline: Duration,
}

/// Why nothing more can be asked of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It closed the stream, most likely by ending.
    Ended,
    /// The deadline passed.
    TimedOut,
    /// It said something that is no answer.
    Nonsense(String),
}

impl From<FrameFault> for Broken {
    fn from(fault: FrameFault) -> Self {
        match fault {
            FrameFault::CutShort => Self::Ended,
            FrameFault::Stream(ErrorKind::TimedOut) => Self::TimedOut,
            FrameFault::Stream(ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => Self::Ended,
            other => Self::Nonsense(other.to_string()),
        }
    }
}

impl Running {
    /// Starts the program and waits until it has loaded the module.
    pub(super) fn start(start: &HelperStart) -> Result<Self, TokenFault> {
        let failed = |found: String, detail: String| TokenFault::ModuleFailed {
            path: start.module.display().to_string(),
            found,
            detail,
        };
        let unstarted = |error: io::Error| {
            let found = format!("its process {:?} cannot be started: {}", start.program.display(), error.kind());
            failed(found, error.to_string())
        };
        // Both ends are closed in every other process that is started; only this child gets its own.
        let (stream, theirs) = UnixStream::pair().map_err(unstarted)?;
        let mut command = environment::command(&start.program, &start.environment);
        command.args(["token-helper", "--"]).arg(&start.module);
        // A module that prints prints nowhere. A signal from the keyboard is the gate's, which ends the process itself.
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let child = command.spawn().map_err(unstarted)?;
        drop(command); // it holds the child's end
        let running = Self { child: Some(child), stream, deadline: start.deadline };
        match hear::<Greeting>(&mut running.timed()) {
            Ok(Ok(greeting)) if greeting == Greeting::ours() => Ok(running),
            Ok(Ok(_)) => Err(failed("its process is another version of ecugate".to_owned(), String::new())),
            Ok(Err(fault)) => Err(fault),
            Err(broken) => Err(failed(format!("{} while being loaded", running.bury(&broken)), String::new())),
        }
    }

    /// Asks and waits for the answer. After an error nothing may be asked any more.
    pub(super) fn ask(&self, frame: &[u8]) -> Result<Result<Answer, TokenFault>, Broken> {
        let mut stream = self.timed();
        stream.write_all(frame).map_err(FrameFault::from)?;
        hear(&mut stream)
    }

    /// The stream, with the deadline of one answer.
    fn timed(&self) -> Timed<'_> {
        Timed { stream: &self.stream, until: Instant::now() + self.deadline }
    }

    /// Is there nobody left to ask?
    pub(super) fn has_ended(&self) -> bool {
        self.child.as_ref().is_none_or(ended)
    }

    /// Ends it, and says in plain words what was the matter with it.
    pub(super) fn bury(mut self, broken: &Broken) -> String {
        let by_itself = self.has_ended();
        let status = self.end(Duration::ZERO);
        match broken {
            Broken::Nonsense(what) => format!("it gave {what} in place of an answer"),
            // What it had started kept the stream open.
            Broken::TimedOut if by_itself => status.map_or_else(timed_out(self.deadline), how),
            Broken::TimedOut => timed_out(self.deadline)(),
            Broken::Ended => status.map_or_else(|| "it went away".to_owned(), how),
        }
    }

    /// Waits `grace` for it to end by itself, kills what is left of it, and takes its status. `None` where it does not
    /// even die.
    fn end(&mut self, grace: Duration) -> Option<ExitStatus> {
        let mut child = self.child.take()?;
        let _ = self.stream.shutdown(Shutdown::Both);
        ended_within(&child, grace);
        // Before its status is taken: until then nobody else has its number.
        if let Some(group) = group(&child) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        if ended_within(&child, DYING) {
            return child.wait().ok();
        }
        let _ = thread::Builder::new().spawn(move || child.wait());
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end(GRACE);
    }
}

/// The group that a process leads: it was started so.
fn group(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Has it ended? Its status stays to be taken.
fn ended(child: &Child) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    group(child).is_none_or(|pid| !matches!(waitid(WaitId::Pid(pid), look), Ok(None)))
}

fn ended_within(child: &Child, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    while !ended(child) {
        if Instant::now() >= until {
            return false;
        }
        thread::sleep(BETWEEN_LOOKS);
    }
    true
}

fn timed_out(deadline: Duration) -> impl Fn() -> String {
    move || match (deadline.as_secs(), deadline.subsec_millis()) {
        (1, 0) => "it gave no answer in 1 second".to_owned(),
        (seconds, 0) => format!("it gave no answer in {seconds} seconds"),
        _ => format!("it gave no answer in {} milliseconds", deadline.as_millis()),
    }
}

/// How a process ended.
fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended itself with status {code}"),
        // By us too, where it had closed the stream and did not end.
        (_, Some(9)) => "it was killed by signal 9 (kill), or cut its connection to the gate".to_owned(),
        (_, Some(signal)) => {
            let name = match signal {
                4 => " (illegal instruction)",
                6 => " (abort)",
                7 => " (bus error)",
                8 => " (arithmetic)",
                11 => " (segmentation fault)",
                15 => " (terminated)",
                _ => "",
            };
            format!("it was killed by signal {signal}{name}")
        }
        _ => "it went away".to_owned(),
    }
}

/// The next frame.
fn hear<T: DeserializeOwned>(stream: &mut Timed<'_>) -> Result<Result<T, TokenFault>, Broken> {
    wire::read(stream)?.ok_or(Broken::Ended)
}

/// A stream with one deadline for everything that is read and written: who sends a byte now and then gains nothing.
struct Timed<'a> {
    stream: &'a UnixStream,
    until: Instant,
}

impl Timed<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

/// A socket's own deadline shows as this; whether the whole one has passed is asked anew.
fn goes_on(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.stream.set_read_timeout(self.left()?)?;
            match (&mut &*self.stream).read(buffer) {
                Err(error) if goes_on(&error) => {}
                done => return done,
            }
        }
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            self.stream.set_write_timeout(self.left()?)?;
            match (&mut &*self.stream).write(bytes) {
                Err(error) if goes_on(&error) => {}
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
