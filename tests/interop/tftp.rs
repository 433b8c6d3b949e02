//! tftp-hpa and curl fetch files.

use std::fs;
use std::sync::Arc;

use support::lan::SERVER_ADDRESS;
use support::{Directory, Lan, Namespace, Server};

const CONFIG: &str = "port=0\nenable-tftp\ntftp-root=DIR/tftp\n";
/// curl's exit code for TFTP error 1, "file not found".
const CURL_NOT_FOUND: i32 = 68;
/// curl's exit code for TFTP error 2, "access violation".
const CURL_DENIED: i32 = 69;

fn serve(lan: &Lan, files: &[(&str, &[u8])]) -> Server {
    let directory = Arc::new(Directory::new());
    for (name, content) in files {
        directory.write(&format!("tftp/{name}"), content);
    }
    Server::start_in(&lan.server, directory, CONFIG)
}

/// Bytes without a pattern that blocks could hide.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

/// tftp-hpa: its output and, if it wrote one, the file.
fn tftp(client: &Namespace, mode: &str, name: &str) -> (String, Vec<u8>) {
    let here = Directory::new();
    let local = here.join("got");
    let server = SERVER_ADDRESS.to_string();
    let output =
        client.output("tftp", &["-m", mode, &server, "-c", "get", name, local.to_str().expect("a plain path")]);
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (text, fs::read(local).unwrap_or_default())
}

/// curl: its exit code and what it fetched.
fn curl(client: &Namespace, options: &[&str], name: &str) -> (i32, Vec<u8>) {
    let url = format!("tftp://{SERVER_ADDRESS}/{name}");
    let mut all = vec!["--silent", "--show-error", "--path-as-is", "--max-time", "60"];
    all.extend(options);
    all.push(&url);
    let output = client.output("curl", &all);
    (output.status.code().unwrap_or(-1), output.stdout)
}

#[test]
fn binary_files_of_all_lengths_arrive_whole() {
    let lan = Lan::with_addresses(1);
    // Around a block, a multiple of a block (which ends with an empty one), and many blocks.
    let lengths = [0, 1, 511, 512, 513, 1024, 5120, 300_001];
    for length in lengths {
        let bytes = noise(length);
        // A fresh server for each: dnsmasq 2.93 cuts a short file to the length of the short file that it sent before.
        let server = serve(&lan, &[("file", &bytes)]);
        let (code, got) = curl(&lan.clients[0], &["--tftp-no-options"], "file");
        assert_eq!(code, 0);
        assert!(got == bytes, "{} bytes instead of {length}", got.len());
        let (text, got) = tftp(&lan.clients[0], "octet", "file");
        assert!(got == bytes, "{} bytes instead of {length}; {text}", got.len());
        server.wait_for_line("tftp/file to 10.77.0.10");
    }
}

#[test]
fn both_clients_fetch_text_in_netascii() {
    let lan = Lan::with_addresses(1);
    let text = "first line\nsecond line\n\nlast line\n".repeat(100);
    let _server = serve(&lan, &[("text", text.as_bytes())]);
    let (_, got) = tftp(&lan.clients[0], "netascii", "text");
    assert_eq!(String::from_utf8_lossy(&got), text, "tftp-hpa turns the ends of lines back");
    let (code, got) = curl(&lan.clients[0], &[], "text;mode=netascii");
    assert_eq!(code, 0);
    assert_eq!(String::from_utf8_lossy(&got), text.replace('\n', "\r\n"), "curl takes what the wire has");
}

#[test]
fn curl_negotiates_block_sizes() {
    let lan = Lan::with_addresses(1);
    let bytes = noise(200_000);
    let _server = serve(&lan, &[("image", &bytes)]);
    for options in [
        &["--tftp-no-options"][..],
        &[],
        &["--tftp-blksize", "8"],
        &["--tftp-blksize", "1024"],
        &["--tftp-blksize", "1468"],
        &["--tftp-blksize", "65464"],
    ] {
        let (code, got) = curl(&lan.clients[0], options, "image");
        assert_eq!(code, 0, "{options:?}");
        assert!(got == bytes, "{options:?}: {} bytes instead of {}", got.len(), bytes.len());
    }
}

