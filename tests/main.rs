//! Whole-system tests of every room together.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "what fails between two tests fails the test")]

mod authorization_code;
mod browser;
mod browser_login;
mod built_program;
mod control_interface;
#[cfg(unix)]
mod credential_helpers;
mod device_cli;
mod device_login;
mod device_simulator;
mod examples;
mod faults;
mod foreign_clients;
mod fresh_token;
#[cfg(target_os = "linux")]
mod headless;
mod home_page;
mod hostile_pages;
mod import_law;
mod json_lines;
mod login_screen;
mod newcomer;
mod oidc_provider;
mod pages_accessibility;
mod person;
mod probe;
mod provider_profiles;
mod readme_pictures;
#[cfg(target_os = "linux")]
mod recipes;
mod repository;
mod resumed_login;
mod storage_move;
mod store_choice;
mod terminal;
mod token_life;
#[cfg(target_os = "linux")]
mod token_store;
mod verification_page;
mod virtual_time;
mod zsh_completions;
