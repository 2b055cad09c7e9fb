//! The tables.

use crate::proto::catalog::kind::Kind;
use crate::proto::catalog::members::{Form, Row, Table};
use crate::proto::version::Revision;
use crate::proto::version::Revision::*;

const fn member(name: &'static str, form: Form) -> Row {
    Row { name, form, required: false, from: V2024_11_05, to: V2026_07_28 }
}

const fn required(name: &'static str, form: Form) -> Row {
    Row { required: true, ..member(name, form) }
}

const fn since(from: Revision, name: &'static str, form: Form) -> Row {
    Row { from, ..member(name, form) }
}

const fn only(revision: Revision, name: &'static str, form: Form) -> Row {
    Row { from: revision, to: revision, ..member(name, form) }
}

const fn table(whose: &'static str, whole_from: Option<Revision>, rows: &'static [Row]) -> Table {
    Table { whose, rows, one_of: &[], whole_from }
}

/// The table of definitions of entries of this kind.
pub(crate) fn of_kind(kind: Kind) -> &'static Table {
    match kind {
        Kind::Tool => &TOOL,
        Kind::Resource => &RESOURCE,
        Kind::ResourceTemplate => &RESOURCE_TEMPLATE,
        Kind::ResourceProvider => &RESOURCE_PROVIDER,
        Kind::Prompt => &PROMPT,
        Kind::Completion => &COMPLETION,
        Kind::Method => &METHOD,
        Kind::Notification => &NOTIFICATION,
        Kind::Hook => &HOOK,
    }
}

const META: Row = since(V2025_06_18, "_meta", Form::Meta);
/// The schema of a tool's arguments.
const PARAMETERS: Row = member("inputSchema", Form::Schema);
const TITLE: Row = since(V2025_06_18, "title", Form::Text);
const DESCRIPTION: Row = member("description", Form::Text);
const ICON_LIST: Row = since(V2025_11_25, "icons", Form::List(&ICON_FORM));
const ANNOTATED: Row = member("annotations", Form::Object(&ANNOTATIONS));
const MIME_TYPE: Row = member("mimeType", Form::Word);

static TOOL: Table = table(
    "a tool has",
    None,
    &[
        required("name", Form::Text),
        TITLE,
        DESCRIPTION,
        required("inputSchema", Form::Schema),
        since(V2025_06_18, "outputSchema", Form::OutputSchema),
        since(V2025_03_26, "annotations", Form::Object(&TOOL_ANNOTATIONS)),
        only(V2025_11_25, "execution", Form::Object(&EXECUTION)),
        ICON_LIST,
        META,
    ],
);

static TOOL_ANNOTATIONS: Table = table(
    "the annotations of a tool have",
    Some(V2024_11_05),
    &[
        member("title", Form::Text),
        member("readOnlyHint", Form::Bool),
        member("destructiveHint", Form::Bool),
        member("idempotentHint", Form::Bool),
        member("openWorldHint", Form::Bool),
    ],
);

static EXECUTION: Table = table(
    "the execution of a tool has",
    Some(V2024_11_05),
    &[member("taskSupport", Form::OneOf(&["forbidden", "optional", "required"]))],
);

static RESOURCE: Table = table(
    "a resource has",
    Some(V2025_11_25),
    &[
        required("uri", Form::Uri),
        required("name", Form::Word),
        TITLE,
        DESCRIPTION,
        MIME_TYPE,
        member("size", Form::Count),
        ANNOTATED,
        ICON_LIST,
        META,
    ],
);

static RESOURCE_TEMPLATE: Table = table(
    "a resource template has",
    Some(V2025_11_25),
    &[
        required("uriTemplate", Form::Word),
        required("name", Form::Word),
        TITLE,
        DESCRIPTION,
        MIME_TYPE,
        ANNOTATED,
        ICON_LIST,
        META,
    ],
);

static RESOURCE_PROVIDER: Table =
    table("a resource provider has", Some(V2024_11_05), &[required("uriTemplate", Form::Word)]);

static PROMPT: Table = table(
    "a prompt has",
    Some(V2025_11_25),
    &[
        required("name", Form::Text),
        TITLE,
        DESCRIPTION,
        member("arguments", Form::List(&Form::Object(&PROMPT_ARGUMENT))),
        ICON_LIST,
        META,
    ],
);

