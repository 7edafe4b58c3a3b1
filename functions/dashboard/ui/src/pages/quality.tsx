import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useReport } from "../api/ask";
import type { Schemas } from "../api/client";
import { type Health, useHealth } from "../api/health";
import { money, number, time } from "../format";
import { AsOf } from "../parts/asof";
import { Filters } from "../parts/filters";
import { Layout } from "../parts/layout";
import { Shown } from "../parts/states";
import { refresh } from "../refresh";
import { visible } from "../safe";
import { ANALYTICS_FILTERS, link, zone } from "../state";
import { t } from "../text";

type Quality = Schemas["Quality"];

function Finding({
  title,
  state,
  children,
}: {
  title: string;
  state: "good" | "bad" | "unknown";
  children: ComponentChildren;
}) {
  return (
    <section class="card finding" data-state={state}>
      <h2>
        <span class="sign" aria-hidden="true">
          {state === "good" ? "✓" : state === "bad" ? "!" : "?"}
        </span>
        {title}
      </h2>
      {children}
    </section>
  );
}

function Unpriced({ quality }: { quality: Quality }) {
  const words = t.quality;
  const { unpriced_models: models, unpriced_requests: requests, unpriced_tokens: tokens } = quality;
  if (requests == null)
    return (
      <Finding title={words.unpriced} state="unknown">
        <p class="muted">{words.unknown}</p>
      </Finding>
    );
  if (requests === 0)
    return (
      <Finding title={words.unpriced} state="good">
        <p>{words.noUnpriced}</p>
      </Finding>
    );
  return (
    <Finding title={words.unpriced} state="bad">
      <p>{words.unpricedText(number(requests), number(tokens))}</p>
      <ul class="rows">
        {(models ?? []).map((model) => (
          <li key={model.model}>
            <a class="name" href={link("/requests", { model: model.model })}>
              <bdi>{visible(model.model)}</bdi>
            </a>
            <span class="num">{number(model.requests)}</span>
          </li>
        ))}
      </ul>
      <p class="muted small">{words.unpricedCure}</p>
    </Finding>
  );
}

function Lost({ quality }: { quality: Quality }) {
  const words = t.quality;
  const count = quality.requests_with_lost_cost;
  if (count == null)
    return (
      <Finding title={words.lost} state="unknown">
        <p class="muted">{words.lostUnknown}</p>
      </Finding>
    );
  return (
    <Finding title={words.lost} state={count === 0 ? "good" : "bad"}>
      <p>{count === 0 ? words.noLost : words.lostText(number(count), money(quality.lost_cost))}</p>
    </Finding>
  );
}

function Sessionless({ quality }: { quality: Quality }) {
  const words = t.quality;
  const count = quality.requests_without_session;
  if (count == null)
    return (
      <Finding title={words.sessions} state="unknown">
        <p class="muted">{words.unknown}</p>
      </Finding>
    );
  return (
    <Finding title={words.sessions} state={count === 0 ? "good" : "bad"}>
      <p>{count === 0 ? words.noSessions : words.sessionsText(number(count))}</p>
      {count > 0 && <p class="muted small">{words.sessionsCure}</p>}
    </Finding>
  );
}

function Flags({ quality }: { quality: Quality }) {
  const words = t.quality;
  if (!quality.flags)
    return (
      <Finding title={words.flags} state="unknown">
        <p class="muted">{words.unknown}</p>
      </Finding>
    );
  const found = quality.flags.filter((flag) => flag.requests > 0);
  return (
    <Finding title={words.flags} state={found.length === 0 ? "good" : "bad"}>
      {found.length === 0 ? (
        <p>{words.noFlags}</p>
      ) : (
        <ul class="rows stacked">
          {found.map((flag) => (
            <li key={flag.flag}>
              <span class="num">{number(flag.requests)}</span> {flag.description}
            </li>
          ))}
        </ul>
      )}
    </Finding>
  );
}

function Origins({ quality }: { quality: Quality }) {
  if (!quality.origins)
    return (
      <Finding title={t.quality.origins} state="unknown">
        <p class="muted">{t.quality.unknown}</p>
      </Finding>
    );
  return (
    <section class="card">
      <h2>{t.quality.origins}</h2>
      <ul class="rows">
        {quality.origins.map((origin) => (
          <li key={origin.origin}>
            <a class="name" href={link("/requests", { origin: origin.origin })}>
              {t.filter.choices[origin.origin]}
            </a>
            <span class="num">{number(origin.requests)}</span>
            <span class="num">{money(origin.cost)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Index({ health }: { health: Health }) {
  const index = health.index;
  const state = index?.state;
  const good = health.status === "healthy" && (state === undefined || state === "ready");
  // All else on the page is of what answered until now.
  const before = useRef(state);
  useEffect(() => {
    if (before.current === "filling" && state === "ready") refresh();
    before.current = state;
  }, [state]);
  return (
    <Finding title={t.quality.index} state={good ? "good" : "bad"}>
      {(good || state) && <p>{state === undefined ? t.quality.log : (t.quality.states[state] ?? state)}</p>}
      {index?.lag_seconds != null && <p class="muted">{t.quality.lag(index.lag_seconds)}</p>}
      {health.newest_request && (
        <p class="muted">
          {t.quality.newest}: {time(health.newest_request, zone.value)}
        </p>
      )}
      {health.error && <p class="bad">{health.error}</p>}
    </Finding>
  );
}

export function QualityPage() {
  const report = useReport(1);
  const health = useHealth();
  return (
    <Layout title={t.pages.quality} aside={<AsOf times={[report.asOf]} />}>
      <p class="muted">{t.quality.lead}</p>
      <Filters names={ANALYTICS_FILTERS} />
      <div class="grid three">
        {health.data ? (
          <Index health={health.data} />
        ) : (
          <Shown asked={health} rows={2}>
            {() => null}
          </Shown>
        )}
        <Shown asked={report} rows={8}>
          {({ quality }) => (
            <>
              <Unpriced quality={quality} />
              <Lost quality={quality} />
              <Sessionless quality={quality} />
              <Flags quality={quality} />
              <Origins quality={quality} />
            </>
          )}
        </Shown>
      </div>
    </Layout>
  );
}
