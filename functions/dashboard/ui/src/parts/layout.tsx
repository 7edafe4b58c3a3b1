import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Me } from "../api/shapes";
import { activeKeys, useKeys } from "../keys";
import { credential, forgetKey, needed } from "../login/credential";
import { revoke } from "../login/oidc";
import { href, location, navigate, setQuery } from "../router";
import { link, view } from "../state";
import { t } from "../text";
import { RangePicker, ZonePicker } from "./window";

const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];
const THEME = "llm-traceability.theme";

function storedTheme(): Theme {
  const found = localStorage.getItem(THEME);
  return THEMES.includes(found as Theme) ? (found as Theme) : "auto";
}

export const theme = signal<Theme>("auto");

export function applyTheme(chosen: Theme = storedTheme()): void {
  theme.value = chosen;
  if (chosen === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  localStorage.setItem(THEME, chosen);
}

/** Who the reader is, once that is known. */
export const me = signal<Me | null>(null);
/** Whether the list of keys is shown. */
const showsKeys = signal(false);

const PAGES: [path: string, name: string][] = [
  ["/", t.pages.overview],
  ["/sessions", t.pages.sessions],
  ["/requests", t.pages.requests],
  ["/costs", t.pages.costs],
  ["/calls", t.pages.calls],
  ["/quality", t.pages.quality],
];

function seen(found: Me): string {
  const parts = [found.name ?? t.who.key];
  const listed = [
    found.team_ids.length > 0 ? t.who.teams(found.team_ids.length) : "",
    found.user_ids.length > 1 ? t.who.users(found.user_ids.length) : "",
    found.agents.length > 0 ? t.who.agents(found.agents.length) : "",
  ].filter((text) => text !== "");
  if (found.rows === "all") parts.push(t.who.rows.all ?? "");
  else if (listed.length > 0) parts.push(...listed);
  else parts.push(t.who.rows[found.rows] ?? found.rows);
  if (!found.content) parts.push(t.who.noContent);
  return parts.join(" · ");
}

function logOut(): void {
  revoke().catch(() => {});
  forgetKey();
  me.value = null;
  needed.value = "asked";
  navigate(href("/login"));
}

function Who() {
  const found = me.value;
  return (
    <span class="who">
      <span class="who-text" title={found ? seen(found) : undefined}>
        {found ? (found.login === "anonymous" ? t.who.anonymous : seen(found)) : credential.value ? t.who.key : ""}
      </span>
      {credential.value && (
        <button type="button" class="button quiet" onClick={logOut}>
          {t.login.out}
        </button>
      )}
    </span>
  );
}

function KeyHelp() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = showsKeys.value;
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
    if (!open && dialog.current?.open) dialog.current.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="keys-title"
      onClose={() => {
        showsKeys.value = false;
      }}
    >
      {open && (
        <>
          <h2 id="keys-title">{t.keys.title}</h2>
          <dl class="keys">
            {activeKeys().map((key) => (
              <div key={key.key}>
                <dt>
                  <kbd>{key.key}</kbd>
                </dt>
                <dd>{key.does}</dd>
              </div>
            ))}
          </dl>
          <button
            type="button"
            class="button"
            onClick={() => {
              showsKeys.value = false;
            }}
          >
            {t.keys.close}
          </button>
        </>
      )}
    </dialog>
  );
}

interface LayoutProps {
  title: string;
  /** Beside the title. */
  aside?: ComponentChildren;
  /** Whether the page is about a window of time; a single session or request is not. */
  windowed?: boolean;
  children: ComponentChildren;
}

export function Layout({ title, aside, windowed = true, children }: LayoutProps) {
  useKeys([
    {
      key: "?",
      does: t.keys.help,
      run: () => {
        showsKeys.value = true;
      },
    },
  ]);
  useEffect(() => {
    document.title = `${title} · ${t.name}`;
  }, [title]);
  const path = location.value.path;
  return (
    <>
      <a class="skip" href="#main">
        {t.skip}
      </a>
      <header class="top">
        <a class="brand" href={link("/")}>
          <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
            <rect class="brand-a" x="3" y="5" width="15" height="5" rx="2.5" />
            <rect class="brand-b" x="8" y="13.5" width="20" height="5" rx="2.5" />
            <rect class="brand-a" x="17" y="22" width="12" height="5" rx="2.5" />
          </svg>
          <span>{t.name}</span>
        </a>
        <nav aria-label={t.nav}>
          {PAGES.map(([to, name]) => {
            const current = to === "/" ? path === "/" : path === to || path.startsWith(`${to}/`);
            return (
              <a key={to} href={link(to)} aria-current={current ? "page" : undefined}>
                {name}
              </a>
            );
          })}
        </nav>
        <div class="tools">
          <ZonePicker />
          <label class="pick">
            <span class="visually-hidden">{t.theme.label}</span>
            <select value={theme.value} onChange={(event) => applyTheme(event.currentTarget.value as Theme)}>
              {THEMES.map((name) => (
                <option key={name} value={name}>
                  {t.theme[name]}
                </option>
              ))}
            </select>
          </label>
          <button
            type="button"
            class="button quiet"
            aria-label={t.keys.help}
            onClick={() => {
              showsKeys.value = true;
            }}
          >
            ?
          </button>
          <Who />
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <div class="head">
          <h1>{title}</h1>
          {windowed && <RangePicker />}
          {aside}
        </div>
        {view.value.faults.map((fault) => (
          <p key={fault} class="notice" role="status">
            {fault}{" "}
            <button
              type="button"
              class="link"
              onClick={() =>
                setQuery(Object.fromEntries([...location.value.query.keys()].map((name) => [name, null])), "replace")
              }
            >
              {t.address.fix}
            </button>
          </p>
        ))}
        {children}
      </main>
      <KeyHelp />
    </>
  );
}
