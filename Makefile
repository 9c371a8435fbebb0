# Needs python3 (3.11 or newer) and make; the rest is fetched, each file checked against the locks.
.POSIX:

# The first of these that is new enough makes .venv.
PYTHONS = python3 python3.13 python3.12 python3.11
PY = .venv/bin/python
# Flask-Principal is the one library without a wheel; nothing else runs code of its own to be installed.
INSTALL = $(PY) -m pip install -qq --disable-pip-version-check --require-hashes \
	--only-binary=:all: --no-binary=flask-principal
COMPILE = PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND="make lock" $(PY) -m piptools compile --quiet \
	--generate-hashes --allow-unsafe --no-strip-extras --no-annotate --no-emit-options \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links
# For example: make test ARGS="-k parcels", make bench ARGS="--orders 10k", make lock UPGRADE=--upgrade
ARGS =
JOBS = 2
# make races ROUNDS=1000 KILLS=500 DB=sqlite (or postgresql; both where none is named)
ROUNDS = 100
KILLS = 50
DB =
# make kill KILLS=200 DB=postgresql
KILLS = 100
# make fuzz EXAMPLES=1000 SEED=7
EXAMPLES = 200
SEED = 1
UPGRADE =

.PHONY: help setup run test coverage races kill fuzz walls check bench lock clean
.NOTPARALLEL:

help: ## say what can be made
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile

setup: .venv/core ## make .venv and place the browser's files
	@case "$$TRADEPOST_DATABASE_URL" in postgres*) $(MAKE) -s .venv/postgres;; esac
	@case "$$TRADEPOST_OIDC_ISSUER" in ?*) $(MAKE) -s .venv/oidc;; esac
	@$(PY) app/assets.py

run: setup ## set up and run the desk; Ctrl-C ends it
	@exec .venv/bin/flask --app app serve

test: .venv/dev setup ## set up and run all tests
	@$(CHROMIUM)
	$(PY) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -rs $(ARGS)

coverage: ## run all tests and say how much of app they reach, branches counted (half as long again)
	@$(MAKE) -s test ARGS="--cov --cov-report= $(ARGS)"
	@echo "Coverage of app, branches counted: $$($(PY) -m coverage report --format=total) %"

races: .venv/dev setup ## many requests at once, acts in any sequence, workers killed; who won is printed
	TRADEPOST_RACES=$(ROUNDS) TRADEPOST_KILLS=$(KILLS) $(PY) -m pytest -n 0 -k "$(DB)" \
		tests/races tests/rules/test_machine.py tests/mails/test_kills.py tests/hooks/test_killed.py

kill: .venv/dev setup ## kill the running desk while programs write; what was answered must be there
	TRADEPOST_KILLS=$(KILLS) $(PY) -m pytest -n 0 -k "$(DB)" tests/kill tests/connector/test_killed.py

fuzz: .venv/dev setup ## requests made up from the API document, to a running desk; what was answered is printed
	TRADEPOST_FUZZ=$(EXAMPLES) TRADEPOST_SEED=$(SEED) $(PY) -m pytest -n 0 -q tests/fuzz -k many

walls: .venv/dev setup ## try every door as everybody, with all that is hostile; how much was tried is printed
	@$(CHROMIUM)
	TRADEPOST_WALLS=whole $(PY) -m pytest -n $(JOBS) --dist worksteal -rs $(ARGS) tests/security \
		tests/browser tests/house/test_permissions.py tests/house/test_csrf.py

check: .venv/dev ## lint, format, types and floors
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo

bench: .venv/dev setup ## measure our paths beside their floors and a peer
	@$(PY) -m tests.bench $(ARGS)

lock: .venv/dev ## write the lock files anew from pyproject.toml
	@$(PY) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "make lock: use the oldest Python, 3.11")'
	$(COMPILE) $(UPGRADE) --output-file requirements.lock pyproject.toml
	$(COMPILE) $(UPGRADE) --extra postgres --constraint requirements.lock --output-file requirements-postgres.lock pyproject.toml
	$(COMPILE) $(UPGRADE) --extra oidc --constraint requirements.lock --output-file requirements-oidc.lock pyproject.toml
	$(COMPILE) $(UPGRADE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

clean: ## remove what tools left; .venv and instance stay
	rm -rf static/vendor .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache \
		.ruff_cache test-results
	find . -path ./.venv -prune -o -name __pycache__ -prune -exec rm -rf {} +

# Stamps: what a lock asks for is installed.
.venv/core: requirements.lock .venv/bin/pip
	@echo "Installing the libraries of requirements.lock ..."
	@$(INSTALL) -r requirements.lock
	@touch $@

.venv/postgres: requirements-postgres.lock .venv/bin/pip
	@echo "Installing the libraries of requirements-postgres.lock ..."
	@$(INSTALL) -r requirements-postgres.lock
	@touch $@ .venv/core

.venv/oidc: requirements-oidc.lock .venv/bin/pip
	@echo "Installing the libraries of requirements-oidc.lock ..."
	@$(INSTALL) -r requirements-oidc.lock
	@touch $@ .venv/core

.venv/dev: requirements-dev.lock .venv/bin/pip
	@echo "Installing the libraries of requirements-dev.lock ..."
	@$(INSTALL) -r requirements-dev.lock
	@touch $@ .venv/core

.venv/bin/pip:
	@for python in $(PYTHONS); do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		"$$python" -c 'import ensurepip, venv' 2>/dev/null || { \
			echo "$$python lacks venv or ensurepip. Debian: apt-get install python3-venv" >&2; exit 1; }; \
		exec "$$python" -m venv .venv; \
	done; echo "No Python 3.11 or newer found among: $(PYTHONS)" >&2; exit 1

# The browser tests need a Chromium, the first of these that is there; where none can be had they are skipped,
# and say so. The one without a window does the same with two thirds of the work.
BROWSERS = chromium-headless-shell chromium chromium-browser google-chrome
CHROMIUM = for browser in $(BROWSERS); do \
		command -v $$browser >/dev/null && exit 0; \
	done; \
	[ "$$(id -u)" = 0 ] && sudo= || sudo="sudo -n"; \
	command -v apt-get >/dev/null && $$sudo true 2>/dev/null || { \
		echo "No Chromium, and no right to install one: the browser tests are skipped."; exit 0; }; \
	echo "Installing Chromium ..."; \
	$$sudo apt-get update -qq || :; for browser in chromium-headless-shell chromium; do \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y $$browser fonts-noto-cjk && exit 0; \
	done; \
	echo "Chromium could not be installed: where there is none, the browser tests are skipped."
