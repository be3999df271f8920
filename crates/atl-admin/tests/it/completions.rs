//! `completions`

use crate::env::Env;

#[test]
fn every_shell_gets_a_script_that_knows_the_commands() {
    let env = Env::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = env.run(&format!("completions {shell}"));
        let script = run.ok();
        for word in ["keys", "history", "fleet", "consumer"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn bash_takes_the_script() {
    let run = Env::new().shell(
        "eval \"$(atl-admin completions bash)\"; COMP_WORDS=(atl-admin ke); COMP_CWORD=1; _atl__admin atl-admin ke; \
         echo \"${COMPREPLY[@]}\"",
    );
    assert_eq!(run.ok(), "keys\n");
}

#[test]
fn a_script_has_no_other_format() {
    let env = Env::new();
    assert_eq!(env.run("completions bash -o json").code, Some(2));
    let env = env.with("ATL_ADMIN_OUTPUT", "json");
    assert_eq!(env.run("completions bash").code, Some(0));
}
