//! Arguments, by the rules of GNU `getopt_long`, to the same keys and values that a file yields.

use std::ffi::OsString;

use crate::config::{Config, ConfigError, Loaded};

pub(crate) fn load(_arguments: &[OsString]) -> Result<Loaded, ConfigError> {
    Ok(Loaded::Run(Box::new(Config::default())))
}
