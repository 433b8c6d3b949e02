//! The Lua program that hears of events (`dhcp-luascript`), in the script process.
//!
//! Lua is C, and the program is the administrator's: it runs where scripts run, and is confined as little. A crash in it is that of the
//! runner, which the keeper replaces.

use std::path::Path;

use ipc::log::{Line, Severity};
use mlua::{Function, Lua};
use script::{LuaCall, LuaValue};

/// A program that has been loaded.
pub(crate) struct Program {
    lua: Lua,
}

impl Program {
    /// Loads the program and calls its `init`. The error is Lua's text.
    pub(crate) fn load(path: &Path) -> Result<Program, String> {
        // With everything that Lua has: what it must not do is not for us to say.
        #[expect(unsafe_code, reason = "programs may load modules in C, as with dnsmasq")]
        // SAFETY: the module that a program loads is the administrator's choice, in a process that is there to run his programs.
        let lua = unsafe { Lua::unsafe_new() };
        let text = std::fs::read(path).map_err(|error| format!("cannot open {}: {error}", path.display()))?;
        let name = format!("@{}", path.display());
        lua.load(text).set_name(name).exec().map_err(told)?;
        if lua.globals().get::<Function>("lease").is_err() {
            return Err("lease function missing in Lua script".to_owned());
        }
        let program = Program { lua };
        program.call_plain("init")?;
        Ok(program)
    }

    /// Tells the program of an event; a line for the log if that fails. A function that it does not have is not missed.
    pub(crate) fn tell(&self, call: &LuaCall) -> Option<Line> {
        self.call(call)
            .err()
            .map(|text| Line { severity: Severity::Warning, text: format!("Lua script failed: {text}") })
    }

    fn call(&self, call: &LuaCall) -> Result<(), String> {
        let Ok(function) = self.lua.globals().get::<Function>(call.function) else { return Ok(()) };
        let table = self.lua.create_table().map_err(told)?;
        for (name, value) in &call.entries {
            match value {
                LuaValue::Text(bytes) => {
                    let text = self.lua.create_string(bytes).map_err(told)?;
                    table.set(name.as_str(), text).map_err(told)?;
                }
                LuaValue::Number(number) => table.set(name.as_str(), *number).map_err(told)?,
            }
        }
        function.call::<()>((call.action.as_str(), table)).map_err(told)
    }

    /// Calls its `shutdown`.
    pub(crate) fn shut_down(&self) {
        let _ = self.call_plain("shutdown");
    }

    fn call_plain(&self, name: &str) -> Result<(), String> {
        match self.lua.globals().get::<Function>(name) {
            Ok(function) => function.call::<()>(()).map_err(told),
            Err(_) => Ok(()),
        }
    }
}

/// Lua's own text, in one line.
fn told(error: mlua::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
