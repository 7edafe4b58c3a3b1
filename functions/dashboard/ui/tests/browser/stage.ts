// What the tests look at: a database with LiteLLM's sample and some rows more, and local runners over it.
//
// TEST_DATABASE_URL is a PostgreSQL server of the tests' own (tests/native-postgres.sh); LOCAL_RUNNER is the program,
// target/debug/local if not given, and INDEXER the one beside it.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { Issuer } from "./issuer";

declare module "vitest" {
  export interface ProvidedContext {
    /** A runner that asks nobody to log in. */
    open: string;
    /** A runner that takes service keys and tokens of the issuer. */
    guarded: string;
    /** The database of both. */
    database: string;
    /** A runner whose index is empty, and the database that `fillIndex` fills it in. */
    filling: { address: string; database: string };
  }
}

export const KEYS = { all: "sk-dashboard-all", support: "sk-dashboard-support", words: "sk-dashboard-without-content" };

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = join(HERE, "../../../../..");
const RUNNER = process.env.LOCAL_RUNNER ?? join(ROOT, "target/debug/local");
const INDEXER = process.env.INDEXER ?? join(ROOT, "target/debug/indexer");
/** A cold build machine starts a program of this size slowly. */
const START_MS = 180_000;

const OPEN = { AUTH_MODE: "none", ALLOW_ANONYMOUS: "yes-anyone-may-read-every-prompt" };

const hash = (key: string) => createHash("sha256").update(key).digest("hex");

function serviceKeys(): string {
  const nothing = { teams: [], users: [], agents: [] };
  return JSON.stringify([
    { name: "everything", sha256: hash(KEYS.all), scope: "all", content: true },
    { name: "support", sha256: hash(KEYS.support), scope: { ...nothing, teams: ["team-support"] }, content: true },
    { name: "figures", sha256: hash(KEYS.words), scope: "all", content: false },
  ]);
}

class Runner {
  constructor(
    readonly address: string,
    private readonly child: ChildProcess,
  ) {}

  static start(folder: string, settings: Record<string, string>, ...options: string[]): Promise<Runner> {
    const child = spawn(RUNNER, options, {
      cwd: folder,
      env: {
        PATH: process.env.PATH ?? "",
        API_PORT: "0",
        STATEMENT_TIMEOUT_MS: "20000",
        AUDIT_LOG: join(folder, "audit.log"),
        ...settings,
      },
    });
    return new Promise((resolve, reject) => {
      let said = "";
      const late = setTimeout(() => reject(new Error(`the runner did not start: ${said}`)), START_MS);
      const read = (chunk: Buffer) => {
        said += chunk.toString();
        const found = /Dashboard\s+(http:\/\/\S+)\/dashboard/.exec(said);
        if (!found?.[1]) return;
        clearTimeout(late);
        resolve(new Runner(found[1], child));
      };
      child.stdout?.on("data", read);
      child.stderr?.on("data", read);
      child.on("exit", (code) => reject(new Error(`the runner ended with ${code}: ${said}`)));
    });
  }

  stop(): void {
    this.child.removeAllListeners("exit");
    this.child.kill();
  }
}

/** For pictures: the embedded database with some generated rows, which look like a company's. */
async function setupForPictures(project: TestProject) {
  const folder = mkdtempSync(join(tmpdir(), "dashboard-"));
  const runner = await Runner.start(folder, OPEN, ...["--open", "--rows", "20000"]);
  project.provide("open", runner.address);
  return () => {
    runner.stop();
    rmSync(folder, { recursive: true });
  };
}

const run = (program: string, url: string, ...options: string[]) =>
  execFileSync(program, options, {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH ?? "", DATABASE_URL: url },
    stdio: "pipe",
  });

/** Fills the index of a database. */
export const fillIndex = (database: string): void => {
  run(INDEXER, database, "--backfill");
};

/** Writes a request to the log, as LiteLLM does when it has been answered. */
export function addRequest(database: string, id: string): void {
  const input = `
    INSERT INTO "LiteLLM_SpendLogs" SELECT made.*
    FROM "LiteLLM_SpendLogs" one, jsonb_populate_record(one, jsonb_build_object('request_id', :'id', 'session_id', 'live',
        'startTime', now() AT TIME ZONE 'UTC', 'endTime', now() AT TIME ZONE 'UTC')) made
    WHERE one.request_id = 'run-a-1'`;
  execFileSync("psql", ["-qX", "-v", "ON_ERROR_STOP=1", "-v", `id=${id}`, database], { input });
}

/** A new database with LiteLLM's sample. */
function makeDatabase(server: string, name: string): string {
  execFileSync("psql", ["-qX", "-v", "ON_ERROR_STOP=1", server, "-c", `CREATE DATABASE ${name}`]);
  const url = new URL(server);
  url.pathname = `/${name}`;
  run(RUNNER, url.href, "sample");
  return url.href;
}

export default async function setup(project: TestProject) {
  if (process.env.SCREENSHOTS) return setupForPictures(project);
  const server = process.env.TEST_DATABASE_URL;
  if (!server) throw new Error("set TEST_DATABASE_URL: `make ui-browser` starts a server for the tests");
  const folder = mkdtempSync(join(tmpdir(), "dashboard-"));
  const database = makeDatabase(server, `dashboard_${process.pid}`);
  execFileSync("psql", ["-qX", "-v", "ON_ERROR_STOP=1", database], { input: readFileSync(join(HERE, "rows.sql")) });
  const indexed = makeDatabase(server, `dashboard_${process.pid}_indexed`);
  run(INDEXER, indexed, "migrate");
  const issuer = await Issuer.start();
  const [open, filling, guarded] = await Promise.all([
    Runner.start(folder, { DATABASE_URL: database, ...OPEN }, "--open"),
    Runner.start(folder, { DATABASE_URL: indexed, ...OPEN }, "--open"),
    Runner.start(folder, {
      DATABASE_URL: database,
      AUTH_MODE: "keys,jwt",
      SERVICE_KEYS: serviceKeys(),
      JWT_ISSUER: issuer.address,
      JWT_AUDIENCE: "llm-traceability",
      DASHBOARD_OIDC_CLIENT_ID: "dashboard",
    }),
  ]);
  project.provide("open", open.address);
  project.provide("guarded", guarded.address);
  project.provide("database", database);
  project.provide("filling", { address: filling.address, database: indexed });
  return async () => {
    open.stop();
    filling.stop();
    guarded.stop();
    await issuer.stop();
    rmSync(folder, { recursive: true });
  };
}