static PROMPT_ARGUMENT: Table = table(
    "an argument of a prompt has",
    Some(V2025_06_18),
    &[required("name", Form::Word), TITLE, DESCRIPTION, member("required", Form::Bool)],
);

static COMPLETION: Table = table(
    "a completion has",
    Some(V2024_11_05),
    &[
        required("name", Form::Word),
        required("ref", Form::Object(&REFERENCE)),
        required("argument", Form::Word),
    ],
);

static REFERENCE: Table = Table {
    whose: "a reference has",
    rows: &[
        required("type", Form::OneOf(&["ref/prompt", "ref/resource"])),
        member("name", Form::Word),
        member("uri", Form::Word),
    ],
    one_of: &["name", "uri"],
    whole_from: Some(V2024_11_05),
};

static METHOD: Table =
    table("a method has", Some(V2024_11_05), &[required("name", Form::Text), DESCRIPTION, PARAMETERS]);

static NOTIFICATION: Table =
    table("a notification has", Some(V2024_11_05), &[required("name", Form::Text), DESCRIPTION, PARAMETERS]);

static HOOK: Table = table(
    "a hook has",
    Some(V2024_11_05),
    &[required(
        "name",
        Form::OneOf(&[
            "start",
            "stop",
            "session_start",
            "session_end",
            "roots_changed",
            "subscribe",
            "unsubscribe",
            "error",
            "audit",
        ]),
    )],
);

/// The name, the version and further facts of a server.
pub(crate) static IMPLEMENTATION: Table = table(
    "a server has",
    Some(V2025_11_25),
    &[
        required("name", Form::Text),
        TITLE,
        required("version", Form::Text),
        since(V2025_11_25, "description", Form::Text),
        since(V2025_11_25, "websiteUrl", Form::Uri),
        ICON_LIST,
    ],
);

static ICON_FORM: Form = Form::Object(&ICON);
static ICON: Table = table(
    "an icon has",
    Some(V2024_11_05),
    &[
        required("src", Form::Uri),
        MIME_TYPE,
        member("sizes", Form::List(&Form::Word)),
        member("theme", Form::OneOf(&["light", "dark"])),
    ],
);

static ANNOTATIONS: Table = table(
    "annotations have",
    Some(V2025_06_18),
    &[
        member("audience", Form::List(&Form::OneOf(&["user", "assistant"]))),
        member("priority", Form::Within(0.0, 1.0)),
        since(V2025_06_18, "lastModified", Form::Time),
    ],
);

/// A kind of content block.
#[derive(Debug)]
pub(crate) struct Block {
    /// The block's `type`.
    pub(crate) word: &'static str,
    pub(crate) table: Table,
    /// The first revision that has this kind of block (TL-17).
    pub(crate) from: Revision,
}

const fn block(word: &'static str, from: Revision, whole_from: Revision, rows: &'static [Row]) -> Block {
    Block { word, from, table: table("such content has", Some(whole_from), rows) }
}

/// The first revision with all kinds of blocks and all of their members.
pub(super) const BLOCKS_WHOLE_FROM: Revision = V2025_11_25;

/// The kinds of content blocks.
pub(crate) static BLOCKS: [Block; 5] = [
    block("text", V2024_11_05, V2025_06_18, &[TYPE, required("text", Form::Text), ANNOTATED, META]),
    block("image", V2024_11_05, V2025_06_18, MEDIA),
    block("audio", V2025_03_26, V2025_06_18, MEDIA),
    block(
        "resource_link",
        V2025_06_18,
        V2025_11_25,
        &[
            TYPE,
            required("uri", Form::Uri),
            required("name", Form::Word),
            TITLE,
            DESCRIPTION,
            MIME_TYPE,
            member("size", Form::Count),
            ANNOTATED,
            ICON_LIST,
            META,
        ],
    ),
    block(
        "resource",
        V2024_11_05,
        V2025_06_18,
        &[TYPE, required("resource", Form::Object(&CONTENTS)), ANNOTATED, META],
    ),
];

const TYPE: Row = required("type", Form::Word);
const MEDIA: &[Row] =
    &[TYPE, required("data", Form::Base64), required("mimeType", Form::Word), ANNOTATED, META];

/// The contents of a resource.
pub(crate) static CONTENTS: Table = Table {
    whose: "the contents of a resource have",
    rows: &[
        required("uri", Form::Uri),
        MIME_TYPE,
        member("text", Form::Text),
        member("blob", Form::Base64),
        META,
    ],
    one_of: &["text", "blob"],
    whole_from: Some(V2025_06_18),
};

