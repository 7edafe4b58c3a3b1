// Logging in.

export const login = {
  login: {
    title: "Log in",
    lead: "See sessions, conversations and costs that your key may read.",
    key: "LiteLLM key or service key",
    keyHint: "Starts with sk-. It stays in this tab and is forgotten when you close it.",
    submit: "Log in",
    checking: "Checking…",
    wrong: "This key is not valid, expired or revoked.",
    noRights: "This key is valid, but may not read logs.",
    expired: "Your login has expired. Log in again to go on where you were.",
    out: "Log out",
    empty: "Enter a key.",
    oidc: {
      button: "Log in with your company account",
      or: "or with a key",
      noConfiguration: "The login service does not answer. Try again later.",
      otherIssuer: "The login service does not say what it should. Tell the operator.",
      otherState: "This login was started in another tab, or too long ago. Start again.",
      refused: (why: string) => `The login service refused: ${why}`,
      noToken: "The login service gave no token. Start again.",
      coming: "Finishing the login…",
    },
  },
};
