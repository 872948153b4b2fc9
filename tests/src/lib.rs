//! The house under test, and the people and servers that the tests put into it.
//!
//! - [`house`]: the house, started as `switchboard up` starts it
//! - [`person`]: somebody on a WebSocket
//! - [`guest`]: somebody on a client library of ours
//! - [`browser`]: somebody in a browser; [`provider`]: with whom they sign in
//! - [`agent`]: an agent that does what a test wants, well or badly, on a real socket
//! - [`guarded`]: an agent that answers only who shows what its card wants
//! - [`introduced`]: a house, for those who hold no token
//! - [`llm`]: an OpenAI-compatible endpoint that does the same
//! - [`link`]: what lies between two of them, to be cut, dripped, delayed or reset
//! - [`managed`]: Postgres and Redis as providers run them, by TLS alone
//! - [`receiver`]: a receiver of push notifications
//! - [`replicas`]: a Postgres primary with a replica
//! - [`redis_cluster`]: a Redis Cluster as it is run, with replicas that take over

pub mod agent;
pub mod browser;
pub mod cards;
pub mod guarded;
pub mod guest;
pub mod house;
pub mod introduced;
pub mod link;
pub mod llm;
pub mod managed;
pub mod person;
pub mod provider;
pub mod receiver;
pub mod redis_cluster;
pub mod replicas;
mod server;

pub use agent::{FakeAgent, Manner};
pub use browser::{Browser, Came};
pub use cards::CardServer;
pub use guarded::GuardedAgent;
pub use guest::{Guest, Library};
pub use house::House;
pub use introduced::Introduced;
pub use link::{End, Link, State};
pub use llm::{FakeLlm, Mood};
pub use managed::Managed;
pub use person::Person;
pub use provider::{Conduct, FakeProvider};
pub use receiver::{Receiver, Taking};
pub use redis_cluster::RedisCluster;
