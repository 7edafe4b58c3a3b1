//! Who sees what: logins, scopes, rights to content, and what never leaves.

mod access_matrix;
mod canaries;
mod discretion;
mod login;
mod me;
mod tokens;
