//! Files as people and tools write them: read whatever they look like, or refused whole and without a word of theirs.

use atl_client::Product;
use atl_tokens::{Export, ExportProduct, GrantEntry, ImportError};

use crate::export::imported;
use crate::{FIRST, SECOND};

/// What stands in `name` and `consumer_name`: what separates fields, quotes, a line end and letters beyond ASCII.
const AWKWARD: &str = "caf\u{e9}, \"x\"; 1\t2\n3 \\ \u{1f511}";

/// A row with every column, and one with as few as there may be.
const HEADING: [&str; 16] = [
    "product",
    "kind",
    "id",
    "handle",
    "user",
    "user_status",
    "consumer_key",
    "consumer_name",
    "consumer_registered",
    "name",
    "scopes",
    "created",
    "expires",
    "renewable_until",
    "last_used",
    "exported",
];

fn rows() -> Vec<[String; 16]> {
    let row = |fields: [&str; 16]| fields.map(str::to_owned);
    vec![
        row([
            "jira",
            "oauth1",
            "1f7f381568f2",
            "",
            "alice",
            "active",
            "deploy-bot",
            AWKWARD,
            "true",
            "",
            "",
            "2026-03-01T08:00:00.123Z",
            "2096-03-01T08:00:00Z",
            "2096-04-01T08:00:00Z",
            "",
            "2026-11-01T00:00:00Z",
        ]),
        row([
            "jira",
            "oauth2",
            "",
            "refresh-1",
            "bob",
            "inactive",
            "public-id",
            "Reports",
            "false",
            "",
            "READ WRITE",
            "1772000000000",
            "",
            "",
            "2026-03-08T06:06:40Z",
            "2026-11-01T00:00:00Z",
        ]),
        row([
            "jira",
            "pat",
            "",
            "7",
            "bob",
            "unknown",
            "",
            "",
            "",
            AWKWARD,
            "",
            "2026-03-01T12:00:00",
            "9999-12-31T00:00:00",
            "",
            "",
            "2026-11-01T00:00:00Z",
        ]),
        row([
            "jira",
            "consumer",
            "",
            "",
            "",
            "",
            "deploy-bot",
            AWKWARD,
            "true",
            "",
            "",
            "",
            "",
            "",
            "",
            "2026-11-01T00:00:00Z",
        ]),
    ]
}

/// A file, its fields written by `field`.
fn file(
    separator: &str,
    end: &str,
    rows: &[[String; 16]],
    field: impl Fn(&str) -> String,
) -> String {
    let line = |fields: Vec<String>| fields.join(separator) + end;
    let heading = line(HEADING.map(str::to_owned).to_vec());
    let rows = rows
        .iter()
        .map(|row| line(row.iter().map(|text| field(text)).collect()));
    heading + &rows.collect::<String>()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn where_needed(text: &str) -> String {
    if text.contains([',', ';', '|', '"', '\n']) {
        quoted(text)
    } else {
        text.to_owned()
    }
}

fn escaped(text: &str) -> String {
    match text {
        "" => "NULL".to_owned(),
        text => text
            .replace('\\', "\\\\")
            .replace('\t', "\\t")
            .replace('\n', "\\n"),
    }
}

/// What comes back, without when it was read.
fn read(text: impl AsRef<[u8]>) -> (Vec<GrantEntry>, Vec<String>) {
    let (_, grants, consumers, _) = imported("grants.csv", text.as_ref(), ExportProduct::Jira);
    (grants, consumers)
}

#[test]
fn the_same_rows_come_out_of_every_dress() {
    let rows = rows();
    let plain = file(",", "\n", &rows, where_needed);
    let (grants, consumers) = read(&plain);
    assert_eq!((grants.len(), consumers.len()), (3, 1));
    assert_eq!(grants[0].consumer_name.as_deref(), Some(AWKWARD));
    assert_eq!(grants[2].name.as_deref(), Some(AWKWARD));
    assert!(grants[2].endless && grants[2].created_approximate && !grants[0].created_approximate);
    assert_eq!(grants[1].scopes, ["READ", "WRITE"]);
    let utf16 = |mark: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("{mark}{plain}")
            .encode_utf16()
            .flat_map(bytes)
            .collect()
    };
    let dashes = HEADING.map(|name| "-".repeat(name.len())).join("\t");
    let tabs = file("\t", "\r\n", &rows, escaped);
    let (first, rest) = tabs.split_once("\r\n").unwrap();
    let mut reversed = rows.clone();
    for row in &mut reversed {
        row.reverse();
    }
    let reversed = file(";", "\n", &reversed, where_needed);
    let (_, reversed) = reversed.split_once('\n').unwrap();
    let mut headings = HEADING.map(str::to_uppercase);
    headings.reverse();
    for (what, text) in [
        ("a byte order mark", format!("\u{feff}{plain}").into_bytes()),
        (
            "UTF-16, as SQL Server writes it",
            utf16("\u{feff}", u16::to_le_bytes),
        ),
        ("UTF-16 without a mark", utf16("", u16::to_le_bytes)),
        (
            "UTF-16, the other way round",
            utf16("\u{feff}", u16::to_be_bytes),
        ),
        (
            "quotes everywhere and CRLF",
            file(",", "\r\n", &rows, quoted).into_bytes(),
        ),
        (
            "semicolons",
            file(";", "\n", &rows, where_needed).into_bytes(),
        ),
        ("bars", file("|", "\n", &rows, where_needed).into_bytes()),
        (
            "tabs, as mysql --batch writes them",
            tabs.clone().into_bytes(),
        ),
        ("empty lines first", format!("\n\r\n{plain}").into_bytes()),
        (
            "no line end at the end",
            plain.trim_end().as_bytes().to_vec(),
        ),
        (
            "what sqlcmd adds",
            format!("{first}\n{dashes}\n{rest}\r\n(4 rows affected)\r\n").into_bytes(),
        ),
        (
            "other spellings of nothing",
            file(",", "\n", &rows, |text| {
                if text.is_empty() {
                    "\\N".into()
                } else {
                    where_needed(text)
                }
            })
            .into_bytes(),
        ),
        (
            "headings in capitals, the other way round",
            format!("\"{}\"\n{reversed}", headings.join("\";\"")).into_bytes(),
        ),
        (
            "a whole digest in capitals",
            plain
                .replace("1f7f381568f2", &format!("1F7F381568F2{}", "0".repeat(52)))
                .into_bytes(),
        ),
    ] {
        assert!(read(&text) == (grants.clone(), consumers.clone()), "{what}");
    }
}

