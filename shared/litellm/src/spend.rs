//! What a request cost.

/// One NaN or infinity, which the column can hold, would make every sum that includes it useless.
pub(super) fn spend() -> String {
    "CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END".into()
}
