//! Which text is read, in which order, and where from: files, directories, scripts, standard input.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use memchr::{memchr, memchr_iter, memrchr};
use nix::errno::Errno;

use super::blame::At as _;
use super::draft::{Draft, Origin};
use super::fault::{Fault, STATUS_FILE};
use super::journal::Source;
use super::spot::Spot;
use super::text::{fields, reveal, reveal_path, reveal_text, split};
use super::{ConfigError, keys, line};

/// Most bytes that one file or script may yield: beyond the largest block lists, and an end to endless input.
const SOURCE_BYTES_MAX: u64 = 1 << 30;
/// Bytes read at once from a file.
const BLOCK_BYTES: usize = 64 * 1024;
/// Most files and scripts inside one another: an end to scripts that include themselves.
const DEPTH_MAX: u32 = 100;

/// What the system says of a failure, without the number that Rust adds.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}

/// `conf-file`: the whole value is one path; `-` is standard input. Nothing happens for an empty one.
pub(crate) fn conf_file(draft: &mut Draft, value: Option<&str>) -> Result<(), Fault> {
    match value {
        None | Some("") => Ok(()),
        Some(value) => {
            draft.reach.step_out()?;
            file(draft, &reveal_path(value), true)
        }
    }
}

/// Reads one configuration file in place, unless it has been read before. A missing one is fine unless `required`.
pub(crate) fn file(draft: &mut Draft, path: &Path, required: bool) -> Result<(), Fault> {
    if path == Path::new("-") {
        if std::mem::replace(&mut draft.stdin_read, true) {
            return Ok(());
        }
        return lines(draft, io::stdin().lock(), &Source::Stdin);
    }
    let unreadable =
        |error: io::Error| Fault::whole(STATUS_FILE, format!("cannot read {}: {}", path.display(), reason(&error)));
    let opened = match File::open(path) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !required => return Ok(()),
        Err(error) => return Err(unreadable(error)),
    };
    let status = opened.metadata().map_err(unreadable)?;
    if !draft.files_read.insert((status.dev(), status.ino())) || status.is_dir() {
        return Ok(());
    }
    lines(draft, BufReader::with_capacity(BLOCK_BYTES, opened), &Source::File(path.to_owned()))
}

/// `conf-dir=PATH{,FILTER}`: every suitable regular file, in byte order of its name.
pub(crate) fn conf_dir(draft: &mut Draft, value: Option<&str>) -> Result<(), Fault> {
    let (directory, filters) = split(value.ok_or(Fault::Value)?, ',');
    if directory.is_empty() {
        return Ok(());
    }
    draft.reach.step_out()?;
    let directory = reveal_path(directory);
    let filters: Vec<Vec<u8>> = filters.map(|text| fields(text).map(reveal).collect()).unwrap_or_default();
    for path in suitable_files(&directory, &filters)? {
        file(draft, &path, true)?;
    }
    Ok(())
}

fn suitable_files(directory: &Path, filters: &[Vec<u8>]) -> Result<Vec<PathBuf>, Fault> {
    let inaccessible = |error: io::Error| {
        Fault::whole(STATUS_FILE, format!("cannot access directory {}: {}", directory.display(), reason(&error)))
    };
    // `*suffix` must match, a bare suffix must not; a lone `*` and nothing say nothing.
    let (required, refused): (Vec<&[u8]>, Vec<&[u8]>) = filters
        .iter()
        .map(Vec::as_slice)
        .filter(|filter| !matches!(*filter, b"" | b"*"))
        .partition(|filter| filter[0] == b'*');
    let ends = |name: &[u8], suffix: &[u8]| name.len() > suffix.len() && name.ends_with(suffix);
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(inaccessible)? {
        let entry = entry.map_err(inaccessible)?;
        let name = entry.file_name();
        let name = name.as_bytes();
        let hidden = name.starts_with(b".") || name.ends_with(b"~") || (name.starts_with(b"#") && name.ends_with(b"#"));
        let wanted = required.is_empty() || required.iter().any(|suffix| ends(name, &suffix[1..]));
        if hidden || !wanted || refused.iter().any(|suffix| ends(name, suffix)) {
            continue;
        }
        let path = entry.path();
        let status = fs::metadata(&path).map_err(|error| {
            Fault::whole(STATUS_FILE, format!("cannot access {}: {}", path.display(), reason(&error)))
        })?;
        if status.is_file() {
            paths.push(path);
        }
    }
    paths.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    Ok(paths)
}

/// `conf-script=COMMAND`: the shell runs it, and what it prints is configuration.
pub(crate) fn conf_script(draft: &mut Draft, value: Option<&str>) -> Result<(), Fault> {
    draft.reach.step_out()?;
    let command = reveal(value.ok_or(Fault::Value)?);
    let shown = reveal_text(value.unwrap_or_default());
    let cannot_run =
        |error: io::Error| Fault::whole(STATUS_FILE, format!("cannot run script {shown}: {}", reason(&error)));
    let mut child = Command::new("/bin/sh")
        .arg("-c")
        .arg(std::ffi::OsStr::from_bytes(&command))
        .stdout(Stdio::piped())
        .spawn()
        .map_err(cannot_run)?;
    if let Some(output) = child.stdout.take() {
        // A bad line is fatal before the exit status is looked at; the script then meets a closed pipe.
        lines(draft, BufReader::new(output), &Source::Script(shown.clone()))?;
    }
    let status = child.wait().map_err(cannot_run)?;
    if status.success() {
        return Ok(());
    }
    // dnsmasq adds the wait status, not the exit status, to 10, so a plain failure is always 10.
    let status = (10 + status.into_raw()) & 0xFF;
    Err(Fault::whole(status as u8, format!("{shown} returns non-zero error code")))
}

