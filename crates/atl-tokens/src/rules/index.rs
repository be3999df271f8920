//! The index of the pages about rules, docs/rules/README.md.

use std::fmt::Write as _;

use super::Rule;

/// The index as Markdown.
pub fn index() -> String {
    let mut text = String::from(
        "# Audit rules\n\n\
         <!-- Made from the program by `cargo xtask docs`; do not edit. -->\n\n\
         What `atl-admin audit` looks for. Every rule judges what is known: what no source could see is no finding, and the \
         coverage of the report says what that was.\n\n\
         | rule | severity | finds |\n|---|---|---|\n",
    );
    for rule in Rule::ALL {
        writeln!(
            text,
            "| [{id}]({id}.md) | {} | {} |",
            rule.severity().as_str(),
            rule.title(),
            id = rule.id()
        )
        .ok();
    }
    text.push_str(
        "\n`high` is to be mended now, `medium` is to be mended, `low` is worth knowing. `audit --fail-on` fails from a \
         severity on; how to accept a finding is in [Audit](../audit.md).\n",
    );
    text
}
