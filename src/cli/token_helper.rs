//! `ecugate token-helper MODULE`: the process that a PKCS#11 module runs in. The gate starts it, with one end of a
//! socket as its standard input; standard output and error lead nowhere.

use super::seam::USAGE;
use rustix::stdio::dup2_stdin;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

/// The process of a module.
#[derive(clap::Args)]
pub(crate) struct TokenHelper {
    /// The PKCS#11 module, by absolute path
    module: OsString,
}

impl TokenHelper {
    /// Serves until the gate is gone. Never status 0: nothing was judged, and a module that ends this process by
    /// itself says 0.
    pub(crate) fn run(&self) -> ExitCode {
        if let Ok(gate) = take_standard_input() {
            // Where the gate cannot be told anything more there is nobody to tell.
            let _ = ecugate::hsm::serve(gate, Path::new(&self.module));
        }
        ExitCode::from(USAGE)
    }
}

/// The socket, out of reach of a module that reads standard input, and closed in whatever that module starts.
fn take_standard_input() -> io::Result<UnixStream> {
    let gate = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    gate.peer_addr()?; // called by a person: no socket
    dup2_stdin(File::open("/dev/null")?)?;
    Ok(gate)
}
