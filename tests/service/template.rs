//! What is deployed is what the code has: functions, routes, settings. And parameters that contradict each other are
//! refused with a sentence that says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tests::template::{self, read, refusals, resources};
use traceability_http::{AppState, openapi};
use utoipa_axum::router::OpenApiRouter;

/// The functions that answer the API.
fn functions() -> [(&'static str, OpenApiRouter<AppState>); 5] {
    [
        ("sessions", sessions::router()),
        ("analytics", analytics::router()),
        ("requests", requests::router()),
        ("reports", reports::router()),
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

/// The functions that a schedule starts, each with the alarm for runs that stayed away.
const SCHEDULED: [(&str, &str); 2] = [("Indexer", "IndexerMissing"), ("CostReport", "CostReportMissing")];

fn is_scheduled(function: &str) -> bool {
    SCHEDULED.iter().any(|(name, _)| *name == function)
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
    let page = ["/dashboard", "/dashboard/{proxy+}"];
    let page = page.map(|path| ("GET".to_owned(), path.to_owned(), "dashboard".to_owned()));
    let documented = operations().into_iter().map(|(method, path, function)| (method, path, function.to_owned()));
    assert_eq!(routes, documented.chain([rest]).chain(page).collect());
}

#[test]
fn no_route_is_more_open_than_the_others() {
    let template = read();
    for (name, route) in resources(&template, "AWS::ApiGatewayV2::Route") {
        if route["Properties"]["Target"]["Fn::Sub"] == "integrations/${DashboardIntegration}" {
            // It holds nothing that is not in the sources.
            assert_eq!(route["Properties"]["AuthorizationType"], "NONE", "{name}");
            continue;
        }
        let chosen = json!({"Fn::FindInMap": ["GatewayAuth", {"Ref": "GatewayAuth"}, "AuthorizationType"]});
        assert_eq!(route["Properties"]["AuthorizationType"], chosen, "{name}");
        let authorizer = json!({"Fn::If": ["HasJwt", {"Ref": "JwtAuthorizer"}, {"Ref": "AWS::NoValue"}]});
        assert_eq!(route["Properties"]["AuthorizerId"], authorizer, "{name}");
    }
    assert_eq!(template["Parameters"]["GatewayAuth"]["Default"], "none");
    let types = json!({"iam": "AWS_IAM", "jwt": "JWT", "none": "NONE"});
    for (choice, by) in template["Mappings"]["GatewayAuth"].as_object().expect("choices") {
        assert_eq!(by["AuthorizationType"], types[choice], "{choice}");
    }
}

/// The gateway asks nothing of its own by default, so this is all that keeps strangers out.
#[test]
fn every_function_asks_for_the_login_that_was_chosen() {
    let template = read();
    let settings = &template["Globals"]["Function"]["Environment"]["Variables"];
    for (setting, parameter) in [("AUTH_MODE", "AuthMode"), ("ALLOW_ANONYMOUS", "AllowAnonymous")] {
        assert_eq!(settings[setting], json!({"Ref": parameter}));
        for (name, function) in resources(&template, "AWS::Serverless::Function") {
            assert_eq!(function["Properties"]["Environment"]["Variables"][setting], Value::Null, "{name} has its own");
        }
    }
    // What the gateway did not verify, nobody did.
    let verified = json!({"Fn::If": ["HasJwt", "true", "false"]});
    assert_eq!(settings["JWT_VERIFIED_BY_GATEWAY"], verified);
    assert_eq!(template["Conditions"]["HasJwt"], json!({"Fn::Equals": [{"Ref": "GatewayAuth"}, "jwt"]}));
    assert_eq!(template["Parameters"]["AuthMode"]["Default"], "litellm");
    assert_eq!(template["Parameters"]["AllowAnonymous"]["Default"], "");
}

/// Every function but those that have nothing to guard writes an audit, which is kept, sent on and watched.
#[test]
fn no_audit_is_lost() {
    let template = read();
    let logging = &template["Globals"]["Function"]["LoggingConfig"];
    assert_eq!(logging["ApplicationLogLevel"], "TRACE", "Lambda would drop lines of the audit");
    let sent_on = resources(&template, "AWS::Logs::SubscriptionFilter");
    let watched = resources(&template, "AWS::Logs::MetricFilter");
    for (name, function) in resources(&template, "AWS::Serverless::Function") {
        assert_eq!(function["Properties"]["LoggingConfig"]["ApplicationLogLevel"], Value::Null, "{name} has its own");
        if ["Health", "Dashboard"].contains(&name) || is_scheduled(name) {
            continue;
        }
        let log = json!({"Ref": format!("{name}Log")});
        let filter = sent_on[format!("{name}Audit").as_str()];
        assert_eq!(filter["Condition"], "HasAuditDestination");
        assert_eq!(filter["Properties"]["LogGroupName"], log);
        assert_eq!(filter["Properties"]["FilterPattern"], r#"{ $.log = "audit" }"#);
        let filter = &watched[format!("{name}FailedLogins").as_str()]["Properties"];
        assert_eq!(filter["LogGroupName"], log);
        assert_eq!(filter["FilterPattern"], r#"{ $.log = "audit" && $.event = "login_failed" }"#);
        let metric = &filter["MetricTransformations"][0];
        let alarm = &template["Resources"]["ApiFailedLogins"]["Properties"];
        assert_eq!((&metric["MetricNamespace"], &metric["MetricName"]), (&alarm["Namespace"], &alarm["MetricName"]));
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
        assert_eq!(name.to_lowercase(), binary(function).replace('-', ""));
        let alarms: &[&str] =
            if is_scheduled(name) { &["Errors", "Missing"] } else { &["Errors", "Throttles", "Slow"] };
        for part in ["Role", "Log"].iter().chain(alarms) {
            assert!(template["Resources"][format!("{name}{part}")].is_object(), "{name} has no {part}");
        }
    }
}

/// The page is for everybody, so what serves it is told nothing and may do nothing.
#[test]
fn the_dashboard_has_no_rights() {
    let template = read();
    let role = &template["Resources"]["DashboardRole"]["Properties"];
    assert_eq!(role["ManagedPolicyArns"], Value::Null);
    let policies = role["Policies"].as_array().expect("policies");
    assert_eq!(policies.len(), 1);
    let statements = policies[0]["PolicyDocument"]["Statement"].as_array().expect("statements");
    assert_eq!(statements.len(), 1);
    assert_eq!(statements[0]["Action"], json!(["logs:CreateLogStream", "logs:PutLogEvents"]));
    let function = &template["Resources"]["Dashboard"]["Properties"];
    assert_eq!(function["VpcConfig"], json!({"Ref": "AWS::NoValue"}));
    let shared = template["Globals"]["Function"]["Environment"]["Variables"].as_object().expect("settings").keys();
    let secrets = ["_URL", "_ARN", "_KEYS", "_SHA256"];
    let is_secret = |name: &&String| {
        secrets.iter().any(|end| name.ends_with(end)) && !["API_URL", "JWT_JWKS_URL"].contains(&name.as_str())
    };
    for name in shared.filter(is_secret) {
        assert_eq!(function["Environment"]["Variables"][name], "", "{name}");
    }
    for part in ["Resources", "Outputs"] {
        let parts = template[part].as_object().expect("parts").iter();
        for (name, it) in parts.filter(|(name, _)| name.contains("Dashboard")) {
            assert_eq!(it["Condition"], "HasDashboard", "{name}");
        }
    }
}

/// Without an index there is no trace of what keeps one.
#[test]
fn the_indexer_is_there_only_if_it_is_asked_for() {
    let template = read();
    assert_eq!(template["Parameters"]["Index"]["Default"], "off");
    assert_eq!(template["Conditions"]["HasIndexer"], json!({"Fn::Equals": [{"Ref": "Index"}, "on"]}));
    for part in ["Resources", "Outputs"] {
        let parts = template[part].as_object().expect("parts").iter();
        for (name, it) in parts.filter(|(name, _)| name.starts_with("Indexer")) {
            assert_eq!(it["Condition"], "HasIndexer", "{name}");
        }
    }
    let settings = &template["Globals"]["Function"]["Environment"]["Variables"];
    assert_eq!(settings["INDEX"], json!({"Fn::If": ["HasIndex", "auto", "off"]}));
}

#[test]
fn the_indexer_runs_every_minute_and_is_missed_when_it_does_not() {
    let template = read();
    let function = &template["Resources"]["Indexer"]["Properties"];
    assert_eq!(function["Events"]["EveryMinute"]["Type"], "ScheduleV2");
    assert_eq!(function["Events"]["EveryMinute"]["Properties"]["ScheduleExpression"], "rate(1 minute)");
    assert_eq!((&function["Timeout"], &function["ReservedConcurrentExecutions"]), (&json!(60), &json!(1)));
    for (name, alarm) in SCHEDULED {
        let alarm = &template["Resources"][alarm]["Properties"];
        assert_eq!(alarm["MetricName"], "Invocations");
        assert_eq!(alarm["Dimensions"][0]["Value"], json!({"Ref": name}));
        assert_eq!(
            alarm["TreatMissingData"], "breaching",
            "an alarm about nothing has to go off when there is nothing"
        );
    }
}

/// Without cost reports there is no trace of what sends them, and none of where they would be kept.
#[test]
fn the_cost_report_is_there_only_if_it_is_asked_for() {
    let template = read();
    assert_eq!(template["Parameters"]["SendCostReports"]["Default"], "off");
    let asked = json!({"Fn::Equals": [{"Ref": "SendCostReports"}, "on"]});
    assert_eq!(template["Conditions"]["HasCostReport"], asked);
    for condition in ["HasOwnReportBucket", "HasDailyReport"] {
        assert_eq!(template["Conditions"][condition]["Fn::And"][0], json!({"Condition": "HasCostReport"}));
    }
    for part in ["Resources", "Outputs"] {
        let is_of_it = |name: &str| name.starts_with("CostReport") || name.starts_with("ReportsBucket");
        for (name, it) in template[part].as_object().expect("parts").iter().filter(|(name, _)| is_of_it(name)) {
            let condition = it["Condition"].as_str().expect(name);
            assert!(["HasCostReport", "HasOwnReportBucket", "HasDailyReport"].contains(&condition), "{name}");
        }
    }
}

/// What the scheduler or the function fails at is repeated, and kept when that does not help.
#[test]
fn no_cost_report_is_lost() {
    let template = read();
    let function = &template["Resources"]["CostReport"]["Properties"];
    let dead_letters = json!({"Fn::GetAtt": "CostReportDeadLetters.Arn"});
    for (name, period) in [("Daily", "day"), ("Weekly", "week"), ("Monthly", "month")] {
        let schedule = &function["Events"][name];
        assert_eq!(schedule["Type"], "ScheduleV2");
        let schedule = &schedule["Properties"];
        let event: Value = serde_json::from_str(schedule["Input"].as_str().expect("an event")).expect("JSON");
        assert_eq!(event, json!({"period": period}));
        assert!(cost_report::event::Event::parse(&event).is_ok(), "{event}");
        assert_eq!(schedule["ScheduleExpressionTimezone"], json!({"Ref": "ReportTimezone"}));
        assert_eq!(schedule["DeadLetterConfig"]["Arn"], dead_letters);
        assert_eq!(schedule["RetryPolicy"]["MaximumRetryAttempts"], 24);
    }
    let repeated = &function["EventInvokeConfig"];
    assert_eq!(repeated["MaximumRetryAttempts"], 2);
    assert_eq!(repeated["DestinationConfig"]["OnFailure"]["Destination"], dead_letters);
    // Lambda waits one minute and then two before it repeats: a claim, which lasts two, is over by then.
    assert!(function["Timeout"].as_u64().expect("seconds") <= 120);
    let alarm = &template["Resources"]["CostReportUndelivered"]["Properties"];
    assert_eq!(alarm["Dimensions"][0]["Value"], json!({"Fn::GetAtt": "CostReportDeadLetters.QueueName"}));
}

/// Figures of money and names of people lie in it.
#[test]
fn reports_are_kept_in_private() {
    let template = read();
    let bucket = &template["Resources"]["ReportsBucket"];
    assert_eq!((&bucket["DeletionPolicy"], &bucket["UpdateReplacePolicy"]), (&json!("Retain"), &json!("Retain")));
    let blocks = bucket["Properties"]["PublicAccessBlockConfiguration"].as_object().expect("blocks");
    assert!(blocks.len() == 4 && blocks.values().all(|it| it == true));
    for (policy, action) in [("ReportsBucketPolicy", "s3:*"), ("CostReportDeadLettersPolicy", "sqs:*")] {
        let statement = &template["Resources"][policy]["Properties"]["PolicyDocument"]["Statement"][0];
        assert_eq!((&statement["Effect"], &statement["Action"]), (&json!("Deny"), &json!(action)));
        assert_eq!(statement["Condition"]["Bool"]["aws:SecureTransport"], "false");
    }
    assert_eq!(template["Resources"]["CostReportDeadLetters"]["Properties"]["SqsManagedSseEnabled"], true);
    // No other function may read or write them, or send anything.
    let shared = template["Resources"]["FunctionPolicy"].to_string();
    for action in ["s3:", "sns:", "ses:", "sqs:"] {
        assert!(!shared.contains(action), "every function has {action}");
    }
}

/// The login that writes is the indexer's alone.
#[test]
fn the_api_cannot_log_in_as_the_indexer() {
    let template = read();
    let policy = template["Resources"]["FunctionPolicy"].to_string();
    let shared = template["Globals"].to_string();
    for parameter in ["IndexerDatabaseSecretArn", "IndexerDatabaseIamUser", "IndexerDatabaseUrl"] {
        assert!(!policy.contains(parameter) && !shared.contains(parameter), "{parameter} is given to every function");
    }
    let role = template["Resources"]["IndexerRole"].to_string();
    assert!(role.contains("IndexerDatabaseSecretArn") && role.contains("IndexerDatabaseIamUser"));
}

/// A browser's page may read the headers that the document promises.
#[test]
fn pages_may_read_every_header_of_the_document() {
    let template = read();
    let cors = template["Resources"]["Api"]["Properties"]["CorsConfiguration"]["Fn::If"][1].clone();
    let exposed = cors["ExposeHeaders"].as_array().expect("headers").clone();
    for (_, router) in functions() {
        let document = serde_json::to_value(openapi::document(router)).expect("a document is JSON");
        let items = document["paths"].as_object().expect("paths").values();
        let operations = items.flat_map(|item| item.as_object().expect("methods").values());
        let responses = operations.flat_map(|it| it["responses"].as_object().expect("responses").values());
        let headers = responses.filter_map(|it| it["headers"].as_object()).flat_map(|it| it.keys());
        for header in headers.map(|name| name.to_ascii_lowercase()) {
            assert!(exposed.contains(&json!(header)), "{header} is not exposed");
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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let sources =
        ["shared", "functions/cost-report", "functions/dashboard/src"].map(|member| sources(&folder.join(member)));
    let sources = sources.concat();
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
    let text = |path: std::path::PathBuf| match path.extension() {
        _ if path.is_dir() => sources(&path),
        Some(extension) if extension == "rs" => std::fs::read_to_string(&path).expect("a text"),
        _ => String::new(),
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
const LITELLM: (&str, &str) = ("AuthMode", "litellm");
const JWT: (&str, &str) = ("AuthMode", "jwt");
const KEYS: (&str, &str) = ("AuthMode", "keys");
const NOBODY: (&str, &str) = ("AuthMode", "none");
const MASTER: (&str, &str) = ("MasterKeyHash", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
const SERVICE_KEYS: (&str, &str) =
    ("ServiceKeys", r#"[{"name": "dashboard", "sha256": "9f86…", "scope": "all", "content": false}]"#);
const ISSUER: (&str, &str) = ("JwtIssuer", "https://login.example.com");
const AUDIENCE: (&str, &str) = ("JwtAudience", "traceability");
const KEY_URL: (&str, &str) = ("JwtJwksUrl", "https://login.example.com/keys");
const ROLE: (&str, &str) = ("JwtRoleClaim", "roles");
const ADMINS: (&str, &str) = ("JwtAdminRoles", "auditor,admin");
const SIGNED: (&str, &str) = ("GatewayAuth", "iam");
const VERIFIED: (&str, &str) = ("GatewayAuth", "jwt");
const CONFIRMATION: (&str, &str) = ("AllowAnonymous", "yes-anyone-may-read-every-prompt");
const STREAM: (&str, &str) = ("AuditDestinationArn", "arn:aws:kinesis:eu-north-1:123456789012:stream/audit");
const STREAM_ROLE: (&str, &str) = ("AuditRoleArn", "arn:aws:iam::123456789012:role/audit");
const INDEX: (&str, &str) = ("Index", "on");
const INDEX_URL: (&str, &str) = ("IndexDatabaseUrl", "postgres://index.example.com:5432/traceability");
const INDEX_SECRET: (&str, &str) =
    ("IndexDatabaseSecretArn", "arn:aws:secretsmanager:eu-north-1:123456789012:secret:index-AbCdEf");
const INDEXER_SECRET: (&str, &str) =
    ("IndexerDatabaseSecretArn", "arn:aws:secretsmanager:eu-north-1:123456789012:secret:indexer-AbCdEf");
const INDEXER_URL: (&str, &str) = ("IndexerDatabaseUrl", "postgres://indexer@db.example.com:5432/litellm");
const INDEXER: (&str, &str) = ("IndexerDatabaseIamUser", "indexer");
const INDEX_KEY: (&str, &str) = ("IndexSecretsKeyArn", KEY);
const REPORTS: (&str, &str) = ("SendCostReports", "on");
const NO_DAILY: (&str, &str) = ("ReportDailySchedule", "");
const NO_WEEKLY: (&str, &str) = ("ReportWeeklySchedule", "");
const NO_MONTHLY: (&str, &str) = ("ReportMonthlySchedule", "");
const REPORT_SECRET: (&str, &str) =
    ("ReportSecretArn", "arn:aws:secretsmanager:eu-north-1:123456789012:secret:reports-AbCdEf");
const REPORT_KEY: (&str, &str) = ("ReportSecretKeyArn", KEY);

#[test]
fn parameters_that_agree_are_taken() {
    let template = read();
    let agreeing: [Parameters; 33] = [
        &[URL],
        &[SECRET],
        &[URL, SECRET],
        &[URL, SECRET, ("DatabaseSecretKeyArn", KEY)],
        &[("DatabaseReaderUrl", "postgres://replica.example.com/litellm"), SECRET],
        &[USER_URL, IAM, RESOURCE, USER],
        &[("DatabaseReaderUrl", "postgres://reader@replica.example.com/litellm"), IAM, RESOURCE, USER],
        &[URL, SECRET, SUBNETS, GROUPS],
        &[URL, MASTER],
        &[URL, SIGNED, MASTER],
        &[URL, KEYS, SERVICE_KEYS],
        &[URL, JWT, ISSUER, AUDIENCE],
        &[URL, JWT, ISSUER, AUDIENCE, KEY_URL],
        &[URL, JWT, ISSUER, AUDIENCE, VERIFIED],
        &[URL, JWT, ISSUER, AUDIENCE, ("JwtUserClaim", "email"), ("JwtTeamsClaim", "groups"), ROLE, ADMINS],
        &[URL, ("AuthMode", "litellm,jwt,keys"), MASTER, SERVICE_KEYS, ISSUER, AUDIENCE],
        &[URL, NOBODY, CONFIRMATION],
        &[URL, NOBODY, CONFIRMATION, SIGNED],
        &[URL, ("ContentAccess", "owners"), ("Redact", "email,card"), ("RedactPatterns", r#"{"ticket": "T-[0-9]+"}"#)],
        &[URL, STREAM, STREAM_ROLE],
        &[URL, ("AuditDestinationArn", "arn:aws:lambda:eu-north-1:123456789012:function:audit")],
        &[URL, ("AllowedOrigins", "https://dashboard.example.com"), ("KmsKeyArn", KEY), ("Metrics", "off")],
        &[URL, SECRET, INDEX, INDEXER_SECRET],
        &[USER_URL, IAM, RESOURCE, USER, INDEX, INDEXER_URL, INDEXER],
        &[USER_URL, IAM, RESOURCE, USER, INDEX, INDEXER_SECRET],
        &[URL, SECRET, INDEX, INDEX_URL, INDEX_SECRET, INDEXER_SECRET, INDEX_KEY],
        &[USER_URL, IAM, RESOURCE, USER, INDEX, INDEX_SECRET, INDEXER_SECRET],
        &[URL, SECRET, ("Index", "external")],
        &[URL, SECRET, ("Index", "external"), INDEX_URL, INDEX_SECRET, INDEX_KEY],
        &[URL, REPORTS],
        &[URL, REPORTS, NO_DAILY, NO_WEEKLY, REPORT_SECRET, REPORT_KEY],
        &[
            URL,
            REPORTS,
            ("ReportBucket", "our-reports"),
            ("ReportBucketKeyArn", KEY),
            ("ReportTimezone", "Europe/Berlin"),
        ],
        &[URL, ("Budgets", r#"{"total": 1000}"#), ("ApiUrl", "https://traces.example.com")],
    ];
    for parameters in agreeing {
        assert_eq!(refusals(&template, parameters), Vec::<&str>::new(), "{parameters:?}");
    }
}

/// With what each way to log in needs, and with what the others need beside it.
#[test]
fn every_way_to_log_in_takes_its_own_parameters_and_no_others() {
    let template = read();
    let modes = template["Parameters"]["AuthMode"]["AllowedValues"].as_array().expect("values");
    for mode in modes.iter().map(|it| it.as_str().expect("a word")) {
        let ways: Vec<_> = mode.split(',').collect();
        let belongings = [("litellm", MASTER), ("keys", SERVICE_KEYS), ("jwt", ISSUER), ("jwt", AUDIENCE)];
        let belongings = belongings.into_iter().chain([("none", CONFIRMATION)]);
        let (own, foreign): (Vec<_>, Vec<_>) = belongings.partition(|(way, _)| ways.contains(way));
        let complete = [URL, ("AuthMode", mode)].into_iter().chain(own.iter().map(|(_, it)| *it));
        let complete: Vec<_> = complete.collect();
        assert_eq!(refusals(&template, &complete), Vec::<&str>::new(), "{complete:?}");
        for (_, one) in foreign {
            let parameters = [complete.as_slice(), &[one]].concat();
            assert!(!refusals(&template, &parameters).is_empty(), "{parameters:?}");
        }
        // A master key that opens nothing is no contradiction.
        for (_, one) in own.iter().filter(|(way, _)| *way != "litellm") {
            let without: Vec<_> = complete.iter().copied().filter(|it| it != one).collect();
            assert!(!refusals(&template, &without).is_empty(), "{without:?}");
        }
        let verified = [complete.as_slice(), &[VERIFIED]].concat();
        assert_eq!(refusals(&template, &verified).is_empty(), ways.contains(&"jwt"), "{verified:?}");
    }
}

#[test]
fn parameters_that_contradict_each_other_are_refused_by_name() {
    let template = read();
    let contradicting: [(Parameters, &[&str]); 49] = [
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
        (&[URL, NOBODY], &["AuthMode=none", "AllowAnonymous=yes-anyone-may-read-every-prompt"]),
        (&[URL, NOBODY, SIGNED], &["AuthMode=none", "AllowAnonymous=yes-anyone-may-read-every-prompt"]),
        (&[URL, CONFIRMATION], &["AllowAnonymous", "AuthMode=none"]),
        (&[URL, LITELLM, CONFIRMATION], &["AllowAnonymous", "AuthMode=none"]),
        (&[URL, JWT, ISSUER, AUDIENCE, CONFIRMATION], &["AllowAnonymous", "AuthMode=none"]),
        (&[URL, KEYS, SERVICE_KEYS, MASTER], &["MasterKeyHash", "litellm"]),
        (&[URL, NOBODY, CONFIRMATION, MASTER], &["MasterKeyHash", "litellm"]),
        (&[URL, KEYS], &["AuthMode", "ServiceKeys"]),
        (&[URL, ("AuthMode", "litellm,keys")], &["AuthMode", "ServiceKeys"]),
        (&[URL, SERVICE_KEYS], &["ServiceKeys", "AuthMode"]),
        (&[URL, JWT], &["JwtIssuer", "JwtAudience"]),
        (&[URL, JWT, ISSUER], &["JwtIssuer", "JwtAudience"]),
        (&[URL, JWT, AUDIENCE], &["JwtIssuer", "JwtAudience"]),
        (&[URL, VERIFIED, ("AuthMode", "litellm,jwt")], &["JwtIssuer", "JwtAudience"]),
        (&[URL, ISSUER, AUDIENCE], &["JwtIssuer", "AuthMode"]),
        (&[URL, ("JwtUserClaim", "email")], &["JwtUserClaim", "AuthMode"]),
        (&[URL, ("JwtTeamsClaim", "groups")], &["JwtTeamsClaim", "AuthMode"]),
        (&[URL, ROLE, ADMINS], &["JwtAdminRoles", "AuthMode"]),
        (&[URL, KEY_URL], &["JwtJwksUrl", "AuthMode"]),
        (&[URL, VERIFIED], &["GatewayAuth=jwt", "AuthMode"]),
        (&[URL, VERIFIED, NOBODY, CONFIRMATION], &["GatewayAuth=jwt", "AuthMode"]),
        (&[URL, VERIFIED, JWT, ISSUER, AUDIENCE, KEY_URL], &["JwtJwksUrl", "GatewayAuth=jwt"]),
        (&[URL, JWT, ISSUER, AUDIENCE, ADMINS], &["JwtAdminRoles", "JwtRoleClaim"]),
        (&[URL, STREAM_ROLE], &["AuditRoleArn", "AuditDestinationArn"]),
        (&[URL, INDEX_URL, INDEX_SECRET], &["IndexDatabaseUrl", "Index=on"]),
        (&[URL, INDEXER_SECRET], &["IndexerDatabaseSecretArn", "Index=on"]),
        (&[URL, ("Index", "external"), INDEXER_SECRET], &["IndexerDatabaseSecretArn", "Index=on"]),
        (&[URL, INDEX, INDEXER_SECRET, INDEX_URL], &["IndexDatabaseUrl", "IndexDatabaseSecretArn"]),
        (&[URL, SECRET, INDEX], &["Index=on", "IndexerDatabaseSecretArn"]),
        (&[USER_URL, IAM, RESOURCE, USER, INDEX, INDEXER_URL, INDEXER, INDEXER_SECRET], &["Two logins of the indexer"]),
        (
            &[USER_URL, IAM, RESOURCE, USER, INDEX, INDEX_SECRET, INDEXER],
            &["IndexDatabaseSecretArn", "IndexerDatabaseSecretArn"],
        ),
        (&[URL, SECRET, INDEX, INDEXER_URL, INDEXER], &["IndexerDatabaseIamUser", "DatabaseIamAuth=true"]),
        (&[USER_URL, IAM, RESOURCE, USER, INDEX, INDEXER], &["IndexerDatabaseIamUser", "IndexerDatabaseUrl"]),
        (
            &[URL, SECRET, INDEX, INDEXER_URL, INDEX_SECRET, INDEXER_SECRET],
            &["IndexerDatabaseUrl", "IndexDatabaseSecretArn"],
        ),
        (&[URL, INDEX_KEY], &["IndexSecretsKeyArn", "IndexDatabaseSecretArn"]),
        (&[URL, REPORT_SECRET], &["ReportSecretArn", "SendCostReports=on"]),
        (&[URL, ("ReportBucket", "our-reports")], &["ReportBucket", "SendCostReports=on"]),
        (&[URL, REPORTS, NO_DAILY, NO_WEEKLY, NO_MONTHLY], &["SendCostReports=on", "ReportDailySchedule"]),
        (&[URL, REPORTS, REPORT_KEY], &["ReportSecretKeyArn", "ReportSecretArn"]),
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
