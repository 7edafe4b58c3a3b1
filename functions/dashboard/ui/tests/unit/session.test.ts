import { expect, test } from "vitest";
import type { SessionMessage } from "../../src/api/shapes";
import { firstSteps, isFailure, modelOf, nameAt } from "../../src/api/timeline";
import { curlOf, quote } from "../../src/curl";
import { historyOf } from "../../src/parts/turn";
import { visible } from "../../src/safe";
import { costCurve, layoutOf, nextStep, promptParts } from "../../src/waterfall";

type Message = SessionMessage["messages"][number];

const START = Date.parse("2026-11-28T10:00:00Z");

function turn(second: number, seconds: number, more: Partial<SessionMessage> = {}): SessionMessage {
  return {
    request_id: `r${second}`,
    message_sequence: 1,
    timestamp: new Date(START + 1000 * second).toISOString(),
    model: "m",
    status: "success",
    prompt_tokens: 100,
    completion_tokens: 10,
    total_tokens: 110,
    cost: 0.01,
    response_time_seconds: seconds,
    messages_length: 0,
    response_length: 0,
    response_type: "regular_response",
    cache_hit: false,
    messages: [],
    content_available: true,
    ...more,
  } as SessionMessage;
}

const calling = (name: string, city: string): Message =>
  ({
    source: "response",
    role: "assistant",
    redacted: false,
    tool_calls: [{ name, kind: "function", arguments: { city } }],
  }) as Message;

test("the first turns are steps before the timeline is there", () => {
  const timeline = firstSteps([
    turn(0, 2, { messages: [calling("lookup", "a"), calling("lookup", "b"), calling("order", "c")] }),
    turn(3, 4, { status: "failure", cost: 0, model_group: "public" }),
    turn(1_000, 1, { cost: 0.5, content_available: false }),
  ]);
  const { steps } = timeline;
  expect(steps.started_after).toEqual([0, 3, 1_000]);
  expect(steps.running_cost).toEqual([0.01, 0.01, 0.51]);
  expect([0, 1, 2].map((index) => isFailure(timeline, index))).toEqual([false, true, false]);
  expect([0, 1].map((index) => modelOf(timeline, index))).toEqual(["m", "public"]);
  expect(steps.tools[0]?.map((place) => nameAt(timeline, place))).toEqual(["lookup", "order"]);
  expect(steps.tool_calls).toEqual([3, 0, 0]);
  // What is not stored cannot be counted: nobody may read that as "none".
  expect(steps.human).toEqual([false, false, null]);
  expect(new Set(Object.values(steps).map((column) => column?.length))).toEqual(new Set([3]));
  expect(firstSteps([]).steps.request_id).toEqual([]);
});

test("a waterfall leaves out idle time and says where", () => {
  const { steps } = firstSteps([turn(0, 2), turn(3, 4), turn(1_000, 1)]);
  const layout = layoutOf(steps, [{ after_step: 1, seconds: 993 }]);
  expect([...layout.rows]).toEqual([0, 1, -1, 2]);
  expect([...layout.rowOf]).toEqual([0, 1, 3]);
  expect([...layout.starts]).toEqual([0, 3, 7]);
  expect(layout.length).toBe(8);
  expect(costCurve(steps, 2).map((point) => point.step)).toEqual([0, 2]);
  expect(nextStep(3, 0, 1, (index) => index === 2)).toBe(2);
  expect(nextStep(3, 2, 1, () => true)).toBe(-1);
});

test("the parts of a prompt are its whole", () => {
  const { steps } = firstSteps([turn(0, 1)]);
  for (const [cached, repeated] of [
    [null, null],
    [0, 80],
    [60, 80],
    [90, 40],
    [500, 500],
    [-5, -5],
  ] as [number | null, number | null][]) {
    steps.cached_tokens[0] = cached;
    steps.repeated_tokens[0] = repeated;
    const parts = promptParts(steps, 0);
    expect(parts.fresh + parts.repeated + parts.cached).toBe(100);
    expect(Math.min(parts.fresh, parts.repeated, parts.cached)).toBeGreaterThanOrEqual(0);
  }
});

test("a turn's history ends with the last answer in its prompt", () => {
  const said = (role: string, source = "prompt") => ({ role, source, redacted: false }) as Message;
  expect(historyOf([said("system"), said("user"), said("assistant", "response")])).toBe(0);
  expect(historyOf([said("user"), said("assistant"), said("tool"), said("assistant", "response")])).toBe(2);
});

test("text cannot hide or reorder what is read", () => {
  expect(visible("abc\u202etxt.exe\u2066\u200b\u0007")).toBe("abc⟨U+202E⟩txt.exe⟨U+2066⟩⟨U+200B⟩⟨U+0007⟩");
  expect(visible("line\n\ttab ü 😀 ﷽")).toBe("line\n\ttab ü 😀 ﷽");
});

test("a request becomes a command that says it again, and nothing else", () => {
  const command = curlOf({
    call_type: "acompletion",
    model: "openai/gpt-4o",
    model_group: "gpt-4o",
    messages: [{ role: "user", content: 'it\'s $(rm -rf ~) `id` \\ "x"' }],
    request_parameters: { temperature: 0 } as never,
  });
  expect(command).toContain('curl "$LITELLM_URL/v1/chat/completions"');
  const body = command.slice(command.indexOf("--data-binary ") + 14);
  // Within single quotes a shell takes everything as it is.
  expect(JSON.parse(body.slice(1, -1).replaceAll("'\\''", "'"))).toEqual({
    model: "gpt-4o",
    temperature: 0,
    messages: [{ role: "user", content: 'it\'s $(rm -rf ~) `id` \\ "x"' }],
  });
  expect(quote("a'b")).toBe("'a'\\''b'");
  expect(
    curlOf({ call_type: "aresponses", model: "m", model_group: null, messages: "hi", request_parameters: {} as never }),
  ).toContain("/v1/responses");
});
