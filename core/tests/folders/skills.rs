//! Skills in folders (SEP-2640), in every revision.

use crate::support::{Client, Temporary, manifest};
use serde_json::{Value, json};
use std::os::unix::fs::symlink;
use tenon_mcp::{
    ErrorKind, Kind, Limits, Method, ResourceTemplate, Revision, Server, VisibilityQuestion, testing,
};

fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn serving(folder: &Temporary) -> Server {
    let server = Server::new("skills", "1.0.0");
    server.skills(folder.path()).unwrap();
    server
}

fn uris(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["uri"].as_str().unwrap()).collect()
}

fn pdf() -> Temporary {
    let folder = Temporary::new("skills");
    folder
        .write(
            "pdf-processing/SKILL.md",
            "---\nname: pdf-processing\ndescription: Fill forms\nlicense: MIT\nmetadata:\n  version: \"2.1\"\nallowed-tools: [Read, Bash]\n---\nBody\n",
        )
        .write("pdf-processing/references/FORMS.md", "Forms\n")
        .write("pdf-processing/scripts/a b.py", "print(1)\n")
        .write("pdf-processing/LICENSE", "MIT\n")
        .write("pdf-processing/data", [0u8, 1, 255])
        .write("pdf-processing/empty.txt", "")
        .write("pdf-processing/.hidden", "x")
        .skill("acme/billing/refunds")
        .write("README.md", "beside the skills");
    folder
}

#[test]
fn an_entry_is_the_whole_of_a_skill() {
    let folder = pdf();
    let server = serving(&folder);
    let file = |path: &str, uri: &str| {
        let bytes = std::fs::read(folder.path().join(path)).unwrap();
        json!({ "uri": uri, "digest": digest(&bytes), "size": bytes.len() })
    };
    let entry = json!({
        "uri": "skill://pdf-processing/SKILL.md",
        "frontmatter": {
            "name": "pdf-processing", "description": "Fill forms", "license": "MIT",
            "metadata": { "version": "2.1" }, "allowed-tools": ["Read", "Bash"]
        },
        "resources": [
            file("pdf-processing/LICENSE", "skill://pdf-processing/LICENSE"),
            file("pdf-processing/SKILL.md", "skill://pdf-processing/SKILL.md"),
            file("pdf-processing/data", "skill://pdf-processing/data"),
            file("pdf-processing/empty.txt", "skill://pdf-processing/empty.txt"),
            file("pdf-processing/references/FORMS.md", "skill://pdf-processing/references/FORMS.md"),
            file("pdf-processing/scripts/a b.py", "skill://pdf-processing/scripts/a%20b.py")
        ]
    });
    for revision in Revision::ALL {
        let client = Client::of(&server, revision.as_str(), json!({}));
        let listed = client.result("skills/list", json!({}));
        assert_eq!(
            uris(&listed["skills"]),
            ["skill://acme/billing/refunds/SKILL.md", "skill://pdf-processing/SKILL.md"]
        );
        assert_eq!(listed["skills"][1], entry, "{revision}");
        let got = client.result("skills/get", json!({ "uri": "skill://pdf-processing/SKILL.md" }));
        assert_eq!(got["skill"], entry, "{revision}");
        for result in [&listed, &got] {
            let is_modern = revision == Revision::V2026_07_28;
            assert_eq!(result.get("ttlMs").is_some(), is_modern, "{revision}");
            assert_eq!(result.get("cacheScope").is_some(), is_modern, "{revision}");
            assert_eq!(result.get("nextCursor"), None);
        }
        for uri in
            ["skill://pdf-processing", "skill://nobody/SKILL.md", "skill://pdf-processing/LICENSE", "x", ""]
        {
            assert_eq!(client.error("skills/get", json!({ "uri": uri }))["code"], -32602, "{uri}");
        }
        for params in [json!({}), json!({ "uri": 7 })] {
            assert_eq!(client.error("skills/get", params)["code"], -32602);
        }
    }
}

