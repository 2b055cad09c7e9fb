//! The program itself against the Rust ceiling, which cargo builds beside it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tenon-bench");

fn bench(args: &[&str], directory: &Path) -> (Output, String, String) {
    let output =
        Command::new(PROGRAM).args(args).current_dir(directory).output().expect("tenon-bench starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

#[test]
fn a_quick_run_measures_calls_starts_and_idle_sessions_and_keeps_them() {
    let file = std::env::temp_dir().join(format!("tenon-bench-{}.json", std::process::id()));
    let name = file.to_str().unwrap();
    let args = ["--quick", "--only", "rust", "--json", name];
    let (output, out, err) = bench(&args, Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(output.status.success(), "{err}");
    let written: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    fs::remove_file(&file).unwrap();
    let positive =
        |figure: &Value| assert!(figure.as_f64().is_some_and(|n| n > 0.0), "{figure}: {written:#}");
    let rows = [
        ("stdio", "legacy", 64),
        ("stdio", "modern", 64),
        ("stdio", "modern", 1),
        ("http", "legacy", 16),
        ("http", "modern", 16),
        ("http", "modern", 1),
        ("http", "modern", 64),
    ];
    let mut calls = written["calls"].as_array().unwrap().iter();
    for (transport, era, in_flight) in rows {
        let start = format!("| ceiling-rust | {transport} | {era} | {in_flight} | ");
        assert!(out.lines().any(|line| line.starts_with(&start)), "no {start}: {out}");
        for target in ["ceiling-rust", "rust-async", "rust-inline"] {
            let row = calls.next().unwrap();
            assert_eq!(
                (&row["target"], &row["transport"], &row["era"], &row["in_flight"]),
                (&target.into(), &transport.into(), &era.into(), &in_flight.into())
            );
            for figure in ["cpu", "cpu_ratio", "calls_per_second", "p50", "p99", "p99_ratio"] {
                positive(&row[figure]);
            }
            assert!(target != "ceiling-rust" || row["cpu_ratio"] == 1.0 && row["p99_ratio"] == 1.0, "{row}");
        }
    }
    assert_eq!(calls.next(), None);
    let [stdio, http] = &written["starts"].as_array().unwrap()[..] else { panic!("{written:#}") };
    for start in [stdio, http] {
        positive(&start["cpu"]);
        positive(&start["resident_mib"]);
        assert_eq!(start["empty"][0][0], "rust", "{start}");
    }
    positive(&written["idle_session"]["kib"]);
    assert!(out.contains("start of rust-async http: ") && out.contains("an idle session"), "{out}");
}

/// A tree in which the server in C is `script`, and in the set to compare with `before`.
fn tree(name: &str, script: Option<&str>, before: Option<&str>) -> PathBuf {
    let root = std::env::temp_dir().join(format!("tenon-bench-{name}-{}", std::process::id()));
    fs::create_dir_all(root.join("tests/bench")).unwrap();
    fs::write(root.join("tests/bench/Cargo.toml"), "").unwrap();
    let profile = Path::new(PROGRAM).parent().unwrap().file_name().unwrap();
    let sets = [(root.join("build/bench").join(profile), script), (root.join("other"), before)];
    for (set, script) in sets {
        let Some(script) = script else { continue };
        let file = set.join("c/server");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    root
}

const ONE_ROW: &[&str] =
    &["--quick", "--only", "c-workers", "--transport", "stdio", "--era", "modern", "--in-flight", "1"];

fn bench_script(name: &str, script: Option<&str>, more: &[&str]) -> (Output, String) {
    let root = tree(name, script, None);
    let args = [ONE_ROW, &["--part", "calls"], more].concat();
    let (output, _, err) = bench(&args, &root);
    fs::remove_dir_all(&root).unwrap();
    (output, err)
}

#[test]
fn a_missing_target_fails_the_run() {
    let (output, err) = bench_script("missing", None, &[]);
    assert!(!output.status.success());
    assert!(
        err.contains("missing target c-workers: there is no ") && err.contains("--skip-missing"),
        "{err}"
    );
    // The ceiling is there; a run without calls needs something else to do.
    let (output, err) = bench_script("skipped", None, &["--skip-missing", "--part", "starts"]);
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
        let (output, err) = bench_script(name, Some(&script), &[]);
        assert!(!output.status.success());
        assert!(err.contains(&format!("FAILED c-workers stdio modern 1: {fault}")), "{name}: {err}");
        assert!(err.contains("failed, nothing is written: c-workers stdio modern 1"), "{name}: {err}");
    }
}

/// Answers every call; `work` is done for each.
fn honest(work: &str) -> String {
    let text = "The quick brown fox jumps over the lazy dog, call %s";
    let reply = r#"{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"TEXT"}]}}\n"#;
    let reply = reply.replace("TEXT", text);
    format!(
        "while read -r call; do id=${{call#*\\\"id\\\":}}; id=${{id%%,*}}; {work}\nprintf '{reply}' \"$id\" \"$id\"; done"
    )
}

#[test]
fn a_row_that_costs_more_than_in_the_other_build_fails_with_its_name() {
    let slow = honest("i=0; while [ $i -lt 200 ]; do i=$((i+1)); done");
    let run = |name, script: &str, before: &str| {
        let root = tree(name, Some(script), Some(before));
        let args = [ONE_ROW, &["--calls", "200", "--rounds", "3", "--against", "other"]].concat();
        let found = bench(&args, &root);
        fs::remove_dir_all(&root).unwrap();
        found
    };
    let (output, out, err) = run("slower", &slow, &honest(""));
    assert!(!output.status.success());
    assert!(
        out.contains("FAILED c-workers stdio modern 1: +") && out.contains("0 passed, 1 failed"),
        "{out}{err}"
    );
    assert!(err.contains("more than +10 % of CPU per call: c-workers stdio modern 1"), "{err}");
    let (output, out, err) = run("faster", &honest(""), &slow);
    assert!(output.status.success(), "{err}");
    assert!(
        out.contains("ok     c-workers stdio modern 1: -") && out.contains("1 passed, 0 failed"),
        "{out}"
    );
}

#[test]
fn policies_need_their_servers_and_have_options_of_their_own() {
    let root = tree("policies", Some("exit 1"), None);
    let (output, _, err) = bench(&["policies", "--quick"], &root);
    assert!(!output.status.success());
    assert!(err.starts_with("tenon-bench: missing target python-def: there is no "), "{err}");
    let (output, out, _) = bench(&["policies", "--help"], &root);
    assert!(output.status.success() && out.starts_with("usage: tenon-bench policies"), "{out}");
    let (output, _, err) = bench(&["policies", "--only", "c"], &root);
    assert!(!output.status.success() && err == "tenon-bench: unknown option --only\n", "{err}");
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn an_unknown_option_is_named() {
    let (output, _, err) = bench(&["--speed"], Path::new("."));
    assert!(!output.status.success());
    assert_eq!(err, "tenon-bench: unknown option --speed\n");
}