#[test]
fn columns_beyond_those_of_an_export_are_left_out() {
    let text = "email,product,kind,id,user,consumer_key,created,expires\n\
                a@example.com,jira,oauth1,1f7f381568f2,alice,bot,,\n";
    let export = Export::read("f", text.as_bytes()).unwrap();
    assert_eq!((export.grants, export.consumers), (1, 0));
    assert_eq!(export.ignored, ["email"]);
    assert_eq!(export.exported, None);
}

const SHORT: &str = "product,kind,id,handle,user,consumer_key,created,expires";

fn refused(text: impl AsRef<[u8]>) -> ImportError {
    let text = text.as_ref();
    let error = Export::read("grants.csv", text).unwrap_err();
    let shown = format!("{error} {error:?} {}", error.advice());
    for value in [FIRST, SECOND, "hunter2", "eyJ"] {
        assert!(!shown.contains(value), "{shown}");
    }
    error
}

#[test]
fn what_may_be_a_token_is_refused_without_a_word_of_it() {
    let grant = "jira,oauth1,1f7f381568f2,,alice,bot,,";
    for (text, message) in [
        (
            format!(
                "id,created,token,token_secret,consumer_key,username\n1,,{FIRST},hunter2,bot,alice\n"
            ),
            "`grants.csv` is refused: its column 3 is named like a secret, with `token` in its name",
        ),
        (
            format!("{SHORT},spverifier\n{grant},hunter2\n"),
            "`grants.csv` is refused: its column 9 is named like a secret, with `verifier` in its name",
        ),
        (
            format!("{SHORT},Session_Handle\n{grant},hunter2\n"),
            "`grants.csv` is refused: its column 9 is named like a secret, with `sessionhandle` in its name",
        ),
        (
            format!("{SHORT}\n{grant}\njira,oauth1,{FIRST},,alice,bot,,\n"),
            "`grants.csv` is refused: what stands in `id` of line 3 may be a token itself",
        ),
        (
            format!("{SHORT}\n{grant}\njira,consumer,{FIRST},,,bot,,\n"),
            "`grants.csv` is refused: what stands in `id` of line 3 may be a token itself",
        ),
        (
            format!("{SHORT}\njira,oauth2,,eyJhbGciOi.eyJzdWIi.sig,alice,bot,,\n"),
            "`grants.csv` is refused: what stands in `handle` of line 2 may be a token itself",
        ),
        (
            format!("{SHORT}\njira,pat,,{SECOND},alice,bot,,\n"),
            "`grants.csv` is refused: what stands in `handle` of line 2 may be a token itself",
        ),
    ] {
        let error = refused(&text);
        assert_eq!(error.code(), "import_holds_secrets");
        assert_eq!(error.to_string(), message);
        assert!(error.advice().starts_with("delete the file"));
    }
}

