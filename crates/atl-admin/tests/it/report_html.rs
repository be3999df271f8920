//! The page of a report, opened as a file in a real browser.

use atl_admin::report::html;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    chromium::Chromium,
    reports::{SCRIPT, Sample, written},
};

const SEARCH: &str = "//input[@id='search']";

/// A page in a browser, and the folder that its file is in.
struct Page {
    chromium: Chromium,
    folder: TempDir,
}

impl Page {
    /// Opens the page of a report; where there is no browser, the test is skipped.
    fn open(test: &str, sample: &Sample) -> Option<Self> {
        let page = Self {
            chromium: Chromium::start(test)?,
            folder: tempfile::tempdir().unwrap(),
        };
        page.show(sample);
        Some(page)
    }

    /// Opens the page of another report.
    fn show(&self, sample: &Sample) {
        let file = self.folder.path().join("report.html");
        fs_err::write(&file, written(sample, |report, out| html(report, out))).unwrap();
        self.chromium.open(&format!("file://{}", file.display()));
    }

    fn evaluate(&self, script: &str) -> Value {
        self.chromium.evaluate(&format!("return {script}"))
    }

    /// The texts of the elements that a selector finds.
    fn texts(&self, selector: &str) -> Vec<String> {
        let texts = self.evaluate(&format!(
            "[...document.querySelectorAll({})].map(it => it.innerText)",
            json!(selector)
        ));
        serde_json::from_value(texts).unwrap()
    }

    fn text(&self, selector: &str) -> String {
        self.texts(selector).join("\n")
    }

    /// The cells of one column of the grants that are shown.
    fn column(&self, number: usize) -> Vec<String> {
        self.texts(&format!("#rows tbody td:nth-child({number})"))
    }

    /// Nothing was complained of, nothing was asked of anybody, and nothing runs over the edge.
    #[track_caller]
    fn is_clean(&self) {
        let said = self.chromium.console();
        assert!(said.is_empty(), "{said:?}");
        let loaded = self.evaluate("performance.getEntriesByType('resource').map(it => it.name)");
        assert_eq!(loaded, json!([]));
        let wide = self.evaluate("document.documentElement.scrollWidth > innerWidth");
        assert_eq!(wide, false, "the page is wider than its window");
    }
}

#[test]
fn coverage_comes_first_then_findings_and_all_that_servers_say_is_text() {
    let test = "coverage_comes_first_then_findings_and_all_that_servers_say_is_text";
    let Some(page) = Page::open(test, &Sample::new()) else {
        return;
    };
    assert_eq!(page.text("h1"), "Audit of fleet.yaml");
    assert_eq!(
        page.texts("main h2"),
        [
            "What was looked at",
            "Findings",
            "The grants at a glance",
            "Grants"
        ]
    );
    let notice = page.text("#coverage .notice");
    assert!(
        notice.starts_with("Not everything that was asked for could be looked at: see 1 of the 4"),
        "{notice}"
    );
    assert!(page.text("#coverage table").contains("connection refused"));
    assert_eq!(
        page.texts(".rule h4"),
        [
            "A published sample key",
            "A grant older than its policy allows"
        ]
    );
    assert_eq!(page.texts(".rule > .advice").len(), 2);
    assert_eq!(page.texts("#overview figure").len(), 4);
    // What servers say is text.
    assert_eq!(
        page.text(".rule.high tbody td:nth-child(2)"),
        format!("consumer {SCRIPT}")
    );
    assert_eq!(
        page.column(2),
        [
            "deploy-bot",
            format!("{SCRIPT}\ndeploy-bot").as_str(),
            "own token\nbackup"
        ]
    );
    assert!(page.text("#rows").contains("bob & \"co\""));
    assert_eq!(page.evaluate("document.scripts.length"), 1);
    // An open dialog would have failed every command before this one.
    page.is_clean();
}

/// What got in all the same could do nothing.
#[test]
fn nothing_but_the_script_of_the_page_runs_and_nothing_is_loaded() {
    let test = "nothing_but_the_script_of_the_page_runs_and_nothing_is_loaded";
    let Some(page) = Page::open(test, &Sample::new()) else {
        return;
    };
    page.is_clean();
    let outside = page.evaluate(
        "document.querySelectorAll('[src], [style], link, base, iframe, object, embed').length",
    );
    assert_eq!(outside, 0);
    page.chromium.evaluate(
        "const script = document.createElement('script'); script.textContent = 'window.ran = true';
         const image = document.createElement('img'); image.setAttribute('onerror', 'window.ran = true');
         image.src = 'http://127.0.0.1:9/pixel.png'; document.body.append(script, image);
         fetch('http://127.0.0.1:9/').catch(() => {});",
    );
    assert_eq!(page.evaluate("window.ran === undefined"), true);
    let said = page.chromium.console();
    let refused = said
        .iter()
        .filter(|said| said.text.contains("Content Security Policy"));
    assert!(refused.count() >= 3, "{said:?}");
}

