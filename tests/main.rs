//! Whole-system tests of every room together.
