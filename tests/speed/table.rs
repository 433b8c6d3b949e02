//! The figures, and how they are printed.

use crate::contestant::Contestant;

/// What is measured, in the order of the table.
pub const ROWS: [(&str, &str); 11] = [
    ("start to first answer", "ms"),
    ("idle memory (PSS of all processes)", "KiB"),
    ("memory after the load", "KiB"),
    ("idle wake-ups", "per s"),
    ("cached answer, CPU", "us"),
    ("cached answers at saturation", "per s"),
    ("answer from the hosts file, CPU", "us"),
    ("forwarded answer, CPU", "us"),
    ("DORA, CPU", "us"),
    ("DORA, 16 at once", "per s"),
    ("TFTP, CPU per MB (blocks of 512)", "ms"),
];

/// Everything measured of one program: per row, one value per round.
#[derive(Clone, Debug, Default)]
pub struct Figures([Vec<f64>; ROWS.len()]);

impl Figures {
    /// Adds a value to the row of this name.
    pub fn add(&mut self, row: &str, value: f64) {
        let index = ROWS.iter().position(|(name, _)| *name == row).expect("a row of the table");
        self.0[index].push(value);
    }

    fn median(&self, row: usize) -> Option<f64> {
        let mut values = self.0[row].clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}

/// Prints both programs and their ratio.
pub fn print(contestants: &[Contestant; 2], figures: &[Figures; 2]) {
    println!("{:<38} {:>12} {:>12} {:>8}", "median", contestants[0].name, contestants[1].name, "ratio");
    for (index, (name, unit)) in ROWS.iter().enumerate() {
        let [Some(ours), Some(theirs)] = [figures[0].median(index), figures[1].median(index)] else { continue };
        let ratio = if theirs == 0.0 { "-".to_owned() } else { format!("{:.2}", ours / theirs) };
        println!("{:<38} {ours:>12.1} {theirs:>12.1} {ratio:>8}", format!("{name}, {unit}"));
    }
}
