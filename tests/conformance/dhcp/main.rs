//! Whole scenes of DHCP, recorded from dnsmasq 2.93: the same configuration and the same packets must give the same answers and the
//! same log lines, byte for byte. No root, no network, no reference.

mod scene;
mod server;

use scene::{Datagram, Scene};
use server::Server;

/// Every scene in the folder.
const SCENES: &[(&str, &str)] = &[
    ("boot_by_lease", include_str!("scenes/boot_by_lease.txt")),
    ("boot_by_name", include_str!("scenes/boot_by_name.txt")),
    ("bootp", include_str!("scenes/bootp.txt")),
    ("bootp_dynamic", include_str!("scenes/bootp_dynamic.txt")),
    ("bootp_dynamic_tags", include_str!("scenes/bootp_dynamic_tags.txt")),
    ("bootp_ignored", include_str!("scenes/bootp_ignored.txt")),
    ("bootp_leases", include_str!("scenes/bootp_leases.txt")),
    ("bootp_room_32", include_str!("scenes/bootp_room_32.txt")),
    ("bootp_room_33", include_str!("scenes/bootp_room_33.txt")),
    ("bootp_static", include_str!("scenes/bootp_static.txt")),
    ("bridge", include_str!("scenes/bridge.txt")),
    ("client_update", include_str!("scenes/client_update.txt")),
    ("generate_names", include_str!("scenes/generate_names.txt")),
    ("generate_names_tags", include_str!("scenes/generate_names_tags.txt")),
    ("leasequery", include_str!("scenes/leasequery.txt")),
    ("leasequery_infinite", include_str!("scenes/leasequery_infinite.txt")),
    ("leasequery_off", include_str!("scenes/leasequery_off.txt")),
    ("leasequery_quiet", include_str!("scenes/leasequery_quiet.txt")),
    ("leasequery_some", include_str!("scenes/leasequery_some.txt")),
    ("options_containers", include_str!("scenes/options_containers.txt")),
    ("options_containers_forced", include_str!("scenes/options_containers_forced.txt")),
    ("options_containers_plain", include_str!("scenes/options_containers_plain.txt")),
    ("options_full", include_str!("scenes/options_full.txt")),
    ("options_full_boot", include_str!("scenes/options_full_boot.txt")),
    ("options_full_no_override", include_str!("scenes/options_full_no_override.txt")),
    ("proxy_all", include_str!("scenes/proxy_all.txt")),
    ("proxy_some", include_str!("scenes/proxy_some.txt")),
    ("pxe_boot_only", include_str!("scenes/pxe_boot_only.txt")),
    ("pxe_both", include_str!("scenes/pxe_both.txt")),
    ("pxe_by_name", include_str!("scenes/pxe_by_name.txt")),
    ("pxe_ignored", include_str!("scenes/pxe_ignored.txt")),
    ("pxe_large", include_str!("scenes/pxe_large.txt")),
    ("pxe_no_prompt", include_str!("scenes/pxe_no_prompt.txt")),
    ("pxe_nothing", include_str!("scenes/pxe_nothing.txt")),
    ("pxe_odd", include_str!("scenes/pxe_odd.txt")),
    ("pxe_one", include_str!("scenes/pxe_one.txt")),
    ("pxe_prompt_only", include_str!("scenes/pxe_prompt_only.txt")),
    ("pxe_prompts", include_str!("scenes/pxe_prompts.txt")),
    ("pxe_proxy", include_str!("scenes/pxe_proxy.txt")),
    ("pxe_quiet", include_str!("scenes/pxe_quiet.txt")),
    ("pxe_rooms_85", include_str!("scenes/pxe_rooms_85.txt")),
    ("pxe_server", include_str!("scenes/pxe_server.txt")),
    ("pxe_server_uefi", include_str!("scenes/pxe_server_uefi.txt")),
    ("pxe_uefi", include_str!("scenes/pxe_uefi.txt")),
    ("pxe_vendor", include_str!("scenes/pxe_vendor.txt")),
    ("pxe_vendor_prompt", include_str!("scenes/pxe_vendor_prompt.txt")),
    ("relay", include_str!("scenes/relay.txt")),
    ("relay_and_server", include_str!("scenes/relay_and_server.txt")),
    ("relay_link", include_str!("scenes/relay_link.txt")),
    ("relay_nak", include_str!("scenes/relay_nak.txt")),
    ("relay_port", include_str!("scenes/relay_port.txt")),
    ("relay_quiet", include_str!("scenes/relay_quiet.txt")),
    ("relay_same", include_str!("scenes/relay_same.txt")),
    ("relay_split", include_str!("scenes/relay_split.txt")),
    ("relay_split_address", include_str!("scenes/relay_split_address.txt")),
    ("relay_split_replies", include_str!("scenes/relay_split_replies.txt")),
    ("relay_two", include_str!("scenes/relay_two.txt")),
    ("relay_via", include_str!("scenes/relay_via.txt")),
    ("reply_delay", include_str!("scenes/reply_delay.txt")),
    ("reply_delay_quiet", include_str!("scenes/reply_delay_quiet.txt")),
    ("shared_network", include_str!("scenes/shared_network.txt")),
    ("tags", include_str!("scenes/tags.txt")),
    ("tags_rules", include_str!("scenes/tags_rules.txt")),
    ("tags_values", include_str!("scenes/tags_values.txt")),
    ("tags_vendor", include_str!("scenes/tags_vendor.txt")),
];

#[test]
fn scenes_are_as_recorded() {
    let mut wrong = Vec::new();
    for (name, text) in SCENES {
        let scene = Scene::parse(text);
        let mut server = Server::start(&scene.config);
        wrong.extend(differences(&server.lines, &scene.start).map(|text| format!("{name}, start:\n{text}")));
        for case in &scene.cases {
            let (answers, lines) = server.ask(case);
            let answers = differences(&described(&answers), &described(&case.answers));
            let lines = differences(&lines, &case.lines);
            wrong.extend(answers.into_iter().chain(lines).map(|text| format!("{name}, {}:\n{text}", case.title)));
        }
        wrong.extend(differences(&server.leases(), &scene.leases).map(|text| format!("{name}, leases:\n{text}")));
    }
    assert!(wrong.is_empty(), "{} differences (- ours, + recorded)\n{}", wrong.len(), wrong.join("\n"));
}

/// Datagrams as text. What leaves through different interfaces has no order.
fn described(datagrams: &[Datagram]) -> Vec<String> {
    let mut datagrams: Vec<&Datagram> = datagrams.iter().collect();
    datagrams.sort_by_key(|datagram| &datagram.interface);
    datagrams.iter().map(|datagram| format!("{datagram:?}")).collect()
}

/// What differs between ours and the recorded, without the equal beginning and end.
fn differences(ours: &[String], recorded: &[String]) -> Option<String> {
    let same = ours.iter().zip(recorded).take_while(|(a, b)| a == b).count();
    let (ours, recorded) = (&ours[same..], &recorded[same..]);
    let same = ours.iter().rev().zip(recorded.iter().rev()).take_while(|(a, b)| a == b).count();
    let (ours, recorded) = (&ours[..ours.len() - same], &recorded[..recorded.len() - same]);
    let lines = ours.iter().map(|line| format!("  - {line}")).chain(recorded.iter().map(|line| format!("  + {line}")));
    let text: Vec<String> = lines.collect();
    (!text.is_empty()).then(|| text.join("\n"))
}
