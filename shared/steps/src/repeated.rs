//! How much of a prompt an earlier step had sent, by the numbers of tokens alone.

use std::collections::HashMap;
use std::hash::Hash;

use super::span::Span;

/// How many earlier steps of the same conversation are looked at: those that a session may have open at once.
const LOOKED_AT: usize = 32;

/// What is known of a step's prompt without its content.
#[derive(Debug, Clone, Copy)]
pub struct Prompt<C> {
    /// When the step ran.
    pub span: Span,
    /// What a conversation has in common, such as its agent and its model; `None` for a call that is none, such as an
    /// embedding.
    pub conversation: Option<C>,
    /// Tokens of the prompt; 0 where the log has no usage.
    pub prompt_tokens: i64,
    /// Tokens of the completion.
    pub completion_tokens: i64,
}

/// For each step an estimate of how many of its prompt's tokens an earlier step had sent or received: those of the newest
/// earlier step of the conversation that was over before it started and had no larger prompt. `None` where there is nothing to
/// estimate from: a call that is no conversation, or one without usage. The steps must be in the order of their start.
///
/// A chat request repeats its history, so that its prompt is an earlier prompt, the answer to it, and something new. A prompt
/// that got smaller belongs to another branch, or its history was compacted.
#[must_use]
pub fn repeated_tokens<C: Eq + Hash + Copy>(prompts: &[Prompt<C>]) -> Vec<Option<i64>> {
    let mut earlier: HashMap<C, Vec<Prompt<C>>> = HashMap::new();
    prompts.iter().map(|prompt| estimate(*prompt, earlier.entry(prompt.conversation?).or_default())).collect()
}

/// The estimate for one step, which is then one of the `earlier` ones of its conversation.
fn estimate<C: Copy>(prompt: Prompt<C>, earlier: &mut Vec<Prompt<C>>) -> Option<i64> {
    if prompt.prompt_tokens <= 0 {
        return None;
    }
    let may_be =
        |other: &&Prompt<C>| other.span.end <= prompt.span.start && other.prompt_tokens <= prompt.prompt_tokens;
    let continued = earlier.iter().rev().take(LOOKED_AT).find(may_be);
    let said = |other: &Prompt<C>| other.prompt_tokens.saturating_add(other.completion_tokens.max(0));
    let repeated = continued.map_or(0, |other| said(other).min(prompt.prompt_tokens));
    earlier.push(prompt);
    Some(repeated)
}

/// How many in 100 prompt tokens were sent before, rounded to two decimals, over the steps of which that is known; `None` where
/// it is known of none. Each step is its prompt tokens, and those of them that are repeated.
#[must_use]
pub fn repeated_percent(steps: impl Iterator<Item = (i64, Option<i64>)>) -> Option<f64> {
    let known = steps.filter_map(|(all, repeated)| Some((all, repeated?)));
    let (all, repeated) =
        known.fold((0_i64, 0_i64), |sum, (all, repeated)| (sum.0.saturating_add(all), sum.1.saturating_add(repeated)));
    #[expect(clippy::cast_precision_loss, reason = "a percentage of two decimals")]
    let percent = |repeated: i64, all: i64| (repeated as f64 * 10_000.0 / all as f64).round() / 100.0;
    (all > 0).then(|| percent(repeated, all))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn prompt(conversation: Option<u8>, start: i64, prompt_tokens: i64, completion_tokens: i64) -> Prompt<u8> {
        Prompt { span: Span::new(start, start + 5), conversation, prompt_tokens, completion_tokens }
    }

    #[test]
    fn a_growing_chat_repeats_what_it_had_said() {
        let chat = [
            prompt(Some(1), 0, 100, 20),
            prompt(Some(1), 10, 150, 30),
            // Another agent's.
            prompt(Some(2), 20, 160, 10),
            // Failed, without usage.
            prompt(Some(1), 30, 0, 0),
            // An embedding.
            prompt(None, 40, 8, 0),
            prompt(Some(1), 50, 200, 5),
            // The history was compacted.
            prompt(Some(1), 60, 50, 5),
            // Beside the one before it: it continues an earlier one.
            prompt(Some(1), 62, 210, 5),
        ];
        let repeated = repeated_tokens(&chat);
        assert_eq!(repeated, [Some(0), Some(120), Some(0), None, None, Some(180), Some(0), Some(205)]);
        let steps = chat.iter().zip(&repeated).map(|(prompt, repeated)| (prompt.prompt_tokens, *repeated));
        assert_eq!(repeated_percent(steps), Some(58.05));
        assert_eq!(repeated_percent([(0, Some(0)), (5, None)].into_iter()), None);
    }

    proptest! {
        #[test]
        fn no_more_is_repeated_than_was_sent(steps in vec((0_u8..3, 0_i64..9, 0_i64..900, -5_i64..900), 0..80)) {
            let mut at = 0;
            let prompts: Vec<Prompt<u8>> = steps
                .into_iter()
                .map(|(of, pause, prompt_tokens, completion_tokens)| {
                    at += pause;
                    prompt((of > 0).then_some(of), at, prompt_tokens, completion_tokens)
                })
                .collect();
            for (prompt, repeated) in prompts.iter().zip(repeated_tokens(&prompts)) {
                let known = prompt.conversation.is_some() && prompt.prompt_tokens > 0;
                prop_assert_eq!(repeated.is_some(), known);
                prop_assert!(repeated.is_none_or(|repeated| (0..=prompt.prompt_tokens).contains(&repeated)));
            }
        }
    }
}
