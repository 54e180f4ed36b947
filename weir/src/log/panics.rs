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
    let message = panic.payload_as_str().unwrap_or("without a message");
    message.chars().take(MESSAGE_MAX).collect()
}
