//! The conditions of a statement.

use sqlx::{Postgres, QueryBuilder};

/// Joins the conditions of a `SELECT`: `WHERE` before the first, `AND` before each other, and nothing where there is none.
pub struct Conditions<'a> {
    sql: &'a mut QueryBuilder<Postgres>,
    joint: &'static str,
}

impl<'a> Conditions<'a> {
    /// Of a `SELECT` that has none yet.
    pub const fn new(sql: &'a mut QueryBuilder<Postgres>) -> Self {
        Self { sql, joint: " WHERE " }
    }

    /// Of a `SELECT` that has one already, or a `HAVING`.
    pub const fn further(sql: &'a mut QueryBuilder<Postgres>) -> Self {
        Self { sql, joint: " AND " }
    }

    /// Begins one more condition, and returns what it is to be appended to.
    pub fn and(&mut self) -> &mut QueryBuilder<Postgres> {
        self.sql.push(std::mem::replace(&mut self.joint, " AND "));
        self.sql
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_joined_and_none_is_none() {
        let mut sql = QueryBuilder::new("SELECT");
        let _ = Conditions::new(&mut sql);
        assert_eq!(sql.sql().as_str(), "SELECT");
        let mut conditions = Conditions::new(&mut sql);
        conditions.and().push("a");
        conditions.and().push("b");
        Conditions::further(&mut sql).and().push("c");
        assert_eq!(sql.sql().as_str(), "SELECT WHERE a AND b AND c");
    }
}
