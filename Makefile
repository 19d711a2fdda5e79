# Two commands matter: `make up` and `make test`. `make help` lists all.
.DEFAULT_GOAL := help
.PHONY: help up test test-compose check check-python check-generated check-web check-extension extension vitest format wire web bench chaos soak drill images lock clean

PYTHON ?= python3
REPLICAS ?= 1
# Of the tests. Two thirds of their time are waiting, so three are right for two cores.
WORKERS ?= 3
VENV := .venv
BIN := $(VENV)/bin
# Each stamp is as old as the last run of the step that it names.
LOCAL := $(VENV)/.installed-local
DEV := $(VENV)/.installed-dev
NODE_MODULES := web/node_modules/.installed
PAGE := web/dist/index.html
EXTENSION_MODULES := extension/node_modules/.installed
EXTENSION := extension/dist/chrome/manifest.json
# Of the page it has the wire's types and the colours.
EXTENSION_SOURCES := $(shell find extension web/src/wire web/src/tokens.css -type f -not -path '*/node_modules/*' -not -path 'extension/dist/*' -not -name '*.test.ts' 2>/dev/null)
PAGE_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path 'web/dist/*' -not -name '*.test.ts' 2>/dev/null)

# HOST and PORT count when given to make: some shells export a HOST of their own.
ifeq ($(origin HOST),command line)
export WT_HOST := $(HOST)
endif
ifeq ($(origin PORT),command line)
export WT_PORT := $(PORT)
endif
export PYTHON

help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  make up HOST=0.0.0.0 PORT=8000 REPLICAS=2    WT_… variables are read too'

up: $(LOCAL) $(PAGE) ## Install, build and run everything here: http://127.0.0.1:8000
	@exec $(BIN)/python -m services --replicas $(REPLICAS)

test: check vitest $(PAGE) $(EXTENSION) ## Install what tests need and run all of them
	@.ci/prerequisites test
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) $(ARGS)

check: check-python check-generated check-web check-extension ## Lint, format, types, imports, generated files

check-python: $(DEV)
	$(BIN)/ruff check services tests
	$(BIN)/ruff format --check services tests
	$(BIN)/mypy
	$(BIN)/lint-imports

check-generated: $(DEV) $(NODE_MODULES)
	@$(BIN)/python -m services.common.wire.schema --out $(VENV)/wire.schema.json --protocol $(VENV)/PROTOCOL.md
	@cmp $(VENV)/wire.schema.json web/src/wire/wire.schema.json && cmp $(VENV)/PROTOCOL.md PROTOCOL.md \
	  || { echo 'the wire types have changed: run `make wire`' >&2; exit 1; }
	@cp web/src/wire/wire.gen.ts $(VENV)/wire.gen.ts && cd web && npm run --silent wire && cmp ../$(VENV)/wire.gen.ts src/wire/wire.gen.ts \
	  || { echo 'web/src/wire/wire.gen.ts was stale, and is new now: commit it' >&2; exit 1; }

check-web: $(NODE_MODULES)
	cd web && npm run --silent check

check-extension: $(EXTENSION)
	cd extension && npm run --silent check && npm run --silent lint:firefox

vitest: $(NODE_MODULES) $(EXTENSION_MODULES)
	cd web && npm run --silent test
	cd extension && npm run --silent test

format: $(DEV) $(NODE_MODULES) $(EXTENSION_MODULES) ## Format Python and TypeScript
	$(BIN)/ruff check --fix-only services tests
	$(BIN)/ruff format services tests
	cd web && npm run --silent format
	cd extension && npm run --silent format

wire: $(DEV) $(NODE_MODULES) ## Write the page's types and PROTOCOL.md from services/common/wire
	$(BIN)/python -m services.common.wire.schema --out web/src/wire/wire.schema.json --protocol PROTOCOL.md
	cd web && npm run --silent wire

web: $(PAGE) ## Build the page

extension: $(EXTENSION) ## Build the browser's extension: extension/dist has a folder and a zip for each browser

