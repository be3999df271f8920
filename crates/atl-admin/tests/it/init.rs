//! `init`

use crate::env::Env;

#[test]
fn writes_a_file_to_start_from() {
    let env = Env::new();
    let run =
        env.run("init --url https://jira.example.com/ --url https://wiki.example.com/confluence");
    insta::assert_snapshot!(run.shown(), @r"
    -- stderr
    wrote `fleet.yaml` with 2 servers; next: set ATL_ADMIN_PASSWORD, then run `atl-admin check`
    -- exit 0
    ");
    insta::assert_snapshot!(env.read("fleet.yaml"), @r#"
    # The fleet: which servers there are, and which consumers each of them trusts.
    #
    #   atl-admin check     says what would go wrong, changes nothing
    #   atl-admin plan      shows what would change
    #   atl-admin apply     makes it so and proves it; a second run changes nothing
    #
    # `atl-admin schema` prints a JSON Schema that editors complete and check this file with.

    version: 1

    defaults:
      # Who signs in on the servers: a system administrator. A server may have an `admin` of its own.
      admin:
        username: admin
        password: ${env:ATL_ADMIN_PASSWORD}    # or ${file:PATH}, or ${cmd:COMMAND} with --allow-cmd; no literal password

    servers:
      jira:
        url: https://jira.example.com
      wiki:
        url: https://wiki.example.com/confluence
        # labels: [prod]                                 # select them with `--server label:prod`
        # admin: { token: "${file:secrets/NAME.pat}" }   # a personal access token instead of a password (not on Bitbucket)
        # tls: { ca_file: corp-ca.pem }                  # a certificate authority of your own
        # proxy: http://proxy.example.com:3128
        # sign_as: https://NAME.internal:8443            # the base URL the server takes its own for, where a proxy rewrites it

    # Take the comment signs away, and put your own application in:
    #
    # consumers:
    #   deploy-bot:                                    # also the consumer key, unless `key:` says otherwise
    #     # name: Deploy bot                           # what the servers show; default: the name above
    #     url: https://deploy.example.com
    #     callback: https://deploy.example.com/oauth/callback
    #     keypair: { bits: 3072 }                      # made on the first `apply`, and kept sealed in the store
    #     # servers: [label:prod]                      # default: all
    #     # state: absent                              # takes it away from the servers again
    "#);
}

#[test]
fn names_a_consumer_where_it_is_told_one() {
    let env = Env::new();
    let run = env.run(
        "init -f estate.yaml --url https://jira.example.com -c deploy-bot --consumer-url https://d.example.com \
         --callback https://d.example.com/oauth",
    );
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let text = env.read("estate.yaml");
    let consumers = &text[text.find("consumers:\n").unwrap()..];
    insta::assert_snapshot!(consumers, @r"
    consumers:
      deploy-bot:                                    # also the consumer key, unless `key:` says otherwise
        # name: Deploy bot                           # what the servers show; default: the name above
        url: https://d.example.com
        callback: https://d.example.com/oauth
        keypair: { bits: 3072 }                      # made on the first `apply`, and kept sealed in the store
        # servers: [label:prod]                      # default: all
        # state: absent                              # takes it away from the servers again
    ");
}

#[test]
fn never_overwrites() {
    let env = Env::new();
    env.write("fleet.yaml", "mine");
    let run = env.run("init --url https://jira.example.com --yes");
    insta::assert_snapshot!(run.shown(), @r"
    -- stderr
    error: `fleet.yaml` exists and is not overwritten
    hint: name another file, or move this one away first
    -- exit 1
    ");
    assert_eq!(env.read("fleet.yaml"), "mine");
}

#[test]
fn wrong_usage_writes_nothing() {
    let env = Env::new();
    for line in [
        "init",
        "init --url jira.example.com",
        "init --url https://u:s3cret@jira.example.com",
        "init --url https://jira.example.com --url https://jira.example.com/",
        "init --url https://jira.example.com -c bot",
        "init --url https://jira.example.com --consumer-url https://d.example.com",
        "init --url https://jira.example.com -o json",
    ] {
        let run = env.run(line);
        assert_eq!(run.code, Some(2), "{line}: {}", run.shown());
        assert!(!run.stderr.contains("s3cret"), "{line}");
    }
    assert_eq!(env.files(), [""; 0]);
}
