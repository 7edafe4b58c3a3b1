import { useMemo } from "preact/hooks";
import type { Timeline } from "../api/shapes";
import { number } from "../format";
import { t } from "../text";
import { layoutOf } from "../waterfall";
import { Minimap } from "./minimap";
import { Steps } from "./steps";

interface WaterfallProps {
  timeline: Timeline;
  selected: number;
  onSelect: (index: number) => void;
}

export function Waterfall(props: WaterfallProps) {
  const { timeline } = props;
  const { steps, whole } = timeline;
  const layout = useMemo(() => layoutOf(steps, whole?.verdict.idle_gaps ?? []), [steps, whole]);
  const [knowsRepeated, knowsCached] = useMemo(
    () => [steps.repeated_tokens, steps.cached_tokens].map((column) => column.some((tokens) => tokens != null)),
    [steps],
  );
  return (
    <section class="waterfall" aria-label={t.session.waterfall}>
      <Minimap {...props} />
      <div class="wf-row wf-head" aria-hidden="true">
        <span class="wf-n">{t.session.heads.turn}</span>
        <span class="wf-at">{t.session.heads.at}</span>
        <span class="wf-what">{t.session.heads.what}</span>
        <span class="wf-when">{t.session.heads.when}</span>
        <span class="wf-took" />
        <span class="wf-bar">{t.session.heads.tokens}</span>
        <span class="wf-tok" />
        <span class="wf-cost">{t.session.heads.cost}</span>
        <span class="wf-run">{t.session.heads.running}</span>
      </div>
      <Steps {...props} layout={layout} />
      <p class="legend">
        {knowsRepeated && (
          <span>
            <i class="swatch tok-repeated" />
            {t.session.legend.repeated}
          </span>
        )}
        {knowsCached && (
          <span>
            <i class="swatch tok-cached" />
            {t.session.legend.cached}
          </span>
        )}
        <span>
          <i class="swatch tok-fresh" />
          {knowsRepeated ? t.session.legend.fresh : t.session.legend.prompt}
        </span>
        <span>
          <i class="swatch tok-completion" />
          {t.session.legend.completion}
        </span>
        <span class="muted num">{number(steps.request_id.length)}</span>
      </p>
    </section>
  );
}
