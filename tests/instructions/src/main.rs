//! Runs one path of the engine again and again, inside a function that callgrind watches.
//!
//!     tenon-instructions --list          the paths
//!     tenon-instructions --processor     what of the processor and the C library decides which code runs
//!     tenon-instructions PATH [--slower] the path, REPETITIONS times; slower: one time in ten it does its work twice
//!
//! Inputs are fixed, the clock stands still and nothing is random, so that two runs count the same.

mod c;
mod channel;
mod fixed_environment;
mod http;
mod path;
mod schema;

use path::Path;
use std::process::ExitCode;

/// What lazy tables and caches cost falls to these, which are not counted.
const WARM_UP: usize = 20;
const REPETITIONS: usize = 200;
/// How often a slower path does its work twice.
const TWICE: usize = 10;

/// The name that callgrind looks for; what happens outside is not counted.
#[unsafe(no_mangle)]
#[inline(never)]
fn tenon_counted(work: &mut dyn FnMut()) {
    work();
}

fn run(path: &mut dyn Path, slower: bool) {
    for repetition in 0..WARM_UP + REPETITIONS {
        let twice = slower && repetition % TWICE == 0;
        path.prepare();
        if repetition < WARM_UP {
            path.work();
        } else {
            tenon_counted(&mut || {
                path.work();
                if twice {
                    path.finish();
                    path.prepare();
                    path.work();
                }
            });
        }
        path.finish();
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--list"] => path::NAMES.iter().for_each(|name| println!("{name}")),
        ["--processor"] => println!("{}", fixed_environment::processor()),
        [name] | [name, "--slower"] => {
            let Some(mut path) = path::named(name) else {
                eprintln!("no path {name:?}; --list names them");
                return ExitCode::from(2);
            };
            run(&mut *path, arguments.len() > 1);
            println!("repetitions {REPETITIONS}");
        }
        _ => {
            eprintln!("usage: tenon-instructions --list | --processor | PATH [--slower]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
