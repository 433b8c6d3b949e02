//! Which options an answer carries, in dnsmasq's order, and the BOOTP fields that go with them.

use std::net::Ipv4Addr;

use ipc::config::dhcp::{Boot, ConfiguredOption, INFINITE, OptionValue, Place};
use ipc::log::Line;

use crate::client_name;
use crate::lines;
use crate::pool::Network;
use crate::reply::Reply;
use crate::tags::contains;
use crate::v4::{Exchange, pxe};

/// Not to be configured: padding, the codes with a meaning of their own in the writer, and those sent from elsewhere.
const NEVER_FROM_CONFIGURATION: [u8; 7] = [0, 52, 57, 58, 59, 81, 255];
/// For these an empty value means "do not send the default", not "send it empty".
const SUPPRESSED_BY_EMPTY: [u8; 6] = [1, 3, 6, 12, 15, 28];
/// The option of enterprises (RFC 3925 section 4), and what one part of it holds behind number and length.
const ENTERPRISE_OPTIONS: u8 = 125;
const ENTERPRISE_DATA_BYTES_MAX: usize = 250;
/// The longest value of an option inside another, so that one always fits.
const MEMBER_BYTES_MAX: usize = 252;
/// Pseudo-option `server-ip-address`: fills `siaddr`.
const SERVER_IP_ADDRESS: u8 = 255;

/// What the options of an answer depend on, besides the request.
pub(crate) struct Terms<'a> {
    /// The network of the client's address; an INFORM may come from elsewhere.
    pub(crate) network: Option<&'a Network<'a>>,
    /// The client's address, for its domain.
    pub(crate) address: Ipv4Addr,
    /// Host name to tell the client.
    pub(crate) name: Option<&'a str>,
    /// Seconds; [`INFINITE`] also when there is no lease time to tell.
    pub(crate) lease_time_s: u32,
    /// A random number that brings renewals forward, 0 for none.
    pub(crate) fuzz: u16,
    /// Seconds since the lease was made, when somebody asks for it who is not the client: only what is asked for is told then.
    pub(crate) elapsed_s: Option<u32>,
}

impl<'a> Terms<'a> {
    /// Those of an answer to the client itself.
    pub(crate) fn new(
        network: Option<&'a Network<'a>>,
        address: Ipv4Addr,
        name: Option<&'a str>,
        lease_time_s: u32,
    ) -> Terms<'a> {
        Terms { network, address, name, lease_time_s, fuzz: 0, elapsed_s: None }
    }
}

