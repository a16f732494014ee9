//! Claims that are missing, doubled, of another type or out of range.

use serde_json::{Map, Value, json};

use super::forms;
use crate::support::forge::{Forge, altered, with_member};
pub(super) use crate::support::world::ISSUER;

/// The members of a person's token, in their order.
const NAMES: [&str; 12] =
    ["iss", "sub", "aud", "exp", "iat", "jti", "sid", "auth_time", "acr", "amr", "client_id", "roles"];

fn read(claims: &str) -> Map<String, Value> {
    serde_json::from_str(claims).unwrap()
}

/// A member as it stands in the text.
pub(super) fn member(claims: &str, name: &str) -> String {
    format!(r#""{name}":{}"#, read(claims)[name])
}

/// A person's claims with another value for each of these members.
fn with(forge: &Forge, values: impl IntoIterator<Item = (&'static str, String)>) -> Vec<String> {
    let change = |(name, value): (&str, String)| {
        forge.sign(altered(&forge.person, &member(&forge.person, name), &format!(r#""{name}":{value}"#)))
    };
    values.into_iter().map(change).collect()
}

pub(super) fn missing(forge: &Forge) -> Vec<String> {
    let good = read(&forge.person);
    assert!(good.keys().all(|name| NAMES.contains(&name.as_str())) && good.len() == NAMES.len(), "{good:?}");
    // Roles that would make a token too long are left out.
    let without = NAMES.into_iter().filter(|name| *name != "roles").map(|name| {
        let mut without = good.clone();
        without.remove(name);
        forge.sign(Value::from(without).to_string())
    });
    without.chain([forge.sign("{}")]).collect()
}

pub(super) fn doubled(forge: &Forge) -> Vec<String> {
    let double = |name| {
        let member = member(&forge.person, name);
        forge.sign(altered(&forge.person, &member, &format!("{member},{member}")))
    };
    NAMES.map(double).to_vec()
}

pub(super) fn of_another_type(forge: &Forge) -> Vec<String> {
    let wrong = ["null", "{}", "[[]]", "[7]", "true", "1.5", "1e400", r#""x""#, r#""\ud800""#];
    let mut values: Vec<_> = NAMES.iter().flat_map(|name| wrong.map(|value| (*name, value.to_owned()))).collect();
    // Roles may be left out.
    values.retain(|(name, value)| (*name, value.as_str()) != ("roles", "null"));
    with(forge, values)
}

pub(super) fn times(forge: &Forge) -> Vec<String> {
    let good = read(&forge.person);
    let (issued, expires) = (good["iat"].as_i64().unwrap(), good["exp"].as_i64().unwrap());
    let mut forged = with(
        forge,
        [
            ("exp", format!("\"{expires}\"")),
            ("exp", format!("{expires}.0")),
            ("exp", format!("{expires}.5")),
            ("exp", format!("{}e1", expires / 10)),
            ("exp", format!("{}e2", expires / 100)),
            ("exp", i64::MAX.to_string()),
            ("exp", "9223372036854775808".to_owned()),
            ("exp", i64::MIN.to_string()),
            ("exp", (issued + 3601).to_string()),
            ("exp", issued.to_string()),
            ("exp", "-1".to_owned()),
            ("iat", (forge.now + 61).to_string()),
            ("iat", "-1".to_owned()),
        ],
    );
    forged.push(forge.sign(with_member(&forge.person, &format!(r#""nbf":{}"#, forge.now + 61))));
    forged
}

pub(super) fn issuers(forge: &Forge) -> Vec<String> {
    let texts = ["https://id.example/", "https://ID.example", "https://other.example", "https://id.examplf"];
    let others = texts.map(|text| json!(text)).into_iter().chain([json!([ISSUER])]);
    with(forge, others.map(|issuer| ("iss", issuer.to_string())))
}

pub(super) fn audiences(forge: &Forge) -> Vec<String> {
    let (longer, prefix) = (format!("{ISSUER}2"), &ISSUER[..ISSUER.len() - 1]);
    let (upper, joined) = (ISSUER.to_uppercase(), format!("orders {ISSUER}"));
    let texts = ["orders", "https://id", prefix, &longer, &upper, &joined];
    let others = texts.map(|text| json!(text)).into_iter().chain([json!([]), json!(["orders"]), json!([prefix])]);
    with(forge, others.map(|audience| ("aud", audience.to_string())))
}

pub(super) fn parties(forge: &Forge) -> Vec<String> {
    let good = read(&forge.person);
    let plain = good["sub"].as_str().unwrap().replace('-', "");
    let mut values = vec![("client_id", json!("other")), ("client_id", good["sub"].clone())];
    values.extend(["", "u1", &plain].map(|subject| ("sub", json!(subject))));
    with(forge, values.into_iter().map(|(name, value)| (name, value.to_string())))
}

pub(super) fn extra(forge: &Forge) -> Vec<String> {
    let members = [r#""email":"a@b.de""#, r#""scope":"orders.read""#, r#""x":1"#];
    members.map(|member| forge.sign(with_member(&forge.person, member))).to_vec()
}

pub(super) fn scopes(forge: &Forge) -> Vec<String> {
    let roles = member(&forge.person, "roles");
    let scopes = [r#""scope":"""#, r#""scope":"orders.read  orders.write""#];
    let mut forged = scopes.map(|scope| forge.sign(altered(&forge.person, &roles, scope))).to_vec();
    forged.push(forge.sign(with_member(&forge.service, r#""roles":["support"]"#)));
    forged
}

/// What tells people from services must not be mixed, or one could pass for the other.
pub(super) fn mixed_principals(forge: &Forge) -> Vec<String> {
    let client = member(&forge.service, "client_id");
    let as_client = |id: &Value| altered(&forge.service, &client, &format!(r#""client_id":{id}"#));
    [
        with_member(&forge.service, r#""acr":"urn:ipse:aal:1""#),
        with_member(
            &forge.service,
            &format!(r#""auth_time":{},"amr":["pwd"],"acr":"urn:ipse:aal:1""#, forge.now - 600),
        ),
        as_client(&json!("ipse")),
        as_client(&read(&forge.service)["sid"]),
    ]
    .map(|claims| forge.sign(claims))
    .to_vec()
}

pub(super) fn changed_after_signing(forge: &Forge) -> Vec<String> {
    let genuine = forge.genuine();
    let signature = genuine.rsplit_once('.').unwrap().1;
    let values = [
        ("exp", json!(4_102_444_800_i64)),
        ("sub", json!("x")),
        ("aud", json!([])),
        ("iss", json!("x")),
        ("sid", read(&forge.person)["sub"].clone()),
        ("roles", json!(["administrator"])),
    ];
    let changed = with(forge, values.map(|(name, value)| (name, value.to_string())));
    changed.iter().map(|token| format!("{}.{signature}", token.rsplit_once('.').unwrap().0)).collect()
}

pub(super) fn loose_json(forge: &Forge) -> Vec<String> {
    let good = read(&forge.person);
    let values = serde_json::to_string(&NAMES.map(|name| &good[name])).unwrap();
    let mut forms = forms::loose_json(&forge.person, &values);
    forms.push(format!("{} x", forge.person).into_bytes());
    forms.iter().map(|claims| forge.sign(claims)).collect()
}