#[test]
fn files_are_read_as_resources() {
    let folder = pdf();
    let server = serving(&folder);
    for revision in Revision::ALL {
        let client = Client::of(&server, revision.as_str(), json!({}));
        let read = |uri: &str| client.result("resources/read", json!({ "uri": uri }))["contents"][0].clone();
        for (uri, media, member, value) in [
            ("skill://pdf-processing/references/FORMS.md", "text/markdown", "text", "Forms\n"),
            ("skill://pdf-processing/scripts/a%20b.py", "text/x-python", "text", "print(1)\n"),
            ("skill://pdf-processing/LICENSE", "text/plain", "text", "MIT\n"),
            ("skill://pdf-processing/data", "application/octet-stream", "blob", "AAH/"),
            ("skill://pdf-processing/empty.txt", "text/plain", "text", ""),
        ] {
            assert_eq!(read(uri), json!({ "uri": uri, "mimeType": media, (member): value }), "{revision}");
        }
        let not_found = if revision == Revision::V2026_07_28 { -32602 } else { -32002 };
        for uri in [
            "skill://pdf-processing",
            "skill://pdf-processing/.hidden",
            "skill://pdf-processing/none",
            "skill://README.md",
            "skill://pdf-processing/../README.md",
            "skill://pdf-processing/%2e%2e/README.md",
            "skill://pdf-processing/references/../SKILL.md",
            "skill://pdf-processing//SKILL.md",
            "skill:///etc/passwd",
            "skill://pdf-processing/scripts/a b.py",
        ] {
            assert_eq!(
                client.error("resources/read", json!({ "uri": uri }))["code"],
                not_found,
                "{revision} {uri}"
            );
        }
        // The manifests stand in the list, with what their skills say of themselves.
        let listed = client.result("resources/list", json!({}));
        assert_eq!(
            listed["resources"][1],
            json!({
                "uri": "skill://pdf-processing/SKILL.md", "name": "pdf-processing", "description": "Fill forms",
                "mimeType": "text/markdown", "size": std::fs::read(folder.path().join("pdf-processing/SKILL.md")).unwrap().len()
            })
        );
        assert_eq!(listed["resources"].as_array().unwrap().len(), 2);
        assert_eq!(client.result("resources/templates/list", json!({}))["resourceTemplates"], json!([]));
    }
}

#[test]
fn folders_are_directories() {
    let folder = pdf();
    let server = serving(&folder);
    for revision in Revision::ALL {
        let client = Client::of(&server, revision.as_str(), json!({}));
        let read = |uri: &str| client.result("resources/directory/read", json!({ "uri": uri }));
        let root = read("skill://pdf-processing");
        assert_eq!(
            uris(&root["resources"]),
            [
                "skill://pdf-processing/LICENSE",
                "skill://pdf-processing/SKILL.md",
                "skill://pdf-processing/data",
                "skill://pdf-processing/empty.txt",
                "skill://pdf-processing/references",
                "skill://pdf-processing/scripts"
            ]
        );
        assert_eq!(
            root["resources"][0],
            json!({ "uri": "skill://pdf-processing/LICENSE", "name": "LICENSE", "size": 4 })
        );
        assert_eq!(root["resources"][1]["name"], "pdf-processing");
        assert_eq!(
            root["resources"][4],
            json!({ "uri": "skill://pdf-processing/references", "name": "references", "mimeType": "inode/directory" })
        );
        // It is no result that may be kept.
        assert_eq!(root.get("ttlMs"), None);
        assert_eq!(
            read("skill://pdf-processing/references")["resources"],
            json!([{ "uri": "skill://pdf-processing/references/FORMS.md", "name": "FORMS.md", "mimeType": "text/markdown", "size": 6 }])
        );
        // Those above skills, too.
        assert_eq!(uris(&read("skill://acme")["resources"]), ["skill://acme/billing"]);
        assert_eq!(uris(&read("skill://acme/billing")["resources"]), ["skill://acme/billing/refunds"]);
        for uri in
            ["skill://pdf-processing/SKILL.md", "skill://pdf-processing/", "skill://none", "skill://", "x"]
        {
            assert_eq!(
                client.error("resources/directory/read", json!({ "uri": uri }))["code"],
                -32602,
                "{uri}"
            );
        }
    }
}