/// Adds everything that follows the message type, the server id, the lease time and rapid commit.
pub(crate) fn fill(exchange: &Exchange<'_>, terms: &Terms<'_>, reply: &mut Reply, lines: &mut Vec<Line>) {
    let slice = &exchange.config.slice;
    let local = terms.network.map_or(Ipv4Addr::UNSPECIFIED, |network| network.local);
    let chosen = Chosen::new(exchange, terms.network, lines);
    exchange.log_requested(lines);
    let asked = |code: u8| exchange.requested.as_ref().is_none_or(|list| list.contains(&code));

    // Boot data goes into options when the client lists them, else into the header fields.
    let query = terms.elapsed_s.is_some();
    if terms.network.is_some() && !query {
        reply.set_siaddr(local);
    }
    let as_option = |code: u8| !slice.no_override && exchange.requested.is_some() && asked(code);
    let (mut file_done, mut sname_done) = (false, false);
    if query {
        // Whoever asks for a lease does not boot.
    } else if let Some(boot) = boot_line(exchange) {
        if let Some(name) = &boot.server_name {
            if as_option(66) { reply.put(66, &with_nul(name.as_bytes())) } else { reply.set_sname(name.as_bytes()) }
        }
        if !boot.file.is_empty() {
            if as_option(67) {
                reply.put(67, &with_nul(boot.file.as_bytes()));
            } else {
                reply.set_file(boot.file.as_bytes());
            }
        }
        if let Some(server) = &boot.next_server {
            match exchange.look_up(server, lines) {
                Some(address) => reply.set_siaddr(address),
                None => reply.clear_siaddr(),
            }
        }
    } else {
        let unlisted =
            |code: u8| chosen.of(code).filter(|option| !option.force && (exchange.requested.is_none() || !asked(code)));
        if let Some(option) = unlisted(67) {
            reply.set_file(&value(option, local, false));
            file_done = true;
        }
        if let Some(option) = unlisted(66) {
            reply.set_sname(&value(option, local, false));
            sname_done = true;
        }
        if let Some(ConfiguredOption { value: OptionValue::Addresses(addresses), .. }) = chosen.of(SERVER_IP_ADDRESS)
            && let Some(address) = addresses.first()
        {
            reply.set_siaddr(*address);
        }
    }
    if exchange.requested.is_some() && !slice.no_override {
        reply.allow_overload();
    }

    if let Some(subnet) = exchange.selector {
        // RFC 3011 section 3: echoed whether listed or not.
        reply.put_address(118, subnet);
    }
    if terms.lease_time_s != INFINITE {
        let (t1, t2) = renewal_times(&chosen, terms);
        let elapsed_s = terms.elapsed_s.unwrap_or(0);
        for (code, seconds) in [(58, t1), (59, t2)].into_iter().filter(|(code, _)| !query || asked(*code)) {
            reply.put_number(code, seconds.saturating_sub(elapsed_s));
        }
        if let Some(elapsed_s) = terms.elapsed_s.filter(|elapsed_s| *elapsed_s > 0 && asked(91)) {
            reply.put_number(91, elapsed_s);
        }
    }
    if let Some(network) = terms.network {
        if chosen.of(1).is_none() && (!query || asked(1)) {
            reply.put_address(1, network.netmask);
        }
        if chosen.of(28).is_none() && (!query || asked(28)) {
            reply.put_address(28, network.broadcast);
        }
        if let Some(router) = network.router.filter(|_| asked(3) && chosen.of(3).is_none()) {
            reply.put_address(3, router);
        }
        if slice.dns_served && asked(6) && chosen.of(6).is_none() {
            reply.put_address(6, local);
        }
    }
    let nul = exchange.said.ends_with_nul;
    let domain = slice.domains.of(terms.address.into());
    if let Some(domain) = domain.filter(|_| asked(15) && chosen.of(15).is_none()) {
        reply.put(15, &text(domain.as_bytes(), nul));
    }
    if let Some(name) = terms.name {
        if asked(12) && chosen.of(12).is_none() {
            reply.put(12, &text(name.as_bytes(), nul));
        }
        if let Some(flags) = exchange.said.fqdn_flags {
            reply.put(81, &client_name::fqdn_value(flags, name, domain, nul));
        }
    }

    let is_pxe = exchange.pxe.as_ref().is_some_and(|pxe| pxe.architecture.is_some());
    for option in &chosen.options {
        let code = option.code;
        let suppressed = matches!(option.value, OptionValue::Empty) && SUPPRESSED_BY_EMPTY.contains(&code);
        let in_header = (code == 66 && sname_done) || (code == 67 && file_done);
        let wanted = option.force || asked(code);
        // A PXE client is told the class that makes it one, and no other.
        let other_class = code == 60 && is_pxe;
        if wanted && !suppressed && !in_header && !other_class && !NEVER_FROM_CONFIGURATION.contains(&code) {
            // Boot ROMs want their two strings to end with NUL whatever else the client does.
            reply.put(code, &value(option, local, nul || matches!(code, 66 | 67)));
        }
    }
    put_containers(exchange, false, asked, reply);
    put_vendor_options(exchange, &chosen, local, terms.network.is_some(), reply, lines);

    for code in reply.left_out() {
        lines.push(lines::warning(format!("cannot send DHCP/BOOTP option {code}: no space left in packet")));
    }
}

/// A set of option codes.
#[derive(Clone, Copy, Default)]
struct Codes([u64; 4]);

impl Codes {
    fn has(&self, code: u8) -> bool {
        self.0[usize::from(code / 64)] & (1 << (code % 64)) != 0
    }

