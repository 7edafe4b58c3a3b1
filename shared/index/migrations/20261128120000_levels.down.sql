ALTER TABLE traceability.state DROP COLUMN IF EXISTS rollup_levels, DROP COLUMN IF EXISTS levels_until,
    DROP COLUMN IF EXISTS levels_at, DROP COLUMN IF EXISTS thinned_until;