/// One message of a prompt. Its content is one block (PR-5).
pub(crate) static MESSAGE: Table = table(
    "a message has",
    None,
    &[required("role", Form::OneOf(&["user", "assistant"])), required("content", Form::Said)],
);

/// The result of a tool.
pub(crate) static RESULT_TOOL: Table = table(
    "the result of a tool has",
    None,
    &[
        member("content", Form::List(&Form::Block)),
        since(V2025_06_18, "structuredContent", Form::Structured),
        member("isError", Form::Bool),
        RESULT_META,
    ],
);

/// Results have `_meta` in all revisions.
const RESULT_META: Row = member("_meta", Form::Meta);

/// The result of a resource or a template.
pub(crate) static RESULT_RESOURCE: Table = table(
    "the result of a resource has",
    None,
    &[
        required("contents", Form::List(&Form::Object(&CONTENTS))),
        since(V2026_07_28, "ttlMs", Form::Count),
        since(V2026_07_28, "cacheScope", Form::OneOf(&["public", "private"])),
        RESULT_META,
    ],
);

/// The result of a prompt.
pub(crate) static RESULT_PROMPT: Table = table(
    "the result of a prompt has",
    None,
    &[DESCRIPTION, required("messages", Form::List(&Form::Object(&MESSAGE))), RESULT_META],
);

/// The result of a completion.
pub(crate) static RESULT_COMPLETE: Table = table(
    "the result of a completion has",
    None,
    &[required("completion", Form::Object(&RESULT_COMPLETION)), RESULT_META],
);

/// The inner part of a completion's result.
pub(crate) static RESULT_COMPLETION: Table = table(
    "a completion has",
    Some(V2024_11_05),
    &[
        required("values", Form::List(&Form::Text)),
        member("total", Form::Count),
        member("hasMore", Form::Bool),
    ],
);

/// The list of a resource provider.
pub(crate) static RESULT_PROVIDED: Table = table(
    "the result of a resource provider has",
    None,
    &[required("resources", Form::List(&Form::Open)), member("nextCursor", Form::Text)],
);

/// The known members of the result of a program's own method.
pub(crate) static RESULT_METHOD: Table =
    table("the result of a method has", None, &[since(V2026_07_28, "resultType", Form::Word), RESULT_META]);

#[cfg(test)]
mod tests {
    use super::*;

    fn is_whole(form: &Form, revision: Revision) -> bool {
        match form {
            Form::List(inner) => is_whole(inner, revision),
            Form::Object(table) => whole(table, revision),
            Form::OutputSchema | Form::Structured => revision.is_modern(),
            Form::Block | Form::Said => {
                BLOCKS.iter().all(|block| block.from <= revision && whole(&block.table, revision))
            }
            _ => true,
        }
    }

    fn whole(table: &Table, revision: Revision) -> bool {
        table.rows.iter().all(|row| row.is_in(revision) && is_whole(&row.form, revision))
    }

    #[test]
    fn a_table_is_written_as_it_is_only_where_nothing_is_to_be_left_out() {
        let mut tables: Vec<&Table> = Kind::ALL.into_iter().map(of_kind).collect();
        tables.extend(BLOCKS.iter().map(|block| &block.table));
        tables.extend([&CONTENTS, &ICON, &ANNOTATIONS, &TOOL_ANNOTATIONS, &EXECUTION, &PROMPT_ARGUMENT]);
        tables.extend([&IMPLEMENTATION, &REFERENCE, &RESULT_COMPLETION]);
        for table in tables {
            for revision in Revision::ALL {
                assert_eq!(table.is_whole(revision), whole(table, revision), "{} {revision}", table.whose);
            }
        }
    }

    #[test]
    fn blocks_are_written_as_they_are_where_nothing_is_to_be_left_out() {
        for revision in Revision::ALL {
            assert_eq!(is_whole(&Form::Block, revision), revision >= BLOCKS_WHOLE_FROM, "{revision}");
        }
    }

    #[test]
    fn the_member_that_names_an_entry_is_required() {
        for kind in Kind::ALL {
            let table = of_kind(kind);
            assert!(table.rows[table.find(kind.names()).unwrap()].required, "{kind:?}");
        }
    }
}
