//! How much a generated test does, and how it uses its time.

use crate::Dice;

/// Runs at the same time: mostly, answers are waited for.
const RUNS_AT_ONCE: usize = 4;

/// The number in this environment variable, or `otherwise`.
pub fn amount<T: std::str::FromStr>(variable: &str, otherwise: T) -> T {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Does so much in equal parts side by side; each part has dice of its own, which follow from these. Panics when a part does.
pub fn side_by_side<T: Send + 'static>(
    dice: &mut Dice,
    wanted: usize,
    run: impl Fn(Dice, usize) -> T + Copy + Send + 'static,
) -> Vec<T> {
    let runs: Vec<_> = (0..RUNS_AT_ONCE)
        .map(|_| {
            let dice = Dice::new(dice.roll());
            std::thread::spawn(move || run(dice, wanted / RUNS_AT_ONCE))
        })
        .collect();
    runs.into_iter().map(|run| run.join().expect("a run to its end")).collect()
}
