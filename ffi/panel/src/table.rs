//! Objects that JavaScript holds by number: a wrong or old number is an error, never a wild pointer.
use crate::error::{PanelError, Result};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub struct Table<T> {
    entries: Mutex<(i32, BTreeMap<i32, Arc<T>>)>,
}

impl<T> Table<T> {
    pub const fn new() -> Self {
        Self { entries: Mutex::new((0, BTreeMap::new())) }
    }

    /// Numbers start at 1 and are not used again.
    pub fn insert(&self, value: T) -> Result<i32> {
        let mut entries = locked(&self.entries);
        let number = entries.0.checked_add(1).ok_or_else(|| PanelError::bug("there were too many objects"))?;
        entries.0 = number;
        entries.1.insert(number, Arc::new(value));
        Ok(number)
    }

    pub fn get(&self, number: i32) -> Result<Arc<T>> {
        locked(&self.entries).1.get(&number).cloned().ok_or_else(|| PanelError::bug("the object is closed"))
    }

    pub fn remove(&self, number: i32) -> Result<Arc<T>> {
        locked(&self.entries).1.remove(&number).ok_or_else(|| PanelError::bug("the object is closed already"))
    }
}

/// A thread that panics ends the process, so a poisoned lock is never met; it would be no reason to panic again.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
