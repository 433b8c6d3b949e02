//! The tables as a page for people.

use std::fmt::Write as _;

use crate::table::{Bound, Call, Condition, Test, WorkerPolicy};
use crate::{dhcp, dns, net, parent, script, tftp};

/// The page `docs/confinement.md`: every table.
pub fn document() -> String {
    let mut page = String::from(
        "# Confinement\n\n\
         What each process may do to the system, printed from the tables in `policy/src` by\n\
         `cargo run -p policy --example confinement`; a test keeps this page fresh.\n\n\
         A worker is refused (EPERM) every system call that its table does not name, and killed for those that no worker could\n\
         ever mean. Besides: its own uid, no capabilities (but net's), no_new_privs, no executable memory, Landlock without any file (TFTP may\n\
         read below its roots), an empty root. \"Sockets\" are the descriptors of listening sockets, \"arrived later\" those\n\
         above all fixed places.\n\n",
    );
    for policy in [&dns::POLICY, &dhcp::POLICY, &tftp::POLICY, &net::POLICY] {
        page.push_str(&describe(policy));
        page.push('\n');
    }
    page.push_str("## All workers: calls that end the process\n\n| call | when | why |\n|---|---|---|\n");
    rows(&mut page, dns::POLICY.killed.iter());
    page.push_str(
        "\n## parent\n\nRefused to it and to everything it starts:\n\n| call | when | why |\n|---|---|---|\n",
    );
    rows(&mut page, parent::REFUSED.iter());
    page.push_str(
        "\nCapabilities from which it keeps what its configuration needs:\n\n| capability | why |\n|---|---|\n",
    );
    for (capability, why) in parent::CAPABILITIES {
        row(&mut page, &[&capability.to_string(), why]);
    }
    page.push_str("\n## script process\n\nNot confined. Started before the parent confines itself, where lease scripts are configured.\n\n");
    page.push_str("| layer | how it stands |\n|---|---|\n");
    for (layer, state) in script::LAYERS {
        row(&mut page, &[layer, state]);
    }
    page
}

/// One worker's table as a chapter in Markdown. The calls that kill are the same for all and have a chapter of their own.
pub fn describe(policy: &WorkerPolicy) -> String {
    let mut text = format!("## {}\n\n| call | when | why |\n|---|---|---|\n", policy.role);
    rows(&mut text, policy.allowed());
    if !policy.capabilities.is_empty() {
        text.push_str("\n| capability | why |\n|---|---|\n");
    }
    for kept in policy.capabilities {
        row(&mut text, &[&kept.capability.to_string(), kept.why]);
    }
    if !policy.namespaces.is_empty() {
        text.push_str("\n| namespace | why |\n|---|---|\n");
    }
    for namespace in policy.namespaces {
        row(&mut text, &[namespace.namespace.word(), namespace.why]);
    }
    text.push_str("\n| limit | value | why |\n|---|---|---|\n");
    for limit in policy.limits {
        let value = match limit.bound {
            Bound::At(amount) => amount.to_string(),
            Bound::LaterPlus(amount) => format!("fixed places + {amount}"),
            Bound::NoneIfOwnUid => "0, with a uid of its own".to_owned(),
        };
        row(&mut text, &[limit.resource.word(), &value, limit.why]);
    }
    text
}

fn rows<'a>(text: &mut String, calls: impl Iterator<Item = &'a Call>) {
    for call in calls {
        let conditions: Vec<String> = call.conditions.iter().map(words).collect();
        row(text, &[&format!("`{}`", call.name), &conditions.join(", "), call.why]);
    }
}

fn row(text: &mut String, cells: &[&str]) {
    let _ = writeln!(text, "| {} |", cells.join(" | ").replace('\n', " "));
}

fn words(condition: &Condition) -> String {
    let number = condition.argument;
    match condition.test {
        Test::Sockets => format!("arg {number} is one of the sockets"),
        Test::Later => format!("arg {number} arrived later"),
        Test::Epoll => format!("arg {number} is the epoll set"),
        Test::Null => format!("arg {number} is null"),
        Test::OneOf(values) => {
            let values: Vec<String> = values.iter().map(|value| format!("{value:#x}")).collect();
            format!("arg {number} is {}", values.join(" or "))
        }
        Test::Within(bits) => format!("arg {number} within {bits:#x}"),
        Test::Exactly { value, free } => format!("arg {number} is {value:#x}, {free:#x} free"),
        Test::Has(bits) => format!("arg {number} has {bits:#x}"),
    }
}
