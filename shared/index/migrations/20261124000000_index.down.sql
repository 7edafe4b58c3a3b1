-- The roles stay: other databases of the server may use them, and logins may belong to them.
DROP TABLE traceability.facts, traceability.sessions, traceability.rollups, traceability.stale, traceability.labels,
    traceability.state;
DROP FUNCTION traceability.add_month(date), traceability.analyze_facts(), traceability.analyze_rollups();
