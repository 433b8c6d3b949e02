//! The program `dhcp_release6`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().map(|text| text.to_string_lossy().into_owned());
    let name = arguments.next().unwrap_or_default();
    parent::dhcp_tools::release6::main(&name, &arguments.collect::<Vec<_>>()).print()
}
