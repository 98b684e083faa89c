//! Whole-system tests; nothing imports this package.
