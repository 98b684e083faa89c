//! Lets the linker find the board's memory.

fn main() {
    println!("cargo:rustc-link-search={}", env!("CARGO_MANIFEST_DIR"));
    println!("cargo:rerun-if-changed=memory.x");
    println!("cargo:rerun-if-changed=virt.x");
    println!("cargo:rerun-if-changed=build.rs");
}
