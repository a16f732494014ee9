//! Secrets are secrets from the first line that sees them: no field and no parameter of domain and application that holds
//! one has a type that can be printed, and no command or error prints what it was given.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use ipse::application::access::AuthorizeRequest;
use ipse::application::access::caller::Bearer;
use ipse::application::accounts::ChangePassword;
use ipse::application::error::{Error, Refusal};
use ipse::application::idempotency::{Exit, FirstAnswer};
use ipse::application::recovery::ResetPassword;
use ipse::application::registration::Register;
use ipse::application::service_accounts::ExchangeApiKey;
use ipse::application::sessions::{IssuedTokens, LogOut};
use ipse::application::sign_in::LogIn;
use ipse::application::tokens::IntrospectToken;
use ipse::application::transfer::{ImportMethod, ImportRow};
use ipse::application::users::CreateUser;
use ipse::domain::credential::password::{Password, PasswordPolicy};
use ipse::domain::id::SessionId;
use ipse::domain::mail::MailContent;
use ipse::domain::secret::Secret;
use syn::visit::{self, Visit};
use syn::{FnArg, Pat, Type};

const CANARY: &str = "canary-in-a-coal-mine";

/// What makes a name that of a secret, and names that only look like it.
const SECRET: [&str; 6] = ["password", "secret", "token", "api_key", "private_key", "master_key"];
const PLAIN: [&str; 3] = ["page_token", "resume_token", "next_page_token"];
/// Types that print what they hold.
const PRINTABLE: [&str; 7] = ["String", "str", "Vec<u8>", "Zeroizing<String>", "Zeroizing<Vec<u8>>", "u8", "Box<str>"];

/// What is read once and made something else of, what is sealed, the tokens of pages, and private keys, whose types have no
/// `Debug`.
const ALLOWED: [&str; 10] = [
    "ports/access_tokens.rs: private_key: Zeroizing<Vec<u8>>",
    "ports/key_generator.rs: private_key: Zeroizing<Vec<u8>>",
    "token/signing_key.rs: sealed_private_key: Vec<u8>",
    "credential/factor.rs: sealed_secret: Vec<u8>",
    "credential/password_blocklist.rs: password: str",
    "domain/secret.rs: secret: u8",
    "ports/access_tokens.rs: token: str",
    "application/page.rs: token: str",
    "application/page.rs: token: String",
    "sessions/log_out.rs: refresh_token: str",
];

#[derive(Default)]
struct Finder {
    found: Vec<String>,
}

impl Finder {
    fn look_at(&mut self, name: &str, ty: &Type) {
        let is_secret = SECRET.iter().any(|part| name == *part || name.ends_with(&format!("_{part}")));
        if is_secret && !PLAIN.contains(&name) && PRINTABLE.contains(&written(ty).as_str()) {
            self.found.push(format!("{name}: {}", written(ty)));
        }
    }
}

/// A type without references, options and spaces.
fn written(ty: &Type) -> String {
    match ty {
        Type::Reference(reference) => written(&reference.elem),
        Type::Slice(slice) => written(&slice.elem),
        Type::Path(path) => {
            let Some(segment) = path.path.segments.last() else { return String::new() };
            let inner = match &segment.arguments {
                syn::PathArguments::AngleBracketed(arguments) => {
                    arguments.args.iter().find_map(|argument| match argument {
                        syn::GenericArgument::Type(ty) => Some(written(ty)),
                        _ => None,
                    })
                }
                _ => None,
            };
            match (segment.ident.to_string().as_str(), inner) {
                ("Option", Some(inner)) => inner,
                (name, Some(inner)) => format!("{name}<{inner}>"),
                (name, None) => name.to_owned(),
            }
        }
        _ => String::new(),
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.ident != "tests" {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if let Some(name) = &field.ident {
            self.look_at(&name.to_string(), &field.ty);
        }
        visit::visit_field(self, field);
    }

    fn visit_fn_arg(&mut self, argument: &'ast FnArg) {
        if let FnArg::Typed(typed) = argument
            && let Pat::Ident(name) = &*typed.pat
        {
            self.look_at(&name.ident.to_string(), &typed.ty);
        }
        visit::visit_fn_arg(self, argument);
    }
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            into.push(path);
        }
    }
}

fn find(source: &str) -> Vec<String> {
    let mut finder = Finder::default();
    finder.visit_file(&syn::parse_file(source).unwrap());
    finder.found
}

#[test]
fn nothing_secret_has_a_type_that_prints_it() {
    let mut files = Vec::new();
    for layer in ["application", "domain"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(layer), &mut files);
    }
    let found = files.iter().flat_map(|file| {
        find(&fs::read_to_string(file).unwrap()).into_iter().map(move |what| format!("{}: {what}", file.display()))
    });
    let found: Vec<String> = found.filter(|what| !ALLOWED.iter().any(|allowed| what.ends_with(allowed))).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn planted_secrets_are_found() {
    for planted in [
        "struct A { password: String }",
        "struct A { new_password: Option<String> }",
        "enum A { B { refresh_token: Vec<u8> } }",
        "fn a(token: &str) {}",
        "impl A { fn a(&self, api_key: Option<&str>) {} }",
    ] {
        assert_eq!(find(planted).len(), 1, "{planted}");
    }
    for plain in
        ["struct A { page_token: String, password: Secret, token_lifetime: Duration }", "fn a(token: &Secret) {}"]
    {
        assert_eq!(find(plain), Vec::<String>::new(), "{plain}");
    }
}

#[test]
fn commands_and_errors_print_no_secret() {
    let secret = || Secret::new(CANARY);
    let too_short = PasswordPolicy::new(64, Vec::new()).read(CANARY).unwrap_err();
    let printed: Vec<Box<dyn Debug>> = vec![
        Box::new(LogIn { password: secret(), ..LogIn::default() }),
        Box::new(Register { password: secret(), ..Register::default() }),
        Box::new(ResetPassword { token: secret(), new_password: secret() }),
        Box::new(ChangePassword { current_password: secret(), new_password: secret() }),
        Box::new(CreateUser { password: secret(), ..CreateUser::default() }),
        Box::new(LogOut { refresh_token: secret() }),
        Box::new(ExchangeApiKey { api_key: secret(), audience: String::new(), scopes: Vec::new() }),
        Box::new(IntrospectToken { token: secret(), audience: String::new() }),
        Box::new(AuthorizeRequest { bearer: Bearer::Token(secret()), demands: [].into() }),
        Box::new(ImportRow { password_hash: secret(), ..ImportRow::default() }),
        Box::new(ImportMethod::OtpauthUri(secret())),
        Box::new(ImportMethod::RecoveryCodes(vec![secret()])),
        Box::new(IssuedTokens {
            access_token: secret(),
            access_expire_time: time::OffsetDateTime::UNIX_EPOCH,
            refresh_token: secret(),
            refresh_expire_time: time::OffsetDateTime::UNIX_EPOCH,
            session_id: SessionId::NOBODY,
        }),
        Box::new(MailContent::ResetPassword { token: secret() }),
        Box::new(Password::presented(CANARY).unwrap()),
        Box::new(PasswordPolicy::new(8, Vec::new()).read(CANARY).unwrap()),
        Box::new(Exit::Repeated(FirstAnswer(CANARY.as_bytes().to_vec().into()))),
        Box::new(Error::Refused(Refusal::CredentialsInvalid)),
        Box::new(too_short),
    ];
    for printed in printed {
        let text = format!("{printed:?} {printed:#?}");
        assert!(!text.contains(CANARY) && !text.contains("99, 97, 110"), "{text}");
    }
}
