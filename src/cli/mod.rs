//! The command line: one file a command.

pub(crate) fn run() -> std::process::ExitCode {
    std::process::ExitCode::from(2)
}
