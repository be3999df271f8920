//! What a server writes into a real database.

use atl_testbed::{
    ALICE, Consumer, OAuth2Grant, Pat, Population, Postgres, PostgresDatabase, Token, User,
};

use crate::steps::{grant, request_token};
use crate::support::{KEY, provisioned};

/// An empty database; where there is no PostgreSQL, this test says that it was skipped.
fn database(test: &str) -> Option<PostgresDatabase> {
    Postgres::shared()
        .map(Postgres::database)
        .map_err(|why| atl_testbed::skip(env!("CARGO_PKG_NAME"), test, why))
        .ok()
}

/// The rows that a query finds, their columns joined by bars.
fn found(database: &PostgresDatabase, sql: &str) -> Vec<String> {
    let rows = database.client().query(sql, &[]).unwrap();
    let shown = rows.iter().map(|row| {
        let cells = (0..row.len()).map(|place| {
            let cell: Option<String> = row.get(place);
            cell.unwrap_or_else(|| "NULL".to_owned())
        });
        cells.collect::<Vec<_>>().join("|")
    });
    shown.collect()
}

#[test]
fn a_jira_writes_consumers_tokens_and_users() {
    let Some(database) = database("a_jira_writes_consumers_tokens_and_users") else {
        return;
    };
    let estate = provisioned();
    let jira = estate.server(0);
    jira.put_user(User {
        key: "JIRAUSER10100".to_owned(),
        ..User::ordinary("Ann\tB\\C")
    });
    jira.put_user(User {
        active: false,
        ..User::ordinary("leaver")
    });
    jira.edit_consumer("bot", |bot| {
        bot.description = Some("two\nlines".to_owned());
        bot.two_legged = true;
    });
    jira.add_token(Token::access("for-ever", "bot", "Ann\tB\\C"));
    jira.add_token(Token {
        created: 60,
        ..Token::access("orphan", "gone", "nobody")
    });
    let granted = grant(jira, ALICE);
    let pending = request_token(jira, Some("oob"));
    jira.write_database(&database);

    let users = "SELECT a.user_key, a.lower_user_name, c.user_name, c.active::text FROM app_user a \
                 JOIN cwd_user c USING (lower_user_name) ORDER BY a.user_key";
    let users = found(&database, users);
    assert_eq!(users.len(), 7);
    assert_eq!(users[0], "JIRAUSER10100|ann\tb\\c|Ann\tB\\C|1");
    assert!(
        users.contains(&"leaver|leaver|leaver|0".to_owned()),
        "{users:?}"
    );

    let key = jira.consumer("bot").unwrap().public_key.one_line();
    let consumers = "SELECT consumer_key, consumername, public_key, description, callback, two_l_o_allowed, \
                     executing_two_l_o_user, two_l_o_impersonation_allowed, three_l_o_allowed FROM oauthspconsumer";
    assert_eq!(
        found(&database, consumers),
        [format!(
            "bot|Bot|{key}|two\nlines|NULL|true|NULL|false|true"
        )]
    );

    let tokens = "SELECT token, token_type, consumer_key, username, spauth, spversion, callback, \
                  (extract(epoch FROM created) * 1000)::int8::text, ttl::text, \
                  (extract(epoch FROM session_time_to_live))::int8::text FROM oauthsptoken ORDER BY created, token_type";
    let tokens = found(&database, tokens);
    assert_eq!(tokens.len(), 4);
    let endless = "999999999999999999|NULL";
    assert_eq!(
        tokens[..2],
        [
            format!("for-ever|ACCESS|bot|JIRAUSER10100|AUTHORIZED|V_1_0_A|NULL|0|{endless}"),
            format!("orphan|ACCESS|gone|nobody|AUTHORIZED|V_1_0_A|NULL|60000|{endless}"),
        ]
    );
    let value = granted.field("oauth_token").unwrap();
    let shown = format!("{value}|ACCESS|bot|alice|AUTHORIZED|V_1_0_A|NULL|");
    assert!(
        tokens[2..]
            .iter()
            .any(|it| it.starts_with(&shown) && it.ends_with("|157680000000|160272000")),
        "{tokens:?}"
    );
    let shown = format!("{pending}|REQUEST|bot|NULL|NONE|V_1_0_A|oob|");
    assert!(
        tokens[2..]
            .iter()
            .any(|it| it.starts_with(&shown) && it.ends_with("|600000|NULL")),
        "{tokens:?}"
    );
}

#[test]
fn a_jira_writes_what_its_plugins_keep() {
    let Some(database) = database("a_jira_writes_what_its_plugins_keep") else {
        return;
    };
    let estate = provisioned();
    let jira = estate.server(0);
    let grant = OAuth2Grant::new("Reports", ALICE, 1_741_600_000);
    jira.put_oauth2_grant(grant.clone());
    jira.put_pat(Pat {
        expires: Some(1_741_600_000),
        last_used: Some(60),
        ..Pat::new(1, ALICE, "ends", 0)
    });
    jira.put_pat(Pat::new(2, "nobody", "endless", 0));
    jira.write_database(&database);
    let oauth2 = r#"SELECT r."ID", c."NAME", r."USER_KEY", r."SCOPE", r."CREATED_AT"::text, a."LAST_ACCESSED"::text
                    FROM "AO_FE1BC5_REFRESH_TOKEN" r JOIN "AO_FE1BC5_CLIENT" c ON c."ID" = r."CLIENT_ID"
                    JOIN "AO_FE1BC5_ACCESS_TOKEN" a ON a."ID" = r."ACCESS_TOKEN_ID""#;
    assert_eq!(
        found(&database, oauth2),
        [format!(
            "{}|Reports|alice|WRITE|1741600000000|NULL",
            grant.id
        )]
    );
    let pats = r#"SELECT "ID"::text, "NAME", "USER_KEY", "EXPIRING_AT"::text, "LAST_ACCESSED_AT"::text, "TOKEN_ID"
                  FROM "AO_81F455_PERSONAL_TOKEN" ORDER BY "ID""#;
    assert_eq!(
        found(&database, pats),
        [
            "1|ends|alice|2025-03-10 09:46:40|1970-01-01 00:01:00|100000000001",
            "2|endless|nobody|9999-12-31 00:00:00|NULL|100000000002",
        ]
    );
}

