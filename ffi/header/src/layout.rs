//! Formats the output of cbindgen for reading: section titles, short comments on one line, declarations that
//! wrap evenly.

const WIDTH: usize = 110;

/// The attribute, which is moved to the end of declarations, where readers can skip it. cbindgen puts it before them.
pub const MUST_USE: &str = "TENON_MUST_USE";

/// A title, the name that the first declaration below it declares, and how the names of all of them begin.
type Section = (&'static str, &'static str, &'static [&'static str]);

/// The sections in their order.
const SECTIONS: [Section; 34] = [
    (
        "VERSIONS",
        "TENON_VERSION",
        &["TENON_VERSION", "TENON_ABI_", "TENON_NUL", "TENON_MUST_USE", "TENON_ERROR_MESSAGE_SIZE"],
    ),
    ("TYPES", "tenon_answer", &["tenon_"]),
    ("STATUSES", "TENON_OK", &["TENON_OK", "TENON_SUSPENDED", "TENON_ENDED", "TENON_ERR_"]),
    ("LOG LEVELS", "TENON_LOG_DEBUG", &["TENON_LOG_"]),
    ("STEPS OF A RESPONSE", "TENON_HTTP_WAIT", &["TENON_HTTP_"]),
    ("PARAMETERS", "TENON_PARAM_REQUIRED", &["TENON_PARAM_"]),
    ("MODES", "TENON_MODE_WORKER", &["TENON_MODE_"]),
    ("ACTIONS", "TENON_ACTION_ACCEPT", &["TENON_ACTION_"]),
    ("OUTCOMES", "TENON_OUTCOME_VALUE", &["TENON_OUTCOME_"]),
    ("KINDS", "TENON_KIND_TOOL", &["TENON_KIND_"]),
    ("LIMITS", "TENON_LIMIT_MESSAGE_BYTES", &["TENON_LIMIT_"]),
    ("ERRORS", "tenon_error_status", &["tenon_error_", "tenon_status_"]),
    ("SERVERS", "tenon_server_new", &["tenon_server_new", "tenon_server_set", "tenon_server_add_"]),
    (
        "SETTINGS FROM FILES",
        "tenon_settings_load",
        &["tenon_settings_", "tenon_server_set_settings", "tenon_server_settings"],
    ),
    (
        "TRANSPORTS",
        "tenon_server_listen",
        &[
            "tenon_server_listen",
            "tenon_server_allow_",
            "tenon_server_set_unix_",
            "tenon_server_websocket_",
            "tenon_server_sse_",
        ],
    ),
    (
        "RUNNING A SERVER",
        "tenon_server_start",
        &[
            "tenon_server_start",
            "tenon_server_run",
            "tenon_server_exit_code",
            "tenon_server_http_url",
            "tenon_server_wake_fd",
            "tenon_server_poll",
            "tenon_server_close",
            "tenon_server_is_closed",
            "tenon_server_free",
        ],
    ),
    (
        "INSIDE OF AN HTTP SERVER OF THE PROGRAM",
        "tenon_server_listen_embedded",
        &["tenon_http_", "tenon_server_listen_embedded", "tenon_server_handle_http"],
    ),
    (
        "ENTRIES, BY KIND",
        "tenon_tool_new",
        &[
            "tenon_tool_",
            "tenon_resource_",
            "tenon_prompt_",
            "tenon_completion_",
            "tenon_method_",
            "tenon_notification_",
        ],
    ),
    ("ENTRIES OF ALL KINDS", "tenon_entry_set", &["tenon_entry_"]),
    (
        "REGISTERING",
        "tenon_server_add",
        &[
            "tenon_server_add",
            "tenon_server_replace",
            "tenon_server_on",
            "tenon_server_remove",
            "tenon_server_enable",
            "tenon_server_disable",
            "tenon_server_mount",
            "tenon_server_unmount",
            "tenon_server_entries",
        ],
    ),
    (
        "POLICIES WHILE THE SERVER RUNS",
        "tenon_server_policies",
        &[
            "tenon_server_policies",
            "tenon_server_change_policies",
            "tenon_server_disable_policy",
            "tenon_server_enable_policy",
            "tenon_server_clear_policy",
        ],
    ),
    (
        "LIMITERS, CIRCUIT BREAKERS AND CACHE OF THE PROGRAM",
        "tenon_server_limiter_acquire",
        &["tenon_server_limiter_", "tenon_server_breaker_", "tenon_server_cache_"],
    ),
    ("VIEWS AND SKILLS", "tenon_ui_new", &["tenon_ui_", "tenon_tool_set_ui", "tenon_server_add_skills"]),
    ("PAGES", "tenon_server_add_page", &["tenon_server_add_page", "tenon_server_remove_page"]),
    (
        "TELLING CLIENTS",
        "tenon_server_elicitation_complete",
        &[
            "tenon_server_elicitation_",
            "tenon_server_notify",
            "tenon_call_notify",
            "tenon_server_resource_updated",
            "tenon_server_list_changed",
        ],
    ),
    ("CALLS", "tenon_call_retain", &["tenon_call_"]),
    (
        "COMPLETING A CALL",
        "tenon_call_return_text",
        &["tenon_call_return_", "tenon_call_fail", "tenon_call_not_found", "tenon_call_error"],
    ),
    ("RESULTS OF SEVERAL PARTS", "tenon_result_new", &["tenon_result_", "tenon_call_return"]),
    (
        "STRUCTURED CONTENT, PIECE BY PIECE",
        "tenon_result_begin_object",
        &["tenon_result_begin_", "tenon_result_end", "tenon_result_put_"],
    ),
    (
        "ASKING THE CLIENT",
        "tenon_call_elicit",
        &[
            "tenon_call_elicit",
            "tenon_call_require_",
            "tenon_call_sample",
            "tenon_call_roots",
            "tenon_call_ask",
            "tenon_answer_",
        ],
    ),
    (
        "TASKS",
        "tenon_tool_set_task_support",
        &["tenon_tool_set_task_", "tenon_call_start_task", "tenon_call_set_status"],
    ),
    ("TESTS", "tenon_server_exchange", &["tenon_server_exchange", "tenon_server_store_operation"]),
    (
        "MIDDLEWARE",
        "tenon_server_add_middleware",
        &[
            "tenon_server_add_middleware",
            "tenon_call_next",
            "tenon_call_outcome",
            "tenon_call_set_state",
            "tenon_call_state",
        ],
    ),
    ("THE LIBRARY", "tenon_version", &["tenon_version", "tenon_abi_"]),
];

