//! The privileged side.

pub mod command_line;
pub mod config;
