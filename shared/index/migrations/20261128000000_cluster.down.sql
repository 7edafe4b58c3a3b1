-- The function of before answers the same; on a cluster these pass slices on.
DROP TABLE IF EXISTS traceability.staging, traceability.altered, traceability.touched;
