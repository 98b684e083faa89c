//! `device-cli` on machines without a screen, each made for real: namespaces, mounts, a proxy, a name server, another time.
//! In each the login, the token and the status do what they promise, and `doctor` names what is wrong with its mend.

mod certificates;
mod clock;
mod home;
mod machine;
mod names;
mod proxy;
mod session;
