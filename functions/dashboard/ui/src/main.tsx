import { render } from "preact";
import { useEffect } from "preact/hooks";
import { follow } from "./api/client";
import type { Me } from "./api/shapes";
import { loadConfig } from "./login/config";
import { credential, epoch, needed } from "./login/credential";
import { CallsPage } from "./pages/calls";
import { CostsPage } from "./pages/costs";
import { DiffPage } from "./pages/diff";
import { LoginPage } from "./pages/login";
import { OverviewPage } from "./pages/overview";
import { QualityPage } from "./pages/quality";
import { RequestPage } from "./pages/request";
import { RequestsPage } from "./pages/requests";
import { SessionPage } from "./pages/session";
import { SessionsPage } from "./pages/sessions";
import { applyTheme, Layout, me } from "./parts/layout";
import { followLinks, href, location, segments } from "./router";
import { t } from "./text";
import "uplot/dist/uPlot.min.css";
import "./style.css";

function Page() {
  const { path } = location.value;
  const [first, second, ...rest] = segments(path);
  if (rest.length === 0) {
    if (first === undefined) return <OverviewPage />;
    if (first === "sessions") return second === undefined ? <SessionsPage /> : <SessionPage key={second} id={second} />;
    if (first === "requests") return second === undefined ? <RequestsPage /> : <RequestPage key={second} id={second} />;
    if (first === "diff" && second === undefined) return <DiffPage />;
    if (first === "costs" && second === undefined) return <CostsPage />;
    if (first === "calls" && second === undefined) return <CallsPage />;
    if (first === "quality" && second === undefined) return <QualityPage />;
  }
  return (
    <Layout title={t.pages.missing} windowed={false}>
      <div class="empty">
        <p>
          <bdi>{t.missing(path)}</bdi>
        </p>
        <p>
          <a href={href("/")}>{t.back}</a>
        </p>
      </div>
    </Layout>
  );
}

function App() {
  const login = epoch.value;
  // another login is another reader
  useEffect(() => {
    const abort = new AbortController();
    me.value = null;
    follow<Me>("/api/v1/me", abort.signal).then(
      (found) => {
        me.value = found.data;
      },
      // An older service does not say who one is; where the login is missing, the pages ask for it.
      () => {},
    );
    return () => abort.abort();
  }, [login]);
  if (location.value.path === "/login" || (needed.value !== "no" && !credential.value)) return <LoginPage />;
  return <Page />;
}

const app = document.getElementById("app");
if (app) {
  applyTheme();
  document.addEventListener("click", followLinks);
  loadConfig();
  render(<App />, app);
}
