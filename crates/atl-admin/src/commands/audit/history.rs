//! `audit --since`: which earlier audit is meant, and what is different.

use atl_fleet::audit::{Audit, Difference, Findings};
use atl_store::{AuditMade, Store};
use jiff::{Timestamp, civil, tz::TimeZone};

use crate::{error::Result, term};

/// Since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// The audit before this one.
    Last,
    /// The last audit by this time.
    By(Timestamp),
}

/// Reads `last`, a day, which counts to its end, or a time.
///
/// # Errors
///
/// A sentence for the user.
pub(crate) fn since(text: &str) -> Result<Since, String> {
    if text == "last" {
        return Ok(Since::Last);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Since::By(time));
    }
    let day = text.parse::<civil::Date>().ok();
    let end = day.and_then(|day| {
        let last = day.to_datetime(civil::time(23, 59, 59, 999_999_999));
        TimeZone::UTC.to_timestamp(last).ok()
    });
    end.map(Since::By).ok_or_else(|| {
        "write `last`, a day such as `2026-11-01` (UTC), or a time such as `2026-11-01T12:00:00Z`"
            .to_owned()
    })
}

/// The earlier audit, where there is one.
pub(super) fn earlier(store: &Store, since: Since) -> Result<Option<AuditMade>> {
    let until = match since {
        Since::Last => None,
        Since::By(time) => Some(time),
    };
    Ok(store.last_audit(until)?)
}

/// What is different since then, as far as there is such an audit.
pub(super) fn difference(
    store: &Store,
    since: Since,
    audit: &Audit,
    findings: &Findings,
) -> Result<Option<Difference>> {
    let Some(earlier) = earlier(store, since)? else {
        term::warn(match since {
            Since::Last => "no earlier audit is in the store, so there is nothing to compare with",
            Since::By(_) => {
                "no audit in the store is that old, so there is nothing to compare with"
            }
        });
        return Ok(None);
    };
    Ok(Some(audit.since(store, &earlier, findings)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_counts_to_its_end() {
        let by = |text: &str| Ok(Since::By(text.parse().unwrap()));
        assert_eq!(since("last"), Ok(Since::Last));
        assert_eq!(since("2026-11-01"), by("2026-11-01T23:59:59.999999999Z"));
        assert_eq!(since("2026-11-01T12:00:00Z"), by("2026-11-01T12:00:00Z"));
        for bad in ["", "yesterday", "2026-13-01", "LAST"] {
            assert!(since(bad).unwrap_err().contains("last"), "{bad}");
        }
    }
}
