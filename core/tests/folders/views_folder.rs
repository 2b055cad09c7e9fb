//! A folder with HTML, scripts and styles becomes one document.

use crate::support::{Client, Temporary};
use serde_json::json;
use tenon_mcp::{Html, Server};

fn document(folder: &Temporary) -> Result<String, String> {
    let server = Server::new("views", "1.0.0");
    server.ui("ui://app", Html::folder(folder.path())).map_err(|error| error.message().to_owned())?;
    let read = Client::new(&server).result("resources/read", json!({ "uri": "ui://app" }));
    Ok(read["contents"][0]["text"].as_str().unwrap().to_owned())
}

fn of(html: &str, files: &[(&str, &str)]) -> Result<String, String> {
    let folder = Temporary::new("view");
    folder.write("index.html", html);
    for (path, text) in files {
        folder.write(path, text);
    }
    document(&folder)
}

#[test]
fn what_it_loads_is_put_inside() {
    let html = r#"<!DOCTYPE html>
<html><head>
<!-- <script src="not.js"></script> -->
<title>A <b> "title"</title>
<link rel="stylesheet" href="style/main.css" media="screen">
<link rel=preload href=app.js as=script>
<link rel="icon" href="icon.svg">
<script type="module" crossorigin src="./app.js?v=1"></script>
<script src=late.js defer data-x="a&quot;b"></script>
<script src="https://cdn.example.com/x.js"></script>
<script>let a = '<img src="none.png">'</script>
<style>p { background: url(img/dot.png) }</style>
</head><body style="background: url('img/dot.png')">
<img src="img/dot.png" alt="dot"><img srcset="img/dot.png 1x, https://a.example.com/b.png 2x">
<img src="data:image/png;base64,AAAA"><a href="other.html">other</a><img src='#x'>
<video poster=/img/dot.png></video>
</body></html>
"#;
    let dot = "data:image/png;base64,ZG90";
    let files = [
        (
            "style/main.css",
            "@import \"part.css\";\n@import url('../print.css') print;\n@import url(https://a.example.com/c.css);\nbody { background: URL( \"../img/dot.png\" ) } /* url(no.png) */ p::after { content: \"url(no.png)\" }",
        ),
        ("style/part.css", "i { color: red }"),
        ("print.css", "b { color: black }"),
        ("app.js", "document.title = '</script>'"),
        ("late.js", "late()"),
        ("img/dot.png", "dot"),
        ("icon.svg", "<svg/>"),
    ];
    let wanted = format!(
        r#"<!DOCTYPE html>
<html><head>
<!-- <script src="not.js"></script> -->
<title>A <b> "title"</title>
<style media="screen">i {{ color: red }}
@media print {{b {{ color: black }}}}
@import url(https://a.example.com/c.css);
body {{ background: url({dot}) }} /* url(no.png) */ p::after {{ content: "url(no.png)" }}</style>

<link rel="icon" href="data:image/svg+xml;base64,PHN2Zy8+">
<script type="module">document.title = '<\/script>'</script>

<script src="https://cdn.example.com/x.js"></script>
<script>let a = '<img src="none.png">'</script>
<style>p {{ background: url({dot}) }}</style>
</head><body style="background: url({dot})">
<img src="{dot}" alt="dot"><img srcset="{dot} 1x, https://a.example.com/b.png 2x">
<img src="data:image/png;base64,AAAA"><a href="other.html">other</a><img src='#x'>
<video poster="{dot}"></video>
<script data-x="a&quot;b">late()</script></body></html>
"#
    );
    assert_eq!(of(html, &files).unwrap(), wanted);
}

#[test]
fn what_cannot_be_put_inside_is_told() {
    for (html, files, wanted) in [
        ("<script src=none.js></script>", &[][..], "there is no file \"none.js\""),
        ("<img src=../secret.png>", &[], "leads out of the folder"),
        ("<img src='%2e%2e/%2e%2e/etc/passwd'>", &[], "leads out of the folder"),
        ("<img src='a%zz'>", &[], "is not a valid address"),
        ("<base href='x/'>", &[], "base element"),
        ("<iframe src=inner.html></iframe>", &[("inner.html", "")], "iframe"),
        ("<link rel=manifest href=m.json>", &[("m.json", "")], "\"manifest\""),
        ("<link rel=stylesheet href=a.css>", &[("a.css", "@import 'a.css';")], "16 deep"),
        (
            "<link rel=stylesheet href=a.css>",
            &[("a.css", "@import 'b.css' layer(x);"), ("b.css", "")],
            "layer(x)",
        ),
        ("", &[], "is empty"),
    ] {
        let error = of(html, files).unwrap_err();
        assert!(error.contains(wanted), "{html}: {error}");
        assert!(error.contains("ui://app"), "{error}");
    }
    let folder = Temporary::new("view");
    assert!(document(&folder).unwrap_err().contains("there is no file \"index.html\""));
    folder.write("index.html", [0xff, 0xfe]);
    assert!(document(&folder).unwrap_err().contains("UTF-8"));
}

#[test]
fn no_link_is_followed() {
    let outside = Temporary::new("outside");
    outside.write("secret.js", "secret");
    let folder = Temporary::new("view");
    folder.write("index.html", "<script src=a/secret.js></script>");
    std::os::unix::fs::symlink(outside.path(), folder.path().join("a")).unwrap();
    assert!(document(&folder).unwrap_err().contains("no file"));
    std::fs::remove_file(folder.path().join("a")).unwrap();
    std::fs::create_dir(folder.path().join("a")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.js"), folder.path().join("a/secret.js")).unwrap();
    assert!(document(&folder).unwrap_err().contains("no file"));
}
