//! What happens in the house, in figures: counted in memory, added to rows by minute and hour, and read from these
//! alone, so that every core says the same.

mod capacity;
mod counts;
mod definitions;
mod histogram;
mod product;
mod report;
mod running;
mod sums;
mod told;
mod whose;
mod window;
mod write;

pub(crate) use capacity::capacity;
pub(crate) use counts::{CountRow, Counts, Timed, What};
pub(crate) use product::product;
pub(crate) use report::keep_report;
pub(crate) use running::running;
pub(crate) use told::Told;
pub(crate) use whose::whose;
pub(crate) use window::Window;
pub(crate) use write::keep_counts;
