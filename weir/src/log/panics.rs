//! Panics are lines of the log, as all else that goes wrong.

use std::panic::PanicHookInfo;

/// Letters of a panic's message.
const MESSAGE_MAX: usize = 1024;

/// From now on panics are logged under the target `weir::panic`.
pub fn log() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        tracing::error!(
            target: "weir::panic",
            place,
            thread = thread.name(),
            "a panic, which is a mistake in Weir: please report it: {}",
            message(panic)
        );
    }));
}

fn message(panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").chars().take(MESSAGE_MAX).collect()
}
