//! What PXE clients are offered: a menu, a prompt, and boot servers.

use ipc::config::dhcp::{ConfiguredOption, OptionValue, Place};
use ipc::config::pxe::{BootServer, PxeBoot, PxeService};

use super::blame::{At as _, Wanted};
use super::draft::Draft;
use super::fault::Fault;
use super::number::number;
use super::tag;
use super::text::{fields, reveal, reveal_text, split};

/// Boot types below this one have a meaning in the PXE specification (section 2.2.2, table 2-3); the files of a menu get the
/// numbers from here.
const FILE_TYPE_FIRST: u16 = 0x8000;
/// The sub-option of option 43 that holds a prompt (the PXE specification, table 2-1).
const MENU_PROMPT: u8 = 10;
/// The timeout that PXE takes for "wait for ever".
const TIMEOUT_NEVER: u8 = 255;

/// Names of client system architectures, each at its number. They are those of RFC 4578 section 2.1, but for x86-64 and byte
/// code, which firmware numbers the other way round.
#[rustfmt::skip]
const ARCHITECTURES: &[&str] = &[
    "x86PC", "PC98", "IA64_EFI", "Alpha", "Arc_x86", "Intel_Lean_Client", "IA32_EFI", "x86-64_EFI", "Xscale_EFI", "BC_EFI",
    "ARM32_EFI", "ARM64_EFI",
];

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// `pxe-service = {TEST ","} ARCHITECTURE "," MENU ["," (TYPE | BASENAME) ["," SERVER]]`.
pub(crate) fn service(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (tests, rest) = tag::leading_tests(value.ok_or(Fault::Value)?);
    let (architecture, rest) = split(rest.ok_or(Fault::Value)?, ',');
    let (menu, rest) = split(rest.ok_or(Fault::Value)?, ',');
    let (what, server) = rest.map_or(("", None), |rest| split(rest, ','));
    draft.dhcp.pxe.enabled = true;
    let services = &mut draft.dhcp.pxe.services;
    let boot = match number(what) {
        Some(kind) if kind as u16 == 0 => PxeBoot::Local,
        Some(kind) => PxeBoot::Type(kind as u16),
        None => {
            let before = services.iter().filter(|service| matches!(service.boot, PxeBoot::File { .. })).count();
            let kind = u16::try_from(before).ok().and_then(|before| FILE_TYPE_FIRST.checked_add(before));
            PxeBoot::File { basename: reveal_text(what), kind: kind.ok_or(Fault::Value)? }
        }
    };
    let server = server.and_then(boot_server);
    let architecture =
        architecture_number(architecture).ok_or(Fault::Value).at(architecture, Wanted::Words(ARCHITECTURES))?;
    services.push(PxeService { architecture, menu: reveal(menu), boot, server, tests });
    Ok(())
}

fn architecture_number(text: &str) -> Option<u16> {
    match ARCHITECTURES.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        Some(position) => u16::try_from(position).ok(),
        None => number(text).map(|number| number as u16),
    }
}

/// A server by address or name; `None` for an empty one.
pub(crate) fn boot_server(text: &str) -> Option<BootServer> {
    let text = reveal_text(text);
    match text.parse() {
        Ok(address) => Some(BootServer::Address(address)),
        Err(_) if text.is_empty() => None,
        Err(_) => Some(BootServer::Name(text)),
    }
}

/// `pxe-prompt = {TEST ","} TEXT ["," SECONDS]`. What is no number of seconds means to wait for ever.
pub(crate) fn prompt(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (tests, rest) = tag::leading_tests(value.ok_or(Fault::Value)?);
    let (text, seconds) = split(rest.ok_or(Fault::Value)?, ',');
    // The timeout is one byte on the wire, and of a longer number its lowest byte counts.
    let mut value = vec![seconds.and_then(number).map_or(TIMEOUT_NEVER, |seconds| seconds as u8)];
    value.extend(reveal(text));
    draft.dhcp.pxe.enabled = true;
    let value = OptionValue::Bytes(value);
    draft.dhcp.options.push(ConfiguredOption {
        code: MENU_PROMPT,
        value,
        tests,
        force: false,
        pxe: false,
        place: Place::Prompt,
    });
    Ok(())
}

/// `dhcp-pxe-vendor = TEXT {"," TEXT}`.
pub(crate) fn vendor(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.dhcp.pxe.vendors.extend(value.into_iter().flat_map(fields).map(reveal));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn menu(lines: &[&str]) -> Result<Vec<PxeService>, Fault> {
        let mut draft = Draft::new();
        lines.iter().try_for_each(|line| service(&mut draft, Some(line)))?;
        Ok(draft.dhcp.pxe.services)
    }

    #[test]
    fn files_of_a_menu_are_numbered() {
        let menu = menu(&["X86PC,A,a", "0,B,7,192.0.2.1", "tag:a,,C", "x86-64_efi,D,d,srv"]).unwrap();
        let boots: Vec<_> = menu.iter().map(|service| &service.boot).collect();
        assert_eq!(boots[0], &PxeBoot::File { basename: "a".into(), kind: 0x8000 });
        assert_eq!((boots[1], boots[2]), (&PxeBoot::Type(7), &PxeBoot::Local));
        assert_eq!(boots[3], &PxeBoot::File { basename: "d".into(), kind: 0x8001 });
        assert_eq!(menu[1].server, Some(BootServer::Address(Ipv4Addr::new(192, 0, 2, 1))));
        assert_eq!(menu[3].server, Some(BootServer::Name("srv".into())));
        assert_eq!((menu[2].architecture, menu[3].architecture), (0, 7));
    }

    #[test]
    fn a_menu_line_needs_an_architecture_and_a_text() {
        for bad in ["", "Menu", "set:a,x86PC,Menu", "A64_EFI,Menu", "-1,Menu", "tag:a,tag:b"] {
            assert_eq!(menu(&[bad]), Err(Fault::Value), "{bad}");
        }
    }

    #[test]
    fn a_prompt_waits() {
        let mut draft = Draft::new();
        for line in ["tag:a,Press,60", "Press,0", "Press", "Press,x", "Press,300", ""] {
            prompt(&mut draft, Some(line)).unwrap();
        }
        let bytes = |option: &ConfiguredOption| match &option.value {
            OptionValue::Bytes(bytes) => bytes.clone(),
            other => panic!("{other:?}"),
        };
        let timeouts: Vec<u8> = draft.dhcp.options.iter().map(|option| bytes(option)[0]).collect();
        assert_eq!(timeouts, [60, 0, 255, 255, 44, 255]);
        assert_eq!(bytes(&draft.dhcp.options[0])[1..], *b"Press");
        assert_eq!(prompt(&mut draft, Some("tag:a")), Err(Fault::Value));
    }
}
