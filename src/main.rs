//! The command `ecugate`.

mod cli;

fn main() -> std::process::ExitCode {
    // A panic is a bug of ours: never the status of a verdict.
    std::panic::catch_unwind(cli::run).unwrap_or_else(|_| std::process::ExitCode::from(cli::BUG))
}
