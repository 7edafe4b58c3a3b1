import { useEffect, useRef, useState } from "preact/hooks";
import { tryKey } from "../api/client";
import { asProblem } from "../api/problem";
import { config } from "../login/config";
import { keepKey, needed } from "../login/credential";
import { comeBack, leave } from "../login/oidc";
import { BASE, href, location, navigate } from "../router";
import { t } from "../text";

/** Where the reader was going: this address, or else the one that the log-in page was given. */
function target(): string {
  const { path, query } = location.value;
  return path === "/login" ? href("/") : href(path, query);
}

export function LoginPage() {
  const field = useRef<HTMLInputElement>(null);
  const [state, setState] = useState<"waiting" | "checking" | "coming">("waiting");
  const [said, setSaid] = useState<string | null>(null);
  const { oidc } = config.value;

  useEffect(() => {
    document.title = `${t.login.title} · ${t.name}`;
    const { path, query } = location.value;
    if (path !== "/login" || !(query.has("code") || query.has("error"))) return;
    setState("coming");
    comeBack(query).then(
      (to) => {
        history.replaceState(null, "", `${BASE}/login`);
        navigate(to ?? href("/"));
      },
      (error: unknown) => {
        history.replaceState(null, "", `${BASE}/login`);
        setSaid(error instanceof Error ? error.message : String(error));
        setState("waiting");
      },
    );
  }, []);

  const logIn = async (key: string) => {
    setState("checking");
    setSaid(null);
    const to = target();
    try {
      // What a header cannot carry is no key.
      if (!/^[\x21-\x7e]+$/.test(key)) return setSaid(t.login.wrong);
      await tryKey(key);
      keepKey(key);
      if (location.value.path === "/login") navigate(to);
    } catch (error) {
      const problem = asProblem(error);
      setSaid(
        problem.kind === "login" ? t.login.wrong : problem.kind === "forbidden" ? t.login.noRights : problem.detail,
      );
    } finally {
      setState("waiting");
    }
  };

  return (
    <main class="login" id="main">
      <div class="card">
        <p class="brand-line">{t.name}</p>
        <h1>{t.login.title}</h1>
        <p class="muted">{needed.value === "expired" && !said ? t.login.expired : t.login.lead}</p>
        {state === "coming" ? (
          <p role="status">{t.login.oidc.coming}</p>
        ) : (
          <>
            {oidc && (
              <>
                <button
                  type="button"
                  class="button primary wide"
                  onClick={() =>
                    leave(target()).catch((error: unknown) =>
                      setSaid(error instanceof Error ? error.message : String(error)),
                    )
                  }
                >
                  {t.login.oidc.button}
                </button>
                <p class="or muted">{t.login.oidc.or}</p>
              </>
            )}
            <form
              onSubmit={(event) => {
                event.preventDefault();
                const key = field.current?.value.trim() ?? "";
                if (key === "") setSaid(t.login.empty);
                else void logIn(key);
              }}
            >
              <label for="key">{t.login.key}</label>
              <input
                id="key"
                ref={field}
                type="password"
                name="key"
                autoComplete="off"
                spellcheck={false}
                aria-describedby="key-hint"
              />
              <p id="key-hint" class="muted small">
                {t.login.keyHint}
              </p>
              <button
                type="submit"
                class={oidc ? "button wide" : "button primary wide"}
                disabled={state === "checking"}
              >
                {state === "checking" ? t.login.checking : t.login.submit}
              </button>
            </form>
          </>
        )}
        {said && (
          <p class="problem" role="alert">
            {said}
          </p>
        )}
      </div>
    </main>
  );
}
