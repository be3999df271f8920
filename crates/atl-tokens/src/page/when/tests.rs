//! What people of different languages read as times.

use super::*;

/// What a text comes to: a moment with `Z`, one without where its zone is not known, `several`, or `none`.
fn shown(text: &str) -> String {
    match read(text) {
        Reading::Time(ShownTime::Exact(at)) => at.to_string(),
        Reading::Time(ShownTime::Approximate(at)) => {
            at.strftime("about %Y-%m-%d %H:%M:%S").to_string()
        }
        Reading::Time(ShownTime::Words(_)) => "words".to_owned(),
        Reading::Ambiguous => "several".to_owned(),
        Reading::No => "none".to_owned(),
    }
}

#[track_caller]
fn check(texts: &[&str], expected: &str) {
    for text in texts {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn one_evening_in_many_languages() {
    check(
        &[
            "Nov 28, 2026 4:05 PM",
            "Nov 28, 2026, 4:05\u{202f}PM",
            "November 28th, 2026 at 4:05 p.m.",
            "28 Nov 2026, 16:05",
            "28-Nov-2026 16:05",
            "28/Nov/26 4:05 PM",
            "28.11.2026 16:05",
            "28.11.2026, 16:05 Uhr",
            "28. November 2026 um 16:05",
            "28. Nov. 2026 16:05",
            "28 nov. 2026 à 16:05",
            "28 novembre 2026 16h05",
            "28-nov-2026 16:05",
            "28 nov. 2026 a las 16:05",
            "28 de noviembre de 2026, 4:05 p. m.",
            "28-nov-2026 16.05",
            "28 nov 2026, alle ore 16:05",
            "28/11/2026 16:05",
            "28 de nov. de 2026 às 16:05",
            "2026/11/28 16:05",
            "2026年11月28日 16:05",
            "2026年11月28日 午後4:05",
            "2026年11月28日下午4:05",
            "2026-11-28 下午4:05",
            "2026-11-28 16:05",
            "2026-11-28T16:05",
            "11/28/2026 4:05 PM",
            "28/11/2026 16:05 CET",
        ],
        "about 2026-11-28 16:05:00",
    );
}

#[test]
fn a_zone_makes_it_exact_and_seconds_count() {
    check(
        &[
            "2026-11-28T16:05:09+01:00",
            "2026-11-28T16:05:09+0100",
            "2026-11-28T15:05:09Z",
            "28 Nov 2026 15:05:09 UTC",
            "Nov 28, 2026 3:05:09 PM GMT",
        ],
        "2026-11-28T15:05:09Z",
    );
}

#[test]
fn a_day_alone_is_its_midnight() {
    check(
        &[
            "28/Nov/26",
            "Nov 28, 2026",
            "28. Nov. 2026",
            "2026-11-28",
            "2026年11月28日",
            "28.11.2026",
        ],
        "about 2026-11-28 00:00:00",
    );
    check(
        &["1er août 2026", "1.8.2026", "1 ago 2026"],
        "about 2026-08-01 00:00:00",
    );
    check(&["12 mar 2026 12:00 AM"], "about 2026-03-12 00:00:00");
    check(&["12 mar 2026 12:30 PM"], "about 2026-03-12 12:30:00");
    check(&["01/Jan/70"], "about 1970-01-01 00:00:00");
}

#[test]
fn what_may_be_several_days_is_none_of_them() {
    check(
        &[
            "11/12/2026",
            "11/12/2026 16:05",
            "11-12-2026",
            "11/12/26",
            "26/11/28",
            "28.11.26",
        ],
        "several",
    );
    check(&["11/11/2026"], "about 2026-11-11 00:00:00");
    check(&["28/11/99"], "about 1999-11-28 00:00:00");
}

#[test]
fn what_is_no_date_is_none() {
    check(
        &[
            "",
            "today",
            "3 days ago",
            "3 November",
            "Never",
            "32.11.2026x",
            "Nov 28, 2026 for Nov",
            "Release 28 Nov 2026 16:05",
            "28 Nov 2026 13:05 PM",
            "28 Nov 2026 25:05",
            "28 Foo 2026",
            "2026",
            "1.2.3",
            "10.0.0.1",
            "99999999999999999999",
            "31.2.2026",
            "30/02/2026",
        ],
        "none",
    );
}

#[test]
fn numbers_for_scripts_are_moments() {
    let read = |value: &str| {
        epoch(value)
            .and_then(|time| time.at())
            .map(|at| at.to_string())
    };
    assert_eq!(read("1795881600").as_deref(), Some("2026-11-28T16:00:00Z"));
    assert_eq!(
        read("1795881600000").as_deref(),
        Some("2026-11-28T16:00:00Z")
    );
    for none in [
        "",
        "1",
        "17958816000",
        "+1795881600",
        "-179588160",
        "179588160O",
    ] {
        assert_eq!(read(none), None, "{none}");
    }
}
