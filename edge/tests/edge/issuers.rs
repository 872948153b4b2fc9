//! The tokens of issuers as they are known to be, each under the settings that are for it, and what becomes of them.

use crate::{
    core::KEY,
    house::House,
    issuer::{ISSUER, now},
};
use serde_json::{Value, json};
use switchboard_shared::{
    headers,
    identity::{Identity, SignedFor},
    keys::SigningKeys,
};

/// An issuer, its settings, and tokens of it: the header's `typ`, the claims, and user, tenant, roles and groups of whom
/// they stand for; nothing for one that is refused.
struct Case {
    name: &'static str,
    settings: &'static str,
    tokens: Vec<(&'static str, Option<&'static str>, Value, Option<Value>)>,
}

fn cases() -> Vec<Case> {
    let who = |user: &str, tenant: &str, roles: Value, groups: Value| {
        Some(json!({"user": user, "tenant": tenant, "roles": roles, "groups": groups}))
    };
    let cognito = json!({"sub": "f02e777c-489d-43c5-806d-2e6c06c9a355", "token_use": "access", "client_id": "switchboard",
        "scope": "aws.cognito.signin.user.admin", "username": "ann", "cognito:groups": ["finance"], "origin_jti": "1"});
    let entra = json!({"aud": "switchboard", "tid": "72f988bf-86f1-41af-91ab-2d7cd011db47", "sub": "AAAAAPairwise_-1",
        "oid": "0b2c", "scp": "Chat.Use openid", "roles": ["admin", "Other.Role"], "ver": "2.0", "azp": "app", "uti": "1"});
    let okta = json!({"ver": 1, "aud": "switchboard", "cid": "0oa1", "uid": "00u1", "scp": ["openid", "user"],
        "sub": "ann@example.com", "groups": "finance"});
    let auth0 = json!({"aud": ["switchboard", "https://t.auth0.com/userinfo"], "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
        "azp": "app", "scope": "openid profile", "https://acme.example/roles": ["user"],
        "https://acme.example/app": {"tenant": "acme"}});
    let keycloak = json!({"aud": ["switchboard", "account"], "typ": "Bearer", "azp": "web",
        "sub": "e2b4bd9e-3c5a-4f5e-9c1b-0a6f3f1f5d1c", "realm_access": {"roles": ["user", "offline_access"]},
        "resource_access": {"account": {"roles": ["manage-account"]}}, "groups": ["/hr/payroll"]});
    let google = json!({"aud": "switchboard", "azp": "switchboard", "sub": "110169484474386276334", "hd": "acme.example",
        "email": "ann@acme.example", "email_verified": true});
    let kubernetes = json!({"aud": ["switchboard"], "sub": "system:serviceaccount:prod:billing",
        "kubernetes.io": {"namespace": "prod", "serviceaccount": {"name": "billing", "uid": "7"}, "pod": {"name": "b"}}});
    let ours = |sub: &str| json!({"aud": "switchboard", "sub": sub, "tenant": "acme", "roles": "user"});
    let plus = |base: &Value, name: &str, value: Value| {
        let mut changed = base.clone();
        changed[name] = value;
        changed
    };
    vec![
        Case {
            name: "Cognito",
            settings: "auth.untyped = true\nauth.claims.audience = \"client_id\"\n\
                       auth.claims.groups = \"cognito:groups\"\n\
                       auth.defaults.tenant = \"acme\"\nauth.defaults.roles = [\"user\"]",
            tokens: vec![
                (
                    "an access token",
                    None,
                    cognito.clone(),
                    who("f02e777c-489d-43c5-806d-2e6c06c9a355", "acme", json!(["user"]), json!(["finance"])),
                ),
                (
                    "an ID token",
                    None,
                    plus(&plus(&cognito, "token_use", json!("id")), "aud", json!("switchboard")),
                    None,
                ),
                ("of another client", None, plus(&cognito, "client_id", json!("other")), None),
            ],
        },
        Case {
            name: "Entra",
            settings: "auth.claims.tenant = \"tid\"",
            tokens: vec![
                (
                    "an access token",
                    Some("JWT"),
                    entra.clone(),
                    who(
                        "AAAAAPairwise_-1",
                        "72f988bf-86f1-41af-91ab-2d7cd011db47",
                        json!(["admin"]),
                        json!([]),
                    ),
                ),
                (
                    "with too many groups to list",
                    Some("JWT"),
                    plus(&entra, "hasgroups", json!(true)),
                    who(
                        "AAAAAPairwise_-1",
                        "72f988bf-86f1-41af-91ab-2d7cd011db47",
                        json!(["admin"]),
                        json!([]),
                    ),
                ),
            ],
        },
        Case {
            name: "Okta",
            settings: "auth.untyped = true\nauth.claims.roles = \"scp\"\nauth.defaults.tenant = \"acme\"",
            tokens: vec![
                (
                    "an access token",
                    None,
                    okta.clone(),
                    who("ann@example.com", "acme", json!(["user"]), json!(["finance"])),
                ),
                ("an ID token", None, plus(&okta, "nonce", json!("n")), None),
                ("an ID token of a code", None, plus(&okta, "at_hash", json!("h")), None),
            ],
        },
        Case {
            name: "Auth0",
            settings: "auth.claims.roles = \"https://acme.example/roles\"\n\
                       auth.claims.tenant = '\"https://acme.example/app\".tenant'",
            tokens: vec![(
                "an access token",
                Some("at+jwt"),
                auth0,
                who("auth0|5f7c8ec7c33c6c004bbafe82", "acme", json!(["user"]), json!([])),
            )],
        },
        Case {
            name: "Keycloak",
            settings: "auth.claims.roles = \"realm_access.roles\"\nauth.defaults.tenant = \"acme\"",
            tokens: vec![
                (
                    "an access token",
                    Some("JWT"),
                    keycloak.clone(),
                    who(
                        "e2b4bd9e-3c5a-4f5e-9c1b-0a6f3f1f5d1c",
                        "acme",
                        json!(["user"]),
                        json!(["/hr/payroll"]),
                    ),
                ),
                ("an ID token", Some("JWT"), plus(&keycloak, "typ", json!("ID")), None),
                ("a refresh token", Some("JWT"), plus(&keycloak, "typ", json!("Refresh")), None),
            ],
        },
        Case {
            name: "Google",
            settings: "auth.claims.tenant = \"hd\"\nauth.defaults.roles = [\"user\"]\nauth.defaults.tier = \"free\"",
            tokens: vec![
                (
                    "a person of a house",
                    Some("JWT"),
                    google.clone(),
                    who("110169484474386276334", "acme.example", json!(["user"]), json!([])),
                ),
                ("a person of none", Some("JWT"), plus(&google, "hd", json!(null)), None),
            ],
        },
        Case {
            name: "Kubernetes",
            settings: "auth.untyped = true\nauth.claims.tenant = '\"kubernetes.io\".namespace'\n\
                       auth.defaults.roles = [\"user\"]\nauth.defaults.groups = [\"pods\"]",
            tokens: vec![(
                "a projected service account",
                None,
                kubernetes,
                who("system:serviceaccount:prod:billing", "prod", json!(["user"]), json!(["pods"])),
            )],
        },
        Case {
            name: "subjects under the defaults",
            settings: "",
            tokens: vec![
                (
                    "a URI",
                    Some("at+jwt"),
                    ours("https://idp.example/users/7?x=%20#y"),
                    who("https://idp.example/users/7?x=%20#y", "acme", json!(["user"]), json!([])),
                ),
                (
                    "a distinguished name",
                    Some("at+jwt"),
                    ours("CN=Lee\\, Jörg,OU=People,O=\"Acme\""),
                    who("CN=Lee\\, Jörg,OU=People,O=\"Acme\"", "acme", json!(["user"]), json!([])),
                ),
                (
                    "a SPIFFE id",
                    Some("at+jwt"),
                    ours("spiffe://acme.example/ns/prod/sa/b"),
                    who("spiffe://acme.example/ns/prod/sa/b", "acme", json!(["user"]), json!([])),
                ),
                (
                    "times with a fraction",
                    Some("at+jwt"),
                    plus(
                        &plus(&ours("ann"), "exp", json!(now() as f64 + 600.25)),
                        "iat",
                        json!(now() as f64 - 0.75),
                    ),
                    who("ann", "acme", json!(["user"]), json!([])),
                ),
                (
                    "nothing for groups and roles",
                    Some("at+jwt"),
                    plus(&plus(&ours("ann"), "roles", json!(null)), "groups", json!(null)),
                    who("ann", "acme", json!([]), json!([])),
                ),
                ("no type", None, ours("ann"), None),
            ],
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_well_known_issuers_are_taken_for_what_they_are() {
    for case in cases() {
        let house = House::with(case.settings, 1).await;
        for (token, typ, claims, who) in case.tokens {
            let name = format!("{}: {token}", case.name);
            let text = mint(&house, typ, claims);
            let status = house.get("/v1/agents", &text).await.status().as_u16();
            assert_eq!(status, if who.is_some() { 200 } else { 401 }, "{name}");
            if let Some(who) = who {
                assert_eq!(seen(&house), who, "{name}");
            }
        }
    }
}

fn mint(house: &House, typ: Option<&str>, mut claims: Value) -> String {
    let mut header = house.key.header();
    match typ {
        Some(typ) => header["typ"] = typ.into(),
        None => drop(header.as_object_mut().unwrap().remove("typ")),
    }
    for (name, value) in [("iss", json!(ISSUER)), ("iat", json!(now())), ("exp", json!(now() + 600))] {
        if claims.get(name).is_none() {
            claims[name] = value;
        }
    }
    house.key.sign(&header.to_string(), &claims.to_string())
}

/// Whom the core was told to have before it.
fn seen(house: &House) -> Value {
    let seen = house.log.seen.lock().unwrap();
    let headers = &seen.last().unwrap().headers;
    let text = |name: &str| headers[name].to_str().unwrap();
    let request = SignedFor { method: "GET", target: "/v1/agents", request_id: text(headers::REQUEST_ID) };
    let keys = SigningKeys::new(KEY, []);
    let who = Identity::verify(text(headers::IDENTITY), &keys, now(), request).unwrap();
    json!({"user": who.user, "tenant": who.tenant, "roles": who.roles, "groups": who.groups})
}