#[test]
fn a_search_narrows_the_table_and_a_heading_sorts_it() {
    let test = "a_search_narrows_the_table_and_a_heading_sorts_it";
    let Some(page) = Page::open(test, &Sample::new()) else {
        return;
    };
    assert_eq!(page.text("#shown"), "3 grants");
    let search = |words: &str| {
        page.chromium.retype(SEARCH, words);
        (page.column(10), page.text("#shown"))
    };
    let one = |id: &str| (vec![id.to_owned()], "1 of 3 match".to_owned());
    assert_eq!(search("CAROL"), one("99887766aabb"));
    assert_eq!(search("alice jira"), one("0a1b2c3d4e5f"));
    assert_eq!(search("inactive"), one("112233445566"));
    assert_eq!(
        search("alice wiki"),
        (Vec::new(), "No grant matches".to_owned())
    );
    assert_eq!(search(" ").0.len(), 3);

    let sort = |heading: &str| page.chromium.press(&format!("//th/button[.='{heading}']"));
    sort("Created");
    assert_eq!(page.column(5), ["2024-09-19", "2026-10-19", "2026-11-25"]);
    assert_eq!(page.texts("[aria-sort=ascending]"), ["Created"]);
    sort("Created");
    assert_eq!(page.column(5), ["2026-11-25", "2026-10-19", "2024-09-19"]);
    sort("User");
    assert_eq!(
        page.column(10),
        ["0a1b2c3d4e5f", "112233445566", "99887766aabb"]
    );
    // What is not known comes last both ways.
    for _ in 0..2 {
        sort("Ends");
        assert_eq!(page.column(7), ["never", "", ""]);
    }
    page.is_clean();
}

#[test]
fn many_grants_are_cut_counted_and_still_searched() {
    let test = "many_grants_are_cut_counted_and_still_searched";
    let Some(page) = Page::open(test, &Sample::new().with_grants(12_345)) else {
        return;
    };
    assert!(
        page.text("#grants .notice")
            .starts_with("5,000 of 12,345 shown.")
    );
    assert!(page.text(".figures").contains("12,345"));
    let counted = page.evaluate(
        "[...document.querySelectorAll('figure')].map(figure => [...figure.querySelectorAll('li > b')]
         .reduce((sum, it) => sum + Number(it.innerText.replaceAll(',', '')), 0))",
    );
    assert_eq!(counted, json!([12_345, 12_345, 12_345, 12_345]));
    assert_eq!(page.text("#shown"), "1 to 100 of 5,000 grants");
    page.chromium.press("//button[.='Next']");
    assert_eq!(page.text("#shown"), "101 to 200 of 5,000 grants");
    assert_eq!(page.column(1)[0], "user00100");
    page.chromium.retype(SEARCH, "user04999");
    assert_eq!(page.column(1), ["user04999"]);
    page.is_clean();
}

#[test]
fn what_is_different_known_or_accepted_is_told_apart() {
    let test = "what_is_different_known_or_accepted_is_told_apart";
    let sample = Sample::new().with_baseline().with_accepted();
    let Some(page) = Page::open(test, &sample.with_difference()) else {
        return;
    };
    assert!(page.text("#changes .lead").contains("29 October 2026"));
    assert_eq!(
        page.texts("#changes h3"),
        [
            "New findings",
            "New grants 1 of 1,200 shown",
            "Grants that are gone",
            "Changed grants"
        ]
    );
    assert!(page.text("#changes").contains("status: active -> expired"));
    assert_eq!(page.texts(".rule .tag"), ["in the baseline"]);
    assert_eq!(page.text("#accepted"), "Accepted 1 finding");
    let row = page.text("[aria-labelledby=accepted] tbody");
    assert!(row.contains("the backup needs it"), "{row}");
    assert!(row.contains("2027-01-31"), "{row}");
    page.is_clean();
}

#[test]
fn it_is_readable_dark_narrow_and_on_paper() {
    let test = "it_is_readable_dark_narrow_and_on_paper";
    let Some(page) = Page::open(test, &Sample::new().with_difference()) else {
        return;
    };
    let colours = || {
        page.evaluate("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")
    };
    let seen = |media, scheme, width| {
        page.chromium.emulate(media, scheme, width);
        page.is_clean();
        colours()
    };
    let light = seen("screen", "light", 1200);
    let dark = seen("screen", "dark", 1200);
    assert_ne!(light[0], dark[0]);
    assert_ne!(light[1], dark[1]);
    assert_eq!(seen("screen", "dark", 400), dark);
    // Paper is white, whatever the screen is.
    let paper = seen("print", "dark", 700);
    assert_eq!(paper, json!(["rgb(255, 255, 255)", light[1]]));
    let search = page.evaluate("getComputedStyle(document.getElementById('search')).display");
    assert_eq!(search, "none");
}

/// A clean audit does not look like one that saw nothing, or only a part.
#[test]
fn nothing_found_reads_as_such_only_where_all_was_looked_at() {
    let test = "nothing_found_reads_as_such_only_where_all_was_looked_at";
    let mut sample = Sample::new();
    sample.findings.clear();
    let Some(page) = Page::open(test, &sample) else {
        return;
    };
    let told = |coverage: &str, findings: &str| {
        let said = page.text("#coverage .notice");
        assert!(said.starts_with(coverage), "{said}");
        assert_eq!(page.text("#findings .notice"), findings);
    };
    let in_part = "No rule found anything in what could be looked at.";
    told(
        "Not everything that was asked for could be looked at",
        in_part,
    );
    // What is left is one page, which shows the grants of one account.
    sample.coverage.pop();
    page.show(&sample);
    let asked_for = "Everything that was asked for was looked at.";
    told(asked_for, in_part);
    sample.coverage.pop();
    page.show(&sample);
    told(asked_for, "No rule found anything.");
    sample.coverage.clear();
    sample.grants.clear();
    page.show(&sample);
    told("Nothing was looked at.", in_part);
    assert_eq!(page.text("#overview .lead"), "No grants were seen.");
    page.is_clean();
}
