//! Writes `control_capnp.rs` anew from `control.capnp` (needs the `capnp` program): `cargo run -p rtt-control-generate`.
//! A crate of its own, so that it builds when the code that uses the old file no longer does.

fn main() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = root.canonicalize().expect("cannot generate because the crate's folder is gone");
    capnpc::CompilerCommand::new()
        .src_prefix(&root)
        .output_path(root.join("src"))
        .file(root.join("control.capnp"))
        .run()
        .expect("cannot generate because the capnp program failed; is it on PATH?");
}
