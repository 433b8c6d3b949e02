//! The program `wardctl`: questions about a configuration, for people and scripts.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(parent::wardctl::main(std::env::args_os().skip(1)))
}
