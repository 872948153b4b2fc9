//! Makes the description of the protocol's messages out of `proto/`, without a protoc.

use std::{env, error::Error, fs, path::PathBuf};

#[allow(clippy::disallowed_methods, reason = "where it may write, cargo says by the environment alone")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let description = protox::Compiler::new(["proto"])?
        .include_imports(true)
        .open_files(["a2a.proto", "status.proto"])?
        .encode_file_descriptor_set();
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("proto.bin"), description)?;
    Ok(())
}
