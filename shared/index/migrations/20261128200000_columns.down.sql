-- The columns that the view shows stay until it goes, and the names that sessions have: neither does harm to the steps before.
ALTER TABLE traceability.sessions DROP COLUMN IF EXISTS merged_in, DROP COLUMN IF EXISTS findings,
    DROP COLUMN IF EXISTS repeated_calls, DROP COLUMN IF EXISTS wasted_cost;
ALTER TABLE traceability.facts DROP COLUMN IF EXISTS calls, DROP COLUMN IF EXISTS answer;
