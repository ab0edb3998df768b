# The system's Python starts the sandbox, which brings everything else along.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo $$p; break; fi; done)
SANDBOX = $(if $(PYTHON),$(PYTHON) -m sandbox,$(error This machine has no Python 3.11 or newer with its venv module, and the sandbox starts with one: install it (Debian: apt-get install python3 python3-venv)))
BIN = .venv/bin
SIDE_BY_SIDE = -n 2 --dist loadfile
WORKFLOWS = .github/workflows/*.yml tests/golden/workflows/*/*.yml

.PHONY: help up down clean setup test lint unit end-to-end examples golden policy forecast gameday bench

help:  ## these lines
	@grep -E '^[a-z-]+: .*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 20

up:  ## set up, deploy the local stack, seed the demo database, back it up and prove the backup
	@$(SANDBOX) up

down:  ## stop everything that `make up` started
	@$(SANDBOX) down

clean:  ## stop it and remove it
	@$(SANDBOX) clean

setup:  ## bring the programs and the Python environment here, start nothing
	@$(SANDBOX) setup

test: lint  ## every check and every test, two at a time
	$(BIN)/pytest $(SIDE_BY_SIDE)

lint: quiet-setup  ## formatting, linter, types, workflows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	.sandbox/bin/actionlint -shellcheck $(BIN)/shellcheck $(WORKFLOWS)
	$(BIN)/zizmor --offline --pedantic --quiet $(WORKFLOWS)
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows $(WORKFLOWS)

unit: quiet-setup  ## the tests that need no server
	$(BIN)/pytest $(SIDE_BY_SIDE) --ignore tests/end_to_end

end-to-end: quiet-setup  ## the tests with the real engine, emulators and databases
	$(BIN)/pytest $(SIDE_BY_SIDE) tests/end_to_end

examples: quiet-setup  ## run the local stack's workflows, and keep what their pages show in docs/examples/summaries
	NEONHUB_BACKUP_EXAMPLES=docs/examples/summaries $(BIN)/pytest tests/end_to_end/workflows

golden: quiet-setup  ## regenerate the committed copies of generated files
	$(BIN)/python -m tests.golden

policy: quiet-setup  ## what the rules say of a stack, such as STACK=prod, without a cloud; FORMAT=sarif
	@$(BIN)/python -m tests.policies $(STACK) $(FORMAT)

forecast: quiet-setup  ## what a stack will keep and cost, such as STACK=prod; SIZE=50 GROWTH=5 to try
	@$(BIN)/python -m components.forecast $(STACK) $(if $(SIZE),--size $(SIZE)) $(if $(GROWTH),--growth $(GROWTH))

gameday: quiet-setup  ## break a throwaway database and its backups in seven ways, and come back: docs/gamedays; SHORT=1 records nothing
	$(BIN)/python -m sandbox.gameday $(if $(SHORT),--short,--record docs/gamedays)

bench: quiet-setup  ## the tool beside plain pipelines, an hour: docs/performance.md; PARTS="backups small" for some
	$(BIN)/python -m benchmarks.tool $(PARTS)

.PHONY: quiet-setup
quiet-setup:
	@$(SANDBOX) setup --quiet
