//! What was said, for the requests of which it is kept.

use serde_json::{Value, json};

use super::row::Request;

/// How many turns back a prompt repeats.
const HISTORY: u32 = 8;

/// The logged request, as LiteLLM keeps it with `store_prompts_in_spend_logs`.
pub fn prompt(request: &Request<'_>) -> String {
    let number = request.planned.number;
    let name = request.agent.map_or("assistant", |agent| &agent.name);
    let mut messages = vec![json!({"role": "system", "content": format!("You are {name}. Answer briefly.")})];
    for turn in number.saturating_sub(HISTORY)..number {
        messages.push(json!({"role": "user", "content": question(request, turn)}));
        messages.push(json!({"role": "assistant", "content": answer(request, turn)}));
    }
    messages.push(json!({"role": "user", "content": question(request, number)}));
    json!({"model": request.model.group, "messages": messages, "stream": request.first_token.is_some(),
           "user": request.end_user, "temperature": 0.2})
    .to_string()
}

/// The response.
pub fn response(request: &Request<'_>) -> String {
    if request.failure.is_some() {
        return "{}".into();
    }
    let [prompt, _, completion] = request.tokens;
    let usage = json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion});
    if request.model.output == 0 {
        return json!({"object": "list", "data": [], "model": request.model.group, "usage": usage}).to_string();
    }
    let calls: Vec<Value> = request.tools.iter().zip(0..).map(|(tool, index)| call(request, tool, index)).collect();
    let content = calls.is_empty().then(|| answer(request, request.planned.number));
    let mut message = json!({"role": "assistant", "content": content});
    let finish = if calls.is_empty() { "stop" } else { "tool_calls" };
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    json!({"id": request.id, "object": "chat.completion", "created": request.planned.start / 1_000,
           "model": request.model.group, "usage": usage,
           "choices": [{"index": 0, "finish_reason": finish, "message": message}]})
    .to_string()
}

fn call(request: &Request<'_>, tool: &str, index: u32) -> Value {
    let arguments = json!({"id": format!("A-{}", request.planned.session), "part": index}).to_string();
    json!({"id": format!("call_{}_{index}", &request.call_id[..13]), "type": "function",
           "function": {"name": tool, "arguments": arguments}})
}

fn question(request: &Request<'_>, turn: u32) -> String {
    let topic = request.conversation.as_deref().unwrap_or("this");
    format!(
        "Question {turn} about {topic}: what is known of case {} by now, and what has to be done next?",
        request.planned.session
    )
}

fn answer(request: &Request<'_>, turn: u32) -> String {
    format!(
        "Answer {turn}: case {} was looked at. It is waiting for one more reply, which is due tomorrow; nothing has to \
         be done before.",
        request.planned.session,
    )
}