/// Takes every line of a text.
pub(crate) fn lines(draft: &mut Draft, text: impl BufRead, source: &Source) -> Result<(), Fault> {
    if draft.depth >= DEPTH_MAX {
        // Going on here would go on in each of the others, too.
        draft.every_fault = false;
        return Err(Fault::from("configuration files are nested too deep"));
    }
    draft.depth += 1;
    let before = draft.journal.open(source.clone());
    let done = each_line(draft, text, source);
    draft.journal.close(before);
    draft.depth -= 1;
    done
}

fn each_line(draft: &mut Draft, text: impl BufRead, source: &Source) -> Result<(), Fault> {
    let mut input = text.take(SOURCE_BYTES_MAX);
    let mut number = 0_u32;
    // The beginning of a line that goes on in the next block. Other lines are taken where they lie.
    let mut begun = Vec::new();
    let row_before = Cell::new(None);
    loop {
        let fail = |number: u32, fault: Fault| Fault::Whole(fault.in_file(&source.place(number)));
        let mut next = |draft: &mut Draft, line: &[u8], entry: Result<Option<line::Entry<'_>>, Fault>| {
            number = number.saturating_add(1);
            draft.journal.set_line(number);
            if let Err(fault) = entry.and_then(|entry| take(draft, entry, &row_before)) {
                draft.refuse(placed(fault, source, number, line)).map_err(Fault::Whole)?;
            }
            if let Some(doubt) = draft.doubt.take() {
                draft.add_doubt(placed(doubt, source, number, line));
            }
            Ok::<(), Fault>(())
        };
        let block = match input.fill_buf() {
            Ok(block) => block,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(fail(number.saturating_add(1), Fault::from(reason(&error)))),
        };
        if block.is_empty() {
            if !begun.is_empty() {
                next(draft, &begun, line::entry(&begun))?;
            }
            if input.limit() == 0 {
                return Err(fail(number.saturating_add(1), Fault::from("the configuration is too long")));
            }
            return Ok(());
        }
        let length = block.len();
        let mut rest = block;
        if !begun.is_empty() {
            let end = memchr(b'\n', block);
            let (head, tail) = block.split_at(end.map_or(length, |end| end + 1));
            begun.extend_from_slice(head);
            rest = tail;
            if end.is_some() {
                next(draft, &begun, line::entry(&begun))?;
                begun.clear();
            }
        }
        let (whole, cut) = rest.split_at(memrchr(b'\n', rest).map_or(0, |end| end + 1));
        // One look at all of it costs less than one at each line.
        let text = str::from_utf8(whole).ok();
        let mut start = 0;
        for end in memchr_iter(b'\n', whole) {
            let key = row_before.get().map_or("", |row: &keys::Row| row.name);
            let entry = match text {
                Some(text) => line::entry_of_text(&text[start..end], key),
                None => line::entry(&whole[start..end]),
            };
            next(draft, &whole[start..end], entry)?;
            start = end + 1;
        }
        begun.extend_from_slice(cut);
        input.consume(length);
    }
}

/// A fault in this line.
fn placed(fault: Fault, source: &Source, number: u32, line: &[u8]) -> ConfigError {
    let (fault, blame) = fault.without_blame();
    fault.in_file(&source.place(number)).in_spot(|| Spot::in_line(source, number, line, blame))
}

fn take(
    draft: &mut Draft,
    entry: Option<line::Entry<'_>>,
    row_before: &Cell<Option<&'static keys::Row>>,
) -> Result<(), Fault> {
    let Some(entry) = entry else { return Ok(()) };
    let row = row(&entry, row_before.get())?;
    row_before.set(Some(row));
    draft.take(row, entry.value.as_deref(), Origin::File)
}

/// The option of a line, if the line has a value just where the option wants one. `before`: the option of the line before, which
/// in a list is the same.
pub(crate) fn row(entry: &line::Entry<'_>, before: Option<&'static keys::Row>) -> Result<&'static keys::Row, Fault> {
    let before = before.filter(|row| row.name == entry.key);
    let found = before.or_else(|| keys::find(&entry.key));
    let row = found.ok_or_else(|| Fault::from("bad option").of_keyword(None))?;
    match (row.argument, &entry.value) {
        (keys::Argument::None, Some(value)) => {
            Err(Fault::from("extraneous parameter").at(value, "no value").of(row, Some(value)))
        }
        (keys::Argument::Required, None) => {
            Err(Fault::from("missing parameter").of_keyword_wanting(row, "a value behind it"))
        }
        _ => Ok(row),
    }
}
