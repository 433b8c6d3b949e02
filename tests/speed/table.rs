//! The figures, and how they are printed.

use crate::contestant::Contestant;

/// A kind of measurement and its unit, one for each line of a table.
pub type Rows = &'static [(&'static str, &'static str)];

/// What is measured of a small configuration, in the order of the table.
pub const ROWS: Rows = &[
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

/// Everything measured of one program: per row, one value or more per round.
#[derive(Clone, Debug)]
pub struct Figures {
    rows: Rows,
    values: Vec<Vec<f64>>,
}

impl Figures {
    /// An empty table with these rows.
    pub fn new(rows: Rows) -> Figures {
        Figures { rows, values: vec![Vec::new(); rows.len()] }
    }

    /// Adds a value to the row of this name.
    pub fn add(&mut self, row: &str, value: f64) {
        let index = self.rows.iter().position(|(name, _)| *name == row).expect("a row of the table");
        self.values[index].push(value);
    }

    fn median(&self, row: usize) -> Option<f64> {
        let mut values = self.values[row].clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}

/// Prints both programs and their ratio.
pub fn print(contestants: &[Contestant; 2], figures: &[Figures; 2]) {
    println!("{:<46} {:>12} {:>12} {:>8}", "median", contestants[0].name, contestants[1].name, "ratio");
    for (index, (name, unit)) in figures[0].rows.iter().enumerate() {
        let [Some(ours), Some(theirs)] = [figures[0].median(index), figures[1].median(index)] else { continue };
        let ratio = if theirs == 0.0 { "-".to_owned() } else { format!("{:.2}", ours / theirs) };
        println!("{:<46} {ours:>12.1} {theirs:>12.1} {ratio:>8}", format!("{name}, {unit}"));
    }
}
