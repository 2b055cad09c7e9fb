//! Sets the link arguments of a Node.js addon, and the folder into which its macros write its exports.

use std::path::Path;

fn main() {
    napi_build::setup();
    // scripts/native-types.mjs makes native.d.ts from these files. The files of the last compilation stay.
    let out = std::env::var("OUT_DIR").expect("cargo names the folder of what a build script makes");
    let folder = Path::new(&out).join("native-types");
    std::fs::create_dir_all(&folder).expect("the folder of what a build script makes can be written to");
    println!("cargo::rustc-env=NAPI_TYPE_DEF_TMP_FOLDER={}", folder.display());
}