bench: $(DEV) ## Measure, into docs/benchmarks.md; asserts nothing (ARGS=--quick for a quarter of an hour)
	@set -e; for file in tests/bench/[!_]*.py; do \
	  name=$$(basename "$$file" .py); echo "== $$name"; \
	  $(BIN)/python -m "tests.bench.$$name" --json "docs/benchmarks/$$name.json" $(ARGS); \
	done; $(BIN)/python -m tests.bench.parts.report

test-compose: $(DEV) ## Bring compose.yaml up from a clean clone, to a room that plays (needs podman or docker)
	$(BIN)/python -m pytest tests/operations $(ARGS)

MINUTES ?= 30
chaos: MINUTES = 20
chaos: $(DEV) $(PAGE) ## Kill, freeze and cut replicas, Redis and networks for MINUTES (20), then a whole house behind nginx; mutated frames; a crooked origin
	$(BIN)/python -m tests.chaos.party --minutes $(MINUTES) $(ARGS)
	$(BIN)/python -m tests.chaos.evening --minutes $(MINUTES) $(ARGS)
	$(BIN)/python -m tests.chaos.fuzz
	$(BIN)/python -m tests.chaos.torture --minutes 10

soak: $(DEV) $(PAGE) ## Run rooms, guests and streams for MINUTES (30): memory, descriptors and keys must stay flat; two elements for 10, disturbed
	$(BIN)/python -m tests.chaos.soak --minutes $(MINUTES) $(ARGS)
	$(BIN)/python -m tests.chaos.pair

drill: $(DEV) ## Restart every replica of every service under 500 sockets and 20 players: nobody must notice
	$(BIN)/python -m tests.drill $(ARGS)

ENGINE ?= $(firstword $(foreach name,docker podman,$(if $(shell command -v $(name)),$(name))))
# Podman's own format has no health check.
IMAGE_FLAGS = $(if $(findstring podman,$(ENGINE)),--format docker)
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
# As the environment names them; BUILD_FLAGS is for engines that need more, such as --network=host.
images: ## Build a container image for each service
	@[ -n "$(ENGINE)" ] || { echo 'missing: docker or podman.  install it:  sudo apt install podman' >&2; exit 1; }
	@set -e; for service in gateway sync resolver proxy; do \
	  $(ENGINE) build $(IMAGE_FLAGS) $(BUILD_FLAGS) --file services/Dockerfile --target $$service \
	    --build-arg PIP_INDEX_URL --build-arg PIP_EXTRA_INDEX_URL --build-arg NPM_CONFIG_REGISTRY \
	    --build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse --short HEAD 2>/dev/null || echo unknown) \
	    --tag watch-together/$$service:$(VERSION) .; done

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --no-annotate --no-header pyproject.toml
lock: $(DEV) ## Pin every dependency anew, with hashes
	$(COMPILE) --upgrade --extra dev -o requirements/dev.txt
	@set -e; for extra in local gateway sync resolver proxy; do \
	  $(COMPILE) --upgrade --constraint requirements/dev.txt --extra $$extra -o requirements/$$extra.txt; done

clean: ## Remove what the commands made, except data
	rm -rf $(VENV) web/node_modules web/dist extension/node_modules extension/dist build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find services tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@.ci/prerequisites python node
	@$(PYTHON) -m venv $(VENV)

$(LOCAL): requirements/local.txt $(BIN)/python
	@echo 'installing the services (once)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/local.txt
	@touch $@

$(DEV): requirements/dev.txt $(BIN)/python
	@echo 'installing what development needs (once)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

# Not `npm ci`: a lock made where a mirror lacks other platforms' optional packages has no entries for them, and `ci`
# calls that broken. This keeps every version and hash of the lock just as well, and leaves the lock alone.
$(NODE_MODULES): web/package.json web/package-lock.json
	@.ci/prerequisites node
	@echo "installing the page's tools (once)"
	@cd web && npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

$(PAGE): $(NODE_MODULES) $(PAGE_SOURCES)
	@echo 'building the page'
	@cd web && npm run --silent build
	@touch $@

$(EXTENSION_MODULES): extension/package.json extension/package-lock.json
	@.ci/prerequisites node
	@echo "installing the extension's tools (once)"
	@cd extension && npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

$(EXTENSION): $(EXTENSION_MODULES) $(EXTENSION_SOURCES)
	@echo 'building the extension'
	@cd extension && npm run --silent build
	@touch $@