#[test]
fn the_size_is_told_before_the_data() {
    let lan = Lan::with_addresses(1);
    let _server = serve(&lan, &[("image", &noise(70_000))]);
    let url = format!("tftp://{SERVER_ADDRESS}/image");
    let here = Directory::new();
    let out = here.join("got");
    let arguments = ["--silent", "--verbose", "--output", out.to_str().expect("a plain path"), &url];
    let output = lan.clients[0].output("curl", &arguments);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("tsize parsed from OACK (70000)"), "{text}");
    assert_eq!(fs::read(out).expect("the file").len(), 70_000);
}

#[test]
fn block_numbers_start_again_after_65535() {
    let lan = Lan::with_addresses(1);
    let bytes = noise(8 * 65_536 + 8 * 300 + 3);
    let _server = serve(&lan, &[("big", &bytes)]);
    let (code, got) = curl(&lan.clients[0], &["--tftp-blksize", "8"], "big");
    assert_eq!(code, 0);
    assert!(got == bytes, "{} bytes instead of {}", got.len(), bytes.len());
}

#[test]
fn a_missing_file_is_reported_as_such() {
    let lan = Lan::with_addresses(1);
    let server = serve(&lan, &[("here", b"here")]);
    assert_eq!(curl(&lan.clients[0], &[], "absent").0, CURL_NOT_FOUND);
    let (text, _) = tftp(&lan.clients[0], "octet", "absent");
    assert!(text.contains("Error code 1"), "{text}");
    server.wait_for_line("tftp/absent not found for 10.77.0.10");
}

#[test]
fn nothing_outside_the_root_is_served() {
    let lan = Lan::with_addresses(1);
    let server = serve(&lan, &[("sub/inside", b"inside")]);
    server.directory().write("secret", "secret");
    let client = &lan.clients[0];
    for name in ["../secret", "sub/../../secret", "sub/../sub/inside"] {
        let (code, got) = curl(client, &[], name);
        assert_eq!((code, got.as_slice()), (CURL_DENIED, &b""[..]), "{name}");
        let (text, got) = tftp(client, "octet", name);
        assert!(text.contains("Error code 2"), "{name}: {text}");
        assert!(got.is_empty(), "{name}");
    }
    // An absolute path is taken below the root, or as it is when it begins with the root.
    assert_eq!(curl(client, &[], "/etc/passwd").0, CURL_NOT_FOUND);
    let full = server.directory().join("tftp/sub/inside");
    assert_eq!(curl(client, &[], full.to_str().expect("a plain path")), (0, b"inside".to_vec()));
}

#[test]
fn nothing_can_be_written() {
    let lan = Lan::with_addresses(1);
    let server = serve(&lan, &[("here", b"here")]);
    let here = Directory::new();
    let local = here.write("upload", "upload");
    let output = lan.clients[0].output(
        "tftp",
        &["-m", "octet", &SERVER_ADDRESS.to_string(), "-c", "put", local.to_str().expect("a plain path"), "upload"],
    );
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(text.contains("Error code"), "{text}");
    assert!(!server.directory().join("tftp/upload").exists());
}

#[test]
fn several_transfers_run_at_once() {
    let lan = Lan::with_addresses(3);
    let bytes = noise(400_000);
    let _server = serve(&lan, &[("image", &bytes)]);
    std::thread::scope(|scope| {
        for client in &lan.clients {
            for options in [&["--tftp-blksize", "512"][..], &["--tftp-blksize", "1400"]] {
                let bytes = &bytes;
                scope.spawn(move || {
                    let (code, got) = curl(client, options, "image");
                    assert_eq!(code, 0);
                    assert!(got == *bytes);
                });
            }
        }
    });
}
