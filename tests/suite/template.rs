//! What is deployed is what the code has: functions, routes, settings. And parameters that contradict each other are
//! refused with a sentence that says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tests::template::{self, read, refusals, resources};
use traceability::api::{AppState, openapi};
use utoipa_axum::router::OpenApiRouter;

/// The functions that answer the API.
fn functions() -> [(&'static str, OpenApiRouter<AppState>); 4] {
    [
        ("sessions", sessions::router()),
        ("analytics", analytics::router()),
        ("requests", requests::router()),
        ("health", health::router()),
    ]
}

/// Every documented operation (method, path) with the function that answers it.
fn operations() -> BTreeSet<(String, String, &'static str)> {
    let operations = functions().into_iter().flat_map(|(function, router)| {
        let document = serde_json::to_value(openapi::document(router)).expect("a document is JSON");
        let paths = document["paths"].as_object().expect("a document has paths").clone();
        paths.into_iter().flat_map(move |(path, item)| {
            let methods: Vec<_> = item.as_object().expect("a path has methods").keys().cloned().collect();
            methods.into_iter().map(move |method| (method.to_uppercase(), path.clone(), function))
        })
    });
    operations.collect()
}

/// What Cargo knows of the workspace.
fn workspace() -> Value {
    let metadata = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    // From its root: in a member's folder, that member is the default.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(env!("CARGO")).args(metadata).current_dir(root).output();
    serde_json::from_slice(&output.expect("cargo runs").stdout).expect("cargo writes JSON")
}

/// The program that a function of the template runs.
fn binary(function: &Value) -> &str {
    assert_eq!(function["Metadata"]["BuildMethod"], "rust-cargolambda");
    function["Metadata"]["BuildProperties"]["Binary"].as_str().expect("a function is built from a binary")
}

#[test]
fn the_routes_are_the_documented_operations() {
    let template = read();
    let functions = resources(&template, "AWS::Serverless::Function");
    let integrations = resources(&template, "AWS::ApiGatewayV2::Integration");
    let mut routes = BTreeSet::new();
    for (name, route) in resources(&template, "AWS::ApiGatewayV2::Route") {
        let route = &route["Properties"];
        let target = route["Target"]["Fn::Sub"].as_str().and_then(|it| it.strip_prefix("integrations/${"));
        let integration = integrations[target.and_then(|it| it.strip_suffix('}')).expect("a route has an integration")];
        let function = integration["Properties"]["IntegrationUri"]["Fn::GetAtt"].as_str();
        let function =
            functions[function.and_then(|it| it.strip_suffix(".Arn")).expect("an integration has a function")];
        let key = route["RouteKey"].as_str().and_then(|key| key.split_once(' ')).expect("a method and a path");
        assert!(
            routes.insert((key.0.to_owned(), key.1.to_owned(), binary(function).to_owned())),
            "{name} is there twice"
        );
    }

    // The API's own answer that there is nothing, and the pages for people, which are no operations.
    let rest = ("GET".to_owned(), "/{proxy+}".to_owned(), "health".to_owned());
    let documented = operations().into_iter().map(|(method, path, function)| (method, path, function.to_owned()));
    assert_eq!(routes, documented.chain([rest]).collect());
}

#[test]
fn no_route_is_more_open_than_the_others() {
    let template = read();
    for (name, route) in resources(&template, "AWS::ApiGatewayV2::Route") {
        let chosen = json!({"Fn::FindInMap": ["GatewayAuth", {"Ref": "GatewayAuth"}, "AuthorizationType"]});
        assert_eq!(route["Properties"]["AuthorizationType"], chosen, "{name}");
        let authorizer = json!({"Fn::If": ["HasJwt", {"Ref": "JwtAuthorizer"}, {"Ref": "AWS::NoValue"}]});
        assert_eq!(route["Properties"]["AuthorizerId"], authorizer, "{name}");
    }
    assert_eq!(template["Parameters"]["GatewayAuth"]["Default"], "iam");
    let types = json!({"iam": "AWS_IAM", "jwt": "JWT", "none": "NONE"});
    for (choice, by) in template["Mappings"]["GatewayAuth"].as_object().expect("choices") {
        assert_eq!(by["AuthorizationType"], types[choice], "{choice}");
    }
}

#[test]
fn the_functions_are_the_workspaces() {
    let template = read();
    let functions = resources(&template, "AWS::Serverless::Function");
    let workspace = workspace();
    let name_of = |id: &Value| {
        let packages = workspace["packages"].as_array().expect("packages").iter();
        packages
            .into_iter()
            .find(|it| it["id"] == *id)
            .and_then(|it| it["name"].as_str())
            .expect("a package")
            .to_owned()
    };
    let deployed: BTreeSet<_> = functions.values().map(|it| binary(it).to_owned()).collect();
    let members = workspace["workspace_default_members"].as_array().expect("default members");
    assert_eq!(deployed, members.iter().map(name_of).collect());
    for (name, function) in &functions {
        assert_eq!(name.to_lowercase(), binary(function));
        for part in ["Role", "Log", "Errors", "Throttles", "Slow"] {
            assert!(template["Resources"][format!("{name}{part}")].is_object(), "{name} has no {part}");
        }
    }
}

/// `make watch` serves the same paths by the same functions.
#[test]
fn the_local_gateway_has_every_route() {
    let workspace = workspace();
    let router = workspace["metadata"]["lambda"]["watch"]["router"].as_object().expect("a router");
    for (method, path, function) in operations() {
        let beneath = router.iter().filter_map(|(route, to)| Some((route.split_once("{*")?.0, to)));
        let longest = beneath.filter(|(prefix, _)| path.starts_with(prefix)).max_by_key(|(prefix, _)| prefix.len());
        let found = router.get(&path).or_else(|| longest.map(|(_, to)| to));
        assert_eq!(found.and_then(Value::as_str), Some(function), "{method} {path}");
    }
}

#[test]
fn every_setting_is_one_that_the_code_reads() {
    let template = read();
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/src"));
    let functions = resources(&template, "AWS::Serverless::Function");
    let own = functions.values().map(|it| &it["Properties"]["Environment"]["Variables"]);
    let shared = &template["Globals"]["Function"]["Environment"]["Variables"];
    assert!(shared.is_object());
    let names = own.chain([shared]).filter_map(Value::as_object).flat_map(|it| it.keys());
    let unread: BTreeSet<_> = names.filter(|name| !sources.contains(&format!("\"{name}\""))).collect();
    assert!(unread.is_empty(), "no source reads {unread:?}");
}

/// The text of all Rust sources in a folder.
fn sources(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|it| it.expect("an entry").path());
    let text = |path: std::path::PathBuf| {
        if path.is_dir() { sources(&path) } else { std::fs::read_to_string(&path).expect("a text") }
    };
    entries.map(text).collect()
}

