//! Takes what the process says, and has it written.

use std::cell::RefCell;

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use weir_http::ACCESS_LOG;

use super::line::{Buffers, Style};
use super::queue::Queue;
use super::repeats::{LIBRDKAFKA, Repeats};

/// Makes lines of events.
pub struct Lines {
    pub main: Queue,
    pub style: Style,
    pub repeats: Repeats,
    /// Where the lines of the access log go, if not to the others.
    pub access: Option<(Queue, Style)>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let target = event.metadata().target();
        let (queue, style) = match &self.access {
            Some((queue, style)) if target == ACCESS_LOG => (queue, *style),
            _ => (&self.main, self.style),
        };
        let write = |buffers: &mut Buffers| {
            let line = match target {
                LIBRDKAFKA => buffers.line_of_librdkafka(event, style, &self.repeats),
                _ => Some(buffers.line(event, style)),
            };
            line.into_iter().for_each(|line| queue.push(line));
        };
        // one that is said while another is being written, or when the thread ends, has buffers of its own
        let written = BUFFERS.try_with(|buffers| match buffers.try_borrow_mut() {
            Ok(mut buffers) => write(&mut buffers),
            Err(_) => write(&mut Buffers::default()),
        });
        if written.is_err() {
            write(&mut Buffers::default());
        }
    }
}
