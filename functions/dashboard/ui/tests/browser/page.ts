// A browser that notes what must not happen: reports of the policy, requests to elsewhere, errors of the page.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--js-flags=--expose-gc",
];

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  id: string;
  nodes: { html: string }[];
}

let browser: Browser;

/** Starts the browser for the tests of a file. */
export function useBrowser(): void {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  });
  afterAll(() => browser?.close());
}

export interface Visit {
  zone?: string;
  scheme?: "light" | "dark";
  width?: number;
  height?: number;
  /** A key that the tab has already. */
  key?: string;
}

export class Visitor {
  /** What must not have happened. */
  readonly faults: string[] = [];

  private constructor(
    readonly page: Page,
    readonly context: BrowserContext,
    readonly base: string,
  ) {}

  static async of(base: string, visit: Visit = {}): Promise<Visitor> {
    const context = await browser.newContext({
      viewport: { width: visit.width ?? 1280, height: visit.height ?? 800 },
      colorScheme: visit.scheme ?? "light",
      timezoneId: visit.zone ?? "Europe/Berlin",
      locale: "en-US",
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const page = await context.newPage();
    const visitor = new Visitor(page, context, base);
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
      });
      (window as unknown as { attacked: () => void }).attacked = () => console.error("policy: an attack ran");
    });
    if (visit.key) {
      await page.addInitScript((key) => {
        if (!sessionStorage.getItem("visited")) sessionStorage.setItem("llm-traceability.key", key);
        sessionStorage.setItem("visited", "yes");
      }, visit.key);
    }
    page.on("pageerror", (error) => visitor.faults.push(error.stack ?? error.message));
    page.on("console", (message) => {
      if (message.type() === "error" && /policy/i.test(message.text())) visitor.faults.push(message.text());
    });
    page.on("request", (request) => {
      const url = new URL(request.url());
      // The issuer of the tests is on this machine, too.
      if (!["127.0.0.1", "localhost"].includes(url.hostname) && !["data:", "blob:"].includes(url.protocol))
        visitor.faults.push(`asked ${request.url()}`);
    });
    return visitor;
  }

  async go(path: string): Promise<Page> {
    await this.page.goto(`${this.base}/dashboard${path}`);
    return this.page;
  }

  /** Waits until nothing on the page is being loaded. */
  async settled(): Promise<void> {
    await this.page.waitForFunction(
      () => document.querySelector("main") && !document.querySelector('[aria-busy="true"]'),
      null,
      {
        timeout: 45_000,
      },
    );
  }

  /** What axe has against the page as it is now. */
  async violations(): Promise<string[]> {
    // From outside of the page: its policy would not let it in.
    const session = await this.context.newCDPSession(this.page);
    await session.send("Runtime.evaluate", { expression: AXE });
    const { result } = await session.send("Runtime.evaluate", {
      expression: "axe.run().then((found) => JSON.stringify(found.violations))",
      awaitPromise: true,
    });
    const found = JSON.parse(String(result.value)) as Violation[];
    return found.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html)}`);
  }

  async close(): Promise<void> {
    await this.context.close();
    expect(this.faults).toEqual([]);
  }
}

/** An answer of the API itself, to compare with what the page says. */
export async function ask<T>(base: string, path: string, key?: string): Promise<T> {
  const response = await fetch(`${base}${path}`, { headers: key ? { authorization: `Bearer ${key}` } : {} });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}
