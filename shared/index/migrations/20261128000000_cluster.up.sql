-- What a Citus cluster takes as well: it knows no SELECT without a column over a distributed table, and no rows that a DELETE
-- returns to an INSERT.
CREATE OR REPLACE FUNCTION traceability.add_month(month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := 'facts_' || to_char(month, 'YYYY_MM');
    until date := month + interval '1 month';
BEGIN
    IF to_regclass('traceability.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    IF extract(day FROM month) <> 1 THEN
        RAISE EXCEPTION 'a month begins on its first day';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM traceability.facts_other WHERE started_at >= month AND started_at < until) THEN
        EXECUTE format('CREATE TABLE traceability.%I PARTITION OF traceability.facts FOR VALUES FROM (%L) TO (%L)',
                       name, month, until);
    ELSE
        -- Rows from what was then too far away have to make room for it.
        EXECUTE format('CREATE TABLE traceability.%I (LIKE traceability.facts INCLUDING ALL)', name);
        EXECUTE format('INSERT INTO traceability.%I SELECT * FROM traceability.facts_other '
                       'WHERE started_at >= %L AND started_at < %L', name, month, until);
        EXECUTE format('DELETE FROM traceability.facts_other WHERE started_at >= %L AND started_at < %L', month, until);
        EXECUTE format('ALTER TABLE traceability.facts ATTACH PARTITION traceability.%I FOR VALUES FROM (%L) TO (%L)',
                       name, month, until);
    END IF;
END
$$;
