//! What a Confluence keeps of tokens in its table BANDANA, as far as it is known, in every spelling that may be.

use crate::{FIRST, OF_BOB, SECOND};

/// The table, on PostgreSQL and on MySQL, which tells upper case from lower.
pub(crate) const TABLE: [&str; 2] = [
    "CREATE TABLE bandana (bandanaid bigint PRIMARY KEY, bandanacontext varchar(255) NOT NULL,
     bandanakey varchar(100) NOT NULL, bandanavalue text)",
    "CREATE TABLE BANDANA (BANDANAID bigint PRIMARY KEY, BANDANACONTEXT varchar(255) NOT NULL,
     BANDANAKEY varchar(100) NOT NULL, BANDANAVALUE longtext)",
];

/// A token that was asked for, and not granted yet.
const REQUEST: &str = "RequestRequestRequestRequest0001";

/// The rows: alice has two tokens, one of a consumer whose key had to be shortened in the key of its row; bob has one.
/// A request token belongs to nobody yet, one that is listed is gone, and another program keeps something like it.
pub(crate) fn rows(table: &str) -> String {
    let store = "com.atlassian.oauth.serviceprovider.ServiceProviderTokenStore";
    let xml = |properties: &[(&str, &str)]| {
        let properties = properties
            .iter()
            .map(|(name, value)| format!("  <property name=\"{name}\" value=\"{value}\"/>\n"));
        format!(
            "<properties>\n{}</properties>",
            properties.collect::<String>()
        )
    };
    let session = [
        ("session.handle", "handle-1"),
        ("session.creationTime", "1772352000000"),
        ("session.lastRenewalTime", "1772352000000"),
        ("session.timeToLive", "160272000000"),
    ];
    let times = [
        ("creationTime", "1772352000123"),
        ("timeToLive", "157680000000"),
    ];
    let token = [
        &times[..],
        &session,
        &[("tokenSecret", "secret-1"), ("userName", "alice")],
    ]
    .concat();
    let entries = "<!DOCTYPE properties><properties>\n<entry key=\"userName\">alice</entry>\n\
                   <entry key=\"creationTime\">1772409600000</entry>\n<entry key=\"timeToLive\">157680000000</entry></properties>";
    let lines =
        "#java.util.Properties\ntimeToLive=86400000\nuserName=bob\ncreationTime=1577836800000\n";
    // Names over 100 characters are cut, and end in a digest of the whole.
    let long = "consum0123456789abcdef0123456789abcdef";
    let long_user = "userAcfedcba9876543210fedcba9876543210";
    [
        ("_GLOBAL", format!("{store}.token.{FIRST}"), xml(&token)),
        (
            "_GLOBAL",
            format!("{store}.token.{SECOND}"),
            entries.to_owned(),
        ),
        (
            "_GLOBAL",
            format!("{store}.token.{OF_BOB}"),
            lines.to_owned(),
        ),
        ("_GLOBAL", format!("{store}.token.{REQUEST}"), xml(&times)),
        (
            "_GLOBAL",
            format!("{store}.{long_user}"),
            xml(&[
                ("keys", &format!("{FIRST}/{SECOND}/gone")),
                ("username", "alice"),
            ]),
        ),
        (
            "_GLOBAL",
            format!("{store}.userAccessTokens.bob"),
            format!("#java.util.Properties\nkeys={OF_BOB}\n"),
        ),
        (
            "_GLOBAL",
            format!("{store}.{long}"),
            xml(&[
                (
                    "consumerKey",
                    "a-key-that-is-too-long-for-a-row &amp; &lt;more&gt;",
                ),
                ("keys", &format!("{REQUEST}/{FIRST}")),
            ]),
        ),
        (
            "_GLOBAL",
            format!("{store}.consumerTokens.ci"),
            xml(&[
                ("keys", &format!("{SECOND}/{OF_BOB}")),
                ("consumerKey", "ci"),
            ]),
        ),
        (
            "_GLOBAL",
            format!("{store}.tokenKeys"),
            format!("<string>{FIRST}</string>"),
        ),
        ("SPACE", format!("{store}.token.{REQUEST}"), xml(&token)),
        ("_GLOBAL", "com.example.token.x".to_owned(), xml(&token)),
    ]
    .iter()
    .zip(1..)
    .map(|((context, key, value), number)| {
        assert!(key.len() <= 100, "{key}");
        let value = value.replace('\n', "\\n");
        let literal = if table == "bandana" { "E" } else { "" };
        format!(
            "INSERT INTO {table} VALUES ({number}, '{context}', '{key}', {literal}'{value}');\n"
        )
    })
    .collect::<Vec<_>>()
    .concat()
}
