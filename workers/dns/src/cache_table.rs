//! The table of names that SIGUSR1 prints with `log-queries`: what the cache holds, and what is known here.

use std::net::IpAddr;

use ipc::log::{Line, Severity};
use time::OffsetDateTime;

use crate::lines::{TypeName, line};
use crate::name::Shown;

/// Most rows: a table that nobody can read must not keep clients waiting.
const ROWS_MAX: usize = 100_000;

/// One row.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    /// Wire form; `None`: an address without a name.
    pub name: Option<&'a [u8]>,
    /// What the name has.
    pub value: Value<'a>,
    /// Asked for the name.
    pub forward: bool,
    /// Asked for the address.
    pub reverse: bool,
    /// The value is that there is none.
    pub negative: bool,
    pub origin: Origin<'a>,
}

/// What a name has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Address(IpAddr),
    /// Addresses of this family, of which it has none.
    NoAddress {
        ipv4: bool,
    },
    /// This name, in wire form.
    Alias(&'a [u8]),
    /// Records of this type.
    Other(u16),
    /// The name itself does not exist.
    Nothing,
    /// Names below it.
    NonTerminal,
}

/// Where a row comes from, and thereby how long it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin<'a> {
    /// An upstream. Seconds since the epoch.
    Upstream { expires_s: u64 },
    /// A lease. Seconds since the epoch; 0 never.
    Lease { expires_s: u64 },
    /// This hosts file.
    Hosts { path: &'a str },
    /// A `host-record`.
    HostRecord,
    /// Another line of the configuration.
    Configuration,
}

/// The lines of a table under way.
pub(crate) struct CacheTable<'o> {
    lines: &'o mut Vec<Line>,
    rows: usize,
    utc_offset_s: i32,
}

impl CacheTable<'_> {
    /// Writes the heading. Times are shown this far from UTC.
    pub fn new(lines: &mut Vec<Line>, utc_offset_s: i32) -> CacheTable<'_> {
        let heading = format!("{:30} {:40} {:10} {:24} Source", "Host", "Address", "Flags", "Expires");
        let rule = format!("{:-<30} {:-<40} {:-<10} {:-<24} {:-<12}", "", "", "", "", "");
        lines.extend([heading, rule].map(|text| line(Severity::Info, text)));
        CacheTable { lines, rows: 0, utc_offset_s }
    }

    /// Writes a row.
    pub fn row(&mut self, row: &Row<'_>) {
        self.rows += 1;
        if self.rows <= ROWS_MAX {
            self.lines.push(line(Severity::Info, self.text(row)));
        }
    }

    /// Says what was left out.
    pub fn finish(self) {
        if let Some(more) = self.rows.checked_sub(ROWS_MAX).filter(|more| *more > 0) {
            self.lines.push(line(Severity::Info, format!("{more} more rows are not shown")));
        }
    }

    fn text(&self, row: &Row<'_>) -> String {
        let name =
            row.name.map_or(String::new(), |name| if name.len() <= 1 { "<Root>".to_owned() } else { shown(name) });
        let value = match row.value {
            Value::Address(address) => address.to_string(),
            Value::Alias(target) => shown(target),
            Value::Other(rtype) => format!("<{}>", TypeName(rtype)),
            Value::NoAddress { .. } | Value::Nothing | Value::NonTerminal => String::new(),
        };
        let (expires, source) = match row.origin {
            Origin::Upstream { expires_s } => (self.time(expires_s), None),
            Origin::Lease { expires_s: 0 } => (String::new(), None),
            Origin::Lease { expires_s } => (self.time(expires_s), None),
            Origin::Hosts { path } => (String::new(), Some(path)),
            Origin::HostRecord => (String::new(), Some("config")),
            Origin::Configuration => (String::new(), None),
        };
        let source = source.filter(|_| !matches!(row.value, Value::NonTerminal));
        let flags = flags(row);
        let text = format!("{name:30.30} {value:40.40} {flags} {expires:24}");
        source.map_or(text.clone(), |source| format!("{text} {source:40}"))
    }

    /// As ctime(3) shows it.
    fn time(&self, wall_s: u64) -> String {
        let local = i64::try_from(wall_s).unwrap_or(i64::MAX).saturating_add(self.utc_offset_s.into());
        let Ok(at) = OffsetDateTime::from_unix_timestamp(local) else { return String::new() };
        let (weekday, month) = (at.weekday().to_string(), at.month().to_string());
        let (hour, minute, second) = at.to_hms();
        format!("{weekday:.3} {month:.3} {:2} {hour:02}:{minute:02}:{second:02} {}", at.day(), at.year())
    }
}

