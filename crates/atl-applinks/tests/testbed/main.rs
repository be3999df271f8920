//! Every operation against the testbed, on all four products and every generation that has REST.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod answers;
mod consumers;
mod form;
mod links;
mod matrix;
mod scripted;
mod setup;
