WITH
requests AS (
  SELECT
    s."startTime" AS started_at,
    NULLIF(s.team_id, '') AS team_id,
    COALESCE(
      NULLIF(s.model_group, ''),
      NULLIF(
        CASE
          WHEN s.custom_llm_provider <> ''
          AND starts_with(s.model, s.custom_llm_provider || '/') THEN substr(s.model, length(s.custom_llm_provider) + 2)
          ELSE s.model
        END,
        ''
      )
    ) AS model_group,
    s.total_tokens AS total_tokens,
    CASE WHEN s.spend BETWEEN -1e12 AND 1e12 THEN s.spend::float8 ELSE 0 END AS spend
  FROM "LiteLLM_SpendLogs" s
  WHERE s."startTime" >= $1 AND s."startTime" < $2
),
partials AS (
  SELECT
    COALESCE(f.team_id, 'unknown') AS k1,
    COALESCE(f.model_group, 'unknown') AS k2,
    1 AS bucket,
    (count(*))::bigint AS requests,
    (COALESCE(sum(f.total_tokens), 0))::bigint AS total_tokens,
    (COALESCE(sum(f.spend::numeric), 0))::numeric AS spend
  FROM requests AS f
  GROUP BY 1, 2, 3
),
whole AS (SELECT sum(p.spend) AS spend FROM partials AS p),
ranked AS (
  SELECT
    p.k1,
    p.k2,
    row_number() OVER (ORDER BY sum(p.spend) DESC, sum(p.requests) DESC, p.k1 COLLATE "C", p.k2 COLLATE "C") AS place
  FROM partials AS p
  GROUP BY p.k1, p.k2
  ORDER BY place
  LIMIT $3
)
SELECT
  CASE WHEN r.place IS NULL THEN '{}'::text[] ELSE ARRAY[r.k1, r.k2] END AS keys,
  r.place IS NULL AS other,
  NULL::integer AS bucket,
  (COALESCE(sum(p.requests), 0))::bigint AS requests,
  (COALESCE(sum(p.total_tokens), 0))::bigint AS total_tokens,
  (COALESCE(sum(p.spend), 0))::float8 AS spend,
  COALESCE(sum(p.spend), 0) AS exact_spend,
  COALESCE((sum(p.spend) / NULLIF(sum(p.requests), 0))::float8, 0) AS avg_spend,
  COALESCE(
    LEAST(
      GREATEST(round(100 * sum(p.spend) / NULLIF((SELECT whole.spend FROM whole), 0), 2), 0),
      100
    ),
    0
  )::float8 AS share_of_spend
FROM partials AS p LEFT JOIN ranked AS r ON r.k1 = p.k1 AND r.k2 = p.k2
GROUP BY r.place, r.k1, r.k2
ORDER BY r.place NULLS LAST, bucket NULLS FIRST;

SELECT DISTINCT
  r.id,
  (SELECT NULLIF(l.team_alias, '') FROM "LiteLLM_TeamTable" l WHERE l.team_id = r.id)
FROM unnest($1::text[]) AS r(id);
