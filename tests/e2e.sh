#!/usr/bin/env bash
# Runs the API tests against the built Lambda functions, over HTTP: `cargo lambda watch` stands in for API Gateway and
# Lambda, the PostgreSQL server of TEST_DATABASE_URL for LiteLLM's.
#
#     tests/native-postgres.sh tests/e2e.sh [ARGUMENT-OF-THE-TESTS...]
#
# E2E_RELEASES narrows the releases of LiteLLM, as "1.109.1", and E2E_QUESTIONS the questions that are asked through a gateway,
# as "smoke audit"; E2E_OF_FUNCTIONS the tests that start a function by themselves.
# For each release of LiteLLM that there are rows of, the functions run behind a port of their own, over the database
# that the tests make for the release, and at the hour at which the tests look at it (libfaketime sets their clock).
# The tests find all this through E2E_GATEWAYS, E2E_AWS (moto's server, which is AWS to these functions), E2E_FUNCTIONS and
# E2E_MOTO. Whatever was started here ends here.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}
step() { printf '\n== %s (%s s so far)\n' "$1" "$SECONDS"; }

venv=$PWD/.venv
[ -n "${TEST_DATABASE_URL-}" ] || fail "there is no server: run it as tests/native-postgres.sh $0"
for tool in cargo-lambda moto_server python; do
    [ -x "$venv/bin/$tool" ] || fail "there is no .venv/bin/$tool: run 'make setup'"
done
faketime=$("$venv/bin/python" -c 'import libfaketime, os; print(os.path.dirname(libfaketime.__file__))') \
    || fail "there is no libfaketime in .venv: run 'make setup'"
faketime=$faketime/vendor/libfaketime/src/libfaketime.so.1
[ -f "$faketime" ] || fail "libfaketime was not built for this system: run it on Linux, with a C compiler"
export PATH="$venv/bin:$PATH"

step "build the functions"
cargo build
functions=$PWD/target/e2e
mkdir -p "$functions"
for function in sessions analytics requests reports health cost-report; do
    # Links, since a build of anything else may replace the programs while they are in use.
    ln -f "target/debug/$function" "$functions/$function"
done

step "build the tests"
cargo test --workspace --test real_rows --test functions --no-run

# Not below this folder, where cargo-lambda would look at every line that is written.
folder=$(mktemp -d "${TMPDIR:-/tmp}/e2e.XXXXXX")
watches=()

# Ends a process and those that it started; `cargo lambda watch` gives each of its own a process group.
end() {
    local children child
    children=$(ps -o pid= --ppid "$1" || true)
    kill -TERM "$1" 2>/dev/null || true
    for _ in $(seq 50); do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$1" 2>/dev/null || true
    for child in $children; do
        kill -KILL -- "-$child" 2>/dev/null || true
    done
    wait "$1" 2>/dev/null || true
}
clean_up() {
    local watch
    for watch in "${watches[@]}"; do
        end "$watch"
    done
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# An hour after the last request of a release, as the tests have it.
hour_of() {
    gzip -dc "tests/fixtures/litellm/$1/LiteLLM_SpendLogs.jsonl.gz" | python -c '
import datetime, json, sys
newest = max(datetime.datetime.fromisoformat(json.loads(line)["endTime"]) for line in sys.stdin)
print((newest + datetime.timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S"))'
}

free_port() {
    local port
    while true; do
        port=$((20000 + RANDOM % 12000))
        case " ${ports[*]} " in *" $port "*) continue ;; esac
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# The database of a release, on the server of TEST_DATABASE_URL: tests/support/database.rs makes it.
database_of() {
    local url=${TEST_DATABASE_URL%%\?*}
    echo "${url%/*}/traceability_test_release_${1//./_}${TEST_DATABASE_URL#"$url"}"
}

releases=() ports=()
for release in tests/fixtures/litellm/*/LiteLLM_SpendLogs.jsonl.gz; do
    release=$(basename "$(dirname "$release")")
    case " ${E2E_RELEASES:-$release} " in *" $release "*) ;; *) continue ;; esac
    releases+=("$release")
    ports+=("$(free_port)")
done

step "start what stands in for AWS"
aws=http://127.0.0.1:$(free_port)
ports+=("${aws##*:}")
moto_server --host 127.0.0.1 --port "${aws##*:}" >"$folder/moto.log" 2>&1 &
watches+=($!)
for _ in $(seq 200); do
    (: <"/dev/tcp/127.0.0.1/${aws##*:}") 2>/dev/null && break
    kill -0 "${watches[0]}" 2>/dev/null || break
    sleep 0.3
done
(: <"/dev/tcp/127.0.0.1/${aws##*:}") 2>/dev/null || { cat "$folder/moto.log" >&2; fail "moto's server does not start"; }

step "start the functions"
gateways=
first=${#watches[@]}
for index in "${!releases[@]}"; do
    release=${releases[index]} port=${ports[index]}
    # It has the database's password. The tests' questions carry no login. Only the functions are to see another time, not
    # Cargo, which starts them.
    (umask 077 && cat >"$folder/$release.env" <<END
DATABASE_URL="$(database_of "$release")"
STATEMENT_TIMEOUT_MS="28000"
AUTH_MODE="none"
ALLOW_ANONYMOUS="yes-anyone-may-read-every-prompt"
LD_PRELOAD="$faketime"
FAKETIME="@$(hour_of "$release")"
FAKETIME_DONT_FAKE_MONOTONIC="1"
FAKETIME_ONLY_CMDS="sessions,analytics,requests,reports,health,cost-report"
TZ="UTC"
REPORT_BUCKET="reports-${release//./-}"
AWS_ENDPOINT_URL="$aws"
AWS_ACCESS_KEY_ID="ASIAIOSFODNN7EXAMPLE"
AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
AWS_REGION="eu-central-1"
END
    )
    cargo lambda watch --ignore-changes --invoke-address 127.0.0.1 --invoke-port "$port" --disable-cors \
        --env-file "$folder/$release.env" >"$folder/$release.log" 2>&1 &
    watches+=($!)
    gateways="$gateways $release=http://127.0.0.1:$port"
done
for index in "${!releases[@]}"; do
    for _ in $(seq 100); do
        # By the first request a function is started.
        if curl -fsS -m 30 -o /dev/null "http://127.0.0.1:${ports[index]}/health/live" 2>/dev/null; then
            echo "LiteLLM ${releases[index]}: http://127.0.0.1:${ports[index]}"
            continue 2
        fi
        kill -0 "${watches[first + index]}" 2>/dev/null || break
        sleep 0.3
    done
    tail -n 40 "$folder/${releases[index]}.log" >&2
    fail "the functions for LiteLLM ${releases[index]} do not start"
done

step "test"
status=0
# What asks a gateway, and what starts a function or asks AWS by itself.
export E2E_GATEWAYS=$gateways E2E_AWS=$aws E2E_FUNCTIONS=$functions E2E_MOTO=$venv/bin/moto_server
# shellcheck disable=SC2086  # each is a part of a test's name
cargo test --workspace --no-fail-fast --test real_rows -- --include-ignored "$@" ${E2E_QUESTIONS-} || status=$?
# shellcheck disable=SC2086
cargo test --workspace --no-fail-fast --test functions -- --include-ignored "$@" ${E2E_OF_FUNCTIONS-} || status=$?
if [ "$status" != 0 ]; then
    for release in "${releases[@]}"; do
        printf '\n== the last that the functions for LiteLLM %s logged beside answers\n' "$release"
        grep -v '"message":"request".*"status":[1-4]' "$folder/$release.log" | tail -n 20
    done
fi
step "done"
exit "$status"
