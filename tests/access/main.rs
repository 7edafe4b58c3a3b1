//! Who sees what: logins, scopes, rights to content, and what never leaves.

#![expect(clippy::cast_precision_loss, clippy::cast_possible_wrap, reason = "the numbers of the tests are small")]

mod access_matrix;
mod canaries;
mod discretion;
mod login;
mod tokens;
