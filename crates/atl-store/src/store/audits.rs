//! Audits through the door.

use jiff::Timestamp;

use super::Store;
use crate::audits::{AuditKind, AuditMade, AuditRow, Comparison};
use crate::tables::audits::Writing;
use crate::{StoreError, sql::Fault};

/// Hands over rows, in the order of their keys.
pub type AuditRows<'a> = &'a mut dyn FnMut(&mut dyn FnMut(AuditRow)) -> Result<(), StoreError>;

impl Store {
    /// The newest audit, or the newest one that is not newer than `until`.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read.
    pub fn last_audit(&self, until: Option<Timestamp>) -> Result<Option<AuditMade>, StoreError> {
        self.database().last_audit(until)
    }

    /// Up to a thousand rows of an audit whose keys come after `after`, in the order of their keys; none means the end.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read.
    pub fn audit_rows(
        &self,
        audit: &AuditMade,
        kind: AuditKind,
        after: &str,
    ) -> Result<Vec<AuditRow>, StoreError> {
        self.database().audit_rows(audit.number, kind, after)
    }

    /// Puts an audit down, in one transaction: only what differs from the audit before takes room. Grants and findings are
    /// handed over one after the other, each in the order of their keys.
    ///
    /// # Errors
    ///
    /// Where the store cannot be written, or rows could not be handed over.
    pub fn put_audit<'r>(
        &self,
        made: Timestamp,
        comparison: &Comparison<'_>,
        grants: AuditRows<'r>,
        findings: AuditRows<'r>,
    ) -> Result<i64, StoreError> {
        let mut database = self.database();
        let mut broken = None;
        let put = database.write(|connection| {
            let mut writing = Writing::begin(connection, made, comparison)?;
            let kinds = [(AuditKind::Grant, grants), (AuditKind::Finding, findings)];
            for (kind, hand_over) in kinds {
                writing.of(kind);
                let mut fault = None;
                let handed = hand_over(&mut |row| {
                    if fault.is_none() {
                        fault = writing.row(&row).err();
                    }
                });
                if let Some(fault) = fault {
                    return Err(fault);
                }
                if let Err(error) = handed {
                    broken = Some(error);
                    return Err(Fault::Unreadable("rows"));
                }
                writing.close()?;
            }
            Ok(writing.number())
        });
        match broken {
            Some(error) => Err(error),
            None => put,
        }
    }
}
