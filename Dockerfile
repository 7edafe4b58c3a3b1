# syntax=docker/dockerfile:1
# The local runner, without its embedded database, and the indexer: DATABASE_URL says what to serve. compose.yaml shows how.

FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /source
COPY . .
# The caches keep what was downloaded and compiled for the next build of this image; the programs are taken out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/source/target,sharing=locked \
    cargo build --release --locked --package local --package indexer --no-default-features \
    && cp target/release/local target/release/indexer /

# The same Debian as above: its C library has to be as new as the one that the programs were linked with.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /local /indexer /usr/local/bin/
USER 65532:65532
# A container's own 127.0.0.1 cannot be published. Who may reach the port is for whoever publishes it to say, and what
# they have to prove is for AUTH_MODE, without which nothing starts. Pages of other names are kept out all the same.
ENV API_HOST=0.0.0.0 API_PORT=8000 ALLOWED_HOSTS=localhost
EXPOSE 8000
# Not whether the database answers: another container would not help it.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --start-interval=1s CMD ["local", "healthcheck"]
ENTRYPOINT ["local"]
