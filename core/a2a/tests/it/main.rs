//! Both bindings on a real socket, before an agent whose tasks are in memory.

mod bad_input;
mod before_1_0;
mod memory;
mod operations;
mod streams;
