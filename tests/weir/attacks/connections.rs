//! Connections, bodies and answers: many of them, slow ones, and ones that a browser was tricked into.
