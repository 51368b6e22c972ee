# The two commands are `make run` and `make test`. Both set a bare machine up first; see .ci/setup.
SHELL := /bin/bash
CACHE := $(or $(TAKINGS_CACHE),$(HOME)/.cache/takings)
# The environment that the set-up left: the toolchain, the tools, where compiled things are kept.
ENV := . $(CACHE)/env && export SQLX_OFFLINE=true
BUILD := cargo leptos build --release --precompress
ADDR := $(or $(TAKINGS_ADDR),127.0.0.1:3000)

.PHONY: run test test-server test-api test-browser test-fuzz build setup watch check fmt bench bench-peers bench-voice peers sqlx deny weights env

## Set up, build, and start Takings with the demo shop.
run: build
	@$(ENV) && exec "$$CARGO_TARGET_DIR/release/takings" demo --addr $(ADDR)

## Every test: unit, property, PostgreSQL, HTTP, sockets, fuzzing, weights, the API's specification, and Chromium.
test: test-server test-fuzz build weights test-api test-browser

test-server: setup
	@$(ENV) && .ci/with-postgres cargo test --features ssr

## The readers of strangers' files and bodies against a fuzzer, 15 s each; FUZZ_SECONDS=3600 for longer.
test-fuzz: setup
	@$(ENV) && .ci/fuzz

## Holds the API against its specification.
test-api: build
	@$(ENV) && .ci/schemathesis

test-browser: build
	@$(ENV) && cd end2end && TAKINGS_BIN="$$CARGO_TARGET_DIR/release/takings" npx playwright test

## The release binary and the site.
build: setup
	@$(ENV) && $(BUILD)

setup:
	@.ci/setup

## Rebuild and reload on every change.
watch: setup
	@$(ENV) && .ci/with-postgres cargo leptos watch -- serve

## What CI checks before the tests.
check: setup
	@$(ENV) && cargo fmt --check
	@$(ENV) && cargo clippy --features ssr --all-targets -- -D warnings
	@$(ENV) && cargo clippy --features hydrate --lib --target wasm32-unknown-unknown -- -D warnings

fmt: setup
	@$(ENV) && cargo fmt

## Load figures; docs/benchmarks.md says what they mean. Pass BENCH="ingest --connections 64" for one of them.
bench: build peers
	@$(ENV) && cargo run --release --features ssr --bin load -- $(or $(BENCH),all)

## Of these the figures beside Express with ws, Express with Socket.IO, and Bun.
bench-peers: BENCH = peers all
bench-peers: bench

## Voice in real browsers: how soon connected, how late heard, what lost packets do.
bench-voice: build
	@$(ENV) && cd end2end && TAKINGS_BIN="$$CARGO_TARGET_DIR/release/takings" npx playwright test --config measures.config.ts

## What those servers are made of, from npm.
peers:
	@cd benches/peers && npm ci --no-audit --no-fund --loglevel=error

## Checks every query against the migrations and keeps what the build needs in .sqlx.
sqlx: setup
	@$(ENV) && unset SQLX_OFFLINE && .ci/with-postgres .ci/sqlx

weights: build
	@$(ENV) && .ci/weights

deny: export TAKINGS_TOOLS := all
deny: setup
	@$(ENV) && cargo deny check licenses bans sources

## Prints what `eval` needs to call cargo by hand: eval "$(make env)"
env: setup
	@cat $(CACHE)/env