#[test]
fn every_parameter_is_in_one_group_and_has_a_label() {
    let template = read();
    let interface = &template["Metadata"]["AWS::CloudFormation::Interface"];
    let groups = interface["ParameterGroups"].as_array().expect("groups");
    let grouped = groups.iter().flat_map(|it| it["Parameters"].as_array().expect("parameters"));
    let mut grouped: Vec<_> = grouped.map(|it| it.as_str().expect("a name")).collect();
    grouped.sort_unstable();
    let declared = template["Parameters"].as_object().expect("parameters");
    let mut names: Vec<_> = declared.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(grouped, names);
    let mut labelled: Vec<_> = interface["ParameterLabels"].as_object().expect("labels").keys().collect();
    labelled.sort_unstable();
    assert_eq!(labelled, names);
    for (name, parameter) in declared {
        assert!(parameter["Default"] != Value::Null, "{name} has no default, and a guided deployment cannot skip it");
        assert!(parameter["Description"].is_string(), "{name} is not described");
        assert_eq!(parameter["AllowedPattern"].is_string(), parameter["ConstraintDescription"].is_string(), "{name}");
    }
}

type Parameters<'a> = &'a [(&'a str, &'a str)];

const URL: (&str, &str) = ("DatabaseUrl", "postgres://db.example.com:5432/litellm");
const USER_URL: (&str, &str) = ("DatabaseUrl", "postgres://reader@db.example.com:5432/litellm");
const SECRET: (&str, &str) = ("DatabaseSecretArn", "arn:aws:secretsmanager:eu-north-1:123456789012:secret:db-AbCdEf");
const KEY: &str = "arn:aws:kms:eu-north-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const IAM: (&str, &str) = ("DatabaseIamAuth", "true");
const RESOURCE: (&str, &str) = ("DatabaseResourceId", "db-ABCDEFGHIJKL01234");
const USER: (&str, &str) = ("DatabaseIamUser", "reader");
const SUBNETS: (&str, &str) = ("SubnetIds", "subnet-0a,subnet-0b");
const GROUPS: (&str, &str) = ("SecurityGroupIds", "sg-0a");
const JWT: (&str, &str) = ("GatewayAuth", "jwt");
const ISSUER: (&str, &str) = ("JwtIssuer", "https://login.example.com");
const AUDIENCE: (&str, &str) = ("JwtAudience", "traceability");
const OPEN: (&str, &str) = ("GatewayAuth", "none");
const CONFIRMATION: (&str, &str) = ("AllowPublicAccess", "yes-anyone-may-read-every-prompt");

