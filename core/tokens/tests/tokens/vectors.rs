//! Published vectors: RFC 7515, appendix A, and RFC 8037, appendix A.
//!
//! Their payloads are not access tokens. So a right signature shows in the refusal: it is for the payload.

use crate::signing::{NOW, encode, rules};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tenon_tokens::{ClaimRules, KeySet, PublicKeys, Secret, TokenError, jwt};

const JOE: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const A1_KEY: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
const A1_HEADER: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
const A1_SIGNATURE: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const A2_PEM: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj
NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz
P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo
9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB
EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX
FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp
oQIDAQAB
-----END PUBLIC KEY-----";
const A2_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const A3_JWK: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const A3_SIGNATURE: &str =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const ED_JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const ED_TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

fn joe() -> jwt::Rules {
    let claims = ClaimRules::new(["joe"]).and_then(|rules| rules.audiences(["mcp"]));
    jwt::Rules::new(claims.expect("legal rules")).expect("legal rules")
}

fn jwk(text: &str) -> KeySet {
    PublicKeys::from_jwk(text).expect("a key").into()
}

/// The right signature, and one with another bit.
#[track_caller]
fn check(token: &str, rules: &jwt::Rules, keys: &KeySet, expected: &str) {
    let refused = jwt::verify(token, rules, keys, NOW).expect_err("not an access token");
    assert_eq!(refused.to_string(), expected);
    let (message, signature) = token.rsplit_once('.').expect("dots");
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    bytes[10] ^= 1;
    let forged = format!("{message}.{}", encode(bytes));
    let refused = jwt::verify(&forged, rules, keys, NOW).expect_err("a wrong signature");
    assert_eq!(refused, TokenError::Signature { tried: 1, fitting: 1 });
}

#[test]
fn rfc_7515_a_1_hs256() {
    let secret =
        Secret::new(&URL_SAFE_NO_PAD.decode(A1_KEY).expect("base64url")).expect("a long secret").into();
    let token = format!("{A1_HEADER}.{JOE}.{A1_SIGNATURE}");
    check(&token, &joe(), &secret, r#"the claim "aud" is missing"#);
}

#[test]
fn rfc_7515_a_2_rs256() {
    let keys = PublicKeys::from_pem(A2_PEM).expect("a key").into();
    let token = format!("eyJhbGciOiJSUzI1NiJ9.{JOE}.{A2_SIGNATURE}");
    check(&token, &joe(), &keys, r#"the claim "aud" is missing"#);
}

#[test]
fn rfc_7515_a_3_es256() {
    let token = format!("eyJhbGciOiJFUzI1NiJ9.{JOE}.{A3_SIGNATURE}");
    check(&token, &joe(), &jwk(A3_JWK), r#"the claim "aud" is missing"#);
}

#[test]
fn rfc_7515_a_5_none() {
    let refused = jwt::verify(&format!("eyJhbGciOiJub25lIn0.{JOE}."), &joe(), &jwk(A3_JWK), NOW);
    assert_eq!(refused, Err(TokenError::Unsigned));
}

#[test]
fn rfc_8037_a_4_ed25519() {
    check(ED_TOKEN, &rules(), &jwk(ED_JWK), "the payload of the token is not JSON (line 1, column 1)");
}
