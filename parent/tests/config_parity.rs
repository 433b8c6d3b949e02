//! `docs/parity.md` is what the table of options prints.

use std::fs;
use std::path::Path;

#[test]
fn the_page_is_what_the_table_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/parity.md");
    let printed = parent::config::keys::parity_markdown();
    if std::env::var_os("WARDMASQ_BLESS").is_some() {
        fs::write(&path, &printed).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    assert!(page == printed, "docs/parity.md is stale; run this test with WARDMASQ_BLESS=1");
}