fn shown(name: &[u8]) -> String {
    Shown(name).to_string()
}

fn flags(row: &Row<'_>) -> String {
    let kind = match row.value {
        Value::Address(address) if address.is_ipv4() => '4',
        Value::NoAddress { ipv4: true } => '4',
        Value::Address(_) | Value::NoAddress { ipv4: false } => '6',
        Value::Alias(_) => 'C',
        Value::Other(_) => 'T',
        Value::Nothing => ' ',
        Value::NonTerminal => '!',
    };
    let immortal = !matches!(row.origin, Origin::Upstream { .. } | Origin::Lease { expires_s: 1.. });
    let configured = matches!(row.origin, Origin::HostRecord | Origin::Configuration);
    let set = [
        (row.forward, 'F'),
        (row.reverse, 'R'),
        (immortal, 'I'),
        (matches!(row.origin, Origin::Lease { .. }), 'D'),
        (row.negative, 'N'),
        (matches!(row.value, Value::Nothing), 'X'),
        (matches!(row.origin, Origin::Hosts { .. } | Origin::HostRecord), 'H'),
        (configured, 'C'),
        // Nothing is validated.
        (false, 'V'),
    ];
    std::iter::once(kind).chain(set.map(|(on, flag)| if on { flag } else { ' ' })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: Value<'static>, origin: Origin<'static>) -> Row<'static> {
        let negative = matches!(value, Value::NoAddress { .. } | Value::Nothing);
        Row { name: Some(b"\x04host\x03lan\0"), value, forward: true, reverse: false, negative, origin }
    }

    /// Compared with lines of the reference.
    #[test]
    fn rows_look_as_in_dnsmasq() {
        let mut lines = Vec::new();
        let mut table = CacheTable::new(&mut lines, 3_600);
        let address = Value::Address("10.0.0.1".parse().unwrap());
        let upstream = Origin::Upstream { expires_s: 1_795_618_698 - 3_600 };
        table.row(&Row { reverse: true, ..row(address, Origin::HostRecord) });
        table.row(&row(address, Origin::Hosts { path: "/tmp/hosts" }));
        table.row(&row(Value::Alias(b"\x05hosts\x03lan\0"), Origin::Configuration));
        table.row(&row(Value::Other(12), upstream));
        table.row(&row(Value::NoAddress { ipv4: true }, upstream));
        table.row(&row(Value::Nothing, upstream));
        table.row(&row(Value::NonTerminal, Origin::Configuration));
        table.row(&row(Value::NonTerminal, Origin::HostRecord));
        table.row(&row(Value::NonTerminal, Origin::Hosts { path: "" }));
        table.row(&row(Value::NonTerminal, Origin::Lease { expires_s: 0 }));
        table.finish();
        let expected = [
            "Host                           Address                                  Flags      Expires                  Source",
            "------------------------------ ---------------------------------------- ---------- ------------------------ ------------",
            "host.lan                       10.0.0.1                                 4FRI   HC                           config                                  ",
            "host.lan                       10.0.0.1                                 4F I   H                            /tmp/hosts                              ",
            "host.lan                       hosts.lan                                CF I    C                          ",
            "host.lan                       <PTR>                                    TF         Wed Nov 25 14:58:18 2026",
            "host.lan                                                                4F   N     Wed Nov 25 14:58:18 2026",
            "host.lan                                                                 F   NX    Wed Nov 25 14:58:18 2026",
            "host.lan                                                                !F I    C                          ",
            "host.lan                                                                !F I   HC                          ",
            "host.lan                                                                !F I   H                           ",
            "host.lan                                                                !F ID                              ",
        ];
        assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), expected);
    }
}
