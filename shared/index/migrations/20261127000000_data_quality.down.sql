-- Hashed keys and figures put right stay as they are. Where a later version's step was not undone, a column may be missing.
ALTER TABLE traceability.facts DROP COLUMN IF EXISTS origin, DROP COLUMN IF EXISTS data_quality,
    DROP COLUMN IF EXISTS projection;
