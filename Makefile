# Every command of the repository. CI calls nothing else (.ci/run). Logic lives in scripts/ and in the binary itself.
.DEFAULT_GOAL := help
.PHONY: help demo demo-check test e2e policy-test lint bless bench bench-reading coverage instructions bless-instructions soak-masking transparency fuzz clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## start throw-away databases with Jurat in front, run the tour, stay up
	@cargo run -p jurat -- demo

demo-check: ## run the tour on PostgreSQL, MariaDB and the playground, check every step, and README's transcript
	@scripts/demo-check

test: ## run every test; installs or starts what it needs
	@scripts/test

e2e: ## run only the end-to-end tests, against a real PostgreSQL
	@scripts/test e2e

policy-test: ## run the tests of the shipped policies
	@cargo run -q -p jurat -- test rego

lint: ## check format, lints, documentation and dependencies
	@scripts/lint

bless: ## rewrite the golden files from what the code says now; read the diff
	@BLESS=1 cargo test --workspace --exclude jurat-tests

bench: ## measure speed and memory against HAProxy and PgBouncer; ten minutes (ARGS="--only mysql": two)
	@scripts/ensure-postgres >/dev/null && scripts/ensure-relays && scripts/ensure-mariadb >/dev/null
	@cargo build --profile dist -p jurat
	@python3 bench/compare.py $(ARGS)

bench-reading: ## measure what reading a text costs that was never seen, beside the parser alone
	@cargo bench -q -p jurat-sql --bench reading

coverage: ## measure how much SQL is read, and write docs/sql-coverage.md; fifteen minutes
	@scripts/coverage

instructions: ## count the instructions of a statement and compare with bench/instructions.toml
	@scripts/instructions

bless-instructions: ## write the counts that the code has now; say why in the commit
	@scripts/instructions --bless

soak-masking: ## make 100,000 statements over masked columns, look for values that get out; an hour (STATEMENTS=n SEED=n)
	@scripts/soak-masking

transparency: ## run the drivers' own test suites directly and through Jurat; twenty minutes
	@scripts/transparency

fuzz: ## run each fuzz target for a minute; needs cargo-fuzz
	@scripts/fuzz

clean: ## remove build output; the cache folder stays
	@cargo clean
