//! Whole-system tests of every room together.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "what fails between two tests fails the test")]

mod device_login;
mod import_law;
mod repository;
mod virtual_time;