    /// Adds a code; false if it is there already.
    fn insert(&mut self, code: u8) -> bool {
        let new = !self.has(code);
        self.0[usize::from(code / 64)] |= 1 << (code % 64);
        new
    }
}

/// The configured options that apply to one answer: at most one per code, in list order.
struct Chosen<'s> {
    options: Vec<&'s ConfiguredOption>,
}

impl<'s> Chosen<'s> {
    /// Options whose tests pass go before options that only pass with the pool's own tag, and those before options without
    /// tests. Among equals the first of the list, which is the last of the file, wins.
    fn new(exchange: &Exchange<'s>, network: Option<&Network<'s>>, lines: &mut Vec<Line>) -> Chosen<'s> {
        let pxe = exchange.pxe.as_ref().filter(|pxe| pxe.architecture.is_some());
        let usable = |option: &ConfiguredOption| !option.pxe || pxe.is_some();
        Chosen::among(exchange, usable, network, lines)
    }

    fn among(
        exchange: &Exchange<'s>,
        usable: impl Fn(&ConfiguredOption) -> bool,
        network: Option<&Network<'_>>,
        lines: &mut Vec<Line>,
    ) -> Chosen<'s> {
        let plain = || {
            let options = exchange.config.slice.options.iter().enumerate();
            options.filter(|(_, option)| option.place == Place::Plain && usable(option))
        };
        if plain().next().is_none() {
            return Chosen { options: Vec::new() };
        }
        let mut with_pool = exchange.set_tags.clone();
        if let Some(tag) = network.and_then(|network| network.pool.set_tag.as_deref()) {
            with_pool.set(tag);
        }
        let with_pool = with_pool.with_following(&exchange.config.slice.tag_if);

        let mut taken = Codes::default();
        let mut options = Vec::new();
        for tags in [&exchange.bare_tags, &with_pool] {
            let mut round = taken;
            for (position, option) in plain().filter(|(_, option)| !option.tests.is_empty() && tags.pass(&option.tests))
            {
                if round.insert(option.code) {
                    options.push((position, option));
                }
            }
            taken = round;
        }
        let mut untagged = Codes::default();
        for (position, option) in plain().filter(|(_, option)| option.tests.is_empty()) {
            if untagged.has(option.code) {
                lines.push(lines::warning(format!("Ignoring duplicate dhcp-option {}", option.code)));
            } else if !taken.has(option.code) {
                untagged.insert(option.code);
                options.push((position, option));
            }
        }
        options.sort_by_key(|(position, _)| *position);
        Chosen { options: options.into_iter().map(|(_, option)| option).collect() }
    }

    fn of(&self, code: u8) -> Option<&'s ConfiguredOption> {
        self.options.iter().copied().find(|option| option.code == code)
    }
}

/// T1 and T2: half and seven eighths of the lease time unless configured sensibly (RFC 2131 section 4.4.5).
fn renewal_times(chosen: &Chosen<'_>, terms: &Terms<'_>) -> (u32, u32) {
    let lease = terms.lease_time_s;
    let configured = |code: u8| {
        let OptionValue::Bytes(bytes) = &chosen.of(code)?.value else { return None };
        let seconds = u32::from_be_bytes(bytes.as_slice().try_into().ok()?);
        (2 < seconds && seconds < lease).then_some(seconds)
    };
    let t2 = configured(59).unwrap_or((u64::from(lease) * 7 / 8) as u32);
    let t1 = configured(58).unwrap_or(lease / 2).min(t2.saturating_sub(1));
    let mut fuzz = u32::from(terms.fuzz);
    while fuzz > t1 / 8 {
        fuzz /= 2;
    }
    (t1 - fuzz, t2 - fuzz)
}

