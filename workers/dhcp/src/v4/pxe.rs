//! Clients that boot over the network (the PXE specification 2.1): menus, and what stands behind their items.
//!
//! A PXE client gets a menu in option 43, with its address or, on a network of a proxy pool, beside the server that gives addresses.
//! Then it asks for an item of the menu, on port 4011 or on the server port, and gets the name of a file.

use std::net::Ipv4Addr;

use dhcproto::v4::MessageType;
use ipc::config::dhcp::PoolMode;
use ipc::config::pxe::{BootServer, Pxe as Slice, PxeBoot, PxeService};
use ipc::log::Line;

use super::{Answer, Exchange, Outcome, discover};
use crate::engine::Port;
use crate::lines;
use crate::options;
use crate::packet::{Packet, walk};
use crate::reply::Reply;

/// The vendor class of PXE clients, unless configured otherwise.
const VENDOR: &[u8] = b"PXEClient";
/// Architectures from here on are UEFI, which does not show the menu of a proxy offer but asks port 4011.
const UEFI: u16 = 6;
/// Sub-options of option 43 (the PXE specification, table 2-1).
const DISCOVERY_CONTROL: u8 = 6;
const BOOT_SERVERS: u8 = 8;
const BOOT_MENU: u8 = 9;
const MENU_PROMPT: u8 = 10;
const BOOT_ITEM: u8 = 71;
/// Discovery control: no broadcast, no multicast, use the list of servers; or boot without asking.
const USE_THE_LIST: u8 = 3;
const NO_BROADCAST: u8 = 2;
const DO_NOT_ASK: u8 = 8;
/// Wait for ever at the prompt.
const FOR_EVER: u8 = 255;
/// Longest menu, so that it fits into one option with what ends it.
const MENU_BYTES_MAX: usize = 253;
/// The bit of a layer that asks for credentials.
const SIGNED: u16 = 0x8000;

/// What a PXE client says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Pxe<'s> {
    /// The configured text that its vendor class begins with.
    pub(crate) vendor: &'s [u8],
    /// Option 93 (RFC 4578 section 2.1); without it there is no menu.
    pub(crate) architecture: Option<u16>,
    /// Option 97, to be repeated.
    pub(crate) uuid: Option<Vec<u8>>,
}

impl<'s> Pxe<'s> {
    /// `None` when the client is none.
    pub(super) fn of(slice: &'s Slice, packet: &Packet<'_>) -> Option<Pxe<'s>> {
        let class = packet.option(60).filter(|_| slice.enabled)?;
        let vendor = vendors(slice).find(|vendor| class.starts_with(vendor))?;
        let architecture =
            packet.option(93).and_then(|value| value.first_chunk()).map(|bytes| u16::from_be_bytes(*bytes));
        Some(Pxe { vendor, architecture, uuid: packet.option(97).map(<[u8]>::to_vec) })
    }
}

/// The vendor classes of PXE clients.
pub(crate) fn vendors(slice: &Slice) -> impl Iterator<Item = &[u8]> {
    let default = slice.vendors.is_empty().then_some(VENDOR);
    slice.vendors.iter().map(Vec::as_slice).chain(default)
}

/// Answers what is about PXE alone; `None` when it is for the rest of DHCP to answer.
pub(super) fn answer(exchange: &mut Exchange<'_>) -> Option<Outcome> {
    let kind = exchange.packet.kind();
    let on_pxe_port = exchange.arrival.port == Port::Pxe;
    if let Some(pxe) = exchange.pxe.clone() {
        let item = item_wanted(exchange.packet);
        if let Some((kind, layer)) = item.filter(|_| matches!(kind, Some(MessageType::Request | MessageType::Inform))) {
            return Some(give_item(exchange, &pxe, kind, layer));
        }
        let looks_around = kind == Some(MessageType::Discover);
        let proxied = exchange.networks.iter().any(|network| network.pool.mode == PoolMode::Proxy);
        if let Some(architecture) = pxe.architecture
            && proxied
            && (looks_around || on_pxe_port && kind == Some(MessageType::Request))
        {
            return Some(offer_beside(exchange, &pxe, architecture, looks_around));
        }
    }
    let only_proxied = exchange.networks.iter().all(|network| network.pool.mode == PoolMode::Proxy);
    (on_pxe_port || only_proxied).then_some(Outcome::Silence)
}

/// Type and layer of the item of the menu that is asked for.
fn item_wanted(packet: &Packet<'_>) -> Option<(u16, u16)> {
    let (_, item) = walk(packet.option(43)?).find(|(code, _)| *code == BOOT_ITEM)?;
    let [a, b, c, d, ..] = *item else { return None };
    Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}

