//! The grants, each named by the last part of its `grant_type`.

pub(crate) mod device_code;