#[test]
fn what_is_no_export_is_refused_and_says_why() {
    for (text, code, message) in [
        (
            "",
            "import_no_export",
            "`grants.csv` is empty: it has not even a heading",
        ),
        (
            "\n\n \n",
            "import_no_export",
            "`grants.csv` is empty: it has not even a heading",
        ),
        (
            "PK\u{3}\u{4}\u{14}\u{0}\u{6}",
            "import_no_export",
            "`grants.csv` is no export of grants: its first line has none of the columns",
        ),
        (
            FIRST,
            "import_no_export",
            "`grants.csv` is no export of grants: its first line has none of the columns",
        ),
        (
            "kind,id,user,consumer_key,expires\n",
            "import_columns",
            "`grants.csv` has no column `product`, `created`",
        ),
        (
            "product,kind,id,user,consumer_key,created,expires,User\n",
            "import_columns",
            "`grants.csv` has the column `user` twice",
        ),
    ] {
        let error = refused(text);
        assert_eq!((error.code(), &*error.to_string()), (code, message));
    }
}

#[test]
fn rows_that_cannot_be_read_are_counted_and_the_first_named() {
    let text = [
        SHORT,
        "jira,oauth1,1f7f381568f2,,alice,bot,2026-03-01,",
        "jira,oauth1,1f7f381568f2,,alice,bot,soon,",
        "jira,oauth1,1f7f381568f2,,,bot,,",
        "jira,oauth1,,,alice,bot,,",
        "jira,oauth3,1f7f381568f2,,alice,bot,,",
        "jira,oauth1,1f7f381568f2,,alice,bot,",
        ",oauth1,1f7f381568f2,,alice,bot,,",
        "bamboo,oauth1,1f7f381568f2,,alice,bot,,",
        "jira,consumer,,,,,,",
    ]
    .join("\n");
    let error = refused(&text);
    assert_eq!(error.code(), "import_rows");
    assert_eq!(
        error.to_string(),
        "`grants.csv`: 8 of its rows cannot be read; line 3: `created` is not understood; line 4: `user` is empty; \
         line 5: `id` is empty; line 6: `kind` is not understood; line 7: 7 fields where the heading has 8"
    );
    let latin = [
        SHORT.as_bytes(),
        b"\njira,oauth1,1f7f381568f2,,caf\xe9,bot,,\n",
    ]
    .concat();
    let error = refused(&latin);
    assert_eq!(
        error.to_string(),
        "`grants.csv`: 1 of its rows cannot be read; line 2: not text in UTF-8"
    );
    // A quote that is never closed swallows the rest.
    let error = refused(format!(
        "{SHORT}\njira,oauth1,1f7f381568f2,,\"alice,bot,,\n{}",
        "x,".repeat(99)
    ));
    assert!(
        error
            .to_string()
            .contains("line 2: 5 fields where the heading has 8"),
        "{error}"
    );
}

#[test]
fn an_export_is_of_the_product_of_its_server_or_refused() {
    let of = |rows: &[&str]| {
        let rows = rows
            .iter()
            .map(|product| format!("{product},oauth1,1f7f381568f2,,alice,bot,,\n"));
        let text = format!("{SHORT}\n{}", rows.collect::<String>());
        Export::read("grants.csv", text.as_bytes()).unwrap()
    };
    let check = |rows: &[&str], product| match of(rows).check_product("wiki", product) {
        Ok(product) => product.name().to_owned(),
        Err(error) => {
            assert_eq!(error.code(), "import_other_product");
            error.to_string()
        }
    };
    assert_eq!(check(&["jira", "JIRA"], Product::Jira), "jira");
    assert_eq!(check(&["confluence"], Product::Confluence), "confluence");
    assert_eq!(check(&[], Product::Confluence), "confluence");
    assert_eq!(
        check(&["jira"], Product::Confluence),
        "`grants.csv` is an export of Jira, and `wiki` is a Confluence"
    );
    assert_eq!(
        check(&["jira", "confluence"], Product::Jira),
        "`grants.csv` is an export of Jira and Confluence, and `wiki` is a Jira"
    );
    assert_eq!(
        check(&[], Product::Bamboo),
        "`grants.csv` is an export of nothing, and `wiki` is a Bamboo"
    );
}