/// Tells the file behind an item of the menu.
fn give_item(exchange: &mut Exchange<'_>, pxe: &Pxe<'_>, kind: u16, layer: u16) -> Outcome {
    let services = &exchange.config.slice.pxe.services;
    let found = services.iter().find_map(|service| match &service.boot {
        PxeBoot::File { basename, kind: own } if *own == kind => Some((service, basename)),
        _ => None,
    });
    let Some(address) = exchange.packet.ciaddr() else { return Outcome::Silence };
    if exchange.ignored {
        return Outcome::Silence;
    }
    if layer & SIGNED != 0 {
        exchange.lines.push(lines::error("PXE BIS not supported".to_owned()));
        return Outcome::Silence;
    }
    let Some((service, basename)) = found else { return Outcome::Silence };
    let local = exchange.networks.first().map_or(exchange.fallback, |network| network.local);

    let mut reply = Reply::to(exchange.packet);
    reply.clear_ciaddr();
    reply.set_yiaddr(address);
    let mut lines = Vec::new();
    if let Some(server) = server_of(exchange, service.server.as_ref(), local, &mut lines) {
        reply.set_siaddr(server);
    }
    exchange.lines.append(&mut lines);
    let file = file_name(basename, layer);
    reply.set_file(file.as_bytes());
    reply.put(53, &[MessageType::Ack.into()]);
    reply.put_address(54, exchange.server_id(exchange.networks.first()));
    put_identity(pxe, &mut reply);
    let mut head = vec![BOOT_ITEM, 4];
    head.extend_from_slice(&kind.to_be_bytes());
    head.extend_from_slice(&layer.to_be_bytes());
    options::put_vendor_container(exchange, &mut reply, head);
    exchange.say("PXE", Some(address), &file, "");
    exchange.say_tags();
    // It has its address already and can answer ARP.
    Outcome::Answer(Answer { neighbor: None, ..exchange.address(reply, address, Vec::new()) })
}

/// Offers a menu beside the address that another server offers.
fn offer_beside(exchange: &mut Exchange<'_>, pxe: &Pxe<'_>, architecture: u16, looks_around: bool) -> Outcome {
    let network = exchange.networks.iter().find(|network| network.pool.mode == PoolMode::Proxy).copied();
    let local = network.map_or(exchange.fallback, |network| network.local);
    let ignored = exchange.tags.pass_any(&exchange.config.slice.ignore);

    let kind = if looks_around { MessageType::Offer } else { MessageType::Ack };
    let mut reply = Reply::to(exchange.packet);
    reply.put(53, &[kind.into()]);
    reply.put_address(54, exchange.server_id(network.as_ref()));
    put_identity(pxe, &mut reply);
    if looks_around || exchange.packet.ciaddr().is_none() {
        reply.set_broadcast();
    }
    let mut lines = Vec::new();
    let only = only_file(exchange, architecture);
    match only {
        Some(_) if looks_around => reply.set_siaddr(local),
        Some((service, basename)) => {
            // UEFI firmware does not load the only item of a menu by itself, so it is told the file at once.
            let server = server_of(exchange, service.server.as_ref(), local, &mut lines);
            let server = server.unwrap_or(Ipv4Addr::UNSPECIFIED);
            reply.set_file(file_name(basename, 0).as_bytes());
            reply.set_sname(server.to_string().as_bytes());
            reply.set_siaddr(server);
        }
        None => {
            let boot = options::boot_line(exchange);
            if let Some(boot) = boot {
                reply.set_file(boot.file.as_bytes());
            }
            let server = boot.and_then(|boot| boot.next_server.as_ref());
            if let Some(server) = server {
                if let Some(address) = exchange.look_up(server, &mut lines) {
                    reply.set_siaddr(address);
                }
            } else if architecture >= UEFI {
                reply.set_siaddr(local);
            }
        }
    }
    // The menu in an offer would keep UEFI firmware from asking port 4011.
    if only.is_none() && (architecture < UEFI || exchange.arrival.port == Port::Pxe) {
        match menu(exchange, architecture, local) {
            Ok(head) => options::put_vendor_container(exchange, &mut reply, head),
            Err(line) => lines.push(line),
        }
    }
    options::put_pxe_options(exchange, local, &mut reply, &mut lines);
    exchange.lines.append(&mut lines);
    exchange.say("PXE", None, if ignored { "proxy-ignored" } else { "proxy" }, "");
    exchange.say_tags();
    if ignored {
        return Outcome::Silence;
    }
    let delay_s = discover::delay_s(exchange);
    Outcome::Answer(Answer { delay_s, ..exchange.address(reply, Ipv4Addr::BROADCAST, Vec::new()) })
}

