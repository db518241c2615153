//! Handlers from closures.

/// Defines `from_fn` of an API: its one method from a closure, of the event and what comes with it.
macro_rules! from_fn {
    ($(#[$doc:meta])* $method:ident($event:ty $(, $more:ident: $type:ty)?) -> $output:ty) => {
        $(#[$doc])*
        pub fn from_fn<F, R>(handler: F) -> impl Handler
        where
            F: Fn($event $(, $type)?) -> R + Send + Sync + 'static,
            R: Future<Output = Result<$output, HandlerError>> + Send + 'static,
        {
            Closure(handler)
        }

        struct Closure<F>(F);

        // Written out: `async_trait` would put a second future around the closure's own, and move
        // the event, 1.3 KB of a support request, once more.
        impl<F, R> Handler for Closure<F>
        where
            F: Fn($event $(, $type)?) -> R + Send + Sync + 'static,
            R: Future<Output = Result<$output, HandlerError>> + Send + 'static,
        {
            fn $method<'s, 'f>(
                &'s self,
                event: $event,
                $($more: $type,)?
            ) -> std::pin::Pin<Box<dyn Future<Output = Result<$output, HandlerError>> + Send + 'f>>
            where
                's: 'f,
            {
                Box::pin((self.0)(event $(, $more)?))
            }
        }
    };
}

pub(crate) use from_fn;