#[test]
fn lists_come_in_pages() {
    let folder = Temporary::new("skills");
    for number in 0..7 {
        folder.skill(&format!("skill-{number}"));
        folder.write(&format!("skill-0/file-{number}.txt"), "x");
    }
    let mut limits = Limits::default();
    limits.page_size = 3;
    let server = Server::builder("skills", "1").limits(limits).build().unwrap();
    server.skills(folder.path()).unwrap();
    for revision in ["2025-11-25", "2026-07-28"] {
        let client = Client::of(&server, revision, json!({}));
        let pages = client.pages("skills/list", json!({}), "skills");
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
        let all: Vec<_> = pages.concat().iter().map(|skill| skill["frontmatter"]["name"].clone()).collect();
        assert_eq!(all, (0..7).map(|number| json!(format!("skill-{number}"))).collect::<Vec<_>>());
        let uri = json!({ "uri": "skill://skill-0" });
        let pages = client.pages("resources/directory/read", uri.clone(), "resources");
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 2]);
        let pages = client.pages("resources/list", json!({}), "resources");
        assert_eq!(pages.concat().len(), 7);

        // PG-3: a cursor is good for what it came from.
        let cursor = client.result("skills/list", json!({}))["nextCursor"].clone();
        let of_folder = client.result("resources/directory/read", uri)["nextCursor"].clone();
        for (method, params) in [
            ("skills/list", json!({ "cursor": "skill://skill-1/SKILL.md" })),
            ("skills/list", json!({ "cursor": "" })),
            ("skills/list", json!({ "cursor": 7 })),
            ("skills/list", json!({ "cursor": of_folder })),
            ("resources/list", json!({ "cursor": cursor })),
            ("resources/directory/read", json!({ "uri": "skill://skill-0", "cursor": cursor })),
            ("resources/directory/read", json!({ "uri": "skill://skill-1", "cursor": of_folder })),
        ] {
            assert_eq!(client.error(method, params.clone())["code"], -32602, "{method} {params}");
        }
    }
}

#[test]
fn a_skill_within_a_skill_is_both_a_part_and_one_of_its_own() {
    let folder = Temporary::new("skills");
    folder.skill("outer").skill("outer/inner").write("outer/inner/x.txt", "x");
    // Not one, whatever it says.
    folder.write("outer/examples/SKILL.md", "no front matter");
    let client = Client::new(&serving(&folder));
    let skills = client.result("skills/list", json!({}))["skills"].clone();
    assert_eq!(uris(&skills), ["skill://outer/SKILL.md", "skill://outer/inner/SKILL.md"]);
    assert_eq!(
        uris(&skills[0]["resources"]),
        [
            "skill://outer/SKILL.md",
            "skill://outer/examples/SKILL.md",
            "skill://outer/inner/SKILL.md",
            "skill://outer/inner/x.txt"
        ]
    );
    assert_eq!(uris(&skills[1]["resources"]), ["skill://outer/inner/SKILL.md", "skill://outer/inner/x.txt"]);
    assert_eq!(
        client.error("skills/get", json!({ "uri": "skill://outer/examples/SKILL.md" }))["code"],
        -32602
    );
    let example = client.result("resources/read", json!({ "uri": "skill://outer/examples/SKILL.md" }));
    assert_eq!(example["contents"][0]["text"], "no front matter");
}

#[test]
fn who_has_skills_says_so() {
    let folder = pdf();
    let server = serving(&folder);
    let discovered = Client::new(&server).result("server/discover", json!({}));
    let capabilities = &discovered["capabilities"];
    assert_eq!(
        capabilities["extensions"],
        json!({ "io.modelcontextprotocol/skills": { "directoryRead": true } })
    );
    assert!(capabilities["resources"].is_object());
    // Without skills nobody has the methods.
    let client = Client::new(&Server::new("none", "1"));
    for method in ["skills/list", "skills/get", "resources/directory/read"] {
        assert_eq!(client.error(method, json!({ "uri": "skill://a/SKILL.md" }))["code"], -32601, "{method}");
    }
}