/// Containers out of `encap:` and `vi-encap:` options (those for PXE clients alone, or those for everybody), each where the first of its
/// members stands in the list, sent or not. Asking for a container is asking for all its members.
fn put_containers(exchange: &Exchange<'_>, pxe: bool, asked: impl Fn(u8) -> bool, reply: &mut Reply) {
    let mut containers: Vec<(&Place, Vec<&ConfiguredOption>)> = Vec::new();
    for option in exchange.config.slice.options.iter().filter(|option| option.pxe == pxe) {
        let code = match option.place {
            Place::Encapsulated(code) => code,
            Place::Enterprise(_) => ENTERPRISE_OPTIONS,
            Place::Plain | Place::Vendor(_) | Place::Prompt => continue,
        };
        let known = containers.iter().position(|(place, _)| *place == &option.place);
        let container = known.unwrap_or(containers.len());
        if known.is_none() {
            containers.push((&option.place, Vec::new()));
        }
        if (option.force || asked(code)) && exchange.tags.pass(&option.tests) {
            containers[container].1.push(option);
        }
    }
    for (place, members) in containers.into_iter().filter(|(_, members)| !members.is_empty()) {
        match place {
            Place::Encapsulated(code) => put_container(exchange, reply, *code, Vec::new(), &members),
            Place::Enterprise(enterprise) => put_enterprise(reply, *enterprise, &members),
            Place::Plain | Place::Vendor(_) | Place::Prompt => {}
        }
    }
}

/// Option 43 out of the `vendor:` options that fit, for PXE clients behind their menu, and the client's own option 60 back. Asking for
/// either option is asking for both.
fn put_vendor_options(
    exchange: &Exchange<'_>,
    chosen: &Chosen<'_>,
    local: Ipv4Addr,
    ours: bool,
    reply: &mut Reply,
    lines: &mut Vec<Line>,
) {
    let asked = |code: u8| exchange.requested.as_ref().is_none_or(|list| list.contains(&code));
    // Who informs itself on a network that is not ours is no PXE client of ours.
    let pxe = exchange.pxe.as_ref().filter(|_| ours);
    if let Some((pxe, architecture)) = pxe.and_then(|pxe| Some((pxe, pxe.architecture?))) {
        pxe::put_identity(pxe, reply);
        let head = pxe::menu(exchange, architecture, local);
        let forced = vendor_members(exchange).any(|option| option.force);
        match head {
            Ok(head) if asked(43) || forced => put_vendor_container(exchange, reply, head),
            Ok(_) => {}
            Err(line) => lines.push(line),
        }
        return;
    }
    let is_pxe = exchange.pxe.as_ref().is_some_and(|pxe| pxe.architecture.is_some());
    let sent = !is_pxe && !reply.left_out().contains(&60);
    let own_class = chosen.of(60).filter(|option| sent && (option.force || asked(60)));
    let own_class = own_class.map(|option| value(option, exchange.fallback, false));
    let class = own_class.as_deref().or(exchange.packet.option(60));
    let Some(class) = class.filter(|class| !class.is_empty()) else { return };
    let options: Vec<_> = members_for(exchange, class).collect();
    if options.is_empty() || !(asked(43) || asked(60) || options.iter().any(|option| option.force)) {
        return;
    }
    put_container(exchange, reply, 43, Vec::new(), &options);
    if own_class.is_none()
        && !is_pxe
        && let Some(class) = exchange.packet.option(60)
    {
        reply.put(60, class);
    }
}

/// The `vendor:` options, prompts included, that the client's class asks for.
pub(crate) fn vendor_members<'e>(exchange: &'e Exchange<'_>) -> impl Iterator<Item = &'e ConfiguredOption> {
    let class = exchange.packet.option(60).filter(|class| !class.is_empty());
    class.into_iter().flat_map(move |class| members_for(exchange, class))
}

fn members_for<'e>(exchange: &'e Exchange<'_>, class: &'e [u8]) -> impl Iterator<Item = &'e ConfiguredOption> {
    let slice = &exchange.config.slice;
    slice.options.iter().filter(move |option| {
        let fits = match &option.place {
            Place::Vendor(text) => contains(class, text),
            Place::Prompt => pxe::vendors(&slice.pxe).any(|vendor| contains(class, vendor)),
            Place::Plain | Place::Encapsulated(_) | Place::Enterprise(_) => false,
        };
        fits && !option.pxe && exchange.tags.pass(&option.tests)
    })
}

