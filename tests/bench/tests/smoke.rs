//! The program itself against the Rust ceiling, which cargo builds beside it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

fn bench(args: &[&str]) -> (Output, String, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_tenon-bench")).args(args).output().expect("tenon-bench starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

#[test]
fn a_quick_run_measures_both_transports_in_both_eras_and_writes_the_page() {
    let page = std::env::temp_dir().join(format!("tenon-bench-{}.md", std::process::id()));
    fs::write(&page, "# Page\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nend\n").unwrap();
    let name = page.to_str().unwrap();
    let (output, out, err) = bench(&["--quick", "--only", "ceiling-rust", "--write", name]);
    let written = fs::read_to_string(&page).unwrap();
    fs::remove_file(&page).unwrap();
    assert!(output.status.success(), "{err}");
    for row in ["stdio | legacy", "stdio | modern", "http | legacy", "http | modern"] {
        let start = format!("| ceiling-rust | {row} | ");
        let line =
            out.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no {row}: {out}"));
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        for figure in [cells[4], cells[5], cells[7], cells[8]] {
            assert!(figure.parse::<f64>().is_ok_and(|figure| figure > 0.0), "{line}");
        }
        assert_eq!(cells[9], "1.00", "{line}");
        assert!(written.contains(line), "{written}");
    }
    assert!(written.starts_with("# Page\n<!-- bench:begin -->\n- Date: "), "{written}");
    assert!(written.ends_with("<!-- bench:end -->\nend\n"), "{written}");
    assert!(written.contains("- Command: `") && !written.contains("old"), "{written}");
}

/// A tree in which `build/c/fixture` is `script`, or nothing at all.
fn tree(name: &str, script: Option<&str>) -> PathBuf {
    let root = std::env::temp_dir().join(format!("tenon-bench-{name}-{}", std::process::id()));
    fs::create_dir_all(root.join("tests/bench")).unwrap();
    fs::create_dir_all(root.join("build/c")).unwrap();
    fs::write(root.join("tests/bench/Cargo.toml"), "").unwrap();
    if let Some(script) = script {
        let file = root.join("build/c/fixture");
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    root
}

fn bench_fixture(name: &str, script: Option<&str>, more: &[&str]) -> (Output, String) {
    let root = tree(name, script);
    let args = ["--quick", "--only", "tenon-c", "--transport", "stdio", "--era", "modern"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenon-bench"));
    let output = command.args(args).args(more).current_dir(&root).output().expect("tenon-bench starts");
    fs::remove_dir_all(&root).unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, err)
}

#[test]
fn a_missing_target_fails_the_run() {
    let (output, err) = bench_fixture("missing", None, &[]);
    assert!(!output.status.success());
    assert!(err.contains("missing target tenon-c: there is no ") && err.contains("--skip-missing"), "{err}");
    let (output, err) = bench_fixture("skipped", None, &["--skip-missing"]);
    assert!(!output.status.success());
    assert!(err.contains("there is nothing to measure"), "{err}");
}

#[test]
fn a_server_that_answers_wrongly_fails_the_run() {
    let answer = |id: u64, call: u64| {
        let text = format!("The quick brown fox jumps over the lazy dog, call {call}");
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#)
    };
    let lies = [
        ("twice", format!("{0}\\n{0}", answer(1, 1)), "an answer to 1, not in flight"),
        ("unasked", answer(9999, 9999), "an answer to 9999, not in flight"),
        ("other", answer(1, 2), "not the text that was sent"),
        ("gone", String::new(), "the server closed its stdout"),
    ];
    for (name, lie, fault) in lies {
        let script = match lie.as_str() {
            "" => "read call".to_owned(),
            lie => format!("read call; printf '{lie}\\n'; exec cat >/dev/null"),
        };
        let (output, err) = bench_fixture(name, Some(&script), &[]);
        assert!(!output.status.success());
        assert!(err.contains(&format!("FAILED tenon-c stdio modern: {fault}")), "{name}: {err}");
    }
}

#[test]
fn an_unknown_option_is_named() {
    let (output, _, err) = bench(&["--speed"]);
    assert!(!output.status.success());
    assert_eq!(err, "tenon-bench: unknown option --speed\n");
}
