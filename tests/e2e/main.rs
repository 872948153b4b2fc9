//! The house from outside, on real sockets: each test is a behaviour that a user could name.

mod agents;
mod architecture;
mod bad_input;
mod conversations;
mod durability;
mod eval;
mod explain;
mod fairness;
mod groups;
mod house;
mod interop;
mod learning;
mod limits;
mod llm;
mod names;
mod observability;
mod openapi;
mod promotion;
mod quotas;
mod refusals;
mod schemathesis;
mod startup;
mod tenants;
mod tls;
mod tokens;
