//! So many at once, and no more.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Lets so many through; the others wait until one of them is done.
pub(crate) struct Gate {
    free: Mutex<usize>,
    changed: Condvar,
}

/// Who is through; dropped, who is done.
pub(crate) struct Pass<'g>(&'g Gate);

impl Gate {
    /// A gate for so many, one at least.
    pub(crate) fn new(places: usize) -> Self {
        Self {
            free: Mutex::new(places.max(1)),
            changed: Condvar::new(),
        }
    }

    /// Waits for a place.
    pub(crate) fn pass(&self) -> Pass<'_> {
        let free = self.changed.wait_while(self.free(), |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Pass(self)
    }

    fn free(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        *self.0.free() += 1;
        self.0.changed.notify_one();
    }
}