/// Option 43 with what stands in front, if there is anything to say.
pub(crate) fn put_vendor_container(exchange: &Exchange<'_>, reply: &mut Reply, head: Vec<u8>) {
    let members: Vec<_> = vendor_members(exchange).collect();
    if !(head.is_empty() && members.is_empty()) {
        put_container(exchange, reply, 43, head, &members);
    }
}

/// The options for PXE clients alone, all of them (`dhcp-option-pxe`).
pub(crate) fn put_pxe_options(exchange: &Exchange<'_>, local: Ipv4Addr, reply: &mut Reply, lines: &mut Vec<Line>) {
    let chosen = Chosen::among(exchange, |option| option.pxe, None, lines);
    for option in &chosen.options {
        if !NEVER_FROM_CONFIGURATION.contains(&option.code) {
            reply.put(option.code, &value(option, local, exchange.said.ends_with_nul));
        }
    }
    put_containers(exchange, true, |_| true, reply);
}

/// The `dhcp-boot` line for the client: one whose tests hold, else one without tests.
pub(crate) fn boot_line<'s>(exchange: &Exchange<'s>) -> Option<&'s Boot> {
    let lines = &exchange.config.slice.boot;
    let tested = lines.iter().find(|boot| !boot.tests.is_empty() && exchange.tags.pass(&boot.tests));
    tested.or_else(|| lines.iter().find(|boot| boot.tests.is_empty()))
}

/// An option that holds options (RFC 2132 section 8.4) behind `head`, in several parts if it must be (RFC 3396): only the last has an end.
fn put_container(exchange: &Exchange<'_>, reply: &mut Reply, code: u8, head: Vec<u8>, members: &[&ConfiguredOption]) {
    let mut container = head;
    for (member, value, length) in encoded(members, exchange.said.ends_with_nul) {
        if container.len() + value.len() + 3 > 255 {
            reply.put(code, &container);
            container.clear();
        }
        container.extend_from_slice(&[member, length]);
        container.extend_from_slice(&value);
    }
    container.push(255);
    reply.put(code, &container);
}

/// Options of one enterprise (RFC 3925 section 4), in several parts if it must be.
fn put_enterprise(reply: &mut Reply, enterprise: u32, members: &[&ConfiguredOption]) {
    let mut put = |data: &[u8]| {
        let mut container = enterprise.to_be_bytes().to_vec();
        container.push(data.len() as u8);
        container.extend_from_slice(data);
        reply.put(ENTERPRISE_OPTIONS, &container);
    };
    let mut data = Vec::new();
    for (member, value, length) in encoded(members, false) {
        if data.len() + value.len() + 2 > ENTERPRISE_DATA_BYTES_MAX {
            put(&data);
            data.clear();
        }
        data.extend_from_slice(&[member, length]);
        data.extend_from_slice(&value);
    }
    put(&data);
}

/// Codes, values and lengths of options inside a container, where 0.0.0.0 has no second meaning.
fn encoded(members: &[&ConfiguredOption], nul: bool) -> impl Iterator<Item = (u8, Vec<u8>, u8)> {
    members.iter().filter_map(move |option| {
        let value = value(option, Ipv4Addr::UNSPECIFIED, nul);
        let length = u8::try_from(value.len()).ok().filter(|length| usize::from(*length) <= MEMBER_BYTES_MAX)?;
        Some((option.code, value, length))
    })
}

fn value(option: &ConfiguredOption, local: Ipv4Addr, nul: bool) -> Vec<u8> {
    match &option.value {
        OptionValue::Empty => Vec::new(),
        OptionValue::Addresses(addresses) => {
            let ours = |address: &Ipv4Addr| if address.is_unspecified() { local } else { *address };
            addresses.iter().flat_map(|address| ours(address).octets()).collect()
        }
        OptionValue::Text(bytes) => text(bytes, nul),
        OptionValue::Bytes(bytes) => bytes.clone(),
    }
}

/// A string in an answer: with a NUL for clients that send one.
pub(crate) fn text(bytes: &[u8], nul: bool) -> Vec<u8> {
    if nul { with_nul(bytes) } else { bytes.to_vec() }
}

fn with_nul(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.push(0);
    bytes
}
