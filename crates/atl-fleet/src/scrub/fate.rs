//! What is to become of a link that came along: a pure decision.

use super::look::Copied;
use crate::wanted::{Consumer, State};

/// The decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is deleted, with its consumer.
    Remove,
    /// It stays, and its consumer is registered again.
    Keep,
    /// It is made again at this URL, and its consumer registered there.
    Repoint { to: String },
    /// It is not touched.
    None,
}

/// Links below one URL are to point below another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repoint {
    /// What application URLs begin with.
    pub from: String,
    /// What they are to begin with instead.
    pub to: String,
}

/// What is not simply removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScrubOptions {
    /// Links that the fleet file names for this server stay; their grants end all the same.
    pub keep_named: bool,
    /// Generic links that are to point elsewhere.
    pub repoint: Vec<Repoint>,
}

impl Repoint {
    /// The URL in the place of this one, where it is concerned.
    fn apply(&self, url: &str) -> Option<String> {
        let rest = below(url, &self.from)?;
        Some(format!("{}{rest}", self.to.trim_end_matches('/')))
    }
}

/// What follows a base in a URL that is at it or below it.
fn below<'u>(url: &'u str, base: &str) -> Option<&'u str> {
    let rest = url.strip_prefix(base.trim_end_matches('/'))?;
    (rest.is_empty() || rest.starts_with(['/', '?', '#'])).then_some(rest)
}

impl ScrubOptions {
    fn repointed(&self, url: &str) -> Option<String> {
        self.repoint.iter().find_map(|repoint| repoint.apply(url))
    }

    /// Whether a URL is one that links are re-pointed to.
    fn is_target(&self, url: &str) -> bool {
        let mut targets = self.repoint.iter().map(|repoint| repoint.to.as_str());
        targets.any(|to| below(url, to).is_some())
    }
}

/// The consumer of the fleet file that a link is for: at its URL, and with its consumer key where it carries one.
pub(super) fn named<'c>(
    consumers: &'c [Consumer],
    server: &str,
    origin: &str,
    key: Option<&str>,
) -> Option<&'c Consumer> {
    consumers.iter().find(|consumer| {
        consumer.state == State::Present
            && consumer.servers.iter().any(|name| name == server)
            && consumer.url.trim_end_matches('/') == origin.trim_end_matches('/')
            && key.is_none_or(|key| key == consumer.key)
    })
}

/// Decides, and says what deserves saying about it. `taken` tells whether another link has an application URL.
pub(super) fn fate(
    copied: &Copied,
    options: &ScrubOptions,
    taken: impl Fn(&str) -> bool,
) -> (Fate, Option<String>) {
    let link = &copied.link;
    if link.system {
        let note = "a system link, which the server made itself: left alone";
        return (Fate::None, Some(note.to_owned()));
    }
    let url = link.rpc_url.as_deref().unwrap_or_default();
    let wanted = options.repointed(&copied.origin);
    if link.type_id != "generic" {
        let note = wanted.map(|_| {
            format!(
                "a link of type `{}` cannot be re-pointed from outside: it is removed, and can be made anew in the \
                 server's admin pages",
                link.type_id
            )
        });
        return (Fate::Remove, note);
    }
    if options.keep_named && copied.named.is_some() {
        return (Fate::Keep, outgoing_stays(copied));
    }
    if let Some(to) = wanted {
        return if taken(&to) {
            let note = format!("another link is at {to} already, so this one is removed");
            (Fate::Remove, Some(note))
        } else {
            (Fate::Repoint { to }, outgoing_goes(copied))
        };
    }
    if let Some(display) = options
        .repointed(&link.display_url)
        .filter(|_| !url.is_empty())
    {
        let note = format!("its display URL becomes {display}");
        return (Fate::Repoint { to: url.to_owned() }, Some(note));
    }
    if options.is_target(url) {
        return (Fate::Keep, outgoing_stays(copied));
    }
    (Fate::Remove, None)
}

/// The display URL of a link that is re-pointed.
pub(super) fn display_url(copied: &Copied, options: &ScrubOptions, to: &str) -> String {
    let display = &copied.link.display_url;
    match options.repointed(display) {
        Some(display) => display,
        None if *display == copied.origin => to.to_owned(),
        None => display.clone(),
    }
}

fn outgoing_stays(copied: &Copied) -> Option<String> {
    (!copied.outgoing.is_empty())
        .then(|| "its outgoing authentication stays, with the tokens this server holds".to_owned())
}

fn outgoing_goes(copied: &Copied) -> Option<String> {
    (!copied.outgoing.is_empty())
        .then(|| "its outgoing authentication is not carried over".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_below_a_base_at_a_boundary_only() {
        let repoint = Repoint {
            from: "https://ci.example.com/".into(),
            to: "https://ci.test.example.com/x/".into(),
        };
        let check = |url, expected: Option<&str>| {
            assert_eq!(repoint.apply(url).as_deref(), expected, "{url}");
        };
        check(
            "https://ci.example.com",
            Some("https://ci.test.example.com/x"),
        );
        check(
            "https://ci.example.com/a?b",
            Some("https://ci.test.example.com/x/a?b"),
        );
        check("https://ci.example.community", None);
        check("https://ci.example.com:8443", None);
        check("http://ci.example.com", None);
    }

    fn copied(type_id: &str, url: &str) -> Copied {
        Copied::of(atl_applinks::ApplicationLink {
            id: "id".into(),
            type_id: type_id.into(),
            name: "CI".into(),
            display_url: url.into(),
            rpc_url: Some(url.into()),
            primary: false,
            system: false,
        })
    }

    #[test]
    fn what_is_not_asked_for_is_removed() {
        let options = ScrubOptions {
            keep_named: true,
            repoint: vec![Repoint {
                from: "https://ci.example.com".into(),
                to: "https://ci.test".into(),
            }],
        };
        let check = |copied: &Copied, taken: bool, expected: &Fate, noted: bool| {
            let (fate, note) = fate(copied, &options, |_| taken);
            assert_eq!((&fate, note.is_some()), (expected, noted), "{copied:?}");
        };
        let elsewhere = copied("generic", "https://elsewhere.example.com");
        check(&elsewhere, false, &Fate::Remove, false);
        let ci = copied("generic", "https://ci.example.com/a");
        let to = Fate::Repoint {
            to: "https://ci.test/a".into(),
        };
        check(&ci, false, &to, false);
        check(&ci, true, &Fate::Remove, true);
        check(
            &copied("jira", "https://ci.example.com"),
            false,
            &Fate::Remove,
            true,
        );
        check(
            &copied("generic", "https://ci.test/b"),
            false,
            &Fate::Keep,
            false,
        );
        let named = Copied {
            named: Some("ci".into()),
            ..ci
        };
        check(&named, false, &Fate::Keep, false);
        let mut system = copied("jira", "https://jira.example.com");
        system.link.system = true;
        check(&system, false, &Fate::None, true);
        let mut shown = elsewhere;
        shown.link.display_url = "https://ci.example.com".into();
        let same = Fate::Repoint {
            to: "https://elsewhere.example.com".into(),
        };
        check(&shown, false, &same, true);
    }
}
