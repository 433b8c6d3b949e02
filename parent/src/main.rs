//! One program file, run again for each role: the parent, or the worker that a hidden argument names.

use std::process::ExitCode;

use ipc::role::Role;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|argument| argument == shell::WORKER_ARGUMENT) {
        if arguments.get(2).is_some_and(|word| word == shell::SCRIPT_WORD) {
            shell::run_script();
        }
        let role = arguments.get(2).and_then(|word| word.to_str()).and_then(Role::from_word);
        match role {
            Some(role) => shell::run(role),
            None => return ExitCode::from(1),
        }
    }
    ExitCode::from(parent::start::main(&arguments))
}
