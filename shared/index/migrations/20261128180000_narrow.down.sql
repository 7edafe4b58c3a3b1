-- The facts stay narrow, which only the steps before would mind: the way back ends with the schema.
DROP VIEW traceability.requests;
DROP TABLE traceability.owners, traceability.deployments;
