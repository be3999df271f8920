//! docs/cli.md says what the program does. `UPDATE_DOCS=1 cargo test -p atl-admin --test it reference` writes it anew.

use std::path::Path;

#[test]
fn the_command_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let wanted = atl_admin::reference::markdown();
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is the program that reads its environment"
    )]
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    if update {
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, &wanted).unwrap();
    }
    let found = fs_err::read_to_string(&path).unwrap_or_default();
    let differs = wanted
        .lines()
        .zip(found.lines().chain(std::iter::repeat("")))
        .enumerate()
        .find(|(_, (wanted, found))| wanted != found);
    assert!(
        differs.is_none() && wanted == found,
        "docs/cli.md is stale, run `cargo xtask docs`; first difference: {differs:?}"
    );
}