/// The title above the first functions. Values and types come before it.
const FIRST_OF_FUNCTIONS: &str = "ERRORS";

/// The section that a name belongs to: the one with the longest beginning of it.
fn section(name: &str, sections: &[Section]) -> Option<usize> {
    let begin =
        |own: &[&str]| own.iter().filter(|begin| name.starts_with(**begin)).map(|begin| begin.len()).max();
    let all = sections.iter().enumerate().filter_map(|(place, (.., own))| Some((begin(own)?, place)));
    all.max_by_key(|(length, place)| (*length, std::cmp::Reverse(*place))).map(|(_, place)| place)
}

/// Puts declarations into the order of their sections, independent of their modules. Blocks that declare nothing stay
/// where they are.
fn sorted(text: &str) -> Vec<&str> {
    let mut blocks: Vec<&str> = text.trim_end().split("\n\n").collect();
    let functions = SECTIONS.iter().position(|(title, ..)| *title == FIRST_OF_FUNCTIONS).unwrap_or(0);
    let opens = blocks.iter().position(|block| block.contains("extern \"C\"")).unwrap_or(blocks.len());
    let (types, code) = blocks.split_at_mut(opens);
    for (part, sections) in [(types, &SECTIONS[..functions]), (code, &SECTIONS[functions..])] {
        let place = |block: &str| section(declared(split(block).1)?, sections);
        for run in part.chunk_by_mut(|one, other| place(one).is_some() == place(other).is_some()) {
            run.sort_by_key(|block| place(block));
        }
    }
    blocks
}

