//! Every crate says what it is, and the index knows every crate.

use crate::tree::{files, root};

#[test]
fn every_crate_has_a_readme_and_a_line_in_the_index() {
    let index = fs_err::read_to_string(root().join("crates/README.md")).unwrap();
    let files = files();
    let rooms: Vec<_> = files
        .iter()
        .filter_map(|path| path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"))
        .filter(|room| !room.contains('/'))
        .collect();
    for room in &rooms {
        assert!(
            files.contains(&format!("crates/{room}/README.md")),
            "`{room}` has no README.md"
        );
        assert!(
            index.contains(&format!("[{room}]({room}/README.md)")),
            "crates/README.md does not list `{room}`"
        );
    }
    let listed = index
        .lines()
        .filter(|line| line.starts_with("| [atl-"))
        .count();
    assert_eq!(
        listed,
        rooms.len(),
        "crates/README.md lists a crate that is not there"
    );
}
