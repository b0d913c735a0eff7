//! Writes `src/control_capnp.rs` anew from `control.capnp` (needs the `capnp` program): `cargo run -p rtt-control --example generate`.

fn main() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    capnpc::CompilerCommand::new()
        .src_prefix(root)
        .output_path(root.join("src"))
        .file(root.join("control.capnp"))
        .run()
        .expect("cannot generate because the capnp program failed; is it on PATH?");
}