#[test]
fn several_folders_are_served_together() {
    let (one, two, three) = (Temporary::new("one"), Temporary::new("two"), Temporary::new("three"));
    one.skill("a").skill("group/b");
    two.skill("c").skill("group/d");
    three.skill("e").skill("a");
    let server = serving(&one);
    server.skills(two.path()).unwrap();
    let error = server.skills(three.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert!(error.message().contains("skill://a/SKILL.md"), "{error}");
    let client = Client::new(&server);
    let listed = client.result("skills/list", json!({}))["skills"].clone();
    assert_eq!(
        uris(&listed),
        ["skill://a/SKILL.md", "skill://c/SKILL.md", "skill://group/b/SKILL.md", "skill://group/d/SKILL.md"]
    );
    let group = client.result("resources/directory/read", json!({ "uri": "skill://group" }));
    assert_eq!(uris(&group["resources"]), ["skill://group/b", "skill://group/d"]);
    for uri in ["skill://group/b/SKILL.md", "skill://group/d/SKILL.md"] {
        client.result("resources/read", json!({ "uri": uri }));
    }
}

/// Entries that the program has registered stay. A failed registration leaves nothing behind.
#[test]
fn what_is_registered_stays_the_programs() {
    let folder = Temporary::new("skills");
    folder.skill("a");
    let server = Server::new("skills", "1");
    server.method(Method::new("skills/get"), || async { json!({ "own": true }) }).unwrap();
    assert_eq!(server.skills(folder.path()).unwrap_err().kind(), ErrorKind::Duplicate);
    assert_eq!(Client::new(&server).error("skills/list", json!({}))["code"], -32601);
    server.remove(Kind::Method, "skills/get").unwrap();
    server.skills(folder.path()).unwrap();
    assert_eq!(
        uris(&Client::new(&server).result("skills/list", json!({}))["skills"]),
        ["skill://a/SKILL.md"]
    );
    let error =
        server.resource_template(ResourceTemplate::new("skill://{+path}"), || async { "x" }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
}

#[test]
fn skills_stay_with_their_server_where_that_is_mounted() {
    let [one, two, three] = ["one", "two", "three"].map(|name| {
        let folder = Temporary::new("skills");
        folder.skill(name);
        folder
    });
    for prefix in [None, Some("sub")] {
        let (outer, inner) = (serving(&one), serving(&two));
        outer.mount(&inner, prefix).unwrap();
        let other = Server::new("other", "1");
        other.mount(&inner, prefix).unwrap();
        assert!(other.names(Kind::ResourceProvider).is_empty());
        other.skills(three.path()).unwrap();
        for (server, own) in [(&outer, "one"), (&inner, "two"), (&other, "three")] {
            let (client, uri) = (Client::new(server), format!("skill://{own}/SKILL.md"));
            assert_eq!(uris(&client.result("skills/list", json!({}))["skills"]), [uri.as_str()]);
            assert_eq!(uris(&client.result("resources/list", json!({}))["resources"]), [uri.as_str()]);
            client.result("resources/read", json!({ "uri": uri }));
        }
        let client = Client::new(&outer);
        client.error("resources/read", json!({ "uri": "skill://two/SKILL.md" }));
        client.error("resources/read", json!({ "uri": "skill://sub/two/SKILL.md" }));
        outer.unmount(&inner, prefix).unwrap();
        other.unmount(&inner, prefix).unwrap();
        assert_eq!(uris(&Client::new(&other).result("resources/list", json!({}))["resources"]).len(), 1);
    }
}

#[test]
fn what_is_wrong_with_a_folder_is_told_at_once() {
    let fault = |make: &dyn Fn(&Temporary)| {
        let folder = Temporary::new("skills");
        folder.skill("good");
        make(&folder);
        let error = Server::new("skills", "1").skills(folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(&folder.path().display().to_string()), "{error}");
        error.message().to_owned()
    };
    let bad = |text: &'static str| move |folder: &Temporary| _ = folder.write("bad/SKILL.md", text);
    type Make<'a> = &'a dyn Fn(&Temporary);
    let cases: [(Make<'_>, &str); 16] = [
        (&|folder| _ = folder.write("bad/README.md", "x"), "bad has no SKILL.md"),
        (&|folder| _ = folder.write("group/bad/README.md", "x"), "group/bad has no SKILL.md"),
        (&|folder| std::fs::create_dir(folder.path().join("bad")).unwrap(), "bad has no SKILL.md"),
        (&bad("# no front matter\n"), "bad: SKILL.md: it must begin with front matter"),
        (&bad("---\nname: [\n---\n"), "bad: SKILL.md: front matter:"),
        (&bad("---\ndescription: x\n---\n"), "name is missing"),
        (&bad("---\nname: bad\n---\n"), "description is missing"),
        (
            &bad("---\nname: other\ndescription: x\n---\n"),
            "its name is \"other\", but its folder is called \"bad\"",
        ),
        (&|folder| _ = folder.write("Bad/SKILL.md", manifest("Bad", "x")), "a-z 0-9"),
        (
            &|folder| symlink("/etc/passwd", folder.path().join("good/passwd")).unwrap(),
            "good/passwd is a symbolic link",
        ),
        (&|folder| symlink("/etc", folder.path().join("good/etc")).unwrap(), "good/etc is a symbolic link"),
        (&|folder| symlink("good", folder.path().join("bad")).unwrap(), "bad is a symbolic link"),
        (
            &|folder| drop(std::os::unix::net::UnixListener::bind(folder.path().join("good/s")).unwrap()),
            "good/s is not a regular file",
        ),
        (
            &|folder| (0..513).for_each(|n| _ = folder.write(&format!("good/{n}"), "")),
            "good: it has 514 files; a skill has at most 512",
        ),
        (
            &|folder| {
                std::fs::File::create(folder.path().join("good/large")).unwrap().set_len(16 << 20).unwrap()
            },
            "a skill has at most 16777216",
        ),
        (&|folder| _ = folder.write(&format!("good/{}x", "d/".repeat(16)), "x"), "deeper than 16 levels"),
    ];
    for (make, wanted) in cases {
        let error = fault(make);
        assert!(error.contains(wanted), "{error}: {wanted}");
    }
    let error =
        |path: &std::path::Path| Server::new("skills", "1").skills(path).unwrap_err().message().to_owned();
    let folder = Temporary::new("skills");
    assert!(error(folder.path()).contains("it contains no skills"));
    assert!(error(&folder.path().join("none")).contains("the folder cannot be read"));
    folder.skill("a");
    assert!(error(&folder.path().join("a")).contains("the folder is a skill itself"));
    assert!(error(&folder.path().join("a/SKILL.md")).contains("the folder cannot be read"));
    let mut limits = Limits::default();
    limits.max_skills = 1;
    let server = Server::builder("skills", "1").limits(limits).build().unwrap();
    server.skills(folder.path()).unwrap();
    folder.skill("b");
    let server = Server::builder("skills", "1").limits({
        let mut limits = Limits::default();
        limits.max_skills = 1;
        limits
    });
    let error = server.build().unwrap().skills(folder.path()).unwrap_err();
    assert!(error.message().contains("more than 1 skills (max_skills)"), "{error}");
}

#[tokio::test]
async fn skills_that_are_hidden_from_a_caller_do_not_exist() {
    let folder = pdf();
    let server = serving(&folder);
    let visible = |question: VisibilityQuestion| async move { !question.name.starts_with("skill://") };
    server.visible(visible).unwrap();
    for revision in Revision::ALL {
        let client = testing::Client::builder(&server).revision(revision).open().unwrap();
        let uri = json!({ "uri": "skill://pdf-processing/SKILL.md" });
        let folder = json!({ "uri": "skill://pdf-processing" });
        for (method, params) in
            [("skills/list", json!({})), ("skills/get", uri.clone()), ("resources/directory/read", folder)]
        {
            match client.request(method, params).await {
                Err(testing::ClientError::Mcp(error)) => {
                    assert_eq!(error.code, -32601, "{method}: {error:?}")
                }
                other => panic!("{method}: {other:?}"),
            }
        }
        assert!(client.read_resource("skill://pdf-processing/SKILL.md").await.is_err());
        assert!(client.list_resources().await.unwrap().is_empty());
    }
}
