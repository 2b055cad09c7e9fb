//! What cbindgen writes, laid out for reading: section titles, short comments on one line, declarations that wrap evenly.

const WIDTH: usize = 110;

/// Section titles, each before the block that declares the name.
const SECTIONS: [(&str, &str); 14] = [
    ("typedef struct tenon_answer", "TYPES"),
    ("#define TENON_OK", "STATUSES"),
    ("#define TENON_LIMIT_MESSAGE_BYTES", "LIMITS"),
    ("#define TENON_MODE_WORKER", "MODES"),
    ("#define TENON_ACTION_ACCEPT", "ACTIONS"),
    ("tenon_error_status(", "ERRORS"),
    ("tenon_server_new(", "SERVERS"),
    ("tenon_server_listen_stdio(", "TRANSPORTS"),
    ("tenon_server_start(", "RUNNING A SERVER"),
    ("tenon_tool_new(", "TOOLS"),
    ("tenon_call_retain(", "CALLS"),
    ("tenon_call_return_text(", "COMPLETING A CALL"),
    ("tenon_call_elicit(", "ASKING THE USER"),
    ("tenon_version(", "VERSIONS"),
];

/// Lays out a header.
pub fn manual(text: &str) -> String {
    let mut out = String::new();
    let mut sections = SECTIONS.iter().collect::<Vec<_>>();
    let mut blocks = text.trim_end().split("\n\n").peekable();
    while let Some(block) = blocks.next() {
        let (comment, code) = split(block);
        if let Some(place) = sections.iter().position(|(name, _)| code.contains(name)) {
            let (_, title) = sections.remove(place);
            let rule = "=".repeat(WIDTH - title.len() - 7);
            out.push_str(&format!("/* {title} {rule} */\n\n"));
        }
        out.push_str(&one_line(comment));
        out.push_str(&declaration(code));
        out.push('\n');
        // Values of one kind stand together.
        let define = |block: &str| split(block).1.starts_with("#define TENON_");
        let together = define(block) && blocks.peek().is_some_and(|next| define(next));
        let title = blocks.peek().is_some_and(|next| sections.iter().any(|(name, _)| next.contains(name)));
        if blocks.peek().is_some() && (!together || title) {
            out.push('\n');
        }
    }
    out
}

/// The documentation comment of a block, and the rest.
fn split(block: &str) -> (&str, &str) {
    match block.find(" */\n") {
        Some(end) if block.starts_with("/**") => block.split_at(end + 4),
        _ => ("", block),
    }
}

/// A comment of one sentence on one line.
fn one_line(comment: &str) -> String {
    let lines: Vec<&str> = comment.lines().collect();
    match lines[..] {
        [_, line, _] if line.len() + 4 < WIDTH => format!("/** {} */\n", line.trim_start_matches([' ', '*'])),
        _ => comment.to_owned(),
    }
}

/// A function's declaration on one line, or its parameters on lines of their own width.
fn declaration(code: &str) -> String {
    if !code.ends_with(");") || code.starts_with("typedef") {
        return negative(code);
    }
    let line = code.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() <= WIDTH {
        return line;
    }
    let open = line.find('(').map_or(0, |at| at + 1);
    let (head, parameters) = line.split_at(open);
    let mut out = head.to_owned();
    let mut width = WIDTH;
    for parameter in parameters.split_inclusive(", ") {
        let parameter = parameter.trim_end();
        if width + parameter.len() + 1 > WIDTH {
            out.push_str("\n    ");
            width = 4;
        } else {
            out.push(' ');
            width += 1;
        }
        out.push_str(parameter);
        width += parameter.len();
    }
    out
}

/// A negative value in parentheses, so that it stays one operand wherever the macro is used.
fn negative(code: &str) -> String {
    let parts: Vec<&str> = code.split(' ').collect();
    match parts[..] {
        ["#define", name, value] if value.starts_with('-') => format!("#define {name} ({value})"),
        _ => code.to_owned(),
    }
}
