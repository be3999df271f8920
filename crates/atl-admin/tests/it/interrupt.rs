//! Ctrl-C.

use crate::env::Env;

#[test]
#[cfg(unix)]
fn ctrl_c_ends_with_130() {
    let env = Env::new();
    env.write(
        "key.sh",
        "kill -INT $PPID\nexec >/dev/null 2>&1\nwhile kill -0 $PPID; do :; done\n",
    );
    // The command that is asked for the store key presses Ctrl-C and ends after the program.
    let run = env.shell("atl-admin keys generate -c bot --store-key 'cmd:. ./key.sh'");
    insta::assert_snapshot!(run.shown(), @r"
    -- stderr
    interrupted; what was done is in the journal, see `atl-admin history`
    -- exit 130
    ");
    assert_eq!(env.files(), ["key.sh"]);
}
