//! The command `ecugate`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
