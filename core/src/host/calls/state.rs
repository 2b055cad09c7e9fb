//! Values that the middleware and the handler of one call share.

use crate::locks::Mutex;
use std::any::{Any, TypeId};
use std::collections::HashMap;

type Values = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

/// Values of one call, at most one of each type. Its middleware and its handler share them. See
/// [`Context::state`](crate::Context::state).
#[derive(Debug, Default)]
pub struct State(Mutex<Values>);

impl State {
    /// Stores a value, and returns the previous one of this type.
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) -> Option<T> {
        let before = self.0.lock().insert(TypeId::of::<T>(), Box::new(value));
        before.and_then(|value| value.downcast().ok()).map(|value| *value)
    }

    /// A copy of the value of this type.
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.with(|value: Option<&mut T>| value.cloned())
    }

    /// Removes and returns the value of this type.
    pub fn remove<T: Send + Sync + 'static>(&self) -> Option<T> {
        let value = self.0.lock().remove(&TypeId::of::<T>());
        value.and_then(|value| value.downcast().ok()).map(|value| *value)
    }

    /// Removes all values.
    pub(in crate::host) fn clear(&self) {
        let values = std::mem::take(&mut *self.0.lock());
        drop(values);
    }

    /// Calls `look` with the value of this type, which it may change. `look` must not use this state, because its
    /// lock is held.
    pub fn with<T: Send + Sync + 'static, R>(&self, look: impl FnOnce(Option<&mut T>) -> R) -> R {
        let mut values = self.0.lock();
        look(values.get_mut(&TypeId::of::<T>()).and_then(|value| value.downcast_mut()))
    }
}
