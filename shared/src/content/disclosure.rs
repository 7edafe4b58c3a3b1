//! stub
use crate::config::{ConfigError, Environment};
pub struct Redaction;
impl Redaction {
    pub fn none() -> Self {
        Self
    }
    pub fn from_environment(_: &Environment) -> Result<Self, ConfigError> {
        Ok(Self)
    }
}
#[derive(Clone, Copy)]
pub enum Disclosure<'a> {
    Content(&'a Redaction),
    Withheld,
}
