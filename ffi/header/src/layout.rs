//! What cbindgen writes, laid out for reading: section titles, short comments on one line, declarations that wrap evenly.

const WIDTH: usize = 110;

/// Section titles in their order, each with the name that the first declaration below it declares.
const SECTIONS: [(&str, &str); 22] = [
    ("TENON_VERSION", "VERSIONS"),
    ("tenon_answer", "TYPES"),
    ("TENON_OK", "STATUSES"),
    ("TENON_LOG_DEBUG", "LOG LEVELS"),
    ("TENON_MODE_WORKER", "MODES"),
    ("TENON_ACTION_ACCEPT", "ACTIONS"),
    ("TENON_KIND_TOOL", "KINDS"),
    ("TENON_LIMIT_MESSAGE_BYTES", "LIMITS"),
    ("tenon_error_status", "ERRORS"),
    ("tenon_server_new", "SERVERS"),
    ("tenon_server_listen_stdio", "TRANSPORTS"),
    ("tenon_server_start", "RUNNING A SERVER"),
    ("tenon_tool_new", "ENTRIES, BY KIND"),
    ("tenon_entry_set", "ENTRIES OF ALL KINDS"),
    ("tenon_server_add", "REGISTERING"),
    ("tenon_server_elicitation_complete", "TELLING CLIENTS"),
    ("tenon_call_retain", "CALLS"),
    ("tenon_call_return_text", "COMPLETING A CALL"),
    ("tenon_result_new", "RESULTS OF SEVERAL PARTS"),
    ("tenon_call_elicit", "ASKING THE CLIENT"),
    ("tenon_server_add_middleware", "MIDDLEWARE"),
    ("tenon_version", "THE LIBRARY"),
];

/// Lays out a header. An error if a section's declaration is not there, or not in its order.
pub fn manual(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut sections = SECTIONS.iter().peekable();
    let mut starts =
        |code: &str| sections.next_if(|(name, _)| declared(code) == Some(name)).map(|found| found.1);
    let mut before = "";
    for block in text.trim_end().split("\n\n") {
        let (comment, code) = split(block);
        let title = starts(code);
        // Values of one kind stand together.
        let together = title.is_none() && is_value(before) && is_value(code);
        if !before.is_empty() && !together {
            out.push('\n');
        }
        if let Some(title) = title {
            let rule = "=".repeat(WIDTH - title.len() - 7);
            out.push_str(&format!("/* {title} {rule} */\n\n"));
        }
        out.push_str(&one_line(comment));
        out.push_str(&declaration(code));
        out.push('\n');
        before = code;
    }
    match sections.next() {
        None => Ok(out),
        Some((name, title)) => Err(format!("{title}: {name} is not declared after the section before it")),
    }
}

fn is_value(code: &str) -> bool {
    code.starts_with("#define TENON_")
}

/// The name that a block declares: a value, a type or a function. The first, if it holds several values.
fn declared(code: &str) -> Option<&str> {
    let mut code = code.trim_start();
    while let Some(comment) = code.strip_prefix("/*") {
        code = comment.split_once("*/")?.1.trim_start();
    }
    let line = code.lines().next()?;
    let words = line.trim_end_matches(';');
    if let Some(value) = words.strip_prefix("#define ") {
        return value.split(' ').next();
    }
    if words.starts_with("typedef ") && !words.contains('(') {
        return words.rsplit(' ').next();
    }
    // A function, or the type of one, whose name stands in parentheses of its own.
    let head = match words.split_once("(*") {
        Some((_, rest)) => rest.split(')').next()?,
        None => words.split_once('(')?.0,
    };
    head.rsplit([' ', '*']).next()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_known_by_what_they_declare() {
        for (code, name) in [
            ("typedef struct tenon_answer tenon_answer;", Some("tenon_answer")),
            ("typedef int32_t tenon_mode;", Some("tenon_mode")),
            ("#define TENON_OK 0", Some("TENON_OK")),
            (
                "/* The version. */\n#define TENON_VERSION \"1\"\n#define TENON_VERSION_MAJOR 1",
                Some("TENON_VERSION"),
            ),
            (
                "tenon_status tenon_server_start(tenon_server *server, tenon_error **err);",
                Some("tenon_server_start"),
            ),
            ("const char *tenon_version(void);", Some("tenon_version")),
            ("tenon_status tenon_tool_new(const char *name,\n    tenon_tool **out);", Some("tenon_tool_new")),
            (
                "typedef void (*tenon_handler_fn)(void *user_data, tenon_call *call);",
                Some("tenon_handler_fn"),
            ),
            ("#include <stdbool.h>", None),
            ("/* Which calls tenon_server_start() and so on. */", None),
        ] {
            assert_eq!(declared(code), name, "{code}");
        }
    }

    #[test]
    fn a_title_stands_before_its_declaration_and_nowhere_else() {
        let names: Vec<String> = SECTIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
        let declaration = |name: &String| match name.starts_with("TENON") {
            true => format!("#define {name} 1"),
            false => format!("void {name}(void);"),
        };
        let blocks: Vec<String> = names.iter().map(declaration).collect();
        let talk = format!("/*\n * A manual that names {}().\n */\n\n", names.join("() and "));
        let out = manual(&format!("{talk}{}", blocks.join("\n\n"))).unwrap();
        let mut rest = out.as_str();
        for ((_, title), block) in SECTIONS.iter().zip(&blocks) {
            let (before, after) = rest.split_once(&format!("/* {title} =")).expect(title);
            assert!(!before.contains(block.as_str()), "{block} comes before {title}");
            let next = after.split_once("*/\n\n").expect("the title's end").1;
            assert!(next.starts_with(block.as_str()), "{title} stands before {next}");
            rest = after;
        }
        let mut missing = blocks.clone();
        missing.remove(5);
        assert!(manual(&missing.join("\n\n")).unwrap_err().contains(SECTIONS[5].1));
        let mut swapped = blocks;
        swapped.swap(2, 3);
        manual(&swapped.join("\n\n")).unwrap_err();
    }
}
