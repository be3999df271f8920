//! Locks on PostgreSQL: a session advisory lock, which the server lets go of when the session ends, and a row that says
//! who holds it.

use super::Postgres;
use crate::StoreError;
use crate::lock::{LockHolder, LockTarget};

/// Who holds a lock: the row of the session that has it. What a dead session left names nobody.
const HOLDER: &str = "SELECT l.holder FROM locks l JOIN pg_locks p
    ON p.locktype = 'advisory' AND p.granted AND p.objsubid = 1 AND p.pid = l.session
    AND ((p.classid::bigint << 32) | p.objid::bigint) = l.key
    AND p.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    WHERE l.key = $1";

const NAME: &str = "INSERT INTO locks (key, session, consumer, server_url, holder)
    VALUES ($1, pg_backend_pid(), $2, $3, $4)
    ON CONFLICT (key) DO UPDATE SET session = excluded.session, holder = excluded.holder";

/// How long the transaction waits for a lock.
const MOMENT: &str = "SELECT set_config('lock_timeout', '500ms', true)";

impl Postgres {
    /// Takes a lock; `Err` of who holds it where it is taken.
    pub(crate) fn lock(
        &mut self,
        target: &LockTarget<'_>,
        holder: &LockHolder,
    ) -> Result<i64, StoreError> {
        let key = target.number();
        // A session may take its own lock again, which another part of this process must not.
        if !self.held.contains(&key) && self.take(key, target, holder)? {
            return Ok(key);
        }
        let found = self.read(|sql| {
            let row = sql.first(HOLDER, &[key.into()])?;
            row.map(|row| row.text("holder")).transpose()
        })?;
        Err(target.locked_by(found.and_then(|text| serde_json::from_str(&text).ok())))
    }

    /// Whether the lock was free, or became free in the moment that a server needs to end the session of a killed one.
    fn take(
        &mut self,
        key: i64,
        target: &LockTarget<'_>,
        holder: &LockHolder,
    ) -> Result<bool, StoreError> {
        let holder = serde_json::to_string(holder).unwrap_or_default();
        let mut taken = false;
        let named = self.write(|sql| {
            sql.first(MOMENT, &[])?;
            sql.first("SELECT pg_advisory_lock($1)", &[key.into()])?;
            taken = true;
            let values = [
                key.into(),
                target.consumer.into(),
                target.server_url.into(),
                holder.as_str().into(),
            ];
            sql.execute(NAME, &values).map(drop)
        });
        match named {
            Ok(()) => {
                self.held.insert(key);
                Ok(true)
            }
            Err(StoreError::Busy { .. }) if !taken => Ok(false),
            Err(error) => {
                if taken {
                    self.unlock(key);
                }
                Err(error)
            }
        }
    }

    /// Lets go of a lock. Where that fails, the connection is lost, and the lock with it.
    pub(crate) fn unlock(&mut self, key: i64) {
        if self.session.is_some() {
            let released = self.write(|sql| {
                let delete = "DELETE FROM locks WHERE key = $1 AND session = pg_backend_pid()";
                sql.execute(delete, &[key.into()])?;
                sql.first("SELECT pg_advisory_unlock($1)", &[key.into()])
            });
            if released.is_err() {
                self.session = None;
            }
        }
        self.held.remove(&key);
    }
}
