//! Makes one HTML document of a folder. Each file of the folder that `index.html` loads is embedded in the document.

use super::root::Root;
use super::tags::{self, Tag, tags};
use crate::dispatch::media::media_type;
use crate::error::{Error, ErrorKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::PathBuf;

const INDEX: &str = "index.html";
/// The maximum depth of style sheets that import style sheets.
const MAX_IMPORTS: usize = 16;

/// Returns the document of a folder. Fails if the document would need more than `most` bytes of files, or if something
/// cannot be embedded.
pub(crate) fn view(folder: PathBuf, most: usize) -> Result<String, Error> {
    let mut inliner = Inliner { root: Root::new(folder), most, used: 0 };
    let named = |inliner: &Inliner, error: String| {
        Error::new(ErrorKind::Invalid, format!("folder {}: {error}", inliner.root.path().display()))
    };
    inliner.text(INDEX).and_then(|html| inliner.document(&html)).map_err(|error| named(&inliner, error))
}

struct Inliner {
    root: Root,
    most: usize,
    /// The number of bytes that were read from files so far.
    used: usize,
}

impl Inliner {
    fn bytes(&mut self, path: &str) -> Result<Vec<u8>, String> {
        let left = (self.most - self.used) as u64;
        let too_large = |error| format!("{path:?}: {error}");
        let Some((bytes, _)) = self.root.read(path, left).map_err(too_large)? else {
            return Err(format!("there is no file {path:?}"));
        };
        self.used += bytes.len();
        Ok(bytes)
    }

    fn text(&mut self, path: &str) -> Result<String, String> {
        let text = String::from_utf8(self.bytes(path)?).map_err(|_| format!("{path:?} is not UTF-8"))?;
        Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
    }

    fn document(&mut self, html: &str) -> Result<String, String> {
        let mut out = String::with_capacity(html.len());
        // Scripts that run after the whole document was read.
        let mut late = String::new();
        let mut written = 0;
        for tag in tags(html) {
            let Some((text, end)) = self.replacement(html, &tag)? else { continue };
            out.push_str(&html[written..tag.range.start]);
            written = end;
            let waits = tag.name == "script" && (tag.has("defer") || tag.has("async")) && !is_module(&tag);
            if waits { late.push_str(&text) } else { out.push_str(&text) }
        }
        out.push_str(&html[written..]);
        if !late.is_empty() {
            let lower = out.to_ascii_lowercase();
            let place = lower.rfind("</body").or_else(|| lower.rfind("</html")).unwrap_or(out.len());
            out.insert_str(place, &late);
        }
        Ok(out)
    }

    /// The replacement of a tag, and the position where the document continues. `None` if the tag stays as it is.
    fn replacement(&mut self, html: &str, tag: &Tag) -> Result<Option<(String, usize)>, String> {
        match tag.name.as_str() {
            "base" if tag.has("href") => {
                Err("a base element changes where files are loaded from; remove it".to_owned())
            }
            "script" => {
                let Some(path) = self.local(tag.get("src"), INDEX)? else { return Ok(None) };
                let code = escaped(&self.text(&path)?, "script");
                let mut text = open(tag, &["src", "integrity", "crossorigin", "defer", "async"]);
                text.push_str(&code);
                text.push_str("</script>");
                Ok(Some((text, tag.inside.as_ref().map_or(tag.range.end, |(_, behind)| *behind))))
            }
            "style" => {
                let Some((inside, behind)) = tag.inside.clone() else { return Ok(None) };
                let css = self.css(&html[inside], INDEX, 0)?;
                let mut text = html[tag.range.clone()].to_owned();
                text.push_str(&escaped(&css, "style"));
                text.push_str("</style>");
                Ok(Some((text, behind)))
            }
            "link" => self.link(tag),
            "iframe" | "frame" | "embed" | "object" | "use" => {
                let names = ["src", "data", "href", "xlink:href"];
                for name in names {
                    if let Some(path) = self.local(tag.get(name), INDEX)? {
                        return Err(format!(
                            "{path:?} is loaded by the element {}, which cannot be embedded",
                            tag.name
                        ));
                    }
                }
                Ok(None)
            }
            _ => self.media(tag),
        }
    }

    fn link(&mut self, tag: &Tag) -> Result<Option<(String, usize)>, String> {
        let Some(path) = self.local(tag.get("href"), INDEX)? else { return Ok(None) };
        let relations = tag.get("rel").unwrap_or_default().to_ascii_lowercase();
        let is = |word: &str| relations.split_ascii_whitespace().any(|relation| relation == word);
        let end = tag.range.end;
        if is("stylesheet") {
            let css = self.text(&path)?;
            let css = escaped(&self.css(&css, &path, 0)?, "style");
            let mut text = String::from("<style");
            if let Some(media) = tag.get("media") {
                tags::write("media", Some(media), &mut text);
            }
            return Ok(Some((format!("{text}>{css}</style>"), end)));
        }
        // Preloaded files are embedded where the document uses them.
        if is("preload") || is("modulepreload") || is("prefetch") {
            return Ok(Some((String::new(), end)));
        }
        if is("icon") || is("apple-touch-icon") {
            return self.media(tag);
        }
        Err(format!("{path:?} is linked as {relations:?}, which cannot be embedded"))
    }

    /// Embeds the files of images and other media. `None` if the tag loads no file of the folder.
    fn media(&mut self, tag: &Tag) -> Result<Option<(String, usize)>, String> {
        let loads = |attribute: &str| match attribute {
            "src" => matches!(&*tag.name, "img" | "source" | "video" | "audio" | "track" | "input"),
            "poster" => tag.name == "video",
            "href" => matches!(&*tag.name, "image" | "link" | "feimage"),
            "xlink:href" => matches!(&*tag.name, "image" | "feimage"),
            "srcset" => matches!(&*tag.name, "img" | "source"),
            "style" => true,
            _ => false,
        };
        let mut changed = false;
        let mut text = format!("<{}", tag.name);
        for attribute in &tag.attributes {
            let given = attribute.value.as_deref();
            let value = match given.filter(|_| loads(&attribute.name)) {
                None => None,
                Some(value) if attribute.name == "srcset" => self.candidates(value)?,
                Some(value) if attribute.name == "style" => {
                    Some(self.css(value, INDEX, 0)?).filter(|css| css != value)
                }
                Some(value) => self.data(value, INDEX)?,
            };
            changed |= value.is_some();
            tags::write(&attribute.name, value.as_deref().or(given), &mut text);
        }
        text.push('>');
        Ok(changed.then_some((text, tag.range.end)))
    }

    /// Embeds the files of a `srcset`, such as `one.png 1x, two.png 2x`. `None` if it names no file of the folder.
    fn candidates(&mut self, value: &str) -> Result<Option<String>, String> {
        let mut changed = false;
        let mut out = Vec::new();
        // A `data:` URL contains commas, so a list with such a URL cannot be split.
        if value.contains("data:") {
            return Ok(None);
        }
        for candidate in value.split(',').map(str::trim).filter(|candidate| !candidate.is_empty()) {
            let (address, rest) = candidate.split_once(char::is_whitespace).unwrap_or((candidate, ""));
            let data = self.data(address, INDEX)?;
            changed |= data.is_some();
            out.push(format!("{} {rest}", data.as_deref().unwrap_or(address)).trim_end().to_owned());
        }
        Ok(changed.then(|| out.join(", ")))
    }

    /// A file as a `data:` URL. `None` if the address does not lead into the folder.
    fn data(&mut self, address: &str, from: &str) -> Result<Option<String>, String> {
        let Some(path) = self.local(Some(address), from)? else { return Ok(None) };
        let bytes = self.bytes(&path)?;
        let media = media_type(&path).unwrap_or("application/octet-stream");
        // The fragment stays, because it may select an element of an image.
        let fragment = address.find('#').map_or("", |place| &address[place..]);
        Ok(Some(format!("data:{media};base64,{}{fragment}", STANDARD.encode(bytes))))
    }

    /// A style sheet in which all files of the folder that it loads are embedded.
    fn css(&mut self, css: &str, from: &str, depth: usize) -> Result<String, String> {
        if depth > MAX_IMPORTS {
            return Err(format!("{from:?}: style sheets import each other more than {MAX_IMPORTS} deep"));
        }
        let mut out = String::with_capacity(css.len());
        let mut rest = css;
        while let Some(place) = rest.find(['/', '@', 'u', 'U', '"', '\'']) {
            out.push_str(&rest[..place]);
            rest = &rest[place..];
            let after_name = out.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
            let starts =
                |word: &str| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
            let taken = if rest.starts_with("/*") {
                rest.find("*/").map_or(rest.len(), |end| end + 2)
            } else if rest.starts_with(['"', '\'']) {
                string_end(rest)
            } else if starts("@import") {
                let end = rest.find(';').map_or(rest.len(), |end| end + 1);
                if let Some(text) = self.import(rest[7..end].trim_end_matches(';'), from, depth)? {
                    out.push_str(&text);
                    rest = &rest[end..];
                    continue;
                }
                end
            } else if starts("url(") && !after_name {
                let (address, end) = address_in(&rest[4..]);
                let end = 4 + end;
                if let Some(data) = self.data(&address, from)? {
                    out.push_str(&format!("url({data})"));
                    rest = &rest[end..];
                    continue;
                }
                end
            } else {
                1
            };
            out.push_str(&rest[..taken]);
            rest = &rest[taken..];
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The style sheet that replaces an `@import` rule. `None` if the style sheet is not in the folder.
    fn import(&mut self, rule: &str, from: &str, depth: usize) -> Result<Option<String>, String> {
        let rule = rule.trim();
        let (address, end) = match rule.get(..4).filter(|start| start.eq_ignore_ascii_case("url(")) {
            Some(_) => {
                let (address, end) = address_in(&rule[4..]);
                (address, 4 + end)
            }
            None => {
                let end = string_end(rule);
                (rule.get(1..end.saturating_sub(1)).unwrap_or_default().to_owned(), end)
            }
        };
        let Some(path) = self.local(Some(&address), from)? else { return Ok(None) };
        let condition = rule[end..].trim();
        if ["layer", "supports"].iter().any(|word| condition.starts_with(word)) {
            return Err(format!(
                "{from:?} imports {path:?} with {condition:?}; only media queries can be embedded"
            ));
        }
        let css = self.text(&path)?;
        let css = self.css(&css, &path, depth + 1)?;
        Ok(Some(if condition.is_empty() { css } else { format!("@media {condition} {{{css}}}") }))
    }

    /// The path in the folder for an address in the file `from`. `None` if the address has a scheme or a host, or no
    /// path.
    fn local(&self, address: Option<&str>, from: &str) -> Result<Option<String>, String> {
        let Some(address) = address.map(str::trim) else { return Ok(None) };
        let path = &address[..address.find(['?', '#']).unwrap_or(address.len())];
        let scheme = path.split(['/', '?', '#']).next().is_some_and(|start| start.contains(':'));
        if path.is_empty() || scheme || path.starts_with("//") {
            return Ok(None);
        }
        let path =
            percent_decoded(path).ok_or_else(|| format!("{from:?}: {address:?} is not a valid address"))?;
        let mut steps: Vec<&str> = Vec::new();
        if !path.starts_with('/') {
            steps.extend(from.split('/'));
            steps.pop();
        }
        for step in path.split('/') {
            match step {
                "" | "." => {}
                ".." if steps.pop().is_some() => {}
                ".." => return Err(format!("{from:?}: {address:?} leads out of the folder")),
                name => steps.push(name),
            }
        }
        Ok(Some(steps.join("/")))
    }
}

fn is_module(tag: &Tag) -> bool {
    tag.get("type").is_some_and(|kind| kind.eq_ignore_ascii_case("module"))
}

/// The start tag without the attributes in `without`.
fn open(tag: &Tag, without: &[&str]) -> String {
    let mut text = format!("<{}", tag.name);
    for attribute in tag.attributes.iter().filter(|attribute| !without.contains(&&*attribute.name)) {
        tags::write(&attribute.name, attribute.value.as_deref(), &mut text);
    }
    text.push('>');
    text
}

/// The code, changed so that it does not contain the end tag of its element. Valid code has an end tag only in a
/// string, where a backslash before the slash changes nothing.
fn escaped(code: &str, element: &str) -> String {
    let end = format!("</{element}");
    let lower = code.to_ascii_lowercase();
    let mut out = String::with_capacity(code.len());
    let mut at = 0;
    while let Some(place) = lower[at..].find(&end).map(|place| at + place) {
        out.push_str(&code[at..place]);
        out.push_str("<\\/");
        at = place + 2;
    }
    out.push_str(&code[at..]);
    // In a script, `<!--` could hide the end tag from an HTML parser.
    if element == "script" { out.replace("<!--", "\\x3C!--") } else { out }
}

/// The position after a quoted text of a style sheet. The text begins with its quote.
fn string_end(text: &str) -> usize {
    let Some(quote) = text.chars().next() else { return 0 };
    let mut escaped = false;
    for (place, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' => return place,
            c if c == quote => return place + 1,
            _ => {}
        }
    }
    text.len()
}

/// The address after `url(`, and the position after the closing parenthesis.
fn address_in(text: &str) -> (String, usize) {
    let start = text.len() - text.trim_start().len();
    let inside = &text[start..];
    if inside.starts_with(['"', '\'']) {
        let end = string_end(inside);
        let close = inside[end..].find(')').map_or(inside.len(), |close| end + close + 1);
        return (inside.get(1..end.saturating_sub(1)).unwrap_or_default().to_owned(), start + close);
    }
    let close = inside.find(')').unwrap_or(inside.len());
    (inside[..close].trim().to_owned(), start + (close + 1).min(inside.len()))
}

fn percent_decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        if first == b'%' {
            let code = std::str::from_utf8(behind.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(code, 16).ok()?);
            rest = &behind[2..];
        } else {
            bytes.push(first);
            rest = behind;
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains('\0')).then_some(text)
}
