//! `wasm-bindgen --target web INPUT.wasm --out-dir DIR`: the part of wasm-bindgen-cli's command line that RTT's build uses.
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

const USAGE: &str = "usage: wasm-bindgen --target web|deno|bundler INPUT.wasm --out-dir DIR [--out-name NAME]";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("wasm-bindgen: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut args: impl Iterator<Item = String>) -> Result<(), String> {
    let mut bindgen = Bindgen::new();
    let (mut input, mut out_dir, mut target) = (None, None, String::from("bundler"));
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("cannot read {arg} because it has no value; {USAGE}"));
        match arg.as_str() {
            "--version" => {
                println!("wasm-bindgen {}", env!("CARGO_PKG_VERSION"));
                return Ok(());
            }
            "--target" => target = value()?,
            "--out-dir" => out_dir = Some(value()?),
            "--out-name" => {
                bindgen.out_name(&value()?);
            }
            flag if flag.starts_with('-') => {
                return Err(format!("cannot read {flag} because it is unknown; {USAGE}"));
            }
            _ => input = Some(arg),
        }
    }
    let applied = match target.as_str() {
        "web" => bindgen.web(true),
        "deno" => bindgen.deno(true),
        "bundler" => bindgen.bundler(true),
        other => {
            return Err(format!("cannot write for target {other} because it is unknown; {USAGE}"));
        }
    };
    applied.map_err(|error| format!("{error:#}"))?;
    let input = input.ok_or(format!("cannot start because there is no input; {USAGE}"))?;
    let out_dir = out_dir.ok_or(format!("cannot start because there is no --out-dir; {USAGE}"))?;
    bindgen.input_path(input).typescript(true).generate(out_dir).map_err(|error| format!("{error:#}"))
}
