//! Writes `include/tenon.h` from the sources of `tenon-ffi`: `cargo run -p tenon-header`, in the repository's root.
//! With `--check` it writes nothing and fails if the committed header differs.

mod kinds;
mod layout;
mod limits;
mod options;

use std::path::Path;
use std::process::ExitCode;

const CONVENTIONS: &str = include_str!("../conventions.txt");
const WARNING: &str =
    "/* Generated from the sources in ffi/ by `cargo run -p tenon-header`: change those, not this file. */";

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    let root = Path::new(".");
    let header = match header(root) {
        Ok(header) => header,
        Err(error) => {
            eprintln!("tenon-header: {error}");
            return ExitCode::FAILURE;
        }
    };
    let path = root.join("include/tenon.h");
    if check {
        return match std::fs::read_to_string(&path) {
            Ok(present) if present == header => ExitCode::SUCCESS,
            Ok(present) => {
                let line = present.lines().zip(header.lines()).take_while(|(a, b)| a == b).count() + 1;
                eprintln!(
                    "include/tenon.h differs from the sources, first in line {line}; run `cargo run -p tenon-header`"
                );
                ExitCode::FAILURE
            }
            Err(error) => {
                eprintln!("include/tenon.h: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let written = std::fs::create_dir_all(root.join("include")).and_then(|()| std::fs::write(&path, header));
    if let Err(error) = written {
        eprintln!("include/tenon.h: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn header(root: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let mut out = Vec::new();
    cbindgen::Builder::new()
        .with_config(config()?)
        .with_src(root.join("ffi/src/lib.rs"))
        .with_parse_deps(false)
        .generate()?
        .write(&mut out);
    let text = String::from_utf8(out)?;
    // After the last type, before the functions.
    let (types, functions) = text.split_once("\n\n#ifdef __cplusplus").ok_or("there are no functions")?;
    let numbers = format!("{}{}", kinds::definitions(), limits::definitions());
    let text = format!("{types}{numbers}\n\n#ifdef __cplusplus{functions}");
    Ok(layout::manual(&options::insert(&text))?)
}

fn config() -> Result<cbindgen::Config, String> {
    let version = env!("CARGO_PKG_VERSION");
    let mut parts = version.split(['.', '-', '+']);
    let mut part = || parts.next().unwrap_or("0");
    let (major, minor, patch) = (part(), part(), part());
    let macros = format!(
        "\n/* The version of this header; tenon_version() returns that of the library. */\n\
         #define TENON_VERSION \"{version}\"\n\
         #define TENON_VERSION_MAJOR {major}\n\
         #define TENON_VERSION_MINOR {minor}\n\
         #define TENON_VERSION_PATCH {patch}\n\
         \n/* A length that means: the text ends at its first NUL. */\n\
         #define TENON_NUL SIZE_MAX\n\
         \n/* Functions whose status must be checked. Compilers that support it warn if it is ignored. */\n\
         #if defined(__GNUC__) || defined(__clang__)\n\
         #define TENON_MUST_USE __attribute__((warn_unused_result))\n\
         #else\n\
         #define TENON_MUST_USE\n\
         #endif"
    );
    let mut config = cbindgen::Config {
        language: cbindgen::Language::C,
        cpp_compat: true,
        include_guard: Some("TENON_H".to_owned()),
        header: Some(CONVENTIONS.trim_end().to_owned()),
        autogen_warning: Some(WARNING.to_owned()),
        no_includes: true,
        sys_includes: ["stdbool.h", "stddef.h", "stdint.h"].map(str::to_owned).to_vec(),
        after_includes: Some(macros),
        style: cbindgen::Style::Type,
        documentation_style: cbindgen::DocumentationStyle::Doxy,
        line_length: 110,
        tab_width: 4,
        usize_is_size_t: true,
        ..cbindgen::Config::default()
    };
    config.function.must_use = Some(layout::MUST_USE.to_owned());
    config.function.sort_by = Some(cbindgen::SortKey::None);
    config.constant.sort_by = Some(cbindgen::SortKey::None);
    config.export.exclude = vec!["TENON_NUL".to_owned()];
    Ok(config)
}
