//! Enabling and disabling entries by their tags.

use tenon_mcp::{ErrorKind, Kind, Prompt, ResourceProvider, Server, Tool};

fn shown(server: &Server, kind: Kind) -> Vec<String> {
    let names = server.names(kind).into_iter();
    names.filter(|name| server.registered(kind, name).is_some_and(|(_, shown)| shown)).collect()
}

#[test]
fn a_tag_hides_what_has_it_of_every_kind_now_and_later() {
    let server = Server::new("demo", "1.0.0");
    server.tool(Tool::new("a").tags(["admin"]), || async { "" }).unwrap();
    server.tool(Tool::new("b").tags(["admin", "slow"]), || async { "" }).unwrap();
    server.tool(Tool::new("c"), || async { "" }).unwrap();
    server.prompt(Prompt::new("p").tags(["slow"]), || async { "" }).unwrap();
    let provider = ResourceProvider::new("row://{id}").tags(["admin"]);
    server.resource_provider(provider, || async { Vec::<String>::new() }, || async { "" }).unwrap();
    assert_eq!(server.disable_tags(["admin"]), 4, "a provider is two entries");
    assert_eq!(shown(&server, Kind::Tool), ["c"]);
    assert!(shown(&server, Kind::ResourceTemplate).is_empty());
    server.tool(Tool::new("d").tags(["admin"]), || async { "" }).unwrap();
    assert_eq!(shown(&server, Kind::Tool), ["c"]);
    assert_eq!(server.disable_tags(["slow"]), 2);
    assert!(shown(&server, Kind::Prompt).is_empty());
    assert_eq!(server.enable_tags(["admin"]), 5);
    assert_eq!(shown(&server, Kind::Tool), ["a", "c", "d"]);
    assert!(server.disable(Kind::Tool, "b"));
    server.enable_tags(["slow"]);
    assert_eq!(shown(&server, Kind::Tool), ["a", "c", "d"], "disabled by its name");
    assert_eq!(server.disable_tags(["none"]), 0);
}

#[test]
fn tags_are_words_of_some_length() {
    let server = Server::new("demo", "1.0.0");
    for wrong in [vec![String::new()], vec!["x".repeat(129)], vec!["x".into(); 65]] {
        let refused = server.tool(Tool::new("a").tags(wrong), || async { "" }).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        assert!(refused.message().contains("tool \"a\"") && refused.message().contains("tag"), "{refused}");
    }
    server.tool(Tool::new("a").tags(vec!["x".repeat(128); 64]), || async { "" }).unwrap();
}
