//! Preflight requests of browsers.

use super::*;

#[test]
fn preflight_allows_the_headers_of_the_protocol() {
    let origin = HeaderValue::from_static("http://localhost");
    let request = headers(&[(
        "access-control-request-headers",
        "content-type, Mcp-Param-Region, x-evil, mcp-param-a b",
    )]);
    let access = Access::loopback();
    let answer = access.preflight(ALLOW, &request, Some(&origin));
    let allowed = answer["access-control-allow-headers"].to_str().unwrap();
    for name in
        ["content-type", "authorization", PROTOCOL_VERSION, SESSION_ID, METHOD, NAME, "mcp-param-region"]
    {
        assert!(allowed.split(", ").any(|allowed| allowed == name), "MH-8: {name} in {allowed}");
    }
    assert!(!allowed.contains("x-evil") && !allowed.contains("a b"));
    assert_eq!(answer["access-control-allow-methods"], ALLOW);
    // The request does not come from a page, so there is no CORS.
    let answer = access.preflight(ALLOW, &request, None);
    assert!(!answer.contains_key("access-control-allow-headers") && answer["allow"] == ALLOW);
}

#[test]
fn preflight_allows_the_headers_that_the_program_names() {
    let origin = HeaderValue::from_static("http://localhost");
    let request = headers(&[("access-control-request-headers", "Authorization,x-custom-auth, X-Other, a b")]);
    let allowed = |access: Access| {
        let answer = access.preflight(ALLOW, &request, Some(&origin));
        let allowed = answer["access-control-allow-headers"].to_str().unwrap().to_owned();
        allowed.split(", ").map(str::to_owned).collect::<Vec<_>>()
    };
    let has = |list: &[String], name: &str| list.iter().any(|allowed| allowed == name);
    let named = allowed(Access::loopback().allow_headers(["X-Custom-Auth"]));
    assert!(
        has(&named, "x-custom-auth") && has(&named, "authorization") && !has(&named, "x-other"),
        "{named:?}"
    );
    let every = allowed(Access::loopback().allow_headers(["*"]));
    assert!(has(&every, "x-custom-auth") && has(&every, "x-other"), "{every:?}");
    assert!(!has(&every, "*") && !has(&every, "a b"), "{every:?}");
    for wrong in ["", "x custom", "x:y", "é", "x-a\r\nb"] {
        let said = Access::public().allow_headers(["x-fine", wrong]).problem().unwrap();
        assert!(said.starts_with(&format!("allowed headers: {wrong:?} is not a header name")), "{said}");
    }
}
