//! As much of a `Cargo.toml` as these checks need.

/// The name that a line `name = …` or `name.key = …` defines.
pub fn key(line: &str) -> &str {
    line.split(['=', '.', ' ']).next().unwrap_or(line)
}

/// The lines of one section, without comments and blank lines.
pub fn section<'a>(text: &'a str, heading: &str) -> Vec<&'a str> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line == heading;
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            found.push(line);
        }
    }
    found
}
