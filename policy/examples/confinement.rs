//! Prints `docs/confinement.md`.

fn main() {
    print!("{}", policy::document());
}
