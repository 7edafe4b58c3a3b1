//! moto's server, which stands in for AWS: Secrets Manager, S3, SNS and SES.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_config::ConfigLoader;
use axum::body::Body;
use http::request::Builder;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::bucket::aws_at;
use crate::function::{Program, REGION};
use crate::http::Client;

/// A running server, which ends with this value.
#[derive(Debug)]
pub struct Moto {
    /// None that somebody else has started.
    process: Option<Child>,
    address: SocketAddr,
    client: Client,
}

/// It is a Python program on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_mins(1);

impl Moto {
    /// Starts the program that `E2E_MOTO` names.
    pub async fn start() -> Self {
        let program = std::env::var_os("E2E_MOTO").filter(|program| !program.is_empty());
        let program = program.expect("E2E_MOTO names moto's server, as `make e2e` sets it");
        let address = free_address();
        let process = Command::new(&program)
            .args(["--host", "127.0.0.1", "--port", &address.port().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let moto = Self { process: Some(process), address, client: Client::of(&format!("http://{address}")) };
        let listens = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, listens).await.expect("moto's server starts");
        moto
    }

    /// The server that is AWS to the functions behind `E2E_GATEWAYS`; `None` where there are none.
    #[must_use]
    pub fn of_gateways() -> Option<Self> {
        let url = std::env::var("E2E_AWS").ok()?;
        let address = url.trim_start_matches("http://").parse().expect("E2E_AWS is http:// and an address");
        Some(Self { process: None, address, client: Client::of(&url) })
    }

    /// Creates a secret and returns its ARN.
    pub async fn create_secret(&self, name: &str, secret: &str) -> String {
        let created = self.ask("CreateSecret", &json!({"Name": name, "SecretString": secret})).await;
        created["ARN"].as_str().expect("an ARN").to_owned()
    }

    /// Gives a secret another value, as a rotation does.
    pub async fn change_secret(&self, arn: &str, secret: &str) {
        let _ = self.ask("PutSecretValue", &json!({"SecretId": arn, "SecretString": secret})).await;
    }

    /// Makes a bucket.
    pub async fn create_bucket(&self, name: &str) {
        let body = format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
        );
        let request = signed("s3", Request::put(format!("/{name}"))).body(Body::from(body)).expect("a request");
        let (status, text) = self.send(request).await;
        assert!(status.is_success(), "{text}");
    }

    /// The text of an object, if it is there.
    pub async fn object(&self, bucket: &str, key: &str) -> Option<String> {
        let request = signed("s3", Request::get(format!("/{bucket}/{key}"))).body(Body::empty()).expect("a request");
        let (status, text) = self.send(request).await;
        status.is_success().then_some(text)
    }

    /// Makes a topic of SNS, and a queue that gets what is published there. Returns the topic's ARN and the queue's URL.
    pub async fn create_topic(&self, name: &str) -> (String, String) {
        let between = |text: &str, tag: &str| {
            let rest = text.split_once(&format!("<{tag}>")).map(|(_, rest)| rest).expect("an answer");
            rest.split_once(&format!("</{tag}>")).map(|(value, _)| value.to_owned()).expect("an answer")
        };
        let topic = between(&self.query("sns", &[("Action", "CreateTopic"), ("Name", name)]).await, "TopicArn");
        let queue = self.act("sqs", "AmazonSQS.CreateQueue", &json!({"QueueName": name})).await;
        let queue = queue["QueueUrl"].as_str().expect("a URL").to_owned();
        let endpoint = format!("arn:aws:sqs:{REGION}:123456789012:{name}");
        let subscribe = [("Action", "Subscribe"), ("TopicArn", &topic), ("Protocol", "sqs"), ("Endpoint", &*endpoint)];
        let _ = self.query("sns", &subscribe).await;
        (topic, queue)
    }

    /// What a queue has got.
    pub async fn receive(&self, queue: &str) -> Vec<Value> {
        let wanted = json!({"QueueUrl": queue, "MaxNumberOfMessages": 10});
        let answer = self.act("sqs", "AmazonSQS.ReceiveMessage", &wanted).await;
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        let body = |message: &Value| serde_json::from_str(message["Body"].as_str().expect("a body")).expect("JSON");
        messages.iter().map(body).collect()
    }

    /// Lets SES send from an address.
    pub async fn verify_address(&self, address: &str) {
        let _ = self.query("ses", &[("Action", "VerifyEmailIdentity"), ("EmailAddress", address)]).await;
    }

    /// The mails that SES has sent.
    pub async fn mails(&self) -> Vec<Value> {
        let request = Request::get("/moto-api/data.json").body(Body::empty()).expect("a request");
        let (_, text) = self.send(request).await;
        let data: Value = serde_json::from_str(&text).expect("JSON");
        data["ses"]["Message"].as_array().cloned().unwrap_or_default()
    }

    /// The server, in place of AWS.
    #[must_use]
    pub fn aws(&self) -> ConfigLoader {
        aws_at(self.address)
    }

    async fn ask(&self, action: &str, body: &Value) -> Value {
        self.act("secretsmanager", &format!("secretsmanager.{action}"), body).await
    }

    async fn act(&self, service: &str, target: &str, body: &Value) -> Value {
        let request = signed(service, Request::post("/"))
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .body(Body::from(body.to_string()))
            .expect("a request");
        let (status, text) = self.send(request).await;
        assert!(status.is_success(), "{target}: {text}");
        serde_json::from_str(&text).expect("the answer is JSON")
    }

    async fn query(&self, service: &str, pairs: &[(&str, &str)]) -> String {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let request = signed(service, Request::post("/"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .expect("a request");
        let (status, text) = self.send(request).await;
        assert!(status.is_success(), "{pairs:?}: {text}");
        text
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.client.send(request).await.expect("moto's server answers");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the body is read").to_bytes();
        (parts.status, String::from_utf8_lossy(&body).into_owned())
    }

    /// A program that takes this server for AWS.
    #[must_use]
    pub fn for_aws(&self, program: Program) -> Program {
        with_aws_at(program, self.address)
    }
}

/// moto tells by the signature which service is asked, and does not verify it.
fn signed(service: &str, request: Builder) -> Builder {
    let scope = format!("Credential=AKIAIOSFODNN7EXAMPLE/20261123/{REGION}/{service}/aws4_request");
    request.header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"))
}

/// A program that takes whatever is at this address for AWS, with credentials as Lambda gives them.
#[must_use]
pub fn with_aws_at(program: Program, address: SocketAddr) -> Program {
    program
        .env("AWS_ENDPOINT_URL", format!("http://{address}"))
        .env("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        .env("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjEXAMPLETOKEN")
}

/// An address of this machine where nobody listens.
#[must_use]
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

impl Drop for Moto {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
