//! Deno unloads libraries when it exits, under the feet of their threads; a library marked so stays.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
