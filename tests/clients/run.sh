#!/usr/bin/env bash
# Generates clients in TypeScript and Python from the API document into .local/clients, checks their types, and uses them
# against a runner with the sample. `make clients` has built the runner and installed the tools.
set -euo pipefail
cd "$(dirname "$0")/../.."

root=$PWD
clients=$root/.local/clients
document=$root/functions/health/openapi.json
node=$root/.venv/ui/node
modules=$root/functions/dashboard/ui/node_modules
python=$root/.venv/clients/bin
export PATH="$node:$python:$PATH"

rm -rf "$clients"
mkdir -p "$clients"
cp tests/clients/*.{ts,json,py,yaml} "$clients"
ln -s "$modules" "$clients/node_modules"
cd "$clients"

node_modules/.bin/openapi-typescript "$document" --output schema.ts
node_modules/.bin/tsc --project .

openapi-python-client generate --path "$document" --config generator.yaml --meta none --output-path traceability_client \
    --fail-on-warning
mypy --strict check.py traceability_client

# In a folder of its own, the runner has a database of its own and no settings.
env -u DATABASE_URL -u AUTH_MODE API_PORT=0 "$root/target/debug/local" --open >server.log 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true' EXIT
for _ in $(seq 240); do
    address=$(sed -n 's/^LLM Traceability API *//p' server.log)
    [ -n "$address" ] && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.5
done
[ -n "$address" ] || { cat server.log; exit 1; }

node check.ts "$address"
python check.py "$address"
