//! Hook in a part of the crate, on which what is built around it hangs a function to be told of
//! what happens there.

use std::fmt;
use std::sync::OnceLock;

use crate::panics::log_safely;

/// Function that is told of each `E`; none at first. It must not block.
pub(crate) struct Hook<E>(OnceLock<fn(&E)>);

impl<E> Hook<E> {
    /// Hangs a function on it, unless there is one.
    #[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "nothing else hangs on it"))]
    pub(crate) fn set(&self, told: fn(&E)) {
        let _ = self.0.set(told);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.get().is_some()
    }

    pub(crate) fn tell(&self, event: impl FnOnce() -> E) {
        if let Some(told) = self.0.get() {
            // It is foreign code in the end, and may panic.
            log_safely(|| told(&event()));
        }
    }
}

impl<E> Default for Hook<E> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<E> fmt::Debug for Hook<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hook").field(&self.is_set()).finish()
    }
}
