//! Which names are those of credentials and of headers.

/// What a name says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// Headers, or what LiteLLM keeps of the login.
    Headers,
    /// A credential.
    Credential,
    /// A credential, if it is a text.
    Perhaps,
    /// Anything else.
    Other,
}

/// The headers beside the content of a response.
pub(super) const RESPONSE_HEADERS: [&str; 5] =
    ["_hidden_params", "_response_headers", "additional_headers", "headers", "response_headers"];

/// Names in lower case without separators. All that end so are headers.
const HEADERS: &[&str] = &["headers", "providerspecificheader", "secretfields", "userapikeyauth"];

/// What is always a credential.
const CREDENTIALS: &[&str] = &[
    "accesstoken",
    "apikey",
    "auth",
    "authorization",
    "authtoken",
    "awsaccesskeyid",
    "awssessiontoken",
    "bearer",
    "clientsecret",
    "connectionstring",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "idtoken",
    "jwt",
    "passwd",
    "password",
    "pwd",
    "refreshtoken",
    "secret",
    "setcookie",
    "token",
    "userapikey",
];

/// What a credential's name ends with.
const ENDINGS: &[&str] = &[
    "accesskey",
    "apikey",
    "apikeyhash",
    "authkey",
    "authorization",
    "cookie",
    "credential",
    "credentials",
    "encryptionkey",
    "litellmkey",
    "masterkey",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "secretkey",
    "sessionkey",
    "signingkey",
    "subscriptionkey",
    "token",
    "virtualkey",
];

/// What the name says of its value, in whichever spelling: `user_api_key`, `X-Api-Key` and `apiKey` are credentials.
pub(super) fn name(name: &str) -> Name {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let ends = |endings: &[&str]| endings.iter().any(|ending| plain.ends_with(ending));
    if ends(HEADERS) {
        Name::Headers
    } else if CREDENTIALS.contains(&plain.as_str()) {
        Name::Credential
    } else if ends(ENDINGS) {
        Name::Perhaps
    } else {
        Name::Other
    }
}
