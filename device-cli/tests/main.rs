//! The real binary against an authorization server of our own.

mod demo;