#[test]
fn parameters_that_agree_are_taken() {
    let template = read();
    let agreeing: [Parameters; 11] = [
        &[URL],
        &[SECRET],
        &[URL, SECRET],
        &[URL, SECRET, ("DatabaseSecretKeyArn", KEY)],
        &[("DatabaseReaderUrl", "postgres://replica.example.com/litellm"), SECRET],
        &[USER_URL, IAM, RESOURCE, USER],
        &[("DatabaseReaderUrl", "postgres://reader@replica.example.com/litellm"), IAM, RESOURCE, USER],
        &[URL, SECRET, SUBNETS, GROUPS],
        &[URL, JWT, ISSUER, AUDIENCE],
        &[URL, OPEN, CONFIRMATION],
        &[URL, ("AllowedOrigins", "https://dashboard.example.com"), ("KmsKeyArn", KEY), ("Metrics", "off")],
    ];
    for parameters in agreeing {
        assert_eq!(refusals(&template, parameters), Vec::<&str>::new(), "{parameters:?}");
    }
}

#[test]
fn parameters_that_contradict_each_other_are_refused_by_name() {
    let template = read();
    let contradicting: [(Parameters, &[&str]); 17] = [
        (&[], &["DatabaseUrl", "DatabaseSecretArn"]),
        (&[USER_URL, SECRET, IAM, RESOURCE, USER], &["DatabaseSecretArn", "DatabaseIamAuth"]),
        (&[SECRET, IAM, RESOURCE, USER], &["DatabaseIamAuth", "DatabaseUrl"]),
        (&[USER_URL, IAM, USER], &["DatabaseIamAuth", "DatabaseResourceId"]),
        (&[USER_URL, IAM, RESOURCE], &["DatabaseIamAuth", "DatabaseIamUser"]),
        (&[URL, RESOURCE], &["DatabaseResourceId", "DatabaseIamAuth"]),
        (&[URL, USER], &["DatabaseIamUser", "DatabaseIamAuth"]),
        (&[URL, ("DatabaseSecretKeyArn", KEY)], &["DatabaseSecretKeyArn", "DatabaseSecretArn"]),
        (&[URL, SUBNETS], &["SubnetIds", "SecurityGroupIds"]),
        (&[URL, GROUPS], &["SecurityGroupIds", "SubnetIds"]),
        (&[URL, JWT], &["JwtIssuer", "JwtAudience"]),
        (&[URL, JWT, ISSUER], &["JwtIssuer", "JwtAudience"]),
        (&[URL, JWT, AUDIENCE], &["JwtIssuer", "JwtAudience"]),
        (&[URL, ISSUER, AUDIENCE], &["JwtIssuer", "GatewayAuth=jwt"]),
        (&[URL, OPEN], &["GatewayAuth=none", "AllowPublicAccess=yes-anyone-may-read-every-prompt"]),
        (&[URL, CONFIRMATION], &["AllowPublicAccess", "GatewayAuth=none"]),
        (&[URL, JWT, ISSUER, AUDIENCE, CONFIRMATION], &["AllowPublicAccess", "GatewayAuth=none"]),
    ];
    let mut heard = BTreeMap::new();
    for (parameters, named) in contradicting {
        let refusals = refusals(&template, parameters);
        let naming = refusals.iter().find(|sentence| named.iter().all(|name| sentence.contains(name)));
        assert!(naming.is_some(), "{parameters:?} is answered by {refusals:?}");
        heard.extend(refusals.into_iter().map(|sentence| (sentence, parameters)));
    }
    for sentence in template::sentences(&template) {
        assert!(heard.contains_key(sentence), "nothing here is refused with: {sentence}");
    }
}
