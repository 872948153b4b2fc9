//! Sixteen example agents, each a real A2A 1.0 server, told apart by the first segment of the path.
//!
//! Each does one or two small things for real, without internet and without a key, and says plainly what it
//! cannot do. [`House::bind`] opens the port, [`House::serve`] answers until it is told to stop.

mod agent;
mod agents;
mod card;
mod house;
mod reading;
mod server;
mod settings;
pub mod shutdown;

pub use house::{Directory, House, HouseError, Listed};
pub use settings::{Arguments, Limits, Settings};
