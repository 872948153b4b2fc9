//! Both bindings on a real socket, before an agent whose tasks are in memory.

mod bad_input;
mod memory;
mod operations;
mod streams;