/// Lays out a header. Fails if a section's first declaration is missing or out of order, or if a declaration is
/// below the wrong title.
pub fn manual(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut sections = SECTIONS.iter().peekable();
    let mut present: Option<&Section> = None;
    let mut before = "";
    for block in sorted(text) {
        let (comment, code) = split(block);
        let name = declared(code).unwrap_or_default();
        let title = sections.next_if(|(_, first, _)| *first == name);
        present = title.or(present);
        if let Some((title, _, own)) = present
            && name.to_lowercase().starts_with("tenon_")
            && !own.iter().any(|begin| name.starts_with(begin))
        {
            let next = sections.peek().map_or("none", |(title, ..)| title);
            return Err(format!("{name} does not belong below the title {title}; the next one is {next}"));
        }
        // Values of one kind are kept together.
        let together = title.is_none() && is_value(before) && is_value(code);
        if !before.is_empty() && !together {
            out.push('\n');
        }
        if let Some((title, ..)) = title {
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
        Some((title, name, _)) => Err(format!("{title}: {name} is not declared after the section before it")),
    }
}

fn is_value(code: &str) -> bool {
    code.starts_with("#define TENON_")
}

/// The name that a block declares: a value, a type or a function. If it has several values, the name of the first.
fn declared(code: &str) -> Option<&str> {
    let mut code = code.trim_start();
    while let Some(comment) = code.strip_prefix("/*") {
        code = comment.split_once("*/")?.1.trim_start();
    }
    let line = code.trim_start_matches(MUST_USE).trim_start().lines().next()?;
    let words = line.trim_end_matches(';');
    if let Some(value) = words.strip_prefix("#define ") {
        return value.split(' ').next();
    }
    if words.starts_with("typedef ") && !words.contains('(') {
        return words.rsplit(' ').next();
    }
    // A function, or the type of one, whose name has its own parentheses.
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
    let line = match line.strip_prefix(MUST_USE) {
        Some(rest) => format!("{} {MUST_USE};", rest.trim_start().trim_end_matches(';')),
        None => line,
    };
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
            (
                "TENON_MUST_USE\ntenon_status tenon_tool_new(const char *name,\n    tenon_tool **out);",
                Some("tenon_tool_new"),
            ),
            ("#include <stdbool.h>", None),
            ("/* Which calls tenon_server_start() and so on. */", None),
        ] {
            assert_eq!(declared(code), name, "{code}");
        }
    }

    #[test]
    fn a_title_stands_before_its_declaration_and_nowhere_else() {
        let names: Vec<String> = SECTIONS.iter().map(|(_, name, _)| (*name).to_owned()).collect();
        let declaration = |name: &String| match name.starts_with("TENON") {
            true => format!("#define {name} 1"),
            false => format!("void {name}(void);"),
        };
        let blocks: Vec<String> = names.iter().map(declaration).collect();
        let functions = SECTIONS.iter().position(|(title, ..)| *title == FIRST_OF_FUNCTIONS).unwrap();
        let (types, code) = blocks.split_at(functions);
        let parts = [types.join("\n\n"), "extern \"C\" {".to_owned(), code.join("\n\n")].join("\n\n");
        let talk = format!("/*\n * A manual that names {}().\n */\n\n", names.join("() and "));
        let text = format!("{talk}{parts}");
        let out = manual(&text).unwrap();
        let mut rest = out.as_str();
        for ((title, ..), block) in SECTIONS.iter().zip(&blocks) {
            let (before, after) = rest.split_once(&format!("/* {title} =")).expect(title);
            assert!(!before.contains(block.as_str()), "{block} comes before {title}");
            let next = after.split_once("*/\n\n").expect("the title's end").1;
            assert!(next.starts_with(block.as_str()), "{title} stands before {next}");
            rest = after;
        }
        let mut missing = blocks.clone();
        missing.remove(5);
        assert!(manual(&missing.join("\n\n")).unwrap_err().contains(SECTIONS[5].0));
        let mut swapped = blocks;
        swapped.swap(2, 3);
        manual(&swapped.join("\n\n")).unwrap_err();
        // A declaration below a wrong title is noticed for every title.
        let strayed = text.replace(
            "void tenon_call_elicit(void);",
            "void tenon_call_elicit(void);\n\nvoid tenon_stray(void);",
        );
        assert_eq!(
            manual(&strayed).unwrap_err(),
            "tenon_stray does not belong below the title ASKING THE CLIENT; the next one is TASKS"
        );
    }
}