#[test]
fn what_is_written_again_is_what_is_there_then() {
    let Some(database) = database("what_is_written_again_is_what_is_there_then") else {
        return;
    };
    let estate = provisioned();
    let jira = estate.server(0);
    jira.populate(&Population::of(200).granting("bot", |number| Some(60 * number)));
    let count = |table: &str| found(&database, &format!("SELECT count(*)::text FROM {table}"));
    jira.write_database(&database);
    assert_eq!(
        (count("oauthsptoken"), count("app_user")),
        (vec!["200".to_owned()], vec!["205".to_owned()])
    );
    jira.remove_consumer("bot");
    jira.write_database(&database);
    assert_eq!(
        (count("oauthsptoken"), count("oauthspconsumer")),
        (vec!["0".to_owned()], vec!["0".to_owned()])
    );
    database.fill_with(1000);
    assert_eq!(
        (count("oauthsptoken"), count("oauthspconsumer")),
        (vec!["1000".to_owned()], vec!["50".to_owned()])
    );
    let whose = "SELECT count(*)::text FROM oauthsptoken t JOIN app_user a ON a.user_key = t.username \
                 JOIN cwd_user c USING (lower_user_name) JOIN oauthspconsumer o USING (consumer_key) WHERE c.active = 0";
    assert_eq!(found(&database, whose), ["10"]);
}

#[test]
fn a_confluence_writes_settings() {
    let Some(database) = database("a_confluence_writes_settings") else {
        return;
    };
    let estate = provisioned();
    let wiki = estate.server(0);
    let key = "a key/with & marks";
    wiki.put_consumer(None, Consumer::new(key, "Odd", &KEY.public_pem()).unwrap());
    let long = "somebody-with-a-long-name@example.com";
    wiki.add_token(Token::access("5gTq8Zr1VbN3yKcW0uXhLmJf7sQe2DpA", key, long));
    wiki.add_token(Token {
        created: 1,
        ..Token::access("second", "bot", ALICE)
    });
    wiki.write_confluence(&database);
    let value = |key: &str| {
        let sql = format!(
            "SELECT bandanavalue FROM bandana WHERE bandanacontext = '_GLOBAL' AND bandanakey = \
             'com.atlassian.oauth.serviceprovider.ServiceProvider{key}'"
        );
        found(&database, &sql).concat()
    };
    assert_eq!(
        value("ConsumerStore.allConsumerKeys"),
        "<string>a+key%2Fwith+%26+marks/bot</string>"
    );
    let consumer = value("ConsumerStore.consumer.a key/with & marks");
    assert!(
        consumer.contains(r#"<property name="name" value="Odd"/>"#),
        "{consumer}"
    );
    assert_eq!(
        value("TokenStore.tokenKeys"),
        "<string>5gTq8Zr1VbN3yKcW0uXhLmJf7sQe2DpA/second</string>"
    );
    let token = value("TokenStore.token.5gTq8Zr1VbN3yKcW0uXhLmJf7sQe2DpA");
    for line in [
        r#"  <property name="consumerKey" value="a key/with &amp; marks"/>"#,
        r#"  <property name="userName" value="somebody-with-a-long-name@example.com"/>"#,
        r#"  <property name="creationTime" value="0"/>"#,
    ] {
        assert!(token.lines().any(|it| it == line), "{line} {token}");
    }
    // As in the rows of fixtures/sql.
    assert_eq!(
        value("TokenStore.userAc5a6c13515b9db49c7bcdd2cc45b3678f"),
        format!(
            "<properties>\n  <property name=\"keys\" value=\"5gTq8Zr1VbN3yKcW0uXhLmJf7sQe2DpA\"/>\n  \
             <property name=\"username\" value=\"{long}\"/>\n</properties>"
        )
    );
    let of_bot = value("TokenStore.consumerTokens.bot");
    assert!(of_bot.contains(r#"name="keys" value="second""#), "{of_bot}");
}

#[test]
fn the_rows_of_the_fixtures_fit_their_tables() {
    let Some(database) = database("the_rows_of_the_fixtures_fit_their_tables") else {
        return;
    };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/sql");
    for name in [
        "jira-postgres",
        "jira-rows",
        "confluence-postgres",
        "confluence-rows",
    ] {
        let sql = fs_err::read_to_string(format!("{folder}/{name}.sql")).unwrap();
        database.client().batch_execute(&sql).unwrap();
    }
    let granted = "SELECT count(*)::text FROM oauthsptoken WHERE token_type = 'ACCESS'";
    assert_eq!(found(&database, granted), ["4"]);
    let kept = "SELECT count(*)::text FROM bandana WHERE bandanakey LIKE '%.ServiceProviderTokenStore.token.%'";
    assert_eq!(found(&database, kept), ["5"]);
}
