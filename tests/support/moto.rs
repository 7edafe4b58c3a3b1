//! moto's server, which stands in for AWS Secrets Manager.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::function::{Program, REGION};
use crate::http::Client;

/// A running server, which ends with this value.
#[derive(Debug)]
pub struct Moto {
    process: Child,
    address: SocketAddr,
    client: Client,
}

/// It is a Python program on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_mins(1);

impl Moto {
    /// Starts the program that `E2E_MOTO` names; `None` when there is none, which the test's output tells.
    pub async fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("E2E_MOTO").filter(|program| !program.is_empty()) else {
            println!("skipped: this test needs moto's server, so set E2E_MOTO or run `make e2e`");
            return None;
        };
        let address = free_address();
        let process = Command::new(&program)
            .args(["--host", "127.0.0.1", "--port", &address.port().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let moto = Self { process, address, client: Client::of(&format!("http://{address}")) };
        let listens = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, listens).await.expect("moto's server starts");
        Some(moto)
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

    async fn ask(&self, action: &str, body: &Value) -> Value {
        let scope = format!("Credential=AKIAIOSFODNN7EXAMPLE/20261123/{REGION}/secretsmanager/aws4_request");
        let request = Request::post("/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("secretsmanager.{action}"))
            .header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"))
            .body(Body::from(body.to_string()))
            .expect("a request");
        let response = self.client.send(request).await.expect("moto's server answers");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the body is read").to_bytes();
        assert!(parts.status.is_success(), "{action}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).expect("the answer is JSON")
    }

    /// A program that takes this server for AWS.
    #[must_use]
    pub fn for_aws(&self, program: Program) -> Program {
        with_aws_at(program, self.address)
    }
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
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
