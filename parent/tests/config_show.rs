//! What `wardctl config show` prints is the same configuration: read again, it comes to the same tree.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corpus;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use corpus::{data, json_strings, rows, unescape};
use parent::config::{Config, keys, survey};
use parent::wardctl::show;

/// A directory of this test's own, in which it runs.
fn scratch() -> PathBuf {
    let path = std::env::temp_dir().join(format!("config-show-{}", std::process::id()));
    fs::create_dir_all(&path).unwrap();
    path
}

/// The tree and the shown text of what these arguments lead to, if it is accepted.
fn read(arguments: &[OsString]) -> Option<(Config, Vec<u8>)> {
    let mut all = vec![OsString::from("dnsmasq")];
    all.extend_from_slice(arguments);
    let (config, journal, _) = survey(&all);
    Some((config?, show::text(&journal)))
}

fn file(path: &Path) -> [OsString; 2] {
    [OsString::from("-C"), path.into()]
}

/// `None`: it was refused. An error: what is shown comes to something else.
fn survives(arguments: &[OsString], scratch: &Path) -> Option<Result<(), String>> {
    let (config, text) = read(arguments)?;
    let again = scratch.join("shown.conf");
    fs::write(&again, &text).unwrap();
    let shown = String::from_utf8_lossy(&text).into_owned();
    Some(match read(&file(&again)) {
        None => Err(format!("refused:\n{shown}")),
        Some((same, _)) if same == config => Ok(()),
        Some((other, _)) => Err(format!("other tree:\n{shown}{config:?}\n{other:?}")),
    })
}

/// One test, since cases are run from their own directory and that belongs to the whole process.
#[test]
fn what_is_shown_is_the_same_configuration() {
    let scratch = scratch();
    std::env::set_current_dir(&scratch).unwrap();
    let mut wrong = Vec::new();
    let mut survived = [0_u32; 3];
    let mut judge = |kind: usize, arguments: &[OsString], name: &str| match survives(arguments, &scratch) {
        None => {}
        Some(Ok(())) => survived[kind] += 1,
        Some(Err(error)) => wrong.push(format!("{name}\n{error}")),
    };
    for row in rows("lines.tsv") {
        let written = scratch.join("line.conf");
        fs::write(&written, unescape(&row[3])).unwrap();
        judge(0, &file(&written), &row[3]);
    }
    fs::write("main.conf", "").unwrap();
    for row in rows("command-lines.tsv") {
        judge(1, &json_strings(&row[1]), &row[1]);
    }
    for row in rows("cases.tsv") {
        let directory = data("cases").join(&row[0]);
        if directory.join("STDIN").exists() {
            continue;
        }
        std::env::set_current_dir(&directory).unwrap();
        let mut arguments = fs::read_to_string("ARGS.json").map(|list| json_strings(&list)).unwrap_or_default();
        if !arguments.iter().any(|word| word == "-C") {
            arguments.extend(["-C", "main.conf"].map(OsString::from));
        }
        judge(2, &arguments, &row[0]);
    }
    std::env::set_current_dir("/").unwrap();
    fs::remove_dir_all(&scratch).unwrap();
    println!("lines, command lines and cases that survived: {survived:?}");
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
    assert!(survived[0] > 1500 && survived[1] > 20 && survived[2] > 50, "{survived:?}");
}

#[test]
fn every_option_has_an_example_that_is_accepted() {
    let path = std::env::temp_dir().join(format!("config-example-{}.conf", std::process::id()));
    for row in keys::all() {
        let key = row.example.split('=').next().unwrap();
        assert_eq!(key, row.name);
        // Full names need a domain that they are full with.
        let more = if row.name == "dhcp-fqdn" { "\ndomain=lan" } else { "" };
        fs::write(&path, format!("{}{more}", row.example)).unwrap();
        let mut arguments = vec![OsString::from("dnsmasq")];
        arguments.extend(file(&path));
        let (config, _, refusals) = survey(&arguments);
        // The files of these need not exist here.
        let reads_files = ["conf-file", "conf-dir"].contains(&row.name) && refusals.status() == 3;
        assert!(config.is_some() || reads_files, "{}: {:?}", row.example, refusals.errors);
        assert!(refusals.doubts.iter().all(|doubt| doubt.text.starts_with("a start will fail")), "{}", row.example);
    }
    fs::remove_file(&path).unwrap();
}

#[test]
fn overridden_and_repeated_settings_are_left_out_and_sources_are_told() {
    let scratch = std::env::temp_dir().join(format!("config-shown-{}", std::process::id()));
    fs::create_dir_all(scratch.join("d")).unwrap();
    let (main, inner, more) = (scratch.join("main.conf"), scratch.join("inner.conf"), scratch.join("d/more.conf"));
    let text = format!(
        "port = 54 # why\nno-hosts\nconf-file={}\nconf-dir={}\nno-hosts\ndomain-suffix=lan\ntest\ntxt-record=a,\"b, c\"\n",
        inner.display(),
        scratch.join("d").display()
    );
    fs::write(&main, text).unwrap();
    fs::write(&inner, "\nserver=192.0.2.1\n").unwrap();
    fs::write(&more, "conf-script=echo expand-hosts").unwrap();
    let arguments = [OsString::from("-C"), main.clone().into(), "-p".into(), "53".into(), "-n".into()];
    let (_, text) = read(&arguments).unwrap();
    let (main, inner) = (main.display(), inner.display());
    let line = |setting: &str, place: &str| format!("{setting:<40}# {place}\n");
    let expected = [
        line("no-poll", "command line"),
        line("port=54", &format!("{main}:1")),
        line("no-hosts", &format!("{main}:2")),
        line("server=192.0.2.1", &format!("{inner}:2")),
        line("expand-hosts", "output from echo expand-hosts:1"),
        line("domain=lan", &format!("{main}:6")),
        line("txt-record=a,\"b, c\"", &format!("{main}:8")),
    ];
    assert_eq!(String::from_utf8(text).unwrap(), expected.concat());
    fs::remove_dir_all(&scratch).unwrap();
}
