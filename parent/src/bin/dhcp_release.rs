//! The program `dhcp_release`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os().skip(1).map(|text| text.to_string_lossy().into_owned()).collect();
    parent::dhcp_tools::release::main(&arguments).print()
}
