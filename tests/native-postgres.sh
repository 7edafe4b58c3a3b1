#!/usr/bin/env bash
# Runs a command beside a PostgreSQL server of its own, and stops the server when the command has ended.
#
#     tests/native-postgres.sh [--keep DIR] COMMAND [ARGUMENT...]
#
# The command finds the server through TEST_DATABASE_URL, and psql through PGHOST and its like. The server also speaks
# TLS, as localhost, 127.0.0.1 and ::1, where `openssl` is installed: its certificate is signed by the CA in the file
# TEST_DATABASE_CA. The URL asks for none: write another sslmode into it. The exit status is the command's. --keep leaves
# the databases in DIR, for the next run with the same DIR; else nothing is left.
set -euo pipefail

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

keep=
if [ "${1-}" = --keep ]; then
    [ $# -ge 2 ] || fail "--keep needs a folder"
    keep=$2
    shift 2
fi
case ${1-} in '' | -*) fail "usage: ${0##*/} [--keep DIR] COMMAND [ARGUMENT...]" ;; esac

# The server's programs: of the installation that pg_config belongs to, else of the newest, else on the PATH.
find_programs() {
    local folder
    {
        pg_config --bindir || true
        printf '%s\n' /usr/lib/postgresql/*/bin | sort --version-sort --reverse
        dirname "$(command -v pg_ctl)" || true
    } 2>/dev/null | while read -r folder; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ] && [ -x "$folder/postgres" ]; then
            echo "$folder"
            break
        fi
    done
}
programs=$(find_programs)
[ -n "$programs" ] || fail "there is no PostgreSQL server here: install one, with 'apt-get install postgresql'," \
    "'dnf install postgresql-server' or 'brew install postgresql@18'"

# PostgreSQL refuses to run as root. The command itself keeps running as the caller.
server_user=
if [ "$(id -u)" = 0 ]; then
    for candidate in postgres nobody; do
        if id -u "$candidate" >/dev/null 2>&1; then
            server_user=$candidate
            break
        fi
    done
    [ -n "$server_user" ] || fail "there is no user to run PostgreSQL as: create one, with 'useradd --system postgres'"
fi
as_server() {
    if [ -z "$server_user" ]; then
        "$@"
    elif command -v runuser >/dev/null; then
        # The caller's folder may be closed to the other user.
        (cd / && runuser -u "$server_user" -- "$@")
    else
        # shellcheck disable=SC2016  # for the shell that su starts
        (cd / && su -s /bin/sh -c 'exec "$0" "$@"' -- "$server_user" "$@")
    fi
}

if [ -n "$keep" ]; then
    mkdir -p "$keep"
    folder=$(cd "$keep" && pwd -P)
    # Whatever else is in there is not to be handed to another user.
    [ -e "$folder/data" ] || [ -z "$(ls -A "$folder")" ] || fail "$keep is neither empty nor from an earlier run"
else
    folder=$(mktemp -d "${TMPDIR:-/tmp}/native-postgres.XXXXXX")
fi

started=
stop_mode=${keep:+fast}
stop_mode=${stop_mode:-immediate}
clean_up() {
    # What is thrown away needs no orderly end.
    [ -z "$started" ] || as_server "$programs/pg_ctl" stop -D "$folder/data" -s -m "$stop_mode" || true
    [ -n "$keep" ] || rm -rf "$folder"
}
trap clean_up EXIT
# Bash runs these when the command has ended; a terminal and `timeout` signal the command, too.
trap 'exit 130' INT
trap 'exit 143' TERM

if [ -n "$server_user" ]; then
    chown -R "$server_user" "$folder"
    as_server test -w "$folder" || fail "the user $server_user cannot reach $folder: choose a folder outside of your home"
fi

if [ ! -e "$folder/data/PG_VERSION" ]; then
    # A password, since other users of this machine reach the port as well.
    (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$folder/password")
    [ -z "$server_user" ] || chown "$server_user" "$folder/password"
    as_server "$programs/initdb" -D "$folder/data" -U postgres -A scram-sha-256 --pwfile="$folder/password" \
        -E UTF8 --no-locale --no-sync >/dev/null
elif as_server "$programs/pg_ctl" status -D "$folder/data" >/dev/null; then
    fail "$keep is in use: another run has started its server"
fi

# Makes a CA and a certificate of the server that it signs. The CA's key does not outlive this function, so a new
# certificate is always one of a new CA.
make_certificate() {
    local tls=$folder/tls days=30
    as_server rm -rf "$tls"
    as_server mkdir "$tls"
    # Programs older than OpenSSL 3, and LibreSSL, take extensions from files only.
    as_server tee "$tls/ca.cnf" >/dev/null <<'END'
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = throw-away CA of a test server
[extensions]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
END
    as_server tee "$tls/server.cnf" >/dev/null <<'END'
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
    # PostgreSQL takes no key that others may read.
    (
        umask 077
        as_server openssl ecparam -name prime256v1 -genkey -noout -out "$tls/ca.key"
        as_server openssl ecparam -name prime256v1 -genkey -noout -out "$tls/server.key"
    )
    as_server chmod 600 "$tls/server.key"
    as_server openssl req -x509 -new -sha256 -config "$tls/ca.cnf" -key "$tls/ca.key" -days "$days" -out "$tls/ca.pem"
    as_server openssl req -new -sha256 -config "$tls/ca.cnf" -key "$tls/server.key" -subj /CN=localhost \
        -out "$tls/server.csr"
    as_server openssl x509 -req -sha256 -in "$tls/server.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -set_serial 1 \
        -extfile "$tls/server.cnf" -days "$days" -out "$tls/server.pem" 2>/dev/null
    as_server rm "$tls/ca.key" "$tls/ca.cnf" "$tls/server.cnf" "$tls/server.csr"
}

# Whether the files of an earlier run are there and stay valid for two more days.
has_certificate() {
    local name
    for name in server.key ca.pem server.pem; do
        as_server test -s "$folder/tls/$name" || return
    done
    as_server openssl verify -CAfile "$folder/tls/ca.pem" "$folder/tls/server.pem" >/dev/null 2>&1 &&
        as_server openssl x509 -checkend 172800 -noout -in "$folder/tls/server.pem" >/dev/null &&
        as_server openssl x509 -checkend 172800 -noout -in "$folder/tls/ca.pem" >/dev/null
}

tls=
if ! command -v openssl >/dev/null; then
    echo "${0##*/}: there is no openssl here, so the server starts without TLS and TEST_DATABASE_CA is not set" >&2
else
    has_certificate || make_certificate
    # Relative to the server's folder of data: pg_ctl hands the settings to a shell, and a path may have spaces.
    tls="-c ssl=on -c ssl_cert_file=../tls/server.pem -c ssl_key_file=../tls/server.key"
fi

settings="-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 -c shared_buffers=512MB \
    -c fsync=off -c synchronous_commit=off -c autovacuum=on -c max_wal_size=4GB \
    -c wal_level=minimal -c max_wal_senders=0 $tls"
for _ in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 12000))
    # Someone listens there already.
    ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || continue
    if as_server "$programs/pg_ctl" start -D "$folder/data" -s -w -t 60 -l "$folder/log" -o "-p $port $settings"; then
        started=yes
        break
    fi
done
if [ -z "$started" ]; then
    tail -n 20 "$folder/log" >&2 || true
    fail "PostgreSQL does not start"
fi

PGHOST=127.0.0.1 PGPORT=$port PGUSER=postgres PGDATABASE=postgres PGPASSWORD=$(cat "$folder/password")
export PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD
# TLS is for those that ask for it: it would be in every measurement, and between a test and what it listens to.
export TEST_DATABASE_URL="postgres://$PGUSER:$PGPASSWORD@$PGHOST:$PGPORT/$PGDATABASE?sslmode=disable"
unset TEST_DATABASE_CA
[ -z "$tls" ] || export TEST_DATABASE_CA="$folder/tls/ca.pem"

"$@"
