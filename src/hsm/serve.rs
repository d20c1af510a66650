//! The process of a module: loads it, answers what the gate asks, and ends with the gate.

use super::exchange::{Answer, Request, Tokens as _};
use super::fault::TokenFault;
use super::module::Module;
use super::wire::{self, FrameFault, Greeting};
use rustix::process::{Signal, getpgrp, getpid, kill_current_process_group, kill_process};
use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

/// How long a module may take to end once the gate has gone. One that hangs would stay for ever.
const GRACE: Duration = Duration::from_secs(2);

/// Serves one module to the gate at the other end of `gate`, until that end is closed.
///
/// For the process that a [`Guarded`](super::Guarded) starts: where it does not end by itself then, it is killed.
///
/// # Errors
/// Where the gate cannot be answered. The fault of a module that does not load is said to the gate, and no error.
pub fn serve(mut gate: UnixStream, module: &Path) -> io::Result<()> {
    let incoming = gate.try_clone()?;
    let (asked, requests) = mpsc::channel();
    // Before the module is loaded: it may hang in that already.
    thread::Builder::new().spawn(move || {
        listen(incoming, asked);
        thread::sleep(GRACE);
        end_now();
    })?;
    let module = match Module::open(module) {
        Ok(module) => module,
        Err(fault) => return say::<Greeting>(&mut gate, &Err(fault)),
    };
    say(&mut gate, &Ok(Greeting::ours()))?;
    for request in requests {
        say::<Answer>(&mut gate, &module.ask(request))?;
    }
    Ok(())
}

/// Hands on what is asked, until the gate is gone or says what means nothing.
fn listen(mut incoming: UnixStream, asked: Sender<Request>) {
    while let Ok(Some(request)) = wire::read(&mut incoming) {
        if asked.send(request).is_err() {
            return;
        }
    }
}

fn say<T: serde::Serialize>(gate: &mut UnixStream, answer: &Result<T, TokenFault>) -> io::Result<()> {
    let frame = wire::frame(answer).or_else(|fault| wire::frame(&Err::<T, _>(unsaid(fault))));
    gate.write_all(&frame.map_err(io::Error::other)?)
}

fn unsaid(fault: FrameFault) -> TokenFault {
    TokenFault::ModuleFailed { path: String::new(), found: format!("its answer is {fault}"), detail: String::new() }
}

/// With whatever the module has started, where this process leads a group of its own.
fn end_now() {
    let _ = if getpgrp() == getpid() {
        kill_current_process_group(Signal::KILL)
    } else {
        kill_process(getpid(), Signal::KILL)
    };
}