/// Options 60 and 97: who we take the client for.
pub(crate) fn put_identity(pxe: &Pxe<'_>, reply: &mut Reply) {
    reply.put(60, pxe.vendor);
    if let Some(uuid) = &pxe.uuid {
        reply.put(97, uuid);
    }
}

/// What option 43 says of boot servers and the menu, or a line about why it says nothing. It is empty for UEFI clients with a single
/// file.
pub(crate) fn menu(exchange: &Exchange<'_>, architecture: u16, local: Ipv4Addr) -> Result<Vec<u8>, Line> {
    if only_file(exchange, architecture).is_some() {
        return Ok(Vec::new());
    }
    let (mut servers, mut items) = (Vec::new(), Vec::new());
    let mut control = USE_THE_LIST;
    let services: Vec<_> = services_of(exchange, architecture).collect();
    for service in &services {
        let kind = match service.boot {
            PxeBoot::Local => 0,
            PxeBoot::Type(kind) | PxeBoot::File { kind, .. } => kind,
        };
        // A client asks us for files, wherever they are then loaded from.
        let server = match (&service.boot, &service.server) {
            (PxeBoot::File { .. }, _) => Some(local),
            (PxeBoot::Local | PxeBoot::Type(_), Some(server)) => exchange.look_up(server, &mut Vec::new()),
            (PxeBoot::Local | PxeBoot::Type(_), None) => None,
        };
        match server {
            Some(server) if kind != 0 => {
                servers.extend_from_slice(&kind.to_be_bytes());
                servers.push(1);
                servers.extend_from_slice(&server.octets());
            }
            None if kind != 0 => control = NO_BROADCAST,
            _ => {}
        }
        items.extend_from_slice(&kind.to_be_bytes());
        items.push(u8::try_from(service.menu.len()).unwrap_or(u8::MAX));
        items.extend_from_slice(&service.menu[..service.menu.len().min(usize::from(u8::MAX))]);
    }
    let mut head = vec![DISCOVERY_CONTROL, 1, if services.is_empty() { DO_NOT_ASK } else { control }];
    if !options::vendor_members(exchange).any(|option| option.code == MENU_PROMPT) {
        head.extend_from_slice(&[MENU_PROMPT, 4, if services.len() > 1 { FOR_EVER } else { 0 }]);
        head.extend_from_slice(b"PXE");
    }
    for (code, value) in [(BOOT_SERVERS, servers), (BOOT_MENU, items)] {
        if !value.is_empty() {
            head.extend_from_slice(&[code, u8::try_from(value.len()).unwrap_or(u8::MAX)]);
            head.extend_from_slice(&value);
        }
    }
    if head.len() > MENU_BYTES_MAX {
        return Err(lines::error("PXE menu too large".to_owned()));
    }
    Ok(head)
}

fn services_of<'e>(exchange: &'e Exchange<'_>, architecture: u16) -> impl Iterator<Item = &'e PxeService> {
    let services = exchange.config.slice.pxe.services.iter();
    services.filter(move |service| service.architecture == architecture && exchange.tags.pass(&service.tests))
}

/// The one file that is there for a UEFI architecture, whatever else is.
fn only_file<'e>(exchange: &'e Exchange<'_>, architecture: u16) -> Option<(&'e PxeService, &'e String)> {
    let services = services_of(exchange, architecture).filter(|_| architecture >= UEFI);
    let mut files = services.filter_map(|service| match &service.boot {
        PxeBoot::File { basename, .. } => Some((service, basename)),
        PxeBoot::Local | PxeBoot::Type(_) => None,
    });
    match (files.next(), files.next()) {
        (Some(file), None) => Some(file),
        _ => None,
    }
}

fn server_of(
    exchange: &Exchange<'_>,
    server: Option<&BootServer>,
    local: Ipv4Addr,
    lines: &mut Vec<Line>,
) -> Option<Ipv4Addr> {
    server.map_or(Some(local), |server| exchange.look_up(server, lines))
}

/// The file of a layer. A name that has a dot is complete.
fn file_name(basename: &str, layer: u16) -> String {
    if basename.contains('.') { basename.to_owned() } else { format!("{basename}.{layer}") }
}
